"""A clock that is set while the system runs, or between two starts: limits, waits and the order of a log keep to the time
that really passes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.boot.clocks import SteadyClock, WallClock
from glmos.journal.pulse import EVERY, Pulse
from glmos.journal.stores.ram import RamStore
from glmos.testing.models import ScriptedModel, call, pause
from glmos.testing.world import World, world
from tests.scenarios.notebook import Echo

pytestmark = pytest.mark.anyio

DAY = 86_400.0
START = 1_795_420_000.0


class Wall:
    """A wall that a test sets, beside time that passes as the test says."""

    def __init__(self, wall: float = START) -> None:
        self.wall = wall
        self.passed = 0.0

    def now(self) -> float:
        return self.wall + self.passed

    def monotonic(self) -> float:
        return self.passed


class SetBack:
    """The real time, and a wall that is off by so much."""

    def __init__(self, off: float = 0.0) -> None:
        self.off = off

    def now(self) -> float:
        return time.time() + self.off

    def monotonic(self) -> float:
        return time.monotonic()


def test_a_steady_clock_follows_what_passes_and_not_what_is_set() -> None:
    wall = Wall()
    clock = SteadyClock(wall)
    assert (clock.now(), clock.monotonic()) == (START, 0.0)
    wall.passed = 7.0
    for off in (-3 * DAY, 3 * DAY):
        wall.wall = START + off
        assert clock.now() == START + 7.0
    assert SteadyClock(wall).now() == START + 3 * DAY + 7.0, "the next start reads the wall again"


def test_the_machines_clock_does_not_stop_and_does_not_jump() -> None:
    wall = WallClock()
    clock = SteadyClock(wall)
    assert abs(clock.now() - time.time()) < 60
    first, second = clock.now(), clock.now()
    assert second >= first
    assert wall.monotonic() >= wall.monotonic() - 1


# -- while it runs ----------------------------------------------------------------------------------------------------


async def jumped(folder: Path, jump: Callable[[Wall], None], limits: Limits) -> tuple[Any, list[e.Entry]]:
    """A process during whose first model call the clock is changed; its report and its log."""
    wall, gate, reached = Wall(), anyio.Event(), anyio.Event()
    claim = [{"claim": "heard", "call": "c1", "quote": "heard: 好"}]
    script = [pause(gate, reached), call("echo", text="好"), call("finish", result="好", claims=claim)]
    async with world(folder, script, tools=[Echo()], clock=SteadyClock(wall)) as w:
        pid = await w.system.start(RunRequest("say 好", limits=limits))
        with anyio.fail_after(20):
            await reached.wait()
            jump(wall)
            gate.set()
            report = await w.system.wait(pid)
        return report, await w.system.log(pid)


def in_order(log: list[e.Entry]) -> bool:
    return [x.at for x in log] == sorted(x.at for x in log)


@pytest.mark.parametrize("off", [-30 * DAY, -1.0, 1.0, 30 * DAY])
async def test_a_clock_that_is_set_uses_up_no_time_and_gives_none_back(tmp_path: Path, off: float) -> None:
    def jump(wall: Wall) -> None:
        wall.wall += off
        wall.passed += 5.0

    report, log = await jumped(tmp_path, jump, Limits(seconds=60))
    assert report.status == "done"
    assert 5.0 <= report.seconds < 6.0
    assert in_order(log)


@pytest.mark.parametrize("off", [-30 * DAY, 0.0])
async def test_a_limit_on_time_holds_under_a_clock_that_is_set_back(tmp_path: Path, off: float) -> None:
    def jump(wall: Wall) -> None:
        wall.wall += off
        wall.passed += 61.0

    report, _ = await jumped(tmp_path, jump, Limits(seconds=60))
    assert report.status == "refused"
    assert "60 seconds" in report.reason


@pytest.mark.parametrize("off", [-30 * DAY, 30 * DAY])
async def test_a_wait_lasts_as_long_as_it_was_asked_for(tmp_path: Path, off: float) -> None:
    clock = SetBack()
    script = [call("wait", seconds=0.5), call("give_up", reason="awake")]
    async with world(tmp_path, script, clock=SteadyClock(clock)) as w:
        begun = time.monotonic()
        pid = await w.system.start(RunRequest("wait a little"))
        with anyio.fail_after(20):
            await waiting(w, pid)
            clock.off = off
            assert (await w.system.wait(pid)).reason == "awake"
        assert time.monotonic() - begun >= 0.5, "it was not cut short"


async def waiting(w: World, pid: int) -> None:
    async with w.system.follow(pid) as items:
        async for item in items:
            if isinstance(item, e.Entry) and isinstance(item.event, e.WaitStarted):
                return


# -- between two starts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [-30 * DAY, 30 * DAY])
async def test_a_wait_goes_on_after_a_start_under_another_clock(tmp_path: Path, off: float) -> None:
    store = RamStore()
    async with world(tmp_path, [call("wait", seconds=1.0)], clock=SteadyClock(SetBack()), store=store) as w:
        pid = await w.system.start(RunRequest("wait a little"))
        with anyio.fail_after(20):
            await waiting(w, pid)
    async with world(
        tmp_path, [call("give_up", reason="awake")], clock=SteadyClock(SetBack(off)), store=store.reopen()
    ) as w:
        with anyio.fail_after(20):
            assert (await w.system.wait(pid)).reason == "awake"
        assert in_order(await w.system.log(pid))


async def test_running_time_is_counted_after_a_start_under_a_clock_that_was_set_back(tmp_path: Path) -> None:
    store, gate, reached = RamStore(), anyio.Event(), anyio.Event()
    async with world(tmp_path, [pause(gate, reached)], clock=SteadyClock(Wall()), store=store) as w:
        pid = await w.system.start(RunRequest("say 好", limits=Limits(seconds=60)))
        with anyio.fail_after(20):
            await reached.wait()
    wall, reached = Wall(START - 30 * DAY), anyio.Event()
    script = [pause(gate, reached), call("echo", text="好"), call("give_up", reason="no")]
    async with world(tmp_path, script, tools=[Echo()], clock=SteadyClock(wall), store=store.reopen()) as w:
        with anyio.fail_after(20):
            await reached.wait()
            wall.passed = 61.0
            gate.set()
            report = await w.system.wait(pid)
        log = await w.system.log(pid)
    assert report.status == "refused"
    assert "60 seconds" in report.reason
    assert report.seconds >= 61.0, "thirty days must pass before the old clock is reached again"
    assert in_order(log)


class Late:
    """A store in which one log cannot be read before `now`."""

    def __init__(self, store: RamStore, pid: int) -> None:
        self._store, self._pid, self.now = store, pid, anyio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, pid: int, **which: Any) -> list[e.Entry]:
        if pid == self._pid:
            await self.now.wait()
        return await self._store.read(pid, **which)


async def test_time_while_the_machine_was_down_is_not_counted_for_a_family_however_the_clock_was_set(
    tmp_path: Path,
) -> None:
    def parent(request: ModelRequest) -> ModelReply:
        last = request.messages[-1].content
        if "ended" in last:
            return call("give_up", reason="the child has ended")
        return call("wait") if "was started" in last else call("spawn", goal="小孩")

    async def before(request: ModelRequest) -> ModelReply:
        if "小孩" in request.messages[1].content:
            under_way.set()
            await anyio.sleep_forever()
        return parent(request)

    def after(request: ModelRequest) -> ModelReply:
        return call("give_up", reason="小") if "小孩" in request.messages[1].content else parent(request)

    store, under_way = RamStore(), anyio.Event()
    async with world(tmp_path, ScriptedModel(before), clock=SteadyClock(Wall()), store=store) as w:
        pid = await w.system.start(RunRequest("parent", limits=Limits(seconds=60)))
        with anyio.fail_after(20):
            await waiting(w, pid)
            await under_way.wait()
    (child,) = (row.pid for row in await store.tree(pid) if row.parent == pid)
    late, clock = Late(store.reopen(), pid), SteadyClock(Wall(START + 30 * DAY))
    async with world(tmp_path, ScriptedModel(after), clock=clock, store=cast("Any", late), stopped_at=START + 5) as w:
        with anyio.fail_after(20):
            below = await w.system.wait(child)
            late.now.set()
            report = await w.system.wait(pid)
    assert below.reason == "小"
    assert report.reason == "the child has ended"
    assert report.seconds < 6


async def test_the_pulse_of_a_home_keeps_the_time_of_its_logs(tmp_path: Path) -> None:
    wall = Wall()
    clock = SteadyClock(wall)
    wall.wall += 30 * DAY
    wall.passed += 100.0
    async with Pulse(tmp_path, clock.now).beating():
        await anyio.lowlevel.checkpoint()
    assert Pulse(tmp_path).last == START + 100.0 + EVERY, "else thirty days would count as running time"
