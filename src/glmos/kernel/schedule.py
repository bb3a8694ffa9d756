"""Who runs next: priority first, then the tree that has had least, then the one that has waited longest.

Pure and small, so that fairness can be tested by itself. The runtime asks it whenever a place at a driver is free.
"""

from typing import NamedTuple

from glmos.abi.ids import Pid


class Waiting(NamedTuple):
    """Someone who wants a place."""

    ticket: int
    """Counts up: the order of asking."""
    pid: Pid
    root: Pid
    priority: int


def next_of(queue: list[Waiting], served: dict[Pid, float]) -> Waiting | None:
    """The one to serve. `served` is what each tree (by its root) has had so far, in any unit of work.

    A tree's share is weighted by priority: each step of priority counts as 1.25 times the share, as with Unix nice
    values, so low priority waits longer but never for ever.
    """
    if not queue:
        return None
    return min(queue, key=lambda w: (served.get(w.root, 0.0) / 1.25**w.priority, w.ticket))
