"""From a name to a driver, with real servers where a server is meant."""

import anyio
import pytest

from glmos.abi.errors import NotFoundError, UsageError
from glmos.abi.messages import Message, ModelRequest
from glmos.models.discover import local_servers
from glmos.models.fallback import FallbackDriver
from glmos.models.routes import Routes
from glmos.testing.models import ScriptedModel, say

pytestmark = pytest.mark.anyio
NANO = ScriptedModel([say("nano")])
HI = ModelRequest(messages=(Message("user", "hi"),))


def routes(table=None, environ=None, **options) -> Routes:
    options = {"local_addresses": {}, **options}
    return Routes(table or {}, environ or {}, lambda: NANO, **options)


def default(table=None, environ=None) -> tuple[str, str]:
    return tuple(routes(table, environ).default())


# -- the default, in the order that is promised ------------------------------------------------------------------------


EVERYTHING = {
    "GLMOS_MODEL": "zai:glm-5.3", "ZAI_API_KEY": "z", "OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://box:8000/v1",
    "ANTHROPIC_API_KEY": "a",
}  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "name", "why"),
    [
        ((), "zai:glm-5.3", "GLMOS_MODEL says so"),
        (("GLMOS_MODEL",), "work", "`default_model`"),
        (("GLMOS_MODEL", "default_model"), "zai:glm-5.3", "ZAI_API_KEY is set"),
        (("GLMOS_MODEL", "default_model", "ZAI_API_KEY"), "http://box:8000/v1", "OPENAI_BASE_URL is set"),
        (("GLMOS_MODEL", "default_model", "ZAI_API_KEY", "OPENAI_BASE_URL"), "openai:gpt-5.1", "OPENAI_API_KEY is set"),
        (
            ("GLMOS_MODEL", "default_model", "ZAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_KEY"),
            "anthropic:claude-sonnet-4-5", "ANTHROPIC_API_KEY is set",
        ),
        ((*EVERYTHING, "default_model"), "nano", "no key is set"),
    ],
)  # fmt: skip
async def test_the_default_is_chosen_in_the_promised_order(missing, name, why):
    table = {"models": {"work": {"provider": "zai"}}, "default_model": "work"}
    table = {k: v for k, v in table.items() if k not in missing}
    chosen = routes(table, {k: v for k, v in EVERYTHING.items() if k not in missing}).default()
    assert chosen.name == name
    assert why in chosen.why


async def test_an_empty_key_is_no_key():
    assert default(environ={"ZAI_API_KEY": "  "})[0] == "nano"


async def test_a_running_server_is_found_and_used_before_nano(bench, wire):
    bench.server.models = [{"id": "qwen3:8b", "owned_by": "library"}]
    bench.server.answer(wire.sse(wire.chunk(content="local", finish="stop")))
    found = routes(local_addresses={"vllm": bench.server.base_url, "sglang": "http://127.0.0.1:1/v1"})
    with anyio.fail_after(5):
        await found.refresh()
        assert found.default().name == "ollama:qwen3:8b", "who answers is known by what it says, not by its port"
        assert (await found.driver("").complete(HI)).content == "local"
        views = {view.name: view for view in found.describe()}
        assert views["ollama:qwen3:8b"].default
        await found.aclose()
    assert bench.server.received[0].body["model"] == "qwen3:8b"
    assert "authorization" not in bench.server.received[0].headers


async def test_a_program_that_is_no_model_server_is_left_alone(bench):
    async def page(stream):
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, page)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        assert await local_servers(bench.client, {"vllm": f"http://127.0.0.1:{port}/v1"}) == []
        group.cancel_scope.cancel()


# -- names -------------------------------------------------------------------------------------------------------------


async def test_the_same_name_gives_the_same_driver():
    found = routes(environ={"ZAI_API_KEY": "k"})
    assert found.driver("zai:glm-5.3") is found.driver("zai:glm-5.3")
    assert found.driver("") is found.driver("zai:glm-5.3")
    assert found.driver("nano") is NANO


@pytest.mark.parametrize(
    ("name", "provider", "model", "context"),
    [
        ("zai:glm-4.7", "zai", "glm-4.7", 200_000),
        ("zai", "zai", "glm-5.3", 1_000_000),
        ("ollama:qwen3:8b", "ollama", "qwen3:8b", 4096),
        ("http://127.0.0.1:8000/v1#glm-4.6", "vllm", "glm-4.6", 200_000),
        ("http://box:9/v1/chat/completions", "compatible", "", 32_768),
        ("https://api.z.ai/api/coding/paas/v4", "zai", "glm-5.3", 1_000_000),
    ],
)
async def test_every_form_of_a_name_is_understood(name, provider, model, context):
    driver = routes().driver(name)
    assert (driver.traits.provider, driver.endpoint.model, driver.traits.context_tokens) == (provider, model, context)


async def test_an_address_without_a_path_is_completed():
    assert routes().driver("http://box:8000").endpoint.base_url == "http://box:8000/v1"
    assert routes().driver("deepseek:x").endpoint.base_url == "https://api.deepseek.com"


async def test_a_key_goes_only_where_it_belongs():
    environ = {"OPENAI_API_KEY": "o-key", "OPENAI_BASE_URL": "http://box:8000/v1", "ZAI_API_KEY": "z-key"}
    found = routes(environ=environ)

    async def key(name: str) -> str:
        return await found.driver(name).endpoint.key.read()

    assert await key("http://box:8000/v1#m") == "o-key"
    assert await key("http://elsewhere:8000/v1#m") == ""
    assert await key("https://api.z.ai/api/paas/v4#glm-5.3") == "z-key"
    assert await key("openai:m") == "o-key"


async def test_a_process_keeps_the_model_and_the_key_it_was_started_with():
    found = routes(environ={"OPENAI_API_KEY": "box-key-1", "OPENAI_BASE_URL": "http://box:8000/v1"})
    first = found.choose("openai:m")
    assert first == "http://box:8000/v1#m", "behind that address may be anything, so it stands in the name"
    assert found.driver(first).traits.provider == "compatible"
    found.use_environment({"ZAI_API_KEY": "zai-key-1"})
    assert found.choose("") == "zai:glm-5.3"
    assert await found.driver(first).endpoint.key.read() == "box-key-1"
    found.use_environment({})
    assert found.choose("") == "nano"
    assert await found.driver("zai:glm-5.3").endpoint.key.read() == "zai-key-1"
    found.use_environment({"ZAI_API_KEY": "zai-key-2"})
    assert await found.driver("zai:glm-5.3").endpoint.key.read() == "zai-key-2", "a new key replaces the old one"
    assert found.driver("nano") is NANO
    assert found.choose("openai:m") == "openai:m"


async def test_choosing_a_name_that_leads_nowhere_is_refused():
    with pytest.raises(NotFoundError):
        routes().choose("nowhere")


async def test_a_model_on_this_machine_costs_nothing_and_says_so():
    driver = routes().driver("ollama:qwen3:8b")
    assert driver.traits.priced
    assert driver.price(10**6, 0, 10**6) == 0
    assert not routes().driver("http://box:9/v1").traits.priced


async def test_a_claude_compatible_endpoint_keeps_its_protocol():
    environ = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic"}
    endpoint = routes(environ=environ).driver("anthropic:glm-5.3").endpoint
    assert (endpoint.wire, endpoint.base_url) == ("anthropic", "https://api.z.ai/api/anthropic")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nanoo", "Did you mean 'nano'"),
        ("glm-5.3", "Did you mean 'zai:glm-5.3'"),
        ("zia:glm-5.3", "No model is called 'zia:glm-5.3'"),
        ("模型", "No model is called '模型'"),
        ("zai:", "No model is called 'zai:'"),
    ],
)
async def test_an_unknown_name_is_answered_with_the_names_there_are(name, words):
    with pytest.raises(NotFoundError, match=words) as caught:
        routes({"models": {"work": {"provider": "zai"}}}).driver(name)
    assert "work" in str(caught.value)
    assert "http://127.0.0.1:8000/v1" in str(caught.value)


@pytest.mark.parametrize("name", ["http://", "https:///v1", "http://host:port/v1", "http://[", "http://[::1/v1"])
async def test_an_address_that_is_none_is_refused(name):
    with pytest.raises(UsageError, match="no address of a model server"):
        routes().driver(name)


async def test_a_transcript_answers_by_its_name(tmp_path):
    path = tmp_path / "t.jsonl"
    found = routes(record_to=path)
    NANO_ONCE = ScriptedModel([say("once")])
    found = Routes({}, {}, lambda: NANO_ONCE, record_to=path, local_addresses={})
    await found.driver("nano").complete(HI)
    assert (await routes().driver(f"replay:{path}").complete(HI)).content == "once"


# -- configuration -----------------------------------------------------------------------------------------------------


async def test_a_configured_model_is_all_that_it_says(bench, wire):
    bench.server.answer(wire.sse(wire.chunk(content="ok", finish="stop")))
    table = {
        "models": {
            "作": {
                "base_url": bench.server.base_url, "model": "glm-4.7", "key_env": "MY_KEY", "context_tokens": 9000,
                "price": {"input": 1.0, "output": 2.0}, "limits": {"concurrency": 3}, "body": {"top_p": 0.9},
                "headers": {"x-team": "a"}, "profile_fields": {"tool_choice_required": True},
            },
        },
        "critic_model": "作", "unrelated": {"x": 1},
    }  # fmt: skip
    found = routes(table, {"MY_KEY": "mine-mine"})
    driver = found.driver("nano", purpose="critic")
    assert found.driver("nano") is NANO
    assert (driver.traits.name, driver.traits.context_tokens, driver.traits.priced) == ("作", 9000, True)
    assert found.limiter("作").limits.concurrency == 3
    with anyio.fail_after(5):
        await driver.complete(HI)
    received = bench.server.received[0]
    assert received.body["top_p"] == 0.9
    assert (received.headers["x-team"], received.headers["authorization"]) == ("a", "Bearer mine-mine")
    await found.aclose()


async def test_fallbacks_are_built_and_circles_refused():
    table = {"models": {"a": {"provider": "zai", "fallback": ["b", "nano"]}, "b": {"provider": "ollama", "model": "x"}}}
    assert isinstance(routes(table).driver("a"), FallbackDriver)
    table["models"]["b"]["fallback"] = ["a"]
    with pytest.raises(UsageError, match=r"in a circle \(a -> b -> a\)"):
        routes(table).driver("a")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"models": {"w": {"provder": "zai"}}}, r"\[models\.w\].*provder"),
        ({"models": {"w": {"context_tokens": "many"}}}, r"\[models\.w\].*context_tokens"),
        ({"models": {"nano": {}}}, "nano is the bundled model"),
        ({"models": {"w": {"base_url": "box:8000"}}}, "'box:8000' is no address"),
        ({"models": []}, "must be tables"),
        ({"default_model": 5}, "`default_model`"),
    ],
)
async def test_a_configuration_that_makes_no_sense_is_refused_by_name(table, words):
    with pytest.raises(UsageError, match=words):
        routes(table)


async def test_an_entry_that_names_neither_provider_nor_address_is_refused_when_used():
    with pytest.raises(UsageError, match="needs `provider` or `base_url`"):
        routes({"models": {"w": {"model": "x"}}}).driver("w")


async def test_the_listing_says_what_is_there_and_how_to_get_the_rest():
    table = {"models": {"work": {"provider": "zai"}, "broken": {"provider": "nobody"}}, "default_model": "work"}
    views = {v.name: v for v in routes(table, {"ANTHROPIC_API_KEY": "a"}).describe()}
    assert views["work"].default
    assert not views["work"].available
    assert "set ZAI_API_KEY" in views["work"].detail
    assert not views["broken"].available
    assert "nobody" in views["broken"].detail
    assert views["anthropic:claude-sonnet-4-5"].available
    assert views["nano"].available
    assert sum(v.default for v in views.values()) == 1


async def test_a_default_that_is_a_mistake_is_listed_as_one():
    views = routes(environ={"GLMOS_MODEL": "nonsense"}).describe()
    assert (views[0].name, views[0].available, views[0].default) == ("nonsense", False, True)
    assert "No model is called 'nonsense'" in views[0].detail


async def test_proxies_are_used_but_not_for_this_machine():
    from glmos.models.http import HttpClient

    client = HttpClient(proxies={"https": "http://proxy:1", "no": "internal.example, *.local"})
    assert client._proxy_for("https://api.z.ai/x") == "http://proxy:1"
    assert client._proxy_for("http://api.z.ai/x") is None
    assert client._proxy_for("https://127.0.0.1/x") is None
    assert client._proxy_for("https://a.internal.example/x") is None
    assert client._proxy_for("https://b.local/x") is None
