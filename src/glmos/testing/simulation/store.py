"""The journal of the simulation: a `Store` over the disk that outlives crashes, for one life of the machine.

An append can fail with nothing recorded, take long, be cut off by the power before the commit or after it and before
anybody is told, and find that somebody else has written meanwhile.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from glmos.abi.errors import ConflictError, StoreError
from glmos.abi.events import Entry, Event, ProcessReniced, ProcessRow
from glmos.abi.ids import BlobRef, Pid, Seq
from glmos.journal.blobs import blob_ref, no_such_blob
from glmos.journal.codec import ENDED, conflict, decode_row, prepare
from glmos.journal.stores.ram import unattended
from glmos.kernel.fold import fold, fold_all
from glmos.kernel.report import row as row_of
from glmos.ports import Snapshot
from glmos.testing.simulation.world import Life


class SimStore:
    """Implements `ports.Store`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._world = life.world
        self._disk = life.world.disk

    async def append(
        self,
        pid: Pid,
        expected_seq: Seq,
        events: Sequence[Event],
        *,
        at: float | Sequence[float],
        row: ProcessRow | None = None,
    ) -> Seq:
        life, world, disk = self._life, self._world, self._disk
        if world.scenario.codec:
            batch = prepare(pid, expected_seq, events, at, row)
            events = [record.event for record in batch.records]
            row = decode_row(batch.row) if batch.row is not None else None
        times = [at] * len(events) if isinstance(at, int | float) else at
        life.reach("append asked", pid)
        if world.goes_wrong("append_slow"):
            world.say(f"!!! the append to {pid} is slow")
            await world.sleep(30.0)
        await life.pause(1)
        if world.goes_wrong("append_fails"):
            world.say(f"!!! the append to {pid} fails")
            raise StoreError("The disk that holds the journal is full; free some space and try again.")
        if world.goes_wrong("stolen") and pid in disk.logs:
            self._steal(pid, times[0])
        head = len(disk.logs.get(pid, ()))
        if head != expected_seq:
            raise ConflictError(conflict(pid, expected_seq, head))
        life.reach("append begins", pid)
        entries = [Entry(pid, head + i, t, x) for i, (t, x) in enumerate(zip(times, events, strict=True), 1)]
        world.committed(pid, entries, row)
        life.reach("append committed, nobody told", pid)
        await life.pause(2)
        return head + len(entries)

    def _steal(self, pid: Pid, at: float) -> None:
        """Another program on the same store writes to the log."""
        log = self._disk.logs[pid]
        at = max(at, log[-1].at)
        state = fold_all(log)
        self._world.say(f"!!! another program writes to the log of {pid}")
        entry = Entry(pid, len(log) + 1, at, ProcessReniced(state.priority))
        self._world.committed(pid, [entry], row_of(fold(state, entry)))

    async def new_pid(self) -> Pid:
        self._life.reach("new pid asked")
        self._disk.last_pid += 1
        found = self._disk.last_pid
        await self._life.pause(3)
        return found

    async def read(self, pid: Pid, *, after: Seq = 0, limit: int | None = None) -> list[Entry]:
        await self._look()
        start = max(after, 0)
        return self._disk.logs.get(pid, [])[start : None if limit is None else start + max(limit, 0)]

    async def head(self, pid: Pid) -> Seq:
        await self._look()
        return len(self._disk.logs.get(pid, ()))

    async def rows(
        self, *, live_only: bool = False, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        await self._look()
        rows = [self._disk.rows[pid] for pid in sorted(self._disk.rows)]
        if live_only or awake_only:
            rows = [row for row in rows if row.status not in ENDED and not (awake_only and row.resting)]
        return rows if limit is None else rows[max(0, len(rows) - limit) :]

    async def unattended(self) -> list[ProcessRow]:
        await self._look()
        return unattended(self._disk.rows)

    async def tree(self, root: Pid) -> list[ProcessRow]:
        await self._look()
        return [self._disk.rows[pid] for pid in sorted(self._disk.rows) if self._disk.rows[pid].root == root]

    async def row(self, pid: Pid) -> ProcessRow | None:
        await self._look()
        return self._disk.rows.get(pid)

    @asynccontextmanager
    async def subscribe(self, pid: Pid | None = None) -> AsyncGenerator[AsyncIterator[Entry]]:
        raise NotImplementedError("nobody follows a log in the simulation")
        yield  # pragma: no cover

    async def save_snapshot(self, pid: Pid, snapshot: Snapshot) -> None:
        self._life.reach("snapshot", pid)
        await self._life.pause(4)
        kept = self._disk.snapshots.get(pid)
        if kept is None or snapshot.seq >= kept.seq:
            self._disk.snapshots[pid] = snapshot

    async def load_snapshot(self, pid: Pid) -> Snapshot | None:
        await self._look()
        return self._disk.snapshots.get(pid)

    async def put_blob(self, data: bytes) -> BlobRef:
        self._life.reach("blob")
        await self._life.pause(5)
        if self._world.goes_wrong("blob_fails"):
            raise StoreError("The disk that holds the payloads is full; free some space and try again.")
        ref = blob_ref(data)
        self._disk.blobs[ref] = data
        return ref

    async def get_blob(self, ref: BlobRef) -> bytes:
        await self._look()
        if ref not in self._disk.blobs:
            raise no_such_blob(ref)
        return self._disk.blobs[ref]

    async def aclose(self) -> None:
        return None

    async def _look(self) -> None:
        self._life.reach("read")
        await self._life.pause(6)
        if self._world.goes_wrong("read_fails"):
            self._world.say("!!! a read of the journal fails")
            raise StoreError("The disk that holds the journal cannot be read; look at the disk and try again.")
