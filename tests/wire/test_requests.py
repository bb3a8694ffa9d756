"""What is really sent, profile by profile. A recording would keep passing after the code stopped sending a field."""

import json

import anyio
import pytest

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.messages import FunctionCall, Message, ModelRequest, ToolSchema

pytestmark = pytest.mark.anyio

WEATHER = ToolSchema("get_weather", "查询城市天气", {"type": "object", "properties": {"city": {"type": "string"}}})


def history(**answer) -> list[Message]:
    """A tool loop with two parallel calls, after which the model is asked to go on."""
    calls = (
        FunctionCall("c1", "get_weather", '{"city": "东京"}'),
        FunctionCall("c2", "get_weather", '{"city":"大阪"}'),
    )
    return [
        Message("system", "You are GLM-OS."),
        Message("user", "W?"),
        Message("assistant", "let me see", calls=calls, **answer),
        Message("tool", "rain", call_id="c2"),
        Message("tool", "晴", call_id="c1"),
    ]


@pytest.fixture
def sent(bench, wire, ask):
    async def send(model, at, *messages, **fields):
        options = {k: fields.pop(k) for k in ("overrides",) if k in fields}
        if at == "anthropic":
            body = {"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"}
            bench.server.answer(wire.refusal(200, body))
        else:
            bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop")))
        with anyio.fail_after(5):
            await bench.driver(model, at, **options).complete(ask(*messages, **fields))
        received = bench.server.received[-1]
        assert received.body == bench.sent[-1].body, "the hook sees what is sent"
        return received

    return send


async def test_a_plain_request_is_exactly_this(sent):
    received = await sent(
        "m", "compatible", Message("system", "S"), Message("user", "你好"), temperature=0.2, session="s"
    )
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer zk-secret-0123456789abcdef"
    assert received.body == {
        "model": "m",
        "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "你好"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 4096,
        "temperature": 0.2,
    }


async def test_calls_and_their_results_keep_their_order_and_ids(sent):
    body = (await sent("m", "compatible", *history(), tools=(WEATHER,))).body
    assert body["messages"][2:] == [
        {
            "role": "assistant",
            "content": "let me see",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "东京"}'}},
                {"id": "c2", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"大阪"}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "rain"},
        {"role": "tool", "tool_call_id": "c1", "content": "晴"},
    ]
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "get_weather", "description": "查询城市天气", "parameters": WEATHER.parameters},
        }
    ]
    assert "tool_choice" not in body


@pytest.mark.parametrize("model", ["glm-4.7", "glm-5", "glm-5.1", "glm-5.2", "glm-5.3", "GLM-5.3-Flash"])
async def test_glm_keeps_its_thinking_and_gets_it_back_unmodified(sent, model):
    body = (await sent(model, "zai", *history(reasoning="  想\n\n"), tools=(WEATHER,))).body
    assert body["thinking"] == {"type": "enabled", "clear_thinking": False}
    assert body["tool_stream"] is True
    assert body["messages"][2]["reasoning_content"] == "  想\n\n"
    assert body["messages"][2]["content"] == "let me see"


async def test_glm_4_5_thinks_without_the_later_parameters(sent):
    body = (await sent("glm-4.5-air", "zai", *history(reasoning="r"), tools=(WEATHER,))).body
    assert body["thinking"] == {"type": "enabled"}
    assert "tool_stream" not in body
    assert body["messages"][2]["reasoning_content"] == "r"


async def test_bigmodel_is_spoken_to_like_zai(sent):
    body = (await sent("glm-5.3", "bigmodel", "hi")).body
    assert body["thinking"] == {"type": "enabled", "clear_thinking": False}
    assert "tool_stream" not in body, "only with tools"


@pytest.mark.parametrize(("asked", "sent_as"), [(0.0, 0.01), (1.7, 1.0), (0.5, 0.5)])
async def test_zai_temperatures_stay_in_its_range(sent, asked, sent_as):
    assert (await sent("glm-5.3", "zai", "hi", temperature=asked)).body["temperature"] == sent_as


async def test_reasoning_effort_is_a_matter_of_configuration(sent):
    body = (await sent("glm-5.3", "zai", "hi", overrides={"body": {"reasoning_effort": "low"}})).body
    assert body["reasoning_effort"] == "low"
    assert body["thinking"] == {"type": "enabled", "clear_thinking": False}


@pytest.mark.parametrize(
    ("request_", "words"),
    [(ModelRequest((Message("user", "颜色?", images=(b"png",)),)), "Images cannot be sent to 'zai' yet"),
     (ModelRequest((Message("user", "是?"),), grammar='root ::= "是"'), "A grammar cannot be set for 'zai' yet"),
     (ModelRequest((Message("user", "是?"),), schema={"type": "object"}), "A grammar cannot be set for 'zai' yet")],
)  # fmt: skip
async def test_what_is_not_promised_is_refused_before_it_is_sent(bench, request_, words):
    with pytest.raises(ModelError, match=words) as caught:
        await bench.driver("glm-5.3", "zai").complete(request_)
    assert (caught.value.kind, caught.value.usage, bench.server.received) == ("bad_request", Usage(), [])


@pytest.mark.parametrize("at", ["vllm", "sglang"])
async def test_glm_weights_on_a_local_server_keep_their_thinking_through_the_template(sent, at):
    body = (await sent("zai-org/GLM-4.7", at, *history(reasoning="r"), tools=(WEATHER,), require_call=True)).body
    assert body["chat_template_kwargs"] == {"clear_thinking": False}
    assert "thinking" not in body
    assert body["tool_choice"] == "required"


async def test_reasoning_goes_back_in_the_field_it_came_in(bench, wire, ask):
    good = wire.sse(wire.chunk(reasoning="r"), wire.chunk(content="x", finish="stop"))
    bench.server.answer(good, good)
    driver = bench.driver("glm-4.7", "sglang")
    reply = await driver.complete(ask("hi"))
    turn = Message("assistant", reply.content, reasoning=reply.reasoning, extra=reply.extra)
    await driver.complete(ask("hi", turn, "more"))
    assert bench.server.received[1].body["messages"][1] == {"role": "assistant", "content": "x", "reasoning": "r"}


async def test_the_next_prompt_begins_with_the_bytes_of_the_one_before(bench, wire, ask):
    good = wire.sse(wire.chunk(reasoning_content="r", odd="kept"), wire.chunk(content="x", finish="stop"))
    bench.server.answer(good, good)
    driver = bench.driver("glm-4.7", "zai")
    reply = await driver.complete(ask("hi"))
    turn = Message("assistant", reply.content, reasoning=reply.reasoning, extra=reply.extra)
    await driver.complete(ask("hi", turn, "more"))
    first, second = (json.dumps(r.body["messages"], ensure_ascii=False) for r in bench.server.received)
    assert second.startswith(first.removesuffix("]"))
    assert bench.server.received[1].body["messages"][1]["odd"] == "kept"
    assert "glmos" not in second, "our own notes stay here"


async def test_deepseek_gets_the_reasoning_of_turns_with_calls_even_when_it_is_empty(sent):
    body = (
        await sent("deepseek-v4-pro", "deepseek", *history(), Message("assistant", "done", reasoning="r"), "more")
    ).body
    assert body["messages"][2]["reasoning_content"] == ""
    assert "reasoning_content" not in body["messages"][5]


async def test_gpt_reasoning_models_get_no_temperature_and_their_own_name_for_the_limit(sent):
    received = await sent("gpt-5.1", "openai", "hi", temperature=0.5, session="p7", tools=(WEATHER,), require_call=True)
    assert "temperature" not in received.body
    assert "max_tokens" not in received.body
    assert received.body["max_completion_tokens"] == 4096
    assert received.body["prompt_cache_key"] == "p7"
    assert received.body["tool_choice"] == "required"


async def test_qwen_gets_late_system_messages_as_user_turns(sent):
    body = (await sent("qwen3-max", "qwen", Message("system", "S"), "hi", Message("system", "note"), "go")).body
    assert [m["role"] for m in body["messages"]] == ["system", "user", "user", "user"]


async def test_no_key_no_header(bench, wire, ask):
    bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop")))
    await bench.driver("qwen3:8b", "ollama", key="").complete(ask("hi"))
    assert "authorization" not in bench.server.received[0].headers


async def test_the_reply_is_limited_to_what_the_model_can_write(sent):
    assert (await sent("glm-4-9b", "vllm", "hi", max_tokens=100_000)).body["max_tokens"] == 4096


async def test_arguments_that_are_no_object_are_wrapped_and_names_made_acceptable(sent):
    calls = (FunctionCall("a", "not a name!", '{"path": "x'), FunctionCall("b", "", ""), FunctionCall("c", "f", "[1]"))
    body = (await sent("m", "compatible", "hi", Message("assistant", calls=calls))).body
    functions = [c["function"] for c in body["messages"][1]["tool_calls"]]
    assert [f["name"] for f in functions] == ["not_a_name_", "unknown", "f"]
    assert [json.loads(f["arguments"]) for f in functions] == [
        {"malformed_arguments": '{"path": "x'},
        {},
        {"malformed_arguments": "[1]"},
    ]


async def test_private_fields_of_another_provider_are_not_sent_to_this_one(sent):
    foreign = {"glmos": {"from": "anthropic/anthropic"}, "blocks": [{"type": "thinking"}], "signature": "s"}
    body = (await sent("glm-5.3", "zai", "hi", Message("assistant", "x", reasoning="r", extra=foreign), "go")).body
    assert body["messages"][1] == {"role": "assistant", "content": "x"}


async def test_price_and_usage_make_dollars(bench, wire, ask):
    from glmos.models.prices import Price

    usage = {
        "prompt_tokens": 1_000_000,
        "completion_tokens": 100_000,
        "prompt_tokens_details": {"cached_tokens": 400_000},
    }
    bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop", usage=usage)))
    driver = bench.driver(price=Price(input=1.0, cached=0.1, output=10.0))
    reply = await driver.complete(ask("hi"))
    assert reply.usage.usd == pytest.approx(0.6 + 0.04 + 1.0)
    assert driver.price(1_000_000, 0, 100_000) >= reply.usage.usd
    assert driver.traits.priced


@pytest.mark.parametrize("count", [10**15, 10**400, 1e300, -5, "many", None, [7]])
async def test_a_provider_that_counts_nonsense_does_not_make_later_calls_unaffordable(bench, wire, ask, count):
    usage = {"prompt_tokens": count, "completion_tokens": count, "prompt_tokens_details": {"cached_tokens": count}}
    bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop", usage=usage)))
    driver = bench.driver()
    before = driver.estimate(ask("hi"))
    reply = await driver.complete(ask("hi"))
    assert (reply.usage.prompt_tokens, reply.extra["glmos"]["usage_estimated"]) == (before, True)
    assert driver.estimate(ask("hi")) == before


async def test_an_estimate_that_was_too_low_is_raised_for_the_next_call(bench, wire, ask):
    usage = {"prompt_tokens": 5000, "completion_tokens": 1}
    bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop", usage=usage)))
    driver = bench.driver()
    before = driver.estimate(ask("hi"))
    await driver.complete(ask("hi"))
    assert before < 5000 <= driver.estimate(ask("hi"))
