"""The process of the weights, as the daemon sees it: started when it is asked, one question at a time, gone when idle.

    cancelled     it is told to stop; when it does not within a moment it is ended, and loaded again for the next question
    idle          it ends itself after `keep_seconds`; the next question starts it again
    crashed       the question fails, saying so; the next starts it again

Above: `driver`. Below: `protocol`, anyio.
"""

import math
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import IO

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.events import ModelFailureKind
from glmos.abi.messages import Delta, ModelReply, ModelRequest
from glmos.models.local.protocol import (
    Ask,
    Done,
    Failed,
    FromWorker,
    Load,
    Piece,
    Ready,
    Stop,
    ToWorker,
    encode,
    from_worker,
)

GRACE = 5.0
"""Seconds in which a stopped generation must end: one chunk of a prompt, or one token."""
_LONGEST = 64 << 20


class WeightsProcess:
    """Weights that are loaded when they are needed."""

    def __init__(self, load: Load, *, grace: float = GRACE) -> None:
        self.load = load
        self.last_used = -math.inf
        self._grace = grace
        self._turn = anyio.Lock()
        self._process: anyio.abc.Process | None = None
        self._lines: BufferedByteReceiveStream | None = None
        self._errors: IO[bytes] | None = None
        self._number = 0
        self._ready = False
        self.loads = 0
        """How often the weights were loaded."""

    @property
    def os_pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def busy(self) -> bool:
        return self._turn.statistics().locked

    async def ask(self, request: ModelRequest, on_delta: Callable[[Delta], None]) -> ModelReply:
        """Have it answered, in its turn. Raises: ModelError."""
        async with self._turn:
            self._number += 1
            n = self._number
            try:
                try:
                    return await self._once(n, request, on_delta)
                except _Vanished:  # it had ended for want of questions just when this one came
                    await self._end()
                    return await self._once(n, request, on_delta, again=False)
            except anyio.get_cancelled_exc_class():
                with anyio.CancelScope(shield=True):
                    await self._stop(n)
                raise
            finally:
                self.last_used = anyio.current_time()

    async def _once(
        self, n: int, request: ModelRequest, on_delta: Callable[[Delta], None], *, again: bool = True
    ) -> ModelReply:
        """Raises: ModelError; with `again`, _Vanished when it was gone before it can have heard the question."""
        await self._start()
        try:
            await self._send(Ask(n, request))
        except _Vanished:
            if again:
                raise
            raise await self._crashed("when it was asked") from None
        return await self._answer(n, on_delta, heard=not again)

    async def aclose(self) -> None:
        """End it. Returns when it is gone."""
        await self._end()

    # -- its life -----------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        """Have it running with its weights loaded. Raises: ModelError."""
        if self.os_pid is not None:
            return
        await self._end()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process)
        command = [sys.executable, "-m", "glmos.models.local.worker", encode(self.load).decode()]
        self._process = await anyio.open_process(command, stderr=self._errors, start_new_session=True)
        assert self._process.stdout is not None
        self._lines = BufferedByteReceiveStream(self._process.stdout)
        self.loads += 1
        try:
            first = await self._next()
        except _Vanished:
            raise await self._crashed("while its weights were being loaded") from None
        if isinstance(first, Failed):
            await self._end()
            raise self._error(first.kind, f"cannot be loaded: {first.text}")
        assert isinstance(first, Ready)
        self._ready = True

    async def _stop(self, n: int) -> None:
        """Have it leave question `n`, or end it."""
        if self.os_pid is None:
            return
        with anyio.move_on_after(self._grace if self._ready else 0):
            try:
                await self._send(Stop(n))
                while True:
                    heard = await self._next()
                    if isinstance(heard, Done | Failed) and heard.n == n:
                        return
            except _Vanished:
                pass
        await self._end()

    async def _end(self) -> None:
        process, self._process, self._lines, self._ready = self._process, None, None, False
        if process is not None:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.wait()
                await process.aclose()
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    # -- one question -------------------------------------------------------------------------------------------------

    async def _answer(self, n: int, on_delta: Callable[[Delta], None], *, heard: bool) -> ModelReply:
        """`heard`: a process that is gone was not just gone already."""
        while True:
            try:
                said = await self._next()
            except _Vanished:
                if not heard and self._process is not None and await self._process.wait() == 0:
                    raise
                raise await self._crashed("while it was answering") from None
            heard = True
            match said:
                case Piece() if said.n == n:
                    on_delta(said.delta)
                case Done() if said.n == n:
                    return said.reply
                case Failed() if said.n == n:
                    raise self._error(said.kind, f"gave no answer: {said.text}", said.usage)
                case _:
                    continue

    async def _send(self, what: ToWorker) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send(encode(what) + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise _Vanished from error

    async def _next(self) -> FromWorker:
        assert self._lines is not None
        try:
            return from_worker.decode(await self._lines.receive_until(b"\n", _LONGEST))
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise _Vanished from error

    async def _crashed(self, when: str) -> ModelError:
        assert self._process is not None
        status = await self._process.wait()
        why = _words(self._last_words())
        if status == -9:
            why = (
                "ended from outside, most likely because memory ran out: close other programs or choose a smaller model"
            )
        await self._end()
        return self._error("interrupted", f"broke off {when} ({why or f'status {status}'})", usage=None)

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0, 2)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        return self._errors.read().decode("utf-8", "replace")

    def _error(self, kind: ModelFailureKind, what: str, usage: Usage | None = Usage()) -> ModelError:  # noqa: B008
        text = f"The model at {self.load.weights.path!r} {what.rstrip('.')}."
        return ModelError(text, kind=kind, usage=usage)


class _Vanished(Exception):
    """The process is not there any more."""


def _words(text: str) -> str:
    """The last line of a traceback or of a log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


async def make_room(needed: int, free: int, others: Iterable[WeightsProcess]) -> None:
    """End idle ones, those unused for longest first, until `needed` bytes should be free."""
    for other in sorted(others, key=lambda p: p.last_used):
        if not free or needed <= free:
            return
        if other.os_pid is not None and not other.busy:
            await other.aclose()
            free += other.load.weights.needs(other.load.context)
