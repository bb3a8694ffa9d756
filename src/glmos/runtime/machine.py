"""The process table: which processes there are, who is in memory, and the door for signals from outside.

One machine per home. It brings unfinished processes back at start, loads whoever is asked for, and lets go of whoever has
nothing to do. What goes with it has its own place: `alarms` wake processes, `accounts` count for whole trees, `families`
carry a child's end to its parent.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.abc import TaskGroup

from glmos.abi import events as e
from glmos.abi.api import Progress, RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import ConflictError, DeviceError, GlmosError
from glmos.abi.ids import CallId, Pid
from glmos.kernel.dependence import correctable, reopening, resting_on
from glmos.kernel.process import Process
from glmos.runtime.accounts import Accounts
from glmos.runtime.alarms import Alarms
from glmos.runtime.families import Families
from glmos.runtime.hub import Hub
from glmos.runtime.inputs import changed_sources, import_files, with_reopened
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts
from glmos.runtime.process import LiveProcess

_log = logging.getLogger("glmos.machine")


REVIVED_AT_ONCE = 32
"""Processes loaded at the same time after a restart: enough that their first events share commits."""

RECENT, RECENT_EVENTS = 32, 1_000
"""How many logs are kept for a while after their processes left memory, and how long they may be."""


class Machine:
    """Runs the processes of one home."""

    def __init__(self, parts: Parts, hub: Hub, tasks: TaskGroup, *, stopped_at: float | None = None) -> None:
        """`stopped_at`: the latest moment at which an earlier machine over this store can have ended; None when that is
        not known, and then the time until now counts for what was running."""
        self.parts = parts
        self.hub = hub
        self._tasks = tasks
        self._accounts = Accounts(parts, stopped_at)
        self._alarms = Alarms(parts.clock, self._time_over)
        self._families = Families(parts, self, tasks)
        self._live: dict[Pid, LiveProcess] = {}
        self._leaving: dict[Pid, anyio.Event] = {}
        """Processes that have parked and are letting go of their tools; set when they have."""
        self._arriving: dict[Pid, anyio.Event] = {}
        """Processes that are being loaded, each once: two loads would be two owners of one log."""
        self._telling: set[Pid] = set()
        """Processes that have ended, and whose parents are being told."""
        self._undoing: set[Pid] = set()
        """Roots of the trees in which an undo is under way."""
        self._recent: dict[Pid, ProcessLog] = {}
        self.broken: dict[Pid, str] = {}
        """Processes this runtime had to let go of, and why; their logs are intact."""

    # -- life of the machine -----------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Begin to bring back every unfinished process. What was under way when the runtime ended is unknown now.

        Those at rest stay on disk, but for those whose parent ended just before the runtime did. The others come one
        after another, in the background; whoever is asked for first comes first.
        """
        self._tasks.start_soon(self._alarms.ring)
        self._tasks.start_soon(self._revive, [row.pid for row in await self.parts.store.unattended()])

    async def _revive(self, pids: Sequence[Pid]) -> None:
        waiting = iter(pids)

        async def revive() -> None:
            for pid in waiting:
                self.parts.crash_point("recover.between")
                try:
                    await self._activate(pid)
                except Exception as error:  # one log that cannot be read must not keep the others
                    self.let_go(pid, error)

        async with anyio.create_task_group() as tasks:
            for _ in range(min(REVIVED_AT_ONCE, len(pids))):
                tasks.start_soon(revive)

    async def _time_over(self, pid: Pid, call: CallId) -> None:
        def over(p: Process) -> Sequence[e.Event]:
            w = p.waiting
            if w is None or w.call != call or p.exit is not None:
                return ()
            if 0.0 < w.until <= self._live[pid].log.now():
                return (
                    e.WaitEnded(call, "time"),
                    e.CallAnswered(call, w.number, w.index, "wait", "The time is over."),
                )
            # It was woken because a limit on its time was near; if not yet, it is woken again.
            reached = p.ticking and self.parts.timekeeper.left(pid) <= 0
            return (self.parts.timekeeper.refusal(pid, "waiting"),) if reached else ()

        try:
            await self.submit(pid, over)
        except GlmosError as error:
            self.let_go(pid, error)

    @property
    def live(self) -> int:
        return len(self._live)

    # -- requests from outside ----------------------------------------------------------------------------------------

    async def start(self, request: RunRequest) -> Pid:
        """Create a process, durably, and let it run."""
        pid = await self.parts.store.new_pid()
        files = await import_files(self.parts.workspaces, pid, request.files)
        self.parts.crash_point("start.after_files")
        created = e.ProcessCreated(
            goal=request.goal, root=pid, files=files, agent=request.agent, model=request.model, limits=request.limits,
            priority=request.priority, approve_all=request.approve_all, tools=request.tools,
        )  # fmt: skip
        await self.create(pid, created)
        return pid

    async def create(self, pid: Pid, *events: e.Event) -> None:
        """Take in a process whose log begins with `events` and whose files are in place, and let it run."""
        log = ProcessLog(self.parts.store, self.parts.clock, pid, None, [])
        first = events[0]
        assert isinstance(first, e.ProcessCreated)
        while (others := self._arriving.get(pid)) is not None:  # somebody looks whether it exists
            await others.wait()
        arrived = self._arriving[pid] = anyio.Event()  # it can be read before this returns, and must not be loaded then
        try:
            await self._accounts.open(first.root, pid)
            self._attach(log)
            await log.append(*events)
            self._enter(log)
        except BaseException:
            self._accounts.close(first.root, pid)
            raise
        finally:
            del self._arriving[pid]
            arrived.set()

    async def submit(self, pid: Pid, make: Callable[[Process], Sequence[e.Event]]) -> Process:
        """Append to a process what `make` gives for its state (it may raise to refuse), and let it go on."""
        async with self.held(pid) as live:
            return await live.log.append_if(make)

    @asynccontextmanager
    async def held(self, pid: Pid) -> AsyncGenerator[LiveProcess]:
        """A process that stays in memory for the length of the block."""
        live = await self._activate(pid)
        live.pins += 1
        try:
            yield live
        finally:
            live.pins -= 1
            live.changed()

    async def state(self, pid: Pid) -> Process:
        live = self._live.get(pid)
        return live.log.durable if live is not None else (await self._load(pid)).durable

    async def log_of(self, pid: Pid) -> ProcessLog:
        """The log, for reading only."""
        live = self._live.get(pid)
        if live is not None:
            await live.log.flush()
            return live.log
        return await self._load(pid)

    async def _load(self, pid: Pid) -> ProcessLog:
        """The log of a process that is not live: as it was left a moment ago, or from the journal."""
        return self._recent.get(pid) or await ProcessLog.load(self.parts.store, self.parts.clock, pid)

    def _keep(self, log: ProcessLog) -> None:
        """Whoever waited for a process looks at it when it is over: do not read it all again for that."""
        if log.settled and len(log.entries) <= RECENT_EVENTS:
            self._recent[log.pid] = log
            while len(self._recent) > RECENT:
                self._recent.pop(next(iter(self._recent)))

    async def kill(self, pid: Pid) -> None:
        """End a process and everything it started. Returns when nothing of it is left."""

        def killed(p: Process) -> Sequence[e.Event]:
            if p.exit is not None:
                raise ConflictError(f"process {pid} has already ended ({p.exit.status})")
            return (e.SignalReceived("kill"),)

        await self.end(pid, killed)

    async def end(self, pid: Pid, killed: Callable[[Process], Sequence[e.Event]]) -> None:
        """Append what ends the process; return when it has ended."""
        await self.submit(pid, killed)
        # An undo that is under way may take its end back at once: then it is killed no more.
        await self.hub.until(pid, lambda p: p.exit is not None or not p.killed, self.state)

    async def resume(self, pid: Pid) -> None:
        """Let a suspended process go on; reopen one that has ended otherwise than done."""
        log = await self.log_of(pid)
        changes = await changed_sources(self.parts.workspaces, log.state)

        def resumed(p: Process) -> Sequence[e.Event]:
            _require_whole(p)
            changed = with_reopened(p, changes)
            if p.exit is not None:
                if p.exit.status == "done" and not changed:
                    raise ConflictError(
                        f"process {pid} is done; there is nothing to resume (`glmos fork {pid}` starts anew)"
                    )
                return (e.ProcessReopened(), *changed)
            if p.suspended:
                return (e.SignalReceived("resume"), *changed)
            if not changed and pid not in self.broken:
                raise ConflictError(f"process {pid} is not suspended; it is {p.status}")
            return (e.ProcessReopened(), *changed) if pid in self.broken else changed

        before = self.broken.get(pid)
        await self.submit(pid, resumed)
        if self.broken.get(pid) is before:  # else it has stopped again, and that is what counts
            self.broken.pop(pid, None)

    async def correct(self, pid: Pid, what: str, text: str) -> None:
        """Take in that something the process goes by is wrong, and have done again what rests on it."""

        def corrected(p: Process) -> Sequence[e.Event]:
            _require_whole(p)
            name = correctable(p, what)
            roots = dict.fromkeys(resting_on(p, name), f"the person corrected {_named(name)}: {text}")
            again = reopening(p, roots)
            if p.exit is not None and not again:
                raise ConflictError(f"no step of process {pid} rests on {what!r}, and it has ended; nothing is changed")
            reopened = [e.ProcessReopened()] if p.exit is not None else []
            return (*reopened, e.FactCorrected(name, text), *again)

        await self.submit(pid, corrected)

    async def quiesce(self, pid: Pid) -> Process:
        """Suspend a process, drop what it has under way, and return when it is out of memory.

        What was dropped has no receipt: it is unknown, and settled as after a crash if the process goes on.
        """

        def suspended(p: Process) -> Sequence[e.Event]:
            return () if p.suspended or p.exit is not None else (e.SignalReceived("suspend"),)

        await self.submit(pid, suspended)
        live = self._live.get(pid)
        if live is not None:
            live.drop()
        await self.at_rest(pid)
        return await self.state(pid)

    @contextmanager
    def undoing(self, root: Pid) -> Generator[None]:
        """While a process is taken back, nobody else takes back any of its tree: each effect is undone once.

        Raises: ConflictError when somebody does already.
        """
        if root in self._undoing:
            raise ConflictError(f"an undo is under way in the tree of process {root}; wait for its end")
        self._undoing.add(root)
        try:
            yield
        finally:
            self._undoing.discard(root)

    async def require_no_undo(self, pid: Pid) -> None:
        """Raises: ConflictError while the tree of `pid` is being taken back."""
        root = (await self.state(pid)).root
        if root in self._undoing:
            raise ConflictError(f"an undo is under way in the tree of process {root}; wait for its end")

    async def record(self, pid: Pid, *events: e.Event) -> None:
        """Append to a process that has nothing to do, suspended or ended; return when it is out of memory again."""
        await self.submit(pid, lambda _: events)
        await self.at_rest(pid)

    async def at_rest(self, pid: Pid) -> None:
        """Wait until a process is out of memory, and whoever has to know of its end knows."""
        await self.hub.until_parked(
            pid, lambda: pid not in self._live and pid not in self._leaving and pid not in self._telling
        )

    # -- the table ----------------------------------------------------------------------------------------------------

    async def _activate(self, pid: Pid) -> LiveProcess:
        while pid not in self._live:
            going = self._leaving.get(pid) or self._arriving.get(pid)
            if going is None:
                return await self._arrive(pid)
            await going.wait()
        return self._live[pid]

    async def _arrive(self, pid: Pid) -> LiveProcess:
        arrived = self._arriving[pid] = anyio.Event()
        log = None
        try:
            log = await self._load(pid)
            self._recent.pop(pid, None)
            p = log.state
            await self._accounts.open(p.root, pid)
            self._attach(log)
            lost = p.model_call is not None or any(c.state == "open" for c in p.open_calls)
            checking = any(c.outcome == "running" for s in p.steps.values() for c in s.checks)
            missed: list[e.Event] = []
            if p.exit is None and (lost or checking or p.reserved or self._accounts.ran_through(p)):
                missed.append(e.ProcessRecovered("what was under way had no receipt", self._accounts.ran_on(p)))
            if await self._families.orphaned(log):
                missed.append(e.SignalReceived("kill", "parent"))
            await log.append(*missed)
            await self._families.news_of_children(log)
            return self._enter(log)
        except BaseException:
            if log is not None:
                self._accounts.close(log.state.root, pid)
            raise
        finally:
            del self._arriving[pid]
            arrived.set()

    def _attach(self, log: ProcessLog) -> None:
        def noted(p: Process) -> None:
            self._accounts.put(log)
            live = self._live.get(p.pid)
            if live is not None:
                live.changed()

        counted = _counted(log.state) if log.entries else None

        def durable(p: Process) -> None:
            nonlocal counted
            if counted != _counted(p):  # what was raised may be used from now on, and a clock that was stopped stands
                counted = _counted(p)
                if self._accounts.is_open(p.root, p.pid):  # else it broke meanwhile, and its account is closed
                    self._accounts.put(log)
            self.hub.changed(p)
            self._families.changed(p)

        log.on_note = noted
        log.on_durable = durable

    def _enter(self, log: ProcessLog) -> LiveProcess:
        live = LiveProcess(log, self.parts, self._families, self)
        self._live[log.pid] = live
        self._accounts.put(log)
        self._tasks.start_soon(self._run, live)
        return live

    async def _run(self, live: LiveProcess) -> None:
        pid, before = live.log.pid, live.state.exit
        try:
            await live.run()
            self.parts.crash_point("park.before_release")
        except* Exception as errors:
            # The boundary: a process that breaks is let go of, its log intact, and the others run on.
            self.leave(pid)
            self.let_go(pid, _first(errors))
        with anyio.CancelScope(shield=True):
            await live.release()
        self._telling.add(pid)
        self._leaving.pop(pid).set()
        self.hub.parked(pid)
        try:
            if live.state.exit is not None and live.state.exit is not before:
                self.parts.crash_point("park.before_news")
                await self._families.ended(live.state)
        finally:
            if pid not in self._live and pid not in self._arriving:  # else it has come back meanwhile
                self._accounts.close(live.state.root, pid)
            self._telling.discard(pid)
            self.hub.parked(pid)

    def leave(self, pid: Pid) -> None:
        """The process is out of the table; it may come back when it has let go of its tools."""
        live = self._live.pop(pid, None)
        if live is not None:
            self._leaving[pid] = anyio.Event()
            self._keep(live.log)
            self._families.left(pid)
            p, left = live.state, self.parts.timekeeper.left(pid)
            if p.waiting is not None and p.ticking and left != float("inf"):
                self.wake_at(pid, p.waiting.call, self.parts.clock.now() + left)

    def wake_at(self, pid: Pid, call: CallId, until: float) -> None:
        """Ask it again whether the time of a wait is over, at `until` seconds of the clock."""
        self._alarms.wake_at(pid, call, until)

    def let_go(self, pid: Pid, error: BaseException) -> None:
        """It cannot go on, for that reason; its log is intact, and a person may have it try again."""
        live = self._live.get(pid)
        if live is not None and isinstance(error, Exception):
            live.log.give_up(error)  # and comes here again when it has stopped
            return
        known = isinstance(error, GlmosError)
        self._accounts.let_go(pid)
        self.broken[pid] = str(error) if known else f"{type(error).__name__}: {error}; this is a bug in GLM-OS"
        _log.error("process %d stopped: %s", pid, self.broken[pid], exc_info=None if known else error)
        self.parts.progress(Progress(pid, "end", self.broken[pid], status="broken"))
        self.hub.broken(pid, DeviceError(f"process {pid} stopped: {self.broken[pid]}; `glmos resume {pid}` goes on"))


def _require_whole(p: Process) -> None:
    """Raises: ConflictError in the middle of an undo that was cut off."""
    if p.undoing is not None:
        raise ConflictError(
            f"process {p.pid} was being taken back to the beginning of step {p.undoing.step!r}, and that was "
            f"interrupted; `glmos undo {p.pid} --to {p.undoing.step}` finishes it"
        )


def _named(what: str) -> str:
    kind, _, name = what.partition(":")
    return f"step {name!r}" if kind == "step" else name


def _counted(p: Process) -> tuple[Limits, bool]:
    """What its account has from the durable state and not from the newest."""
    return p.limits, p.ticking


def _first(errors: BaseException) -> BaseException:
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    return errors
