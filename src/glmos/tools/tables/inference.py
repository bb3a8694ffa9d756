"""What a column of text really holds. Conservative: a type counts only if every value that is not missing fits it.

A candidate is found on a sample, turned into an SQL expression, and then held against the whole column. Numbers with
leading zeros (postal codes, identifiers) and dates that could be read two ways stay text.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

MISSING = ("na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "—", "–", "?", "无", "暂无", "缺失", "不详")
"""Words for "no value" in a column of numbers or dates."""


LEADING_ZERO = r"[+-]?0\d+"


class Kind(NamedTuple):
    """A way to read a column: `pattern` (RE2) must match every value, `expression` makes it of `{v}`."""

    type: str
    pattern: str
    expression: str
    note: str = ""
    veto: Callable[[Sequence[str]], bool] | None = None
    """Looks at a sample: True when this reading must not be used."""


def _mixed_symbols(values: Sequence[str]) -> bool:
    return len({symbol for value in values for symbol in re.findall(r"[$€£¥￥₹]|元", value)}) > 1


def _only_groups(values: Sequence[str]) -> bool:
    """`1,234` alone could be either a group of thousands or a decimal comma."""
    return all(re.fullmatch(r"[+-]?\d{1,3},\d{3}", value) for value in values)


def _not_day_first(values: Sequence[str]) -> bool:
    return not any(int(re.split(r"[/.-]", value)[0]) > 12 for value in values)


def _not_month_first(values: Sequence[str]) -> bool:
    return not any(int(re.split(r"[/.-]", value)[1]) > 12 for value in values)


_PLAIN = r"(\d+\.?\d*|\.\d+)"
_GROUP = r"(,\d{3})+"
_GROUPED = rf"(\d{{1,3}}{_GROUP}|\d+)(\.\d+)?"
_STRIP = "TRY_CAST(regexp_replace({v}, '[^0-9.eE+-]', '', 'g') AS DOUBLE)"
_ACCOUNTING = (
    "CASE WHEN {v} LIKE '(%' THEN -TRY_CAST(regexp_replace({v}, '[^0-9.]', '', 'g') AS DOUBLE) ELSE " + _STRIP + " END"
)
_DMY = r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}"


def _dated(format_: str) -> str:
    return "TRY_CAST(try_strptime(regexp_replace({v}, '[/.]', '-', 'g'), '" + format_ + "') AS DATE)"


KINDS = (
    Kind("BOOLEAN", r"(?i:true|false)", "TRY_CAST({v} AS BOOLEAN)"),
    Kind("BIGINT", r"[+-]?\d{1,18}", "TRY_CAST({v} AS BIGINT)"),
    Kind("DOUBLE", rf"[+-]?{_PLAIN}([eE][+-]?\d+)?", "TRY_CAST({v} AS DOUBLE)"),
    Kind("BIGINT", r"[+-]?(\d{1,3}(,\d{3})+|\d{1,18})", "TRY_CAST(replace({v}, ',', '') AS BIGINT)"),
    Kind("DOUBLE", rf"[+-]?{_GROUPED}", _STRIP),
    Kind(
        "DOUBLE",
        rf"\(?[+-]?\s?[$€£¥￥₹]?\s?[+-]?{_GROUPED}\)?\s?[$€£¥￥₹元]?",
        _ACCOUNTING,
        "amounts without their currency sign",
        _mixed_symbols,
    ),
    Kind("DOUBLE", rf"[+-]?{_GROUPED}\s?[%％]", _STRIP, "percentages as numbers: 12.5% is 12.5"),
    Kind("DATE", r"\d{4}-\d{1,2}-\d{1,2}", "TRY_CAST({v} AS DATE)"),
    Kind("DATE", r"\d{4}[/.]\d{1,2}[/.]\d{1,2}", _dated("%Y-%m-%d")),
    Kind("DATE", r"\d{4}年\d{1,2}月\d{1,2}日", "TRY_CAST(try_strptime({v}, '%Y年%m月%d日') AS DATE)"),
    Kind("DATE", _DMY, _dated("%d-%m-%Y"), "dates were written day first", _not_day_first),
    Kind("DATE", _DMY, _dated("%m-%d-%Y"), "dates were written month first", _not_month_first),
    Kind(
        "DATE", r"\d{1,2}[ -][A-Za-z]{3}[ -]\d{4}", "TRY_CAST(try_strptime(replace({v}, '-', ' '), '%d %b %Y') AS DATE)"
    ),
    Kind("DATE", r"[A-Za-z]{3} \d{1,2}, \d{4}", "TRY_CAST(try_strptime({v}, '%b %d, %Y') AS DATE)"),
    Kind("DATE", r"[A-Za-z]{3,9} \d{1,2}, \d{4}", "TRY_CAST(try_strptime({v}, '%B %d, %Y') AS DATE)"),
    Kind("DATE", r"\d{1,2} [A-Za-z]{3,9} \d{4}", "TRY_CAST(try_strptime({v}, '%d %B %Y') AS DATE)"),
    Kind(
        "TIMESTAMP",
        r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?",
        "TRY_CAST({v} AS TIMESTAMP)",
    ),
    Kind(
        "TIMESTAMP",
        r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}(:\d{2})?",
        "TRY_CAST(replace({v}, '/', '-') AS TIMESTAMP)",
    ),
    Kind(
        "TIMESTAMP",
        r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)",
        "CAST(timezone('UTC', TRY_CAST({v} AS TIMESTAMPTZ)) AS TIMESTAMP)",
        "times in UTC",
    ),
)
_DECIMAL_COMMA = Kind(
    "DOUBLE",
    r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?",
    "TRY_CAST(replace(replace({v}, '.', ''), ',', '.') AS DOUBLE)",
    "decimal commas",
    _only_groups,
)


def candidates(sample: Sequence[str], *, semicolons: bool = False, words: bool = False) -> list[Kind]:
    """The readings that fit every value of a sample, likeliest first.

    Args:
        sample: Values without surrounding space, without empty and missing ones.
        semicolons: The file separates its fields by semicolons, so commas in numbers are decimal commas.
        words: The column was declared to hold text: only dates are looked for.
    """
    if not sample:
        return []
    kinds = [kind for kind in KINDS if not (semicolons and _GROUP in kind.pattern)]
    if semicolons:
        kinds.insert(3, _DECIMAL_COMMA)
    if words or leading_zeros(sample):
        kinds = [kind for kind in kinds if kind.type in ("DATE", "TIMESTAMP")]
    return [kind for kind in kinds if _fits(kind, sample)]


def leading_zeros(sample: Sequence[str]) -> bool:
    """Postal codes and identifiers: as numbers they would lose their zeros."""
    return any(re.fullmatch(LEADING_ZERO, value) for value in sample)


def ambiguous_dates(sample: Sequence[str]) -> bool:
    """Dates such as 03/04/2025 in which nothing says what is the day."""
    return bool(sample) and all(re.fullmatch(_DMY, v) for v in sample) and not candidates(sample)


def _fits(kind: Kind, sample: Sequence[str]) -> bool:
    compiled = re.compile(kind.pattern)
    return all(compiled.fullmatch(value) for value in sample) and not (kind.veto and kind.veto(sample))
