"""`ports.System` over the daemon's socket, with the same meaning and the same errors as in one process."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glmos.abi.api import (
    Explanation,
    Finding,
    ModelView,
    Progress,
    Report,
    RunRequest,
    SettingView,
    ToolView,
    UndoReport,
)
from glmos.abi.budgets import Limits
from glmos.abi.errors import UsageError
from glmos.abi.events import Entry, ProcessRow
from glmos.abi.ids import Pid, Seq
from glmos.abi.wire import (
    ENVIRONMENT_HEADER,
    AdjustBody,
    AnswerBody,
    ApprovalBody,
    CorrectionBody,
    ForkBody,
    PriorityBody,
    ShutdownBody,
    ShutdownReply,
    Started,
    StreamLine,
    UndoBody,
)
from glmos.client.direct import listing
from glmos.client.exchange import Answer, exchange
from glmos.client.problems import DaemonAbsent, DaemonGone, error_of

T = TypeVar("T")


class RemoteSystem:
    """The system of `home`, in its daemon.

    `environment` holds the caller's model keys; it goes along with the requests that may choose or call a
    model, and nowhere else. `revive` is called when nobody listens, and the request is made once more then.
    """

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str] | None = None,
        *,
        revive: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.home = home
        self._headers = {ENVIRONMENT_HEADER: json.dumps(dict(environment))} if environment else {}
        self._revive = revive

    @asynccontextmanager
    async def _exchange(
        self, method: str, target: str, body: object = None, *, keys: bool = False
    ) -> AsyncGenerator[Answer]:
        headers = self._headers if keys else {}
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(exchange(self.home, method, target, body, headers=headers))
            except DaemonAbsent:
                if self._revive is None:
                    raise
                await self._revive()
                answer = await stack.enter_async_context(exchange(self.home, method, target, body, headers=headers))
            yield answer

    async def _ask(self, method: str, target: str, kind: type[T], body: object = None, *, keys: bool = False) -> T:
        try:
            async with self._exchange(method, target, body, keys=keys) as answer:
                return msgspec.json.decode(await answer.body(), type=kind)
        except UnicodeEncodeError as error:
            raise UsageError("Text sent to the daemon must be valid UTF-8; a file name may not be.") from error

    async def _tell(self, pid: Pid, verb: str, body: object, *, keys: bool = False) -> None:
        await self._ask("POST", f"/processes/{pid}/{verb}", object, body, keys=keys)

    async def start(self, request: RunRequest) -> Pid:
        return (await self._ask("POST", "/processes", Started, request, keys=True)).pid

    async def wait(self, pid: Pid) -> Report:
        return await self._ask("GET", f"/processes/{pid}/wait", Report)

    async def report(self, pid: Pid) -> Report:
        return await self._ask("GET", f"/processes/{pid}", Report)

    async def processes(
        self, *, live_only: bool = True, awake_only: bool = False, limit: int | None = None
    ) -> list[ProcessRow]:
        target = listing(live_only=live_only, awake_only=awake_only, limit=limit)
        return await self._ask("GET", target, list[ProcessRow])

    async def log(self, pid: Pid, *, after: Seq = 0) -> list[Entry]:
        return await self._ask("GET", f"/processes/{pid}/log?after={after}", list[Entry])

    @asynccontextmanager
    async def follow(self, pid: Pid, *, after: Seq = 0) -> AsyncGenerator[AsyncIterator[Entry | Progress]]:
        """Raises, while iterating: DaemonGone when the daemon ends without a word; ask again with a later `after`."""
        async with self._exchange("GET", f"/processes/{pid}/events?after={after}") as answer:
            yield _items(answer.lines())

    async def explain(self, pid: Pid) -> Explanation:
        return await self._ask("GET", f"/processes/{pid}/explanation", Explanation)

    async def answer(self, pid: Pid, text: str) -> None:
        await self._tell(pid, "answer", AnswerBody(text), keys=True)

    async def approve(self, pid: Pid, yes: bool) -> None:
        await self._tell(pid, "approval", ApprovalBody(yes), keys=True)

    async def correct(self, pid: Pid, what: str, text: str) -> None:
        await self._tell(pid, "correction", CorrectionBody(what, text), keys=True)

    async def signal(self, pid: Pid, signal: str) -> None:
        await self._tell(pid, "signal", {"signal": signal}, keys=signal == "resume")

    async def adjust(self, pid: Pid, *, limits: Limits | None = None, model: str | None = None) -> None:
        await self._tell(pid, "adjust", AdjustBody(limits, model), keys=True)

    async def renice(self, pid: Pid, priority: int) -> None:
        await self._tell(pid, "priority", PriorityBody(priority))

    async def fork(self, pid: Pid, at: Seq | None = None) -> Pid:
        return (await self._ask("POST", f"/processes/{pid}/fork", Started, ForkBody(at), keys=True)).pid

    async def undo(self, pid: Pid, step: str | None = None) -> UndoReport:
        return await self._ask("POST", f"/processes/{pid}/undo", UndoReport, UndoBody(step))

    async def models(self) -> list[ModelView]:
        return await self._ask("GET", "/models", list[ModelView], keys=True)

    async def tools(self) -> list[ToolView]:
        return await self._ask("GET", "/tools", list[ToolView])

    async def doctor(self) -> list[Finding]:
        return await self._ask("GET", "/doctor", list[Finding], keys=True)

    async def settings(self) -> list[SettingView]:
        return await self._ask("GET", "/settings", list[SettingView], keys=True)

    async def shutdown(self, *, only_if_idle: bool = True) -> bool:
        """Ask the daemon to stop; False when it has something to do and `only_if_idle` was asked."""
        return (await self._ask("POST", "/shutdown", ShutdownReply, ShutdownBody(only_if_idle))).stopping


async def _items(lines: AsyncIterator[bytes]) -> AsyncIterator[Entry | Progress]:
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(StreamLine)
    async for text in lines:
        line: StreamLine = decoder.decode(text)
        if line.problem is not None:
            raise error_of(line.problem)
        item = line.entry or line.progress
        if item is not None:
            yield item
        if line.progress is not None and line.progress.kind == "end":
            return
    raise DaemonGone("The daemon ended while it was being listened to.")
