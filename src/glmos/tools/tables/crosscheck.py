"""A second engine: the same tables in SQLite, asked the same question.

Two engines only bear each other out where they mean the same by the same words. So a statement is parsed, and unless
every construct in it is one of those known to mean the same, it is refused as `unavailable` and the check stays
undecided: that is better than a false alarm. What SQLite writes differently (division, NULLs in an order, ILIKE, parts
of dates) is translated. Runs inside the sandbox.
"""

import datetime
import math
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from glmos.tools.tables.catalogue import Table, quoted
from glmos.tools.tables.engine import Engine, QueryError, Rows
from glmos.tools.tables.render import plain

if TYPE_CHECKING:
    from sqlglot import exp

MAX_ROWS = 500_000
"""Rows of the tables in a query, altogether, that are copied for a cross-check."""

_SAME = frozenset(
    """Select With CTE Subquery From Join Table TableAlias Column Identifier Alias Star Literal Null Boolean Where Group
    Having Order Ordered Limit Offset Distinct Union Intersect Except And Or Not Paren EQ NEQ GT GTE LT LTE Is In
    Between Like ILike Add Sub Mul Div Neg Case If Coalesce Nullif Count Sum Avg Min Max Abs Round Lower Upper Trim
    Length Exists Tuple Filter Window WindowSpec RowNumber Rank DenseRank""".split()
)
_DATE_PARTS = ("YEAR", "MONTH", "DAY")
_AFFINITY = {"number": "REAL", "boolean": "INTEGER"}
_DAYS = ("DAYS_BETWEEN", "DAYS_AFTER")
"""What differences of dates, and dates plus days, are called in SQLite here."""


class CrossCheck:
    """The second engine beside `engine`. Tables are copied when a query first names them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._con = sqlite3.connect(":memory:", isolation_level=None)
        self._con.execute("PRAGMA case_sensitive_like = ON")
        self._con.create_function("lower", 1, _lower, deterministic=True)
        self._con.create_function("upper", 1, _upper, deterministic=True)
        self._con.create_function("round", 1, _round, deterministic=True)
        self._con.create_function("round", 2, _round, deterministic=True)
        for position, part in enumerate(_DATE_PARTS):
            self._con.create_function(part, 1, _part(position), deterministic=True)
        self._con.create_function("sqrt", 1, math.sqrt, deterministic=True)
        self._con.create_function("power", 2, math.pow, deterministic=True)
        self._con.create_function("floor", 1, math.floor, deterministic=True)
        self._con.create_function("days_between", 2, _days_between, deterministic=True)
        self._con.create_function("days_after", 2, _days_after, deterministic=True)
        self._copied: dict[str, int] = {}

    def close(self) -> None:
        self._con.close()

    def query(self, sql: str, *, most: int) -> Rows:
        """The rows SQLite gives.

        Raises: QueryError of kind `unavailable` when the engines need not agree on this statement.
        """
        tree = self._translate(sql)
        tables = self._engine.tables_in(sql)
        if sum(table.rows for table in tables) > MAX_ROWS:
            raise QueryError(f"More than {MAX_ROWS} rows are too many for a cross-check.", "unavailable")
        for table in tables:
            self._copy(table)
        try:
            self._refuse_ties(tree)
            cursor = self._con.execute(tree.sql("sqlite"))
            rows = cursor.fetchmany(most)
            total = len(rows) + sum(1 for _ in cursor)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise QueryError(f"SQLite cannot run this query: {error}.", "unavailable") from None
        columns = [column[0] for column in cursor.description]
        return Rows(columns, ["" for _ in columns], rows, total)

    def _copy(self, table: Table) -> None:
        if self._copied.get(table.name) == table.version:
            return
        name = quoted(table.name)
        columns = ", ".join(
            f"{quoted(c.name)} {'INTEGER' if 'INT' in c.type and '[' not in c.type else _AFFINITY.get(c.kind, 'TEXT')}"
            for c in table.columns
        )
        places = ", ".join("?" * len(table.columns))
        self._con.execute("BEGIN")
        self._con.execute(f"DROP TABLE IF EXISTS {name}")
        self._con.execute(f"CREATE TABLE {name} ({columns})")
        for batch in self._engine.batches(table.name):
            rows = ([_stored(value) for value in row] for row in batch)
            self._con.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
        self._con.execute("COMMIT")
        self._copied[table.name] = table.version

    def _translate(self, sql: str) -> "exp.Expr":
        from sqlglot import errors, exp

        try:
            tree = _parse(sql)
        except (errors.SqlglotError, RecursionError) as error:
            raise QueryError("The query cannot be read for a cross-check.", "unavailable") from error
        dates = {
            column.name.casefold()
            for table in (*self._engine.catalogue.tables, *self._engine.tables_in(sql))
            for column in table.columns
            if column.kind not in ("number", "boolean")
        }
        names = {
            alias.casefold(): table.name
            for table in self._engine.catalogue.tables
            for alias in (table.name, *table.aliases)
        }
        tree = tree.transform(_rewritten)
        for node in tree.walk():
            kind = type(node).__name__
            if kind not in _SAME and not _harmless(node) and not _begins_date(node, dates):
                raise QueryError(f"The engines may not agree on {kind}.", "unavailable")
            if isinstance(node, exp.Table) and node.name.casefold() in names:
                own = names[node.name.casefold()]
                if not node.alias and own != node.name:
                    node.set("alias", exp.TableAlias(this=exp.to_identifier(node.name, quoted=True)))
                node.set("this", exp.to_identifier(own, quoted=True))
            if isinstance(node, (exp.Add, exp.Sub)) and any(_is_text(side) for side in (node.left, node.right)):
                raise QueryError("The engines may not agree on arithmetic with text or dates.", "unavailable")
            if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Sum, exp.Avg)):
                used = {column.name.casefold() for column in node.find_all(exp.Column)}
                if used & dates and not any(isinstance(n, (exp.Length, exp.Anonymous, exp.Count)) for n in node.walk()):
                    raise QueryError("The engines may not agree on arithmetic with text or dates.", "unavailable")
            if isinstance(node, exp.Select) and _open_limit(node):
                raise QueryError("Without ORDER BY, LIMIT leaves open which rows are meant.", "unavailable")
        return tree

    def _refuse_ties(self, tree: "exp.Expr") -> None:
        """Where the last row that LIMIT lets through ties with the next, either engine may choose another.

        Raises: QueryError of kind `unavailable`.
        """
        from sqlglot import exp

        limit, order = tree.args.get("limit"), tree.args.get("order")
        if limit is None or order is None or not isinstance(tree, exp.Select):
            return
        if not isinstance(limit.expression, exp.Literal):
            raise QueryError("The engines may not agree on this LIMIT.", "unavailable")
        offset = tree.args.get("offset")
        last = int(limit.expression.this) + (int(offset.expression.this) if offset is not None else 0)
        probe = tree.copy()
        probe.set("limit", None)
        probe.set("offset", None)
        outputs = {item.alias_or_name.casefold(): item.unalias() for item in tree.expressions}
        keys: list[exp.Expr] = []
        for ordered in order.expressions:
            key = ordered.this
            if isinstance(key, exp.Literal) and key.is_int and int(key.this) <= len(tree.expressions):
                key = tree.expressions[int(key.this) - 1].unalias()
            elif isinstance(key, exp.Column) and not key.table:
                key = outputs.get(key.name.casefold(), key)
            keys.append(key.copy())
        if probe.args.get("distinct"):
            return
        for number, key in enumerate(keys):
            probe = probe.select(exp.alias_(key, f"tie_{number}"), copy=False)
        cursor = self._con.execute(probe.sql("sqlite"))
        for number, row in enumerate(cursor, 1):
            if number == last:
                after = cursor.fetchone()
                if after is not None and row[-len(keys) :] == after[-len(keys) :]:
                    raise QueryError("Rows tie at the LIMIT: which of them are shown is arbitrary.", "unavailable")
                return


def order_of(sql: str, columns: list[str]) -> list[int]:
    """The columns of a result by which `sql` orders its rows, as positions; empty when it does not, or not visibly."""
    if "order" not in sql.lower():
        return []
    from sqlglot import errors, exp

    try:
        tree = _parse(sql)
    except (errors.SqlglotError, RecursionError):
        return []
    order = tree.args.get("order")
    if order is None:
        return []
    outputs = [item.unalias().sql().casefold() for item in tree.expressions] if isinstance(tree, exp.Select) else []
    names = [name.casefold() for name in columns]
    result: list[int] = []
    for ordered in order.expressions:
        key = ordered.this
        text = key.sql().casefold()
        if isinstance(key, exp.Literal) and key.is_int and int(key.this) <= len(columns):
            result.append(int(key.this) - 1)
        elif isinstance(key, exp.Column) and key.name.casefold() in names:
            result.append(names.index(key.name.casefold()))
        elif text in outputs and len(outputs) == len(columns):
            result.append(outputs.index(text))
        else:
            break
    return result


def _parse(sql: str) -> "exp.Expr":
    import sqlglot

    return sqlglot.parse_one(sql, read="duckdb")


def _rewritten(node: "exp.Expr") -> "exp.Expr":
    """Constructs that mean the same once they are written another way."""
    from sqlglot import exp

    if isinstance(node, exp.Sub) and (start := _day(node.right)) and (end := _day(node.left)):
        return exp.Anonymous(this="DAYS_BETWEEN", expressions=[start, end])
    if isinstance(node, exp.Add) and (start := _day(node.left)) and _is_whole(node.right):
        return exp.Anonymous(this="DAYS_AFTER", expressions=[start, node.right])
    if isinstance(node, exp.Sub) and (start := _day(node.left)) and _is_whole(node.right):
        return exp.Anonymous(this="DAYS_AFTER", expressions=[start, exp.Neg(this=node.right)])
    if isinstance(node, exp.Extract) and node.name.upper() in _DATE_PARTS:
        return exp.Anonymous(this=node.name.upper(), expressions=[node.expression])
    if isinstance(node, (exp.Year, exp.Month, exp.Day)):
        return exp.Anonymous(this=type(node).__name__.upper(), expressions=[node.this])
    if isinstance(node, exp.Cast) and node.is_type("date") and isinstance(node.this, exp.Literal):
        try:
            return exp.Literal.string(datetime.date.fromisoformat(node.this.name).isoformat())
        except ValueError:
            return node
    return node


def _day(node: "exp.Expr") -> "exp.Expr | None":
    """The ISO date that `DATE '2025-03-03'` is, as text; None for anything else."""
    from sqlglot import exp

    inner = node.unnest()
    if not (isinstance(inner, exp.Cast) and inner.is_type("date") and isinstance(inner.this, exp.Literal)):
        return None
    try:
        return exp.Literal.string(datetime.date.fromisoformat(inner.this.name).isoformat())
    except ValueError:
        return None


def _is_whole(node: "exp.Expr") -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Literal) and node.is_int and int(node.name) < 10**6


def _is_text(node: "exp.Expr") -> bool:
    """A text, or a day, which is a text to SQLite."""
    from sqlglot import exp

    inner = node.unnest()
    return (isinstance(inner, exp.Literal) and inner.is_string) or inner.name == "DAYS_AFTER"


def _open_limit(select: "exp.Select") -> bool:
    several = any(select.args.get(part) for part in ("group", "distinct", "joins"))
    return bool(select.args.get("limit") and not select.args.get("order") and several)


def _begins_date(node: "exp.Expr", dates: set[str]) -> bool:
    """The year, month or day at the beginning of a date: `SUBSTR(CAST(day AS TEXT), 1, 7)`, both nodes and the type."""
    from sqlglot import exp

    part = node if isinstance(node, exp.Substring) else node.find_ancestor(exp.Substring)
    if part is None or not isinstance(part.this, exp.Cast) or not isinstance(part.this.this, exp.Column):
        return False
    start, length = part.args.get("start"), part.args.get("length")
    numbers = [int(n.name) for n in (start, length) if isinstance(n, exp.Literal) and n.name.isdigit()]
    texts = part.this.is_type("text", "varchar") and part.this.this.name.casefold() in dates
    return texts and len(numbers) == 2 and numbers[0] == 1 and 1 <= numbers[1] <= 10


def _harmless(node: "exp.Expr") -> bool:
    """Casts to floating point, parts of dates, and what hangs below them; what depends on the last bit of a double only
    over literals, which both engines read alike."""
    from sqlglot import exp

    if isinstance(node, exp.Anonymous):
        return node.name in (*_DATE_PARTS, *_DAYS)
    if isinstance(node, exp.Escape):
        return isinstance(node.expression, exp.Literal) and len(node.expression.name) == 1
    if isinstance(node, (exp.Sqrt, exp.Pow, exp.Floor)):
        return node.find(exp.Column, exp.Subquery) is None
    if isinstance(node, exp.Cast):
        return node.is_type("double", "float")
    if isinstance(node, exp.DataType):
        return isinstance(node.parent, exp.Cast)
    return isinstance(node, exp.Var) and isinstance(node.parent, exp.Trim)


def _stored(value: Any) -> Any:
    match value:
        case None | str() | float():
            return value
        case bool():
            return int(value)
        case int():
            return value if -(2**63) <= value < 2**63 else float(value)
        case Decimal():
            return float(value)
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case _:
            return str(plain(value))


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _upper(text: Any) -> Any:
    return text.upper() if isinstance(text, str) else text


def _round(value: Any, digits: int = 0) -> Any:
    """Half away from zero, as DuckDB rounds."""
    if not isinstance(value, (int, float)) or isinstance(value, int):
        return value
    scale = 10.0**digits
    scaled = abs(value) * scale
    return math.copysign(math.floor(scaled + 0.5) / scale, value) if math.isfinite(scaled) else value


def _days_between(start: str, end: str) -> int:
    return (datetime.date.fromisoformat(end) - datetime.date.fromisoformat(start)).days


def _days_after(start: str, days: int) -> str:
    return (datetime.date.fromisoformat(start) + datetime.timedelta(days=days)).isoformat()


def _part(position: int) -> Any:
    def part(text: Any) -> int | None:
        return int(str(text)[:10].split("-")[position]) if text is not None else None

    return part
