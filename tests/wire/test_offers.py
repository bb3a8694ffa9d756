"""What servers on this machine tell of their models is read from the answers each of them gives."""

import json
from typing import Any

import anyio
import pytest

from glmos.models.discover import local_servers
from glmos.models.http import Deadlines, HttpClient
from glmos.models.offers import Offer
from glmos.models.routes import Routes
from glmos.testing.models import ScriptedModel, say

pytestmark = pytest.mark.anyio
PATIENT = Deadlines(connect=5, first_byte=10, idle=10)
TOOLS_TEMPLATE = "[gMASK]<sop>{% if tools %}<|system|>{% endif %}<think>"


async def found(answers: dict[str, Any], guess: str = "vllm", **options: Any):
    """The servers found where one answers each path with what stands here, and everything else with 404."""
    asked: list[tuple[str, str]] = []

    async def serve(stream):
        async with stream:
            try:
                while data := await stream.receive():
                    while b"\r\n\r\n" not in data:
                        data += await stream.receive()
                    head, _, body = data.partition(b"\r\n\r\n")
                    method, path, _ = head.decode().split(" ", 2)
                    length = next(
                        (
                            int(line.split(":")[1])
                            for line in head.decode().lower().split("\r\n")
                            if line.startswith("content-length")
                        ),
                        0,
                    )
                    while len(body) < length:
                        body += await stream.receive()
                    asked.append((method, path))
                    answer = answers.get(path)
                    answer = answer(json.loads(body)) if callable(answer) else answer
                    text = json.dumps(answer or {"error": "no such thing"}).encode()
                    await stream.send(
                        b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (200 if answer else 404, len(text), text)
                    )
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass

    client = HttpClient(deadlines=Deadlines(connect=5, first_byte=5, idle=5))
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        base = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/v1"
        with anyio.fail_after(60):
            servers = await local_servers(client, {guess: base}, deadlines=PATIENT)
            views = {}
            if options.get("views"):
                routes = Routes(
                    {},
                    {},
                    lambda: ScriptedModel([say("x")]),
                    client=client,
                    local_addresses={guess: base},
                    local_deadlines=PATIENT,
                )
                await routes.refresh()
                views = {v.name: v for v in routes.describe()}
                views["default"] = routes.driver("")
        await client.aclose()
        group.cancel_scope.cancel()
    return servers, asked, views


def listed(*names: str, owner: str, **fields: Any) -> dict[str, Any]:
    return {
        "/v1/models": {
            "object": "list",
            "data": [{"id": n, "object": "model", "owned_by": owner, **fields} for n in names],
        }
    }


async def test_llama_cpp_tells_the_context_it_serves_and_what_its_template_can():
    props = {"default_generation_settings": {"n_ctx": 16384}, "total_slots": 1, "chat_template": TOOLS_TEMPLATE,
             "modalities": {"vision": False, "audio": False}}  # fmt: skip
    answers = {**listed("glm-4-9b.gguf", owner="llamacpp", meta={"n_ctx_train": 131072}), "/props": props}
    (server,), _, views = await found(answers, views=True)
    assert server.provider == "llamacpp"
    assert server.models[0].context_tokens == 16384, "what it serves, not what the weights were made for"
    assert server.models[0].offer == Offer(16384, True, False, True)
    assert views["llamacpp:glm-4-9b.gguf"].detail.endswith("context 16,384, tools, thinking")
    assert views["default"].traits.context_tokens == 16384


async def test_ollama_tells_capabilities_and_the_context_of_what_is_loaded():
    def show(body):
        able = {"glm4:9b": ["completion", "tools"], "bge": ["embedding"], "old": ["completion"]}[body["model"]]
        return {
            "capabilities": able,
            "parameters": "temperature 0.7\nnum_ctx   8192",
            "model_info": {"glm4.context_length": 131072},
        }

    answers = {**listed("old", "bge", "glm4:9b", owner="library"), "/api/show": show,
               "/api/ps": {"models": [{"name": "glm4:9b", "model": "glm4:9b", "context_length": 32768}]}}  # fmt: skip
    (server,), asked, views = await found(answers, views=True)
    assert server.provider == "ollama"
    assert [(m.name, m.context_tokens, m.offer.tools) for m in server.models] == [
        ("glm4:9b", 32768, True), ("old", 8192, False),
    ], "what cannot be talked to is left out; what has no tools comes last"  # fmt: skip
    assert ("POST", "/api/show") in asked
    assert "no tools" in views["ollama:old"].detail
    assert views["default"].traits.name == "ollama:glm4:9b"


async def test_sglang_tells_its_context_and_its_parsers():
    answers = {**listed("glm-4.6", owner="sglang"),
               "/get_model_info": {"model_path": "zai-org/GLM-4.6", "is_generation": True, "has_image_understanding": False},
               "/get_server_info": {"context_length": 65536, "tool_call_parser": "glm45",
                                    "reasoning_parser": None}}  # fmt: skip
    (server,), _, _ = await found(answers)
    assert (server.provider, server.models[0].offer) == ("sglang", Offer(65536, True, False, False))


async def test_vllm_tells_its_context_in_its_list():
    (server,), asked, _ = await found(listed("zai-org/GLM-4.5-Air", owner="vllm", max_model_len=131072), guess="sglang")
    assert (server.provider, server.models[0].context_tokens) == ("vllm", 131072)
    assert server.models[0].offer == Offer(), "it says nothing of tools, so nothing is known"
    assert asked == [("GET", "/v1/models")]


@pytest.mark.parametrize(
    "nonsense", [{"default_generation_settings": 5, "chat_template": 7, "modalities": []}, ["x"], {"a": 1}]
)
async def test_a_server_that_answers_nonsense_is_still_a_server(nonsense):
    (server,), _, _ = await found({**listed("m", owner="llamacpp"), "/props": nonsense})
    assert server.models[0].offer == Offer()
