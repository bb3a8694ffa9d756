"""Places at the devices: at most so many calls of one driver at a time, and who gets the next place."""

import itertools

import anyio

from glmos.abi.ids import Pid
from glmos.kernel.schedule import Waiting, next_of


class Place:
    """Waits for its place when it is entered, and holds it inside."""

    def __init__(self, scheduler: "Scheduler", device: str, waiting: Waiting) -> None:
        self._scheduler = scheduler
        self._device = device
        self._waiting = waiting

    async def __aenter__(self) -> None:
        await self._scheduler.enter(self._device, self._waiting)

    async def __aexit__(self, *_: object) -> None:
        self._scheduler.leave(self._device)


class Scheduler:
    """Hands out places by the kernel's rule. A place is held for one call, model or tool."""

    def __init__(self, places: int = 64, per_device: dict[str, int] | None = None) -> None:
        self._places = places
        self._per_device = per_device or {}
        self._busy: dict[str, int] = {}
        self._queues: dict[str, list[Waiting]] = {}
        self._calls: dict[int, anyio.Event] = {}
        self._served: dict[str, dict[Pid, float]] = {}
        self._tickets = itertools.count()

    def place(self, device: str, *, pid: Pid, root: Pid, priority: int) -> "Place":
        """A place at `device`, to be entered."""
        return Place(self, device, Waiting(next(self._tickets), pid, root, priority))

    def leave(self, device: str) -> None:
        """Give a place back."""
        self._busy[device] -= 1
        self._serve(device)
        if not self._busy[device]:
            self._served.pop(device, None)  # nobody competes: who had what is forgotten with the trees themselves

    async def enter(self, device: str, waiting: Waiting) -> None:
        """Wait for a place and take it."""
        if self._take_free(device, waiting):
            return
        self._queues.setdefault(device, []).append(waiting)
        called = self._calls[waiting.ticket] = anyio.Event()
        self._serve(device)
        try:
            await called.wait()
        except BaseException:
            # Cancelled in the queue, or just after a place was given: in both cases nobody may keep it.
            if called.is_set():
                self._busy[device] -= 1
            else:
                self._queues[device].remove(waiting)
            self._serve(device)
            raise
        finally:
            self._calls.pop(waiting.ticket, None)

    def _take_free(self, device: str, waiting: Waiting) -> bool:
        """Take a place without waiting, where nobody waits and one is free."""
        if self._queues.get(device) or self._busy.get(device, 0) >= self._per_device.get(device, self._places):
            return False
        self._give(device, waiting)
        return True

    def _give(self, device: str, chosen: Waiting) -> None:
        served = self._served.setdefault(device, {})
        # A tree that comes late starts level with the others, not with a lifetime of credit.
        others = (w.root for w in self._queues.get(device, ()))
        floor = min((served.get(root, 0.0) for root in others if root in served), default=0.0)
        served[chosen.root] = max(served.get(chosen.root, floor), floor) + 1.0
        self._busy[device] = self._busy.get(device, 0) + 1

    def _serve(self, device: str) -> None:
        limit = self._per_device.get(device, self._places)
        queue = self._queues.get(device, [])
        served = self._served.setdefault(device, {})
        while queue and self._busy.get(device, 0) < limit:
            chosen = next_of(queue, served)
            if chosen is None:
                return
            queue.remove(chosen)
            self._give(device, chosen)
            self._calls[chosen.ticket].set()
