"""Numbers as people write them, and when two of them say the same.

A number in a result may be rounded, given in percent, or scaled (`1.2 million`, `3万`) against the one it was read from.
It may not have another sign or another unit: `a profit of 500` is not `-500`, `1,500 kg` is not `1500 g`.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from typing import NamedTuple

from glmos.abi import numerals

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?:(?<!\w)[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+(?![A-Za-z]))?"
)
"""A number; not the digits of a name such as `c3` or `Q4`."""
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9, "万": 1e4, "亿": 1e8}
_SCALED = re.compile(r"\s*(k|thousand|million|m|billion|bn|万|亿)(?![a-z])", re.IGNORECASE)

_UNIT_WORDS = {
    "%": "% percent pct 个百分点",
    "mg": "mg 毫克", "g": "g gram grams 克", "kg": "kg kilo kilos kilogram kilograms 公斤 千克", "t": "tonne tonnes 吨",
    "lb": "lb lbs pound-weight", "oz": "oz ounce ounces",
    "mm": "mm 毫米", "cm": "cm 厘米", "km": "km kilometre kilometres kilometer kilometers 公里 千米",
    "mi": "mi mile miles 英里", "ft": "ft feet foot 英尺", "metre": "metre metres meter meters 米",
    "ms": "ms millisecond milliseconds 毫秒", "s": "s sec secs second seconds 秒", "minute": "minute minutes mins 分钟",
    "h": "h hr hrs hour hours 小时", "day": "day days 天", "week": "week weeks 周 星期", "month": "month months 个月",
    "usd": "$ usd dollar dollars 美元", "eur": "€ eur euro euros 欧元", "gbp": "£ gbp pounds 英镑",
    "cny": "¥ cny rmb yuan 元 人民币", "jpy": "jpy yen 日元", "b": "byte bytes 字节", "kb": "kb kib", "mb": "mb mib",
    "gb": "gb gib", "tb": "tb tib", "°c": "°c celsius 摄氏度", "°f": "°f fahrenheit",
}  # fmt: skip
_UNITS = {word: unit for unit, words in _UNIT_WORDS.items() for word in words.split()}
_UNIT = re.compile(
    r"\s?(" + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True)) + r")(?![A-Za-z/²³])", re.IGNORECASE
)
_BEFORE = re.compile(r"(\$|€|£|¥|\busd|\beur|\bgbp|\bcny)\s?$", re.IGNORECASE)

_TURNED = re.compile(
    r"\b(?:loss|los[et]|lost|fell|fall|falls|falling|down|drop|declin|decreas|minus|negative|less|lower|fewer|below|under|"
    r"short|behind|deficit|shrank|shrunk|reduc|worse|ago|earlier)|亏|负|减|降|跌|少|低|滑|落后|不足|缺|欠|前"
    , re.IGNORECASE,
)  # fmt: skip
"""Words that say in words what a minus sign says: `a loss of 500`."""
_NEAR = 60
"""Characters around a number in which such a word counts."""


class Number(NamedTuple):
    """A number as written."""

    text: str
    value: float
    """With a following scale word applied."""
    precision: float
    """Half a unit of the last digit written, scaled: how far the true value may be off."""
    unit: str = ""
    turned: bool = False
    """A word near it may stand for a minus sign."""
    start: int = 0
    """Where it begins in the text."""


def numbers(text: str) -> list[Number]:
    """The numbers in a text, thousands separators and scale words (`1.2 million`, `3万`) understood."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text):
        written = match.group().replace(",", "").replace("−", "-")
        scale_word = _SCALED.match(text, match.end())
        scale = _SCALES[scale_word.group(1).lower()] if scale_word else 1.0
        mantissa = re.split("[eE]", written)[0]
        digits = len(mantissa.partition(".")[2])
        exponent = float("1" + written[len(mantissa) :]) if len(mantissa) < len(written) else 1.0
        end = scale_word.end() if scale_word else match.end()
        around = text[max(0, match.start() - _NEAR) : end + _NEAR]
        found.append(
            Number(
                match.group(), float(written) * scale, 0.5 * 10.0**-digits * scale * exponent,
                _unit(text, match.start(), end), _TURNED.search(around) is not None, match.start(),
            )
        )  # fmt: skip
    return found


def _unit(text: str, start: int, end: int) -> str:
    after = _UNIT.match(text, end)
    before = _BEFORE.search(text, max(0, start - 5), start)
    word = after.group(1) if after else before.group(1) if before else ""
    return _UNITS.get(word.lower(), "")


def says(stated: Number, known: Number) -> bool:
    """Whether `stated` may be said of a source that has `known`: as written, rounded, or as a percentage."""
    if not math.isfinite(stated.value):  # so far beyond all numbers that it would be near to each of them
        return stated.text == known.text
    percent, share = stated.unit == "%", known.unit == "%"
    if stated.unit and known.unit and stated.unit != known.unit:
        return False
    near = _nearness(stated)
    values = [known.value]
    if percent and not share:
        values.append(100 * known.value)
    if share and not percent:
        values.append(known.value / 100)
    turned = stated.turned or known.turned
    return any(abs(v - stated.value) <= near or (turned and abs(v + stated.value) <= near) for v in values)


def _nearness(stated: Number) -> float:
    """How far a value may be off and still be said by `stated`."""
    near = max(stated.precision, abs(stated.value) * 1e-9) * (1 + 1e-9)
    return min(near, 0.5) if stated.value == 0 else near


class Known:
    """Many numbers, ordered by size, so that those which a result could mean are found without looking at each."""

    def __init__(self, found: Iterable[tuple[str, Number]]) -> None:
        """`found`: (where, number). Of the same number in the same place one is kept."""
        kept = {(where, n.value, n.unit, n.turned, n.text): (where, n) for where, n in found}
        self._ordered = sorted(kept.values(), key=lambda x: abs(x[1].value))
        self._sizes = [abs(n.value) for _, n in self._ordered]

    def where(self, stated: Number) -> str | None:
        """Where a number stands that `stated` may be said of; None when it stands nowhere."""
        near, size = _nearness(stated) * (1 + 1e-9), abs(stated.value)
        for scale in (1.0, 0.01, 100.0) if math.isfinite(stated.value) else (1.0,):
            first = bisect_left(self._sizes, scale * (size - near))
            last = bisect_right(self._sizes, scale * (size + near))
            for where, known in self._ordered[first:last] if math.isfinite(near) else self._ordered:
                if says(stated, known):
                    return where
        return None


_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "both": 2, "half": 0.5, "dozen": 12, "january": 1, "february": 2, "march": 3,
    "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9, "october": 10, "november": 11,
    "december": 12, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5,
}  # fmt: skip
_CHINESE = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}


_NUMERALS = re.compile(f"[{numerals.CHINESE}]{{2,}}")


def in_words(text: str) -> list[Number]:
    """Numbers that a text spells out: `three sheets`, `三月`, `March`, `three hundred and twenty`, `三百二十`."""
    words = re.findall(r"[a-z]+", text.lower())
    values: list[float] = [_WORDS[w] for w in words if w in _WORDS]
    values += [_CHINESE[c] for c in text if c in _CHINESE]
    values += [float(v) for v in map(numerals.chinese, _NUMERALS.findall(text)) if v is not None]
    values += [float(v) for v in numerals.runs(words)]
    return [Number(str(v), float(v), 0.0) for v in dict.fromkeys(values)]


def replaced(text: str, instead: Callable[[Number], str | None]) -> str:
    """`text` with those numbers replaced for which `instead` gives other words."""
    parts, end = list[str](), 0
    for number in numbers(text):
        other = instead(number)
        if other is not None:
            parts += [text[end : number.start], other]
            end = number.start + len(number.text)
    return "".join(parts) + text[end:]
