"""Days and times of day as a question names them, and sums with them: "3 March 2025", "下午三点半", "18:40 plus 2 h 35 min".

Nothing here knows today's date or any time zone: a day has a year, or it is not read.
"""

import re
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from glmos.models.nano import arithmetic, units
from glmos.models.nano.formula import NotUnderstoodError, UndefinedError

_MONTHS = "january february march april may june july august september october november december".split()
_MONTH = "(?P<month>" + "|".join(f"{m}|{m[:3]}" if m != "may" else m for m in _MONTHS) + r"|sept)\.?"
_NUMBER = r"\d{1,4}|[零〇一二两三四五六七八九十]+"
_DAYS = [
    re.compile(r"(?P<year>\d{4})[-/](?P<number>\d{1,2})[-/](?P<day>\d{1,2})"),
    re.compile(rf"(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH},? (?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"{_MONTH} (?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})", re.IGNORECASE),
    re.compile(rf"(?P<year>{_NUMBER})年(?P<number>{_NUMBER})月(?P<day>{_NUMBER})[日号]"),
]
_CLOCKS = [
    re.compile(r"(?P<hour>\d{1,2})[:：](?P<minute>\d{2})(?: ?(?P<half>[ap])\.?m\.?)?(?: o'?clock)?", re.IGNORECASE),
    re.compile(r"(?P<hour>\d{1,2}) ?(?P<half>[ap])\.?m\.?", re.IGNORECASE),
    re.compile(
        rf"(?P<part>上午|早上|凌晨|下午|傍晚|晚上|中午)?(?P<hour>{_NUMBER})点(?:钟|整)?(?P<minute>半|一刻|三刻|(?:{_NUMBER})(?=分?$))?分?"
    ),
]
_LATE = ("下午", "傍晚", "晚上")
_SPOKEN = {"半": 30, "一刻": 15, "三刻": 45}


class Clock(NamedTuple):
    """A time of day."""

    hour: int
    minute: int

    @property
    def sql(self) -> str:
        """Minutes since midnight."""
        return f"({self.hour}e0 * 60e0 + {self.minute}e0)"

    @property
    def minutes(self) -> int:
        return self.hour * 60 + self.minute


class Span(NamedTuple):
    """A length of time in whole minutes."""

    minutes: int
    sql: str


def day(text: str) -> date:
    """The day that the whole of `text` names.

    Raises: NotUnderstoodError; UndefinedError for a day there never was.
    """
    match = next((m for pattern in _DAYS if (m := pattern.fullmatch(text.strip()))), None)
    if match is None:
        raise NotUnderstoodError(text)
    part = match.groupdict()
    month = _whole(part["number"]) if part.get("number") else 1 + _index(part["month"])
    try:
        return date(_whole(part["year"]), month, _whole(part["day"]))
    except ValueError:
        raise UndefinedError(f"there is no day {text.strip()!r}") from None


def shown(day: date, *, chinese: bool) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if chinese else f"{day.day} {day:%B} {day.year}"


def clock(text: str) -> Clock:
    """The time of day that the whole of `text` names.

    Raises: NotUnderstoodError.
    """
    plain = text.strip()
    if plain.lower() in ("noon", "midday"):
        return Clock(12, 0)
    match = next((m for pattern in _CLOCKS if (m := pattern.fullmatch(plain))), None)
    if match is None:
        raise NotUnderstoodError(text)
    part = match.groupdict()
    hour = _whole(part["hour"])
    minute = _SPOKEN.get(part.get("minute") or "", -1)
    minute = minute if minute >= 0 else _whole(part["minute"]) if part.get("minute") else 0
    half = (part.get("half") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise NotUnderstoodError(text)
        hour = hour % 12 + (12 if half == "p" else 0)
    named = part.get("part") or ""
    if named and (hour > 12 or (hour == 12) != (named == "中午")):
        raise NotUnderstoodError(text)  # 晚上十二点 may be either end of the night
    hour += 12 if named in _LATE else 0
    if hour > 23 or minute > 59:
        raise NotUnderstoodError(text)
    return Clock(hour, minute)


def span(text: str) -> Span:
    """A length of time. Raises: NotUnderstoodError, also where it is not of whole minutes."""
    found = units.convert(units.quantity(text), units.NAMES["minute"])[0]
    if found.term.value.denominator != 1 or found.term.value < 0:
        raise NotUnderstoodError(text)
    return Span(int(found.term.value), found.term.sql)


def later(start: date, days: int) -> date:
    """Raises: UndefinedError beyond the years 1 to 9999."""
    try:
        return start + timedelta(days=days)
    except OverflowError:
        raise UndefinedError("that is beyond the calendar") from None


def _whole(text: str) -> int:
    value: Fraction | None = Fraction(int(text)) if text.isdigit() else arithmetic.number(text)
    if value is None or value.denominator != 1:
        raise NotUnderstoodError(text)
    return int(value)


def _index(month: str) -> int:
    return next(i for i, name in enumerate(_MONTHS) if name.startswith(month.lower()[:3]))
