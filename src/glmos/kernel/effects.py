"""Taking back: what an undo has to do, worked out before anything is done.

A process goes back to the beginning of a step. The workspace of that moment is restored, which takes back every
reversible effect since; compensable ones are undone by their own calls, latest first; the rest is listed.
"""

from typing import NamedTuple

from glmos.abi.errors import ConflictError, NotFoundError
from glmos.abi.ids import SnapshotId, StepId
from glmos.kernel.process import Call, Process


class UndoPlan(NamedTuple):
    step: StepId
    snapshot: SnapshotId
    compensate: tuple[Call, ...]
    """Latest first."""
    left: tuple[str, ...]
    """What cannot be taken back, one sentence each."""


def plan_undo(p: Process, step: StepId | None) -> UndoPlan:
    """What it takes to bring the process back to the beginning of `step`, or of the step it last began.

    Raises:
        NotFoundError: The plan has no such step.
        ConflictError: Nothing has begun yet, or the step has not.
    """
    begun = {k: s for k, s in p.steps.items() if s.started_at}
    if step is None:
        if not begun:
            raise ConflictError(f"process {p.pid} has not begun any step; there is nothing to undo")
        step = max(begun, key=lambda k: begun[k].started_at)
    if p.find(step) is None:
        names = ", ".join(s.id for s in p.plan) or "none yet"
        raise NotFoundError(f"process {p.pid} has no step {step!r}; its steps: {names}")
    if step not in begun:
        raise ConflictError(f"step {step!r} of process {p.pid} has not begun; there is nothing to undo")
    first = min((c.intended_at for c in p.calls.values() if c.step == step), default=begun[step].started_at)
    since = sorted(
        (c for c in p.calls.values() if c.intended_at >= first and not c.undone), key=lambda c: -c.intended_at
    )
    acted = [c for c in since if not c.failed]
    compensable = [c for c in acted if c.effect == "compensable"]
    left = [f"{c.call}: {c.tool}.{c.action} cannot be taken back" for c in acted if c.effect == "irreversible"]
    left += [f"{c.call}: {c.tool}.{c.action} named no way to undo it" for c in compensable if c.compensation is None]
    if not begun[step].snapshot:
        left.append(f"the files as they were before step {step!r} were not kept")
    return UndoPlan(
        step, begun[step].snapshot, tuple(c for c in compensable if c.compensation is not None), tuple(left)
    )
