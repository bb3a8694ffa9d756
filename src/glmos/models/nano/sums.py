"""Sums and unit conversions in words: from a question without any file to one SELECT of literals, and back to words.

    "if a shirt costs 49.90 and is 30 % off, what do I pay"  ->  SELECT (49.9e0 * (1e0 - (30e0 / 100e0)))  ->  34.93

`phrases` holds the ways to ask; this reads a question by all of them. A question is answered only if every character of
it is accounted for, and if all phrases that fit it give the same value. The value is known here exactly before any engine is
asked: what the engine gives is held against it, and a second engine then bears the engine out.
"""

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from glmos.models.nano import formula, phrasebook
from glmos.models.nano.formula import UndefinedError
from glmos.models.nano.phrases import Calculation, Column

LONGEST = 300
_CJK = "\u3400-\u9fff"
_SUPERSCRIPTS = {"²": "^2", "³": "^3"}
_BEFORE = re.compile(
    r"(?:(?:please|can you|could you|hey|hi|hello|so|ok|okay|tell me|do you know)(?:[ ,:]+|$)|"
    r"(?:请问|请你|请|麻烦|帮我|帮忙|你好|你能|那么)[,:]? ?)*",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"(?:(?:calculate|compute|work out|figure out|evaluate|solve|find|give me|what is|what's|whats|what are|how much is|"
    r"how much are|how much will be|what does|what do you get for|what would)(?: the)?(?:[ :]|$)|"
    r"(?:计算一下|计算|算一下|算一算|算算|算出|求一下|求|问):? ?)?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:,? please|,? thanks| equals?(?: to)?| come to| make| be|\s*=\s*|"
    r"[,，]?(?:结果)?(?:等于|是|为|得|有)?(?:多少|几|什么)(?:啊|呢|呀)?|等于)?$",
    re.IGNORECASE,
)
_MONEY = (
    r"(?:usd|eur|gbp|cny|rmb|jpy|dollars?|euros?|pounds?(?: sterling)?|yuan|yen|rupees?|francs?|[$€£¥]|"
    r"美元|欧元|英镑|人民币|日元|港币|卢布|韩元|元|块钱?)"
)
_EXCHANGE = re.compile(
    rf".*(?:\d|[一二两三四五六七八九十百千万]|{_MONEY}) ?{_MONEY}.*(?: in| to| into|是|换|兑|等于|合|值).*{_MONEY}.*|"
    rf".*{_MONEY} ?[\d.,]+ (?:in|to|into) {_MONEY}.*|.*(?:exchange rate|汇率).*",
    re.IGNORECASE,
)
_ZONES = re.compile(
    r".*\b(?:gmt|utc|[ecmp][sd]t|cest?|time ?zones?)\b.*|.*\d.*\b(?:time in|here in|over there)\b.*|"
    r"what time is it (?:now )?in .*|.*\d ?[ap]\.?m\.?\b.* in .*|.*(?:时区|北京时间|纽约时间|伦敦时间|东京时间).*",
    re.IGNORECASE,
)
_TODAY = re.compile(
    r".*(?:how many (?:days|weeks|months|hours)|what (?:time|day|date)) .*"
    r"\b(?:until|till|ago|from now|now|today|tomorrow|since)\b.*|"
    r"what (?:time|day|date) is it(?: now| today)?|.*(?:几点了|今天是几号|今天星期几|现在几点|距离今天|离今天).*",
    re.IGNORECASE,
)
_WORLD = [
    (_EXCHANGE, "exchange rates change from day to day, and it can look none up"),
    (_ZONES, "it knows no time zones, and their rules change"),
    (_TODAY, "it knows neither today's date nor the time"),
]


class Declined(NamedTuple):
    """A sum that is understood as one, and has no answer here."""

    reason: str


def read(question: str, *, alone: bool) -> Calculation | Declined | None:
    """The calculation that `question` asks for; None when it is none that is wholly understood.

    `alone`: no file was given, so that nothing else can be meant. Beside tables "the difference between 2024 and 2025" is not
    a sum.
    """
    text = normal(question)
    if text is None:
        return None
    found: list[Calculation] = []
    why = ""
    for form in dict.fromkeys(_forms(text)):
        try:
            found += phrasebook.readings(form)
        except UndefinedError as error:
            why = why or str(error)
    values = {tuple(column.exact for column in calculation.columns) for calculation in found}
    if len(values) == 1:
        return None if not alone and _only_years(text) else found[0]
    if why and not found:
        return Declined(why)
    world = next((reason for pattern, reason in _WORLD if pattern.fullmatch(text)), "")
    return Declined(world) if world and alone and not found else None


def sql(calculation: Calculation) -> str:
    """One SELECT of literals."""
    columns = ", ".join(f'{column.sql} AS "{column.name}"' for column in calculation.columns)
    return f"SELECT {columns}"


def word(calculation: Calculation, row: Sequence[Any]) -> str | None:
    """The answer, with how the question was read; None where the engine's row is not what the question comes to."""
    if len(row) != len(calculation.columns) or not all(map(_agrees, calculation.columns, row)):
        return None
    chinese = calculation.chinese
    pairs = [_spelled(column, value, chinese=chinese) for column, value in zip(calculation.columns, row, strict=True)]
    bare = {f"n{i}": number for i, (_, number) in enumerate(pairs)} | {
        f"a{i}": about for i, (about, _) in enumerate(pairs)
    }
    said = calculation.say.format(*("".join(pair) for pair in pairs), **bare)
    read_as = f"（理解为：{calculation.read_as}）" if chinese else f"(read as: {calculation.read_as})"
    return f"{said}\n{read_as}"


def normal(question: str) -> str | None:
    """The question in one form of each character and one space between words; None where that could change a number."""
    text = question.strip()
    for mark, plain in _SUPERSCRIPTS.items():
        text = text.replace(mark, plain)
    folded = unicodedata.normalize("NFKC", text)
    if len(folded) > LONGEST or "\n" in text:
        return None
    changed = [c for c in text if unicodedata.normalize("NFKC", c) != c]
    if any(unicodedata.category(c) in ("No", "Nl") for c in changed):
        return None
    folded = re.sub(rf"\s*([{_CJK}])\s*", r"\1", " ".join(folded.split()))
    return re.sub(r"[\s?？。]+$|(?<!\d)\.$|(?<=\d)\.$", "", folded)


def _forms(text: str) -> list[str]:
    """The question without what only asks."""
    polite = _BEFORE.match(text)
    bare = text[polite.end() :] if polite else text
    asked = _ASKING.match(bare)
    core = bare[asked.end() :].strip() if asked else bare
    forms = [bare, core]
    return [form for base in forms for form in (base, _AFTER.sub("", base).strip()) if form]


def _only_years(text: str) -> bool:
    numbers = re.findall(r"\d+(?:[.,:]\d+)*", text)
    return bool(numbers) and all(re.fullmatch(r"(?:1[6-9]|20)\d\d", n) for n in numbers)


def _agrees(column: Column, value: Any) -> bool:
    if isinstance(column.exact, str):
        return str(value)[:10] == column.exact
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(Fraction(value) - column.exact) <= max(abs(column.exact), Fraction(1)) / 10**9


def _spelled(column: Column, value: Any, *, chinese: bool) -> tuple[str, str]:
    """ "about ", where it is rounded, and the number."""
    if isinstance(column.exact, str):
        return "", str(value)[:10]
    text = formula.spell(float(value), column.exact, places=column.places)
    rounded = formula.is_rounded(column.exact, text)
    return ("约 " if chinese else "about ") if rounded else "", text


__all__ = ["Calculation", "Declined", "normal", "read", "sql", "word"]
