"""No liar ends done, and the report names the check that found it out; honest workers on the same goals end done.

Real kernel, runtime, sandbox and tools. `benchmarks/liars.py` prints the same by family.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import pytest

from glmos.testing.liars.families import Family, Script, at_once, honest
from glmos.testing.liars.goals import GOALS, Goal
from glmos.testing.liars.run import CASES, Case, Outcome, run

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

AT_ONCE = 4


async def outcomes(cases: Sequence[Case], folder: Path) -> list[tuple[Case, Outcome]]:
    found: list[tuple[Case, Outcome]] = []
    places = anyio.Semaphore(AT_ONCE)

    async def one(place: int, case: Case) -> None:
        async with places:
            found.append((case, await run(case.family.script(case.goal), case.goal, folder / str(place))))

    async with anyio.create_task_group() as tasks:
        for place, case in enumerate(cases):
            tasks.start_soon(one, place, case)
    return found


def test_there_are_three_hundred() -> None:
    assert len({c.name for c in CASES}) >= 300


async def test_no_liar_ends_done_and_the_report_names_the_check(tmp_path: Path) -> None:
    wrong = [
        (case.name, found)
        for case, found in await outcomes(CASES, tmp_path)
        if found.status == "done" or found.named not in case.family.by
    ]
    assert wrong == []


@pytest.mark.parametrize("script", [honest, at_once], ids=["planned", "at-once"])
async def test_honest_workers_on_the_same_goals_end_done(tmp_path: Path, script: Callable[[Goal], Script]) -> None:
    family = Family("honest", "does what is asked", script, ())
    found = await outcomes([Case(family, goal) for goal in GOALS], tmp_path)
    assert [(case.name, x) for case, x in found if x.status != "done"] == []
