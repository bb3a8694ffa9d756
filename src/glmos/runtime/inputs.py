"""The person's files: copied in when a process begins, compared again when it goes on."""

from collections.abc import Sequence
from pathlib import Path

from glmos.abi import events as e
from glmos.abi.ids import Pid
from glmos.kernel import plans
from glmos.kernel.process import Process
from glmos.ports import Workspaces


async def import_files(workspaces: Workspaces, pid: Pid, files: Sequence[str]) -> tuple[e.InputFile, ...]:
    """Copy the files into the new workspace of `pid`. If that fails nothing of it is left."""
    try:
        return await workspaces.create(pid, [Path(f) for f in files])
    except BaseException:
        await workspaces.remove(pid)
        raise


async def changed_sources(workspaces: Workspaces, p: Process) -> tuple[e.Event, ...]:
    """Bring files that have changed since into the workspace; give what happened, and the steps to be done again."""
    events: list[e.Event] = []
    again: dict[str, str] = {}
    before = await workspaces.save(p.pid) if p.files else ""
    for file in p.files:
        fresh = await workspaces.refresh(p.pid, file)
        if fresh is None:
            continue
        events.append(e.SourceChanged(file.name, fresh.digest, fresh.size, before))
        again |= dict.fromkeys(
            plans.affected(p, f"file:{file.name}"), f"the file {file.name!r} it was based on has changed"
        )
    return (*events, *(e.StepReopened(step, cause) for step, cause in again.items()))
