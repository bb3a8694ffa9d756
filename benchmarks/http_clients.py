"""Which HTTP client stands hundreds of model streams at once?

A mock server in a process of its own answers every request after a fixed latency with a chunked event stream. Each
client runs in a fresh process, with as many concurrent callers as asked, each making its requests one after the other
over one shared client, and reads every event. `raw` is asyncio streams without an HTTP library: the floor. `glmos` is
the whole driver of GLM-OS, which also understands what it reads.

    python benchmarks/http_clients.py                         # 200 and 1,000 callers, every client
    python benchmarks/http_clients.py --callers 200 --clients aiohttp raw

Prints a Markdown table. Ideal wall time is requests per caller times the latency.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import anyio

EVENTS = 20
LATENCY = 0.1
BODY = json.dumps({"model": "mock", "stream": True, "messages": [{"role": "user", "content": "x" * 2000}]}).encode()


def event(number: int) -> bytes:
    choice = {
        "index": 0,
        "delta": {"content": f"word{number} "},
        "finish_reason": None if number < EVENTS - 1 else "stop",
    }
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# -- the server -------------------------------------------------------------------------------------------------------


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keep-alive HTTP/1.1, just enough for the clients measured."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    parts = [chunk(event(i)) for i in range(EVENTS)] + [chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
    first, rest = head + b"".join(parts[: EVENTS // 2]), b"".join(parts[EVENTS // 2 :])
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(h.split(b":")[1]) for h in request.lower().split(b"\r\n") if h.startswith(b"content-le"))
            await reader.readexactly(length)
            await asyncio.sleep(LATENCY / 2)
            writer.write(first)
            await asyncio.sleep(LATENCY / 2)
            writer.write(rest)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# -- the clients ------------------------------------------------------------------------------------------------------

Call = Callable[[], Awaitable[int]]


async def with_aiohttp(url: str, run: Callable[[Call], Awaitable[None]]) -> None:
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call() -> int:
            seen = 0
            async with session.post(url, data=BODY, headers={"content-type": "application/json"}) as response:
                async for line in response.content:
                    seen += line.startswith(b"data: {")
            return seen

        await run(call)


async def with_httpx2(url: str, run: Callable[[Call], Awaitable[None]]) -> None:
    import httpx2

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(limits=limits, timeout=120) as client:

        async def call() -> int:
            seen = 0
            async with client.stream(
                "POST", url, content=BODY, headers={"content-type": "application/json"}
            ) as response:
                async for line in response.aiter_lines():
                    seen += line.startswith("data: {")
            return seen

        await run(call)


async def with_raw(url: str, run: Callable[[Call], Awaitable[None]]) -> None:
    port = urlsplit(url).port
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(BODY)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call() -> int:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + BODY)
        await reader.readuntil(b"\r\n\r\n")
        seen = 0
        while size := int((await reader.readline()).strip(), 16):
            seen += (await reader.readexactly(size + 2)).startswith(b"data: {")
        await reader.readline()
        idle.append((reader, writer))
        return seen

    await run(call)
    for _, writer in idle:
        writer.close()


async def with_glmos(url: str, run: Callable[[Call], Awaitable[None]]) -> None:
    """The whole driver: limits, request building, JSON of every event, the reply with its usage."""
    from glmos.abi.messages import Message, ModelRequest
    from glmos.models.driver import Endpoint, HttpDriver
    from glmos.models.http import HttpClient
    from glmos.models.profiles import Profile

    client = HttpClient()
    endpoint = Endpoint("mock", "compatible", url.removesuffix("/chat/completions"), "mock", Profile())
    driver = HttpDriver(endpoint, client)
    request = ModelRequest(messages=(Message("user", "x" * 2000),))

    async def call() -> int:
        return len((await driver.complete(request)).content.split())

    await run(call)
    await client.aclose()


CLIENTS: dict[str, Any] = {"raw": with_raw, "aiohttp": with_aiohttp, "httpx2": with_httpx2, "glmos": with_glmos}


async def measure(client: str, url: str, callers: int, requests: int) -> None:
    """Print one JSON line: wall and CPU seconds from the first request to the last event, memory at the end."""

    async def run(call: Call) -> None:
        async def caller() -> None:
            for _ in range(requests):
                seen = await call()
                if seen != EVENTS:
                    raise SystemExit(f"{client} saw {seen} events of {EVENTS}")

        wall, cpu = time.perf_counter(), time.process_time()
        async with anyio.create_task_group() as group:
            for _ in range(callers):
                group.start_soon(caller)
        figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**figures, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))

    await CLIENTS[client](url, run)


# -- the front --------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--requests", type=int, default=5, help="requests of each caller, one after the other")
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=list(CLIENTS))
    parser.add_argument("--role", choices=["server", "client"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    if options.role == "server":
        asyncio.run(serve())
        return
    if options.role == "client":
        anyio.run(measure, options.clients[0], options.url, options.callers[0], options.requests)
        return
    me = [sys.executable, __file__]
    server = subprocess.Popen([*me, "--role", "server"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1/chat/completions"
        print("| client | callers | requests each | ideal s | wall s | CPU s | CPU ms per request | peak MB |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|")
        for callers in options.callers:
            for client in options.clients:
                tail = ["--role", "client", "--url", url, "--clients", client, "--callers", str(callers)]
                done = subprocess.run(
                    [*me, *tail, "--requests", str(options.requests)],
                    stdout=subprocess.PIPE, text=True, check=True, timeout=600,
                )  # fmt: skip
                f = json.loads(done.stdout)
                each = f["cpu"] / callers / options.requests * 1000
                ideal = options.requests * LATENCY
                print(
                    f"| {client} | {callers:,} | {options.requests} | {ideal:.1f} | {f['wall']:.2f} | {f['cpu']:.2f} "
                    f"| {each:.2f} | {f['mb']:.0f} |",
                    flush=True,
                )
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
