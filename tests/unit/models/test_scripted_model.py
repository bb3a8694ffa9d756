"""The scripted model keeps the contract of a driver."""

import anyio
import pytest

from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, Message, ModelRequest
from glmos.testing.models import ScriptedModel, ScriptExhausted, call, calls, fail, pause, say

pytestmark = pytest.mark.anyio


def ask(text: str) -> ModelRequest:
    return ModelRequest(messages=(Message("user", text),))


async def test_replies_come_in_order_with_unique_ids_usage_and_deltas():
    model = ScriptedModel([call("read", path="表"), calls(("a", {}), ("b", "{broken")), say("done")], usd_per_million=2)
    seen: list[Delta] = []
    first, second, third = [await model.complete(ask(t), seen.append) for t in "xyz"]
    assert first.calls[0].arguments == '{"path": "表"}'
    assert second.calls[1].arguments == "{broken"
    assert len({c.id for r in (first, second) for c in r.calls}) == 3
    assert (first.finish, third.finish) == ("calls", "stop")
    assert third.usage.model_calls == 1
    assert third.usage.usd > 0
    assert model.traits.priced
    assert seen == [Delta(call="read"), Delta(call="a"), Delta(call="b"), Delta(content="done")]
    assert [r.messages[0].content for r in model.requests] == ["x", "y", "z"]


async def test_a_function_may_answer_even_asynchronously():
    async def answer(request: ModelRequest):
        await anyio.lowlevel.checkpoint()
        return say(request.messages[-1].content.upper())

    assert (await ScriptedModel(answer).complete(ask("a"))).content == "A"
    assert (await ScriptedModel(lambda r: say("b")).complete(ask("a"))).content == "b"


async def test_failures_are_model_errors():
    with pytest.raises(ModelError) as caught:
        await ScriptedModel([fail("rate_limited", retryable=True, retry_after=3)]).complete(ask("a"))
    assert (caught.value.kind, caught.value.retryable, caught.value.retry_after) == ("rate_limited", True, 3)


async def test_a_script_that_is_too_short_says_which_request_was_too_many():
    with pytest.raises(ScriptExhausted, match="no reply for request 1"):
        await ScriptedModel([]).complete(ask("a"))


async def test_a_call_can_be_held_and_cancelled():
    gate, reached = anyio.Event(), anyio.Event()
    model = ScriptedModel([pause(gate, reached), say("late"), pause(gate), say("never")])
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(model.complete, ask("a"))
            await reached.wait()
            assert model.running == 1
            gate.set()
        assert model.running == 0
        model = ScriptedModel([pause(anyio.Event(), reached := anyio.Event()), say("never")])
        async with anyio.create_task_group() as group:
            group.start_soon(model.complete, ask("a"))
            await reached.wait()
            group.cancel_scope.cancel()
    assert (model.cancelled, model.running, model.most_running) == (1, 0, 1)
