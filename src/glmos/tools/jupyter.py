"""The host's end of a Jupyter kernel: the part of the wire protocol (5.3) that running code needs.

The kernel runs hostile code, so what arrives is data of unknown intent: bounded, parsed as JSON of a fixed form, and
used as text or PNG only. A message is a list of frames:

    [identity ...] <IDS|MSG> signature header parent_header metadata content [buffers, ignored]

Above: `python`. Below: ZeroMQ over the sandbox session's Unix sockets.
"""

import base64
import binascii
import os
import uuid
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast

import anyio
import msgspec

from glmos.abi.errors import SandboxError
from glmos.abi.ids import Pid
from glmos.ports import Finished, SandboxLimits, SandboxSession, ToolContext
from glmos.tools.sessions import START_SECONDS, address, open_socket
from glmos.tools.terminal import MAX_CHARACTERS, bounded, clean

LIMITS = SandboxLimits(seconds=None, cpu_seconds=24 * 3600)
INTERRUPT_SECONDS = 5.0
MAX_FIGURES = 20
_MAX_MESSAGE = 64 << 20
_SHOWN = 2_000
"""Characters at the end of a message in which its last line is looked for: a program may print without end."""
_PNG = b"\x89PNG\r\n\x1a\n"
_DELIMITER = b"<IDS|MSG>"

Ended = Literal["done", "interrupted", "killed", "died"]


class Executed(NamedTuple):
    """What running code gave."""

    output: str
    """What was printed and displayed, in its order."""
    value: str
    """The last expression; empty if it has none."""
    figures: tuple[bytes, ...]
    error: tuple[str, str, str] | None
    """Name, message, traceback."""
    ended: Ended
    finished: Finished | None = None
    """How the kernel ended, when it is `killed` or `died`."""


class _Header(msgspec.Struct):
    msg_id: str = ""
    msg_type: str = ""


class _Message(NamedTuple):
    type: str
    parent: str
    content: dict[str, Any]


class Kernel:
    """A running kernel. For one execution at a time."""

    def __init__(self, session: SandboxSession, shell: int, iopub: int) -> None:
        import zmq
        import zmq.asyncio

        self._session = session
        self._descriptors = [shell, iopub]
        self._id = uuid.uuid4().hex
        # Shared and never terminated: that would block for as long as somebody's socket is open.
        self._context = zmq.asyncio.Context.instance()
        self._shell = self._connect(zmq.DEALER, shell)
        self._iopub = self._connect(zmq.SUB, iopub)

    @classmethod
    async def start(cls, pid: Pid, context: ToolContext) -> "Kernel":
        """Raises: SandboxError."""
        argv = ["python", "-I", "-m", "glmos.tools.ipython", "/run/glmos"]
        session = await context.sandbox.open(argv, pid=pid, workspace=context.workspace, limits=LIMITS)
        kernel: Kernel | None = None
        try:
            shell, iopub = await open_socket(session, "k-1"), await open_socket(session, "k-2")
            kernel = cls(session, shell, iopub)
            await kernel._wait_ready()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await (kernel.close() if kernel is not None else session.kill())
            raise
        return kernel

    @property
    def alive(self) -> bool:
        return self._session.alive

    async def execute(self, code: str, seconds: float, on_output: Callable[[str], None]) -> Executed:
        """Run `code`. After `seconds` it is interrupted, and if it ignores that, the kernel is killed."""
        collected = Collected()
        request = await self._send(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        ended: Ended = "done"
        finished: Finished | None = None
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                nonlocal finished
                finished = await self._session.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            with anyio.move_on_after(seconds) as limit:
                await self._collect(request, collected, on_output)
            if limit.cancelled_caught:
                ended = "interrupted"
                await self._session.interrupt()
                with anyio.move_on_after(INTERRUPT_SECONDS) as patience:
                    await self._collect(request, collected, on_output)
                if patience.cancelled_caught:
                    ended = "killed"
                    await self._session.kill()
                    await anyio.sleep_forever()  # until `watch` has seen it
            tasks.cancel_scope.cancel()
        if finished is not None and ended != "killed":
            ended = "died"
        return collected.result(ended, finished)

    async def close(self) -> None:
        for socket in (self._shell, self._iopub):
            socket.close(linger=0)
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        await self._session.kill()

    def _connect(self, kind: int, descriptor: int) -> Any:
        import zmq

        socket: Any = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, _MAX_MESSAGE)
        socket.setsockopt(zmq.RECONNECT_IVL, -1)
        if kind == zmq.SUB:
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        socket.connect(f"ipc://{address(descriptor)}")
        return socket

    async def _wait_ready(self) -> None:
        """Until the kernel is heard: what it publishes before we are subscribed is lost."""
        with anyio.move_on_after(START_SECONDS):
            while self.alive:
                request = await self._send("kernel_info_request", {})
                with anyio.move_on_after(1.0):
                    while (await self._receive()).parent != request:
                        pass
                    return
        raise SandboxError("The Python kernel in the sandbox did not answer in time.")

    async def _collect(self, request: str, collected: "Collected", on_output: Callable[[str], None]) -> None:
        while True:
            message = await self._receive()
            if message.parent != request:
                continue
            if message.type == "status" and message.content.get("execution_state") == "idle":
                return
            collected.add(message.type, message.content)
            if message.type == "stream":
                on_output(clean(_text(message.content.get("text"))[-_SHOWN:]).strip().rpartition("\n")[2][-200:])

    async def _send(self, kind: str, content: dict[str, Any]) -> str:
        number = uuid.uuid4().hex
        header = {"msg_id": number, "session": self._id, "username": "glmos", "msg_type": kind, "version": "5.3"}
        parts = [msgspec.json.encode(part) for part in (header, {}, {}, content)]
        await self._shell.send_multipart([_DELIMITER, b"", *parts])
        return number

    async def _receive(self) -> _Message:
        """The next well-formed message that is published."""
        while True:
            frames = cast("list[bytes]", await self._iopub.recv_multipart())
            try:
                start = frames.index(_DELIMITER)
                header = msgspec.json.decode(frames[start + 2], type=_Header)
                parent = msgspec.json.decode(frames[start + 3], type=_Header)
                content = msgspec.json.decode(frames[start + 5], type=dict[str, Any])
            except (ValueError, IndexError, msgspec.DecodeError, msgspec.ValidationError, RecursionError):
                continue
            return _Message(header.msg_type, parent.msg_id, content)


class Collected:
    """Output as it arrives, bounded whatever is sent."""

    def __init__(self) -> None:
        self._output = ""
        self._value = ""
        self._figures: list[bytes] = []
        self._error: tuple[str, str, str] | None = None

    def add(self, kind: str, content: dict[str, Any]) -> None:
        match kind:
            case "stream":
                self._print(_text(content.get("text")))
            case "display_data" | "update_display_data":
                if not self._figure(content):
                    self._print(_plain(content) + "\n")
            case "execute_result":
                self._value = bounded(_plain(content))
                self._figure(content)
            case "error":
                traceback = content.get("traceback")
                lines = cast("list[Any]", traceback) if isinstance(traceback, list) else []
                name, message = _text(content.get("ename")), _text(content.get("evalue"))
                self._error = (clean(name)[:200], bounded(clean(message), 4000), bounded("\n".join(map(_text, lines))))
            case _:
                pass

    def result(self, ended: Ended, finished: Finished | None) -> Executed:
        output = bounded(clean(self._output))
        return Executed(output, clean(self._value), tuple(self._figures), self._error, ended, finished)

    def _print(self, text: str) -> None:
        self._output += text
        if len(self._output) > 4 * MAX_CHARACTERS:
            self._output = bounded(self._output, 2 * MAX_CHARACTERS)

    def _figure(self, content: dict[str, Any]) -> bool:
        data = content.get("data")
        encoded = cast("dict[str, Any]", data).get("image/png") if isinstance(data, dict) else None
        if not isinstance(encoded, str) or len(self._figures) >= MAX_FIGURES:
            return False
        try:
            image = base64.b64decode(encoded)
        except (binascii.Error, ValueError):
            return False
        if image.startswith(_PNG):
            self._figures.append(image)
        return True


def _plain(content: dict[str, Any]) -> str:
    data = content.get("data")
    return _text(cast("dict[str, Any]", data).get("text/plain")) if isinstance(data, dict) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
