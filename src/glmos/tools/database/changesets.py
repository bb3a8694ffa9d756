"""SQLite changesets: what a transaction changed, row by row, and applying the inverse without harming anybody.

A row that is not as the transaction left it stops the whole: somebody else's later change is never overwritten.
"""

from typing import Any

import apsw
import msgspec
from msgspec import Struct

from glmos.tools.database.engine import MAX_CONFLICTS
from glmos.tools.declare import ToolFailed


def tables_in(changeset: bytes) -> dict[str, int]:
    """Changed rows, by table."""
    found: dict[str, int] = {}
    for change in apsw.Changeset.iter(changeset):
        found[change.name] = found.get(change.name, 0) + 1
    return found


def keyless_rows(db: apsw.Connection) -> set[str]:
    """Tables that hold a row whose key is NULL, which SQLite allows and a changeset leaves out."""
    suspects = db.execute(
        "SELECT t.name, group_concat('\"' || replace(c.name, '\"', '\"\"') || '\" IS NULL', ' OR ') "
        "FROM pragma_table_list t JOIN pragma_table_info(t.name) c ON c.pk > 0 "
        "WHERE t.schema = 'main' AND t.type = 'table' AND NOT t.wr "
        "AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) i WHERE i.pk > 0 AND upper(i.type) = 'INTEGER' "
        "AND (SELECT count(*) FROM pragma_table_info(t.name) k WHERE k.pk > 0) = 1) "
        'GROUP BY t.name HAVING max(NOT c."notnull")'
    ).fetchall()
    return {
        str(name)
        for name, condition in suspects
        if db.execute(f"SELECT 1 FROM {_quoted(str(name))} WHERE {condition} LIMIT 1").fetchall()
    }


class Kept(Struct, frozen=True, array_like=True):
    """What is kept of a transaction."""

    changeset: bytes
    images: list[tuple[str, int, list[Any]]]
    """Rows of tables without a key that were changed in place: table, row number, and all of the row. By its number alone
    a row is not known again: numbers are given anew when rows go, or the file is compacted."""


def keep(db: apsw.Connection, changeset: bytes) -> bytes:
    """The changes with what is needed to take them back safely; inside the transaction, after the last statement."""
    images: list[tuple[str, int, list[Any]]] = []
    for change in apsw.Changeset.iter(changeset):
        if change.op == "UPDATE" and change.old is not None and _is_keyless(db, change.name):
            number: Any = change.old[0]
            row = db.execute(f"SELECT * FROM {_quoted(change.name)} WHERE _rowid_ = ?", (number,)).fetchall()
            images.append((change.name, number, list(row[0])))
    return msgspec.msgpack.encode(Kept(changeset, images))


def apply_inverse(db: apsw.Connection, kept: bytes) -> None:
    """Undo the changes, inside the caller's transaction.

    Raises: ToolFailed with the rows that have changed since; then the transaction must be rolled back.
    """
    changeset, images = (found := msgspec.msgpack.decode(kept, type=Kept)).changeset, found.images
    _require_shapes(db, changeset)
    conflicts = [
        f"{name} (rowid={number}) was changed or deleted since"
        for name, number, row in images
        if db.execute(f"SELECT * FROM {_quoted(name)} WHERE _rowid_ = ?", (number,)).fetchall() != [tuple(row)]
    ]
    moved: list[tuple[str, tuple[Any, ...]]] = []
    """Rows of tables without a key whose number others have now: they get a new one."""

    def conflict(reason: int, change: apsw.TableChange) -> int:
        if reason == apsw.SQLITE_CHANGESET_FOREIGN_KEY:
            conflicts.append(f"{change.fk_conflicts} rows refer to what would go, or to what is gone")
            return apsw.SQLITE_CHANGESET_ABORT
        if reason == apsw.SQLITE_CHANGESET_CONFLICT and change.new is not None and _is_keyless(db, change.name):
            moved.append((change.name, tuple(change.new[1:])))
            return apsw.SQLITE_CHANGESET_OMIT
        conflicts.append(f"{change.name} ({_key(db, change)}) {_REASONS.get(reason, 'cannot be changed')}")
        too_many = len(conflicts) > MAX_CONFLICTS
        return apsw.SQLITE_CHANGESET_ABORT if too_many or reason == _CONSTRAINT else apsw.SQLITE_CHANGESET_OMIT

    flags = apsw.SQLITE_CHANGESETAPPLY_INVERT | apsw.SQLITE_CHANGESETAPPLY_FKNOACTION
    try:
        apsw.Changeset.apply(changeset, db, conflict=conflict, flags=flags)
    except (apsw.AbortError, apsw.ConstraintError):  # by the above
        conflicts = conflicts or ["a rule of a table forbids it"]
    if conflicts:
        more = "; and more" if len(conflicts) > MAX_CONFLICTS else ""
        listed = "; ".join(conflicts[:MAX_CONFLICTS])
        raise ToolFailed("failed", f"nothing was taken back, because rows have changed since: {listed}{more}")
    for name, row in moved:
        columns = ", ".join(_quoted(column) for column in _columns(db, name))
        db.execute(f"INSERT INTO {_quoted(name)} ({columns}) VALUES ({', '.join('?' * len(row))})", row)


_CONSTRAINT = apsw.SQLITE_CHANGESET_CONSTRAINT
_REASONS = {
    apsw.SQLITE_CHANGESET_DATA: "was changed since",
    apsw.SQLITE_CHANGESET_NOTFOUND: "was deleted since",
    apsw.SQLITE_CHANGESET_CONFLICT: "was added since",
    apsw.SQLITE_CHANGESET_CONSTRAINT: "would break a rule of its table",
}


def _require_shapes(db: apsw.Connection, changeset: bytes) -> None:
    """A changeset silently passes over a table that is not as it was."""
    shapes = {c.name: (c.column_count, frozenset(c.pk_columns)) for c in apsw.Changeset.iter(changeset)}
    for name, (count, keys) in shapes.items():
        columns = db.execute("SELECT pk FROM pragma_table_info(?) ORDER BY cid", (name,)).fetchall()
        now = frozenset(place for place, (key,) in enumerate(columns) if key)
        if not now and columns:  # told apart by row number, which comes first then
            columns, now = [(1,), *columns], frozenset({0})
        if (len(columns), now) != (count, keys):
            raise ToolFailed("failed", f"nothing was taken back, because the table {name!r} is not as it was")


def _key(db: apsw.Connection, change: apsw.TableChange) -> str:
    row: tuple[Any, ...] = change.old or change.new or ()
    names = ["rowid", *_columns(db, change.name)] if _is_keyless(db, change.name) else _columns(db, change.name)
    return ", ".join(f"{names[place]}={row[place]!r}"[:80] for place in sorted(change.pk_columns))


def _columns(db: apsw.Connection, table: str) -> list[str]:
    """As they stand in a changeset: without those that are computed."""
    return [str(name) for (name,) in db.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,))]


def _is_keyless(db: apsw.Connection, table: str) -> bool:
    found = db.execute("SELECT max(pk) FROM pragma_table_info(?)", (table,)).fetchall()
    return bool(found) and found[0][0] == 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
