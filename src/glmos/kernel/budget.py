"""Budgets: whether the worst case of a call fits what is left, for the process and every ancestor.

A limit on a process counts for its whole tree. `Ledger` knows what every process has used and what is reserved and not
yet settled; the runtime asks it before each call. No reservation, no call.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from glmos.abi.budgets import Limits, Usage
from glmos.abi.ids import Pid

_UNLIMITED = float("inf")
_NO_LIMITS = Limits()
LimitName = Literal["usd", "tokens", "seconds", "model_calls", "tool_calls"]


class Shortfall(NamedTuple):
    """The limit that a call would break."""

    limit: LimitName
    holder: Pid
    allowed: float
    used: float
    needed: float


class Account(NamedTuple):
    parent: Pid | None
    limits: Limits
    used: Usage
    reserved: dict[str, Usage]
    since: float | None
    """When its running time, which is not yet in `used`, began to pass; None while it stands still."""


class Ledger:
    """What the processes of every tree that is in memory have used and reserved; opened from the journal's listing."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        """`now`: the time that `since` is given in."""
        self._now = now
        self._accounts: dict[Pid, Account] = {}
        self._children: dict[Pid, set[Pid]] = {}
        self._holds: dict[Pid, dict[str, Usage]] = {}

    def put(
        self,
        pid: Pid,
        parent: Pid | None,
        limits: Limits,
        used: Usage,
        reserved: dict[str, Usage],
        *,
        since: float | None = None,
    ) -> bool:
        """The process stands so now. True: its time may be over at another moment than before."""
        old, self._accounts[pid] = self._accounts.get(pid), Account(parent, limits, used, reserved, since)
        if parent is not None:
            self._children.setdefault(parent, set()).add(pid)
        if old is None:
            return limits.seconds is not None
        if old.limits.seconds != limits.seconds:
            return True
        return limits.seconds is not None and (old.since is None) != (since is None)

    def forget(self, root: Pid) -> None:
        """Close the accounts of a whole tree: nothing of it runs."""
        self._accounts.pop(root, None)
        self._holds.pop(root, None)
        for child in self._children.pop(root, ()):
            self.forget(child)

    def hold(self, pid: Pid, key: str, need: Usage) -> Shortfall | None:
        """Reserve `need` at once, before it stands in the journal; or say which limit it would break.

        Between this and the append of the intent other processes of the tree may ask: they already see the hold.
        """
        found = self.shortfall(pid, need)
        if found is None:
            self._holds.setdefault(pid, {})[key] = need
        return found

    def release(self, pid: Pid, key: str) -> None:
        """The reservation stands in the journal now, or is not needed."""
        self._holds.get(pid, {}).pop(key, None)

    def total(self, pid: Pid) -> Usage:
        """Used and reserved by the process and everything below it, `seconds` by itself alone."""
        account = self._accounts.get(pid)
        if account is None:
            return Usage()
        total = account.used
        if account.since is not None:
            total += Usage(seconds=max(0.0, self._now() - account.since))
        for reserved in account.reserved.values():
            total += reserved
        for held in self._holds.get(pid, {}).values():
            total += held
        for child in self._children.get(pid, ()):
            below = self.total(child)
            total += below - Usage(seconds=below.seconds)
        return total

    def shortfall(self, pid: Pid, need: Usage) -> Shortfall | None:
        """The first limit, from the process upwards, that `need` does not fit; None when it fits all."""
        return self._short(pid, need, Usage())

    def overdrawn(self, pid: Pid, reserved: Usage) -> Shortfall | None:
        """The first limit, from the process upwards, that does not hold what is reserved for a call about to begin.

        It did when that was reserved; but limits can be lowered while a call waits for its turn.
        """
        return self._short(pid, reserved, reserved)

    def _short(self, pid: Pid, need: Usage, counted: Usage) -> Shortfall | None:
        """`counted`: the part of `need` that is reserved already."""
        holder: Pid | None = pid
        while holder is not None and holder in self._accounts:
            account = self._accounts[holder]
            if account.limits != _NO_LIMITS:
                found = _over(holder, account.limits, self.total(holder) - counted, need)
                if found is not None:
                    return found
            holder = account.parent
        return None

    def room(self, pid: Pid, limit: LimitName) -> float:
        """How much of a limit is left for the process, by the tightest of its ancestors; infinity without any."""
        holder, allowed = self.holder(pid, limit)
        if allowed == _UNLIMITED:
            return allowed
        return allowed - float(getattr(self.total(holder), limit))

    def time_left(self, pid: Pid) -> float:
        """Seconds from now to the end of the time of the process or of an ancestor; infinity without a limit whose clock
        runs."""
        left: float = _UNLIMITED
        line: Pid | None = pid
        while line is not None and line in self._accounts:
            account = self._accounts[line]
            if account.limits.seconds is not None and account.since is not None:
                left = min(left, account.limits.seconds - self.total(line).seconds)
            line = account.parent
        return max(0.0, left)

    def holder(self, pid: Pid, limit: LimitName) -> tuple[Pid, float]:
        """The process from `pid` upwards whose limit leaves the least room, and the limit; `pid` and infinity without."""
        found, least, holder = (pid, _UNLIMITED), _UNLIMITED, pid
        while holder in self._accounts:
            account = self._accounts[holder]
            allowed = getattr(account.limits, limit)
            if allowed is not None:
                left = allowed - getattr(self.total(holder), limit)
                if left < least:
                    found, least = (holder, float(allowed)), left
            if account.parent is None:
                break
            holder = account.parent
        return found


def _over(holder: Pid, limits: Limits, used: Usage, need: Usage) -> Shortfall | None:
    names: tuple[LimitName, ...] = ("usd", "tokens", "seconds", "model_calls", "tool_calls")
    for name in names:
        allowed: float | None = getattr(limits, name)
        if allowed is None:
            continue
        has, more = float(getattr(used, name)), float(getattr(need, name))
        # Time is not reserved: a call may begin while any is left, and is stopped when it is gone.
        if (name == "seconds" and has >= allowed) or (more > 0 and has + more > allowed + 1e-12):
            return Shortfall(name, holder, float(allowed), has, more)
    return None
