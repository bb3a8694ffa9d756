"""Ten clients and two terminals at one home: what each of them sees is the same, and nothing that any of them did is lost.

The clients start processes and see them through, undo, fork, suspend, kill; meddlers renice, suspend and resume whatever
runs, without asking whose it is; one terminal follows a process while the other acts on several.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import pytest

from glmos.abi.errors import ConflictError
from glmos.abi.events import Entry
from glmos.client import RemoteSystem
from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Home, home
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import Program
from glmos.testing.crash.storm import meddle

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

TERMINAL = [sys.executable, str(Path(__file__).with_name("terminal.py"))]
STEPS = (("shell:a:0.05", "post:b", "letter:c"), ("book:d", "ask:e", "ping:f", "shell:g:0.05"))
ACTS = ("", "undo", "fork", "suspend", "kill", "", "undo", "fork", "suspend", "spawn")
"""What each of the ten clients does to its process."""


class Follower:
    """A client that does nothing but listen, and starts again where it was when its stream ends."""

    def __init__(self, system: RemoteSystem, pid: int) -> None:
        self.system = system
        self.pid = pid
        self.seen: list[Entry] = []
        self.wanted = -1
        """How many entries there are in the end, once that is known."""

    async def listen(self) -> None:
        """The stream ends whenever the process rests, and begins again after the last event that was heard."""
        while len(self.seen) != self.wanted:
            async with self.system.follow(self.pid, after=len(self.seen)) as items:
                async for item in items:
                    if isinstance(item, Entry):
                        self.seen.append(item)
            await anyio.sleep(0.02)


async def client(house: Home, program: Program, act: str) -> None:
    person = Person(house)
    pid = await person.start(program)
    follower = Follower(house.system, pid)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.listen)
        if act == "suspend":
            await house.outside.wait_noted(f"{program.name}/post:b")
            with suppress(ConflictError):  # a meddler was quicker
                await person.system.signal(pid, "suspend")
        if act == "kill":
            await house.outside.wait_noted(f"{program.name}/letter:c")
            await person.kill(pid)
        report = await person.see_through(pid)
        assert report.status == ("killed" if act == "kill" else "done"), report.reason
        if act == "undo":
            await person.undo(pid, "S1")
            assert (await person.see_through(pid)).status == "done"
        elif act == "fork":
            events = len(await person.system.log(pid))
            forks = [await person.fork(pid, program, at) for at in (events // 2, events)]
            for forked in forks:
                assert (await person.see_through(forked)).status == "done"
        log = await person.system.log(pid)
        follower.wanted = len(log)
    assert follower.seen == log


async def terminal(house: Home, *words: str) -> str:
    """A command of its own process; give what it printed."""
    with anyio.fail_after(120):
        done = await anyio.run_process(
            [*TERMINAL, *words], env=house.environ(), check=False, stdin=None, stdout=PIPE, stderr=PIPE
        )
    assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout.decode()


async def act_in_a_terminal(house: Home, followed: Program, watched: Program) -> None:
    """One terminal follows a process from its beginning while this one acts on another, which waits to be asked."""
    first = json.loads(
        await terminal(
            house, "run", followed.goal, "-m", house.model, "-f", str(house.source), "--yes", "--detach", "--json"
        )
    )["pid"]
    second = json.loads(
        await terminal(
            house, "run", watched.goal, "-m", house.model, "-f", str(house.source), "--yes", "--detach", "--json"
        )
    )["pid"]
    person = Person(house)
    printed: list[Any] = []

    async def follow() -> None:
        while not printed or printed[-1]["event"]["type"] != "process.exited":
            lines = await terminal(house, "log", str(first), "--follow", "--json", "--after", str(len(printed)))
            printed.extend(json.loads(line) for line in lines.splitlines())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        await terminal(house, "renice", str(second), "5")
        listed = json.loads(await terminal(house, "ps", "--all", "--json"))
        assert {first, second} <= {row["pid"] for row in listed}
        await person.see_through(second)
        await terminal(house, "undo", str(second), "--to", "S0")
        await terminal(house, "resume", str(second))
        await person.see_through(second)
        await person.see_through(first)
    assert [entry["seq"] for entry in printed] == list(range(1, len(printed) + 1))
    told = (await terminal(house, "log", str(first), "--json")).splitlines()
    assert [json.loads(line) for line in told] == printed


async def test_ten_clients_and_two_terminals_see_one_home_and_lose_nothing(tmp_path: Path) -> None:
    programs = [Program(f"客{i}", STEPS) for i in range(len(ACTS))]
    programs[-1] = Program("客9", (("shell:a", "spawn:k"), ("shell:g",)), {"k": Program("客9k", STEPS)})
    typed = [Program("终1", STEPS), Program("终2", (("ask:a", "book:b"), ("shell:c",)))]
    killed = [program for program, act in zip(programs, ACTS, strict=True) if act == "kill"]
    async with home(tmp_path, os.environ) as house:
        async with house.daemon() as daemon:
            with anyio.fail_after(200):
                over = anyio.Event()
                async with anyio.create_task_group() as others:
                    others.start_soon(Person(house).look_after_children, over)
                    for seed in range(2):
                        others.start_soon(meddle, house, seed, killed, over)
                    async with anyio.create_task_group() as clients:
                        for program, act in zip(programs, ACTS, strict=True):
                            clients.start_soon(client, house, program, act)
                        clients.start_soon(act_in_a_terminal, house, *typed)
                    over.set()
                views = [await RemoteSystem(house.path).processes(live_only=False) for _ in range(3)]
                assert views[0] == views[1] == views[2]
                assert {row.status for row in views[0]} == {"done", "killed"}
            assert daemon.status is None
        faults = await audit(house, [p for p in [*programs, *typed] if p not in killed], killed=killed)
    assert faults == []
