"""The HTTP client under the drivers: aiohttp, because it stands a thousand streams at once.

Measured against httpx2 and bare sockets (benchmarks/http_clients.py): at 1,000 callers httpx2 needs ten times the CPU.
One connection pool for all drivers. Three deadlines stand where the code waits: to connect, to the first byte of the
answer, and between two pieces of it; there is none for the whole, because a model may rightly talk for an hour.
Cancelling closes the socket. Redirects are not followed: a key must not travel to another host.
Above: `driver`, `discover`. Below: aiohttp. Runs on asyncio only.
"""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import anyio
from msgspec import Struct

if TYPE_CHECKING:
    import aiohttp

PIECE = 1 << 16


class Deadlines(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 180.0


PATIENT = Deadlines(first_byte=3600.0, idle=1800.0)
"""For servers on this machine: one core may read a long prompt for half an hour, and no network is there to lose it."""


def is_loopback(url: str) -> bool:
    """The address is on this machine."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


class Broken(Exception):
    """The connection failed us. Never leaves this package."""

    def __init__(self, stage: Literal["connect", "send", "read"], text: str) -> None:
        super().__init__(text)
        self.stage = stage
        """`connect`: nobody answers. `send`: perhaps read, no answer came. `read`: cut in the middle."""


class Response:
    """An answer whose body is still on its way."""

    def __init__(self, raw: "aiohttp.ClientResponse", deadlines: Deadlines, waiting: anyio.CancelScope) -> None:
        self._raw = raw
        self._idle = deadlines.idle
        self.patience = deadlines.first_byte
        """Seconds in which something must be said; a server may send signs of life meanwhile."""
        self._waiting = waiting
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.content_type = raw.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def piece(self) -> bytes:
        """What came next; empty at the end. Raises: Broken."""
        import aiohttp

        self._waiting.deadline = anyio.current_time() + self._idle
        try:
            return await self._raw.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise Broken("read", "the connection was closed in the middle of the answer") from error

    async def body(self, limit: int = 32 << 20) -> bytes:
        """The rest, at most `limit` bytes. Raises: Broken."""
        pieces: list[bytes] = []
        size = 0
        while size < limit and (piece := await self.piece()):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)[:limit]

    async def drain(self) -> None:
        """All that matters was read: let the rest come for a moment, so that the connection can be used again."""
        import aiohttp

        if self._raw.content.at_eof():
            return
        with anyio.move_on_after(0.2), suppress(aiohttp.ClientError, OSError):
            while await self._raw.content.readany():
                pass


class Exchange:
    """One request and its answer: sent when it is entered, which gives the answer once its head is there. Leaving closes
    what was not read to its end.

    Raises:
        Broken: No answer, or it broke off.
    """

    def __init__(self, send: "Callable[[], Awaitable[aiohttp.ClientResponse]]", times: Deadlines) -> None:
        self._send = send
        self._times = times
        # One clock for the whole exchange, set anew before every piece.
        self._waiting = anyio.CancelScope()
        self._raw: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> Response:
        self._waiting.deadline = anyio.current_time() + self._times.first_byte
        self._waiting.__enter__()
        try:
            self._raw = await self._send()
        except BaseException as error:
            self._leave(type(error), error, error.__traceback__)
            raise
        return Response(self._raw, self._times, self._waiting)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._raw is not None:
            self._raw.release() if self._raw.content.at_eof() else self._raw.close()
        self._leave(kind, error, trace)

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises: Broken when it was the clock that ended the exchange."""
        self._waiting.__exit__(kind, error, trace)
        if self._waiting.cancelled_caught and self._raw is not None:
            raise Broken("read", f"nothing came for {self._times.idle:g} s")
        if self._waiting.cancelled_caught:
            raise Broken("send", f"no answer began within {self._times.first_byte:g} s")


class HttpClient:
    """A shared pool of connections."""

    def __init__(self, *, deadlines: Deadlines | None = None, proxies: Mapping[str, str] | None = None) -> None:
        """
        Args:
            proxies: `http`, `https`, `no` to an address or a list of hosts, as the environment variables say.
        """
        self.deadlines = deadlines or Deadlines()
        self.proxies = dict(proxies or {})
        """May be replaced at any time."""
        self._session: aiohttp.ClientSession | None = None

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None,
        deadlines: Deadlines | None = None,
    ) -> "Exchange":  # fmt: skip
        """A request to be made, and its answer: see `Exchange`."""
        times = deadlines or self.deadlines
        data = [] if body is None else [body]
        return Exchange(lambda: self._send(method, url, headers, data, times), times)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: list[bytes], times: Deadlines
    ) -> "aiohttp.ClientResponse":
        """`body` is taken out, so that no frame keeps it while the answer is awaited."""
        import aiohttp

        from glmos.models.body import OneTimeBody

        timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=times.connect, sock_read=None)
        try:
            return await self._pool().request(
                method, url, data=OneTimeBody(body.pop()) if body else None,
                headers={"Accept-Encoding": "identity", **headers}, timeout=timeout, allow_redirects=False,
                proxy=self._proxy_for(url),
            )  # fmt: skip
        except TimeoutError as error:
            raise Broken("connect", f"no connection within {times.connect:g} s") from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, ssl.SSLError) as error:
            raise Broken("connect", _reason(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Broken("send", "the connection was closed before an answer began") from error

    async def aclose(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _pool(self) -> "aiohttp.ClientSession":
        import aiohttp

        if self._session is None:
            # No limit on connections here: how many calls run at once is decided by `limits`, in the open.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _proxy_for(self, url: str) -> str | None:
        parts = urlsplit(url)
        if not self.proxies or parts.hostname is None or is_loopback(url):
            return None
        host = str(parts.hostname)
        for entry in map(str.strip, self.proxies.get("no", "").split(",")):
            name = entry.lstrip("*.")
            if entry == "*" or (name and (name == host or host.endswith(f".{name}"))):
                return None
        return self.proxies.get(parts.scheme)


def _reason(error: Exception) -> str:
    """Why there is no connection, in a few words."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its host name is not known"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError | ssl.SSLError):
        return "its certificate could not be verified"
    cause = getattr(error, "os_error", None)
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, aiohttp.InvalidURL):
        return "the address is no URL"
    return str(getattr(cause, "strerror", "") or "no connection")
