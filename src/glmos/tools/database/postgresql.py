"""PostgreSQL servers. A transaction's inverse is what it made of its rows, kept as their images (`images`).

The server itself refuses what must not be: reads run in a READ ONLY transaction, every statement is prepared, and a
prepared statement is one statement; a role that may read files or run programs there is not served.
"""

from collections.abc import Sequence
from typing import LiteralString, cast

import psycopg

from glmos.tools.database.engine import Changed, Column, Done, Mark, Rows, Table, Watch
from glmos.tools.database.images import Db, Images, Missed
from glmos.tools.database.pgsession import begun, bounded, committed, direct, opened
from glmos.tools.database.putback import put_back
from glmos.tools.database.sources import Source
from glmos.tools.database.statements import CHANGES, OURS, READS, STRUCTURE, one, targets
from glmos.tools.declare import ToolFailed

_ATTEMPTS = 4
_CALLS = f"""
    CREATE TABLE IF NOT EXISTS {OURS} (
        home text NOT NULL, pid bigint NOT NULL, call text NOT NULL, digest text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(), changes jsonb, reverted_by text NOT NULL DEFAULT '',
        PRIMARY KEY (home, pid, call, digest))
"""
_KEY = "(home, pid, call, digest) = (%s, %s, %s, %s)"


class PostgresEngine:
    """One database on a server. Implements `Engine`. A connection lives for one call."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def schema(self, watch: Watch, table: str) -> list[Table]:
        with opened(self._source, watch) as db, begun(db, "READ ONLY"):
            columns: dict[int, list[Column]] = {}
            for relation, *column in db.execute(_COLUMNS):
                columns.setdefault(relation, []).append(Column(*column))
            found = [
                Table(name, kind, int(rows), columns.get(oid, [])) for oid, name, kind, rows in db.execute(_TABLES)
            ]
        wanted = table.casefold()
        return [t for t in found if not table or wanted in (t.name.casefold(), t.name.casefold().partition(".")[2])]

    def query(self, watch: Watch, sql: str) -> Rows:
        text = one(sql, "postgres", READS, "query takes one SELECT")
        with opened(self._source, watch) as db, begun(db, "READ ONLY"):
            db.execute("SELECT 1")  # from here on nothing can make the transaction one that writes
            plain = text.split(None, 1)[0].upper() in ("EXPLAIN", "SHOW")
            rows = direct(db, text) if plain else bounded(db, text, "SELECT {cells} FROM (\n{sql}\n) AS q({names})")
            if rows is None:
                raise ToolFailed("denied", "The statement gives no rows: query takes one SELECT.")
            return rows

    def execute(self, watch: Watch, statements: Sequence[str], mark: Mark, *, structure: bool) -> Changed:
        instead = "see execute_ddl" if not structure else "it cannot be part of a transaction"
        wanted = [one(text, "postgres", STRUCTURE if structure else CHANGES, instead) for text in statements]
        with opened(self._source, watch) as db:
            self._require_calls(db)
            guesses = [name for text in wanted for name in targets(text, "postgres")]
            capture = set[int]() if structure else _relations(db, guesses)
            for _ in range(_ATTEMPTS):
                try:
                    return self._attempt(db, wanted, mark, capture, structure=structure)
                except Missed as missed:  # a trigger or a cascade reached further than the statements say
                    capture |= missed.relations
                except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                    continue
            raise ToolFailed("unavailable", "Others keep changing the same rows: try again in a moment.")

    def _attempt(self, db: Db, statements: Sequence[str], mark: Mark, capture: set[int], *, structure: bool) -> Changed:
        with committed(db, self._source.name):
            if not _marked(db, mark):
                return Changed({}, again=True)
            if structure:
                return Changed({}, tuple(_run(db, text) for text in statements))
            with Images(db, capture) as images:
                done = tuple(_run(db, text) for text in statements)
                changes, tables = images.taken()
            db.execute(f"UPDATE {OURS} SET changes = %s WHERE {_KEY}", (changes, *mark))
            return Changed(tables, done)

    def revert(self, watch: Watch, call: str, mark: Mark | None, *, home: str, pid: int) -> Changed:
        with opened(self._source, watch) as db:
            self._require_calls(db)
            for _ in range(_ATTEMPTS):
                try:
                    return self._revert(db, call, mark, home, pid)
                except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                    continue
            raise ToolFailed("unavailable", "Others keep changing the same rows: try again in a moment.")

    def _revert(self, db: Db, call: str, mark: Mark | None, home: str, pid: int) -> Changed:
        with committed(db, self._source.name):
            if mark is not None and not _marked(db, mark):
                return Changed({}, again=True)
            found = db.execute(
                f"SELECT digest, changes, reverted_by FROM {OURS} WHERE (home, pid, call) = (%s, %s, %s) "
                "AND digest <> %s ORDER BY at DESC LIMIT 1 FOR UPDATE",
                (home, pid, call, mark.digest if mark is not None else ""),
            ).fetchone()
            if found is None:
                raise ToolFailed("not_found", f"{call} of this process has changed nothing in {self._source.name!r}.")
            digest, changes, reverted_by = found
            if reverted_by:
                return Changed({}, again=True)
            if changes is None:
                raise ToolFailed("denied", f"{call} was made by execute_ddl and cannot be taken back.")
            back, tables = put_back(db, changes)
            by = mark.call if mark is not None else "undo"
            db.execute(f"UPDATE {OURS} SET reverted_by = %s WHERE {_KEY}", (by, home, pid, call, digest))
            again = f"UPDATE {OURS} SET reverted_by = '' WHERE (home, pid, reverted_by) = (%s, %s, %s)"
            db.execute(again, (home, pid, call))
            if mark is not None:
                db.execute(f"UPDATE {OURS} SET changes = %s WHERE {_KEY}", (back, *mark))
            return Changed(tables)

    def happened(self, watch: Watch, mark: Mark) -> bool:
        """A transaction under way holds its mark, and writing the same one waits for its end."""
        with opened(self._source, watch) as db:
            if not _has_calls(db):
                return False
            with begun(db, "READ WRITE"):
                return not _marked(db, mark)

    def reverted(self, watch: Watch, call: str, *, home: str, pid: int) -> bool:
        with opened(self._source, watch) as db:
            if not _has_calls(db):
                return False
            with begun(db, "READ WRITE"):
                found = db.execute(
                    f"SELECT reverted_by FROM {OURS} WHERE (home, pid, call) = (%s, %s, %s) ORDER BY at DESC FOR UPDATE",
                    (home, pid, call),
                ).fetchone()
                return found is not None and bool(found[0])

    # -- inside -------------------------------------------------------------------------------------------------------

    def _require_calls(self, db: Db) -> None:
        if _has_calls(db):
            return
        try:
            db.execute(_CALLS)
        except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable):
            return  # somebody else made it in this very moment
        except psycopg.errors.InsufficientPrivilege:
            raise ToolFailed(
                "denied", f"The role of {self._source.name!r} may not create the table {OURS}, in which calls are noted: "
                "the person must create it or grant CREATE on the schema.",
            ) from None  # fmt: skip


def _has_calls(db: Db) -> bool:
    found = db.execute("SELECT to_regclass(%s)", (OURS,)).fetchone()
    return found is not None and found[0] is not None


def _marked(db: Db, mark: Mark) -> bool:
    """Leave the mark; False if it is there already, and then the transaction is broken."""
    try:
        db.execute(f"INSERT INTO {OURS} (home, pid, call, digest) VALUES (%s, %s, %s, %s)", tuple(mark))
    except psycopg.errors.UniqueViolation:
        db.execute("ROLLBACK")
        db.execute("BEGIN")
        return False
    return True


def _relations(db: Db, names: Sequence[str]) -> set[int]:
    """Tables by name, with their partitions; what is no table is left out.

    Raises: ToolFailed for a table that lies on another server.
    """
    found: set[int] = set()
    for name in names:
        try:
            tables = db.execute(_WITH_PARTITIONS, (name,)).fetchall()
        except psycopg.Error:
            continue  # no name at all; the statement itself will say so
        for oid, kind in tables:
            if kind == "f":
                raise ToolFailed(
                    "denied", f"{name} lies on another server and could not be taken back: see execute_ddl."
                )
            if kind == "r":
                found.add(oid)
    return found


def _run(db: Db, text: str) -> Done:
    rows = bounded(db, text, "WITH q({names}) AS (\n{sql}\n) SELECT {cells} FROM q")
    if rows is not None:
        return Done(text.split(None, 1)[0].upper(), -1 if rows.more else len(rows.rows), rows)
    cursor = db.execute(cast("LiteralString", text), prepare=True)
    return Done((cursor.statusmessage or text).split(None, 1)[0].upper(), max(cursor.rowcount, 0))


_WITH_PARTITIONS = """
    WITH RECURSIVE t(oid) AS (
        SELECT to_regclass(%s)::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON i.inhparent = t.oid)
    SELECT c.oid, c.relkind FROM t JOIN pg_class c ON c.oid = t.oid
"""

_TABLES: LiteralString = f"""
    SELECT c.oid, CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
        c.reltuples
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND n.nspname NOT LIKE 'pg\\_%' AND c.relname <> '{OURS}' AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY 2
"""

_COLUMNS: LiteralString = """
    SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), concat_ws(', ',
        CASE WHEN EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
            AND a.attnum = ANY (i.indkey)) THEN 'key' END,
        CASE WHEN a.attnotnull THEN 'not null' END,
        (SELECT '-> ' || string_agg(f.confrelid::regclass::text, ', ') FROM pg_constraint f
            WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND a.attnum = ANY (f.conkey)))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY a.attrelid, a.attnum
"""
