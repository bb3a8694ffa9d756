"""What came into a workspace from outside: files of children that ended, and newer versions of the person's files.

Both come when they come, not by a call, so a saved state from before does not have them. Whoever takes the files back to
one brings in again what stands in the log.
"""

from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.errors import RefusedError
from glmos.abi.ids import Seq
from glmos.ports import Workspaces
from glmos.runtime.log import ProcessLog


async def bring_again(workspaces: Workspaces, log: ProcessLog, since: Seq) -> list[str]:
    """Bring in again what came after event `since`, but nothing of children begun after it; give, in a sentence each,
    what could not be had again."""
    return [*await _files_of_children(workspaces, log, since), *await _newer_sources(workspaces, log, since)]


async def _files_of_children(workspaces: Workspaces, log: ProcessLog, since: Seq) -> list[str]:
    lost: list[str] = []
    for child in log.state.children.values():
        if child.exited is None or not child.exited.files or not child.spawned_at < since < child.exited_at:
            continue
        folder = f"children/{child.pid}"
        names = [name.removeprefix(f"{folder}/") for name in child.exited.files]
        try:
            await workspaces.fetch(log.pid, child.pid, names, folder)
        except RefusedError as error:
            lost.append(f"the files of child {child.pid} could not be brought back: {error}")
    return lost


async def _newer_sources(workspaces: Workspaces, log: ProcessLog, since: Seq) -> list[str]:
    changed = {x.event.name for x in log.entries if x.seq > since and isinstance(x.event, e.SourceChanged)}
    lost: list[str] = []
    for file in log.state.files:
        # With no digest to compare, it is copied whatever it holds.
        if file.name in changed and await workspaces.refresh(log.pid, replace(file, digest="")) is None:
            lost.append(
                f"the file {file.name!r} is as it was before you changed it: {file.source!r} cannot be read now"
            )
    return lost
