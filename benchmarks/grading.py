"""Does an answer in words give the cells it should? Used by `examples.py` to grade what a model answered.

The expected answer is the `answer` object of an example question (see examples/README.md). Grading is by rule, without a
model: numbers count when they are the expected ones as rounded by whoever worded the answer; names count whatever their
case, accents or width; an answer that puts another candidate first is wrong.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

SCALES = {"thousand": 3, "k": 3, "million": 6, "m": 6, "billion": 9, "b": 9, "bn": 9, "万": 4, "亿": 8}
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d\.)(?P<sign>[-−]?)(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.(?P<part>\d+))?"
    r"(?:\s?(?P<scale>thousand\b|million\b|billion\b|bn\b|[kmb]\b|万|亿))?",
    re.IGNORECASE,
)
GROUPING = re.compile(r"(?<=\d)[\u00a0\u202f'’](?=\d{3})")
DATE = re.compile(r"(?<!\d)\d{4}[-/年]\d{1,2}(?:[-/月]\d{1,2}日?|月)?(?!\d)")
CLOSE = 0.005
"""However an answer is rounded, it may not be further off than this part of the value."""


class Stated(NamedTuple):
    """A number as an answer states it."""

    value: float
    unit: float
    """What its last digit is worth: 0.1 for 3.5, 10,000 for 1.23 million."""


def is_right(text: str, answer: Mapping[str, Any]) -> bool:
    """Whether `text` gives every value of `answer`, in order where that matters, and no rival before them."""
    values: Sequence[Any] = answer["values"]
    plain = normal(text)
    names = [value for value in values if isinstance(value, str)]
    spellings: Mapping[str, Sequence[str]] = answer.get("spellings", {})
    places = [first_mention(plain, [name, *spellings.get(name, ()), *date_spellings(name)]) for name in names]
    if None in places:
        return False
    found = [place for place in places if place is not None]
    if answer.get("ordered") and found != sorted(found):
        return False
    rivals = [place for rival in answer.get("rivals", ()) if (place := first_mention(plain, [rival])) is not None]
    if rivals and max(found) > min(rivals):
        return False
    numbers = [value for value in values if not isinstance(value, str)]
    return all(states(plain, value, percent=answer.get("percent", False)) for value in numbers)


def states(plain: str, value: float, *, percent: bool = False) -> bool:
    """Whether a number in the text is `value`, rounded or not. A year may be part of a date, other numbers not."""
    text = plain if _may_be_year(value) else DATE.sub(" ", plain)
    wanted = (value, value / 100) if percent else (value,)
    return any(_agrees(number, target) for number in numbers_in(text) for target in wanted)


def _may_be_year(value: float) -> bool:
    return value == int(value) and 1800 <= value <= 2100


def _agrees(number: Stated, target: float) -> bool:
    error = abs(number.value - target)
    return error <= number.unit / 2 * (1 + 1e-9) and error <= CLOSE * abs(target)


def numbers_in(plain: str) -> Iterator[Stated]:
    """Every number, with and without the scale word behind it (`5 m` may be metres)."""
    for match in NUMBER.finditer(plain):
        part = match["part"] or ""
        digits = re.sub(r"\D", "", match["whole"])
        value = float(f"{'-' if match['sign'] else ''}{digits}.{part or 0}")
        yield Stated(value, 10.0 ** -len(part))
        if match["scale"]:
            power = SCALES[match["scale"].lower()]
            yield Stated(value * 10**power, 10.0 ** (power - len(part)))


def normal(text: str) -> str:
    """One form of a text: no accents, no full-width letters, no case, single spaces, thousands grouped by commas."""
    grouped = GROUPING.sub(",", text.replace("，", "， "))
    bare = "".join(c for c in unicodedata.normalize("NFKD", grouped) if not unicodedata.combining(c))
    return re.sub(r"[ \t\r\n]+", " ", bare).casefold()


def first_mention(plain: str, spellings: Sequence[str]) -> int | None:
    """Where one of the spellings first stands as a word; Chinese stands anywhere."""
    places = [match.start() for name in map(normal, spellings) if (match := re.search(_as_word(name), plain))]
    return min(places, default=None)


def _as_word(name: str) -> str:
    """A pattern for `name` that is not part of a longer word or number; Chinese may touch either."""
    letters = "[a-z0-9_]"
    ahead = rf"(?<!{letters})" if re.match(letters, name) else ""
    behind = rf"(?!{letters})" if re.search(f"{letters}$", name) else ""
    return ahead + re.escape(name) + behind


def date_spellings(name: str) -> list[str]:
    """Other ways to write an ISO date; none for anything else."""
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return []
    month, short = day.strftime("%B"), day.strftime("%b")
    y, m, d = day.year, day.month, day.day
    chinese, slashes = f"{y}年{m}月{d}日", [f"{y}/{m:02d}/{d:02d}", f"{y}/{m}/{d}"]
    return [f"{w} {d}{c} {y}" for w in (month, short) for c in (",", "")] + [
        *(f"{d} {w} {y}" for w in (month, short)), chinese, *slashes,
    ]  # fmt: skip
