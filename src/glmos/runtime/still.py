"""The last look: what was checked is what is there.

A program of the doer may outlive the call that started it, and a later step may undo what an earlier one was passed for.
So when all else has passed, every program of the process is ended, the files are compared with those that the checks
saw, and the checks of earlier steps are run again if files have changed since.
"""

from collections.abc import Awaitable, Callable, Iterator

from glmos.abi import events as e
from glmos.abi import plans as a
from glmos.abi.ids import SnapshotId, StepId
from glmos.kernel.process import Process
from glmos.kernel.report import check_kind
from glmos.kernel.verify import Verdict
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts


def could_change_files(p: Process) -> bool:
    """Whether any call was made that could."""
    return any(c.effect != "pure" for c in p.calls.values())


async def judge_still(
    log: ProcessLog, parts: Parts, step: StepId, again: Callable[[StepId, a.Check], Awaitable[Verdict]]
) -> Verdict:
    """Carry out `StillCheck`. `again` runs a check of an earlier step once more."""
    p = log.state
    if not could_change_files(p):
        return Verdict("passed", "no call could have changed a file")
    for tool in parts.tools.values():
        await tool.release(p.pid)
    await parts.sandbox.kill(p.pid)
    seen = _seen(log)
    if step in seen and (changed := await parts.workspaces.changes(p.pid, seen[step])):
        names = ", ".join(f"{c.path!r} ({c.kind})" for c in changed[:5])
        return Verdict("failed", f"{names}: not as the checks saw it; nothing may go on once a step is submitted")
    for earlier, check in _earlier(p, step):
        if earlier not in seen or not await parts.workspaces.changes(p.pid, seen[earlier]):
            continue
        found = await again(earlier, check)
        if found.outcome != "passed":
            return Verdict(found.outcome, f"step {earlier!r} no longer holds: {check_kind(check)}: {found.detail}")
    return Verdict("passed", "the files are as the checks saw them")


def _seen(log: ProcessLog) -> dict[StepId, SnapshotId]:
    """For each step, the files as its last checks saw them."""
    return {
        x.event.step: x.event.snapshot for x in log.entries if isinstance(x.event, e.CheckStarted) and x.event.snapshot
    }


def _earlier(p: Process, step: StepId) -> Iterator[tuple[StepId, a.Check]]:
    """The checks of other passed steps that look at files."""
    for other in p.plan:
        if other.id == step or p.steps[other.id].status not in ("passed", "unverified"):
            continue
        for check in other.checks:
            of_files = isinstance(check, a.FileCheck | a.PythonCheck | a.CommandCheck)
            of_files = of_files or (isinstance(check, a.PatternCheck | a.SchemaCheck) and bool(check.path))
            if of_files or (isinstance(check, a.QueryCheck) and bool(check.sql)):
                yield other.id, check
