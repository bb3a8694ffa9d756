"""What a transaction makes of the rows of PostgreSQL tables.

Triggers that exist for the length of the transaction write down each row as it was and as it became, as text that the
server reads back exactly. Used by `postgresql`, and by `putback` to know what it does itself.
"""

from types import TracebackType
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from glmos.tools.database import images_sql
from glmos.tools.database.engine import MAX_CHANGES, MAX_IMAGE_BYTES
from glmos.tools.database.statements import OURS
from glmos.tools.declare import ToolFailed

Db = psycopg.Connection[tuple[Any, ...]]


class Missed(Exception):
    """A table changed whose rows were not watched: the transaction is to be done anew with them."""

    def __init__(self, relations: set[int]) -> None:
        super().__init__(f"{len(relations)} tables were not watched")
        self.relations = relations


class Images:
    """Watches tables inside a transaction. On the way out its traces are removed."""

    def __init__(self, db: Db, relations: set[int]) -> None:
        self._db = db
        self._relations = relations
        self._before: dict[int, int] = {}
        self._ours = 0
        self._shape = ""

    def __enter__(self) -> "Images":
        db = self._db
        if value(db, "SHOW track_counts") != "on" or value(db, "SHOW session_replication_role") != "origin":
            raise ToolFailed(
                "unavailable", "The server does not count changes (track_counts, session_replication_role)."
            )
        try:
            for statement in images_sql.CAPTURE:
                db.execute(statement)
            for relation in sorted(self._relations):
                db.execute(_on("CREATE TRIGGER {ours} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
                               "EXECUTE FUNCTION pg_temp.glmos_capture()", name_of(db, relation)))  # fmt: skip
        except psycopg.errors.InsufficientPrivilege as error:
            raise ToolFailed(
                "denied", "The role may not watch what changes, so it could not be taken back "
                f"({error.diag.message_primary}): the person can grant TRIGGER on the table and TEMPORARY on the "
                "database, or execute_ddl does it for good.",
            ) from None  # fmt: skip
        self._before = _counted(db)
        self._ours = int(value(db, "SELECT coalesce(to_regclass(%s)::oid, 0)::bigint", OURS))
        self._shape = str(value(db, images_sql.SHAPE))
        return self

    def taken(self) -> tuple[Jsonb, dict[str, int]]:
        """What changed, to be kept, and how many rows of which tables.

        Raises:
            Missed: Rows of other tables changed too.
            ToolFailed: It is too much to keep, or more than rows changed.
        """
        db = self._db
        db.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what was put off until the end happens before we look
        counted = _counted(db)
        moved = {relation for relation, count in counted.items() if count > self._before.get(relation, 0)}
        if counted.get(self._ours, 0) != self._before.get(self._ours, 0):
            raise ToolFailed("denied", f"A trigger or function changed {OURS}, which is the system's own.")
        if missed := moved - self._relations - {self._ours}:
            raise Missed(missed)
        if str(value(db, images_sql.SHAPE)) != self._shape:
            raise ToolFailed("denied", "That changes the structure of the database: see execute_ddl.")
        count, size = db.execute(images_sql.SIZE).fetchone() or (0, 0)
        if count > MAX_CHANGES or size > MAX_IMAGE_BYTES:
            raise ToolFailed("limit", _TOO_MUCH)
        changes = [list(row) for row in db.execute(images_sql.CHANGES)]
        tables: dict[str, int] = dict(db.execute(images_sql.TOUCHED).fetchall())
        return Jsonb(changes), tables

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            # The triggers go with it; to drop one by itself one must own the table.
            self._db.execute("DROP FUNCTION pg_temp.glmos_capture() CASCADE")


def value(db: Db, query: str, *values: Any) -> Any:
    found = db.execute(cast("LiteralString", query), values or None).fetchone()
    return found[0] if found is not None else None


def _counted(db: Db) -> dict[int, int]:
    return dict(db.execute(images_sql.COUNTS).fetchall())


def name_of(db: Db, relation: int) -> sql.Composable:
    query = "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = %s"
    schema, name = db.execute(query, (relation,)).fetchone() or ("", "")
    return sql.Identifier(schema, name)


def _on(query: LiteralString, table: sql.Composable) -> sql.Composed:
    return sql.SQL(query).format(ours=sql.Identifier("zz_glmos_capture"), table=table)


_TOO_MUCH = (
    f"That changes more than can be taken back ({MAX_CHANGES} rows or {MAX_IMAGE_BYTES >> 20} MB): change less at once, "
    "or use execute_ddl, which the person must approve."
)
