"""The nano model's language: what it reads, and the pointers it answers with.

It reads the columns and then the question, both with pointers in them:

    <t> <c0> player <u> <c1> <#> no <c2> nationality <v0> ... <q> what is <v0> canada 's <c2> nationality <a>

`<c2>` is a column, `<v0>` a phrase the linker found, repeated behind every column that has that value.
`<#>`, `<d>`, `<m>`, `<n>` say number, ISO date, month names, digits in text; `<u>` says all values differ;
`<k>` before a pointer in the question says that only part of the column's name was said.

It answers with pointers only, 4 to 20 of them:

    answer    := AGGREGATE selected [<by> COLUMN] condition* [order] <eos>
    selected  := COLUMN | <rows>
    condition := COLUMN OPERATOR VALUE
    order     := (<desc> | <asc>) AGGREGATE selected [VALUE]         VALUE is the limit, 1 if absent

Conditions come in the order of their values in the question, so that a query has one spelling.
Column numbers are an arbitrary order: training shuffles them, so that only the words can matter.
"""

import re
from collections.abc import Container, Sequence
from typing import NamedTuple, get_args

from glmos.models.nano.linker import Links, ValueLink
from glmos.models.nano.periods import Period
from glmos.models.nano.query import Aggregate, Condition, Operator, Query, Term
from glmos.models.nano.table import Column, Table, Value, holds_numbers
from glmos.models.nano.text import words

MOST_COLUMNS = 32
MOST_VALUES = 16
LONGEST_NAME = 8  # words of a column's name
LONGEST_VALUE = 4  # words of a linked phrase

AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)
OPERATORS: tuple[Operator, ...] = get_args(Operator)
ROWS, BY, DESC, ASC, EOS = "<rows>", "<by>", "<desc>", "<asc>", "<eos>"
COLUMN_POINTERS = [f"<c{i}>" for i in range(MOST_COLUMNS)]
VALUE_POINTERS = [f"<v{i}>" for i in range(MOST_VALUES)]
SPECIAL = [
    *("<pad>", "<unk>", EOS, "<t>", "<q>", "<a>", "<#>", "<d>", "<m>", "<n>", "<u>", "<k>", "<blank>", "<fill>"),
    *(ROWS, BY, DESC, ASC),
    *(f"<{aggregate}>" for aggregate in AGGREGATES),
    *(f"<{operator}>" for operator in OPERATORS),
    *COLUMN_POINTERS,
    *VALUE_POINTERS,
]

_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b", re.IGNORECASE)


class Prompt(NamedTuple):
    """What the model reads, and what its pointers mean."""

    pieces: list[str]
    """Pointers, marks and whole words; the tokenizer splits the words."""
    table: Table
    columns: tuple[int, ...]
    """`<c i>` is column `columns[i]` of the table."""
    values: tuple[ValueLink, ...]
    """`<v i>` is `values[i]`."""


def prompt_for(links: Links, table: Table, order: Sequence[int] | None = None) -> Prompt:
    """Write a linked question for the model, columns in `order` (all of them, default as in the table)."""
    values = links.values[:MOST_VALUES]
    columns = list(order if order is not None else range(len(table.columns)))
    if len(columns) > MOST_COLUMNS:
        said = {c.column for c in links.columns} | {i for v in values for i, _ in v.cells}
        columns = sorted(columns, key=lambda column: column not in said)[:MOST_COLUMNS]
    pieces = ["<t>"]
    for pointer, column in zip(COLUMN_POINTERS, columns, strict=False):
        pieces += [pointer, *_marks(table, column), *words(table.columns[column].name)[:LONGEST_NAME]]
        pieces += [VALUE_POINTERS[i] for i, v in enumerate(values) if any(column == c for c, _ in v.cells)]
    pieces.append("<q>")
    numbers = {column: i for i, column in enumerate(columns)}
    tags: dict[int, list[str]] = {}
    for c in links.columns:
        if c.column in numbers:
            tags.setdefault(c.begin, []).extend(([] if c.whole else ["<k>"]) + [COLUMN_POINTERS[numbers[c.column]]])
    hidden: set[int] = set()
    for i, v in enumerate(values):
        tags.setdefault(v.begin, []).append(VALUE_POINTERS[i])
        solid = [t for t in range(v.begin, v.end) if links.tokens[t].kind != "mark"]
        hidden.update(solid[LONGEST_VALUE:])
    for place, token in enumerate(links.tokens):
        pieces += tags.get(place, [])
        if place not in hidden and (token.kind != "mark" or token.text in "<>%$#+"):
            pieces.append(token.text)
    return Prompt([*pieces, "<a>"], table, tuple(columns), values)


def _marks(table: Table, index: int) -> list[str]:
    column = table.columns[index]
    return [_type_mark(column)] * bool(_type_mark(column)) + ["<u>"] * (column.type != "number" and table.is_key(index))


def _type_mark(column: Column) -> str:
    if column.type == "date":
        return "<d>"
    if holds_numbers(column):
        return "<#>"
    sample = [str(value) for value in column.values[:12] if value]
    if sum(bool(_MONTH.search(text)) for text in sample) > len(sample) / 2:
        return "<m>"
    return "<n>" if sum(any(c.isdigit() for c in text) for text in sample) > len(sample) / 2 else ""


class Unwritable(ValueError):
    """The query needs a column or value that the prompt has no pointer for."""


def write(query: Query, prompt: Prompt) -> list[str]:
    """The answer that stands for `query`.

    Raises:
        Unwritable: A column was cut off or a value was not linked.
    """
    if query.bucket is not None:
        raise Unwritable("the model has no pointer for months and years as groups")
    superlative = query.order is not None and query.group is not None and query.select[0].column == query.group
    plain = query.group is None or (
        superlative and len(query.select) == 2 and query.select[1] == query.order and query.limit
    )
    shown = query.select[0] if plain else query.select[-1]
    answer = [f"<{shown.aggregate}>", _column_pointer(shown.column, prompt)]
    if not plain:
        answer += [BY, _column_pointer(query.group, prompt)]
    used: dict[int, Condition] = {}
    for condition in query.where:
        used[_value_pointer(condition, prompt, used)] = condition
    for place, condition in sorted(used.items()):
        answer += [_column_pointer(condition.column, prompt), f"<{condition.operator}>", VALUE_POINTERS[place]]
    if query.order is not None:
        answer += [
            DESC if query.descending else ASC,
            f"<{query.order.aggregate}>",
            _column_pointer(query.order.column, prompt),
        ]
        if query.limit is not None and query.limit != 1:
            limits = [i for i, v in enumerate(prompt.values) if v.number == query.limit and i not in used]
            if not limits:
                raise Unwritable(f"no pointer for the limit {query.limit!r}")
            answer.append(VALUE_POINTERS[limits[0]])
    return [*answer, EOS]


def read(answer: Sequence[str], prompt: Prompt) -> Query:
    """The query that a grammatical answer stands for."""
    rest = list(answer)
    shown, group, where = _read_term(rest, prompt), None, list[Condition]()
    if rest[0] == BY:
        rest.pop(0)
        group = _column_index(rest.pop(0), prompt)
    while rest[0] in COLUMN_POINTERS:
        column = _column_index(rest.pop(0), prompt)
        operator: Operator = rest.pop(0)[1:-1]  # type: ignore[assignment]
        where.append(Condition(column, operator, _meant(prompt.values[VALUE_POINTERS.index(rest.pop(0))], column)))
    select = (shown,) if group is None else (Term(group), shown)
    query = Query(prompt.table.name, select, tuple(where), group)
    if rest[0] not in (DESC, ASC):
        return query
    descending = rest.pop(0) == DESC
    order = _read_term(rest, prompt)
    limit = 1
    if rest[0] in VALUE_POINTERS:
        limit = max(1, int(prompt.values[VALUE_POINTERS.index(rest[0])].number or 1))
    if group is None and order.aggregate != "none":
        group, select = shown.column, (shown, order)
    elif group is None and order != shown:
        select = (shown, order)
    return Query(prompt.table.name, select, tuple(where), group, None, order, descending, limit)


def _meant(value: ValueLink, column: int) -> Value | Period:
    if value.period is not None:
        return value.period
    return value.value_in(column)


def _read_term(rest: list[str], prompt: Prompt) -> Term:
    aggregate: Aggregate = rest.pop(0)[1:-1]  # type: ignore[assignment]
    pointer = rest.pop(0)
    return Term(None if pointer == ROWS else _column_index(pointer, prompt), aggregate)


def _column_index(pointer: str, prompt: Prompt) -> int:
    return prompt.columns[COLUMN_POINTERS.index(pointer)]


def _column_pointer(column: int | None, prompt: Prompt) -> str:
    if column is None:
        return ROWS
    if column not in prompt.columns:
        raise Unwritable(f"no pointer for column {column}")
    return COLUMN_POINTERS[prompt.columns.index(column)]


def _value_pointer(condition: Condition, prompt: Prompt, used: Container[int]) -> int:
    fits = [i for i, v in enumerate(prompt.values) if _meant(v, condition.column) == condition.value]
    if not fits:
        raise Unwritable(f"no pointer for the value {condition.value!r}")
    own = [i for i in fits if any(c == condition.column for c, _ in prompt.values[i].cells)]
    fresh = [i for i in own or fits if i not in used]
    if not fresh:
        raise Unwritable(f"the value {condition.value!r} is needed twice")
    return fresh[0]
