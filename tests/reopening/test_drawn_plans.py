"""Plans of up to thirty steps with links drawn at random: exactly what rests on what turned out wrong is done again.

What was done is counted by a ledger outside, what should have been is known from the drawing alone (`drawn.py`), and whether
all is up to date in the end is told from the files. `GLMOS_REOPENING_PLANS=500` draws more.
"""

import os
from collections import Counter
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import Report, RunRequest
from glmos.abi.ids import Pid
from glmos.abi.messages import ModelReply
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import World, world
from glmos.tools.files import Files
from tests.reopening.drawn import MOST, Before, Doer, Drawn, Ledger, draw, made_by, planned, resting, stale

pytestmark = pytest.mark.anyio

PLANS = int(os.environ.get("GLMOS_REOPENING_PLANS", "2"))
drawn = pytest.mark.parametrize("seed", range(PLANS))
FILES = ("销售.csv", "客户.csv", "库存.csv")


class Case:
    """A drawn plan being done, and what can be seen of it from outside."""

    def __init__(self, folder: Path, cause: str, seed: int) -> None:
        self.dice = Random(f"{cause} {seed}")
        self.plan: Drawn = draw(self.dice, self.dice.randint(2, MOST) if seed else MOST, FILES)
        self.steps = list(self.plan)
        self.folder = folder
        self.given: dict[str, str] = {}
        for name in FILES:
            self.change(name, "第一版")
        self.ledger = Ledger(folder / "账本.txt")

    def change(self, name: str, version: str) -> None:
        """The person changes a file of theirs."""
        self.given[name] = f"{name} {version}"
        (self.folder / name).write_text(f"{self.given[name]}\n华东,1204\n", "utf-8")

    @asynccontextmanager
    async def begun(self, before: Before | None = None) -> AsyncGenerator[tuple[World, Pid]]:
        model = ScriptedModel(Doer(self.plan, before))
        files = tuple(str(self.folder / name) for name in FILES)
        async with world(self.folder / "家", model, tools=[Files(), self.ledger]) as w:
            with anyio.fail_after(120):
                yield w, await w.system.start(RunRequest("按计划完成全部步骤", files))

    def readers(self, name: str, among: Collection[str]) -> set[str]:
        return {s for s in among if name in self.plan[s].given}

    async def require(self, w: World, pid: Pid, again: Collection[str], counted: Counter[str]) -> Report:
        """Everything is done, with fresh evidence; what was done again, and how often anything was done, is as expected."""
        report = await w.system.wait(pid)
        assert report.status == "done", report.reason
        assert self.ledger.counts() == counted
        assert {s.id for s in report.steps if s.again} == set(again)
        assert {s.status for s in report.steps} == {"passed"}
        place = w.system.machine.parts.workspaces.path(pid)
        made = {s: (place / made_by(s)).read_text("utf-8") for s in self.steps}
        assert stale(self.plan, counted, made, self.given) == []
        last = self.steps[-1]
        assert {x.quote for x in report.evidence} == {
            f"记下 {s} 第{counted[s]}次" for s in (last, *self.plan[last].cites)
        }
        return report


async def booked(w: World, pid: Pid, step: str) -> str:
    """The last call that booked a step, as a person finds it in the log."""
    found = [x.event for x in await w.system.log(pid) if isinstance(x.event, e.ToolIntended)]
    return [x.call for x in found if x.tool == "book" and x.arguments["step"] == step][-1]


async def turn_out_wrong(case: Case, w: World, pid: Pid, among: Collection[str]) -> set[str]:
    """Something that one of the steps `among` went by turns out wrong, and the person says so. Gives who went by it."""
    step, way = case.dice.choice(sorted(among)), case.dice.choice(["call", "step", "file"])
    if way == "file":
        name = case.dice.choice(FILES)
        case.change(name, f"第{case.dice.randint(2, 999)}版")
        await w.system.signal(pid, "resume")
        return case.readers(name, among)
    what = await booked(w, pid, step) if way == "call" else step
    await w.system.correct(pid, what, "应当是另一个数：1250000")
    return {step}


# -- after the end ----------------------------------------------------------------------------------------------------


@drawn
async def test_after_the_end_what_rests_on_a_corrected_fact_or_a_changed_file_is_done_again(
    tmp_path: Path, seed: int
) -> None:
    case = Case(tmp_path, "ended", seed)
    counted, again = Counter(case.steps), set[str]()
    async with case.begun() as (w, pid):
        await case.require(w, pid, again, counted)
        for _ in range(2):
            affected = resting(case.plan, await turn_out_wrong(case, w, pid, case.steps))
            again |= affected
            counted.update(affected)
            await case.require(w, pid, again, counted)


# -- while it runs ----------------------------------------------------------------------------------------------------


class At(NamedTuple):
    """A moment: before a reply in the doing of a step."""

    step: str
    turn: int
    """0: it has not begun to look; 1: it has looked, and not yet submitted."""


def moment(case: Case) -> At:
    return At(case.dice.choice(case.steps[1:]), case.dice.randint(0, 1))


def done_by(case: Case, at: At) -> list[str]:
    """The steps that had passed."""
    return case.steps[: case.steps.index(at.step)]


@drawn
async def test_while_it_runs_the_step_being_done_is_begun_anew_if_it_rests_on_what_was_wrong(
    tmp_path: Path, seed: int
) -> None:
    case = Case(tmp_path, "running", seed)
    at = moment(case)
    gate, reached = anyio.Event(), anyio.Event()

    async def before(step: str, turn: int) -> ModelReply | None:
        if (step, turn) == at and not gate.is_set():
            reached.set()
            await gate.wait()
        return None

    async with case.begun(before) as (w, pid):
        await reached.wait()
        looked = {at.step} if at.turn else set[str]()
        roots = await turn_out_wrong(case, w, pid, {*done_by(case, at), *looked})
        gate.set()
        affected = resting(case.plan, roots).intersection({*done_by(case, at), at.step})
        counted = Counter(case.steps)
        counted.update(affected)
        if not at.turn and affected.intersection(case.plan[at.step].needs):
            counted[at.step] -= 1  # it was told before it had looked at anything
        await case.require(w, pid, affected, counted)


@drawn
async def test_a_revised_plan_has_done_again_what_it_changed_and_what_rests_on_that(tmp_path: Path, seed: int) -> None:
    case = Case(tmp_path, "revised", seed)
    at = moment(case)
    changed = case.dice.choice(done_by(case, at))
    replies = [call("plan", steps=planned(case.plan, [changed]), reason="做法要改")]

    async def before(step: str, turn: int) -> ModelReply | None:
        return replies.pop() if (step, turn) == at and replies else None

    async with case.begun(before) as (w, pid):
        affected = resting(case.plan, {changed}).intersection({*done_by(case, at), at.step})
        counted = Counter(case.steps)
        counted.update(affected)
        if not at.turn and affected.intersection(case.plan[at.step].needs):
            counted[at.step] -= 1
        await case.require(w, pid, affected, counted)


# -- what a check finds late ------------------------------------------------------------------------------------------


@drawn
async def test_a_step_found_broken_at_the_end_is_done_again_with_what_rests_on_it(tmp_path: Path, seed: int) -> None:
    case = Case(tmp_path, "late", seed)
    broken = case.dice.choice(case.steps[:-1])
    after = case.steps[case.steps.index(broken) + 1 :]
    readers = [s for s in after if broken in case.plan[s].reads]
    breaker = case.dice.choice(after[after.index(readers[-1]) if readers else 0 :])
    replies = [call("files", action="delete", path=made_by(broken))]

    async def before(step: str, turn: int) -> ModelReply | None:
        return replies.pop() if (step, turn) == (breaker, 1) and replies else None

    async with case.begun(before) as (w, pid):
        affected = resting(case.plan, {broken}) | {case.steps[-1]}  # whose check it was that failed
        report = await case.require(w, pid, affected, Counter(case.steps) + Counter(affected))
        why = {s.id: s.again for s in report.steps}
        assert f"step {broken!r} no longer holds" in why[broken]
