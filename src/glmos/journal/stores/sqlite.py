"""`SqliteStore`: the journal of one home on a local disk.

    HOME/journal.db    events, listing, snapshots (SQLite, write-ahead log, synced at every commit)
    HOME/blobs/        payloads

Above: `boot` opens it, under `HomeLock`. Below: `writer` (one thread, one connection, group commit), a few reading
connections used from worker threads, `blobs`. Readers see a consistent state and never wait for the writer.
"""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
import anyio.to_thread
import zstandard

from glmos.abi.errors import ConflictError, ReplayError, StoreError
from glmos.abi.events import Entry, Event, ProcessRow
from glmos.abi.ids import BlobRef, Pid, Seq
from glmos.journal.blobs import BlobFolder, sync_folder
from glmos.journal.codec import Batch, conflict, decode_event, decode_row, prepare
from glmos.journal.failures import SALVAGE, store_error
from glmos.journal.stores.feed import Feed, Fetch, Placed, Subscription
from glmos.journal.stores.queries import queries
from glmos.journal.stores.schema import connect, prepare_database
from glmos.journal.stores.seals import event_fits, event_seal, row_fits, row_seal
from glmos.journal.stores.writer import Writer, wake_here
from glmos.ports import Snapshot

T = TypeVar("T")
READERS = 4
"""Reading connections, and reads at once."""
PIDS_AT_ONCE = 16
"""Process numbers reserved by one commit. After a crash at most so many are skipped."""
FETCH = 500
"""Entries a subscription reads at a time."""


class SqliteStore:
    """A `Store` on disk. Made by `open`."""

    def __init__(
        self, home: Path, db: sqlite3.Connection, blobs: BlobFolder, crash_points: Callable[[str], None], busy: float
    ) -> None:
        self.path = home / "journal.db"
        self._busy = busy
        self._blobs = blobs
        self._crash_point = crash_points
        self._feed = Feed()
        self._writer = Writer(db, self.path, crash_points=crash_points, committed=self._committed)
        self._idle_readers: list[sqlite3.Connection] = []
        self._reading = anyio.CapacityLimiter(READERS)
        self._pids = anyio.Lock()  # guards the reservation while the next one is made
        self._next_pid = 0
        self._last_reserved_pid = -1
        self._closed = False

    @classmethod
    async def open(
        cls, home_dir: Path, *, crash_points: Callable[[str], None] = lambda _: None, busy_seconds: float = 5.0
    ) -> Self:
        """Open the journal of a home, making it if there is none.

        `crash_points` is called with a name at `append.before_insert`, `append.before_commit`, `append.after_commit`,
        `snapshot.before_insert`, `blob.before_rename` and `blob.after_rename`, for tests that die there. `busy_seconds`
        is how long another program may hold the database before an append gives up.

        Raises:
            StoreError: It is damaged, of a newer version, or cannot be written. It was not changed.
        """

        def prepare_home() -> tuple[sqlite3.Connection, BlobFolder]:
            path = home_dir / "journal.db"
            try:
                if not home_dir.is_dir():
                    home_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
                    sync_folder(home_dir.parent)
            except OSError as problem:
                raise store_error(home_dir, problem) from problem
            prepare_database(path, busy_seconds=busy_seconds)
            blobs = BlobFolder(home_dir / "blobs", crash_points)
            return connect(path, busy_seconds=busy_seconds), blobs

        db, blobs = await anyio.to_thread.run_sync(prepare_home)
        return cls(home_dir, db, blobs, crash_points, busy_seconds)

    async def append(
        self,
        pid: Pid,
        expected_seq: Seq,
        events: Sequence[Event],
        *,
        at: float | Sequence[float],
        row: ProcessRow | None = None,
    ) -> Seq:
        """As `Store.append`. Raises also `UsageError` for what could not be read back."""
        batch = prepare(pid, expected_seq, events, at, row)
        _, last = await self._writer.run(partial(_insert, batch))
        return last

    async def new_pid(self) -> Pid:
        async with self._pids:
            if self._next_pid > self._last_reserved_pid:
                self._last_reserved_pid = await self._writer.run(_reserve_pids)
                self._next_pid = self._last_reserved_pid - PIDS_AT_ONCE + 1
            self._next_pid += 1
            return self._next_pid - 1

    async def read(self, pid: Pid, *, after: Seq = 0, limit: int | None = None) -> list[Entry]:
        return await self._read(partial(_log, pid=pid, after=after, limit=-1 if limit is None else max(limit, 0)))

    async def head(self, pid: Pid) -> Seq:
        return await self._read(partial(_head, pid=pid))

    async def rows(
        self, *, live_only: bool = False, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        name = "awake_rows" if awake_only else "live_rows" if live_only else "rows"
        found = await self._rows(name, {"limit": -1 if limit is None else max(limit, 0)})
        found.reverse()
        return found

    async def unattended(self) -> list[ProcessRow]:
        return await self._rows("unattended", {})

    async def tree(self, root: Pid) -> list[ProcessRow]:
        return await self._rows("tree", {"root": root})

    async def _rows(self, query: str, values: dict[str, int]) -> list[ProcessRow]:
        return await self._read(lambda db: [_row(found) for found in db.execute(_SQL[query], values)])

    async def row(self, pid: Pid) -> ProcessRow | None:
        def select(db: sqlite3.Connection) -> ProcessRow | None:
            found = db.execute(_SQL["row"], {"pid": pid}).fetchone()
            return None if found is None else _row(found)

        return await self._read(select)

    @asynccontextmanager
    async def subscribe(self, pid: Pid | None = None) -> AsyncGenerator[AsyncIterator[Entry]]:
        subscription = Subscription(self._fetch_all() if pid is None else self._fetch_one(pid), wake_here())
        self._feed.add(subscription, pid)  # before its place is read: what comes between is told, and then read
        try:
            place = _last_id if pid is None else partial(_head, pid=pid)
            subscription.place = await self._read(place)
            yield subscription
        finally:
            self._feed.remove(subscription)

    async def save_snapshot(self, pid: Pid, snapshot: Snapshot) -> None:
        packed = await anyio.to_thread.run_sync(_pack, snapshot.data)
        values = {"pid": pid, "seq": snapshot.seq, "version": snapshot.version, "data": packed}

        def put(db: sqlite3.Connection) -> None:
            self._crash_point("snapshot.before_insert")
            db.execute(_SQL["put_snapshot"], values)

        await self._writer.run(put)

    async def load_snapshot(self, pid: Pid) -> Snapshot | None:
        """The newest; None also for one that is damaged, because the log has everything that was in it."""

        def select(db: sqlite3.Connection) -> Snapshot | None:
            found = db.execute(_SQL["get_snapshot"], {"pid": pid}).fetchone()
            if found is None:
                return None
            try:
                return Snapshot(found[0], found[1].decode(), zstandard.ZstdDecompressor().decompress(found[2]))
            except (zstandard.ZstdError, MemoryError):
                return None

        return await self._read(select)

    async def put_blob(self, data: bytes) -> BlobRef:
        self._require_open()
        return await anyio.to_thread.run_sync(self._blobs.put, data)

    async def get_blob(self, ref: BlobRef) -> bytes:
        self._require_open()
        return await anyio.to_thread.run_sync(self._blobs.get, ref)

    async def aclose(self) -> None:
        """Finish the appends that were begun, end the subscriptions, and let go of the files. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        with anyio.CancelScope(shield=True):
            self._feed.close()
            await self._return_pids()
            await self._writer.aclose()
            places = [object() for _ in range(READERS)]
            for place in places:  # with all of them taken, every reader is back
                await self._reading.acquire_on_behalf_of(place)
            while self._idle_readers:
                self._idle_readers.pop().close()
            for place in places:
                self._reading.release_on_behalf_of(place)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _return_pids(self) -> None:
        """So that numbers go on without a gap after an orderly end."""

        def give_back(db: sqlite3.Connection) -> None:
            db.execute(_SQL["return_pids"], {"last": self._next_pid - 1, "reserved": self._last_reserved_pid})

        async with self._pids:
            if self._next_pid <= self._last_reserved_pid:
                with suppress(StoreError):  # then there is a gap, which is harmless
                    await self._writer.run(give_back)
                self._next_pid = self._last_reserved_pid + 1

    def _committed(self, values: list[Any]) -> None:
        """In the writer's thread, after each commit."""
        pids = {value[0] for value in values if isinstance(value, tuple)}
        if pids:
            self._feed.tell(pids)

    def _fetch_all(self) -> Fetch:
        async def fetch(place: int) -> Sequence[Placed]:
            return await self._read(partial(_all_entries, after=place))

        return fetch

    def _fetch_one(self, pid: Pid) -> Fetch:
        async def fetch(place: int) -> Sequence[Placed]:
            return [(entry.seq, entry) for entry in await self.read(pid, after=place, limit=FETCH)]

        return fetch

    async def _read(self, select: Callable[[sqlite3.Connection], T]) -> T:
        """Run `select` on a reading connection in a worker thread."""

        def run() -> T:
            self._require_open()
            with self._reader() as db:
                return select(db)

        return await anyio.to_thread.run_sync(run, limiter=self._reading)

    @contextmanager
    def _reader(self) -> Generator[sqlite3.Connection]:
        try:
            try:
                db = self._idle_readers.pop()
            except IndexError:
                db = connect(self.path, busy_seconds=self._busy)
                db.execute("PRAGMA query_only = ON")
            try:
                yield db
            finally:
                self._idle_readers.append(db)
        except (sqlite3.Error, UnicodeDecodeError) as problem:
            raise store_error(self.path, problem) from problem

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"The journal {str(self.path)!r} is closed; open it again to go on.")


_SQL = queries("sqlite")


def _insert(batch: Batch, db: sqlite3.Connection) -> tuple[Pid, Seq]:
    head = _head(db, pid=batch.pid)
    if head != batch.expected_seq:
        raise ConflictError(conflict(batch.pid, batch.expected_seq, head))
    pid = batch.pid
    rows = [
        {"pid": pid, "seq": seq, "at": at, "body": x.body, "seal": event_seal(pid, seq, at, x.body)}
        for seq, (x, at) in enumerate(zip(batch.records, batch.times, strict=True), start=head + 1)
    ]
    db.executemany(_SQL["insert_event"], rows)
    if batch.row is not None:
        listed = {"pid": batch.pid, "root": batch.root, "ended": batch.ended, "resting": batch.resting}
        seal = row_seal(batch.pid, batch.root, batch.ended, batch.resting, batch.row)
        db.execute(_SQL["put_row"], listed | {"body": batch.row, "seal": seal})
    return batch.pid, head + len(batch.records)


def _reserve_pids(db: sqlite3.Connection) -> Pid:
    return db.execute(_SQL["reserve_pids"], {"count": PIDS_AT_ONCE}).fetchone()[0]


def _head(db: sqlite3.Connection, *, pid: Pid) -> Seq:
    found = db.execute(_SQL["head"], {"pid": pid}).fetchone()
    return 0 if found is None else found[0]


def _last_id(db: sqlite3.Connection) -> int:
    return db.execute(_SQL["last_id"]).fetchone()[0]


def _log(db: sqlite3.Connection, *, pid: Pid, after: Seq, limit: int) -> list[Entry]:
    listed = db.execute(_SQL["row"], {"pid": pid}).fetchone()  # before the log, which may grow meanwhile
    found = db.execute(_SQL["read_log"], {"pid": pid, "after": after, "limit": limit})
    entries = [_entry(pid, seq, at, body, seal) for seq, at, body, seal in found]
    for seq, entry in enumerate(entries, max(after, 0) + 1):
        if entry.seq != seq:
            raise StoreError(f"Event {seq} of process {pid} is missing: the journal is damaged; {SALVAGE}.")
    last = max(after, 0) + len(entries)
    if limit < 0 and listed is not None and last < (recorded := _row(listed).seq):
        raise StoreError(
            f"Events {last + 1} to {recorded} of process {pid} are missing: the journal is damaged; {SALVAGE}."
        )
    return entries


def _all_entries(db: sqlite3.Connection, *, after: int) -> list[Placed]:
    found = db.execute(_SQL["read_all"], {"after": after, "limit": FETCH})
    return [(place, _entry(pid, seq, at, body, seal)) for place, pid, seq, at, body, seal in found]


def _entry(pid: Pid, seq: Seq, at: float, body: bytes, seal: int | None) -> Entry:
    if not event_fits((pid, seq, at, body), seal):
        raise StoreError(f"Event {seq} of process {pid} is damaged: it does not fit its checksum; {SALVAGE}.")
    try:
        return Entry(pid, seq, at, decode_event(body))
    except ReplayError as problem:
        raise ReplayError(f"Event {seq} of process {pid}: {problem}") from problem


def _row(found: tuple[Pid, Pid, int, int, bytes, int | None]) -> ProcessRow:
    pid, root, ended, resting, body, seal = found
    if not row_fits((pid, root, ended, resting, body), seal):
        raise StoreError(f"The listing of process {pid} is damaged: it does not fit its checksum; {SALVAGE}.")
    return decode_row(body)


def _pack(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)
