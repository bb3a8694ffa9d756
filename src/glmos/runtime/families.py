"""Children: how they are decided on and created, what their parents hear of their end, and that they end with them.

Also the clock of whoever waits for children: it stands while all of theirs do.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, get_args

import anyio
from anyio.abc import TaskGroup

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.errors import GlmosError, NotFoundError, WorkspaceError
from glmos.abi.ids import Pid, SnapshotId
from glmos.kernel.process import Process
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole
from glmos.runtime.parts import Parts
from glmos.runtime.process import LiveProcess


class Table(Protocol):
    """The process table, as far as families need it. `machine` is it."""

    async def state(self, pid: Pid) -> Process: ...

    async def log_of(self, pid: Pid) -> ProcessLog: ...

    def held(self, pid: Pid) -> AbstractAsyncContextManager[LiveProcess]: ...

    async def create(self, pid: Pid, *events: e.Event) -> None: ...

    async def submit(self, pid: Pid, make: Callable[[Process], Sequence[e.Event]]) -> Process: ...

    async def end(self, pid: Pid, killed: Callable[[Process], Sequence[e.Event]]) -> None: ...

    def let_go(self, pid: Pid, error: BaseException) -> None: ...


class Families:
    """One per machine. Implements `process.Family`."""

    def __init__(self, parts: Parts, table: Table, tasks: TaskGroup) -> None:
        self._parts = parts
        self._table = table
        self._tasks = tasks
        self._clocks: dict[Pid, tuple[bool, str]] = {}
        """For those in memory, whether their time passes and what they wait for."""
        self._reckoning = anyio.Lock()  # the last look at a family's clocks is the one that counts

    # -- beginning ----------------------------------------------------------------------------------------------------

    async def spawn(self, log: ProcessLog, effect: f.SpawnChild) -> None:
        """Journal the decision and a pid for the child; it is created from that event."""
        p = log.state
        if await self._depth(p) >= self._parts.rules.max_depth:
            problem = f"children may not be nested deeper than {self._parts.rules.max_depth}: do it in this process"
            await log.append(e.CallRefused(effect.call, effect.number, effect.index, "spawn", problem))
            return
        pid = await self._parts.store.new_pid()
        spawned = e.ChildSpawned(
            child=pid, call=effect.call, goal=effect.goal, model=effect.model or p.model,
            limits=e.Limits(tokens=effect.tokens), files=effect.files, tools=effect.tools or p.tools, step=effect.step,
        )  # fmt: skip
        text = f"Child {pid} was started. `wait` for it before you use what it makes."
        self._parts.crash_point("child.before_decision")
        await log.append(spawned, e.CallAnswered(effect.call, effect.number, effect.index, "spawn", text))
        self._parts.crash_point("child.after_decision")

    async def _depth(self, p: Process) -> int:
        depth, parent = 1, p.parent
        while parent is not None:
            row = await self._parts.store.row(parent)
            depth, parent = depth + 1, row.parent if row is not None else None
        return depth

    async def create_child(self, log: ProcessLog, child: Pid) -> None:
        """Create a child that was decided on, unless it exists: the decision may be older than this runtime."""
        if await self._parts.store.head(child) > 0:
            return
        p, spawned = log.state, log.state.children[child].spawned
        await self._parts.workspaces.create(child, ())
        await self._parts.workspaces.copy(p.pid, child, paths=spawned.files)
        self._parts.crash_point("child.after_files")
        kept = tuple(x for x in p.files if not spawned.files or x.name in spawned.files)
        created = e.ProcessCreated(
            goal=spawned.goal, root=p.root, parent=p.pid, files=kept, model=spawned.model, limits=spawned.limits,
            priority=p.priority, grants=p.grants, approve_all=p.approve_all, tools=spawned.tools,
        )  # fmt: skip
        await self._table.create(child, created)

    # -- ending -------------------------------------------------------------------------------------------------------

    async def ended(self, p: Process) -> None:
        """The boundary: what goes wrong here stops the process it goes wrong for, and not the machine."""
        try:
            await self.kill_children(p)
        except Exception as error:
            self._table.let_go(p.pid, error)
        if p.parent is None:
            return
        try:
            if _awaited(await self._table.state(p.parent), p.pid):
                async with self._table.held(p.parent) as parent:  # one that had to be loaded for this knows already
                    if _awaited(parent.state, p.pid):
                        news = await self._news(p)
                        await parent.log.append_if(news)
        except NotFoundError:
            return
        except Exception as error:
            self._table.let_go(p.parent, error)  # it hears of its child when it is brought back

    async def _news(self, child: Process) -> Callable[[Process], Sequence[e.Event]]:
        """What a parent is told of an ended child; nothing if it knows already or has itself ended."""
        answer = await whole(self._parts.store, child.exit.answer) if child.exit else ""
        assert child.parent is not None and child.exit is not None
        exited = child.exit
        files, before = tuple[str, ...](), ""
        if exited.status in ("done", "unverified"):
            try:
                files, before = await self._bring_back(child)
            except WorkspaceError as error:
                answer = f"{answer}\n(Its files could not be brought here: {error})"
        self._parts.crash_point("child.before_news")

        def told(p: Process) -> Sequence[e.Event]:
            if not _awaited(p, child.pid):
                return ()
            return (e.ChildExited(child.pid, exited.status, answer, exited.reason, files, before),)

        return told

    async def _bring_back(self, child: Process) -> tuple[tuple[str, ...], SnapshotId]:
        """Give the files that came, and the state of the parent's files just before."""
        assert child.parent is not None
        first = (await self._table.log_of(child.pid)).first_snapshot
        if not first:
            return (), ""
        workspaces = self._parts.workspaces
        changed = [c.path for c in await workspaces.changes(child.pid, first) if c.kind != "deleted"]
        if not changed:
            return (), ""
        before = await workspaces.save(child.parent)
        return await workspaces.fetch(child.parent, child.pid, changed, f"children/{child.pid}"), before

    async def news_of_children(self, log: ProcessLog) -> None:
        """Children may have ended while their parent was not in memory."""
        for known in log.state.children.values():
            if known.exited is None and await self._parts.store.head(known.pid) > 0:
                state = await self._table.state(known.pid)
                if state.exit is not None:
                    told = await self._news(state)
                    await log.append_if(told)

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
                if await self._parts.store.head(child) > 0:
                    await self._table.end(child, killed)
            except GlmosError as error:
                failures.append(error)

        async with anyio.create_task_group() as tasks:
            for child in p.children.values():
                if child.exited is None:
                    tasks.start_soon(end, child.pid)
        if failures:
            raise failures[0]

    async def orphaned(self, log: ProcessLog) -> bool:
        """Its parent has ended, and the end of the machine came before its own; and no person has had it go on since."""
        p = log.state
        if p.parent is None or p.exit is not None or p.killed:
            return False
        parent = await self._parts.store.row(p.parent)
        ended = parent is not None and parent.status in get_args(e.ExitStatus)
        return ended and not any(isinstance(x.event, e.ProcessReopened | e.UndoStarted) for x in log.entries)

    # -- clocks -------------------------------------------------------------------------------------------------------

    def changed(self, p: Process) -> None:
        """To be told of every durable state: clocks may stand or go on with it."""
        clock = (p.ticking, p.waiting.call if p.waiting is not None else "")
        if self._clocks.get(p.pid) == clock:
            return
        self._clocks[p.pid] = clock
        # Not in a machine that is being stopped: what is begun after all was cancelled is never told so, and spins.
        if not self._tasks.cancel_scope.cancel_called:
            if p.waiting is not None:
                self._tasks.start_soon(self._reckon, p.pid)
            if p.parent is not None:
                self._tasks.start_soon(self._reckon, p.parent)

    def left(self, pid: Pid) -> None:
        """It is out of memory."""
        self._clocks.pop(pid, None)

    async def _reckon(self, pid: Pid) -> None:
        """Let the time of a process that waits for children stand still while theirs does."""
        async with self._reckoning:
            try:
                p = await self._table.state(pid)
                waits = p.waiting
                if waits is None or p.exit is not None:
                    return
                paused = not waits.until and await self._all_still(p, waits.children)
                made = e.WaitPaused(waits.call) if paused else e.WaitContinued(waits.call)

                def turned(p: Process) -> Sequence[e.Event]:
                    same = p.waiting is not None and p.waiting.call == waits.call and p.exit is None
                    return (made,) if same and p.paused != paused else ()

                if p.paused != paused:
                    await self._table.submit(pid, turned)
            except Exception as error:  # the boundary: one log that cannot be read must not keep the others
                self._table.let_go(pid, error)

    async def _all_still(self, p: Process, children: Sequence[Pid]) -> bool:
        """Whether every one that has not ended waits for a person, is suspended, or waits for such; and there is one."""
        rows = [await self._parts.store.row(c) for c in children if p.children[c].exited is None]
        return bool(rows) and all(
            row is not None and not row.ticking and row.status not in get_args(e.ExitStatus) for row in rows
        )


def _awaited(p: Process, child: Pid) -> bool:
    """The end of a child is still news to `p`, also when it has ended itself: a person may have it go on."""
    known = p.children.get(child)
    return known is not None and known.exited is None
