"""A real daemon dies at each named point, one after the other, each time in the middle of a process of its own.

The points of one family share a home: each death has a fresh process in its way, the earlier ones go on beside it, and
when all have ended the home is audited. `glmos.testing.crash.points` says what has happened at each.
"""

import os
from itertools import groupby
from pathlib import Path

import anyio
import pytest

from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Home, home
from glmos.testing.crash.orphans import marked
from glmos.testing.crash.person import Person
from glmos.testing.crash.points import POINTS
from glmos.testing.crash.programs import Program

pytestmark = pytest.mark.anyio

SIMPLE = (("letter:a", "shell:b:0.05", "post:c", "shell:d"),)
STEPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "blob": (("long:a", "shell:b"),),
    "snapshot": ((*(f"ping:{n}" for n in range(250)), "shell:z"),),
    "workspace.large_content": (("large:a", "shell:b"),),
    "undo": (("shell:a", "shell:b"), ("book:c", "book:d", "shell:e")),
    "workspace": (("shell:a", "write:b", "shell:c"), ("shell:d", "book:e", "shell:f")),
    "child": (("shell:a", "spawn:k", "shell:b"),),
    "kill": (("spawn:k", "shell:a"),),
    "park": (("spawn:k", "shell:a"),),
    "take_back": (("shell:a:0.1", "shell:b"),),
    "probe": (("post:a:0.1", "shell:b"),),
}
"""What a process does that comes to a point, by the point or its family; otherwise it does something simple."""
CHILDREN = {"child": (("shell:a", "post:b"),), "park": (("shell:a",),), "kill": (("ping:a", "shell:b:20", "shell:c"),)}
BEFORE = {"probe": "tool.after_end", "take_back": "tool.after_end", "recover": "tool.after_end"}
"""What is only come to after another death."""
ACTS = {
    "undo": "undo",
    "fork": "fork",
    "kill": "kill",
    "workspace.before_rename": "undo",
    "workspace.between_files": "undo",
    "workspace.laid_out": "undo",
}
LATER = {"append.before_insert": 5, "append.before_commit": 7, "append.after_commit": 6}
"""At which time it is come to, if not at the first."""


def family(point: str) -> str:
    return point.partition(".")[0]


def process_for(point: str) -> Program:
    name = point.replace(".", "-").replace("_", "-")
    steps = STEPS.get(point) or STEPS.get(family(point)) or SIMPLE
    children = {"k": Program(f"{name}-k", CHILDREN[family(point)])} if family(point) in CHILDREN else {}
    return Program(name, steps, children)


def orders(point: str) -> list[str]:
    """What the daemons are told that lead to a death at `point`."""
    before = [BEFORE[family(point)]] if family(point) in BEFORE else []
    return [*before, f"{point}:{LATER.get(point, 1)}"]


async def live(house: Home, program: Program, act: str) -> None:
    """See a process through, and do to it what leads to its point."""
    person = Person(house)
    pid = await person.start(program)
    if act == "kill":
        await house.outside.wait_noted(f"{program.children['k'].name}/ping:a")  # the child is busy now
        await person.kill(pid)
    report = await person.see_through(pid)
    if act == "undo":
        await person.undo(pid, "S1")
        report = await person.see_through(pid)
    elif act == "fork":
        events = await person.insist(lambda: person.system.log(pid))
        await person.see_through(await person.fork(pid, program, len(events) // 2))
    assert report.status == ("killed" if act == "kill" else "done"), report


async def die(house: Home, order: str) -> None:
    """Start a daemon with an order to die, and wait until it has."""
    daemon = await house.start(order)
    await daemon.ended()
    house.down()
    assert daemon.status == -9, f"a daemon that was to die at {order} ended with status {daemon.status}"


@pytest.mark.parametrize("points", [list(points) for _, points in groupby(POINTS, family)], ids=lambda x: family(x[0]))
async def test_a_death_at_each_point_loses_nothing_and_doubles_nothing(tmp_path: Path, points: list[str]) -> None:
    programs = {point: process_for(point) for point in points}
    killed = [programs[x] for x in points if family(x) == "kill"]
    async with home(tmp_path, os.environ) as house:
        with anyio.fail_after(100):
            over = anyio.Event()
            async with anyio.create_task_group() as others:
                others.start_soon(Person(house).look_after_children, over)
                async with anyio.create_task_group() as people:
                    for point in points:
                        people.start_soon(live, house, programs[point], ACTS.get(point, ACTS.get(family(point), "")))
                        for order in orders(point):
                            await die(house, order)
                    await house.start()
                over.set()
        house.down()
        assert await house.daemons[-1].stop() == 0
        assert house.died_at() == [order.partition(":")[0] for point in points for order in orders(point)]
        assert await audit(house, [p for p in programs.values() if p not in killed], killed=killed) == []
    assert marked(str(house.path)) == []
