"""SQLite files. A transaction's inverse is the changeset that SQLite's session extension records with it.

The engine itself refuses what must not be: an authorizer stands before every statement, also those of triggers. The
file is the person's own, so it is opened beside the kernel; files from elsewhere belong to the `tables` tool.
"""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from glmos.abi.errors import DeviceError
from glmos.tools.database.changesets import apply_inverse, keep, keyless_rows, tables_in
from glmos.tools.database.engine import (
    MAX_CELL,
    MAX_CHANGES,
    MAX_IMAGE_BYTES,
    MAX_ROWS,
    Changed,
    Column,
    Done,
    Mark,
    Rows,
    Table,
    Watch,
)
from glmos.tools.database.guards import LONGEST_VALUE, Guard, harden, recorded, too_much
from glmos.tools.database.sources import Source
from glmos.tools.database.statements import CHANGES, OURS, READS, STRUCTURE, one
from glmos.tools.declare import ToolFailed

_BUSY_MS = 10_000
_CALLS = f"""
    CREATE TABLE IF NOT EXISTS {OURS} (
        home TEXT NOT NULL, pid INTEGER NOT NULL, call TEXT NOT NULL, digest TEXT NOT NULL, at TEXT NOT NULL,
        changes BLOB, reverted_by TEXT NOT NULL DEFAULT '', PRIMARY KEY (home, pid, call, digest))
"""


class SqliteEngine:
    """One file. Implements `Engine`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def schema(self, watch: Watch, table: str) -> list[Table]:
        with self._open(watch, "read") as db:
            names = [
                (str(name), str(kind))
                for name, kind in _all(
                    db,
                    "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite#_%' "
                    "ESCAPE '#' AND name <> ? ORDER BY name",
                    OURS,
                )
                if not table or str(name).casefold() == table.casefold()
            ]
            return [Table(name, kind, -1, _columns(db, name)) for name, kind in names]

    def query(self, watch: Watch, sql: str) -> Rows:
        sql = one(sql, "sqlite", READS, "query takes one SELECT")
        with self._open(watch, "read") as db:
            return _rows(db.cursor(), sql)

    def execute(self, watch: Watch, statements: Sequence[str], mark: Mark, *, structure: bool) -> Changed:
        instead = "see execute_ddl" if not structure else "it cannot be part of a transaction"
        wanted = [one(sql, "sqlite", STRUCTURE if structure else CHANGES, instead) for sql in statements]
        with self._open(watch, "structure" if structure else "change") as db, _transaction(db, self._source.name):
            if not self._marked(db, mark):
                return Changed({}, again=True)
            if structure:
                return Changed({}, tuple(_run(db, sql) for sql in wanted))
            loose = _keyless(db)
            with recorded(db) as recorder:
                done = tuple(_run(db, sql) for sql in wanted)
                strange = sorted((loose | _keyless(db)) & recorder.touched)
                with _unguarded(db):
                    changes = recorder.changeset()
            if strange:
                raise ToolFailed(
                    "denied", f"The table {strange[0]!r} has rows without a key, which could not be taken back."
                )
            self._keep(db, mark, changes)
            return Changed(tables_in(changes), done)

    def revert(self, watch: Watch, call: str, mark: Mark | None, *, home: str, pid: int) -> Changed:
        with self._open(watch, "own") as db, _transaction(db, self._source.name):
            if mark is not None and not self._marked(db, mark):
                return Changed({}, again=True)
            found = _all(
                db,
                f"SELECT digest, changes, reverted_by FROM {OURS} WHERE (home, pid, call) = (?, ?, ?) "
                f"AND digest <> ? ORDER BY at DESC LIMIT 1",
                home, pid, call, mark.digest if mark is not None else "",
            )  # fmt: skip
            if not found:
                raise ToolFailed("not_found", f"{call} of this process has changed nothing in {self._source.name!r}.")
            digest, changes, reverted_by = found[0]
            if reverted_by:
                return Changed({}, again=True)
            if changes is None:
                raise ToolFailed("denied", f"{call} was made by execute_ddl and cannot be taken back.")
            with recorded(db) as recorder:
                apply_inverse(db, bytes(changes))
                back = recorder.changeset()
            key = (home, pid, call, digest)
            by = mark.call if mark is not None else "undo"
            _all(db, f"UPDATE {OURS} SET reverted_by = ? WHERE (home, pid, call, digest) = (?, ?, ?, ?)", by, *key)
            _all(db, f"UPDATE {OURS} SET reverted_by = '' WHERE (home, pid, reverted_by) = (?, ?, ?)", home, pid, call)
            if mark is not None:
                self._keep(db, mark, back)
            return Changed(tables_in(back))

    def happened(self, watch: Watch, mark: Mark) -> bool:
        with self._open(watch, "own") as db:
            return bool(_has_calls(db) and _all(db, f"SELECT 1 FROM {OURS} WHERE {_KEY}", *mark))

    def reverted(self, watch: Watch, call: str, *, home: str, pid: int) -> bool:
        with self._open(watch, "own") as db:
            wanted = f"SELECT 1 FROM {OURS} WHERE (home, pid, call) = (?, ?, ?) AND reverted_by <> ''"
            return bool(_has_calls(db) and _all(db, wanted, home, pid, call))

    # -- inside ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def _open(self, watch: Watch, what: str) -> Generator[apsw.Connection]:
        """`what`: `read`, `change` or `structure` for statements of a model, `own` for ours."""
        path = Path(self._source.address)
        if not path.is_file():
            raise ToolFailed("unavailable", f"The file of the database {self._source.name!r} is not there.")
        try:
            db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        except apsw.Error as error:
            raise ToolFailed("unavailable", f"The database {self._source.name!r} cannot be opened: {error}") from None
        guard = Guard(what)
        try:
            db.set_busy_timeout(_BUSY_MS)
            harden(db)
            if what == "read":
                db.pragma("query_only", True)
            elif what == "own":
                db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
            if what != "own":
                db.authorizer = guard
            watch.over(db.interrupt)
            yield db
        except apsw.Error as error:
            raise _failure(error, guard, watch) from error
        finally:
            watch.over(None)
            db.close(True)

    def _marked(self, db: apsw.Connection, mark: Mark) -> bool:
        """Leave the mark; False if it is there already."""
        with _unguarded(db):
            _all(db, _CALLS)
            if _all(db, f"SELECT 1 FROM {OURS} WHERE {_KEY}", *mark):
                return False
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            _all(db, f"INSERT INTO {OURS} (home, pid, call, digest, at) VALUES (?, ?, ?, ?, ?)", *mark, at)
        return True

    def _keep(self, db: apsw.Connection, mark: Mark, changes: bytes) -> None:
        kept = keep(db, changes) if sum(tables_in(changes).values()) <= MAX_CHANGES else b""
        if not kept or len(kept) > MAX_IMAGE_BYTES:
            raise too_much()
        with _unguarded(db):
            _all(db, f"UPDATE {OURS} SET changes = ? WHERE {_KEY}", kept, *mark)


_KEY = "(home, pid, call, digest) = (?, ?, ?, ?)"


def _keyless(db: apsw.Connection) -> set[str]:
    with _unguarded(db):
        return keyless_rows(db)


@contextmanager
def _unguarded(db: apsw.Connection) -> Generator[None]:
    guard, db.authorizer = db.authorizer, None
    try:
        yield
    finally:
        db.authorizer = guard


@contextmanager
def _transaction(db: apsw.Connection, name: str) -> Generator[None]:
    """Raises: DeviceError when the end of it cannot be known."""
    with _unguarded(db):
        db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with _unguarded(db):
            if db.in_transaction:
                db.execute("ROLLBACK")
        raise
    with _unguarded(db):
        try:
            db.execute("COMMIT")
        except apsw.Error as error:
            if not db.in_transaction:
                raise DeviceError(f"nobody knows whether the transaction in {name!r} was committed: {error}") from error
            db.execute("ROLLBACK")
            raise


def _all(db: apsw.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return db.execute(sql, values).fetchall()


def _has_calls(db: apsw.Connection) -> bool:
    return bool(_all(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", OURS))


def _run(db: apsw.Connection, sql: str) -> Done:
    before = db.total_changes()
    rows = _rows(db.cursor(), sql)
    return Done(sql.split(None, 1)[0].upper(), db.total_changes() - before, rows if rows.columns else None)


def _rows(cursor: apsw.Cursor, sql: str) -> Rows:
    """Run a statement to its end, keeping as many rows as an answer holds."""
    columns: list[str] = []
    rows: list[tuple[Any, ...]] = []
    more = False

    def described(cursor: apsw.Cursor, sql: str, values: object) -> bool:
        columns.extend(str(column[0]) for column in cursor.get_description())
        return True

    cursor.exec_trace = described
    for row in cursor.execute(sql):
        if len(rows) < MAX_ROWS:
            rows.append(tuple(x[:MAX_CELL] if isinstance(x, str) else x for x in row))
        elif cursor.is_readonly:
            more = True
            break
        else:
            more = True
    return Rows(columns, rows, more)


def _columns(db: apsw.Connection, table: str) -> list[Column]:
    points = {
        row[3]: f"-> {row[2]}({row[4] or 'its key'})"
        for row in _all(db, "SELECT * FROM pragma_foreign_key_list(?)", table)
    }
    found: list[Column] = []
    for _, name, kind, not_null, _, key, *_ in _all(db, "SELECT * FROM pragma_table_info(?)", table):
        notes = [text for text, there in (("key", key), ("not null", not_null)) if there]
        found.append(Column(str(name), str(kind), ", ".join([*notes, *([points[name]] if name in points else [])])))
    return found


def _failure(error: apsw.Error, guard: Guard, watch: Watch) -> ToolFailed:
    if watch.stopped or isinstance(error, apsw.InterruptError):
        return ToolFailed("cancelled", "The database was interrupted.")
    if isinstance(error, apsw.AuthError):
        return ToolFailed("denied", f"That is not allowed: {guard.refused or error}.")
    if isinstance(error, apsw.BusyError):
        return ToolFailed("unavailable", "Another program is writing to the database: try again in a moment.")
    if isinstance(error, apsw.TooBigError):
        return ToolFailed("too_large", f"A value is larger than {LONGEST_VALUE >> 20} MB.")
    if isinstance(error, apsw.FullError | apsw.IOError | apsw.CorruptError | apsw.NotADBError):
        return ToolFailed("unavailable", f"The database cannot be used: {error}.")
    return ToolFailed("failed", f"The database says: {str(error)[:500]}")
