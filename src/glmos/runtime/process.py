"""Runs one process: ask the kernel what should happen next, carry it out, append what came of it, ask again.

An effect that is under way is known by its key and never begun twice. When nothing is under way and the kernel wants
nothing more, the process parks: it leaves memory, and only its log and its row in the listing remain.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup
from msgspec.structs import replace

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.errors import GlmosError
from glmos.abi.ids import CallId, Pid
from glmos.kernel.cycle import decide
from glmos.kernel.effects import in_doubt
from glmos.kernel.process import Process
from glmos.kernel.rules import Rules
from glmos.runtime import work_checks, work_model, work_tools
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts

_log = logging.getLogger("glmos.process")


class Family(Protocol):
    """Its children. `families` is it."""

    async def spawn(self, log: ProcessLog, effect: f.SpawnChild) -> None: ...

    async def create_child(self, log: ProcessLog, child: Pid) -> None: ...

    async def kill_children(self, p: Process) -> None: ...


class Table(Protocol):
    """The process table. `machine` is it."""

    def leave(self, pid: Pid) -> None:
        """The process has nothing more to do here."""
        ...

    def wake_at(self, pid: Pid, call: CallId, until: float) -> None: ...


class LiveProcess:
    """A process in memory."""

    def __init__(self, log: ProcessLog, parts: Parts, family: Family, table: Table) -> None:
        self.log = log
        self.parts = parts
        self.family = family
        self.table = table
        self.pins = 0
        """How many callers are about to append: it must not park meanwhile."""
        self._rules_of: dict[str, Rules] = {}
        self._keys: set[tuple[object, ...]] = set()
        self._asked: Process | None = None
        """The state for which everything the kernel wants is under way."""
        self._running = 0
        self._parted = False
        """Its children were ended because it is about to end itself. Tried once: nobody may keep it from its end."""
        self._changed = anyio.Event()
        self._tasks: TaskGroup | None = None
        self._under_way: dict[tuple[object, ...], anyio.TaskHandle[None]] = {}

    @property
    def state(self) -> Process:
        return self.log.state

    def changed(self) -> None:
        """Something was appended, or a caller let go: look again."""
        self._changed.set()

    async def run(self) -> None:
        """Go on until the process has ended or waits for something outside this runtime."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            while True:
                if self._changed.is_set():
                    self._changed = anyio.Event()
                self.log.require_sound()
                if await self._step():
                    continue
                if not self._calling:
                    await self.log.flush()
                    self.parts.crash_point("process.after_flush")
                if self.state.exit is not None:
                    self.drop()  # what is still under way serves nobody any more
                if self._running == 0 and self.pins == 0 and not self._changed.is_set():
                    self.table.leave(self.log.pid)  # at once: whoever comes now must not find a process that is going
                    return
                await self._changed.wait()

    @property
    def _calling(self) -> bool:
        """A model call is being prepared. Its first event is near, and goes to disk together with what led to it."""
        return ("model", self.state.numbers + 1) in self._keys

    async def _step(self) -> bool:
        """Begin whatever the kernel wants now; True when something was decided or begun."""
        if self.state is self._asked:
            return False
        effects = [x for x in decide(self.state, self._rules()) if self._key(x) not in self._keys]
        records = [x for x in effects if isinstance(x, f.Record)]
        if records:
            events = [event for x in records for event in x.events]
            if not self._parted and any(isinstance(event, e.ProcessExited) for event in events):
                self._parted = True
                if await self._end_children():
                    return True  # much may have come in meanwhile: look again
            self.log.note(*events)
            return True
        tools = [x for x in effects if isinstance(x, f.RunTool)]
        if tools:
            for effect in await work_tools.intend(self.log, self.parts, tools):
                self._begin(self._key(effect), work_tools.run_tool, effect)
            return True
        if not effects:
            self._asked = self.state
        for effect in effects:
            await self._carry_out(effect)
        return bool(effects)

    def _rules(self) -> Rules:
        """The rules for the model the process has now: without a critic at hand none is put into plans."""
        model = self.state.model
        if model not in self._rules_of:
            try:
                critic = self.parts.models.driver(model, purpose="critic").traits.can_criticise
            except GlmosError:
                critic = False
            self._rules_of[model] = replace(self.parts.rules, critic=self.parts.rules.critic and critic)
        return self._rules_of[model]

    async def _carry_out(self, effect: f.Effect) -> None:
        key = self._key(effect)
        self.log.build()
        match effect:
            case f.CallModel():
                self._begin(key, work_model.call_model, effect)
            case f.RunCheck():
                self._begin(key, work_checks.run_check, effect)
            case f.ProbeTool():
                self._begin(key, work_tools.probe, effect)
            case f.TakeBack():
                self._begin(key, work_tools.take_back, effect)
            case f.StartStep():
                before = self.state
                snapshot = await self.parts.workspaces.save(self.log.pid)
                if self.state is not before:
                    return  # another step may be the next one now
                self.parts.crash_point("step.before_start")
                self.log.note(e.StepStarted(effect.step, effect.attempt, snapshot))
            case f.SpawnChild():
                await self.family.spawn(self.log, effect)
            case f.CreateChild():
                self._keys.add(key)
                await self.family.create_child(self.log, effect.child)
            case f.Sleep():
                self._keys.add(key)
                self.table.wake_at(self.log.pid, effect.call, effect.until - self.log.ahead)
            case f.KillAll():
                await self._kill(effect.reason)
            case f.Record() | f.RunTool():
                raise AssertionError("begun above")

    @staticmethod
    def _key(effect: f.Effect) -> tuple[object, ...]:
        match effect:
            case f.CallModel():
                return ("model", effect.number)
            case f.RunTool():
                return ("tool", effect.call, effect.attempt)
            case f.ProbeTool() | f.TakeBack():
                return ("settle", effect.call)
            case f.CreateChild():
                return ("child", effect.child)
            case f.Sleep():
                return ("sleep", effect.call)
            case f.RunCheck():
                return ("check", effect.step, effect.index)
            case _:
                return (type(effect).__name__, id(effect))

    def _begin(
        self, key: tuple[object, ...], work: Callable[[ProcessLog, Parts, Any], Awaitable[None]], effect: f.Effect
    ) -> None:
        """Start carrying out an effect beside the others."""
        self._keys.add(key)
        self._running += 1
        assert self._tasks is not None
        self._under_way[key] = self._tasks.start_soon(self._carried, key, work, effect)

    async def _carried(
        self, key: tuple[object, ...], work: Callable[[ProcessLog, Parts, Any], Awaitable[None]], effect: f.Effect
    ) -> None:
        try:
            await work(self.log, self.parts, effect)
        finally:
            self._under_way.pop(key, None)
            self._keys.discard(key)
            self._asked = None
            self._running -= 1
            self.changed()

    async def _kill(self, reason: str) -> None:
        """End everything the process has under way, in this order: our tasks, its programs, its children, itself."""
        self.drop()
        while self._running:
            self._changed = anyio.Event()
            await self._changed.wait()
        with anyio.CancelScope(shield=True):
            await self.parts.sandbox.kill(self.log.pid)
            await self.release()
        self.parts.crash_point("kill.before_children")
        # If the machine ends meanwhile its children end no more, and must not be waited for: the signal stands in the log.
        await self.family.kill_children(self.state)
        self.parts.crash_point("kill.before_exit")

        def ended(p: Process) -> Sequence[e.Event]:
            if p.exit is not None:  # what had taken its end back could not be written meanwhile
                return ()
            lost = [c for c in p.open_calls if c.effect != "pure" and c.state != "again"]
            doubt = in_doubt(lost)
            unknown = [e.ToolUnknown(c.call, "killed") for c in lost]
            return (*unknown, e.ProcessExited("killed", f"{reason}; {doubt}" if doubt else reason))

        await self.log.append_if(ended)

    async def _end_children(self) -> bool:
        """Before the process itself ends, so that its limits hold for them as long as they run, and no crash in between
        leaves them without it. False when there was none."""
        if all(child.exited is not None for child in self.state.children.values()):
            return False
        try:
            await self.family.kill_children(self.state)
        except GlmosError:
            _log.exception("not every child of process %d could be ended", self.log.pid)
        return True

    def drop(self) -> None:
        """Cancel whatever is under way, without receipts."""
        for task in tuple(self._under_way.values()):
            task.cancel()

    async def release(self) -> None:
        """Let go of what tools hold for it."""
        for tool in self.parts.tools.values():
            try:
                await tool.release(self.log.pid)
            except Exception:
                # The boundary to foreign code: one tool that breaks must not keep the others from letting go.
                _log.exception("the tool %r did not let go of process %d", tool.spec.name, self.log.pid)
