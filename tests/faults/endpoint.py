"""A model server that works until it is told to fail, by aiohttp: OpenAI-compatible.

A sound conversation: one shell command that appends `A` to a ledger, then the result that cites it. `fault` is what
happens to every request after the command; None: it works.
"""

import json
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from aiohttp import web

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
"""Nobody has signed it, and nobody should believe it."""
Handler = Callable[["Endpoint", web.Request], Awaitable[web.StreamResponse]]
STREAM = {"content-type": "text/event-stream"}


class Endpoint:
    """What a test holds in its hand."""

    def __init__(self) -> None:
        self.fault: Handler | None = None
        self.faulty = 0
        """Requests that were answered by the fault."""
        self.base_url = ""
        self.done: list[str] = []
        """The command's output, once it was seen: a prompt that overflows has only its first line."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        said = [str(m.get("content")) for m in asked["messages"] if m["role"] == "tool"]
        critic = any(t["function"]["name"] == "verdict" for t in asked.get("tools", []))
        self.done = done = [x for x in said if "wrote A" in x] or self.done
        if (done or critic) and self.fault is not None:
            self.faulty += 1
            return await self.fault(self, request)
        return await _sse(request, sound(critic=critic, done=done))


def sound(*, critic: bool = False, done: list[str]) -> bytes:
    """The bytes of the right answer."""
    if critic:
        name, arguments = "verdict", {"outcome": "passed", "reason": "it is in the ledger"}
    elif done:
        call = done[-1][1 : done[-1].index("]")]
        claim = {"claim": "A was written", "call": call, "quote": "wrote A"}
        name, arguments = "finish", {"result": "wrote A: 好", "claims": [claim]}
    else:
        name, arguments = "shell", {"command": "echo A >> ledger.txt; echo wrote A"}
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    calls = [{"index": 0, "id": "call_0", "function": function}]
    first = {"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": None}]}
    last: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    last["usage"] = {"prompt_tokens": 100, "completion_tokens": 10}
    return b"".join(_event(x) for x in (first, last)) + b"data: [DONE]\n\n"


def _event(chunk: Any) -> bytes:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def text(content: str) -> bytes:
    return _event({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]})


async def _sse(request: web.Request, *pieces: bytes, pause: float = 0.0) -> web.StreamResponse:
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
        if pause:
            await anyio.sleep(pause)
    await response.write_eof()
    return response


# -- faults -----------------------------------------------------------------------------------------------------------


def status(code: int, body: Any = "", **headers: str) -> Handler:
    async def act(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if isinstance(body, str):
            return web.Response(status=code, text=body, headers=named)
        return web.json_response(body, status=code, headers=named)

    return act


def once(handler: Handler) -> Handler:
    """The first time only; after that it works."""

    async def act(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        endpoint.fault = None
        return await handler(endpoint, request)

    return act


def stream(*pieces: bytes) -> Handler:
    """An event stream that ends in order after these bytes."""

    async def act(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        return await _sse(request, *pieces)

    return act


def page(data: bytes, kind: str) -> Handler:
    async def act(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, headers={"content-type": kind})

    return act


async def half_a_stream(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    await response.write(text("I will now "))
    assert request.transport is not None
    request.transport.close()
    return response


async def nothing(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    await anyio.sleep_forever()
    raise AssertionError


async def reset(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    raw = request.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return web.Response()


async def silence_in_the_middle(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    await response.write(b": begun\n\n")
    await anyio.sleep_forever()
    return response


async def signs_of_life(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    """Comments, as some servers send them while they think, and nothing else ever."""
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    while True:
        await response.write(b": still here\n\n")
        await anyio.sleep(0.05)


async def endless(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    """Words without end, as fast as they are taken."""
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    while True:
        await response.write(text("again and again " * 500) * 20)


async def slow_but_whole(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    critic = any(t["function"]["name"] == "verdict" for t in asked.get("tools", []))
    data = sound(critic=critic, done=endpoint.done)
    return await _sse(request, *(data[i : i + 16] for i in range(0, len(data), 16)), pause=0.01)


@asynccontextmanager
async def serving(*, tls: bool = False) -> AsyncGenerator[Endpoint]:
    """A running endpoint on a free port."""
    endpoint = Endpoint()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.answer)
    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
    runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = runner.addresses[0][1]
        endpoint.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
        yield endpoint
    finally:
        await runner.cleanup()
