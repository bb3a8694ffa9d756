"""Limits on one endpoint, on a clock that a test turns."""

import anyio
import pytest

from glmos.models.limits import Limiter, RateLimits

pytestmark = pytest.mark.anyio


class Hand:
    """A clock that a pause moves on."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.time += seconds
        await anyio.lowlevel.checkpoint()

    def limiter(self, **limits: float) -> Limiter:
        return Limiter(RateLimits(**limits), clock=self.now, pause=self.pause)


async def test_without_limits_nothing_waits():
    hand = Hand()
    limiter = hand.limiter()
    for _ in range(1000):
        async with limiter.slot(1e9):
            pass
    assert hand.time == 0


async def test_requests_a_minute_are_spread_after_the_first_minutes_worth():
    hand = Hand()
    limiter = hand.limiter(requests_per_minute=60)
    times = []
    for _ in range(63):
        async with limiter.slot():
            times.append(hand.time)
    assert times[59] == 0
    assert times[60:] == pytest.approx([1, 2, 3])


async def test_tokens_are_taken_by_estimate_and_settled():
    hand = Hand()
    limiter = hand.limiter(tokens_per_minute=6000)
    async with limiter.slot(6000) as slot:
        slot.settle(1000)
    assert limiter.wait_seconds(5000) == 0
    async with limiter.slot(5000) as slot:
        slot.settle(6000)
    assert limiter.wait_seconds(1000) == pytest.approx(20), "a thousand of debt and a thousand more"


async def test_a_call_larger_than_the_bucket_waits_for_a_full_one_and_goes():
    hand = Hand()
    limiter = hand.limiter(tokens_per_minute=600)
    async with limiter.slot(300):
        pass
    async with limiter.slot(5000):
        assert hand.time == pytest.approx(30)


async def test_no_more_run_at_once_than_allowed_and_all_get_their_turn_in_order():
    limiter = Hand().limiter(concurrency=2)
    most, order = 0, []
    gate = anyio.Event()

    async def call(number: int) -> None:
        nonlocal most
        async with limiter.slot():
            order.append(number)
            most = max(most, limiter.running)
            await gate.wait()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(call, number)
            await anyio.wait_all_tasks_blocked()
            assert limiter.running == 2
            gate.set()
    assert (most, order) == (2, list(range(6)))


async def test_cancelling_a_waiting_call_gives_its_place_back():
    limiter = Hand().limiter(concurrency=1)
    with anyio.fail_after(5):
        async with limiter.slot(), anyio.create_task_group() as group:
            group.start_soon(limiter.slot().__aenter__)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        async with limiter.slot():
            assert limiter.running == 1
    assert limiter.running == 0
