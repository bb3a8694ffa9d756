"""How long each process has been running, by the times in its log: no call may begin or go on beyond a limit on time."""

from collections.abc import Generator
from contextlib import contextmanager

from glmos.abi import events as e
from glmos.abi.ids import Pid
from glmos.testing.simulation.audit import Audit, Book
from glmos.testing.simulation.record import Record

SLACK = 0.1
"""Seconds: a pause of the machine may lie between the end of the time and the end of a call."""


class Stopwatch:
    """One per world. It stands while a process has ended, is suspended or waits for a person, itself or by its children."""

    def __init__(self, record: Record, audit: Audit) -> None:
        self._record = record
        self._audit = audit
        self._ran: dict[Pid, float] = {}
        self._last: dict[Pid, tuple[float, bool]] = {}
        """When the last event was, and whether time passes since."""
        self._stopping: list[tuple[Pid, float]] = []
        """Trees in which somebody is about to stop a clock, and since when."""
        self._exact = True

    @contextmanager
    def may_stop(self, pid: Pid, now: float) -> Generator[None]:
        """What may stop clocks of the tree of `pid` is being asked: the machine knows it before it can be read in a log."""
        asked = (list(self._audit.line(pid))[-1], now)
        self._stopping.append(asked)
        try:
            yield
        finally:
            self._stopping.remove(asked)

    def clock_was_set(self) -> None:
        """Times in logs are no measure any more."""
        self._exact = False

    def committed(self, entry: e.Entry, book: Book) -> None:
        """To be told of every event after the auditor."""
        at, ticked = self._last.get(entry.pid, (entry.at, False))
        match entry.event:
            case e.ProcessRecovered(seconds=seconds):
                passed = seconds
            case e.ProcessForked():
                passed = 0.0
            case _:
                passed = entry.at - at if ticked else 0.0
        self._ran[entry.pid] = self._ran.get(entry.pid, 0.0) + passed
        self._last[entry.pid] = (entry.at, book.ticking)

    def look(self, pid: Pid, now: float, what: str) -> None:
        """A process has something done for it at this moment."""
        if not self._exact:
            return
        line = list(self._audit.line(pid))
        known = min([now, *(at for root, at in self._stopping if root == line[-1])])
        for holder in line:
            at, ticking = self._last[holder]
            ran = self._ran[holder] + (max(0.0, known - at) if ticking else 0.0)
            allowed = [x.seconds for x in self._audit.limits(holder)]
            if all(x is not None and ran > x + SLACK for x in allowed):
                self._record.problem(
                    f"{what} of process {pid} goes on {ran:.3f} s into the {allowed[-1]} s of process {holder}"
                )
