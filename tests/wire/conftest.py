"""A model server of bytes: it answers each request with the next of a list of scripted acts, faults included.

    server.answer(sse(chunk(content="hello"), chunk(finish="stop")))
    server.answer(Act(status=429, headers={"retry-after": "2"}, body=b"{}"), sse(...))

Nothing in it knows HTTP libraries or GLM-OS: what the driver under test sends is parsed by hand and kept.
"""

import json
import socket
import struct
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import msgspec
import pytest

from glmos.abi.messages import Message, ModelRequest
from glmos.models.driver import Endpoint, HttpDriver, Sent
from glmos.models.http import Deadlines, HttpClient
from glmos.models.keys import Key
from glmos.models.prices import Price
from glmos.models.profiles import profile_for, provider

SECRET = "zk-secret-0123456789abcdef"


@dataclass
class Act:
    """One answer. `pieces` are written one after the other; an event between them waits until a test sets it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    pieces: Sequence[bytes | anyio.Event] = ()
    end: str = "done"
    """`done`: the chunked body ends properly. `close`: the connection ends in the middle. `reset`: it is reset.
    `hang`: nothing more comes. `drop`: closed before any answer. `silent`: no answer at all."""


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: Any


def sse(*chunks: Any, done: bool = True, newline: str = "\n", **act: Any) -> Act:
    """An event stream; strings are lines as they are, everything else is JSON after `data:`."""
    lines = [c if isinstance(c, str) else f"data: {json.dumps(c, ensure_ascii=False)}" for c in chunks]
    text = "".join(f"{line}{newline}{newline}" for line in [*lines, *(["data: [DONE]"] if done else [])])
    return Act(pieces=[text.encode()], **act)


def chunk(finish: str | None = None, usage: Any = None, **delta: Any) -> dict[str, Any]:
    """A chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "model": "served", "choices": [choice], **({"usage": usage} if usage else {})}


def fragment(
    index: int | None = None, call_id: str | None = None, name: str | None = None, arguments: Any = None
) -> Any:
    """A piece of a tool call."""
    function = {k: v for k, v in {"name": name, "arguments": arguments}.items() if v is not None}
    return {k: v for k, v in {"index": index, "id": call_id, "function": function}.items() if v is not None}


def refusal(status: int, body: Any, **headers: str) -> Act:
    data = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
    kind = "text/html" if data.lstrip().startswith(b"<") else "application/json"
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return Act(status=status, headers={"content-type": kind, **named}, pieces=[data])


class MockServer:
    """Listens on a free port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.received: list[Received] = []
        self.connections = 0
        self.closed_early = 0
        """Connections the client closed while an answer was on its way."""
        self.client_left = anyio.Event()
        self.answering = anyio.Event()
        """Set when the first piece of an answer has been written."""
        self.models: list[dict[str, Any]] = []
        self._acts: list[Act] = []

    def answer(self, *acts: Act) -> None:
        self._acts += acts

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        self.connections += 1
        async with stream:
            try:
                while await self._exchange(stream):
                    pass
            except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError):
                pass

    async def _exchange(self, stream: anyio.abc.SocketStream) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
        while len(body) < int(headers.get("content-length", 0)):
            body += await stream.receive()
        path = first.split()[1]
        if first.startswith("GET"):
            known = bool(self.models) and path.endswith("/models")
            await self._write(stream, refusal(200 if known else 404, {"object": "list", "data": self.models}))
            return True
        if path.startswith("/api/"):  # Ollama's own questions, which a test of chat completions is not about
            return await self._write(stream, refusal(404, {"error": "not found"}))
        self.received.append(Received(path, headers, json.loads(body)))
        act = self._acts.pop(0) if self._acts else refusal(500, "the test scripted no answer for this request")
        return await self._write(stream, act)

    async def _write(self, stream: anyio.abc.SocketStream, act: Act) -> bool:
        if act.end == "drop":
            return False
        if act.end == "silent":
            await self._until_left(stream)
            return False
        lines = [
            f"HTTP/1.1 {act.status} X",
            "transfer-encoding: chunked",
            *(f"{k}: {v}" for k, v in act.headers.items()),
        ]
        await stream.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        for piece in act.pieces:
            if isinstance(piece, anyio.Event):
                await piece.wait()
                continue
            await stream.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.answering.set()
        if act.end == "hang":
            await self._until_left(stream)
            return False
        if act.end == "reset":
            raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if act.end == "done":
            await stream.send(b"0\r\n\r\n")
        return act.end == "done"

    async def _until_left(self, stream: anyio.abc.SocketStream) -> None:
        try:
            await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            self.closed_early += 1
            self.client_left.set()


@asynccontextmanager
async def running_server() -> AsyncGenerator[MockServer]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server = MockServer(listener.extra(anyio.abc.SocketAttribute.local_port))
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        yield server
        group.cancel_scope.cancel()


@dataclass
class Bench:
    """A mock server and drivers that talk to it."""

    server: MockServer
    client: HttpClient
    sent: list[Sent] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def driver(
        self, model: str = "m", at: str = "compatible", *, price: Price | None = None, key: str = SECRET,
        overrides: dict[str, Any] | None = None, base_url: str = "", **options: Any,
    ) -> HttpDriver:  # fmt: skip
        """A driver as the routes would build it, but for the address, and with pauses that take no time."""
        entry = provider(at)
        endpoint = Endpoint(
            name="test", provider=at, base_url=base_url or self.server.base_url, model=model, wire=entry.wire,
            profile=profile_for(at, model, overrides=overrides), key=Key((entry.key_env or ("",))[0], key),
            key_header=entry.key_header, headers=entry.headers, codes=entry.codes, price=price,
        )  # fmt: skip

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            await anyio.lowlevel.checkpoint()

        options = {"on_request": self.sent.append, "pause": pause, "chance": lambda: 0.5, **options}
        return HttpDriver(endpoint, self.client, **options)


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    client = HttpClient(deadlines=Deadlines(connect=5, first_byte=5, idle=5))
    async with running_server() as server:
        yield Bench(server, client)
        await client.aclose()


@pytest.fixture
def wire() -> Any:
    """The builders of scripted answers, as attributes."""

    class Builders:
        pass

    for tool in (Act, sse, chunk, fragment, refusal):
        setattr(Builders, tool.__name__, staticmethod(tool) if not isinstance(tool, type) else tool)
    return Builders


@pytest.fixture
def ask() -> Callable[..., ModelRequest]:
    """A request from messages or from one sentence."""

    def make(*messages: Message | str, **fields: Any) -> ModelRequest:
        turns: Iterable[Message] = (Message("user", m) if isinstance(m, str) else m for m in messages or ("hi",))
        return msgspec.structs.replace(ModelRequest(messages=tuple(turns)), **fields)

    return make
