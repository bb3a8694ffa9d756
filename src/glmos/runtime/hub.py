"""Who is told when something happens: callers that wait for a state, and terminals that show progress.

Nothing here is durable. A slow terminal loses signs of life, never events: those it reads from the journal.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from glmos.abi.api import Progress
from glmos.abi.errors import DeviceError
from glmos.abi.ids import Pid
from glmos.kernel.process import Process


class _Waiter:
    """Somebody who waits for a process to reach a state."""

    def __init__(self, reached: Callable[[Process], bool]) -> None:
        self.reached = reached
        self.bell = anyio.Event()


class Hub:
    """One per machine."""

    def __init__(self) -> None:
        self._errors: dict[Pid, DeviceError] = {}
        self._waiters: dict[Pid, set[_Waiter]] = {}
        self._viewers: dict[Pid, set[MemoryObjectSendStream[Progress]]] = {}

    # -- states -------------------------------------------------------------------------------------------------------

    def changed(self, p: Process) -> None:
        """Something of it became durable."""
        self._errors.pop(p.pid, None)
        for waiter in self._waiters.get(p.pid, ()):
            if waiter.reached(p):
                waiter.bell.set()

    def parked(self, pid: Pid) -> None:
        """It is out of memory."""
        self._ring(pid)

    def broken(self, pid: Pid, error: DeviceError) -> None:
        self._errors[pid] = error
        self._ring(pid)

    def _ring(self, pid: Pid) -> None:
        for waiter in self._waiters.get(pid, ()):
            waiter.bell.set()

    async def until(
        self, pid: Pid, reached: Callable[[Process], bool], look: Callable[[Pid], Awaitable[Process]]
    ) -> Process:
        """Return the state of `pid` as soon as `reached` holds for it. `look` gives the state as it is.

        Raises:
            DeviceError: The machine had to let go of the process.
        """
        while True:
            with self._waiting(
                pid, reached
            ) as bell:  # before looking, so that nothing which happens meanwhile is missed
                state = await look(pid)
                if reached(state):
                    return state
                if pid in self._errors:
                    raise self._errors[pid]
                await bell.wait()

    async def until_parked(self, pid: Pid, parked: Callable[[], bool]) -> None:
        while not parked():
            with self._waiting(pid, lambda _: False) as bell:
                await bell.wait()

    @contextmanager
    def _waiting(self, pid: Pid, reached: Callable[[Process], bool]) -> Generator[anyio.Event]:
        waiter = _Waiter(reached)
        self._waiters.setdefault(pid, set()).add(waiter)
        try:
            yield waiter.bell
        finally:
            waiters = self._waiters[pid]
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[pid]

    # -- progress -----------------------------------------------------------------------------------------------------

    def tell(self, progress: Progress) -> None:
        """Pass a sign of life on to whoever looks at that process right now."""
        for viewer in self._viewers.get(progress.pid, ()):
            try:
                viewer.send_nowait(progress)
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                continue

    @asynccontextmanager
    async def view(self, pid: Pid) -> AsyncGenerator[MemoryObjectReceiveStream[Progress]]:
        send, receive = anyio.create_memory_object_stream[Progress](256)
        self._viewers.setdefault(pid, set()).add(send)
        try:
            with send, receive:
                yield receive
        finally:
            viewers = self._viewers[pid]
            viewers.discard(send)
            if not viewers:
                del self._viewers[pid]
