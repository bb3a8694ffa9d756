"""Who wants to hear of new entries.

Above: both stores. A subscription keeps only its place in the log; being told means "look again". So a slow reader
costs nobody anything, and cannot lose an entry that is in the log.

    append ──commit──▶ Feed.tell({pid}) ──▶ Subscription wakes ──▶ reads the log after its place
"""

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Self

import anyio
import anyio.lowlevel

from glmos.abi.events import Entry
from glmos.abi.ids import Pid

Placed = tuple[int, Entry]
"""An entry and the place after it, as `Fetch` counts places."""
Fetch = Callable[[int], Awaitable[Sequence[Placed]]]
"""The entries after a place, some or all of them; none when there are none yet."""
Wake = Callable[[Callable[[], object]], object]
"""Run a function in the subscriber's event loop."""


class Subscription:
    """An asynchronous iterator over entries, without end until the store is closed. For one task."""

    def __init__(self, fetch: Fetch, wake: Wake) -> None:
        self.place = 0
        self._fetch = fetch
        self._wake = wake
        self._ready: deque[Entry] = deque()
        self._news = anyio.Event()
        self._closed = False

    def tell(self) -> None:
        """There may be something new. From any thread."""
        self._wake(self._look)

    def close(self) -> None:
        """The store is closing. From the event loop."""
        self._closed = True
        self._look()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        await anyio.lowlevel.checkpoint()
        while not self._ready:
            await self._news.wait()
            if self._closed:
                raise StopAsyncIteration
            await self._refill()
        return self._ready.popleft()

    def _look(self) -> None:
        self._news.set()

    async def _refill(self) -> None:
        news, self._news = self._news, anyio.Event()
        try:
            placed = await self._fetch(self.place)
        except BaseException:
            news = self._news
            news.set()  # what was there to read is still there to read
            raise
        if placed:
            self._ready.extend(entry for _, entry in placed)
            self.place = placed[-1][0]
            self._news.set()  # there may be more than one fetch gives


class Feed:
    """The subscriptions of one store."""

    def __init__(self) -> None:
        self._all: dict[Subscription, Pid | None] = {}

    def add(self, subscription: Subscription, pid: Pid | None) -> None:
        self._all[subscription] = pid

    def remove(self, subscription: Subscription) -> None:
        self._all.pop(subscription, None)

    def tell(self, pids: Collection[Pid]) -> None:
        """Entries of `pids` were committed. From any thread."""
        for subscription, pid in list(self._all.items()):
            if pid is None or pid in pids:
                subscription.tell()

    def close(self) -> None:
        for subscription in list(self._all):
            subscription.close()
