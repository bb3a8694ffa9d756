"""The process table: which processes there are, who is in memory, and the door for signals from outside.

One machine per home. It brings unfinished processes back at start, wakes them at their time, and carries a child's end
to its parent.
"""

import heapq
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import get_args

import anyio
from anyio.abc import TaskGroup

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.api import Progress, RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import ConflictError, DeviceError, GlmosError, NotFoundError, WorkspaceError
from glmos.abi.ids import Pid, SnapshotId
from glmos.kernel.dependence import correctable, reopening, resting_on
from glmos.kernel.process import Process
from glmos.runtime.hub import Hub
from glmos.runtime.inputs import changed_sources, import_files, with_reopened
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole
from glmos.runtime.parts import Parts
from glmos.runtime.process import LiveProcess

_log = logging.getLogger("glmos.machine")


REVIVED_AT_ONCE = 32
"""Processes loaded at the same time after a restart: enough that their first events share commits."""

RECENT, RECENT_EVENTS = 32, 1_000
"""How many logs are kept for a while after their processes left memory, and how long they may be."""

LOOK_AGAIN = 60.0
"""Seconds after which the clock is looked at again, come what may: it may have been set, or the machine have slept."""


class Machine:
    """Runs the processes of one home."""

    def __init__(self, parts: Parts, hub: Hub, tasks: TaskGroup, *, stopped_at: float | None = None) -> None:
        """`stopped_at`: the latest moment at which an earlier machine over this store can have ended; None when that is
        not known, and then the time until now counts for what was running."""
        self.parts = parts
        self.hub = hub
        self._tasks = tasks
        self._live: dict[Pid, LiveProcess] = {}
        self._leaving: dict[Pid, anyio.Event] = {}
        """Processes that have parked and are letting go of their tools; set when they have."""
        self._arriving: dict[Pid, anyio.Event] = {}
        """Processes that are being loaded, each once: two loads would be two owners of one log."""
        self._trees: dict[Pid, set[Pid]] = {}
        """By root, who of a tree is in memory. Its accounts are open for as long as anybody is."""
        self._opening = anyio.Lock()  # nobody of a tree goes on before all its accounts are open
        self._telling: set[Pid] = set()
        """Processes that have ended, and whose parents are being told."""
        self._undoing: set[Pid] = set()
        """Roots of the trees in which an undo is under way."""
        self._recent: dict[Pid, ProcessLog] = {}
        self._began = parts.clock.now()
        self._stopped_at = self._began if stopped_at is None else min(stopped_at, self._began)
        self._let_go_at: dict[Pid, float] = {}
        self._clocks: dict[Pid, tuple[bool, str]] = {}
        """For those in memory, whether their time passes and what they wait for."""
        self._reckoning = anyio.Lock()  # the last look at a family's clocks is the one that counts
        self._alarms: list[tuple[float, Pid, str]] = []
        self._alarm_set = anyio.Event()
        self.broken: dict[Pid, str] = {}
        """Processes this runtime had to let go of, and why; their logs are intact."""

    # -- life of the machine -----------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Begin to bring back every unfinished process. What was under way when the runtime ended is unknown now.

        Those at rest stay on disk. The others come one after another, in the background; whoever is asked for first
        comes first.
        """
        self._tasks.start_soon(self._ring)
        self._tasks.start_soon(self._revive, [row.pid for row in await self.parts.store.rows(awake_only=True)])

    async def _revive(self, pids: Sequence[Pid]) -> None:
        waiting = iter(pids)

        async def revive() -> None:
            for pid in waiting:
                self.parts.crash_point("recover.between")
                try:
                    await self._activate(pid)
                except Exception as error:  # one log that cannot be read must not keep the others
                    self._let_go(pid, error)

        async with anyio.create_task_group() as tasks:
            for _ in range(min(REVIVED_AT_ONCE, len(pids))):
                tasks.start_soon(revive)

    async def _ring(self) -> None:
        """Wake processes whose time has come."""
        while True:
            self._alarm_set = anyio.Event()
            now = self.parts.clock.now()
            while self._alarms and self._alarms[0][0] <= now:
                _, pid, call = heapq.heappop(self._alarms)
                await self._time_over(pid, call)
            wait = self._alarms[0][0] - now if self._alarms else LOOK_AGAIN
            with anyio.move_on_after(min(max(wait, 0.0), LOOK_AGAIN)):
                await self._alarm_set.wait()

    async def _time_over(self, pid: Pid, call: str) -> None:
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
            self._let_go(pid, error)

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
        await self._create(pid, created)
        return pid

    async def _create(self, pid: Pid, *events: e.Event) -> None:
        log = ProcessLog(self.parts.store, self.parts.clock, pid, None, [])
        first = events[0]
        assert isinstance(first, e.ProcessCreated)
        while (others := self._arriving.get(pid)) is not None:  # somebody looks whether it exists
            await others.wait()
        arrived = self._arriving[pid] = anyio.Event()  # it can be read before this returns, and must not be loaded then
        try:
            await self._open(first.root, pid)
            self._attach(log)
            await log.append(*events)
            self._enter(log)
        except BaseException:
            self._close(first.root, pid)
            raise
        finally:
            del self._arriving[pid]
            arrived.set()

    async def submit(self, pid: Pid, make: Callable[[Process], Sequence[e.Event]]) -> Process:
        """Append to a process what `make` gives for its state (it may raise to refuse), and let it go on."""
        async with self._held(pid) as live:
            return await live.log.append_if(lambda state: make(_known(state)))

    @asynccontextmanager
    async def _held(self, pid: Pid) -> AsyncGenerator[LiveProcess]:
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

        await self._end(pid, killed)

    async def _end(self, pid: Pid, killed: Callable[[Process], Sequence[e.Event]]) -> None:
        await self.submit(pid, killed)
        await self.hub.until(pid, lambda p: p.exit is not None, self.state)

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

    async def adopt(self, pid: Pid, events: Sequence[e.Event]) -> None:
        """Take in a process whose log begins with `events` and whose files are in place (a fork), and let it run."""
        await self._create(pid, *events)

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
            await self._open(p.root, pid)
            self._attach(log)
            lost = p.model_call is not None or any(c.state == "open" for c in p.open_calls)
            checking = any(c.outcome == "running" for s in p.steps.values() for c in s.checks)
            missed: list[e.Event] = []
            if p.exit is None and (lost or checking or p.reserved or (p.ticking and p.at < self._began)):
                missed.append(e.ProcessRecovered("what was under way had no receipt", self._ran_on(p)))
            if await self._orphaned(log):
                missed.append(e.SignalReceived("kill", "parent"))
            await log.append(*missed)
            await self._news_of_children(log)
            return self._enter(log)
        except BaseException:
            if log is not None:
                self._close(log.state.root, pid)
            raise
        finally:
            del self._arriving[pid]
            arrived.set()

    async def _orphaned(self, log: ProcessLog) -> bool:
        """Its parent has ended, and the end of the machine came before its own; and no person has had it go on since."""
        p = log.state
        if p.parent is None or p.exit is not None or p.killed:
            return False
        parent = await self.parts.store.row(p.parent)
        ended = parent is not None and parent.status in get_args(e.ExitStatus)
        return ended and not any(isinstance(x.event, e.ProcessReopened | e.UndoStarted) for x in log.entries)

    async def _open(self, root: Pid, pid: Pid) -> None:
        """Let `pid` join those of its tree who are in memory, with the accounts of the whole tree open."""
        async with self._opening:
            if root not in self._trees:
                # What the others used counts, and what was under way for them at the end counts as used.
                for row in await self.parts.store.tree(root):
                    since = self._running_since(row) if row.ticking else None
                    self.parts.ledger.put(
                        row.pid, row.parent, row.limits, row.usage, {"lost": row.reserved}, since=since
                    )
            self._trees.setdefault(root, set()).add(pid)

    def _running_since(self, row: e.ProcessRow) -> float:
        """Since when the time of a process on disk would have been passing, had no machine been down meanwhile."""
        now = self.parts.clock.now()
        ran = self._stopped_at - row.updated if row.updated < self._began else now - row.updated
        return now - max(0.0, ran)

    def _close(self, root: Pid, pid: Pid) -> None:
        members = self._trees.get(root, set())
        members.discard(pid)
        if not members:
            self._trees.pop(root, None)
            self.parts.ledger.forget(root)

    def _attach(self, log: ProcessLog) -> None:
        def noted(p: Process) -> None:
            self._put(log)
            live = self._live.get(p.pid)
            if live is not None:
                live.changed()

        counted = _counted(log.state) if log.entries else None

        def durable(p: Process) -> None:
            nonlocal counted
            if counted != _counted(p):  # what was raised may be used from now on, and a clock that was stopped stands
                counted = _counted(p)
                if p.pid in self._trees.get(p.root, ()):  # else it broke meanwhile, and its account is closed
                    self._put(log)
            self._durable(p)

        log.on_note = noted
        log.on_durable = durable

    def _durable(self, p: Process) -> None:
        self.hub.changed(p)
        clock = (p.ticking, p.waiting.call if p.waiting is not None else "")
        if self._clocks.get(p.pid) != clock:
            self._clocks[p.pid] = clock
            # Not in a machine that is being stopped: what is begun after all was cancelled is never told so, and spins.
            if not self._tasks.cancel_scope.cancel_called:
                if p.waiting is not None:
                    self._tasks.start_soon(self._reckon, p.pid)
                if p.parent is not None:
                    self._tasks.start_soon(self._reckon, p.parent)

    def _put(self, log: ProcessLog) -> None:
        """Bring the account of a process up to date."""
        p = log.state
        since = min(p.at - log.ahead, self.parts.clock.now()) if log.ticking else None
        if self.parts.ledger.put(p.pid, p.parent, log.limits, p.usage, p.reserved, since=since):
            self.parts.timekeeper.refresh()

    def _enter(self, log: ProcessLog) -> LiveProcess:
        live = LiveProcess(log, self.parts, self)
        self._live[log.pid] = live
        self._put(log)
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
            self._let_go(pid, _first(errors))
        with anyio.CancelScope(shield=True):
            await live.release()
        self._telling.add(pid)
        self._leaving.pop(pid).set()
        self.hub.parked(pid)
        try:
            if live.state.exit is not None and live.state.exit is not before:
                self.parts.crash_point("park.before_news")
                await self._ended(live.state)
        finally:
            if pid not in self._live and pid not in self._arriving:  # else it has come back meanwhile
                self._close(live.state.root, pid)
            self._telling.discard(pid)
            self.hub.parked(pid)

    def leave(self, pid: Pid) -> None:
        """The process is out of the table; it may come back when it has let go of its tools."""
        live = self._live.pop(pid, None)
        if live is not None:
            self._leaving[pid] = anyio.Event()
            self._keep(live.log)
            self._clocks.pop(pid, None)
            p, left = live.state, self.parts.timekeeper.left(pid)
            if p.waiting is not None and p.ticking and left != float("inf"):
                self.wake_at(pid, p.waiting.call, self.parts.clock.now() + left)

    def _let_go(self, pid: Pid, error: BaseException) -> None:
        known = isinstance(error, GlmosError)
        self._let_go_at[pid] = self.parts.clock.now()
        self.broken[pid] = str(error) if known else f"{type(error).__name__}: {error}; this is a bug in GLM-OS"
        _log.error("process %d stopped: %s", pid, self.broken[pid], exc_info=None if known else error)
        self.parts.progress(Progress(pid, "end", self.broken[pid], status="broken"))
        self.hub.broken(pid, DeviceError(f"process {pid} stopped: {self.broken[pid]}; `glmos resume {pid}` goes on"))

    # -- children and time --------------------------------------------------------------------------------------------

    async def spawn(self, log: ProcessLog, effect: f.SpawnChild) -> None:
        """Journal the decision and a pid for the child; it is created from that event."""
        p = log.state
        if await self._depth(p) >= self.parts.rules.max_depth:
            problem = f"children may not be nested deeper than {self.parts.rules.max_depth}: do it in this process"
            await log.append(e.CallRefused(effect.call, effect.number, effect.index, "spawn", problem))
            return
        pid = await self.parts.store.new_pid()
        spawned = e.ChildSpawned(
            child=pid, call=effect.call, goal=effect.goal, model=effect.model or p.model,
            limits=e.Limits(tokens=effect.tokens), files=effect.files, tools=effect.tools or p.tools, step=effect.step,
        )  # fmt: skip
        text = f"Child {pid} was started. `wait` for it before you use what it makes."
        self.parts.crash_point("child.before_decision")
        await log.append(spawned, e.CallAnswered(effect.call, effect.number, effect.index, "spawn", text))
        self.parts.crash_point("child.after_decision")

    async def _depth(self, p: Process) -> int:
        depth, parent = 1, p.parent
        while parent is not None:
            row = await self.parts.store.row(parent)
            depth, parent = depth + 1, row.parent if row is not None else None
        return depth

    async def create_child(self, log: ProcessLog, child: Pid) -> None:
        """Create a child that was decided on, unless it exists: the decision may be older than this runtime."""
        if await self.parts.store.head(child) > 0:
            return
        p, spawned = log.state, log.state.children[child].spawned
        await self.parts.workspaces.create(child, ())
        await self.parts.workspaces.copy(p.pid, child, paths=spawned.files)
        self.parts.crash_point("child.after_files")
        kept = tuple(x for x in p.files if not spawned.files or x.name in spawned.files)
        created = e.ProcessCreated(
            goal=spawned.goal, root=p.root, parent=p.pid, files=kept, model=spawned.model, limits=spawned.limits,
            priority=p.priority, grants=p.grants, approve_all=p.approve_all, tools=spawned.tools,
        )  # fmt: skip
        await self._create(child, created)

    async def _ended(self, p: Process) -> None:
        """The boundary: what goes wrong here stops the process it goes wrong for, and not the machine."""
        try:
            await self.kill_children(p)
        except Exception as error:
            self._let_go(p.pid, error)
        if p.parent is None:
            return
        try:
            if _awaited(await self.state(p.parent), p.pid):
                async with self._held(p.parent) as parent:  # one that had to be loaded for this knows already
                    if _awaited(parent.state, p.pid):
                        news = await self._news(p)
                        await parent.log.append_if(lambda state: news(_known(state)))
        except NotFoundError:
            return
        except Exception as error:
            self._let_go(p.parent, error)  # it hears of its child when it is brought back

    async def _news(self, child: Process) -> Callable[[Process], Sequence[e.Event]]:
        """What a parent is told of an ended child; nothing if it knows already or has itself ended."""
        answer = await whole(self.parts.store, child.exit.answer) if child.exit else ""
        assert child.parent is not None and child.exit is not None
        exited = child.exit
        files, before = tuple[str, ...](), ""
        if exited.status in ("done", "unverified"):
            try:
                files, before = await self._bring_back(child)
            except WorkspaceError as error:
                answer = f"{answer}\n(Its files could not be brought here: {error})"
        self.parts.crash_point("child.before_news")

        def told(p: Process) -> Sequence[e.Event]:
            if not _awaited(p, child.pid):
                return ()
            return (e.ChildExited(child.pid, exited.status, answer, exited.reason, files, before),)

        return told

    async def _bring_back(self, child: Process) -> tuple[tuple[str, ...], SnapshotId]:
        """Give the files that came, and the state of the parent's files just before."""
        assert child.parent is not None
        first = (await self.log_of(child.pid)).first_snapshot
        if not first:
            return (), ""
        workspaces = self.parts.workspaces
        changed = [c.path for c in await workspaces.changes(child.pid, first) if c.kind != "deleted"]
        if not changed:
            return (), ""
        before = await workspaces.save(child.parent)
        return await workspaces.fetch(child.parent, child.pid, changed, f"children/{child.pid}"), before

    async def _news_of_children(self, log: ProcessLog) -> None:
        """Children may have ended while their parent was not in memory."""
        for known in log.state.children.values():
            if known.exited is None and await self.parts.store.head(known.pid) > 0:
                state = await self.state(known.pid)
                if state.exit is not None:
                    told = await self._news(state)
                    await log.append_if(lambda p, told=told: told(_known(p)))

    async def _reckon(self, pid: Pid) -> None:
        """Let the time of a process that waits for children stand still while theirs does."""
        async with self._reckoning:
            try:
                p = await self.state(pid)
                waits = p.waiting
                if waits is None or p.exit is not None:
                    return
                paused = not waits.until and await self._all_still(p, waits.children)
                made = e.WaitPaused(waits.call) if paused else e.WaitContinued(waits.call)

                def turned(p: Process) -> Sequence[e.Event]:
                    same = p.waiting is not None and p.waiting.call == waits.call and p.exit is None
                    return (made,) if same and p.paused != paused else ()

                if p.paused != paused:
                    await self.submit(pid, turned)
            except Exception as error:  # the boundary: one log that cannot be read must not keep the others
                self._let_go(pid, error)

    async def _all_still(self, p: Process, children: Sequence[Pid]) -> bool:
        """Whether every one that has not ended waits for a person, is suspended, or waits for such; and there is one."""
        rows = [await self.parts.store.row(c) for c in children if p.children[c].exited is None]
        return bool(rows) and all(
            row is not None and not row.ticking and row.status not in get_args(e.ExitStatus) for row in rows
        )

    def _ran_on(self, p: Process) -> float:
        """How long a process that is found unfinished may have been running after its last event."""
        if not p.ticking:
            return 0.0
        until = self._let_go_at.pop(p.pid, self._stopped_at if p.at < self._began else p.at)
        return round(max(0.0, until - p.at), 3)

    async def kill_children(self, p: Process) -> None:
        """End all of them, at once, so that none begins anything more while another one ends.

        Raises:
            GlmosError: One could not be ended; all the others were.
        """

        def killed(child: Process) -> Sequence[e.Event]:
            return (e.SignalReceived("kill", "parent"),) if child.exit is None and not child.killed else ()

        failures: list[GlmosError] = []

        async def end(child: Pid) -> None:
            try:
                if await self.parts.store.head(child) > 0:
                    await self._end(child, killed)
            except GlmosError as error:
                failures.append(error)

        async with anyio.create_task_group() as tasks:
            for child in p.children.values():
                if child.exited is None:
                    tasks.start_soon(end, child.pid)
        if failures:
            raise failures[0]

    def wake_at(self, pid: Pid, call: str, until: float) -> None:
        heapq.heappush(self._alarms, (until, pid, call))
        self._alarm_set.set()


def _awaited(p: Process, child: Pid) -> bool:
    """The end of a child is still news to `p`, also when it has ended itself: a person may have it go on."""
    known = p.children.get(child)
    return known is not None and known.exited is None


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


def _known(state: Process | None) -> Process:
    assert state is not None
    return state


def _first(errors: BaseException) -> BaseException:
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    return errors
