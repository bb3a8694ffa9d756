"""No program that a tool has started outlives what ended the tool, however it clings to life.

A brood is started in the real sandbox by a real daemon: in the background, with nohup, in a session of its own, forked
twice, ignoring SIGTERM, from the shell and from a Python kernel. Each program carries a mark in its environment, so that
it is found wherever it went.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Home, home
from glmos.testing.crash.orphans import marked, wait_gone, wait_marked
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import BROOD, Program

pytestmark = pytest.mark.anyio

SHELL = Program("嫩-shell", (("write:a",), ("brood:b", "shell:z")))
PYTHON = Program("嫩-python", (("write:a",), ("pybrood:b", "shell:z")))
HASTY = Program("嫩-hasty", (("write:a",), ("hasty:b", "shell:z")))


class Nursery:
    """A home, and a process in the middle of a brood."""

    def __init__(self, home: Home, person: Person, program: Program, pid: int) -> None:
        self.home = home
        self.person = person
        self.program = program
        self.pid = pid

    @property
    def mark(self) -> str:
        return f"{self.program.name}/"

    async def hatched(self) -> None:
        """Return when the whole brood is alive."""
        await wait_marked(self.mark, BROOD if "shell" in self.program.name else 4)

    async def goes_on_to_the_end(self) -> None:
        """Let the call end by itself; the process then does what is left, and ends."""
        await self.hatched()
        (self.home.path / "workspaces" / str(self.pid) / "go-b").touch()
        report = await self.person.see_through(self.pid)
        assert report.status == "done", report
        assert marked(self.mark) == []


@asynccontextmanager
async def nursery(tmp_path: Path, program: Program) -> AsyncGenerator[Nursery]:
    with anyio.fail_after(90):
        async with home(tmp_path, os.environ) as house, house.daemon():
            person = Person(house)
            yield Nursery(house, person, program, await person.start(program))
        assert marked(program.name) == []


each = pytest.mark.parametrize("program", [SHELL, PYTHON], ids=["shell", "python"])


@each
async def test_a_call_that_ends_leaves_nothing(tmp_path: Path, program: Program) -> None:
    async with nursery(tmp_path, program) as n:
        await n.goes_on_to_the_end()
    assert await audit(n.home, [program]) == []


@each
async def test_a_killed_daemon_leaves_nothing(tmp_path: Path, program: Program) -> None:
    async with nursery(tmp_path, program) as n:
        await n.hatched()
        n.home.down()
        await n.home.daemons[-1].kill()
        with anyio.fail_after(10):
            await wait_gone(n.mark)
        async with n.home.daemon():
            await n.goes_on_to_the_end()
    assert await audit(n.home, [program]) == []


@each
async def test_a_daemon_that_is_told_to_stop_leaves_nothing(tmp_path: Path, program: Program) -> None:
    async with nursery(tmp_path, program) as n:
        await n.hatched()
        n.home.down()
        assert await n.home.daemons[-1].stop() == 0
        assert marked(n.mark) == []
        async with n.home.daemon():
            await n.goes_on_to_the_end()
    assert await audit(n.home, [program]) == []


@each
async def test_a_killed_process_leaves_nothing(tmp_path: Path, program: Program) -> None:
    async with nursery(tmp_path, program) as n:
        await n.hatched()
        await n.person.system.signal(n.pid, "kill")
        assert marked(n.mark) == []
    assert await audit(n.home, [], killed=[program]) == []


@each
async def test_an_undo_leaves_nothing(tmp_path: Path, program: Program) -> None:
    async with nursery(tmp_path, program) as n:
        await n.hatched()
        await n.person.system.undo(n.pid, "S1")
        assert marked(n.mark) == []
        await n.person.system.signal(n.pid, "resume")
        await n.goes_on_to_the_end()
    assert await audit(n.home, [program]) == []


async def test_a_call_that_ran_out_of_time_leaves_nothing(tmp_path: Path) -> None:
    async with nursery(tmp_path, HASTY) as n:
        await n.hatched()
        report = await n.person.see_through(n.pid)
        assert report.status == "done", report
        assert marked(n.mark) == []
    assert await audit(n.home, [HASTY]) == []
