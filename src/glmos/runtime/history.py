"""Fork: another process begins from the past of one."""

from collections.abc import Sequence

from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.errors import RefusedError
from glmos.abi.ids import Pid, Seq, SnapshotId
from glmos.kernel.fold import fold_all
from glmos.runtime.machine import Machine


async def fork(machine: Machine, pid: Pid, at: Seq | None) -> Pid:
    """A new process with the first `at` events of `pid` (all by default) and the files of that moment.

    One more where the last of them only announces the next: a plan that is said to stand is in the fork as well.
    """
    log = await machine.log_of(pid)
    entries = list(log.entries)
    at = len(entries) if at is None else at
    if not 1 <= at <= len(entries):
        raise RefusedError(f"process {pid} has events 1 to {len(entries)}; {at} is not one of them")
    at += at < len(entries) and _announced(entries[at - 1].event, entries[at].event)
    new = await machine.parts.store.new_pid()
    await machine.parts.workspaces.create(new, ())
    await _copy_files(machine, pid, new, at)
    machine.parts.crash_point("fork.after_files")
    await machine.create(new, *_events_of_fork(entries[:at], pid, new))
    return new


def _announced(answer: e.Event, after: e.Event) -> bool:
    """Whether an answer says that what comes after it has happened. Both are written together."""
    return isinstance(answer, e.CallAnswered) and isinstance(after, e.PlanMade | e.StepSubmitted)


async def _copy_files(machine: Machine, pid: Pid, new: Pid, at: Seq) -> None:
    """Give `new` the files of `pid` as they were after event `at`."""
    snapshot = _snapshot_at((await machine.log_of(pid)).entries, at)
    await machine.parts.workspaces.copy(pid, new, snapshot=snapshot)
    if not snapshot and (later := _snapshot_at((await machine.log_of(pid)).entries, at)):
        # It went on meanwhile, and what was copied as it is now may be newer than `at`.
        await machine.parts.workspaces.copy(pid, new, snapshot=later)


def _snapshot_at(entries: Sequence[e.Entry], at: Seq) -> SnapshotId:
    """The saved state that has the files as they were after event `at`; empty for the files as they are now.

    Whatever may change files is preceded by a save, so the next save after `at` shows the files of `at`. A call or an undo
    that was under way at `at` is not under way in the fork: the files are taken from before it.
    """
    state = fold_all(entries[:at])
    if state.undoing is not None:
        return state.undoing.before
    under_way = [c.snapshot for c in state.open_calls if c.snapshot]
    if under_way:
        return under_way[0]
    return next((saved for x in entries[at:] if (saved := _saved_before(x.event))), "")


def _saved_before(event: e.Event) -> SnapshotId:
    """The state of the files that was saved just before an event."""
    match event:
        case e.ToolIntended() | e.StepStarted():
            return event.snapshot
        case e.ChildExited() | e.SourceChanged() | e.UndoStarted():
            return event.before
        case _:
            return ""


def _events_of_fork(entries: Sequence[e.Entry], source: Pid, new: Pid) -> list[e.Event]:
    first = entries[0].event
    assert isinstance(first, e.ProcessCreated)
    created = replace(first, root=new, parent=None)
    state = fold_all(entries)
    orphans = [
        e.ChildExited(c.pid, "killed", reason=f"it belongs to process {source}")
        for c in state.children.values()
        if c.exited is None
    ]
    return [created, *(x.event for x in entries[1:]), e.ProcessForked(source, len(entries)), *orphans]
