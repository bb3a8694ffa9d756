"""Stretches of time that a question names: "in 2025", "March 2025", "Q1 2024", "last year", "2025年3月".

A period is half open, [start, end), in ISO dates. Relative words count from `today`; a month without a
year takes the year of `today` as well. Nothing here reads a clock.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

_MONTHS = "january february march april may june july august september october november december".split()
_JOINING = frozenset(["and", "to", "-", "–", "through", "until", "till", "到", "至", "和"])
_NTH = ["first", "second", "third", "fourth"]
_MONTH = r"(?P<month>" + "|".join(f"{m}|{m[:3]}" if m != "may" else m for m in _MONTHS) + r"|sept)\.?"
_YEAR = r"(?P<year>(?:1[6-9]|20)\d\d)"
_PATTERNS = [
    re.compile(r"(?P<iso>(?:1[6-9]|20)\d\d-\d\d-\d\d)"),
    re.compile(r"(?P<isomonth>(?:1[6-9]|20)\d\d-\d\d)(?!-?\d)"),
    re.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? {_YEAR}\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{_MONTH},? {_YEAR}\b"),
    re.compile(rf"\b{_MONTH},? (?:of )?{_YEAR}\b"),
    re.compile(rf"\b(?:q(?P<quarter>[1-4])|(?P<nth>first|second|third|fourth) quarter)(?: of)?,? {_YEAR}\b"),
    re.compile(rf"{_YEAR} ?年 ?(?P<cnmonth>1[0-2]|0?[1-9]) ?月(?: ?(?P<day>\d{{1,2}}) ?[日号])?"),
    re.compile(rf"{_YEAR} ?年"),
    re.compile(r"\bq(?P<quarter>[1-4])\b"),
    re.compile(rf"\b(?<=in ){_MONTH}(?! \d)\b"),
    re.compile(r"\b(?P<relative>last|this|previous|past) (?P<unit>year|month|quarter|week)\b"),
    re.compile(r"(?P<cnrelative>去年|今年|上个月|上月|本月|这个月)"),
    re.compile(r"\b(?P<relativeday>today|yesterday)\b"),
    re.compile(rf"(?<![\d.,-]){_YEAR}(?![\d.,]*\d)"),
]
_CN_RELATIVE = {"去年": ("last", "year"), "今年": ("this", "year"), "上个月": ("last", "month"), "上月": ("last", "month"),
                "本月": ("this", "month"), "这个月": ("this", "month")}  # fmt: skip


class Period(NamedTuple):
    """Days from `start` up to, not including, `end`."""

    start: date
    end: date


class PeriodMention(NamedTuple):
    """A period and the characters [begin, end) of the question that name it."""

    period: Period
    begin: int
    end: int


def find_periods(question: str, today: date) -> list[PeriodMention]:
    """The periods named in `question`, longest wording first, not overlapping, in text order."""
    lowered = question.lower()
    found: list[PeriodMention] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(lowered):
            if any(match.start() < other.end and other.begin < match.end() for other in found):
                continue
            period = _read(match, today)
            if period is not None:
                found.append(PeriodMention(period, *match.span()))
    return _joined(sorted(found, key=lambda mention: mention.begin), lowered)


def _joined(mentions: list[PeriodMention], text: str) -> list[PeriodMention]:
    """ "between January and March 2025", "from 2025-01-01 to 2025-03-31": two ends of one period."""
    made: list[PeriodMention] = []
    for mention in mentions:
        ahead = text[: made[-1].begin].rstrip() if made else ""
        middle = text[made[-1].end : mention.begin].strip() if made else ""
        opened = ahead.endswith(("between", "from", "从", "在")) or middle in (
            "to",
            "-",
            "–",
            "through",
            "until",
            "till",
            "到",
            "至",
        )
        if made and opened and middle in _JOINING and made[-1].period.start < mention.period.end:
            first = made.pop()
            made.append(PeriodMention(Period(first.period.start, mention.period.end), first.begin, mention.end))
        else:
            made.append(mention)
    return made


def _read(match: re.Match[str], today: date) -> Period | None:
    part = {name: text for name, text in match.groupdict().items() if text}
    try:
        return next(_periods(part, today), None)
    except ValueError:  # 31 February and the like: words that only look like a date
        return None


def _periods(part: dict[str, str], today: date) -> Iterator[Period]:
    if "iso" in part:
        start = date.fromisoformat(part["iso"])
        yield Period(start, start + timedelta(days=1))
    if "isomonth" in part:
        yield months(int(part["isomonth"][:4]), int(part["isomonth"][5:]), 1)
    if "relativeday" in part:
        start = today - timedelta(days=part["relativeday"] == "yesterday")
        yield Period(start, start + timedelta(days=1))
    if "cnrelative" in part:
        part["relative"], part["unit"] = _CN_RELATIVE[part["cnrelative"]]
    if "unit" in part:
        yield _relative(part["unit"], back=part["relative"] != "this", today=today)
    year = int(part.get("year", today.year))
    month = int(part["cnmonth"]) if "cnmonth" in part else _month_number(part.get("month"))
    if month and "day" in part:
        start = date(year, month, int(part["day"]))
        yield Period(start, start + timedelta(days=1))
    if month:
        yield months(year, month, 1)
    if "quarter" in part or "nth" in part:
        quarter = int(part["quarter"]) if "quarter" in part else 1 + _NTH.index(part["nth"])
        yield months(year, 3 * quarter - 2, 3)
    yield months(year, 1, 12)


def months(year: int, month: int, count: int) -> Period:
    """`count` whole months from the first of `month`; a month outside 1..12 moves the year."""
    first, last = year * 12 + month - 1, year * 12 + month - 1 + count
    return Period(date(first // 12, first % 12 + 1, 1), date(last // 12, last % 12 + 1, 1))


def _relative(unit: str, *, back: bool, today: date) -> Period:
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return Period(monday, monday + timedelta(days=7))
    if unit == "year":
        return months(today.year - back, 1, 12)
    if unit == "quarter":
        return months(today.year, (today.month - 1) // 3 * 3 + 1 - 3 * back, 3)
    return months(today.year, today.month - back, 1)


def _month_number(name: str | None) -> int:
    return 1 + next(i for i, month in enumerate(_MONTHS) if month.startswith(name[:3])) if name else 0
