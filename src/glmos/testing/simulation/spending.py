"""What every tree has really asked for: counted where it is asked, reply or not, and held against every limit above."""

from glmos.abi.budgets import Limits, Usage
from glmos.abi.ids import Pid
from glmos.testing.simulation.audit import Audit
from glmos.testing.simulation.record import Record


class Spending:
    """One per world."""

    def __init__(self, record: Record, audit: Audit) -> None:
        self._record = record
        self._audit = audit
        self._spent: dict[Pid, Usage] = {}
        """By process, of itself and everything below it."""

    def pays(self, pid: Pid, cost: Usage, what: str) -> None:
        """A process has asked for something that costs; no limit above it may be broken by that."""
        for holder in self._audit.line(pid):
            total = self._spent[holder] = self._spent.get(holder, Usage()) + cost
            broken = [over(limits, total, cost) for limits in self._audit.limits(holder)]
            if all(broken):
                self._record.problem(f"{what} of process {pid} breaks the limit of process {holder}: {broken[-1]}")


def over(limits: Limits, total: Usage, cost: Usage) -> str:
    """Which limit `total` is beyond by what was just asked for; empty for none."""
    for name in ("usd", "tokens", "model_calls", "tool_calls"):
        allowed, used = getattr(limits, name), getattr(total, name)
        if allowed is not None and used > allowed + 1e-9 and getattr(cost, name) > 0:
            return f"{used:.10g} {name} of {allowed:.10g}"
    return ""
