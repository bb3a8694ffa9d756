"""How long the daemon stays: until it is told to stop, or nobody has needed it for a while."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import anyio

from glmos.ports import System

DEFAULT_IDLE_SECONDS = 15 * 60.0


class Lifetime:
    """Counts the requests in flight and says when it is time to go."""

    def __init__(self, *, idle_seconds: float | None = None) -> None:
        self._idle_seconds = idle_seconds
        self._requests = 0
        self._activity = anyio.Event()
        self.stopping = anyio.Event()
        """Set once. Streams end, no new request is taken."""
        self.on_stop: Callable[[], None] = lambda: None
        """Called at once when it is time to go."""

    def stop(self) -> None:
        self.stopping.set()
        self._activity.set()
        self.on_stop()

    @contextmanager
    def request(self) -> Generator[None]:
        """Held while a request is served: that is activity at both ends and no idleness between."""
        self._requests += 1
        self._activity.set()
        try:
            yield
        finally:
            self._requests -= 1
            self._activity.set()

    async def busy(self, system: System, *, besides: int = 0) -> bool:
        """A request beyond `besides` is in flight, or a process goes on without a person.

        One that waits for a person or is suspended lives on disk; whoever wakes it starts the daemon by that.
        """
        if self._requests > besides:
            return True
        return bool(await system.processes(awake_only=True, limit=1))

    async def watch(self, system: System) -> None:
        """Return when stopping; call `stop` after `idle_seconds` in which nothing was asked and nothing ran."""
        if self._idle_seconds is None:
            await self.stopping.wait()
        while not self.stopping.is_set():
            self._activity = anyio.Event()
            with anyio.move_on_after(self._idle_seconds):
                await self._activity.wait()
                continue
            if not await self.busy(system):
                self.stop()
