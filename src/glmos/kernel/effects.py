"""Taking back: what an undo has to do, worked out before anything is done.

A process goes back to the beginning of a step. The workspace of that moment is restored, which takes back every
reversible effect since; compensable ones are undone by their own calls, latest first; children begun since are ended, and
their effects count like its own; the rest is listed. `runtime.history` carries it out.
"""

from collections.abc import Iterable
from typing import NamedTuple

from glmos.abi.errors import ConflictError, NotFoundError
from glmos.abi.ids import Pid, Seq, SnapshotId, StepId
from glmos.abi.tools import LASTING
from glmos.kernel.process import Call, Process

REFUSED = ("bad_arguments", "not_found", "denied")
"""Failures that say that nothing was done."""


class UndoPlan(NamedTuple):
    step: StepId
    snapshot: SnapshotId
    since: Seq
    """Everything from this event on is taken back."""
    effects: tuple[Call, ...]
    """What was done outside the workspace and is still there, or may be; latest first."""
    children: tuple[Pid, ...]
    """Begun since."""


def plan_undo(p: Process, step: StepId | None) -> UndoPlan:
    """What it takes to bring the process back to the beginning of `step`, or of the step it last began.

    An undo that was interrupted is gone on with; then an earlier step will do too, but no later one.

    Raises:
        NotFoundError: The plan has no such step.
        ConflictError: Nothing has begun yet, or the step has not, or it lies after where an interrupted undo leads.
    """
    step = _last(p) if step is None else step
    if p.find(step) is None:
        names = ", ".join(s.id for s in p.plan) or "none yet"
        raise NotFoundError(f"process {p.pid} has no step {step!r}; its steps: {names}")
    since = p.steps[step].first_at
    effects = outside(p, since)
    if p.undoing is not None:
        if not 0 < since <= p.undoing.since:
            raise ConflictError(
                f"an undo of process {p.pid} to step {p.undoing.step!r} was interrupted; it can be finished with "
                f"`glmos undo {p.pid} --to {p.undoing.step}`, or go to an earlier step, but not to {step!r}"
            )
    elif not since or not (_stands(p, since) or any(map(can_be_undone, effects))):
        raise ConflictError(f"step {step!r} of process {p.pid} has not begun; there is nothing to undo")
    children = tuple(c.pid for c in p.children.values() if c.spawned_at >= since)
    return UndoPlan(step, p.steps[step].snapshot, since, effects, children)


def _stands(p: Process, since: Seq) -> bool:
    """Something that was begun from `since` on has not been undone."""
    called = any(c.intended_at >= since and not c.undone for c in p.calls.values())
    return called or any(max(s.started_at, s.passed_at) >= since for s in p.steps.values())


def outside(p: Process, since: Seq = 0) -> tuple[Call, ...]:
    """Calls from `since` on that did something outside the workspace, or may have, latest first; without those that an
    undo which came to its end has taken back."""
    found = [
        c for c in p.calls.values()
        if c.intended_at >= since and c.effect in LASTING
        and not (c.failed and c.failure in REFUSED) and not (c.undone and c.compensated == "done")
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda c: -c.intended_at))


def doubtful(call: Call) -> bool:
    """No receipt says whether it took effect: it has none, or it failed on the way."""
    return not call.finished_at or call.failed


def can_be_undone(call: Call) -> bool:
    named = call.compensation is not None or doubtful(call)
    return call.effect == "compensable" and call.compensated != "done" and named


def _last(p: Process) -> StepId:
    if p.undoing is not None:
        return p.undoing.step
    begun = [k for k, s in p.steps.items() if s.started_at]
    if not begun:
        raise ConflictError(f"process {p.pid} has not begun any step; there is nothing to undo")
    return max(begun, key=lambda k: p.steps[k].started_at)


def in_doubt(calls: Iterable[Call]) -> str:
    """What a person has to know of calls whose effect nobody knows; empty without any."""
    names = [f"{c.call} ({c.tool}.{c.action})" for c in calls if c.effect != "pure" and c.state != "again"]
    return f"nobody knows whether {', '.join(names)} took effect" if names else ""
