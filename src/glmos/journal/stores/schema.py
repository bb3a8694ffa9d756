"""Making, checking and migrating the database file.

Above: `SqliteStore.open`. Below: SQLite. Rules: a journal is there whole or not at all; an old one is copied, then
migrated, one numbered script per transaction; a newer or a damaged one is refused and left as it is.
"""

import os
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from glmos.abi.errors import StoreError
from glmos.journal.blobs import sync_folder
from glmos.journal.failures import damaged, store_error
from glmos.journal.stores.queries import migrations

APPLICATION_ID = 0x474C4D4F
Migrations = Sequence[tuple[str, str]]


def connect(path: Path, *, busy_seconds: float) -> sqlite3.Connection:
    """A connection in the journal's settings: durable at commit, transactions only where we write BEGIN."""
    db = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        db.text_factory = bytes
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = ON")  # macOS: its plain fsync does not reach the disk
        db.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        db.close()
        raise
    return db


def prepare_database(path: Path, *, busy_seconds: float, scripts: Migrations | None = None) -> None:
    """Make the journal at `path` if there is none, and bring an old one to the newest schema.

    Raises:
        StoreError: It is damaged, newer than this program, not a journal, or cannot be written. It was not changed.
    """
    scripts = migrations() if scripts is None else scripts
    try:
        if not path.exists():
            _create(path, scripts)
        elif path.stat().st_size == 0:
            raise damaged(path, "the file is empty")
        with closing(connect(path, busy_seconds=busy_seconds)) as db:
            version = _check(db, path, newest=len(scripts))
            if version < len(scripts):
                _back_up(db, path, version)
                _migrate(db, scripts, version)
    except (sqlite3.Error, OSError, UnicodeDecodeError) as problem:
        raise store_error(path, problem) from problem


def _check(db: sqlite3.Connection, path: Path, *, newest: int) -> int:
    """The schema version of a journal this program can use."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    application: int = db.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID or version < 1:
        raise StoreError(
            f"{str(path)!r} is a SQLite database but not a GLM-OS journal; "
            "move it aside, or choose another home with GLMOS_HOME."
        )
    if version > newest:
        raise StoreError(
            f"The journal {str(path)!r} has schema version {version}, and this GLM-OS knows versions up to {newest}; "
            "use the newer GLM-OS that wrote it."
        )
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != b"wal":
        raise StoreError(
            f"The folder of the journal {str(path)!r} does not support write-ahead logging "
            "(a network folder?); choose a home on a local disk with GLMOS_HOME."
        )
    db.execute("SELECT max(id), (SELECT max(pid) FROM processes) FROM events").fetchone()
    return version


def _create(path: Path, scripts: Migrations) -> None:
    """Build the new database under another name, so that a crash leaves no half-made journal."""
    orphan = path.with_name(path.name + "-wal")
    if orphan.exists() and orphan.stat().st_size > 0:
        raise damaged(path, f"the file is missing, but {orphan.name!r}, which belongs to it, is there")
    fd, name = tempfile.mkstemp(prefix=path.name + ".new-", dir=path.parent)  # readable by its owner only
    os.close(fd)
    try:
        with closing(connect(Path(name), busy_seconds=0)) as db:
            _migrate(db, scripts, 0)
        _publish(Path(name), path)
    finally:
        for leftover in (name, name + "-journal"):
            Path(leftover).unlink(missing_ok=True)
    sync_folder(path.parent)


def _publish(new: Path, path: Path) -> None:
    """Give the finished file its name, unless another program was quicker."""
    try:
        os.link(new, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        new.rename(path)


def _migrate(db: sqlite3.Connection, scripts: Migrations, version: int) -> None:
    for number, (_, script) in enumerate(scripts[version:], start=version + 1):
        try:
            db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise


def _back_up(db: sqlite3.Connection, path: Path, version: int) -> None:
    """Keep a copy as `journal.db.v1-backup` before the schema changes."""
    fd, name = tempfile.mkstemp(prefix=path.name + ".backup-", dir=path.parent)
    os.close(fd)
    try:
        with closing(sqlite3.connect(name)) as copy:
            db.backup(copy)
        with Path(name).open("rb") as file:
            os.fsync(file.fileno())
        Path(name).replace(path.with_name(f"{path.name}.v{version}-backup"))
    finally:
        Path(name).unlink(missing_ok=True)
    sync_folder(path.parent)
