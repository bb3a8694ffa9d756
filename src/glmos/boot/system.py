"""`LocalSystem`: GLM-OS in this process, as a person or a program uses it (`ports.System`)."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.api import (
    Explanation,
    Finding,
    ModelView,
    Progress,
    Report,
    RunRequest,
    SettingView,
    ToolView,
    UndoReport,
)
from glmos.abi.budgets import Limits
from glmos.abi.errors import ConflictError, NotFoundError, UsageError
from glmos.abi.events import Entry, ProcessRow
from glmos.abi.ids import Pid, Seq
from glmos.boot.settings import Settings
from glmos.kernel.process import Process
from glmos.runtime import history, undoing, views
from glmos.runtime.hub import Hub
from glmos.runtime.machine import Machine
from glmos.runtime.outputs import printable

Doctor = Callable[[], AsyncIterator[Finding]]
"""Looks at what the system needs and says what is missing."""


def stopped(p: Process) -> bool:
    """Nothing more happens without a person."""
    return p.exit is not None or p.suspended or p.question is not None


class LocalSystem:
    """Made by `boot.open_system`; valid inside its `async with`."""

    def __init__(self, machine: Machine, hub: Hub, settings: Settings, doctor: Doctor) -> None:
        self.machine = machine
        self.hub = hub
        self._settings = settings
        self._doctor = doctor

    async def run(
        self,
        goal: str,
        *,
        files: Sequence[str | Path] = (),
        model: str = "",
        limits: Limits = Limits(),  # noqa: B008  (frozen data)
        approve_all: bool = False,
        tools: Sequence[str] = (),
    ) -> Report:
        """Start a process and wait until it has ended, waits for a person, or is suspended."""
        here = await anyio.Path.cwd()
        paths = tuple(str(Path(here, f)) for f in files)
        request = RunRequest(goal, paths, model=model, limits=limits, approve_all=approve_all, tools=tuple(tools))
        return await self.wait(await self.start(request))

    def use_environment(self, environment: Mapping[str, str]) -> None:
        """Model keys and addresses of whoever makes the next request. Kept in memory only."""
        self.machine.parts.models.use_environment(environment)

    async def start(self, request: RunRequest) -> Pid:
        if not request.goal.strip():
            raise UsageError("the goal is empty: say what is to be done")
        _require_limits(request.limits)
        _require_priority(request.priority)
        if request.agent:
            raise NotFoundError(f"there is no agent {request.agent!r}: none can be defined yet; leave -a out")
        request = replace(request, goal=printable(request.goal))
        unknown = [t for t in request.tools if t not in self.machine.parts.tools]
        if unknown:
            raise UsageError(f"there is no tool {unknown[0]!r}; there are: {', '.join(self.machine.parts.tools)}")
        if not request.model:
            await self.machine.parts.models.refresh()
        chosen = self.machine.parts.models.choose(request.model)
        return await self.machine.start(replace(request, model=chosen))

    async def wait(self, pid: Pid) -> Report:
        await self.hub.until(pid, stopped, self.machine.state)
        return await self.report(pid)

    async def report(self, pid: Pid) -> Report:
        return await views.report_on(self.machine, pid)

    async def processes(
        self, *, live_only: bool = True, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        return await self.machine.parts.store.rows(live_only=live_only, awake_only=awake_only, limit=limit)

    async def log(self, pid: Pid, *, after: Seq = 0) -> list[Entry]:
        await self.machine.state(pid)
        return await self.machine.parts.store.read(pid, after=after)

    @asynccontextmanager
    async def follow(self, pid: Pid, *, after: Seq = 0) -> AsyncGenerator[AsyncIterator[Entry | Progress]]:
        store = self.machine.parts.store
        await self.machine.state(pid)
        send, receive = anyio.create_memory_object_stream[Entry | Progress](1_000)
        async with store.subscribe(pid) as fresh, self.hub.view(pid) as signs, anyio.create_task_group() as tasks:

            async def entries() -> None:
                last = after
                for entry in await store.read(pid, after=after):
                    await send.send(entry)
                    last = entry.seq
                if not await self._ended(pid, last, send):
                    async for entry in fresh:
                        if entry.seq <= last:
                            continue
                        await send.send(entry)
                        last = entry.seq
                        if await self._ended(pid, last, send):
                            break
                send.close()

            async def progress() -> None:
                async for sign in signs:
                    try:
                        send.send_nowait(sign)
                    except anyio.WouldBlock:
                        continue  # a slow terminal loses signs of life, never events
                    except anyio.ClosedResourceError:
                        return

            tasks.start_soon(entries)
            tasks.start_soon(progress)
            with send, receive:
                yield receive
            tasks.cancel_scope.cancel()

    async def _ended(self, pid: Pid, last: Seq, send: anyio.abc.ObjectSendStream[Entry | Progress]) -> bool:
        # A new entry can be read from the journal a moment before the state in memory has it.
        p = await self.hub.until(pid, lambda p: p.seq >= last, self.machine.state)
        if p.seq > last or not stopped(p):
            return False
        await send.send(Progress(pid, "end", status=p.status, tokens=p.usage.tokens, usd=p.usage.usd))
        return True

    async def explain(self, pid: Pid) -> Explanation:
        return await views.explain(self.machine, pid)

    async def answer(self, pid: Pid, text: str) -> None:
        def answered(p: Process) -> Sequence[e.Event]:
            if p.question is None:
                raise ConflictError(f"process {pid} asks nothing; it is {p.status}")
            if p.question.kind == "question":
                return (e.PersonAnswered(printable(text)),)
            verdict = {"y": True, "yes": True, "是": True, "n": False, "no": False, "否": False}.get(
                text.strip().lower()
            )
            if verdict is None:
                raise UsageError(f"process {pid} asks for yes or no: `glmos approve {pid}` or `glmos deny {pid}`")
            return (e.PersonAnswered("", "yes" if verdict else "no"),)

        await self.machine.submit(pid, answered)

    async def approve(self, pid: Pid, yes: bool) -> None:
        def approved(p: Process) -> Sequence[e.Event]:
            if p.question is None:
                raise ConflictError(f"process {pid} asks for no approval; it is {p.status}")
            if p.question.kind == "question":
                raise ConflictError(f"process {pid} asks a question: `glmos answer {pid} TEXT`")
            return (e.PersonAnswered("", "yes" if yes else "no"),)

        await self.machine.submit(pid, approved)

    async def correct(self, pid: Pid, what: str, text: str) -> None:
        await self.machine.require_no_undo(pid)
        if not text.strip():
            raise UsageError(f"say what is right instead: `glmos correct {pid} {what} TEXT`")
        await self.machine.correct(pid, what, printable(text))

    async def signal(self, pid: Pid, signal: str) -> None:
        await self.machine.require_no_undo(pid)
        match signal:
            case "kill":
                await self.machine.kill(pid)
            case "resume":
                await self.machine.resume(pid)
            case "suspend":
                await self.machine.submit(pid, _suspend)
            case _:
                raise UsageError(f"there is no signal {signal!r}; there are kill, suspend and resume")

    async def adjust(self, pid: Pid, *, limits: Limits | None = None, model: str | None = None) -> None:
        chosen = self.machine.parts.models.choose(model) if model else ""
        _require_limits(limits or Limits())

        def adjusted(p: Process) -> Sequence[e.Event]:
            events: list[e.Event] = []
            if limits is not None:
                old = {k: getattr(p.limits, k) for k in Limits.__struct_fields__}
                new = {k: getattr(limits, k) for k in Limits.__struct_fields__ if getattr(limits, k) is not None}
                events.append(e.LimitsChanged(Limits(**old | new)))
            if chosen:
                events.append(e.ModelChanged(chosen))
            return events

        await self.machine.submit(pid, adjusted)

    async def renice(self, pid: Pid, priority: int) -> None:
        _require_priority(priority)

        def reniced(p: Process) -> Sequence[e.Event]:
            if p.exit is not None:
                raise ConflictError(f"process {pid} has already ended ({p.exit.status})")
            return (e.ProcessReniced(priority),)

        await self.machine.submit(pid, reniced)

    async def fork(self, pid: Pid, at: Seq | None = None) -> Pid:
        return await history.fork(self.machine, pid, at)

    async def undo(self, pid: Pid, step: str | None = None) -> UndoReport:
        return await undoing.undo(self.machine, pid, step)

    async def models(self) -> list[ModelView]:
        await self.machine.parts.models.refresh()
        return self.machine.parts.models.describe()

    async def tools(self) -> list[ToolView]:
        specs = [t.spec for t in self.machine.parts.tools.values()]
        people = ToolView(
            "people", "Ask the person something; have an action approved.", (("ask", "pure"), ("approve", "pure")), True
        )
        return [people] + [
            ToolView(s.name, s.summary, tuple((a.name, a.effect) for a in s.actions), s.resident) for s in specs
        ]

    async def doctor(self) -> list[Finding]:
        return [x async for x in self._doctor()]

    async def settings(self) -> list[SettingView]:
        return self._settings.views()


def _require_limits(limits: Limits) -> None:
    for name in Limits.__struct_fields__:
        value = getattr(limits, name)
        if value is not None and not 0 <= value < 1 << 53:
            raise UsageError(f"a limit on {name} is a number from 0 up, not {str(value)[:20]}")


def _require_priority(priority: int) -> None:
    if not -20 <= priority <= 19:
        raise UsageError(f"a priority is from -20 to 19, not {str(priority)[:20]}")


def _suspend(p: Process) -> Sequence[e.Event]:
    if p.exit is not None:
        raise ConflictError(f"process {p.pid} has already ended ({p.exit.status})")
    if p.suspended:
        raise ConflictError(f"process {p.pid} is suspended already")
    return (e.SignalReceived("suspend"),)
