"""What stands around statements on SQLite: an authorizer that refuses, and a recorder of what they change."""

from collections.abc import Generator
from contextlib import contextmanager

import apsw

from glmos.tools.database.engine import MAX_CHANGES, MAX_IMAGE_BYTES
from glmos.tools.database.statements import OURS
from glmos.tools.declare import ToolFailed

LONGEST_VALUE = 16 << 20
_LOOK_EVERY = 50_000
"""Steps of SQLite's machine."""
_PRAGMAS = (
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "foreign_key_list",
    "database_list",
    "data_version",
)


def harden(db: apsw.Connection) -> None:
    db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    db.pragma("cell_size_check", True)
    db.pragma("foreign_keys", True)
    db.limit(apsw.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    db.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)


class Guard:
    """Says to SQLite what a statement may do; remembers why it said no."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.refused = ""

    def __call__(self, code: int, first: str | None, second: str | None, schema: str | None, by: str | None) -> int:
        problem = self._problem(code, first or "", second or "")
        if problem:
            self.refused = problem
            return apsw.SQLITE_DENY
        return apsw.SQLITE_OK

    def _problem(self, code: int, first: str, second: str) -> str:
        if code in (apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_RECURSIVE):
            return ""
        if code == apsw.SQLITE_FUNCTION:
            return f"the function {second} may not be called" if second in ("load_extension", "fts3_tokenizer") else ""
        if code == apsw.SQLITE_PRAGMA:
            return "" if first in _PRAGMAS else f"PRAGMA {first} may not be used"
        if code in (apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH, apsw.SQLITE_TRANSACTION, apsw.SQLITE_SAVEPOINT):
            return "other files and transactions are not for statements"
        if self._what == "read":
            return "query only reads"
        if OURS in (first, second):
            return f"the table {OURS} is the system's own"
        if code in (apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE):
            own = self._what == "change" and first.startswith("sqlite_") and first != "sqlite_sequence"
            return "the structure is changed by execute_ddl" if own else ""
        return "" if self._what == "structure" else "the structure is changed by execute_ddl"


class Recorder:
    """What changes in a transaction, apart from our own table; too much stops it."""

    def __init__(self, db: apsw.Connection) -> None:
        self.touched: set[str] = set()
        self.too_much = False
        self._session = apsw.Session(db, "main")
        self._session.config(apsw.SQLITE_SESSION_OBJCONFIG_ROWID, 1)
        self._session.table_filter(lambda name: name != OURS)
        self._session.attach()

    def changeset(self) -> bytes:
        return bytes(self._session.changeset())

    def close(self) -> None:
        self._session.close()

    def saw(self, kind: int, schema: str, table: str, rowid: int) -> None:
        self.touched.add(table)

    def look(self) -> bool:
        """True stops the statement."""
        self.too_much = self._session.memory_used > MAX_IMAGE_BYTES
        return self.too_much


@contextmanager
def recorded(db: apsw.Connection) -> Generator[Recorder]:
    recorder = Recorder(db)
    db.set_update_hook(recorder.saw)
    db.set_progress_handler(recorder.look, _LOOK_EVERY)
    try:
        yield recorder
    except apsw.InterruptError:
        if recorder.too_much:
            raise too_much() from None
        raise
    finally:
        db.set_progress_handler(None)
        db.set_update_hook(None)
        recorder.close()


def too_much() -> ToolFailed:
    return ToolFailed(
        "limit", f"That changes more than can be taken back ({MAX_CHANGES} rows or {MAX_IMAGE_BYTES >> 20} MB): change "
        "less at once, or use execute_ddl, which the person must approve.",
    )  # fmt: skip
