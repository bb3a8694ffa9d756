"""Who is told when something happens: callers that wait for a state, and terminals that show progress.

Nothing here is durable. A slow terminal loses signs of life, never events: those it reads from the journal.
"""

from collections.abc import AsyncGenerator, Callable
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
        self._states: dict[Pid, Process] = {}
        self._errors: dict[Pid, DeviceError] = {}
        self._bells: dict[Pid, set[anyio.Event]] = {}
        self._viewers: dict[Pid, set[MemoryObjectSendStream[Progress]]] = {}

    # -- states -------------------------------------------------------------------------------------------------------

    def changed(self, p: Process) -> None:
        self._states[p.pid] = p
        self._errors.pop(p.pid, None)
        self._ring(p.pid)

    def parked(self, pid: Pid) -> None:
        self._ring(pid)
        if not self._bells.get(pid):
            self._states.pop(pid, None)

    def broken(self, pid: Pid, error: DeviceError) -> None:
        self._errors[pid] = error
        self._ring(pid)

    def _ring(self, pid: Pid) -> None:
        for bell in self._bells.pop(pid, ()):
            bell.set()

    async def until(self, pid: Pid, reached: Callable[[Process], bool], now: Process | None = None) -> Process:
        """Return the first state of `pid` from now on for which `reached` holds.

        Raises:
            DeviceError: The machine had to let go of the process.
        """
        if now is not None and reached(now):
            return now
        while True:
            state = self._states.get(pid)
            if state is not None and reached(state):
                return state
            if pid in self._errors:
                raise self._errors[pid]
            await self._next_bell(pid)

    async def until_parked(self, pid: Pid, parked: Callable[[], bool]) -> None:
        while not parked():
            await self._next_bell(pid)

    async def _next_bell(self, pid: Pid) -> None:
        bell = anyio.Event()
        self._bells.setdefault(pid, set()).add(bell)
        await bell.wait()

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
