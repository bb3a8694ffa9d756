"""One process's log in memory: its entries, its folded state, and the only way to add to both.

What is added is folded at once and written in batches. The kernel decides on the newest state; what is not yet written
is only a thought, and nothing outside may rest on it:

    note      add in memory, to be written with whatever is written next
    flush     return when all that was noted is durable
    append    both: before a model is called, a tool is run, or a caller is told

A step's bookkeeping so costs two commits, one before its tool runs and one before its model is called, not one for each
event. If a write fails, memory goes back to what is on disk; the process is let go of when others had built on it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

import anyio
import msgspec

from glmos.abi.budgets import Limits, stricter
from glmos.abi.errors import ConflictError, NotFoundError, StoreError
from glmos.abi.events import Entry, Event, StepStarted
from glmos.abi.ids import Pid, Seq, SnapshotId
from glmos.context.head import Front
from glmos.context.turns import Conversation
from glmos.kernel.fold import fold
from glmos.kernel.process import STATE_VERSION, Process
from glmos.kernel.report import row
from glmos.ports import Clock, Snapshot, Store

SNAPSHOT_EVERY = 500
"""Events between snapshots."""


class ProcessLog:
    """The live log of one process. One owner."""

    def __init__(self, store: Store, clock: Clock, pid: Pid, state: Process | None, entries: list[Entry]) -> None:
        self._store = store
        self._clock = clock
        self.pid = pid
        self._state = state
        self._durable = state
        self.entries = entries
        """Every event, those noted included."""
        self._pending: list[Entry] = []
        self._notes = 0
        """Calls of `note` that are not yet written: more than one means that somebody built on another's."""
        self._built = False
        """Something was begun because of them."""
        self._error: Exception | None = None
        self._writing: anyio.Event | None = None
        """Set when the batch that is being written now has been. One at a time, in the order of the events."""
        self._saved = state.seq if state is not None else 0
        self._conversation: Conversation | None = None
        self.ahead = max(0.0, state.at - clock.now()) if state is not None else 0.0
        """Seconds by which the log's time is later than the clock's: the clock was set back between two starts."""
        self.front: Front | None = None
        """Of its prompts, once one was made."""
        self.on_note: Callable[[Process], None] = _nobody
        """Told of every change in memory, also when it goes back to what is on disk."""
        self.on_durable: Callable[[Process], None] = _nobody

    @classmethod
    async def load(cls, store: Store, clock: Clock, pid: Pid) -> "ProcessLog":
        """Raises: NotFoundError for an unknown process; ReplayError when its log cannot be folded."""
        entries = await store.read(pid)
        if not entries:
            raise NotFoundError(f"there is no process {pid}; `glmos ps --all` lists them")
        return cls(store, clock, pid, await load_state(store, pid, entries), entries)

    @property
    def state(self) -> Process:
        """The newest, with what was noted."""
        assert self._state is not None, "the log is still empty"
        return self._state

    @property
    def durable(self) -> Process:
        """What a restart would find: all that anyone outside is told."""
        assert self._durable is not None, "the log is still empty"
        return self._durable

    @property
    def limits(self) -> Limits:
        """Those that may be used: a limit that is being raised holds until that is durable, one that is being lowered
        does not."""
        p, durable = self.state, self._durable
        return p.limits if durable is None or durable.limits is p.limits else stricter(p.limits, durable.limits)

    @property
    def ticking(self) -> bool:
        """Its running time passes. A clock that is being stopped runs on until that is durable."""
        return self.state.ticking or (self._durable is not None and self._durable.ticking)

    @property
    def durable_seq(self) -> Seq:
        return self._durable.seq if self._durable is not None else 0

    @property
    def first_snapshot(self) -> SnapshotId:
        """The workspace as it was when the first step began; empty before that."""
        return next((x.event.snapshot for x in self.entries if isinstance(x.event, StepStarted)), "")

    @property
    def touched(self) -> bool:
        """Files may have changed since the first step began: a call that is not pure was begun, or a child brought some."""
        p = self.state
        return any(c.effect != "pure" for c in p.calls.values()) or bool(p.children)

    @property
    def conversation(self) -> Conversation:
        """The events as turns, read once each."""
        if self._conversation is None:
            self._conversation = Conversation()
        self._conversation.read(self.entries[self._conversation.seen :])
        return self._conversation

    @property
    def settled(self) -> bool:
        """What is in memory is what is on disk."""
        return self._error is None and self.state is self._durable

    def now(self) -> float:
        """The time, as this log counts it. Under a clock that was set back it goes on from the last event."""
        return self._clock.now() + self.ahead

    def require_sound(self) -> None:
        """Raises: what broke the log, if a write failed under events that others had built on."""
        if self._error is not None:
            raise self._error

    def give_up(self, error: Exception) -> None:
        """Its process cannot go on: what it would have had to know could not be written here."""
        self._error = self._error or error
        self.on_note(self.state)

    def build(self) -> None:
        """Something is begun because of what is in memory: if that cannot be written, the process cannot go on."""
        self._built = self._built or self._state is not self._durable

    def note(self, *events: Event) -> Process:
        """Add `events` in memory; give the state after them. They are written with the next batch.

        Raises:
            ReplayError: One of them cannot stand here. Nothing was added.
        """
        self.require_sound()
        if not events:
            return self.state
        now = self.now()
        if self._state is not None:
            now = max(now, self._state.at)  # time must not run backwards in a log
        seq = self._state.seq if self._state is not None else 0
        fresh = [Entry(self.pid, seq + i, now, event) for i, event in enumerate(events, 1)]
        state = self._state
        for entry in fresh:
            state = fold(state, entry)
        assert state is not None
        self._state = state
        self.entries.extend(fresh)
        self._pending.extend(fresh)
        self._notes += 1
        self.on_note(state)
        return state

    async def append(self, *events: Event) -> Process:
        """Record `events` and all that was noted before; give the state after them when it is durable.

        Raises:
            StoreError, ConflictError: Nothing of it was recorded.
        """
        state = self.note(*events)
        await self.flush(own=bool(events))
        return state

    async def append_if(self, make: Callable[[Process], Sequence[Event]]) -> Process:
        """Record what `make` gives for the state at this moment; it may raise to record nothing.

        Raises:
            StoreError, ConflictError: Nothing of it was recorded.
        """
        return await self.append(*make(self.state))

    async def flush(self, *, own: bool = False) -> None:
        """Return when everything noted so far is durable. `own`: the last note is the caller's, who will hear of it if
        it cannot be written.

        Raises:
            StoreError, ConflictError: It could not be written; memory is as the disk is.
        """
        wanted = self.state.seq
        if self.durable_seq >= wanted:
            return
        with anyio.CancelScope(shield=True):  # a batch once begun is finished, or memory and disk would differ
            while self._writing is not None:
                await self._writing.wait()
            self.require_sound()
            if self.durable_seq < wanted and self._pending:
                written = self._writing = anyio.Event()
                try:
                    await self._write(own=own)
                finally:
                    self._writing = None
                    written.set()

    async def _write(self, *, own: bool) -> None:
        """Write what is pending, as one batch."""
        batch, self._pending = self._pending, []
        notes, self._notes = self._notes, 0
        state = self.state
        events, times = [x.event for x in batch], [x.at for x in batch]
        try:
            await self._store.append(self.pid, self.durable_seq, events, at=times, row=row(state))
        except Exception as error:
            self._go_back(error, heard=own and notes == 1 and not self._built)
            raise
        self._durable = state
        self._built = self._built and self._state is not state
        self.on_durable(state)
        if state.seq - self._saved >= SNAPSHOT_EVERY:
            self._saved = state.seq
            await self._save_snapshot(state)

    async def _save_snapshot(self, state: Process) -> None:
        """A short cut for the next load. The log has everything, so whatever is in the way of one is no failure:
        a disk that has just run full, text or numbers that its format has no form for."""
        with suppress(StoreError, UnicodeEncodeError, OverflowError):
            data = msgspec.msgpack.encode(state)
            await self._store.save_snapshot(self.pid, Snapshot(state.seq, STATE_VERSION, data))

    def _go_back(self, error: Exception, *, heard: bool) -> None:
        """Forget what could not be written. Whoever built on it, or on a log that is another's now, cannot go on; nor can
        the process, unless nothing was begun of it and the one whose note it was hears of it."""
        if isinstance(error, ConflictError) or self._pending or not heard:
            self._error = error
        del self.entries[self.durable_seq :]
        self._pending, self._notes, self._built, self._conversation = [], 0, False, None
        self._state = self._durable
        if self._state is not None:
            self.on_note(self._state)


def _nobody(state: Process) -> None:
    """Told of every change until somebody listens."""


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
