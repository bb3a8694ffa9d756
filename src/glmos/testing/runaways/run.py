"""One script against one kind of limit, with a person or a power cut beside it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, NamedTuple

import anyio
import anyio.lowlevel

from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.ids import Pid
from glmos.journal.stores.ram import RamStore
from glmos.testing.runaways.counting import Bill, BillClock, CountedModel, CountedTables, CountedTool
from glmos.testing.runaways.scripts import Script
from glmos.testing.world import World, world

Kind = Literal["usd", "tokens", "seconds", "model_calls", "tool_calls"]
KINDS: Mapping[Kind, float] = {"usd": 0.4, "tokens": 40_000, "seconds": 30, "model_calls": 13, "tool_calls": 13}
"""Each kind of limit, and what is allowed."""

ROUNDS = 40
"""How often the person does what they do."""


class Outcome(NamedTuple):
    """What came of it."""

    script: str
    kind: Kind
    allowed: float
    used: float
    """As counted by the model, the tools and the clock."""
    said: float
    """As the processes have it in their listing, together."""
    excess: float
    """The most that one call was billed beyond its worst case, by a provider that breaks its word."""
    status: str
    reason: str
    running: int
    """Calls still under way at the end."""
    pid: Pid
    trees: int
    """Processes without a parent: a fork has a limit of its own."""

    @property
    def stopped_by(self) -> str:
        """The limit in the process's own words, or how else it ended."""
        if self.status != "refused":
            return self.status
        return self.reason.partition("the limit of ")[2].partition(" is reached")[0].removesuffix(",")


async def run(script: Script, kind: Kind, folder: Path, *, allowed: float | None = None) -> Outcome:
    """Run `script` with a limit of this kind until it stays stopped.

    Raises: TimeoutError when it does not stop within two minutes.
    """
    with anyio.fail_after(120):
        return await _Run(script, kind, folder, KINDS[kind] if allowed is None else allowed).outcome()


class _Run:
    def __init__(self, script: Script, kind: Kind, folder: Path, allowed: float) -> None:
        self.script = script
        self.kind: Kind = kind
        self.folder = folder
        self.allowed = allowed
        self.bill = Bill()
        self.store = RamStore()
        self.pids: list[Pid] = []
        self.model = CountedModel(
            self.bill, script.answers(), report=script.report, prompt_factor=script.prompt_factor,
            reply_factor=script.reply_factor, tries=script.tries,
        )  # fmt: skip
        self.critic = CountedModel(self.bill, script.critic()) if script.critic is not None else None

    async def outcome(self) -> Outcome:
        if self.script.person == "pulls the plug":
            await self._crash_again_and_again()
        async with self._world() as w:
            await self._start(w)
            await self._beside(w)
            report = await w.system.wait(self.pids[0])
            for row in await w.system.processes(live_only=False):
                await w.system.machine.at_rest(row.pid)
            rows = await w.system.processes(live_only=False)
            said = sum(float(getattr(r.usage, self.kind)) for r in rows if self.kind != "seconds" or r.parent is None)
            return Outcome(
                self.script.name, self.kind, self.allowed, self.bill.used(self.kind), said,
                float(getattr(self.bill.excess, self.kind)), report.status, report.reason, self.model.running,
                self.pids[0], len(self.pids),
            )  # fmt: skip

    def _limits(self, value: float) -> Limits:
        whole = self.kind in ("tokens", "model_calls", "tool_calls")
        return Limits(**{self.kind: int(value) if whole else value})  # type: ignore[arg-type]

    def _world(self, tool: CountedTool | None = None) -> AbstractAsyncContextManager[World]:
        echo = tool or CountedTool(self.bill, usd=self.script.tool_usd, size=self.script.tool_size)
        return world(
            self.folder, self.model, tools=[echo, CountedTables(self.bill)], critic=self.critic, store=self.store,
            clock=BillClock(self.bill), settings=self.script.settings,
        )  # fmt: skip

    async def _start(self, w: World) -> None:
        if not self.pids:
            self.pids.append(await w.system.start(RunRequest("run away", limits=self._limits(self.allowed))))

    # -- what is done from outside ------------------------------------------------------------------------------------

    async def _beside(self, w: World) -> None:
        match self.script.person:
            case "resumes":
                await self._resume_again_and_again(w)
            case "raises":
                for _ in range(5):
                    await w.system.wait(self.pids[0])
                    self.allowed *= 1.2
                    await w.system.adjust(self.pids[0], limits=self._limits(self.allowed))
                    await w.system.signal(self.pids[0], "resume")
            case "lowers":
                await self._lower(w)
            case "undoes":
                await self._undo_again_and_again(w)
            case "forks":
                await self._fork_again_and_again(w)
            case "goes away" | "pulls the plug":
                return

    async def _resume_again_and_again(self, w: World) -> None:
        refusals = 0
        for _ in range(ROUNDS):
            refusals += (await w.system.wait(self.pids[0])).status == "refused"
            if refusals == 3:  # however often it is resumed now
                return
            await w.system.signal(self.pids[0], "resume")

    async def _lower(self, w: World) -> None:
        pid = self.pids[0]
        while self.bill.used(self.kind) < 0.3 * self.allowed and (await w.system.report(pid)).status == "running":
            await anyio.lowlevel.checkpoint()
        taken = float(getattr(w.system.machine.parts.ledger.total(pid), self.kind))
        self.allowed = max(0.7 * self.allowed, taken)
        await w.system.adjust(pid, limits=self._limits(self.allowed))

    async def _undo_again_and_again(self, w: World) -> None:
        pid = self.pids[0]
        for _ in range(ROUNDS):
            before = self.bill.total.tool_calls
            while self.bill.total.tool_calls == before:
                if (await w.system.report(pid)).status == "refused":
                    return
                await anyio.lowlevel.checkpoint()
            await w.system.undo(pid)
            await w.system.signal(pid, "resume")

    async def _fork_again_and_again(self, w: World) -> None:
        for _ in range(4):
            await w.system.wait(self.pids[-1])
            half = len(await w.system.log(self.pids[-1])) // 2
            self.pids.append(await w.system.fork(self.pids[-1], half))
        await w.system.wait(self.pids[-1])

    async def _crash_again_and_again(self) -> None:
        """Die in the middle of every third call of a tool, until the process is refused."""
        for _ in range(ROUNDS):
            first = self.bill.total.tool_calls
            tool = CountedTool(
                self.bill, usd=self.script.tool_usd, hang=lambda first=first: self.bill.total.tool_calls >= first + 3
            )
            async with self._world(tool) as w:
                await self._start(w)
                while not tool.hanging.is_set():
                    if (await w.system.report(self.pids[0])).status == "refused":
                        return
                    await anyio.lowlevel.checkpoint()
