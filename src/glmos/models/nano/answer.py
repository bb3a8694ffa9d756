"""From the rows of the chosen query to words, with a claim for each row that the words rest on."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from glmos.models.nano.periods import Period
from glmos.models.nano.query import Aggregate, Condition, Query, Term
from glmos.models.nano.reading import Candidate
from glmos.models.nano.table import Table
from glmos.models.nano.text import is_chinese, number, spell

SHOWN = 20
"""Rows put into words."""

_NAMES: dict[Aggregate, tuple[str, str]] = {
    "none": ("{}", "{}"),
    "count": ("number of {}", "{}的数量"),
    "sum": ("total {}", "{}合计"),
    "avg": ("average {}", "{}平均值"),
    "min": ("lowest {}", "{}最小值"),
    "max": ("highest {}", "{}最大值"),
    "distinct": ("number of different {}", "不同{}的数量"),
}
_TESTS = {
    "=": "is",
    "!=": "is not",
    ">": "over",
    "<": "under",
    ">=": "at least",
    "<=": "at most",
    "contains": "contains",
}
_TESTS_CN = {"=": "为", "!=": "不为", ">": "大于", "<": "小于", ">=": "不小于", "<=": "不大于", "contains": "包含"}


_TIMES = {"=": "in", "!=": "not in", ">": "after", "<": "before", ">=": "from", "<=": "until"}
_TIMES_CN = {"=": "在", "!=": "不在", ">": "晚于", "<": "早于", ">=": "起自", "<=": "不晚于"}


class Observed(NamedTuple):
    """A query that was run, as the kernel named and showed it."""

    call: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Worded(NamedTuple):
    text: str
    claims: list[dict[str, str]]


def word(candidate: Candidate, table: Table, seen: Observed, question: str) -> Worded:
    """The answer that the rows give, in the language of the question."""
    chinese = is_chinese(question)
    query = candidate.query
    if not seen.rows or all(cell is None for row in seen.rows for cell in row):
        text = "没有符合条件的记录。" if chinese else "Nothing in the table fits."
        return Worded(text, [_claim(text, seen, seen.text[:200])])
    lines: list[str] = []
    claims: list[dict[str, str]] = []
    for place, row in enumerate(seen.rows[:SHOWN]):
        line = _line(row, query, table, chinese)
        lines.append(line)
        claims.append(_claim(line, seen, quoted(seen, place)))
    if len(lines) == 1:
        return Worded(lines[0], claims)
    left_out = len(seen.rows) - len(lines)
    more = [f"… ({left_out} 行未列出)" if chinese else f"… ({left_out} more rows)"] if left_out > 0 else []
    return Worded("\n".join(f"- {line}" for line in lines) + ("\n" + more[0] if more else ""), claims)


def describe(query: Query, table: Table, question: str) -> str:
    """How the question was read, in words."""
    chinese = is_chinese(question)
    parts = [("、" if chinese else " and ").join(_term(t, table, chinese) for t in query.select)]
    if query.where:
        tests = [_test(c, table, chinese) for c in query.where]
        parts.append(("条件：" if chinese else "where ") + ("，" if chinese else " and ").join(tests))
    if query.group is not None:
        name = table.columns[query.group].name
        parts.append(f"按{name}分组" if chinese else f"for each {query.bucket + ' of ' if query.bucket else ''}{name}")
    if query.order is not None:
        way = (
            ("从大到小" if query.descending else "从小到大")
            if chinese
            else ("highest" if query.descending else "lowest")
        )
        by = _term(query.order, table, chinese)
        first = "" if query.limit is None else (f"前{query.limit}" if chinese else f", first {query.limit}")
        parts.append(
            f"按{by}{way}{first}" if chinese else f"by {by}, {way} first{first if query.limit != 1 else ', one row'}"
        )
    return ("，" if chinese else ", ").join(parts)


def quoted(seen: Observed, place: int) -> str:
    """The line of the output that shows row `place`, word for word."""
    lines = [line for line in seen.text.splitlines() if line.startswith("|")]
    body = lines[2:]  # a Markdown table: header, rule, rows
    return body[place] if place < len(body) else seen.text[:200]


def notes(seen: Observed) -> list[str]:
    """What the tables had to say about how they were read, such as lines left out: a person should know."""
    return [line for line in seen.text.splitlines() if line.startswith("Note on ")]


def _claim(claim: str, seen: Observed, quote: str) -> dict[str, str]:
    return {"claim": claim, "call": seen.call, "quote": quote.strip()}


def _line(row: Sequence[Any], query: Query, table: Table, chinese: bool) -> str:
    cells = [_cell(value) for value in row]
    if len(cells) == 1:
        aggregate = query.select[0].aggregate
        if aggregate == "none":
            return cells[0]
        name = _term(query.select[0], table, chinese)
        return f"{cells[0]}（{name}）" if chinese else f"{cells[0]} ({name})"
    rest = [
        f"{_term(term, table, chinese)}{'：' if chinese else ': '}{cell}"
        for term, cell in zip(query.select[1:], cells[1:], strict=False)
    ]
    return f"{cells[0]}（{'，'.join(rest)}）" if chinese else f"{cells[0]} ({', '.join(rest)})"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list | dict):  # nested data of JSON and Parquet
        return json.dumps(value, ensure_ascii=False, default=str)
    amount = number(value) if not isinstance(value, str) else None
    if amount is None or isinstance(value, bool):
        return str(value)
    # Years and codes are numbers without separators; only what is clearly an amount gets them.
    return (
        f"{round(float(value), 4):,.10g}"
        if abs(float(value)) >= 10_000 and abs(float(value)) < 1e10
        else f"{round(float(value), 4):.10g}"
    )


def _term(term: Term, table: Table, chinese: bool) -> str:
    if term.column is None:
        return "行数" if chinese else "number of rows"
    return _NAMES[term.aggregate][int(chinese)].format(table.columns[term.column].name)


def _test(condition: Condition, table: Table, chinese: bool) -> str:
    name = table.columns[condition.column].name
    value = condition.value
    if isinstance(value, Period):
        how = (_TIMES_CN if chinese else _TIMES).get(condition.operator, condition.operator)
        return f"{name}{how}{_spoken(value, chinese)}" if chinese else f"{name} {how} {_spoken(value, chinese)}"
    how = (_TESTS_CN if chinese else _TESTS)[condition.operator]
    shown = spell(value) if value is not None else "empty"
    return f"{name}{how}{shown}" if chinese else f"{name} {how} {shown}"


def _spoken(period: Period, chinese: bool) -> str:
    """A span of days as people name it: `2025`, `March 2025`, or its first and last day."""
    start, last = period.start, period.end - timedelta(days=1)
    if (start.month, start.day, last.month, last.day) == (1, 1, 12, 31):
        if start.year == last.year:
            return f"{start.year}年" if chinese else str(start.year)
        return f"{start.year}年至{last.year}年" if chinese else f"{start.year} to {last.year}"
    if start.day == 1 and (start.year, start.month) == (last.year, last.month) and period.end.day == 1:
        return f"{start.year}年{start.month}月" if chinese else f"{start:%B} {start.year}"
    if start == last:
        return start.isoformat()
    return f"{start}至{last}" if chinese else f"{start} to {last}"


def encode(arguments: Any) -> str:
    """Arguments of a call as JSON text."""
    return json.dumps(arguments, ensure_ascii=False)
