"""`RamStore`: the journal in memory, for tests and simulation.

Above: tests on asyncio and trio, in virtual time too: it starts no thread and reads no clock. It keeps what would come
back from a disk (events encoded and decoded once), and refuses what the disk store refuses, in the same words.
"""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import anyio.lowlevel

from glmos.abi.errors import ConflictError, StoreError
from glmos.abi.events import Entry, Event, ProcessRow
from glmos.abi.ids import BlobRef, Pid, Seq
from glmos.journal.blobs import blob_ref, damaged_blob, no_such_blob
from glmos.journal.codec import ENDED, conflict, decode_row, prepare
from glmos.journal.stores.feed import Feed, Placed, Subscription
from glmos.ports import Snapshot

Operation = Literal["append", "read", "save_snapshot", "put_blob", "get_blob", "new_pid"]


def unattended(rows: Mapping[Pid, ProcessRow]) -> list[ProcessRow]:
    """See `Store.unattended`."""
    living = [rows[pid] for pid in sorted(rows) if rows[pid].status not in ENDED]
    parents = {row.pid: rows.get(row.parent or 0) for row in living}
    return [r for r in living if not r.resting or ((p := parents[r.pid]) is not None and p.status in ENDED)]


class RamStore:
    """A `Store` that forgets everything with the program."""

    def __init__(self, *, crash_points: Callable[[str], None] = lambda _: None) -> None:
        """`crash_points` is called with a name at `append.before_commit` and `append.after_commit`. What it raises
        comes out of `append`: at the first nothing was recorded, at the second everything was and nobody was told."""
        self._crash_point = crash_points
        self._logs: dict[Pid, list[Entry]] = {}
        self._journal: list[Entry] = []
        self._rows: dict[Pid, ProcessRow] = {}
        self._snapshots: dict[Pid, Snapshot] = {}
        self._blobs: dict[BlobRef, bytes] = {}
        self._last_pid = 0
        self._feed = Feed()
        self._failures: dict[Operation, deque[Exception]] = {}
        self._closed = False

    def fail_next(self, operation: Operation, error: Exception | None = None, *, times: int = 1) -> None:
        """Let the next calls of `operation` raise `error` and do nothing (by default a full disk)."""
        error = error or StoreError("The disk that holds the journal is full; free some space and try again.")
        self._failures.setdefault(operation, deque()).extend([error] * times)

    def damage_blob(self, ref: BlobRef) -> None:
        """Let the content of a blob no longer match its name."""
        self._blobs[ref] += b"?"

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
        await self._enter("append")
        log = self._logs.get(pid, [])
        if len(log) != expected_seq:
            raise ConflictError(conflict(pid, expected_seq, len(log)))
        self._crash_point("append.before_commit")
        timed = zip(batch.records, batch.times, strict=True)
        entries = [Entry(pid, seq, at, record.event) for seq, (record, at) in enumerate(timed, start=len(log) + 1)]
        if entries:
            self._logs.setdefault(pid, log).extend(entries)
        self._journal.extend(entries)
        self._last_pid = max(self._last_pid, pid)
        if batch.row is not None:
            self._rows[pid] = decode_row(batch.row)
        self._feed.tell({pid})
        self._crash_point("append.after_commit")
        return expected_seq + len(entries)

    async def new_pid(self) -> Pid:
        await self._enter("new_pid")
        self._last_pid += 1
        return self._last_pid

    async def read(self, pid: Pid, *, after: Seq = 0, limit: int | None = None) -> list[Entry]:
        await self._enter("read")
        start = max(after, 0)
        return self._logs.get(pid, [])[start : None if limit is None else start + max(limit, 0)]

    async def head(self, pid: Pid) -> Seq:
        await self._enter("read")
        return len(self._logs.get(pid, []))

    async def rows(
        self, *, live_only: bool = False, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        await self._enter("read")
        found = [self._rows[pid] for pid in sorted(self._rows)]
        if live_only or awake_only:
            found = [row for row in found if row.status not in ENDED and not (awake_only and row.resting)]
        return found if limit is None else found[max(0, len(found) - limit) :]

    async def unattended(self) -> list[ProcessRow]:
        await self._enter("read")
        return unattended(self._rows)

    async def tree(self, root: Pid) -> list[ProcessRow]:
        await self._enter("read")
        return [self._rows[pid] for pid in sorted(self._rows) if self._rows[pid].root == root]

    async def row(self, pid: Pid) -> ProcessRow | None:
        await self._enter("read")
        return self._rows.get(pid)

    @asynccontextmanager
    async def subscribe(self, pid: Pid | None = None) -> AsyncGenerator[AsyncIterator[Entry]]:
        await self._enter("read")

        def entries() -> Sequence[Entry]:
            return self._journal if pid is None else self._logs.get(pid, [])

        async def fetch(place: int) -> Sequence[Placed]:
            return list(enumerate(entries()[place:], start=place + 1))

        subscription = Subscription(fetch, wake=lambda look: look())
        subscription.place = len(entries())
        self._feed.add(subscription, pid)
        try:
            yield subscription
        finally:
            self._feed.remove(subscription)

    async def save_snapshot(self, pid: Pid, snapshot: Snapshot) -> None:
        await self._enter("save_snapshot")
        kept = self._snapshots.get(pid)
        if kept is None or snapshot.seq >= kept.seq:
            self._snapshots[pid] = snapshot

    async def load_snapshot(self, pid: Pid) -> Snapshot | None:
        await self._enter("read")
        return self._snapshots.get(pid)

    async def put_blob(self, data: bytes) -> BlobRef:
        await self._enter("put_blob")
        ref = blob_ref(data)
        self._blobs[ref] = bytes(data)
        return ref

    async def get_blob(self, ref: BlobRef) -> bytes:
        await self._enter("get_blob")
        if ref not in self._blobs:
            raise no_such_blob(ref)
        data = self._blobs[ref]
        if blob_ref(data) != ref:
            raise damaged_blob(ref)
        return data

    async def aclose(self) -> None:
        """End the subscriptions. What was recorded stays: `reopen` is what a restart would find."""
        self._closed = True
        self._feed.close()

    def reopen(self) -> "RamStore":
        """What a program that starts after this one ended, or was killed, finds."""
        other = RamStore(crash_points=self._crash_point)
        other._logs = {pid: list(log) for pid, log in self._logs.items()}
        other._journal = list(self._journal)
        other._rows = dict(self._rows)
        other._snapshots = dict(self._snapshots)
        other._blobs = dict(self._blobs)
        other._last_pid = self._last_pid
        return other

    async def _enter(self, operation: Operation) -> None:
        """Let others run, as a disk would; then fail if that was asked for."""
        await anyio.lowlevel.checkpoint()
        if self._closed:
            raise StoreError("The journal in memory is closed; open it again to go on.")
        failures = self._failures.get(operation)
        if failures:
            raise failures.popleft()
