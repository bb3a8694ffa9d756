"""Wakes processes at their time."""

import heapq
from collections.abc import Awaitable, Callable

import anyio

from glmos.abi.ids import CallId, Pid
from glmos.ports import Clock

LOOK_AGAIN = 60.0
"""Seconds after which the clock is looked at again, come what may: it may have been set, or the machine have slept."""


class Alarms:
    """One per machine."""

    def __init__(self, clock: Clock, over: Callable[[Pid, CallId], Awaitable[None]]) -> None:
        """`over`: told of the call whose time has come."""
        self._clock = clock
        self._over = over
        self._alarms: list[tuple[float, Pid, CallId]] = []
        self._changed = anyio.Event()

    def wake_at(self, pid: Pid, call: CallId, until: float) -> None:
        """`until` in seconds of the clock. One alarm more than is needed does no harm."""
        heapq.heappush(self._alarms, (until, pid, call))
        self._changed.set()

    async def ring(self) -> None:
        """For as long as the machine runs."""
        while True:
            self._changed = anyio.Event()
            now = self._clock.now()
            while self._alarms and self._alarms[0][0] <= now:
                _, pid, call = heapq.heappop(self._alarms)
                await self._over(pid, call)
            wait = self._alarms[0][0] - now if self._alarms else LOOK_AGAIN
            with anyio.move_on_after(min(max(wait, 0.0), LOOK_AGAIN)):
                await self._changed.wait()
