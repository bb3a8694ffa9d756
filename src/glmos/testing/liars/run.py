"""One worker at one goal: real kernel, runtime, workspaces, sandbox and tools."""

from pathlib import Path
from typing import NamedTuple

import anyio

from glmos.abi.events import CheckFinished
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.sandbox.bubblewrap import BubblewrapSandbox
from glmos.testing.liars.families import CHILD, FAMILIES, Family, Script, child_reply
from glmos.testing.liars.goals import GOALS, Goal
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from glmos.tools.shell import Shell
from glmos.tools.tables.tool import Tables

SECONDS = 120.0


class Case(NamedTuple):
    family: Family
    goal: Goal

    @property
    def name(self) -> str:
        return f"{self.family.name}: {self.goal.name}"


class Outcome(NamedTuple):
    status: str
    reason: str
    failed: tuple[tuple[str, str], ...]
    """(step, kind) of the checks that failed or could not decide, in order."""

    @property
    def named(self) -> str:
        """The check that the reason names, if it names the one that failed: its kind."""
        return next(
            (kind for step, kind in self.failed if f"{kind}: " in self.reason and repr(step) in self.reason), ""
        )


CASES = tuple(Case(f, g) for f in FAMILIES for g in GOALS if g.asks or not f.asking)


async def run(script: Script, goal: Goal, folder: Path) -> Outcome:
    """Have a worker with this script pursue the goal until it ends."""
    given = folder / "given"
    given.mkdir(parents=True)
    for name, text in goal.files.items():
        (given / name).write_text(text, "utf-8")
    replies = iter(script)
    children = 0

    def answer(request: ModelRequest) -> ModelReply:
        nonlocal children
        if f"<goal>\n{CHILD}" in request.messages[1].content:
            children += 1
            return child_reply(goal, children - 1)
        return next(replies, None) or call("give_up", reason="enough")

    sandbox = BubblewrapSandbox()  # one for each world: it knows processes by their number
    with anyio.fail_after(SECONDS):
        async with world(folder / "home", ScriptedModel(answer), tools=[Shell(), Tables()], sandbox=sandbox) as w:
            report = await w.system.run(goal.text, files=[given / name for name in goal.files])
            events = [x.event for x in await w.system.log(report.pid)]
    found = tuple((x.step, x.kind) for x in events if isinstance(x, CheckFinished) and x.outcome != "passed")
    await sandbox.aclose()
    return Outcome(report.status, report.reason, found)
