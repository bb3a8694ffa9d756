"""One request and its answer over the home's socket. A connection is never used twice."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import h11
import msgspec
from anyio.abc import ByteStream

from glmos.abi.api import Problem
from glmos.abi.errors import DeviceError
from glmos.abi.wire import SOCKET_NAME
from glmos.client.problems import DaemonAbsent, DaemonGone, error_of


class Answer:
    """An answer that has begun to arrive."""

    def __init__(self, stream: ByteStream, connection: h11.Connection) -> None:
        self._stream = stream
        self._connection = connection
        self.status = 0

    async def _next(self) -> object:
        while True:
            try:
                event = self._connection.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._connection.receive_data(await self._stream.receive(65536))
            except anyio.EndOfStream:
                self._connection.receive_data(b"")
            except (h11.RemoteProtocolError, anyio.BrokenResourceError) as error:
                raise DaemonGone("The daemon ended before it had answered.") from error

    async def begin(self) -> None:
        event = await self._next()
        if not isinstance(event, h11.Response):
            raise DaemonGone("The daemon ended before it had answered.")
        self.status = event.status_code

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            event = await self._next()
            if not isinstance(event, h11.Data):
                return
            yield bytes(event.data)

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def lines(self) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line


async def _connect(home: Path) -> ByteStream:
    try:
        directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise DaemonAbsent(f"The home {str(home)!r} cannot be opened ({error.strerror}).") from error
    try:
        return await anyio.connect_unix(f"/proc/self/fd/{directory}/{SOCKET_NAME}")
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise DaemonAbsent(f"No daemon serves {str(home)!r}.") from error
    except OSError as error:
        raise DeviceError(f"The socket in {str(home)!r} cannot be opened ({error.strerror}).") from error
    finally:
        os.close(directory)


@asynccontextmanager
async def exchange(
    home: Path, method: str, target: str, body: object = None, *, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[Answer]:
    """Send a request to the daemon of `home`; give its answer when it begins.

    Raises:
        DaemonAbsent: Nothing was sent.
        DaemonGone: The daemon ended in between.
        GlmosError: What the daemon answered instead of a success.
    """
    data = b"" if body is None else msgspec.json.encode(body)
    fields = {"host": "glmosd", "content-length": str(len(data)), "connection": "close", **(headers or {})}
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(method=method, target=target, headers=list(fields.items()))
    async with await _connect(home) as stream:
        try:
            await stream.send((connection.send(request) or b"") + (connection.send(h11.Data(data=data)) or b""))
            connection.send(h11.EndOfMessage())
        except anyio.BrokenResourceError as error:
            raise DaemonGone("The daemon ended before it had read the request.") from error
        answer = Answer(stream, connection)
        await answer.begin()
        if answer.status != 200:
            raise error_of(msgspec.json.decode(await answer.body(), type=Problem))
        yield answer
