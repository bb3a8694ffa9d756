"""Anthropic's protocol: what is sent, how the stream is read."""

import anyio
import pytest

from glmos.abi.errors import ModelError
from glmos.abi.messages import FunctionCall, Message, ToolSchema
from glmos.models.prices import Price

pytestmark = pytest.mark.anyio
READ = ToolSchema("read", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
CACHE = {"type": "ephemeral"}


def stream(wire, *events, **act):
    lines = [f"event: {e['type']}\ndata: {__import__('json').dumps(e, ensure_ascii=False)}" for e in events]
    return wire.sse(*lines, done=False, **act)


def begin(**usage):
    return {"type": "message_start", "message": {"model": "claude-served", "usage": {"input_tokens": 10, **usage}}}


def block(index, **content):
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index, **content):
    return {"type": "content_block_delta", "index": index, "delta": content}


def end(reason, **usage):
    return [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 20, **usage}},
        {"type": "message_stop"},
    ]


def thinking_turn(wire):
    return stream(
        wire,
        begin(cache_read_input_tokens=100, cache_creation_input_tokens=50),
        {"type": "ping"},
        block(0, type="thinking", thinking=""),
        delta(0, type="thinking_delta", thinking="先看"),
        delta(0, type="signature_delta", signature="sig=="),
        block(1, type="redacted_thinking", data="xyz"),
        block(2, type="text", text=""),
        delta(2, type="text_delta", text="Let me look."),
        block(3, type="tool_use", id="toolu_1", name="read", input={}),
        delta(3, type="input_json_delta", partial_json='{"path": '),
        delta(3, type="input_json_delta", partial_json='"表.csv"}'),
        block(4, type="tool_use", id="toolu_2", name="read", input={}),
        {"type": "content_block_stop", "index": 4},
        *end("tool_use"),
    )


async def test_a_turn_with_thinking_and_calls_is_read(bench, wire, ask):
    bench.server.answer(thinking_turn(wire))
    price = Price(input=3.0, cached=0.3, cache_write=3.75, output=15.0)
    driver = bench.driver("claude-sonnet-4-5", "anthropic", price=price)
    with anyio.fail_after(5):
        reply = await driver.complete(ask("hi", tools=(READ,)))
    assert (reply.content, reply.reasoning, reply.finish) == ("Let me look.", "先看", "calls")
    assert reply.calls == (FunctionCall("toolu_1", "read", '{"path": "表.csv"}'), FunctionCall("toolu_2", "read", ""))
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.completion_tokens) == (160, 100, 20)
    assert reply.usage.usd == pytest.approx((10 * 3 + 100 * 0.3 + 50 * 3.75 + 20 * 15) / 1e6)
    assert driver.price(160, 0, 20) >= reply.usage.usd
    assert reply.model == "claude-served"


async def test_signed_thinking_goes_back_block_by_block(bench, wire, ask):
    bench.server.answer(
        thinking_turn(wire), stream(wire, begin(), block(0, type="text", text="done"), *end("end_turn"))
    )
    driver = bench.driver("claude-sonnet-4-5", "anthropic")
    with anyio.fail_after(5):
        reply = await driver.complete(ask("hi", tools=(READ,)))
        turn = Message("assistant", reply.content, calls=reply.calls, reasoning=reply.reasoning, extra=reply.extra)
        results = [Message("tool", "a,b", call_id="toolu_1"), Message("tool", "", call_id="toolu_2")]
        await driver.complete(ask(Message("system", "S"), "hi", turn, *results, "and?", tools=(READ,)))
    received = bench.server.received[1]
    assert received.path == "/v1/messages"
    assert received.headers["x-api-key"] == "zk-secret-0123456789abcdef"
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in received.headers
    assert received.body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "tools": [{"name": "read", "description": "Read a file.", "input_schema": READ.parameters}],
        "system": [{"type": "text", "text": "S", "cache_control": CACHE}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "先看", "signature": "sig=="},
                    {"type": "redacted_thinking", "data": "xyz"},
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "表.csv"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "read", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a,b"},
                    {"type": "tool_result", "tool_use_id": "toolu_2", "content": "(no output)"},
                    {"type": "text", "text": "and?", "cache_control": CACHE},
                ],
            },
        ],
        "stream": True,
    }


async def test_a_history_with_calls_comes_with_definitions_even_when_no_tool_is_offered(bench, wire, ask):
    bench.server.answer(stream(wire, begin(), block(0, type="text", text="x"), *end("end_turn")))
    turn = Message("assistant", calls=(FunctionCall("functions.read:0", "read", "{"),))
    result = Message("tool", "ok", call_id="functions.read:0")
    await bench.driver("claude-x", "anthropic").complete(ask("hi", turn, result))
    body = bench.server.received[0].body
    assert [t["name"] for t in body["tools"]] == ["read"]
    assert body["tool_choice"] == {"type": "none"}
    use, back = body["messages"][1]["content"][0], body["messages"][2]["content"][0]
    assert use["id"] == back["tool_use_id"] == "functions_read_0"
    assert use["input"] == {"malformed_arguments": "{"}


async def test_insisting_on_a_call_is_sent_as_any(bench, wire, ask):
    bench.server.answer(stream(wire, begin(), block(0, type="text", text="x"), *end("end_turn")))
    await bench.driver("claude-x", "anthropic").complete(ask("hi", tools=(READ,), require_call=True, temperature=1.5))
    body = bench.server.received[0].body
    assert body["tool_choice"] == {"type": "any"}
    assert body["temperature"] == 1.0


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("refusal", "filtered"), ("pause_turn", "unknown")],
)
async def test_stop_reasons_are_understood(bench, wire, ask, reason, finish):
    bench.server.answer(stream(wire, begin(), block(0, type="text", text="x"), *end(reason)))
    assert (await bench.driver("claude-x", "anthropic").complete(ask("hi"))).finish == finish


async def test_an_answer_in_one_piece_is_read(bench, wire, ask):
    body = {
        "model": "m",
        "content": [{"type": "text", "text": "x"}, {"type": "tool_use", "id": "t", "name": "read", "input": {"a": 1}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
    bench.server.answer(wire.refusal(200, body))
    reply = await bench.driver("claude-x", "anthropic").complete(ask("hi"))
    assert (reply.content, reply.calls) == ("x", (FunctionCall("t", "read", '{"a": 1}'),))


async def test_an_overload_inside_the_stream_is_tried_again(bench, wire, ask):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    good = stream(wire, begin(), block(0, type="text", text="ok"), *end("end_turn"))
    bench.server.answer(stream(wire, begin(), error), good)
    with anyio.fail_after(5):
        assert (await bench.driver("claude-x", "anthropic").complete(ask("hi"))).content == "ok"


async def test_a_stream_without_its_end_is_cut(bench, wire, ask):
    half = stream(wire, begin(), block(0, type="text", text="half"), end="close")
    bench.server.answer(half, half)
    with anyio.fail_after(5):
        reply = await bench.driver("claude-x", "anthropic").complete(ask("hi"))
    assert (reply.content, reply.finish) == ("half", "cut")


async def test_a_refused_key_names_its_variable(bench, wire, ask):
    body = {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
    bench.server.answer(wire.refusal(401, body))
    with pytest.raises(ModelError, match="set ANTHROPIC_API_KEY"):
        await bench.driver("claude-x", "anthropic").complete(ask("hi"))
