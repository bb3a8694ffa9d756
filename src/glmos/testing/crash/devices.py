"""Tools whose effects land outside the home, one for each way in which an interrupted call can be settled.

    ping     pure            made again
    post     irreversible    probed: the server knows
    letter   irreversible    no probe: a person is asked
    booking  compensable     probed; `cancel` undoes `book`

Each waits a little before and after its effect, so that a crash finds it in every state.
"""

import http.client
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import anyio
import anyio.to_thread
from msgspec.structs import replace

from glmos.abi.tools import ProbeResult, ToolCall, ToolResult
from glmos.ports import Tool, ToolContext
from glmos.tools.declare import ActionTool, action, tool


def devices(url: str, ledger: Path) -> list[Tool]:
    """The tools of a home whose outside is at `url` and in `ledger`."""

    async def probe(call: ToolCall, context: ToolContext) -> ProbeResult:
        return await _probe(url, call)

    @tool(effect="pure", reads=("network",))
    async def ping(call: ToolCall, tag: str, pause: float = 0.0) -> str:
        """Ask the server to note a sign of life."""
        return await _around(pause, lambda: _post(url, "ping", call, tag), f"pinged {tag}")

    @tool(effect="irreversible", writes=("network",), probe=probe)
    async def post(call: ToolCall, tag: str, pause: float = 0.0) -> str:
        """Post something that can never be taken back."""
        return await _around(pause, lambda: _post(url, "post", call, tag), f"posted {tag}")

    @tool(effect="irreversible", writes=("network",))
    async def letter(call: ToolCall, tag: str, pause: float = 0.0) -> str:
        """Send a letter. Nobody can find out later whether it was sent."""
        return await _around(pause, lambda: _write(ledger, call, tag), f"sent {tag}")

    return [ping, post, letter, Booking(url)]


class Booking(ActionTool, name="booking"):
    """Book something, or cancel a booking."""

    def __init__(self, url: str) -> None:
        self._url = url

    @action(effect="compensable", writes=("network",), compensated_by="cancel", can_probe=True)
    async def book(self, call: ToolCall, tag: str, pause: float = 0.0) -> ToolResult:
        """book it"""
        text = await _around(pause, lambda: _post(self._url, "book", call, tag), f"booked {tag}")
        return ToolResult(text=text, compensation=_cancelling(tag))

    @action(effect="compensable", writes=("network",), can_probe=True)
    async def cancel(self, call: ToolCall, tag: str, pause: float = 0.0) -> ToolResult:
        """cancel it"""
        text = await _around(pause, lambda: _post(self._url, "cancel", call, tag), f"cancelled {tag}")
        return ToolResult(text=text)

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        found = await _probe(self._url, call)
        if found.outcome == "happened" and call.action == "book":
            return replace(found, compensation=_cancelling(str(call.arguments["tag"])))
        return found


def _cancelling(tag: str) -> dict[str, Any]:
    return {"action": "cancel", "tag": tag}


async def _around(pause: float, effect: Callable[[], Awaitable[Any]], text: str) -> str:
    await anyio.sleep(pause / 2)
    await effect()
    await anyio.sleep(pause / 2)
    return text


async def _probe(url: str, call: ToolCall) -> ProbeResult:
    kinds = await _request(url, "GET", "/?" + urlencode({"pid": call.pid, "call": call.call}))
    kind = call.action if call.tool == "booking" else call.tool
    return ProbeResult("happened" if kind in kinds else "did_not_happen", f"the server has noted {kinds}")


async def _post(url: str, kind: str, call: ToolCall, tag: str) -> Any:
    return await _request(url, "POST", f"/{kind}", {"pid": call.pid, "call": call.call, "tag": tag})


async def _request(url: str, method: str, target: str, body: object = None) -> Any:
    def ask() -> Any:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        try:
            connection.request(method, target, None if body is None else json.dumps(body).encode())
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    return await anyio.to_thread.run_sync(ask)


async def _write(ledger: Path, call: ToolCall, tag: str) -> None:
    def write() -> None:
        descriptor = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"{call.pid} {call.call} {tag}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    await anyio.to_thread.run_sync(write)
