"""The event loop of the simulation: no time passes while anything can happen, and chance is drawn from a seed."""

from random import Random

import anyio
import anyio.lowlevel
import pytest

from glmos.testing.simulation.loop import NothingToDo, Spinning, VirtualLoop


async def racing() -> list[int]:
    order: list[int] = []

    async def run(number: int) -> None:
        for _ in range(3):
            await anyio.lowlevel.checkpoint()
            order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(run, number)
    return order


def test_an_hour_passes_at_once() -> None:
    async def hour() -> float:
        begun = anyio.current_time()
        with anyio.move_on_after(3600):
            await anyio.sleep_forever()
        return anyio.current_time() - begun

    assert VirtualLoop().run(hour()) == 3600


def test_the_order_of_ready_tasks_is_drawn_from_the_seed() -> None:
    orders = {tuple(VirtualLoop(Random(seed)).run(racing())) for seed in range(20)}
    assert len(orders) > 10
    assert VirtualLoop(Random(1)).run(racing()) == VirtualLoop(Random(1)).run(racing())
    assert VirtualLoop().run(racing())[:5] == [0, 1, 2, 3, 4]


def test_a_deadlock_is_an_error_and_not_a_hang() -> None:
    async def never() -> None:
        await anyio.Event().wait()

    with pytest.raises(NothingToDo):
        VirtualLoop().run(never())


def test_a_livelock_is_an_error_and_not_a_hang() -> None:
    async def spins() -> None:
        while True:
            await anyio.lowlevel.checkpoint()

    with pytest.raises(Spinning, match=r"at 0\.000"):
        VirtualLoop().run(spins())


def test_whoever_is_asked_before_time_passes_may_bring_something() -> None:
    async def main(loop: VirtualLoop) -> float:
        bell = anyio.Event()
        asked: list[float | None] = []

        def idle(until: float | None) -> bool:
            asked.append(until)
            bell.set()
            return len(asked) == 1

        loop.on_idle = idle
        with anyio.fail_after(100):
            await bell.wait()
        assert asked == [100.0]
        return anyio.current_time()

    loop = VirtualLoop()
    assert loop.run(main(loop)) == 0.0
