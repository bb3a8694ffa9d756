import sqlite3
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import pytest

from glmos.models.nano.periods import Period
from glmos.models.nano.query import Condition, Query, Term, quote, to_sql
from glmos.models.nano.table import Column, Table, Value

NASTY = 'a "b"; DROP TABLE x --'
COLUMNS = (
    Column("name", "text", ("Ann", "O'Brien", "50% _off_")),
    Column(NASTY, "text", ("1,024", "n/a", "- 7", "3.5", "--5", "1.2.3", "-", "8-9")),
    Column("amount", "number", (1.0, 2.0, 3.0)),
    Column("day", "date", ("2024-12-31", "2025-01-01", "2025-06-30")),
)
TABLE = Table("my table", COLUMNS, 8)
ROWS: list[tuple[Value, ...]] = [
    ("Ann", "1,024", 1.0, "2024-12-31"),
    ("ann", "n/a", 2.0, "2025-01-01"),
    ("O'Brien", "- 7", 3.0, "2025-06-30"),
    ("50% _off_", "3.5", 4.0, "2026-01-01"),
    ("Bob", "--5", None, None),
    ("Bob", "1.2.3", 5.0, None),
    ("Cy", "-", 6.0, None),
    ("Cy", "8-9", 7.0, None),
]

Run = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=["duckdb", "sqlite"])
def run(request: pytest.FixtureRequest):
    connection: Any = duckdb.connect() if request.param == "duckdb" else sqlite3.connect(":memory:")
    day = "DATE" if request.param == "duckdb" else "TEXT"
    connection.execute(f'CREATE TABLE "my table" (name TEXT, {quote(NASTY)} TEXT, amount DOUBLE, day {day})')
    connection.executemany('INSERT INTO "my table" VALUES (?, ?, ?, ?)', ROWS)
    yield lambda sql: connection.execute(sql).fetchall()
    connection.close()


def query(*select: Term, where: tuple[Condition, ...] = (), **rest: Any) -> str:
    return to_sql(Query("my table", select, where, **rest), TABLE)


def test_text_is_compared_without_case(run: Run):
    assert run(query(Term(2), where=(Condition(0, "=", "ANN"),))) == [(1.0,), (2.0,)]


def test_quotes_in_values_are_values(run: Run):
    assert run(query(Term(2), where=(Condition(0, "=", "O'Brien"),))) == [(3.0,)]


def test_a_hostile_column_name_is_only_a_name(run: Run):
    assert run(query(Term(1), where=(Condition(2, "=", 1.0),))) == [("1,024",)]


def test_text_that_holds_numbers_is_summed_and_the_rest_left_out(run: Run):
    assert run(query(Term(1, "sum"))) == [(1024 - 7 + 3.5,)]


def test_text_that_holds_numbers_is_compared_as_numbers(run: Run):
    assert run(query(Term(0), where=(Condition(1, ">", 3.0),))) == [("Ann",), ("50% _off_",)]


def test_contains_takes_percent_and_underscore_literally(run: Run):
    assert run(query(Term(2), where=(Condition(0, "contains", "% _OFF"),))) == [(4.0,)]


def test_a_period_is_half_open(run: Run):
    year = Period(date(2025, 1, 1), date(2026, 1, 1))
    assert run(query(Term(2), where=(Condition(3, "=", year),))) == [(2.0,), (3.0,)]
    assert run(query(Term(2), where=(Condition(3, ">", year),))) == [(4.0,)]
    assert run(query(Term(2), where=(Condition(3, "<", year),))) == [(1.0,)]


def test_the_highest_row_is_never_an_empty_cell(run: Run):
    assert run(query(Term(0), Term(2), order=Term(2), limit=1)) == [("Cy", 7.0)]
    assert run(query(Term(0), Term(2), order=Term(2), descending=False, limit=1)) == [("Ann", 1.0)]


def test_groups_are_ordered_by_what_is_computed(run: Run):
    sql = query(Term(0), Term(2, "sum"), group=0, order=Term(2, "sum"), limit=1)
    assert run(sql) == [("Cy", 13.0)]


def test_dates_are_grouped_by_month_and_year(run: Run):
    assert run(query(Term(3), Term(None, "count"), group=3, bucket="year", order=Term(3), descending=False)) == [
        ("2024", 1),
        ("2025", 2),
        ("2026", 1),
    ]
    assert run(query(Term(3), Term(2, "sum"), group=3, bucket="month", order=Term(3), limit=1)) == [("2026-01", 4.0)]
