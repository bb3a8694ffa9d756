"""The accounts of processes: opened for a whole tree when the first of it comes into memory, closed with the last.

Also how long a process has been running, whatever became of the machines it ran on. The ledger itself is `kernel.budget`.
"""

import anyio

from glmos.abi import events as e
from glmos.abi.ids import Pid
from glmos.kernel.process import Process
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts


class Accounts:
    """One per machine."""

    def __init__(self, parts: Parts, stopped_at: float | None) -> None:
        """`stopped_at`: see `Machine`."""
        self._parts = parts
        self._trees: dict[Pid, set[Pid]] = {}
        """By root, who of a tree is in memory."""
        self._opening = anyio.Lock()  # nobody of a tree goes on before all its accounts are open
        self._began = parts.clock.now()
        self._stopped_at = self._began if stopped_at is None else min(stopped_at, self._began)
        self._let_go_at: dict[Pid, float] = {}

    async def open(self, root: Pid, pid: Pid) -> None:
        """Let `pid` join those of its tree who are in memory, with the accounts of the whole tree open."""
        async with self._opening:
            if root not in self._trees:
                # What the others used counts, and what was under way for them at the end counts as used.
                for row in await self._parts.store.tree(root):
                    since = self._running_since(row) if row.ticking else None
                    self._parts.ledger.put(
                        row.pid, row.parent, row.limits, row.usage, {"lost": row.reserved}, since=since
                    )
            self._trees.setdefault(root, set()).add(pid)

    def is_open(self, root: Pid, pid: Pid) -> bool:
        return pid in self._trees.get(root, ())

    def close(self, root: Pid, pid: Pid) -> None:
        """`pid` leaves memory; the accounts of its tree are closed with the last."""
        members = self._trees.get(root, set())
        members.discard(pid)
        if not members:
            self._trees.pop(root, None)
            self._parts.ledger.forget(root)

    def put(self, log: ProcessLog) -> None:
        """Bring the account of a process up to date."""
        p = log.state
        since = min(p.at - log.ahead, self._parts.clock.now()) if log.ticking else None
        if self._parts.ledger.put(p.pid, p.parent, log.limits, p.usage, p.reserved, since=since):
            self._parts.timekeeper.refresh()

    # -- running time -------------------------------------------------------------------------------------------------

    def ran_through(self, p: Process) -> bool:
        """It was running when the machine before this one ended."""
        return p.ticking and p.at < self._began

    def let_go(self, pid: Pid) -> None:
        """It runs no more from now on, whatever its log says."""
        self._let_go_at[pid] = self._parts.clock.now()

    def ran_on(self, p: Process) -> float:
        """How long a process that is found unfinished may have been running after its last event."""
        if not p.ticking:
            return 0.0
        until = self._let_go_at.pop(p.pid, self._stopped_at if p.at < self._began else p.at)
        return round(max(0.0, until - p.at), 3)

    def _running_since(self, row: e.ProcessRow) -> float:
        """Since when the time of a process on disk would have been passing, had no machine been down meanwhile."""
        now = self._parts.clock.now()
        ran = self._stopped_at - row.updated if row.updated < self._began else now - row.updated
        return now - max(0.0, ran)
