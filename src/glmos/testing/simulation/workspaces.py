"""The workspaces of the simulation: folders of texts on the disk that outlives crashes.

A restore is done in two halves with a place for the power to go between them. Files are named for what made them, so
that it can be told at the end whether each is where the log says.
"""

from collections.abc import Sequence
from pathlib import Path

from glmos.abi.errors import NotFoundError, WorkspaceError
from glmos.abi.events import InputFile
from glmos.abi.ids import Pid, SnapshotId
from glmos.ports import Change
from glmos.testing.simulation.disk import Files
from glmos.testing.simulation.world import Life


class SimWorkspaces:
    """Implements `ports.Workspaces`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._disk = life.world.disk

    def path(self, pid: Pid) -> Path:
        return Path(f"/workspaces/{pid}")

    async def create(self, pid: Pid, sources: Sequence[Path]) -> tuple[InputFile, ...]:
        await self._do("a workspace is made", pid)
        files = self._disk.workspaces.setdefault(pid, {})
        found: list[InputFile] = []
        for source in sources:
            text = self._given(str(source))
            files[source.name] = text
            found.append(InputFile(source.name, str(source), len(text), text))
        self._life.reach("a workspace was made", pid)
        return tuple(found)

    async def save(self, pid: Pid) -> SnapshotId:
        await self._do("save", pid)
        self._files(pid)
        return self._disk.save(pid)

    async def restore(self, pid: Pid, snapshot: SnapshotId) -> tuple[str, ...]:
        await self._do("restore", pid)
        if snapshot not in self._disk.saved:
            raise WorkspaceError(f"There is no saved state {snapshot!r}; files cannot be taken back to it.")
        wanted, files = self._disk.saved[snapshot], self._files(pid)
        for name in [n for n in files if n not in wanted]:
            del files[name]
        self._life.reach("half a restore", pid, effect=True)
        await self._life.pause(11)
        files.update(wanted)
        self._life.reach("restored", pid, effect=True)
        self._life.world.say(f"    {pid}: files are as in {snapshot}")
        return ()

    async def changes(self, pid: Pid, since: SnapshotId, *, until: SnapshotId = "") -> list[Change]:
        await self._do("changes", pid)
        before, now = self._disk.saved[since], self._disk.saved[until] if until else self._files(pid)
        found = [Change(n, "changed" if n in before else "added") for n, x in now.items() if before.get(n) != x]
        return found + [Change(n, "deleted") for n in before if n not in now]

    async def copy(self, source: Pid, target: Pid, *, snapshot: SnapshotId = "", paths: Sequence[str] = ()) -> None:
        await self._do("copy", target)
        files = self._disk.saved[snapshot] if snapshot else self._files(source)
        self._files(target).update({n: x for n, x in files.items() if not paths or n in paths})
        self._life.reach("copied", target)

    async def fetch(self, pid: Pid, source: Pid, paths: Sequence[str], into: str) -> tuple[str, ...]:
        await self._do("fetch", pid)
        here, there = self._files(pid), self._files(source)
        for path in paths:
            if path not in there:
                raise NotFoundError(f"There is no file {path!r} in the workspace of process {source}.")
            here[f"{into}/{path}"] = there[path]
        self._life.reach("fetched", pid)
        return tuple(f"{into}/{path}" for path in paths)

    async def refresh(self, pid: Pid, file: InputFile) -> InputFile | None:
        await self._do("refresh", pid)
        text = self._given(file.source)
        if text == file.digest:
            return None
        self._files(pid)[file.name] = text
        return InputFile(file.name, file.source, len(text), text)

    async def remove(self, pid: Pid) -> None:
        await self._do("remove", pid)
        self._disk.workspaces.pop(pid, None)

    async def _do(self, what: str, pid: Pid) -> None:
        self._life.reach(what, pid)
        await self._life.pause(10)
        if self._life.world.goes_wrong("workspace_fails"):
            self._life.world.say(f"!!! {what} fails for {pid}")
            raise WorkspaceError(f"The files of process {pid} could not be handled: the disk is full; free some space.")

    def _files(self, pid: Pid) -> Files:
        if pid not in self._disk.workspaces:
            raise NotFoundError(f"Process {pid} has no workspace.")
        return self._disk.workspaces[pid]

    def _given(self, source: str) -> str:
        if source not in self._disk.given:
            raise NotFoundError(f"There is no file {source!r}.")
        return self._disk.given[source]
