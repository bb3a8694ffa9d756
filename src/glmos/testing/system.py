"""A `System` in memory whose processes follow a script: for testing what stands above the runtime.

A script is a list of beats. An event is appended, a `Progress` is shown, a `Hold` stops the process until
the test calls `release`, and a `PersonAsked` stops it until it is answered. Nothing here calls a model.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import anyio
from msgspec import Struct
from msgspec.structs import replace

from glmos.abi.api import (
    ClaimView,
    Explanation,
    Finding,
    ModelView,
    Progress,
    Report,
    RunRequest,
    SettingView,
    SourceView,
    ToolView,
    UndoReport,
)
from glmos.abi.budgets import Limits
from glmos.abi.errors import ConflictError, NotFoundError, UsageError
from glmos.abi.events import (
    Entry,
    Event,
    FactCorrected,
    LimitsChanged,
    ModelChanged,
    PersonAnswered,
    PersonAsked,
    ProcessCreated,
    ProcessExited,
    ProcessForked,
    ProcessReniced,
    ProcessReopened,
    ProcessRow,
    SignalReceived,
    StepStarted,
    ToolFinished,
    ToolIntended,
    Undone,
)
from glmos.abi.ids import Pid, Seq
from glmos.abi.tools import Output
from glmos.testing.reports import report_of


class Hold(Struct, frozen=True):
    """The process stops here until `FakeSystem.release`."""


Beat = Event | Progress | Hold
Script = Sequence[Beat]

DONE: Script = (ProcessExited(status="done", answer=Output("42")),)


class _Process:
    def __init__(self, pid: Pid, script: Script) -> None:
        self.pid = pid
        self.beats = list(script)
        self.items: list[Entry | Progress] = []
        self.asked: PersonAsked | None = None
        self.held = False
        self.suspended = False
        self.changed = anyio.Event()

    @property
    def entries(self) -> list[Entry]:
        return [item for item in self.items if isinstance(item, Entry)]

    @property
    def exited(self) -> bool:
        for entry in reversed(self.entries):
            if isinstance(entry.event, ProcessExited | ProcessReopened):
                return isinstance(entry.event, ProcessExited)
        return False

    @property
    def at_rest(self) -> bool:
        return self.exited or self.suspended or self.asked is not None


class FakeSystem:
    """Goals are looked up in `scripts`; a goal without a script is done at once with the answer 42."""

    def __init__(self, scripts: Mapping[str, Script] | None = None) -> None:
        self.scripts = dict(scripts or {})
        self.requests: list[RunRequest] = []
        self.environments: list[dict[str, str]] = []
        self.now = 1_764_000_000.0
        self.findings = [Finding(what="sandbox", ok=True, detail="bubblewrap works")]
        self.model_views = [ModelView(name="nano", provider="nano", model="nano", available=True, default=True)]
        self._processes: dict[Pid, _Process] = {}

    def use_environment(self, environment: Mapping[str, str]) -> None:
        self.environments.append(dict(environment))

    def release(self, pid: Pid) -> None:
        """Let a held process go on to its next hold."""
        process = self._get(pid)
        process.held = False
        self._advance(process)

    # -- what every System does ---------------------------------------------------------------------------------------

    async def start(self, request: RunRequest) -> Pid:
        if not request.goal.strip():
            raise UsageError("The goal is empty: say what is to be done.")
        self.requests.append(request)
        script = self.scripts.get(request.goal, DONE)
        process = self._create(script)
        created = ProcessCreated(
            goal=request.goal, root=process.pid, model=request.model or "nano", limits=request.limits
        )
        self._append(process, created)
        self._advance(process)
        return process.pid

    async def wait(self, pid: Pid) -> Report:
        process = self._get(pid)
        while not process.at_rest:
            await process.changed.wait()
        return await self.report(pid)

    async def report(self, pid: Pid) -> Report:
        process = self._get(pid)
        return report_of(pid, process.entries, status=self._status(process))

    async def processes(
        self, *, live_only: bool = True, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        rows: list[ProcessRow] = []
        for process in self._processes.values():
            if (live_only or awake_only) and process.exited:
                continue
            report = await self.report(process.pid)
            rows.append(
                ProcessRow(
                    pid=process.pid, root=process.pid, parent=None, status=report.status, goal=report.goal,
                    waits_for=report.question, phase=report.phase, model=report.model, created=process.entries[0].at,
                    updated=process.entries[-1].at, seq=len(process.entries),
                )
            )  # fmt: skip
        rows = [row for row in rows if not (awake_only and row.resting)]
        return rows if limit is None else rows[max(0, len(rows) - limit) :]

    async def log(self, pid: Pid, *, after: Seq = 0) -> list[Entry]:
        return self._get(pid).entries[after:]

    @asynccontextmanager
    async def follow(self, pid: Pid, *, after: Seq = 0) -> AsyncGenerator[AsyncIterator[Entry | Progress]]:
        yield self._items(self._get(pid), after)

    async def explain(self, pid: Pid) -> Explanation:
        entries = self._get(pid).entries
        report = await self.report(pid)
        receipts = {e.event.call: e for e in entries if isinstance(e.event, ToolFinished)}
        intents = {e.event.call: e for e in entries if isinstance(e.event, ToolIntended)}
        claims: list[ClaimView] = []
        for claim in (c for e in entries if isinstance(e.event, ProcessExited) for c in e.event.claims):
            intent, receipt = intents[claim.call], receipts[claim.call]
            assert isinstance(intent.event, ToolIntended)
            assert isinstance(receipt.event, ToolFinished)
            source = SourceView(
                call=claim.call, tool=intent.event.tool, action=intent.event.action, arguments=intent.event.arguments,
                events=(intent.seq, receipt.seq), at=receipt.at, quote=claim.quote,
                found=claim.quote in receipt.event.output.text, excerpt=receipt.event.output.text[:200],
                integrity=receipt.event.label.integrity, step=intent.event.step or "",
            )  # fmt: skip
            checks = tuple(c for s in report.steps if s.id == intent.event.step for c in s.checks)
            claims.append(ClaimView(claim=claim.claim, sources=(source,), checks=checks))
        return Explanation(
            pid=pid, status=report.status, goal=report.goal, answer=report.answer, reason=report.reason,
            claims=tuple(claims), steps=report.steps,
        )  # fmt: skip

    async def answer(self, pid: Pid, text: str) -> None:
        self._reply(pid, PersonAnswered(text=text), kinds={"question"})

    async def approve(self, pid: Pid, yes: bool) -> None:
        verdict: Literal["yes", "no"] = "yes" if yes else "no"
        self._reply(pid, PersonAnswered(verdict=verdict), kinds={"approval", "unknown_effect"})

    async def correct(self, pid: Pid, what: str, text: str) -> None:
        process = self._get(pid)
        if process.exited:
            self._append(process, ProcessReopened())
            process.beats = process.beats or list(DONE)
        self._append(process, FactCorrected(what, text))
        self._advance(process)

    async def signal(self, pid: Pid, signal: str) -> None:
        process = self._get(pid)
        if signal == "resume" and process.exited:
            self._append(process, ProcessReopened())
            process.beats = process.beats or list(DONE)
        elif process.exited:
            raise ConflictError(f"Process {pid} has ended already: `glmos resume {pid}` reopens it.")
        if signal == "kill":
            process.asked = None
            self._append(process, SignalReceived("kill"), ProcessExited(status="killed", reason="A person killed it."))
        elif signal == "suspend":
            process.suspended = True
            self._append(process, SignalReceived("suspend"))
        elif signal == "resume":
            process.suspended = False
            self._append(process, SignalReceived("resume"))
            self._advance(process)
        else:
            raise UsageError(f"There is no signal {signal!r}: kill, suspend or resume.")

    async def adjust(self, pid: Pid, *, limits: Limits | None = None, model: str | None = None) -> None:
        process = self._get(pid)
        if limits is not None:
            self._append(process, LimitsChanged(limits))
        if model is not None:
            self._append(process, ModelChanged(model))

    async def renice(self, pid: Pid, priority: int) -> None:
        self._append(self._get(pid), ProcessReniced(priority))

    async def fork(self, pid: Pid, at: Seq | None = None) -> Pid:
        source = self._get(pid)
        at = at or len(source.entries)
        process = self._create(source.beats or DONE)
        process.items = [replace(entry, pid=process.pid) for entry in source.entries[:at]]
        self._append(process, ProcessForked(source=pid, at=at))
        self._advance(process)
        return process.pid

    async def undo(self, pid: Pid, step: str | None = None) -> UndoReport:
        process = self._get(pid)
        started = [e.event.step for e in process.entries if isinstance(e.event, StepStarted)]
        if not started or (step is not None and step not in started):
            raise NotFoundError(f"Process {pid} has no step {step!r}: `glmos show {pid}` lists them.")
        step = step or started[-1]
        process.suspended = True
        self._append(process, Undone(step=step))
        return UndoReport(pid=pid, step=step, restored=True, compensated=(), left=())

    async def models(self) -> list[ModelView]:
        return self.model_views

    async def tools(self) -> list[ToolView]:
        return [ToolView(name="tables", summary="Ask tables with SQL.", actions=(("query", "pure"),), resident=True)]

    async def doctor(self) -> list[Finding]:
        return self.findings

    async def settings(self) -> list[SettingView]:
        return [SettingView(name="model", value="", origin="default")]

    # -- within -------------------------------------------------------------------------------------------------------

    def _get(self, pid: Pid) -> _Process:
        if pid not in self._processes:
            raise NotFoundError(f"There is no process {pid}: `glmos ps --all` lists them.")
        return self._processes[pid]

    def _create(self, script: Script) -> _Process:
        pid = len(self._processes) + 1
        self._processes[pid] = process = _Process(pid, script)
        return process

    def _status(self, process: _Process) -> str:
        last = next((e.event for e in reversed(process.entries) if isinstance(e.event, ProcessExited)), None)
        if process.exited and last is not None:
            return last.status
        if process.suspended:
            return "suspended"
        return "waiting" if process.asked else "running"

    def _append(self, process: _Process, *events: Event) -> None:
        for event in events:
            self.now += 0.25
            process.items.append(Entry(process.pid, len(process.entries) + 1, self.now, event))
        self._wake(process)

    def _wake(self, process: _Process) -> None:
        process.changed.set()
        process.changed = anyio.Event()

    def _advance(self, process: _Process) -> None:
        while process.beats and not process.held and not process.at_rest:
            match process.beats.pop(0):
                case Hold():
                    process.held = True
                case Progress() as progress:
                    process.items.append(replace(progress, pid=process.pid))
                    self._wake(process)
                case event:
                    process.asked = event if isinstance(event, PersonAsked) else None
                    self._append(process, event)

    def _reply(self, pid: Pid, reply: PersonAnswered, *, kinds: set[str]) -> None:
        process = self._get(pid)
        if process.asked is None or process.asked.kind not in kinds:
            raise ConflictError(f"Process {pid} has not asked for that: `glmos show {pid}` says what it waits for.")
        process.asked = None
        self._append(process, reply)
        self._advance(process)

    async def _items(self, process: _Process, after: Seq) -> AsyncIterator[Entry | Progress]:
        place = 0
        while True:
            changed = process.changed
            for item in process.items[place:]:
                if isinstance(item, Progress) or item.seq > after:
                    yield item
            place = len(process.items)
            if process.at_rest:
                yield Progress(process.pid, "end", status=self._status(process))
                return
            await changed.wait()
