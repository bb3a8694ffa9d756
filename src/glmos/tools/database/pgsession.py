"""A connection to a PostgreSQL server for the length of one call: its limits, its transactions, bounded answers, and errors
that say nothing of how the server is reached. Used by `postgresql`."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import LiteralString, cast

import psycopg
from psycopg import generators, sql
from psycopg.rows import tuple_row

from glmos.abi.errors import DeviceError
from glmos.tools.database.engine import MAX_CELL, MAX_ROWS, Rows, Watch
from glmos.tools.database.images import Db
from glmos.tools.database.sources import Source
from glmos.tools.declare import ToolFailed

CONNECT_SECONDS = 10
LOCK_SECONDS = 20
"""Waiting for somebody else's transaction."""


@contextmanager
def opened(source: Source, watch: Watch) -> Generator[Db]:
    """Raises: ToolFailed, also in place of what goes wrong inside."""
    try:
        db = psycopg.connect(
            source.address,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="glmos",
            row_factory=tuple_row,
        )
    except psycopg.Error as error:
        reason = _reason(error, source.secrets)
        raise ToolFailed("unavailable", f"The database {source.name!r} cannot be reached: {reason}") from None
    try:
        watch.over(db.cancel_safe)
        _prepare_session(db, source.name)
        yield db
    except psycopg.Error as error:
        raise _failure(error, watch, source.secrets) from error
    finally:
        watch.over(None)
        db.close()


def _prepare_session(db: Db, name: str) -> None:
    """Limits that hold for the whole connection, and a look at what its role may do."""
    db.execute("SET statement_timeout = '110s'")
    db.execute("SET lock_timeout = '20s'")
    db.execute("SET idle_in_transaction_session_timeout = '120s'")
    if db.info.server_version >= 140_000:
        db.execute("SET client_connection_check_interval = '1s'")  # or a query would outlive us
    found = db.execute(
        "SELECT rolsuper OR pg_has_role(rolname, 'pg_read_server_files', 'USAGE') "
        "OR pg_has_role(rolname, 'pg_write_server_files', 'USAGE') "
        "OR pg_has_role(rolname, 'pg_execute_server_program', 'USAGE') FROM pg_roles WHERE rolname = session_user"
    ).fetchone()
    if found is None or found[0]:
        raise ToolFailed(
            "denied", f"The role of {name!r} may read files or run programs on its server (a superuser may): the person "
            "must name a role that has only the rights which are needed.",
        )  # fmt: skip


@contextmanager
def begun(db: Db, access: LiteralString) -> Generator[None]:
    """A transaction that leaves nothing."""
    db.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ {access}")
    try:
        yield
    finally:
        if not db.closed:
            db.execute("ROLLBACK")


@contextmanager
def committed(db: Db, name: str) -> Generator[None]:
    """Raises: DeviceError when the end of it cannot be known."""
    db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        yield
    except BaseException:
        if not db.closed:
            db.execute("ROLLBACK")
        raise
    try:
        db.execute("COMMIT")
    except psycopg.OperationalError as error:
        if isinstance(error, psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected):
            raise
        raise DeviceError(
            f"the connection to the database {name!r} was lost while its transaction was being committed"
        ) from error


def direct(db: Db, text: str) -> Rows:
    cursor = db.execute(cast("LiteralString", text), prepare=True)
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchmany(MAX_ROWS + 1)
    return Rows(names, rows[:MAX_ROWS], len(rows) > MAX_ROWS)


def bounded(db: Db, text: str, around: LiteralString) -> Rows | None:
    """Run a statement so that the server itself cuts long values and many rows; None if it gives no rows.

    Raises: psycopg.Error when it is not one statement.
    """
    db.pgconn.send_prepare(b"", text.encode())
    _result(db)
    db.pgconn.send_describe_prepared(b"")
    described = _result(db)
    if described.nfields == 0:
        return None
    columns = [(described.fname(i) or b"").decode("utf-8", "replace") for i in range(described.nfields)]
    names = [sql.Identifier(f"c{i}") for i in range(len(columns))]
    cells = [
        name if described.fsize(i) > 0 or described.ftype(i) == _NUMERIC
        else sql.SQL("left({}::text, {})").format(name, sql.Literal(MAX_CELL))
        for i, name in enumerate(names)
    ]  # fmt: skip
    whole = sql.SQL(around).format(
        cells=sql.SQL(", ").join(cells), names=sql.SQL(", ").join(names), sql=sql.SQL(cast("LiteralString", text))
    )
    cursor = db.execute(sql.SQL("{} LIMIT {}").format(whole, sql.Literal(MAX_ROWS + 1)), prepare=True)
    rows = cursor.fetchall()
    return Rows(columns, rows[:MAX_ROWS], len(rows) > MAX_ROWS)


_NUMERIC = 1700


def _result(db: Db) -> psycopg.pq.abc.PGresult:
    """Of what was sent. Waiting for it holds up nobody, unlike the functions of libpq that wait by themselves."""
    (result,) = db.wait(generators.execute(db.pgconn))
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, encoding="utf-8")
    return result


def _failure(error: psycopg.Error, watch: Watch, secrets: Sequence[str]) -> ToolFailed:
    if watch.stopped or isinstance(error, psycopg.errors.QueryCanceled):
        return ToolFailed("timeout", "The database was interrupted: it took too long.")
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return ToolFailed("unavailable", f"Others hold the rows or tables for more than {LOCK_SECONDS} s: try again.")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return ToolFailed("denied", "query only reads: changes are for execute.")
    if error.sqlstate is None:
        return ToolFailed("unavailable", f"The connection to the database was lost: {_reason(error, secrets)}")
    parts = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)
    return ToolFailed("failed", f"The database says: {_clean('; '.join(x for x in parts if x), secrets)}")


def _reason(error: psycopg.Error, secrets: Sequence[str]) -> str:
    """The last line of it, without where and as whom."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = re.sub(r"^.*?connection to server .*? failed: ", "", lines[-1] if lines else type(error).__name__)
    return _clean(text.removeprefix("connection failed: "), secrets)


def _clean(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text[:600]
