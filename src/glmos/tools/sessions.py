"""Programs in the sandbox that are kept for a process between its calls, and the way to their sockets.

At most one per process, started at its first call and used by one call at a time. Whatever goes wrong in a call, a
cancellation included, ends the program: the next call starts a fresh one. Used by `python` and `tables`.
"""

import os
import socket
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, NamedTuple, Protocol, TypeVar

import anyio

from glmos.abi.errors import SandboxError
from glmos.abi.ids import Pid
from glmos.ports import SandboxSession, ToolContext
from glmos.tools.declare import ToolFailed

START_SECONDS = 60.0
_POLL = 0.01


class Resident(Protocol):
    """What is kept."""

    @property
    def alive(self) -> bool: ...

    async def close(self) -> None:
        """End it; nothing is left when this returns."""
        ...


T = TypeVar("T", bound=Resident)


class Use(NamedTuple, Generic[T]):
    resident: T
    fresh: bool
    """It was started for this call."""
    again: bool
    """There was one before, and what it held is lost."""


class Sessions(Generic[T]):
    """The residents of all processes."""

    def __init__(self, start: Callable[[Pid, ToolContext], Awaitable[T]]) -> None:
        self._start = start
        self._residents: dict[Pid, T] = {}
        self._locks: dict[Pid, anyio.Lock] = {}
        self._seen: set[Pid] = set()
        self._releases: dict[Pid, int] = {}

    @asynccontextmanager
    async def use(self, pid: Pid, context: ToolContext) -> AsyncGenerator[Use[T]]:
        """The resident of `pid`, for this call alone. An exception in the body ends it.

        Raises: ToolFailed when `pid` was released before the call had its turn.
        """
        releases = self._releases.get(pid, 0)
        lock = self._locks.setdefault(pid, anyio.Lock())  # calls of one process run in parallel, its kernel cannot
        async with lock:
            self._require_unreleased(pid, releases)
            resident = self._residents.get(pid)
            fresh = resident is None or not resident.alive
            again = fresh and pid in self._seen
            try:
                if resident is None or fresh:
                    if resident is not None:
                        await resident.close()
                    resident = self._residents[pid] = await self._start(pid, context)
                    self._seen.add(pid)
                    self._require_unreleased(pid, releases)  # a release could not end what had not started yet
                yield Use(resident, fresh, again)
            except BaseException:
                if (broken := self._residents.pop(pid, None)) is not None:
                    with anyio.CancelScope(shield=True):
                        await broken.close()
                raise

    async def release(self, pid: Pid) -> None:
        """End the resident of `pid`, a running call's included; calls that wait for their turn or for its start fail."""
        if pid in self._locks:  # otherwise there is no call that could wait
            self._releases[pid] = self._releases.get(pid, 0) + 1
        if (resident := self._residents.pop(pid, None)) is not None:
            with anyio.CancelScope(shield=True):
                await resident.close()

    def _require_unreleased(self, pid: Pid, releases: int) -> None:
        if self._releases.get(pid, 0) != releases:
            raise ToolFailed("cancelled", f"Process {pid} let go of its programs before this call had its turn.")


async def open_socket(session: SandboxSession, name: str) -> int:
    """Wait until the program listens at the Unix socket `name`; give a descriptor of it, to be closed by the caller.

    Connect to `address(descriptor)`: the folder belongs to the program, which could put a link to a socket of ours in
    place of its own, so the name is resolved once, without following links, and never again.

    Raises: SandboxError when the program ended or offered nothing in time.
    """
    with anyio.move_on_after(START_SECONDS):
        while session.alive:
            try:
                descriptor = os.open(session.socket_dir / name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                await anyio.sleep(_POLL)  # nothing tells when a socket appears in a folder
                continue
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise SandboxError(f"The program in the sandbox put something else in place of its socket {name!r}.")
            if _listens(descriptor):
                return descriptor
            os.close(descriptor)  # the name appears with bind(), and until listen() connections are refused
            await anyio.sleep(_POLL)
    alive = session.alive
    await session.kill()
    finished = await session.wait()
    said = finished.stderr.decode(errors="replace").strip().splitlines()[-3:]
    reason = (
        "did not start in time" if alive else f"ended at once: {' '.join(said) or finished.stopped_by or 'silently'}"
    )
    raise SandboxError(f"The program in the sandbox {reason}")


def _listens(descriptor: int) -> bool:
    """Whether a connection is taken; this one says nothing and is over at once."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address(descriptor))
        except BlockingIOError:
            return True  # there is a queue
        except ConnectionRefusedError:
            return False
    return True


def address(descriptor: int) -> str:
    """The path under which the socket of `open_socket` is reached; short, whatever the folder's name."""
    return f"/proc/self/fd/{descriptor}"
