"""Limits on time: what is under way is stopped when they are reached.

A limit of any ancestor counts. Limits are changed, and clocks of ancestors stop and go on, while something is under way:
then the moment at which it is stopped moves.

Above: `work_model`, `work_critic`, `work_tools`, `work_checks`, `machine`. Below: `kernel.budget`.
"""

from types import TracebackType
from typing import Self

import anyio
import anyio.lowlevel

from glmos.abi import events as e
from glmos.abi.ids import Pid
from glmos.kernel.budget import Ledger


class TimeLimit:
    """A body that is cancelled when the time of its process is over."""

    def __init__(self, keeper: "Timekeeper", pid: Pid) -> None:
        self.pid = pid
        self.scope = anyio.CancelScope()
        self._keeper = keeper

    @property
    def reached(self) -> bool:
        """The body was cut off."""
        return self.scope.cancelled_caught

    async def check(self) -> None:
        """To be called before something begins that was waited for: the time may be over since."""
        if self._keeper.left(self.pid) <= 0:
            self.scope.cancel()
            await anyio.lowlevel.checkpoint()

    def __enter__(self) -> Self:
        self._keeper.enter(self)
        self.scope.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._keeper.leave(self)
        return self.scope.__exit__(kind, error, trace)


class Timekeeper:
    """One per machine."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._limits: set[TimeLimit] = set()

    def limit(self, pid: Pid) -> TimeLimit:
        """For what is done on behalf of `pid`."""
        return TimeLimit(self, pid)

    def refresh(self) -> None:
        """A limit on time was changed, or a clock has stopped or gone on."""
        for limit in self._limits:
            limit.scope.deadline = self._deadline(limit.pid)

    def left(self, pid: Pid) -> float:
        """Seconds until a limit on time is reached; infinity without one."""
        return max(0.0, self._ledger.room(pid, "seconds"))

    def refusal(self, pid: Pid, what: str) -> e.BudgetRefused:
        """The event that says whose limit on time was reached, and what was stopped by it."""
        holder, allowed = self._ledger.holder(pid, "seconds")
        return e.BudgetRefused("seconds", holder, allowed, round(self._ledger.total(holder).seconds, 3), 0.0, what)

    def enter(self, limit: TimeLimit) -> None:
        self._limits.add(limit)
        limit.scope.deadline = self._deadline(limit.pid)

    def leave(self, limit: TimeLimit) -> None:
        self._limits.discard(limit)

    def _deadline(self, pid: Pid) -> float:
        left = self._ledger.time_left(pid)
        return anyio.current_time() + left if left != float("inf") else left
