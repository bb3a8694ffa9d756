"""The last look: what was checked is what is there.

A program of the doer may outlive the call that started it, and a later step may undo what an earlier one was passed for.
So when all else has passed, every program of the process is ended, the files are compared with those that the checks
saw, and the checks of earlier steps are run again if files have changed since.

A pipeline changes on purpose what it made before: a draft is sorted, renamed, removed. So a check of an earlier step that
no longer holds is handed over to a later step, if the plan says so: that step needs the earlier one, its goal asks for a
change of every file that was changed, and a check of its own looks at what came of it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from glmos.abi import events as e
from glmos.abi import plans as a
from glmos.abi.ids import SnapshotId, StepId
from glmos.kernel.dependence import needing
from glmos.kernel.process import Process
from glmos.kernel.report import check_kind
from glmos.kernel.verify import Verdict
from glmos.kernel.wishes import may_change, wanted_files
from glmos.ports import Change
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
    handed_over: dict[str, None] = {}
    for earlier, check in _earlier(p, step):
        if earlier not in seen or not await parts.workspaces.changes(p.pid, seen[earlier]):
            continue
        found = await again(earlier, check)
        if found.outcome == "passed":
            continue
        changes = await _changes_since(p, parts, earlier, step, seen)
        loose = _unplanned(p, earlier, check, changes)
        if loose:
            advice = f"; changed since: {loose}. {ADVICE}" if changes else ""
            said = f"step {earlier!r} no longer holds: {check_kind(check)}: {found.detail}{advice}"
            return Verdict(found.outcome, said, earlier if found.outcome == "failed" else "")
        names = ", ".join(dict.fromkeys(f"{c.path} by {by}" for by, c in changes if _concerns(check, c, changes)))
        handed_over[f"{check_kind(check)} of {earlier!r} no longer counts, as the plan has it changed ({names})"] = None
    return Verdict("passed", "; ".join(["the files are as the checks saw them", *handed_over]))


ADVICE = (
    "If that is as it should be, the plan must say so: the step that changes a file needs the step that made it, its goal "
    "names the file and what is done to it, and it has a check of what comes of it"
)


async def _changes_since(
    p: Process, parts: Parts, earlier: StepId, last: StepId, seen: Mapping[StepId, SnapshotId]
) -> list[tuple[StepId, Change]]:
    """What has changed since the checks of a step, each change with the step in which it was made."""
    passed_at = p.steps[earlier].passed_at
    later = [s for s in p.plan if s.id == last or p.steps[s.id].passed_at > passed_at]
    later.sort(key=lambda s: (s.id == last, p.steps[s.id].passed_at))
    found: list[tuple[StepId, Change]] = []
    before = seen[earlier]
    for step in later:
        if step.id in seen:
            found += [(step.id, c) for c in await parts.workspaces.changes(p.pid, before, until=seen[step.id])]
            before = seen[step.id]
    return found


def _unplanned(p: Process, earlier: StepId, check: a.Check, changes: Sequence[tuple[StepId, Change]]) -> str:
    """The changes that concern a check of `earlier` and that the plan does not foresee; empty when it foresees them all."""
    concerned = [(by, c) for by, c in changes if _concerns(check, c, changes)]
    loose = [f"{c.path} by step {by!r}" for by, c in concerned if not _foreseen(p, earlier, by, c.path)]
    return ", ".join(dict.fromkeys(loose)) or ("" if concerned else "nothing it speaks of")


def _concerns(check: a.Check, change: Change, changes: Sequence[tuple[StepId, Change]]) -> bool:
    """A check of one file hangs on that; any other on what was there and changed, or where nothing was, on what was added."""
    if isinstance(check, a.FileCheck | a.PatternCheck | a.SchemaCheck):
        return change.path == PurePosixPath(check.path.removeprefix("/workspace/")).as_posix()
    return change.kind != "added" or all(c.kind == "added" for _, c in changes)


def _foreseen(p: Process, earlier: StepId, by: StepId, path: str) -> bool:
    step = p.find(by)
    if step is None or by not in needing(p.plan, earlier):
        return False
    wanted = any(path == n or path.endswith(f"/{n}") for n in wanted_files(step.goal))
    looks = any(isinstance(c, a.CriticCheck) or _of_files(c) for c in step.checks)
    return looks and (wanted or may_change(step.goal, path, [path]))


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
            if _of_files(check):
                yield other.id, check


def _of_files(check: a.Check) -> bool:
    if isinstance(check, a.PatternCheck | a.SchemaCheck):
        return bool(check.path)
    return isinstance(check, a.FileCheck | a.PythonCheck | a.CommandCheck) or (
        isinstance(check, a.QueryCheck) and bool(check.sql)
    )
