"""Ask the pipeline the questions of WikiSQL and run what it answers: for the chooser, and for benchmarks.

A query is right when its result equals the gold result; when the gold result is empty, only when it is the same query.
"""

import sqlite3
from collections import Counter
from typing import Any, NamedTuple

from glmos.models.nano.outcome import Result, is_empty, outcome
from glmos.models.nano.query import Query, quote, to_sql
from glmos.models.nano.reading import Model, Reading, read_with
from glmos.models.nano.training.wikisql import Question, WebTable


class Asked(NamedTuple):
    """A question, how it was read, what each reading gave, and which are right."""

    question: Question
    reading: Reading
    results: list[Result]
    right: list[bool]
    gold_empty: bool


def ask(question: Question, table: WebTable, model: Model | None, *, k: int) -> Asked:
    """Read `question` and run every candidate on SQLite. A question that is declined has no candidates."""
    reading = read_with(model, question.text, (table.table,), k=k)
    found = reading.candidates
    with database(table) as connection:
        gold = run(connection, question.query, table)
        results: list[Result] = [run(connection, candidate.query, table) for candidate in found]
    connection.close()
    right = [is_right(c.query, result, question.query, gold) for c, result in zip(found, results, strict=True)]
    return Asked(question, reading, results, right, is_empty(gold))


def database(table: WebTable) -> sqlite3.Connection:
    """The table in memory."""
    connection = sqlite3.connect(":memory:")
    columns = ", ".join(f"{quote(c.name)} {'REAL' if c.type == 'number' else 'TEXT'}" for c in table.table.columns)
    connection.execute(f"CREATE TABLE {quote(table.table.name)} ({columns})")
    connection.executemany(
        f"INSERT INTO {quote(table.table.name)} VALUES ({', '.join('?' * len(table.table.columns))})", table.rows
    )
    return connection


def run(connection: sqlite3.Connection, query: Query, table: WebTable) -> list[tuple[Any, ...]] | Exception:
    """The rows of `query`, or the error."""
    try:
        return connection.execute(to_sql(query, table.table)).fetchall()
    except sqlite3.Error as error:
        return error


def is_right(query: Query, result: Result, gold: Query, gold_result: Result) -> bool:
    """Execution accuracy of one query."""
    if same_query(query, gold):
        return True
    return (
        not is_empty(gold_result) and not isinstance(result, BaseException) and outcome(result) == outcome(gold_result)
    )


def same_query(one: Query, other: Query) -> bool:
    """Equal but for the order of conditions."""
    return (
        Counter(one.where) == Counter(other.where)
        and one.select == other.select
        and (one.group, one.order) == (other.group, other.order)
    )
