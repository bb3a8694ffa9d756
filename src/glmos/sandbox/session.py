"""A program of the sandbox that lives on, such as a Jupyter kernel, and talks over Unix sockets.

Its standard output and error go to files in memory that are cut when they grow, so nobody needs to keep reading
them; what is left at the end is their last part. Implements `ports.SandboxSession`; made by `bubblewrap`.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio

from glmos.abi.errors import SandboxError
from glmos.ports import Finished
from glmos.sandbox.identity import Identity
from glmos.sandbox.program import Program

_LONGEST_FOLDER = 70
"""A Unix socket's path has at most 107 bytes, its own name included."""


class Output:
    """A file in memory that a program appends to. Keeps its last `limit` bytes, roughly."""

    def __init__(self, name: str, limit: int) -> None:
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
        self.cut = False
        self._limit = limit
        os.set_inheritable(self.descriptor, False)
        # Appending, so that after a cut the program writes at the new end and not behind a hole.
        writer = os.open(f"/proc/self/fd/{self.descriptor}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self.writer = writer
        self._kept = b""

    def trim(self) -> None:
        if os.fstat(self.descriptor).st_size > self._limit:
            self._kept = self._tail()
            self.cut = True
            os.ftruncate(self.descriptor, 0)

    def _tail(self) -> bytes:
        size = os.fstat(self.descriptor).st_size
        return os.pread(self.descriptor, self._limit, max(0, size - self._limit))

    def content(self) -> bytes:
        """The last `limit` bytes that were written."""
        self.trim()
        return (self._kept + self._tail())[-self._limit :]

    def close(self) -> None:
        os.close(self.writer)
        os.close(self.descriptor)


class BubblewrapSession:
    """Ends when its program does, when it is killed, or with GLM-OS."""

    def __init__(
        self, program: Program, sockets: Path, outputs: tuple[Output, Output], on_end: Callable[[], None]
    ) -> None:
        self._program = program
        self._sockets = sockets
        self._outputs = outputs
        self._on_end = on_end
        self._finished: Finished | None = None

    @property
    def socket_dir(self) -> Path:
        return self._sockets

    @property
    def alive(self) -> bool:
        return self._finished is None and self._program.alive

    async def interrupt(self) -> None:
        with anyio.move_on_after(5):  # it may have been asked to start only just now
            while self.alive and not self._program.interrupt():  # noqa: ASYNC110 - the kernel tells nobody
                await anyio.sleep(0.005)

    async def kill(self) -> None:
        self._program.stop("cancelled")
        with anyio.CancelScope(shield=True):
            await self.wait()

    async def wait(self) -> Finished:
        await self._program.wait_gone()
        if self._finished is None:
            self._finished = self._settle()
        return self._finished

    def trim(self) -> None:
        """Called now and then while it runs, from another thread."""
        for output in self._outputs:
            output.trim()

    def _settle(self) -> Finished:
        program = self._program
        self._on_end()
        stdout, stderr = (output.content() for output in self._outputs)
        finished = Finished(
            status=program.exit_status(),
            stdout=stdout,
            stderr=stderr,
            stopped_by=program.stopped_by,
            seconds=time.monotonic() - program.started,
            truncated=any(output.cut for output in self._outputs),
        )
        program.close()
        for output in self._outputs:
            output.close()
        shutil.rmtree(self._sockets, ignore_errors=True)
        return finished


_STALE = 3_600.0
"""Seconds after which a folder of sockets whose owner cannot be looked up and is not seen may be removed."""
_NAME_ROOM = 36
"""Characters that the name of a folder may take."""


def make_socket_dir(identity: Identity | None) -> Path:
    """A private folder with a short name.

    Raises: SandboxError when there is no place for one.
    """
    for place in _places():
        if len(place) > _LONGEST_FOLDER - _NAME_ROOM or not os.access(place, os.W_OK | os.X_OK):
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"glmos-{os.getpid()}-{_pid_namespace()}-", dir=place))
            if identity is not None:
                os.chown(folder, *identity)
        except OSError:
            continue
        return folder
    raise SandboxError("There is no place for Unix sockets: neither /tmp nor /var/tmp can be written.")


def remove_stale_socket_dirs(identity: Identity | None) -> None:
    """Remove the folders of owners that were killed before they could.

    Another container may share the place but not our process numbers: its folders must also be old.
    """
    mine = {os.geteuid()} | ({identity[0]} if identity is not None else set())
    for folder in (f for place in dict.fromkeys(_places()) for f in Path(place).glob("glmos-*-*")):
        owner, numbers = folder.name.split("-")[1:3]
        with contextlib.suppress(OSError):
            status = folder.lstat()
            gone = owner.isdigit() and not Path(f"/proc/{owner}").exists()
            known = numbers == _pid_namespace() or time.time() - status.st_mtime > _STALE
            if gone and known and status.st_uid in mine:
                shutil.rmtree(folder)


def _pid_namespace() -> str:
    """In which set of process numbers we are; the same for everybody who sees the same /proc."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"


def _places() -> tuple[str, ...]:
    return (f"/run/user/{os.geteuid()}", "/tmp", "/var/tmp", tempfile.gettempdir())
