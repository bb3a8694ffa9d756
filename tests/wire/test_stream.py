"""How an OpenAI-compatible stream is read, whatever the server does to it."""

import json

import anyio
import pytest

from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, FunctionCall

pytestmark = pytest.mark.anyio


async def complete(bench, ask, *acts, on_delta=None, **options):
    bench.server.answer(*acts)
    with anyio.fail_after(5):
        return await bench.driver(**options).complete(ask("hi"), on_delta)


async def test_text_reasoning_usage_and_model_come_out_of_a_plain_stream(bench, wire, ask):
    seen: list[Delta] = []
    usage = {"prompt_tokens": 40, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 32}}
    reply = await complete(
        bench, ask,
        wire.sse(
            wire.chunk(role="assistant", reasoning_content="想一想"), wire.chunk(content="你"),
            wire.chunk(content="好"), wire.chunk(finish="stop", usage=usage),
        ),
        on_delta=seen.append,
    )  # fmt: skip
    assert (reply.content, reply.reasoning, reply.finish, reply.model) == ("你好", "想一想", "stop", "served")
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.completion_tokens) == (40, 32, 7)
    assert reply.usage.model_calls == 1
    assert seen == [Delta(reasoning="想一想"), Delta(content="你"), Delta(content="好")]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_reasoning_is_read_under_either_name_and_never_twice(bench, wire, ask, field):
    both = {"reasoning_content": "r", "reasoning": "r"}
    reply = await complete(
        bench, ask, wire.sse(wire.chunk(**{field: "a"}), wire.chunk(**both), wire.chunk(content="x", finish="stop"))
    )
    assert reply.reasoning == "ar"


async def test_usage_in_a_last_chunk_without_choices_counts(bench, wire, ask):
    last = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_cache_hit_tokens": 3}}
    reply = await complete(bench, ask, wire.sse(wire.chunk(content="x"), wire.chunk(finish="stop"), last))
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens) == (5, 3)
    assert "usage_estimated" not in reply.extra.get("glmos", {})


async def test_missing_usage_is_estimated_and_marked(bench, wire, ask):
    reply = await complete(bench, ask, wire.sse(wire.chunk(content="some words", finish="stop")))
    assert reply.extra["glmos"]["usage_estimated"] is True
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.completion_tokens >= 2


async def test_interleaved_fragments_of_parallel_calls_are_put_together_by_index(bench, wire, ask):
    f = wire.fragment
    reply = await complete(
        bench, ask,
        wire.sse(
            wire.chunk(tool_calls=[f(0, "a", "read", ""), f(1, "b", "写", "")]),
            wire.chunk(tool_calls=[f(1, arguments='{"path"')]),
            wire.chunk(tool_calls=[f(0, arguments='{"p":')]),
            wire.chunk(tool_calls=[f(1, arguments=': "数据"}'), f(0, arguments="1}")]),
            wire.chunk(finish="tool_calls"),
        ),
    )  # fmt: skip
    assert reply.calls == (FunctionCall("a", "read", '{"p":1}'), FunctionCall("b", "写", '{"path": "数据"}'))
    assert reply.finish == "calls"


async def test_calls_without_index_or_id_get_ids_of_their_own(bench, wire, ask):
    f = wire.fragment
    calls = [f(None, None, "a", "{}"), f(None, None, "b", '{"x"'), f(None, None, None, ":1}")]
    reply = await complete(bench, ask, wire.sse(wire.chunk(tool_calls=calls, finish="tool_calls")))
    assert reply.calls == (FunctionCall("call_1", "a", "{}"), FunctionCall("call_2", "b", '{"x":1}'))


async def test_one_index_for_all_calls_is_seen_through_by_their_ids(bench, wire, ask):
    f = wire.fragment
    calls = [f(0, "a", "x", "{}"), f(0, "b", "y", "{}")]
    reply = await complete(bench, ask, wire.sse(wire.chunk(tool_calls=calls, finish="stop")))
    assert [c.name for c in reply.calls] == ["x", "y"]
    assert reply.finish == "calls", "the calls say more than the reason"


async def test_a_duplicated_call_id_is_replaced(bench, wire, ask):
    f = wire.fragment
    calls = [f(0, "same", "x", "{}"), f(1, "same", "y", "{}")]
    reply = await complete(bench, ask, wire.sse(wire.chunk(tool_calls=calls, finish="tool_calls")))
    assert [c.id for c in reply.calls] == ["same", "call_1"]


async def test_invented_ids_are_new_in_the_whole_conversation(bench, wire, ask):
    from glmos.abi.messages import Message

    bench.server.answer(wire.sse(wire.chunk(tool_calls=[wire.fragment(0, None, "x", "{}")], finish="tool_calls")))
    earlier = Message("assistant", calls=(FunctionCall("call_1", "x", "{}"), FunctionCall("call_3", "x", "{}")))
    done = [Message("tool", "ok", call_id=i) for i in ("call_1", "call_3")]
    reply = await bench.driver().complete(ask("go", earlier, *done))
    assert reply.calls[0].id not in ("call_1", "call_3", "")


async def test_arguments_sent_as_an_object_become_their_json(bench, wire, ask):
    call = wire.fragment(0, "a", "x", {"城市": "北京"})
    reply = await complete(bench, ask, wire.sse(wire.chunk(tool_calls=[call], finish="tool_calls")))
    assert json.loads(reply.calls[0].arguments) == {"城市": "北京"}


async def test_malformed_arguments_are_kept_as_received(bench, wire, ask):
    call = wire.fragment(0, "a", "x", '{"path": "a')
    reply = await complete(bench, ask, wire.sse(wire.chunk(tool_calls=[call], finish="tool_calls")))
    assert reply.calls[0].arguments == '{"path": "a'


async def test_unknown_assistant_fields_are_kept_for_the_way_back(bench, wire, ask):
    details = [{"type": "encrypted", "data": "x"}]
    reply = await complete(
        bench, ask,
        wire.sse(
            wire.chunk(reasoning_details=details), wire.chunk(reasoning_details=details, signature="ab"),
            wire.chunk(signature="cd", content="x", finish="stop"),
        ),
    )  # fmt: skip
    assert reply.extra["reasoning_details"] == details * 2
    assert reply.extra["signature"] == "abcd"


async def test_comments_crlf_and_characters_cut_in_two_do_no_harm(bench, wire, ask):
    text = ": keep-alive\r\n\r\n" + "".join(
        f"data: {json.dumps(c, ensure_ascii=False)}\r\n\r\n"
        for c in (wire.chunk(content="汉字🀄"), wire.chunk(finish="stop"))
    )
    data = text.encode() + b"data: [DONE]\r\n\r\n"
    reply = await complete(bench, ask, wire.Act(pieces=[data[i : i + 1] for i in range(len(data))]))
    assert (reply.content, reply.finish) == ("汉字🀄", "stop")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("length", "length"), ("sensitive", "filtered"), ("content_filter", "filtered"), ("顿悟", "unknown"),
     ("model_context_window_exceeded", "length")],
)  # fmt: skip
async def test_reasons_other_than_success_are_never_success(bench, wire, ask, reason, finish):
    reply = await complete(bench, ask, wire.sse(wire.chunk(content="x", finish=reason)))
    assert reply.finish == finish
    assert reply.extra["glmos"]["finish_reason"] == reason


async def test_a_reason_of_calls_without_calls_is_not_success(bench, wire, ask):
    reply = await complete(bench, ask, wire.sse(wire.chunk(content="x", finish="tool_calls")))
    assert reply.finish == "unknown"


async def test_one_json_object_instead_of_a_stream_is_read_all_the_same(bench, wire, ask):
    message = {
        "role": "assistant", "content": None, "reasoning_content": "r",
        "tool_calls": [{"id": "", "function": {"name": n, "arguments": "{}"}} for n in ("a", "b")],
    }  # fmt: skip
    body = {"model": "m", "choices": [{"message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1}}  # fmt: skip
    for act in (wire.refusal(200, body), wire.Act(headers={}, pieces=[json.dumps(body).encode()])):
        reply = await complete(bench, ask, act)
        assert [c.name for c in reply.calls] == ["a", "b"]
        assert (reply.reasoning, reply.usage.prompt_tokens) == ("r", 9)


async def test_thinking_left_in_the_text_by_the_server_is_taken_out(bench, wire, ask):
    reply = await complete(
        bench, ask, wire.sse(wire.chunk(content="<think>\nwhy"), wire.chunk(content="</think>\n\n42", finish="stop"))
    )
    assert (reply.content, reply.reasoning) == ("42", "why")


async def test_a_stream_cut_in_the_middle_is_asked_for_again_and_both_are_counted(bench, wire, ask):
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    reply = await complete(
        bench, ask,
        wire.sse(wire.chunk(content="half", usage=usage), done=False, end="close"),
        wire.sse(wire.chunk(content="whole", finish="stop", usage=usage)),
    )  # fmt: skip
    assert (reply.content, reply.finish) == ("whole", "stop")
    assert (reply.usage.model_calls, reply.usage.prompt_tokens) == (2, 20)


@pytest.mark.parametrize("end", ["close", "reset", "done"])
async def test_a_stream_cut_again_comes_back_as_far_as_it_went(bench, wire, ask, end):
    acts = [wire.sse(wire.chunk(content="half"), done=False, end=end) for _ in range(2)]
    reply = await complete(bench, ask, *acts)
    assert (reply.content, reply.finish) == ("half", "cut")
    assert reply.usage.model_calls == 2


async def test_a_cut_followed_by_failures_still_gives_what_there_was(bench, wire, ask):
    reply = await complete(
        bench, ask, wire.sse(wire.chunk(content="half"), done=False, end="close"), wire.refusal(400, {"error": "no"})
    )
    assert (reply.content, reply.finish) == ("half", "cut")


async def test_an_interrupted_inference_counts_as_cut(bench, wire, ask):
    cut = wire.sse(wire.chunk(content="x", finish="network_error"))
    reply = await complete(bench, ask, cut, cut)
    assert reply.finish == "cut"


async def test_silence_in_the_middle_is_a_cut(bench, wire, ask):
    from glmos.models.http import Deadlines, HttpClient
    from glmos.models.retry import RetryPolicy

    client = HttpClient(deadlines=Deadlines(connect=5, first_byte=5, idle=0.05))
    bench.client, shared = client, bench.client
    bench.server.answer(wire.sse(wire.chunk(content="and then"), done=False, end="hang"))
    with anyio.fail_after(5):
        reply = await bench.driver(retry=RetryPolicy(cut_tries=1)).complete(ask("hi"))
        await bench.server.client_left.wait()
    assert (reply.content, reply.finish) == ("and then", "cut")
    await client.aclose()
    bench.client = shared


async def test_garbage_is_refused_with_the_address(bench, wire, ask):
    acts = [wire.sse("data: {not json", done=False) for _ in range(5)]
    with pytest.raises(ModelError, match=r"127\.0\.0\.1.*not JSON") as caught:
        await complete(bench, ask, *acts)
    assert caught.value.kind == "protocol"


async def test_an_html_page_with_status_200_is_no_answer(bench, wire, ask):
    page = wire.refusal(200, "<!DOCTYPE html><html><title>Welcome</title></html>")
    with pytest.raises(ModelError, match="an HTML page instead of a stream") as caught:
        await complete(bench, ask, *[page] * 5)
    assert caught.value.kind == "protocol"


async def test_an_error_inside_the_stream_is_understood_by_its_code(bench, wire, ask):
    error = {"error": {"code": "1302", "message": "您当前使用该 API 的并发数过高"}}
    reply = await complete(
        bench, ask, wire.sse(error, done=False), wire.sse(wire.chunk(content="ok", finish="stop")), at="zai"
    )
    assert reply.content == "ok"
    with pytest.raises(ModelError, match="takes no more requests") as caught:
        await complete(bench, ask, *[wire.sse(error, done=False)] * 5, at="zai")
    assert caught.value.kind == "rate_limited"


async def test_cancelling_closes_the_connection(bench, wire, ask):
    bench.server.answer(wire.sse(wire.chunk(content="long"), done=False, end="hang"))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(bench.driver().complete, ask("hi"))
            await bench.server.answering.wait()
            group.cancel_scope.cancel()
        await bench.server.client_left.wait()
    assert bench.server.closed_early == 1


async def test_an_empty_answer_is_a_failure_that_is_tried_again(bench, wire, ask):
    reply = await complete(bench, ask, wire.sse(done=True), wire.sse(wire.chunk(content="ok", finish="stop")))
    assert reply.content == "ok"


async def test_a_finished_answer_without_text_or_calls_is_a_reply(bench, wire, ask):
    reply = await complete(bench, ask, wire.sse(wire.chunk(content="", finish="stop")))
    assert (reply.content, reply.finish, len(bench.server.received)) == ("", "stop", 1)


async def test_a_connection_is_used_again(bench, wire, ask):
    bench.server.answer(*[wire.sse(wire.chunk(content="ok", finish="stop")) for _ in range(3)])
    driver = bench.driver()
    with anyio.fail_after(5):
        for _ in range(3):
            await driver.complete(ask("hi"))
    assert bench.server.connections == 1
