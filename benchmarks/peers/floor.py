"""The floor: a bare tool loop, and what it costs to make its events durable. No system can be cheaper for that.

Variants, HTTP client and log
    raw                 asyncio streams; the request grows by appending bytes
    raw-log-2           two appends to a file, each synced
    raw-group-2         two appends; one sync, in a thread, is shared by all who wait for it
    aiohttp             aiohttp; the whole list of messages is encoded anew for every call
    aiohttp-sqlite-2    two commits to SQLite (WAL, synchronous=FULL)
    aiohttp-sqlite-4    four commits

Two commits a step are the fewest with which nothing acknowledged is lost and nothing is begun unrecorded: the reply
with the tool's intent before the tool starts; the tool's receipt with the next call's intent before the next call. Four
are one for each event: call begun, reply, tool begun, receipt. The files are made large before they are measured, because
a sync is dearer where a file has to grow.
"""

import asyncio
import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from peers.driving import INSTRUCTIONS, Setting

if TYPE_CHECKING:
    import aiohttp

Json = dict[str, Any]

SCHEMA: Json = {
    "type": "function",
    "function": {
        "name": "step",
        "description": "Do step i and report its result.",
        "parameters": {"type": "object", "properties": {"i": {"type": "integer"}}, "required": ["i"]},
    },
}


ROOM = 6 << 20
"""Bytes made beforehand."""


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class NoLog:
    """Nothing is durable."""

    async def put(self, task: str, *events: Json) -> None:
        return

    def read(self, task: str) -> list[Json]:
        return []

    def close(self) -> None:
        return


class SyncedFile(NoLog):
    """A line for each event; synced once for all that come together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR)
        self._end = len(path.read_bytes().rstrip(b"\0"))
        if self._end == 0:
            os.write(self._fd, bytes(ROOM))
            os.fsync(self._fd)

    def _write(self, task: str, events: Sequence[Json]) -> None:
        self._end += os.pwrite(self._fd, b"".join(encoded([task, event]) + b"\n" for event in events), self._end)

    async def put(self, task: str, *events: Json) -> None:
        self._write(task, events)
        os.fdatasync(self._fd)

    def read(self, task: str) -> list[Json]:
        lines = [json.loads(line) for line in self._path.read_bytes().rstrip(b"\0").splitlines()]
        return [event for owner, event in lines if owner == task]

    def close(self) -> None:
        os.ftruncate(self._fd, self._end)


class GroupedFile(SyncedFile):
    """Whoever comes while a sync is under way shares the next one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._next: asyncio.Future[None] | None = None
        self._syncing = False

    async def put(self, task: str, *events: Json) -> None:
        self._write(task, events)
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
        waited = self._next
        if not self._syncing:
            self._sync(loop)
        await waited

    def _sync(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._next = self._next, None
        self._syncing = waiting is not None
        if waiting is None:
            return

        def synced(done: asyncio.Future[None]) -> None:
            waiting.set_result(done.result())
            self._sync(loop)

        loop.run_in_executor(None, os.fdatasync, self._fd).add_done_callback(synced)


class Sqlite(NoLog):
    """One commit for all events that come together."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS events (task TEXT, seq INTEGER PRIMARY KEY, body BLOB)")
        self._db.execute("CREATE TABLE room (body BLOB)")
        self._db.execute("INSERT INTO room VALUES (zeroblob(?))", (ROOM,))
        self._db.execute("DROP TABLE room")
        self._db.execute("PRAGMA wal_checkpoint(RESTART)")  # the log keeps its size and begins anew

    async def put(self, task: str, *events: Json) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for event in events:
            self._db.execute("INSERT INTO events (task, body) VALUES (?, ?)", (task, encoded(event)))
        self._db.execute("COMMIT")

    def read(self, task: str) -> list[Json]:
        rows = self._db.execute("SELECT body FROM events WHERE task = ? ORDER BY seq", (task,))
        return [json.loads(body) for (body,) in rows]

    def close(self) -> None:
        self._db.execute("VACUUM")
        self._db.close()


class RawHttp:
    """Connections kept alive, and just enough HTTP/1.1 for the mock server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._head = f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, body: bytes) -> Json:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        writer.write(
            f"{self._head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        answer = json.loads(await reader.readexactly(length))
        self._idle.append((reader, writer))
        return answer["choices"][0]["message"]


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._client, *rest = setting.variant.split("-")
        self._commits = int(rest[1]) if rest else 0
        self._log = NoLog()
        if rest:
            kind = {"log": SyncedFile, "group": GroupedFile, "sqlite": Sqlite}[rest[0]]
            self._log = kind(setting.folder / "events")
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        if self._client == "raw":
            self._raw = RawHttp(self._setting.url)
        else:
            import aiohttp

            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def stop(self) -> None:
        self._log.close()
        if self._session is not None:
            await self._session.close()

    def _first(self, task: str) -> list[Json]:
        goal = self._setting.goal(task)
        return [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": goal}]

    async def run(self, task: str) -> str:
        return await self._go_on(task, self._first(task))

    async def resume(self, task: str) -> str:
        """A call whose intent stands without a receipt is made again: a bare loop knows nothing better."""
        messages = self._first(task) + [x for x in self._log.read(task) if "role" in x]
        last = messages[-1]
        if last.get("tool_calls"):
            messages.append(await self._act(task, last["tool_calls"][0]))
        return await self._go_on(task, messages)

    async def _go_on(self, task: str, messages: list[Json]) -> str:
        body = bytearray(encoded(self._request(messages))[:-2]) if self._client == "raw" else None
        one_each = self._commits == 4
        while True:
            if one_each:
                await self._log.put(task, {"event": "call"})
            reply = await self._ask(messages, body)
            calls: list[Json] = reply.get("tool_calls") or []
            if one_each:
                await self._log.put(task, reply)
            if not calls:
                await self._log.put(task, *([] if one_each else [reply]), {"event": "end"})
                return str(reply["content"])
            intents = [{"event": "intent", "call": call["id"]} for call in calls]
            await self._log.put(task, *([] if one_each else [reply]), *intents)
            fresh = [reply, *[await self._act(task, call) for call in calls]]
            if body is not None:
                body += b"".join(b"," + encoded(x) for x in fresh)
            else:
                messages += fresh

    async def _act(self, task: str, call: Json) -> Json:
        text = await self._setting.step(json.loads(call["function"]["arguments"])["i"])
        receipt: Json = {"role": "tool", "tool_call_id": call["id"], "content": text}
        await self._log.put(task, receipt, *([] if self._commits == 4 else [{"event": "call"}]))
        return receipt

    def _request(self, messages: list[Json]) -> Json:
        return {"model": self._setting.model, "tools": [SCHEMA], "messages": messages}

    async def _ask(self, messages: list[Json], body: bytearray | None) -> Json:
        if body is not None:
            return await self._raw.post(bytes(body) + b"]}")
        assert self._session is not None
        url, headers = f"{self._setting.url}/chat/completions", {"content-type": "application/json"}
        async with self._session.post(url, data=encoded(self._request(messages)), headers=headers) as response:
            return json.loads(await response.read())["choices"][0]["message"]
