"""An event loop in virtual time: when nothing is ready, the clock jumps to the next timer.

It has no selector, no sockets, no threads and no signals, so nothing outside can reach it, and a run is a function of
its seed. What asyncio leaves to chance is decided here: tasks that are ready at the same moment run in an order drawn
from the seed. (anyio keeps tasks and scopes in sets ordered by address; the ready tasks are therefore put in order of
their creation before the draw.)
"""

import asyncio
import heapq
from asyncio import events
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


class NothingToDo(Exception):
    """Every task waits for something that nobody will bring."""


class Spinning(Exception):
    """Tasks run and run, and no time passes."""


ROUNDS = 100_000
"""How often tasks may run without any time passing: far more than it takes thousands of processes to move on."""


class NumberedTask(asyncio.Task[Any]):
    """A task that knows when it was made, compared to the others."""

    number: int = 0


class VirtualLoop(asyncio.BaseEventLoop):
    """Use it by `VirtualLoop(...).run(coroutine)`, once."""

    def __init__(self, order: Random | None = None, *, start: float = 0.0) -> None:
        """`order` draws the order of ready tasks; without it the oldest task runs first."""
        super().__init__()
        self._now = start
        self._order = order
        self._tasks_made = 0
        self._rounds = 0
        self.on_idle: Callable[[float | None], bool] = _never
        """Asked when nothing is ready, with the time of the next timer (None without one), before the clock jumps
        there. True: something became ready, look again."""

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` to its end and close the loop.

        Raises:
            NothingToDo: A deadlock: no task can ever run again.
            Spinning: A livelock.
        """
        try:
            return self.run_until_complete(main)
        finally:
            self.close()

    # -- what asyncio asks of a loop ----------------------------------------------------------------------------------

    def time(self) -> float:
        return self._now

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        task = NumberedTask(coro, loop=self, name=name, context=context)
        self._tasks_made += 1
        task.number = self._tasks_made
        return task

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        if not ready:
            self._rounds = 0
            self._pass_time(ready, timers)
        self._rounds += 1
        if self._rounds > ROUNDS:
            raise Spinning(f"tasks run without end at {self._now:.3f}: {', '.join(sorted(map(_what, ready)))}")
        batch = [handle for handle in ready if not handle._cancelled]
        ready.clear()
        if len(batch) > 1:
            batch = self._ordered(batch)
        for handle in batch:
            if not handle._cancelled:
                handle._run()

    def _pass_time(self, ready: Any, timers: list[Any]) -> None:
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if self.on_idle(timers[0]._when if timers else None) and ready:
            return
        while timers and timers[0]._cancelled:  # what was asked may have taken timers back
            heapq.heappop(timers)._scheduled = False
        if not timers:
            raise NothingToDo(f"nothing can happen any more at {self._now:.3f}")
        self._now = max(self._now, timers[0]._when)
        while timers and timers[0]._when <= self._now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            ready.append(handle)

    def _ordered(self, batch: list[events.Handle]) -> list[events.Handle]:
        """What is no task first, as it came; then the tasks in the order that was drawn."""
        others: list[events.Handle] = []
        tasks: list[tuple[int, events.Handle]] = []
        for handle in batch:
            owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
            if isinstance(owner, NumberedTask):
                tasks.append((owner.number, handle))
            else:
                others.append(handle)
        tasks.sort(key=_number)
        if self._order is not None and len(tasks) > 1:
            self._order.shuffle(tasks)
        return others + [handle for _, handle in tasks]

    def _timer_handle_cancelled(self, handle: events.TimerHandle) -> None:
        """Cancelled timers are dropped when their time comes."""

    def _write_to_self(self) -> None:
        """There is no selector to wake."""

    def _process_events(self, event_list: Any) -> None:
        """There are no sockets."""


def _what(handle: events.Handle) -> str:
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    return str(owner.get_name() if isinstance(owner, NumberedTask) else owner)


def _number(each: tuple[int, events.Handle]) -> int:
    return each[0]


def _never(_: float | None) -> bool:
    return False
