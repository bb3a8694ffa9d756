"""Numbers said in words: "three hundred and twenty", "三百二十", "两千五", "12.5 万".

Every reader takes a whole text and gives None unless all of it is one well-formed number: "five six" is none. Values are
exact.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_SMALL = {word: i for i, word in enumerate([*_ONES.split(), "eighteen", "nineteen"])}
_TENS = {word: 10 * i for i, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
ENGLISH = frozenset([*_SMALL, *_TENS, *_SCALES, "hundred"])
"""Words that numbers are made of, but for "and", "a" and "point"."""

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_UNITS = {"十": 10, "百": 100, "千": 1000}
CHINESE = "零〇一二两三四五六七八九十百千万亿点"
SCALES = {"百": 100, "千": 1000, "万": 10**4, "亿": 10**8, "百万": 10**6, "千万": 10**7, **_SCALES, "k": 1000}
"""What may follow a number in digits."""
_PLAIN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+")


def digits(text: str) -> Fraction | None:
    """A number in digits: "1,234.5". None for "007", "1,2" and "1.2.3", which are no amounts."""
    return Fraction(text.replace(",", "")) if _PLAIN.fullmatch(text) else None


def english(words: Sequence[str]) -> Fraction | None:
    """The number that `words` (lower case, hyphens split) say."""
    words = [*words]
    if words and words[0] == "a" and words[1:2] and words[1] in ("hundred", *_SCALES):
        words[0] = "one"
    if "point" in words:
        place = words.index("point")
        after = [_SMALL.get(word, 99) for word in words[place + 1 :]]
        whole = _whole(words[:place])
        if whole is None or not after or max(after) > 9:
            return None
        return whole + Fraction("0." + "".join(map(str, after)))
    return _whole(words)


def runs(words: Sequence[str]) -> list[Fraction]:
    """The numbers in a text of many words, each as long as it can be."""
    found: list[Fraction] = []
    place = 0
    while place < len(words):
        ends = range(min(len(words), place + 16), place, -1) if words[place] in ENGLISH or words[place] == "a" else ()
        end = next((e for e in ends if words[e - 1] in ENGLISH and english(words[place:e]) is not None), None)
        if end is not None:
            found.append(english(words[place:end]) or Fraction(0))
        place = end or place + 1
    return found


def _whole(words: Sequence[str]) -> Fraction | None:
    total, limit, group = 0, 10**12, list[str]()
    for word in words:
        scale = _SCALES.get(word)
        if scale is None:
            group.append(word)
            continue
        part = _below_thousand(group)
        if part is None or scale >= limit:
            return None
        total, limit, group = total + part * scale, scale, []
    if group[:1] == ["and"] and total:
        group = group[1:]
    rest = _below_thousand(group) if group else 0
    return None if rest is None or not words or (rest and rest >= limit) else Fraction(total + rest)


def _below_thousand(words: Sequence[str]) -> int | None:
    match list(words):
        case [one, "hundred"] if 0 < _SMALL.get(one, 0) < 10:
            return 100 * _SMALL[one]
        case [one, "hundred", "and", *rest] | [one, "hundred", *rest] if 0 < _SMALL.get(one, 0) < 10 and rest:
            below = _below_hundred(rest)
            return 100 * _SMALL[one] + below if below else None
        case rest:
            return _below_hundred(rest)


def _below_hundred(words: Sequence[str]) -> int | None:
    match list(words):
        case [word] if word in _SMALL:
            return _SMALL[word]
        case [ten] if ten in _TENS:
            return _TENS[ten]
        case [ten, one] if ten in _TENS and 0 < _SMALL.get(one, 0) < 10:
            return _TENS[ten] + _SMALL[one]
        case _:
            return None


def chinese(text: str) -> Fraction | None:
    """The number that Chinese numerals say, as people say it: 三百二 is 320, 二〇二五 is 2025, 一万二 is 12,000."""
    whole, point, after = text.partition("点")
    if point:
        below = [_DIGITS.get(char, -1) for char in after]
        value = chinese(whole)
        if value is None or not below or min(below) < 0:
            return None
        return value + Fraction("0." + "".join(map(str, below)))
    if len(text) > 1 and all(char in _DIGITS for char in text):
        return Fraction(int("".join(str(_DIGITS[char]) for char in text))) if text[0] not in "零〇" else None
    for scale, size in (("亿", 10**8), ("万", 10**4)):
        if scale in text:
            head, _, rest = text.rpartition(scale)
            many = chinese(head) if head else None
            low = _rest(rest, size)
            return None if many is None or low is None or low >= size else many * size + low
    return _section(text)


def _rest(text: str, size: int) -> Fraction | None:
    if not text:
        return Fraction(0)
    if len(text) == 1 and _DIGITS.get(text, 0) > 0:
        return Fraction(_DIGITS[text] * size // 10)
    return chinese(text.removeprefix("零")) if len(text.removeprefix("零")) else None


def _section(text: str) -> Fraction | None:
    """Below ten thousand."""
    total, last, digit, zero = 0, 10_000, None, False
    for place, char in enumerate(text):
        if char in "零〇" and len(text) > 1:
            if digit is not None or place == 0:
                return None
            zero = True
        elif char in _DIGITS:
            if digit is not None:
                return None
            digit = _DIGITS[char]
        elif char in _UNITS:
            if _UNITS[char] >= last or (digit is None and (char != "十" or place)) or digit == 0:
                return None
            total, last = total + (1 if digit is None else digit) * _UNITS[char], _UNITS[char]
            digit, zero = None, False
        else:
            return None
    if digit is None:
        return None if zero or not text else Fraction(total)
    spoken_short = last in (100, 1000) and not zero
    return Fraction(total + digit * (last // 10 if spoken_short else 1))
