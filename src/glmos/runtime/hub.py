"""Who is told when something happens: callers that wait for a state, and terminals that show progress.

Nothing here is durable. A slow terminal loses signs of life, never events: those it reads from the journal.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from glmos.abi.api import Progress
from glmos.abi.errors import DeviceError
from glmos.abi.ids import Pid
from glmos.kernel.process import Process


class Hub:
    """One per machine."""

    def __init__(self) -> None:
        self._errors: dict[Pid, DeviceError] = {}
        self._bells: dict[Pid, set[anyio.Event]] = {}
        self._viewers: dict[Pid, set[MemoryObjectSendStream[Progress]]] = {}

    # -- states -------------------------------------------------------------------------------------------------------

    def changed(self, pid: Pid) -> None:
        """Something was appended to its log, or it has parked."""
        self._errors.pop(pid, None)
        self._ring(pid)

    def parked(self, pid: Pid) -> None:
        self._ring(pid)

    def broken(self, pid: Pid, error: DeviceError) -> None:
        self._errors[pid] = error
        self._ring(pid)

    def _ring(self, pid: Pid) -> None:
        for bell in self._bells.pop(pid, ()):
            bell.set()

    async def until(
        self, pid: Pid, reached: Callable[[Process], bool], look: Callable[[Pid], Awaitable[Process]]
    ) -> Process:
        """Return the state of `pid` as soon as `reached` holds for it. `look` gives the state as it is.

        Raises:
            DeviceError: The machine had to let go of the process.
        """
        while True:
            bell = self._bell(pid)  # before looking, so that nothing which happens meanwhile is missed
            state = await look(pid)
            if reached(state):
                return state
            if pid in self._errors:
                raise self._errors[pid]
            await bell.wait()

    async def until_parked(self, pid: Pid, parked: Callable[[], bool]) -> None:
        while not parked():
            await self._bell(pid).wait()

    def _bell(self, pid: Pid) -> anyio.Event:
        """Rings at the next change."""
        bell = anyio.Event()
        self._bells.setdefault(pid, set()).add(bell)
        return bell

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
            self._viewers[pid].discard(send)
