"""DuckDB over the catalogue's tables, locked: it can read what was loaded, and nothing else.

`query` takes one statement that reads. It runs in a read-only transaction of an instance that has no access to files
(but its own scratch folder), whose settings cannot be changed. Runs inside the sandbox.
"""

import contextlib
import difflib
import re
import shutil
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from glmos.tools.tables.catalogue import Catalogue, Table, quoted
from glmos.tools.tables.listing import Listing, TooManyFilesError

if TYPE_CHECKING:
    import duckdb

SETTINGS: dict[str, Any] = {
    "threads": 2,
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
BATCH = 5000


class QueryError(Exception):
    """A query cannot be answered; the message helps to write a better one. `kind` is a `FailureKind`."""

    def __init__(self, message: str, kind: str = "failed") -> None:
        super().__init__(message)
        self.kind = kind


class Rows(NamedTuple):
    """The answer to a query: its first rows, and how many there are."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[Any, ...]]
    total: int


class Reading(NamedTuple):
    """An open result."""

    cursor: "duckdb.DuckDBPyConnection"
    columns: list[str]
    types: list[str]


class Engine:
    """All tables below `root`. Not for use by several threads."""

    def __init__(self, root: Path, scratch: Path) -> None:
        import duckdb

        scratch.mkdir(parents=True, exist_ok=True)
        self._loader = duckdb.connect(config={**SETTINGS, "temp_directory": str(scratch / "spill")})
        self.catalogue = Catalogue(self._loader, root, scratch)
        self.scratch = scratch
        self.exports = scratch / "exports"
        self.exports.mkdir(exist_ok=True)
        self._con = duckdb.connect(config={**SETTINGS, "temp_directory": str(scratch / "spill2")})
        self._con.execute(f"SET allowed_directories = ['{scratch}/']")
        self._con.execute("SET enable_external_access = false")
        self._con.execute("SET lock_configuration = true")
        self._loaded: dict[str, Table] = {}
        self.listing = Listing(root, scratch)
        self._listed: Table | None = None

    def close(self) -> None:
        self._con.close()
        self._loader.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def refresh(self) -> bool:
        """See the files as they are now; True when something changed."""
        if not self.catalogue.refresh():
            return False
        wanted = {table.name: table for table in self.catalogue.tables}
        for name, table in self._loaded.items():
            for alias in table.aliases:
                self._con.execute(f"DROP VIEW IF EXISTS {quoted(alias)}")
            if name not in wanted or wanted[name].version != table.version:
                self._con.execute(f"DROP TABLE IF EXISTS {quoted(name)}")
        for name, table in wanted.items():
            if name not in self._loaded or self._loaded[name].version != table.version:
                self._con.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM read_parquet('{table.stored}')")
            for alias in table.aliases:
                self._con.execute(f"CREATE VIEW {quoted(alias)} AS SELECT * FROM {quoted(name)}")
        self._loaded = wanted
        return True

    @property
    def listing_name(self) -> str:
        """What the table of the files is called: `files`, unless a table of the person's is."""
        taken = {name.casefold() for table in self.catalogue.tables for name in (table.name, *table.aliases)}
        return next(
            name for name in ("files", "workspace_files", *map("files_{}".format, range(999))) if name not in taken
        )

    def list_files(self, sql: str) -> Table | None:
        """Load the table of the files as they are now, if `sql` names it.

        Raises: QueryError when there are too many.
        """
        if self._listed is not None:
            self._con.execute(f"DROP TABLE IF EXISTS {quoted(self._listed.name)}")
            self._listed = None
        name = self.listing_name
        if name not in (self.names_in(sql) or ()):
            return None
        try:
            table = self.listing.table(name, sql)
        except TooManyFilesError as error:
            raise QueryError(str(error), "limit") from None
        columns = ", ".join(f"'{c.name}': '{c.type}'" for c in table.columns)
        self._con.execute(
            f"CREATE TABLE {quoted(name)} AS SELECT * FROM read_json('{table.stored}', format='newline_delimited',"
            f" columns={{{columns}}}, maximum_object_size=67108864)"
        )
        table.stored.unlink()
        self._listed = table
        return table

    def query(self, sql: str, *, most: int) -> Rows:
        """Run one statement that reads; keep the first `most` rows.

        Raises: QueryError.
        """
        with self.reading(sql) as (cursor, columns, types):
            rows = cursor.fetchmany(most)
            total = len(rows)
            while batch := cursor.fetchmany(BATCH):
                total += len(batch)
        return Rows(columns, types, rows, total)

    @contextlib.contextmanager
    def reading(self, sql: str) -> "Generator[Reading]":
        """The open result of one statement that reads.

        Raises: QueryError, also while rows are fetched.
        """
        statement = self._single(sql)
        cursor = self._con.cursor()
        try:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            with _explained(self, statement):
                cursor.execute(statement)
                description = cursor.description or []
                yield Reading(cursor, [column[0] for column in description], [str(column[1]) for column in description])
        finally:
            cursor.close()  # ends the transaction

    def copy(self, sql: str, target: Path, options: str) -> None:
        """Write the result of `sql` to a file in `exports`. Raises: QueryError."""
        statement = self._single(sql)
        with _explained(self, statement):
            self._con.execute(f"COPY ({statement}) TO '{target}' ({options})")

    def names_in(self, sql: str) -> set[str] | None:
        """The names of tables in a statement, without case; None when that cannot be told."""
        import duckdb

        try:
            return {name.strip('"').replace('""', '"').casefold() for name in self._con.get_table_names(sql)}
        except duckdb.Error:
            return None

    def tables_in(self, sql: str) -> list[Table]:
        """The tables a statement names; all when that cannot be told."""
        names = self.names_in(sql)
        if names is None:
            return list(self.catalogue.tables)
        found = [t for t in self.catalogue.tables if names & {n.casefold() for n in (t.name, *t.aliases)}]
        return [*found, self._listed] if self._listed is not None and self._listed.name in names else found

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a statement of our own."""
        return self._con.execute(sql).fetchall()

    def batches(self, table: str) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self._con.cursor().execute(f"SELECT * FROM {quoted(table)}")
        while batch := cursor.fetchmany(BATCH):
            yield batch

    def _single(self, sql: str) -> str:
        """The one reading statement in `sql`, without what may follow it."""
        import duckdb

        with _explained(self, sql):
            statements = self._con.extract_statements(sql)
        if len(statements) != 1:
            raise QueryError(f"Give one SQL statement, not {len(statements)}.", "bad_arguments")
        if statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            if statements[0].type == duckdb.StatementType.MULTI:
                raise QueryError("A PIVOT stands inside a SELECT: FROM (PIVOT t ON c IN ('x') USING sum(v)).", "denied")
            what = str(statements[0].type).rpartition(".")[2]
            raise QueryError(
                f"{what} is not allowed: tables are read-only, so use SELECT; to keep a result, use the action export.",
                "denied",
            )
        return statements[0].query.strip().rstrip(";")


@contextlib.contextmanager
def _explained(engine: Engine, sql: str) -> Generator[None]:
    """Turns DuckDB's errors into ones that a model can act on."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        message = "The query needs more memory than it may use: aggregate or filter earlier."
        raise QueryError(message, "limit") from None
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(explain(str(error), engine.catalogue, engine.tables_in(sql))) from None


def explain(message: str, catalogue: Catalogue, used: Sequence[Table]) -> str:
    """DuckDB's message, shorter, with names that exist."""
    if found := re.search(r'Referenced column "(.+?)" not found|does not have a column named "(.+?)"', message):
        return _no_column(found[1] or found[2], used or catalogue.tables)
    if found := re.search(r"Table with name (.+?) does not exist", message):
        return _no_table(found[1], catalogue)
    if found := re.search(r'Referenced table "(.+?)" not found', message):
        return _no_table(found[1], catalogue)
    if "file system operations are disabled" in message or "disabled through configuration" in message:
        return f"Files are loaded already: query the tables {_names(catalogue.tables)} by name."
    first, _, rest = message.partition("\n\n")
    text = " ".join(first.split())
    if place := re.search(r"LINE \d+: (.*)\n( *)\^", rest):
        text += f" Near: {place[1][max(len(place[2]) - 12 - len('LINE 1: '), 0) :][:60]!r}."
    if re.search(r"No function matches|Could not convert string|Conversion Error", text):
        text += " A text column is read as a number by TRY_CAST(column AS DOUBLE)."
    return text


def _no_column(name: str, tables: Sequence[Table]) -> str:
    wanted = name.casefold()
    places: dict[str, list[str]] = {}
    for table in tables:
        for column in table.columns:
            places.setdefault(column.name.casefold(), []).append(f"{quoted(column.name)} in {table.name}")
    near = difflib.get_close_matches(wanted, places, 3, 0.6)
    if len(wanted) > 2:
        near += [key for key in places if len(key) > 2 and (wanted in key or key in wanted) and key not in near][:3]
    if near:
        options = ", ".join(place for key in near for place in places[key][:2])
        return f"There is no column {name!r}. Nearest: {options}."
    columns = "; ".join(f"{t.name}: {', '.join(quoted(c.name) for c in t.columns[:30])}" for t in tables[:5])
    return f"There is no column {name!r}. Columns: {columns}."


def _no_table(name: str, catalogue: Catalogue) -> str:
    for problem in catalogue.problems:
        if name.casefold() in problem.file.casefold():
            return f"There is no table {name!r}: {problem.file!r} {problem.message}"
    if not catalogue.tables:
        return f"There is no table {name!r}: the workspace holds no file with a table."
    names = {alias.casefold(): table.name for table in catalogue.tables for alias in (table.name, *table.aliases)}
    near = difflib.get_close_matches(name.casefold(), names, 1, 0.6)
    hint = f"Did you mean {names[near[0]]}? " if near else ""
    return f"There is no table {name!r}. {hint}Tables: {_names(catalogue.tables)}."


def _names(tables: Sequence[Table]) -> str:
    return ", ".join(quoted(t.name) if not t.name.isidentifier() else t.name for t in tables[:40])
