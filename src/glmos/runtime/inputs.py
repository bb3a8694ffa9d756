"""The person's files: copied in when a process begins, compared again when it goes on."""

from collections.abc import Sequence
from pathlib import Path

from glmos.abi import events as e
from glmos.abi.ids import Pid
from glmos.kernel.dependence import reopening, resting_on
from glmos.kernel.process import Process
from glmos.ports import Workspaces


async def import_files(workspaces: Workspaces, pid: Pid, files: Sequence[str]) -> tuple[e.InputFile, ...]:
    """Copy the files into the new workspace of `pid`. If that fails nothing of it is left."""
    try:
        return await workspaces.create(pid, [Path(f) for f in files])
    except BaseException:
        await workspaces.remove(pid)
        raise


async def changed_sources(workspaces: Workspaces, p: Process) -> tuple[e.SourceChanged, ...]:
    """Bring files of the person that have changed since they were copied into the workspace; give which."""
    events: list[e.SourceChanged] = []
    before = await workspaces.save(p.pid) if p.files else ""
    for file in p.files:
        fresh = await workspaces.refresh(p.pid, file)
        if fresh is None:
            continue
        events.append(e.SourceChanged(file.name, fresh.digest, fresh.size, before))
    return tuple(events)


def with_reopened(p: Process, changed: Sequence[e.SourceChanged]) -> tuple[e.Event, ...]:
    """The changes, and the steps to be done again for them."""
    roots = {
        step: f"the file {file.name!r}, which it was based on, has changed"
        for file in changed
        for step in resting_on(p, f"file:{file.name}")
    }
    return (*changed, *reopening(p, roots))
