"""The host's end of the worker: asks, and believes nothing it is told beyond its form."""

import os
from typing import Any

import anyio
import msgspec

from glmos.abi.errors import SandboxError
from glmos.abi.ids import Pid
from glmos.abi.tools import FailureKind
from glmos.ports import SandboxLimits, SandboxSession, ToolContext
from glmos.tools.declare import ToolFailed
from glmos.tools.sessions import address, open_socket

_SOCKET = "tables.sock"
_MAX_ANSWER = 16 << 20
_LAST_SECONDS = 5.0
"""Its socket closes somewhat before a program that ends is gone, and only then it is known how it ended."""
LIMITS = SandboxLimits(seconds=None, memory_bytes=3 << 30, cpu_seconds=3600, file_bytes=1 << 30)
_LIMITED = ("memory", "disk", "output", "files")


class Answer(msgspec.Struct, frozen=True):
    """What the worker said."""

    text: str = ""
    data: dict[str, Any] = {}
    files: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """Names of the files the answer rests on."""
    failure: tuple[FailureKind, str] | None = None


class WorkerSession:
    """A running worker."""

    def __init__(self, session: SandboxSession, socket: int) -> None:
        self._session = session
        self._socket = socket

    @classmethod
    async def start(cls, pid: Pid, context: ToolContext) -> "WorkerSession":
        """Raises: SandboxError."""
        argv = ["python", "-I", "-m", "glmos.tools.tables.worker", f"/run/glmos/{_SOCKET}"]
        session = await context.sandbox.open(argv, pid=pid, workspace=context.workspace, limits=LIMITS)
        try:
            return cls(session, await open_socket(session, _SOCKET))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await session.kill()
            raise

    @property
    def alive(self) -> bool:
        return self._session.alive

    async def ask(self, request: dict[str, Any]) -> Answer:
        """One question, one answer.

        Raises: ToolFailed when the worker died of it; SandboxError when it answers nonsense.
        """
        trouble = ""
        try:
            raw = await self._exchange(msgspec.json.encode(request) + b"\n")
        except (OSError, anyio.BrokenResourceError) as error:
            raw, trouble = b"", f": {error}" if isinstance(error, OSError) else ""
        if not raw.endswith(b"\n"):
            raise ToolFailed(*await self._explain_silence(len(raw), trouble))
        try:
            return msgspec.json.decode(raw, type=Answer)
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
            raise SandboxError(f"The tables engine gave an answer of the wrong form: {error}.") from error

    async def close(self) -> None:
        try:
            await self._session.kill()
        finally:  # not before: a call under way may be about to connect, and the number may be another's by then
            if self._socket >= 0:
                os.close(self._socket)
                self._socket = -1

    async def _exchange(self, line: bytes) -> bytes:
        received = bytearray()
        async with await anyio.connect_unix(address(self._socket)) as stream:
            await stream.send(line)
            while not received.endswith(b"\n") and len(received) <= _MAX_ANSWER:
                try:
                    received += await stream.receive()
                except anyio.EndOfStream:
                    break
        return bytes(received)

    async def _explain_silence(self, received: int, trouble: str) -> tuple[FailureKind, str]:
        """End it, and say why there was no answer."""
        if received > _MAX_ANSWER:
            await self._session.kill()
            return "limit", f"The answer is larger than {_MAX_ANSWER >> 20} MB: aggregate or filter earlier."
        with anyio.move_on_after(_LAST_SECONDS):
            await self._session.wait()
        ended = not self._session.alive
        await self._session.kill()
        finished = await self._session.wait()
        said = finished.stderr.decode(errors="replace").strip().splitlines()[-1:]
        if finished.stopped_by in _LIMITED or "bad_alloc" in " ".join(said):
            what = finished.stopped_by or "memory"
            return "limit", f"The query used more {what} than it may: aggregate or filter earlier."
        if not ended:
            return "failed", f"The tables engine gave no answer{trouble}, and was ended: ask again for a new one."
        if finished.stopped_by == "cancelled":
            return "cancelled", "The tables engine was ended during the query, with all programs of its process."
        how = finished.stopped_by or ("killed" if finished.status is None else f"exit status {finished.status}")
        return "failed", f"The tables engine ended during the query ({how}{': ' + said[0] if said else ''})."
