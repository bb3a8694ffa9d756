"""Carrying out one request: errors become problems, long answers end when the caller or the daemon goes."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from glmos.abi.api import Problem
from glmos.abi.errors import ConflictError, DeviceError, GlmosError, NotFoundError, RefusedError, UsageError
from glmos.abi.wire import ENVIRONMENT_HEADER, LOG_NAME, StreamLine
from glmos.daemon.lifetime import Lifetime
from glmos.ports import System

log = logging.getLogger("glmosd")
T = TypeVar("T")

STATUS_CODES = {"usage": 400, "refused": 403, "not_found": 404, "conflict": 409, "bug": 500, "device": 503}
STOPPED = Problem(
    error="The daemon was stopped; nothing is lost, and the next glmos command starts it again.", kind="device"
)


@runtime_checkable
class UsesEnvironment(Protocol):
    """A system that takes the caller's model keys, because the daemon outlives the terminal they were set in."""

    def use_environment(self, environment: Mapping[str, str]) -> None:
        """Called in the same task right before the call it came with."""
        ...


class Call(NamedTuple):
    """What an endpoint is given."""

    system: System
    lifetime: Lifetime
    request: Request
    raw: bytes

    @property
    def pid(self) -> int:
        return _whole(self.request.path_params["pid"], "a process number: `glmos ps --all` lists them")

    @property
    def after(self) -> int:
        """The query's `after`; 0 without one."""
        return self.number("after") or 0

    def number(self, name: str) -> int | None:
        """A whole number of the query; None without it."""
        text = self.request.query_params.get(name)
        return None if text is None else _whole(text, f"what {name!r} must be: give a whole number from 0 up")

    def body(self, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(self.raw or b"{}", type=kind)
        except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
            raise UsageError(f"The body sent to {self.request.url.path!r} is wrong: {error}.") from error


def _whole(text: str, what: str) -> int:
    """Raises: UsageError for anything that is not a number of at most 18 digits, which every store can hold."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise UsageError(f"{text[:40]!r} is not {what}.")
    return int(text)


class Ask(NamedTuple):
    """An endpoint that answers soon. It is carried through even when the caller has gone."""

    answer: Callable[[Call], Awaitable[object]]


class Wait(NamedTuple):
    """An endpoint that may take hours. It ends when the caller goes or the daemon stops."""

    answer: Callable[[Call], Awaitable[object]]


class Stream(NamedTuple):
    """An endpoint that answers with lines for as long as there are any."""

    lines: Callable[[Call], AsyncIterator[StreamLine]]


Endpoint = Ask | Wait | Stream


def problem_of(error: Exception) -> Problem:
    """The one sentence for a person, and who should act."""
    match error:
        case UsageError():
            return Problem(error=str(error), kind="usage")
        case NotFoundError():
            return Problem(error=str(error), kind="not_found")
        case ConflictError():
            return Problem(error=str(error), kind="conflict")
        case RefusedError():
            return Problem(error=str(error), kind="refused")
        case DeviceError():
            return Problem(error=str(error), kind="device")
        case GlmosError():
            return Problem(error=str(error), kind="bug")
        case _:
            log.error("unexpected", exc_info=error)
            what = f"{type(error).__name__}: {error}".rstrip(": ")
            return Problem(error=f"GLM-OS met a bug ({what}); the details are in {LOG_NAME} in its home.", kind="bug")


class Served:
    """An endpoint as the web framework calls it."""

    def __init__(self, endpoint: Endpoint, system: System, lifetime: Lifetime) -> None:
        self._endpoint = endpoint
        self._system = system
        self._lifetime = lifetime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        with self._lifetime.request():
            try:
                call = Call(self._system, self._lifetime, request, await request.body())
            except ClientDisconnect:
                return
            match self._endpoint:
                case Ask(answer):
                    await _json(await self._outcome(answer, call))(scope, receive, send)
                case Wait(answer):
                    await self._wait(answer, call, send)
                case Stream(lines):
                    await self._stream(lines, call, send)

    async def _outcome(self, answer: Callable[[Call], Awaitable[object]], call: Call) -> object:
        try:
            self._lend_environment(call.request)
            return await answer(call)
        except Exception as error:  # the boundary: what went wrong becomes an answer
            return problem_of(error)

    def _lend_environment(self, request: Request) -> None:
        text = request.headers.get(ENVIRONMENT_HEADER)
        if text is not None and isinstance(self._system, UsesEnvironment):
            try:
                environment = msgspec.json.decode(text, type=dict[str, str])
            except (ValueError, RecursionError) as error:
                # Without its words: they may hold a key.
                raise UsageError(f"The header {ENVIRONMENT_HEADER!r} is no JSON object of texts.") from error
            self._system.use_environment(environment)

    async def _wait(self, answer: Callable[[Call], Awaitable[object]], call: Call, send: Send) -> None:
        outcome: object = STOPPED

        async def work() -> None:
            nonlocal outcome
            outcome = await self._outcome(answer, call)

        if await self._until_gone(work, call.request.receive):
            await _json(outcome)(call.request.scope, call.request.receive, send)

    async def _stream(self, lines: Callable[[Call], AsyncIterator[StreamLine]], call: Call, send: Send) -> None:
        async def write(line: StreamLine, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": msgspec.json.encode(line) + b"\n", "more_body": more})

        outcome = [STOPPED]

        async def work() -> None:
            try:
                async for line in lines(call):
                    await write(line)
                outcome.clear()
            except Exception as error:  # the boundary: what went wrong becomes the last line
                outcome[:] = [problem_of(error)]

        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")],
            }
        )
        if await self._until_gone(work, call.request.receive):
            for problem in outcome:
                await write(StreamLine(problem=problem))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_gone(self, work: Callable[[], Awaitable[None]], receive: Callable[[], Awaitable[Any]]) -> bool:
        """Run `work` to its end, or until the daemon stops (then True too), or the caller goes (then False)."""
        gone = False
        async with anyio.create_task_group() as group:

            async def watch_caller() -> None:
                nonlocal gone
                while (await receive())["type"] != "http.disconnect":
                    pass
                gone = True
                group.cancel_scope.cancel()

            async def watch_daemon() -> None:
                await self._lifetime.stopping.wait()
                group.cancel_scope.cancel()

            group.start_soon(watch_caller)
            group.start_soon(watch_daemon)
            await work()
            group.cancel_scope.cancel()
        return not gone


def _json(outcome: object) -> Response:
    status = STATUS_CODES[outcome.kind] if isinstance(outcome, Problem) else 200
    return Response(msgspec.json.encode(outcome), status, media_type="application/json")
