"""One process's log in memory: its entries, its folded state, and the only way to add to both.

What is appended is folded before it is written, so an event that cannot stand never reaches the disk; and it is folded
for good only after it was written, so a failed write changes nothing.
"""

from collections.abc import Callable, Sequence

import anyio
import msgspec

from glmos.abi.errors import NotFoundError
from glmos.abi.events import Entry, Event, StepStarted
from glmos.abi.ids import Pid, SnapshotId
from glmos.kernel.fold import fold
from glmos.kernel.process import STATE_VERSION, Process
from glmos.kernel.report import row
from glmos.ports import Clock, Snapshot, Store

SNAPSHOT_EVERY = 500
"""Events between snapshots."""


class ProcessLog:
    """The live log of one process. One owner; appends are serialised by the lock."""

    def __init__(self, store: Store, clock: Clock, pid: Pid, state: Process | None, entries: list[Entry]) -> None:
        self._store = store
        self._clock = clock
        self.pid = pid
        self._state = state
        self.entries = entries
        self._lock = anyio.Lock()  # keeps `expected_seq` and the state it was read from together
        self._saved = state.seq if state is not None else 0
        self.on_append: Callable[[Process, Sequence[Entry]], None] = _nobody

    @classmethod
    async def load(cls, store: Store, clock: Clock, pid: Pid) -> "ProcessLog":
        """Raises: NotFoundError for an unknown process; ReplayError when its log cannot be folded."""
        entries = await store.read(pid)
        if not entries:
            raise NotFoundError(f"there is no process {pid}; `glmos ps --all` lists them")
        return cls(store, clock, pid, await load_state(store, pid, entries), entries)

    @property
    def state(self) -> Process:
        assert self._state is not None, "the log is still empty"
        return self._state

    @property
    def first_snapshot(self) -> SnapshotId:
        """The workspace as it was when the first step began; empty before that."""
        return next((x.event.snapshot for x in self.entries if isinstance(x.event, StepStarted)), "")

    async def append(self, *events: Event) -> Process:
        """Record `events`, all or none; give the state after them."""
        return await self.append_if(lambda _: events)

    async def append_if(self, make: Callable[[Process | None], Sequence[Event]]) -> Process:
        """Record what `make` gives for the state at that moment; it may raise to record nothing."""
        async with self._lock:
            events = make(self._state)
            if not events:
                return self.state
            now = self._clock.now()
            if self._state is not None:
                now = max(now, self._state.at)  # a clock set back must not make time run backwards in a log
            seq = self._state.seq if self._state is not None else 0
            fresh = [Entry(self.pid, seq + i, now, event) for i, event in enumerate(events, 1)]
            state = self._state
            for entry in fresh:
                state = fold(state, entry)
            assert state is not None
            with anyio.CancelScope(shield=True):  # a batch once begun is finished, or memory and disk would differ
                await self._store.append(self.pid, seq, events, at=now, row=row(state))
            self._state = state
            self.entries.extend(fresh)
        self.on_append(state, fresh)
        if state.seq - self._saved >= SNAPSHOT_EVERY:
            self._saved = state.seq
            await self._store.save_snapshot(self.pid, Snapshot(state.seq, STATE_VERSION, msgspec.msgpack.encode(state)))
        return state


def _nobody(state: Process, entries: Sequence[Entry]) -> None:
    """Told of every append until somebody listens."""


async def load_state(store: Store, pid: Pid, entries: Sequence[Entry]) -> Process:
    """The state at the end of `entries` (a whole log), from the newest usable snapshot on."""
    state: Process | None = None
    snapshot = await store.load_snapshot(pid)
    if snapshot is not None and snapshot.version == STATE_VERSION and snapshot.seq <= len(entries):
        try:
            state = msgspec.msgpack.decode(snapshot.data, type=Process)
        except msgspec.MsgspecError:
            state = None  # a snapshot is only a short cut; the log is the truth
    for entry in entries[state.seq if state is not None else 0 :]:
        state = fold(state, entry)
    assert state is not None
    return state
