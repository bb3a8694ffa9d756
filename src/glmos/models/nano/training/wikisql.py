"""WikiSQL questions and tables, as this package's `Table` and `Query`.

Data folder: `tables.jsonl` ({"id", "header", "rows"}), `wikisql_train.jsonl` and `wikisql_dev.jsonl`
({"t" table id, "q" question, "agg", "sel", "conds": [[column, operator, value]]}). Questions: WikiSQL, BSD-3;
contents: TabFact, MIT (text from Wikipedia, CC BY-SA).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from glmos.models.nano.query import Condition, Query, Term
from glmos.models.nano.table import Column, ColumnType, Table, Value, infer_type
from glmos.models.nano.text import key, number, spell


class WebTable(NamedTuple):
    """A table with its rows: numbers where the whole column reads as numbers, else text."""

    table: Table
    rows: list[tuple[Value, ...]]


class Question(NamedTuple):
    """A question somebody asked about a table, and the query that answers it."""

    table: str
    text: str
    query: Query


def read_tables(folder: Path) -> dict[str, WebTable]:
    """Every table by its id."""
    return {record["id"]: _table(record) for record in _records(folder / "tables.jsonl")}


def read_questions(folder: Path, part: str, tables: dict[str, WebTable]) -> list[Question]:
    """The questions of `part` ("train" or "dev"), in file order."""
    return [
        Question(record["t"], record["q"], _query(record, tables[record["t"]].table))
        for record in _records(folder / f"wikisql_{part}.jsonl")
    ]


def is_held_out(table: str) -> bool:
    """True for the one training table in twenty that the network never sees: the chooser of `rank` learns on those."""
    return hashlib.sha256(table.encode()).digest()[0] < 13


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _table(record: dict[str, Any]) -> WebTable:
    names = _distinct(record["header"])
    by_column: list[list[Value]] = [[row[i] for row in record["rows"]] for i in range(len(names))]
    types: list[ColumnType] = [infer_type(values) for values in by_column]
    for i, kind in enumerate(types):
        if kind == "number":
            by_column[i] = [number(value) for value in by_column[i]]
    columns = tuple(
        Column(name, kind, tuple(dict.fromkeys(values)))
        for name, kind, values in zip(names, types, by_column, strict=True)
    )
    return WebTable(Table("t", columns, len(record["rows"])), list(zip(*by_column, strict=True)))


def _distinct(names: list[str]) -> list[str]:
    """Column names made different and not empty, as loaders of CSV files make them."""
    made: list[str] = []
    taken: Counter[str] = Counter()
    for bare in (name.strip() or "column" for name in names):
        taken[bare.lower()] += 1
        made.append(bare if taken[bare.lower()] == 1 else f"{bare}_{taken[bare.lower()]}")
    return made


def _query(record: dict[str, Any], table: Table) -> Query:
    where = tuple(Condition(c, operator, _as_stored(value, table.columns[c])) for c, operator, value in record["conds"])
    return Query("t", (Term(record["sel"], record["agg"]),), where)


def _as_stored(value: Any, column: Column) -> Value:
    """The cell that a gold value means; annotators wrote values with other case and spacing than the tables have."""
    text = spell(value)
    amount = number(text)
    if column.type == "number" and amount is not None:
        return amount
    return next((cell for cell in column.values if cell is not None and key(spell(cell)) == key(text)), text)
