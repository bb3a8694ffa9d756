"""What was given: whether it is as it was given, and was when it was read; and whether what the goal asks for was made."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import anyio.to_thread

from glmos.abi import events as e
from glmos.abi.ids import CallId, Seq, SnapshotId, StepId
from glmos.kernel.process import Process
from glmos.kernel.verify import Verdict
from glmos.kernel.wishes import may_change, wanted_files
from glmos.ports import Change
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts
from glmos.tools.beneath import Workspace


def said_by_person(log: ProcessLog) -> str:
    """The goal, and what the person answered when asked."""
    return "\n".join([log.state.goal, *told_by_person(log)])


def told_by_person(log: ProcessLog) -> list[str]:
    """What the person answered when asked and said in corrections, but for what was corrected later."""
    corrected = log.state.corrected
    answers = [x.event for x in log.entries if isinstance(x.event, e.CallAnswered) and x.event.name == "ask"]
    standing = [x.text for x in answers if f"call:{x.call}" not in corrected]
    said = [(x.seq, x.event) for x in log.entries if isinstance(x.event, e.FactCorrected)]
    return standing + [x.text for seq, x in said if x.what.startswith("step:") or seq == corrected[x.what]]


async def judge_goal(log: ProcessLog, parts: Parts, step: StepId) -> Verdict:
    """Carry out `GoalCheck`."""
    altered = await altered_now(log, parts)
    if altered:
        return Verdict(
            "failed", f"{_names(altered)}: given to you, and the goal does not ask to change {_it(altered)}. Put back what "
            "was given (work on a copy), and do again what rests on the change",
        )  # fmt: skip
    p = log.state
    missing = await _missing(log, parts) if p.final is not None and p.final.id == step else []
    if missing:
        return Verdict("failed", f"the goal asks for {_names(missing)}, and no such file was made, or it is empty")
    changed = [c.path for c in await _changes(log, parts) if c.kind != "added"]
    told = f"; {_names(changed)} changed, as the goal asks" if changed else ""
    return Verdict("passed", f"what was given is as it was given{told}" if not told else told.removeprefix("; "))


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _names(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


# -- what was given ---------------------------------------------------------------------------------------------------


async def altered_now(log: ProcessLog, parts: Parts) -> list[str]:
    """Given files that are not as they were given, without the goal asking for it."""
    return _unasked(log, await _changes(log, parts))


async def altered_then(log: ProcessLog, parts: Parts, calls: Sequence[CallId]) -> dict[CallId, list[str]]:
    """For each of `calls`, the given files that were not as given when it ran, without the goal asking for it.

    A workspace is saved before every call that can change it, so its state around a call stands in the snapshots before
    the call and before the next one that could change something. What a call changes and puts back itself is not seen.
    """
    found: dict[CallId, list[str]] = {}
    known: dict[_Saved, list[str]] = {}
    for call in calls:
        for saved in _around(log.state, call):
            if saved not in known:
                known[saved] = _unasked(log, await _changes(log, parts, saved))
            if known[saved]:
                found[call] = known[saved]
    return found


class _Saved(NamedTuple):
    """A state of the workspace, and where in the log it was saved."""

    snapshot: SnapshotId
    at: Seq


_PRESENT = _Saved("", sys.maxsize)


def _around(p: Process, call: CallId) -> list[_Saved]:
    """The saved states just before and just after a call, or the present."""
    this = p.calls[call]
    saving = [c for c in sorted(p.calls.values(), key=lambda c: c.intended_at) if c.snapshot]
    after = next((_Saved(c.snapshot, c.intended_at) for c in saving if c.intended_at > this.intended_at), _PRESENT)
    return [_Saved(this.snapshot, this.intended_at), after] if this.snapshot else [after]


async def _changes(log: ProcessLog, parts: Parts, saved: _Saved = _PRESENT) -> list[Change]:
    """What differs in a state from what had been given until then."""
    if not log.first_snapshot:
        return []
    until = saved.snapshot
    found = await parts.workspaces.changes(log.pid, log.first_snapshot, until=until)
    for name, base in _renewed(log, saved.at).items():
        # The person's own file had changed meanwhile: what counts as given is what it was then.
        found = [c for c in found if not _within(c.path, name)]
        if base:
            later = await parts.workspaces.changes(log.pid, base, until=until)
            found += [c for c in later if _within(c.path, name)]
    return found


def _renewed(log: ProcessLog, until: Seq) -> dict[str, SnapshotId]:
    """Names of given files that had been copied anew before event `until`, with the first state saved after that."""
    renewals = [(x.event.name, x.seq) for x in log.entries if isinstance(x.event, e.SourceChanged) and x.seq < until]
    last: dict[str, Seq] = dict(renewals)
    saved = [(x.seq, x.event.snapshot) for x in log.entries if isinstance(x.event, e.StepStarted | e.ToolIntended)]
    return {name: next((s for seq, s in saved if seq > at and s), "") for name, at in last.items()}


def _within(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}/")


def _unasked(log: ProcessLog, changes: Sequence[Change]) -> list[str]:
    changed = [c.path for c in changes if c.kind != "added"]
    if not changed:
        return []
    given = [f.name for f in log.state.files] or changed
    wish, person = said_by_person(log), log.state.parent is None
    return [path for path in changed if not may_change(wish, path, [*given, path], told_by_person=person)]


# -- what was asked for -----------------------------------------------------------------------------------------------


async def _missing(log: ProcessLog, parts: Parts) -> list[str]:
    given = {PurePosixPath(f.name).name for f in log.state.files}
    wanted = [n for n in wanted_files(log.state.goal) if PurePosixPath(n).name not in given]
    if not wanted:
        return []
    changes = await _changes(log, parts)
    sizes = await anyio.to_thread.run_sync(_sizes, parts, log.pid)
    gone = {c.path for c in changes if c.kind == "deleted"}
    here = [*sizes, *gone]  # a file that was given and that the goal wants gone or renamed was there
    return [n for n in wanted if not any(_is(n, path) and sizes.get(path, 1) > 0 for path in here)]


def _is(wanted: str, path: str) -> bool:
    """A file may be asked for by its name alone, wherever it is made."""
    return path == wanted or path.endswith(f"/{wanted}")


def _sizes(parts: Parts, pid: int) -> Mapping[str, int]:
    """The regular files of the workspace; a link is none."""
    with Workspace(parts.workspaces.path(pid)) as workspace:
        return {item.path: item.size for item in workspace.walk(".") if item.kind == "file"}
