"""Until when the owner of a home was alive, so that the time it was dead is not counted as running time.

A file whose modification time the owner renews every few seconds. It is read once, before the first beat.
Above: `boot`. Below: nothing.
"""

import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio

EVERY = 5.0
"""Seconds between two beats."""


class Pulse:
    """Of one home, whose lock is held."""

    def __init__(self, home: Path, now: Callable[[], float] = time.time) -> None:
        """`now`: the time that the logs of the home are written in."""
        self._now = now
        self._path = home / "pulse"
        self.last: float | None = None
        """Unix time in seconds by which the owner before us had ended; None when there was none."""
        with suppress(OSError):
            self.last = self._path.stat().st_mtime + EVERY

    @asynccontextmanager
    async def beating(self) -> AsyncGenerator[None]:
        """Beat inside."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    async def _beat(self) -> None:
        while True:
            self._touch()
            await anyio.sleep(EVERY)

    def _touch(self) -> None:
        with suppress(OSError):  # on a full disk the beat stops, and more time counts than was used
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            now = self._now()
            os.utime(self._path, (now, now))
