"""Every failure becomes one sentence that names the thing and the way out, of the right kind, without the key."""

import anyio
import pytest

from glmos.abi.errors import ModelError
from glmos.models.http import Deadlines, HttpClient
from glmos.models.retry import RetryPolicy

pytestmark = pytest.mark.anyio


async def failure(bench, ask, *acts, **options) -> ModelError:
    bench.server.answer(*acts)
    with anyio.fail_after(5), pytest.raises(ModelError) as caught:
        await bench.driver(**options).complete(ask("hi"))
    return caught.value


TOO_LONG = {
    "vllm": (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens", "type": "BadRequestError", "code": 400}),  # noqa: E501
    "openai": (400, {"error": {"message": "...", "type": "invalid_request_error", "code": "context_length_exceeded"}}),
    "llamacpp": (400, {"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it", "type": "exceed_context_size_error", "n_ctx": 4096}}),  # noqa: E501
    "sglang": (400, {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length (4096 tokens).", "code": 400}),  # noqa: E501
    "zai": (400, {"error": {"code": "1261", "message": "Prompt 超长"}}),
    "anthropic": (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 208310 tokens > 200000 maximum"}}),  # noqa: E501
    "qwen": (400, {"error": {"code": "invalid_parameter_error", "message": "Range of input length should be [1, 30720]"}}),
    "deepseek": (400, {"error": {"message": "This model's maximum context length is 131072 tokens."}}),
    "compatible": (413, "<html>Request Entity Too Large</html>"),
}  # fmt: skip


@pytest.mark.parametrize("at", TOO_LONG)
async def test_a_prompt_that_is_too_long_is_recognised_at_every_server(bench, wire, ask, at):
    error = await failure(bench, ask, wire.refusal(*TOO_LONG[at]), at=at)
    assert (error.kind, error.retryable) == ("too_long", False)
    assert "context_tokens" in str(error)


NO_MODEL = {
    "openai": (404, {"error": {"message": "The model `gpt-9` does not exist", "code": "model_not_found"}}),
    "ollama": (404, {"error": {"message": "model 'x' not found, try pulling it first", "type": "api_error"}}),
    "vllm": (
        404,
        {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404},
    ),
    "zai": (400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码"}}),
    "anthropic": (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-9"}}),
}


@pytest.mark.parametrize("at", NO_MODEL)
async def test_an_unknown_model_is_recognised_at_every_server(bench, wire, ask, at):
    error = await failure(bench, ask, wire.refusal(*NO_MODEL[at]), at=at, model="x")
    assert (error.kind, error.retryable) == ("unknown_model", False)
    assert "'x'" in str(error)
    assert "glmos models" in str(error)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_the_variable_and_never_shows_the_key(bench, wire, ask, status):
    from glmos.models.keys import Key

    body = {"error": {"message": "Incorrect API key provided: zk-secret-0123456789abcdef"}}
    error = await failure(bench, ask, wire.refusal(status, body), at="zai")
    assert error.kind == "denied"
    assert str(error).startswith(f"The key for 'zai' was refused ({status}): set ZAI_API_KEY or run `glmos config`.")
    assert "zk-secret" not in str(error)
    assert "zk-secret" not in repr(Key("ZAI_API_KEY", "zk-secret-0123456789abcdef"))
    assert len(bench.server.received) == 1, "a refused key is not tried again"


async def test_a_missing_key_is_said_to_be_missing(bench, wire, ask):
    error = await failure(bench, ask, wire.refusal(401, {"error": {"message": "no"}}), at="zai", key="")
    assert str(error).startswith("'zai' wants a key and none was given (401): set ZAI_API_KEY")


@pytest.mark.parametrize(
    "answer",
    [
        ("openai", 429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}),
        ("zai", 429, {"error": {"code": "1113", "message": "您的账户已欠费，请充值后重试"}}),
        ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}),
        ("anthropic", 400, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}),  # noqa: E501
    ],
)  # fmt: skip
async def test_an_empty_account_is_not_taken_for_a_busy_server(bench, wire, ask, answer):
    at, status, body = answer
    error = await failure(bench, ask, wire.refusal(status, body), at=at)
    assert (error.kind, error.retryable) == ("denied", False)
    assert "no credit or quota left" in str(error)
    assert len(bench.server.received) == 1


async def test_too_many_requests_are_waited_for_as_long_as_the_provider_asks(bench, wire, ask):
    busy = wire.refusal(429, {"error": {"message": "slow down"}}, retry_after="7")
    bench.server.answer(busy, wire.sse(wire.chunk(content="ok", finish="stop")))
    with anyio.fail_after(5):
        reply = await bench.driver().complete(ask("hi"))
    assert reply.content == "ok"
    assert bench.pauses == [7.25], "seven seconds and half of the first half second"


async def test_a_wait_beyond_patience_fails_at_once_and_says_how_long(bench, wire, ask):
    error = await failure(bench, ask, wire.refusal(429, {"error": "later"}, retry_after="3600"))
    assert (error.kind, error.retryable, error.retry_after) == ("rate_limited", True, 3600)
    assert "try again in 3600 s" in str(error)
    assert bench.pauses == []


async def test_a_server_in_trouble_is_asked_again_with_growing_pauses(bench, wire, ask):
    error = await failure(bench, ask, *[wire.refusal(500, "oops")] * 5)
    assert error.kind == "overloaded"
    assert "after 5 tries" in str(error)
    assert bench.pauses == [0.25, 0.5, 1.0, 2.0]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
async def test_a_passing_fault_does_not_reach_the_process(bench, wire, ask, status):
    page = wire.refusal(status, "<html><title>Bad Gateway</title></html>")
    bench.server.answer(page, wire.sse(wire.chunk(content="ok", finish="stop")))
    with anyio.fail_after(5):
        assert (await bench.driver().complete(ask("hi"))).content == "ok"


async def test_an_html_error_page_is_named_not_printed(bench, wire, ask):
    error = await failure(
        bench, ask, *[wire.refusal(502, "<html><head><title>502 Bad Gateway</title></head>…</html>")] * 5
    )
    assert "It said: an HTML page titled '502 Bad Gateway'" in str(error)


async def test_a_wrong_path_is_not_taken_for_an_unknown_model(bench, wire, ask):
    error = await failure(bench, ask, wire.refusal(404, "404 page not found"))
    assert error.kind == "protocol"
    assert "usually ends with /v1" in str(error)


async def test_a_redirect_is_not_followed(bench, wire, ask):
    error = await failure(bench, ask, wire.refusal(307, "", location="http://127.0.0.1:9/v1"))
    assert error.kind == "protocol"


async def test_refused_content_is_filtered(bench, wire, ask):
    body = {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}
    error = await failure(bench, ask, wire.refusal(400, body), at="zai")
    assert (error.kind, error.retryable) == ("filtered", False)


async def test_nobody_at_the_address_is_unreachable(bench, ask):
    error = await failure(bench, ask, base_url="http://127.0.0.1:1/v1")
    assert error.kind == "unreachable"
    assert str(error).startswith("No model server answers at http://127.0.0.1:1/v1 (connection refused) after 5 tries")


async def test_an_unknown_host_is_unreachable(bench, ask):
    error = await failure(bench, ask, base_url="http://no-such-host.invalid/v1", retry=RetryPolicy(tries=1))
    assert error.kind == "unreachable"
    assert "http://no-such-host.invalid/v1" in str(error)


async def test_credentials_in_an_address_are_not_printed(bench, ask):
    address = "http://user:hunter2hunter2@127.0.0.1:1/v1"
    error = await failure(bench, ask, base_url=address, retry=RetryPolicy(tries=1))
    assert "hunter2" not in str(error)


async def test_a_connection_closed_before_the_answer_is_tried_again(bench, wire, ask):
    bench.server.answer(wire.Act(end="drop"), wire.sse(wire.chunk(content="ok", finish="stop")))
    with anyio.fail_after(5):
        assert (await bench.driver().complete(ask("hi"))).content == "ok"


async def test_silence_before_the_answer_ends_at_the_deadline(wire, ask, bench):
    client = HttpClient(deadlines=Deadlines(connect=5, first_byte=0.05, idle=5))
    shared, bench.client = bench.client, client
    error = await failure(bench, ask, wire.Act(end="silent"), retry=RetryPolicy(tries=1))
    assert error.kind == "interrupted"
    assert "no answer began within 0.05 s" in str(error)
    bench.client = shared
    await client.aclose()


@pytest.mark.parametrize(
    "refused",
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
            None,
        ),
        ("Extra inputs are not permitted: stream_options", None),
        ("unknown field", "stream_options"),
    ],
)
async def test_a_parameter_the_server_refuses_is_left_out_from_then_on(bench, wire, ask, refused):
    text, param = refused
    error = {"error": {"message": text, "param": param}}
    good = wire.sse(wire.chunk(content="ok", finish="stop"))
    bench.server.answer(wire.refusal(400, error), good, good)
    driver = bench.driver()
    with anyio.fail_after(5):
        assert (await driver.complete(ask("hi"))).content == "ok"
        await driver.complete(ask("again"))
    first, second, third = (r.body for r in bench.server.received)
    field = "max_tokens" if "max_tokens" in text else "stream_options"
    assert field in first
    assert field not in second
    assert field not in third
    if field == "max_tokens":
        assert second["max_completion_tokens"] == first["max_tokens"]
    assert bench.pauses == []


async def test_a_malformed_request_comes_back_in_the_servers_words(bench, wire, ask):
    body = {"detail": [{"loc": ["body", "messages"], "msg": "value is not a valid list"}]}
    error = await failure(bench, ask, wire.refusal(422, body))
    assert error.kind == "bad_request"
    assert "value is not a valid list" in str(error)


async def test_a_server_without_a_named_model_is_asked_what_it_serves(bench, wire, ask):
    bench.server.models = [{"id": "text-embedding-3"}, {"id": "glm-4.7-flash", "max_model_len": 8192}]
    bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop")))
    driver = bench.driver(model="")
    with anyio.fail_after(5):
        await driver.complete(ask("hi"))
    assert bench.server.received[0].body["model"] == "glm-4.7-flash"
    assert driver.traits.context_tokens == 8192


async def test_a_server_that_serves_nothing_is_an_unknown_model(bench, ask):
    error = await failure(bench, ask, model="")
    assert error.kind == "unknown_model"
    assert "#MODEL" in str(error)


async def test_a_key_command_that_fails_is_denied(bench, ask):
    from glmos.models.keys import Key

    with pytest.raises(ModelError, match="key_command 'false' gave no key") as caught:
        await Key("X", command="false").read()
    assert caught.value.kind == "denied"
    assert await Key("X", command="printf 'the-key\\nmore'").read() == "the-key"
