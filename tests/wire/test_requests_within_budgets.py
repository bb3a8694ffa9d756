"""No request goes out that the budget did not allow, whoever makes it: retries, fallbacks, cut streams, adaptation."""

from typing import Any

import pytest

from glmos.abi.budgets import Limits, Usage
from glmos.abi.errors import ModelError
from glmos.abi.events import ModelRetried
from glmos.models.fallback import FallbackDriver
from glmos.models.prices import Price
from glmos.models.recording import RecordingDriver
from glmos.models.retry import RetryPolicy
from glmos.testing.models import ScriptedModel, fail, say
from glmos.testing.world import world

pytestmark = pytest.mark.anyio

PRICE = Price(input=1.0, output=2.0)


class Purse:
    """Implements `ports.Again`: allows so many further requests and keeps what it was told."""

    def __init__(self, more: int) -> None:
        self.more = more
        self.told: list[Usage] = []

    async def again(self, spent: Usage) -> bool:
        self.told.append(spent)
        self.more -= 1
        return self.more >= 0


@pytest.mark.parametrize("more", [0, 1, 3])
async def test_a_retry_is_made_only_when_it_is_allowed(bench, wire, ask, more):
    bench.server.answer(*[wire.refusal(503, {"error": "busy"}) for _ in range(9)])
    purse = Purse(more)
    with pytest.raises(ModelError) as caught:
        await bench.driver().complete_within(ask("hi"), None, purse.again)
    assert len(bench.server.received) == more + 1
    assert caught.value.usage == Usage(model_calls=more + 1), "an error is an answer without tokens"


async def test_what_nobody_answered_may_have_been_billed(bench, wire, ask):
    bench.server.answer(wire.Act(end="drop"), wire.Act(end="drop"))
    request, purse = ask("hi"), Purse(1)
    driver = bench.driver(price=PRICE)
    with pytest.raises(ModelError) as caught:
        await driver.complete_within(request, None, purse.again)
    worst = Usage(driver.price(driver.estimate(request), 0, request.max_tokens), driver.estimate(request), 0,
                  request.max_tokens, 0.0, 1)  # fmt: skip
    assert purse.told == [worst, worst + worst]
    assert caught.value.usage == worst + worst


async def test_a_server_that_is_not_there_costs_nothing(bench, ask):
    purse = Purse(9)
    with pytest.raises(ModelError) as caught:
        await bench.driver(base_url="http://127.0.0.1:1/v1").complete_within(ask("hi"), None, purse.again)
    assert caught.value.usage == Usage()
    assert set(purse.told) == {Usage()}


async def test_a_stream_that_broke_off_counts_as_if_it_had_run_to_its_end(bench, wire, ask):
    half = wire.sse(
        wire.chunk(content="half", usage={"prompt_tokens": 9, "completion_tokens": 2}), done=False, end="close"
    )
    bench.server.answer(half, half)
    request = ask("hi")
    driver = bench.driver(retry=RetryPolicy(cut_tries=1))
    reply = await driver.complete(request)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (9, request.max_tokens)
    purse = Purse(0)
    reply = await bench.driver().complete_within(request, None, purse.again)
    assert (reply.content, reply.finish, len(bench.server.received)) == ("half", "cut", 2)


async def test_a_parameter_that_is_refused_costs_a_request(bench, wire, ask):
    refused = {"error": {"message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens"}}
    bench.server.answer(wire.refusal(400, refused), wire.sse(wire.chunk(content="x", finish="stop")))
    with pytest.raises(ModelError):
        await bench.driver().complete_within(ask("hi"), None, Purse(0).again)
    assert len(bench.server.received) == 1


@pytest.mark.parametrize("more", [0, 1, 2])
async def test_a_fallback_is_asked_only_when_it_is_allowed(ask, more):
    drivers = [
        ScriptedModel([fail("overloaded")]),
        ScriptedModel([fail("unreachable", usage=None)]),
        ScriptedModel([say("ja")]),
    ]
    route, request, purse = FallbackDriver(drivers), ask("hi"), Purse(more)
    asked = route.complete_within(request, None, purse.again)
    if more < 2:
        with pytest.raises(ModelError) as caught:
            await asked
        usage = caught.value.usage
    else:
        usage = (await asked).usage
    assert [len(d.requests) for d in drivers] == [1, int(more > 0), int(more > 1)]
    assert usage is not None and usage.model_calls == more + 1
    if more > 0:
        assert usage.completion_tokens >= request.max_tokens, "of the second nobody knows the bill"


async def test_retries_inside_a_fallback_and_a_recording_count_too(bench, wire, ask, tmp_path):
    bench.server.answer(*[wire.refusal(500, {"error": "no"}) for _ in range(20)])
    route = FallbackDriver([RecordingDriver(bench.driver(), tmp_path / "a.jsonl"), bench.driver()])
    purse = Purse(6)
    with pytest.raises(ModelError) as caught:
        await route.complete_within(ask("hi"), None, purse.again)
    assert len(bench.server.received) == 7
    assert caught.value.usage == Usage(model_calls=7)
    assert [u.model_calls for u in purse.told] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("limits", [Limits(model_calls=3), Limits(tokens=13_000), Limits(usd=0.013)], ids=str)
async def test_a_process_makes_no_request_beyond_its_limit(bench, wire, tmp_path, limits: Limits):
    """The server counts. Each request that is dropped may be billed in full."""
    bench.server.answer(*[wire.Act(end="drop") for _ in range(20)])
    driver = bench.driver(price=PRICE, retry=RetryPolicy(tries=20))
    billed: list[Usage] = []

    def bill(sent: Any) -> None:
        prompt, reply = 2_000, sent.body["max_tokens"]
        billed.append(Usage(PRICE.of(prompt, 0, reply), prompt, 0, reply, 0.0, 1))

    driver._on_request = bill
    async with world(tmp_path, driver) as w:
        report = await w.system.run("get on with it", limits=limits)
        log = await w.system.log(report.pid)
    total = sum(billed, Usage())
    assert report.status == "refused" and "another request of a call of test" in report.reason
    assert len(bench.server.received) == len(billed) == report.cost.model_calls
    assert len(billed) == 1 + len([x for x in log if isinstance(x.event, ModelRetried)])
    for name in ("model_calls", "tokens", "usd"):
        allowed = getattr(limits, name)
        assert allowed is None or getattr(total, name) <= allowed
