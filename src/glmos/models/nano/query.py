"""A query over one table, and the SQL it is written as.

The SQL runs unchanged on DuckDB and SQLite: identifiers quoted, text compared without case, and text
columns that hold numbers ("1,024", "n/a") compared and summed as numbers, their other cells as NULL.
Columns are positions in the `Table` the query is about, because names can repeat.
"""

from dataclasses import dataclass
from typing import Literal

from glmos.models.nano.periods import Period
from glmos.models.nano.table import Column, Table, Value, holds_numbers
from glmos.models.nano.text import number, spell

Aggregate = Literal["none", "count", "sum", "avg", "min", "max", "distinct"]
Operator = Literal["=", "!=", ">", "<", ">=", "<=", "contains"]
Bucket = Literal["day", "month", "year"]


@dataclass(frozen=True)
class Term:
    """A column, or a value computed from one; `column` None with `count` counts rows."""

    column: int | None
    aggregate: Aggregate = "none"


@dataclass(frozen=True)
class Condition:
    """A test that a row must pass. A period means its days: "=" is inside, ">" is after its end."""

    column: int
    operator: Operator
    value: Value | Period


@dataclass(frozen=True)
class Query:
    """SELECT select FROM table WHERE all of where GROUP BY group ORDER BY order LIMIT limit."""

    table: str
    select: tuple[Term, ...]
    where: tuple[Condition, ...] = ()
    group: int | None = None
    bucket: Bucket | None = None
    """Groups a date column by month ("2025-03") or year instead of by day."""
    order: Term | None = None
    descending: bool = True
    limit: int | None = None

    @property
    def answers_one_value(self) -> bool:
        """True when the result is one number computed over rows."""
        return len(self.select) == 1 and self.group is None and self.select[0].aggregate != "none"


def to_sql(query: Query, table: Table) -> str:
    """Write `query` as SQL for DuckDB or SQLite."""
    shown = [_group(query, table) if term == Term(query.group) else _term(term, table) for term in query.select]
    parts = ["SELECT " + ", ".join(shown), "FROM " + quote(query.table)]
    tests = [_condition(condition, table) for condition in query.where]
    if query.bucket is not None and query.group is not None:
        tests.append(f"{quote(table.columns[query.group].name)} IS NOT NULL")
    if query.order is not None and query.group is None and query.order.column is not None:
        tests.append(f"{_term(query.order, table)} IS NOT NULL")  # an empty cell is neither highest nor lowest
    if tests:
        parts.append("WHERE " + " AND ".join(tests))
    if query.group is not None:
        parts.append("GROUP BY " + _group(query, table))
    if query.order is not None:
        order = _group(query, table) if query.order == Term(query.group) else _term(query.order, table)
        parts.append(f"ORDER BY {order} {'DESC' if query.descending else 'ASC'}")
    if query.limit is not None:
        parts.append(f"LIMIT {query.limit}")
    return " ".join(parts)


def quote(identifier: str) -> str:
    """An identifier that keeps every character it has."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """A value in SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return spell(value)
    return "'" + value.replace("'", "''") + "'"


_BUCKET_WIDTH: dict[Bucket, int] = {"day": 10, "month": 7, "year": 4}
"""characters of an ISO date"""


def _group(query: Query, table: Table) -> str:
    name = quote(table.columns[query.group or 0].name)
    return f"SUBSTR(CAST({name} AS TEXT), 1, {_BUCKET_WIDTH[query.bucket]})" if query.bucket else name


def _term(term: Term, table: Table) -> str:
    if term.column is None:
        return "COUNT(*)"
    column = table.columns[term.column]
    name = quote(column.name)
    if term.aggregate == "none":
        return name
    if term.aggregate == "count":
        return f"COUNT({name})"
    if term.aggregate == "distinct":
        return f"COUNT(DISTINCT {name})"
    if term.aggregate in ("sum", "avg") or holds_numbers(column):
        name = _as_number(column)
    return f"{term.aggregate.upper()}({name})"


def _as_number(column: Column) -> str:
    """The column as a number; cells that are none become NULL instead of an error or a zero."""
    name = quote(column.name)
    if column.type in ("number", "boolean"):
        return name
    bare = f"REPLACE(REPLACE({name}, ',', ''), ' ', '')"
    digits = "'0123456789'"
    positive = f"TRIM({bare}, {digits}) IN ('', '.') AND {bare} NOT IN ('', '.')"
    rest = f"SUBSTR({bare}, 2)"
    negative = f"SUBSTR({bare}, 1, 1) = '-' AND TRIM({rest}, {digits}) IN ('', '.') AND {rest} NOT IN ('', '.')"
    return f"CASE WHEN ({positive}) OR ({negative}) THEN CAST({bare} AS DOUBLE) END"


def _condition(condition: Condition, table: Table) -> str:
    column = table.columns[condition.column]
    name = quote(column.name)
    value = condition.value
    if isinstance(value, Period):
        return _in_period(name, condition.operator, value)
    if condition.operator == "contains":
        pattern = spell(value or "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"LOWER({name}) LIKE LOWER({literal('%' + pattern + '%')}) ESCAPE '\\'"
    operator = "<>" if condition.operator == "!=" else condition.operator
    amount = number(value)
    if column.type == "text":
        if operator in ("=", "<>") or amount is None:
            text = spell(value) if value is not None else ""
            return f"LOWER({name}) {operator} LOWER({literal(text)})"
        return f"{_as_number(column)} {operator} {spell(amount)}"
    if column.type == "number" and amount is not None:
        return f"{name} {operator} {spell(amount)}"
    return f"{name} {operator} {literal(value)}"


def _in_period(name: str, operator: Operator, period: Period) -> str:
    start, end = f"'{period.start.isoformat()}'", f"'{period.end.isoformat()}'"
    match operator:
        case ">":
            return f"{name} >= {end}"
        case ">=":
            return f"{name} >= {start}"
        case "<":
            return f"{name} < {start}"
        case "<=":
            return f"{name} < {end}"
        case "!=":
            return f"({name} < {start} OR {name} >= {end})"
        case _:
            return f"{name} >= {start} AND {name} < {end}"
