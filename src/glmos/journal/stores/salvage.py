"""What a damaged database still holds. The file itself is never written to: a copy is read.

    copy ──▶ by id, halving wherever SQLite meets damage ──┐
         ──▶ from every page, whether a tree leads there ──┴─▶ rows that fit their seals, each once

Above: `boot.salvage`, which makes a new home of it, and `boot.doctor`. Below: SQLite, `pages`. What comes out was
recorded: a row that does not fit its seal, or is older than seals and no event, is named and left.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from glmos.abi.errors import ReplayError
from glmos.abi.events import Entry, ProcessRow
from glmos.abi.ids import Pid, Seq
from glmos.journal.codec import decode_event, decode_row
from glmos.journal.stores.pages import Columns, rows
from glmos.journal.stores.seals import event_fits, row_fits

_MAGIC = b"SQLite format 3\0"
_LEAST_ROW = 24
"""Bytes of the smallest row of an event, for guessing how many there may be."""
_SHOWN = 5
_MOST_FAILURES = 20_000
"""Ranges that could not be read, after which the rest is left to the pages."""
_Row = tuple[Any, Any, Any, Any, Any]
"""(pid, seq, at, body, seal), as they were read."""


class Remains(NamedTuple):
    """What was found."""

    logs: dict[Pid, dict[Seq, Entry]]
    """Every event that can be believed, by its place; there may be gaps."""
    heads: dict[Pid, Seq]
    """How far each log went, as far as the listing is left to say so."""
    unfit: tuple[str, ...]
    """Rows that were seen and cannot be believed, one sentence each."""
    problems: tuple[str, ...]
    """What SQLite said."""


def find_remains(database: Path, scratch: Path) -> Remains:
    """Read `database` and its write-ahead log as far as they can be read. `scratch`: an empty folder for copies.

    Raises: OSError when it cannot be copied.
    """
    copy = _copied(database, scratch)
    problems: list[str] = []
    seen: dict[tuple[Any, Any], _Row] = {}
    unfit: dict[tuple[Any, Any], str] = {}
    heads: dict[Pid, Seq] = {}
    for columns in (*_by_halves(copy, problems), *(_by_pages(copy) if problems else ())):
        if (listed := _listed(columns)) is not None:
            heads[listed.pid] = max(heads.get(listed.pid, 0), listed.seq)
        elif (row := _event(columns)) is not None:
            _take(row, seen, unfit)
    logs: dict[Pid, dict[Seq, Entry]] = {}
    for pid, seq, at, body, _ in seen.values():
        try:
            logs.setdefault(pid, {})[seq] = Entry(pid, seq, at, decode_event(body))
        except ReplayError as problem:
            unfit[pid, seq] = f"event {seq} of process {pid}: {problem}"
    return Remains(logs, heads, tuple(unfit.values()), tuple(dict.fromkeys(problems)))


def check(database: Path) -> tuple[int, list[str]]:
    """How many events a database holds, and what is wrong with it: its structure first, then every seal."""
    problems: list[str] = []
    events = 0
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.text_factory = bytes
            found = [line.decode("utf-8", "replace") for (line,) in db.execute(f"PRAGMA quick_check({_SHOWN})")]
            problems += [line for line in found if line != "ok"]
            for *columns, seal in db.execute("SELECT pid, seq, at, body, seal FROM events"):
                events += 1
                if not event_fits(tuple(columns), seal):  # pyright: ignore[reportArgumentType]
                    problems.append(f"event {columns[1]} of process {columns[0]} does not fit its checksum")
            for *columns, seal in db.execute("SELECT pid, root, ended, resting, body, seal FROM processes"):
                if not row_fits(tuple(columns), seal):  # pyright: ignore[reportArgumentType]
                    problems.append(f"the listing of process {columns[0]} does not fit its checksum")
    except (sqlite3.Error, UnicodeDecodeError) as problem:
        problems.append(str(problem))
    return events, problems


# -- copies -----------------------------------------------------------------------------------------------------------


def _copied(database: Path, scratch: Path) -> Path:
    copy = scratch / "journal.db"
    shutil.copyfile(database, copy)
    log = database.with_name(database.name + "-wal")
    if log.exists():
        shutil.copyfile(log, copy.with_name("journal.db-wal"))
    _mend_header(copy)
    with suppress(sqlite3.Error, UnicodeDecodeError), closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # what was committed belongs on the pages
    return copy


def _mend_header(copy: Path) -> None:
    """Without its first bytes SQLite does not touch a file; they are the same in every journal."""
    with copy.open("r+b") as file:
        if file.read(16) == _MAGIC:
            return
        pages = copy.stat().st_size // 4096
        file.seek(0)
        file.write(_MAGIC + (4096).to_bytes(2, "big") + bytes([2, 2, 0, 64, 32, 32]))
        file.seek(28)
        file.write(pages.to_bytes(4, "big"))
        file.seek(44)
        file.write((4).to_bytes(4, "big") + bytes(8) + (1).to_bytes(4, "big"))


# -- reading ----------------------------------------------------------------------------------------------------------


def _take(row: _Row, seen: dict[tuple[Any, Any], _Row], unfit: dict[tuple[Any, Any], str]) -> None:
    pid, seq, at, body, seal = row
    if not (isinstance(pid, int) and isinstance(seq, int) and pid > 0 and seq > 0):
        unfit[str(pid)[:20], str(seq)[:20]] = "a row that names no event of a process"
        return
    known = seen.get((pid, seq))
    if known is not None and known[4] is not None:
        return
    at = float(at) if isinstance(at, int) else at  # so a whole number lies on the disk
    if isinstance(at, float) and event_fits((pid, seq, at, body), seal):
        seen[pid, seq] = (pid, seq, at, body, seal)
        unfit.pop((pid, seq), None)
    elif known is None:
        unfit[pid, seq] = f"event {seq} of process {pid} does not fit its checksum"


def _event(columns: Columns) -> _Row | None:
    """The row of an event that `columns` are, in any schema; None for anything else."""
    match columns:
        case [_, pid, seq, at, bytes(), bytes() as body]:  # with its kind beside it, before schema 3
            return pid, seq, at, body, None
        case [_, pid, seq, at, bytes() as body]:
            return pid, seq, at, body, None
        case [_, pid, seq, at, body, seal]:
            return pid, seq, at, body, seal
        case _:
            return None


def _listed(columns: Columns) -> ProcessRow | None:
    """The row of the listing that `columns` are; None for anything else."""
    body = columns[2] if len(columns) in (3, 5, 6) else None
    if not isinstance(body, bytes):
        return None
    try:
        found = decode_row(body)
    except ReplayError:
        return None
    if len(columns) == 6 and not row_fits((found.pid, columns[3], columns[1], columns[4], body), columns[5]):
        return None
    return found


def _by_halves(copy: Path, problems: list[str]) -> Iterator[Columns]:
    """Rows by number. A range that SQLite cannot read is halved, down to the single rows that are lost."""
    try:
        with closing(sqlite3.connect(copy)) as db:
            db.text_factory = bytes
            log = copy.with_name("journal.db-wal")
            size = copy.stat().st_size + (log.stat().st_size if log.exists() else 0)
            for table in ("events", "processes"):
                stored = ", ".join(name.decode() for _, name, *_ in db.execute(f"PRAGMA table_info({table})"))
                query = f"SELECT {stored} FROM {table} NOT INDEXED WHERE rowid BETWEEN ? AND ? ORDER BY rowid"
                yield from _range(db, query, size // _LEAST_ROW + 1, problems)
    except (sqlite3.Error, UnicodeDecodeError) as problem:
        problems.append(str(problem))


def _range(db: sqlite3.Connection, query: str, last: int, problems: list[str]) -> Iterator[Columns]:
    ranges, failed = [(1, last)], 0
    while ranges and failed < _MOST_FAILURES:
        a, b = ranges.pop()
        try:
            yield from map(list, db.execute(query, (a, b)).fetchall())
        except (sqlite3.Error, UnicodeDecodeError, MemoryError) as problem:
            failed += 1
            problems.append(str(problem))
            if a < b:
                middle = (a + b) // 2
                ranges += [(middle + 1, b), (a, middle)]


def _by_pages(copy: Path) -> Iterator[Columns]:
    """Rows of pages that no tree leads to any more."""
    return rows(copy, columns=range(3, 8))
