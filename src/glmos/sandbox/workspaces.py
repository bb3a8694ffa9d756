"""The folders processes work in, and their saved states. Implements `ports.Workspaces`.

    ROOT/PID/        the folder, in the sandbox `/workspace`
    ROOT/.objects/   contents and snapshots, where no program can reach them

A snapshot's name is the hash of what it holds, so that saving twice what did not change is one snapshot.
Above: `runtime`. Below: `snapshots` looks and lays out, `objects` keeps, `intake` copies what a person gives.
"""

import contextlib
import errno
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import TypeVar

import anyio
import msgspec

from glmos.abi.errors import NotFoundError, UsageError, WorkspaceError
from glmos.abi.events import InputFile
from glmos.abi.ids import Pid, SnapshotId
from glmos.ports import Change
from glmos.sandbox import intake, snapshots, tree
from glmos.sandbox.identity import adopt, foreign_identity, share_new_files
from glmos.sandbox.layout import lay_out
from glmos.sandbox.objects import Objects
from glmos.sandbox.snapshots import FILE, FOLDER, LINK, SKIPPED, Memory, Node, Seen

T = TypeVar("T")
REMEMBERED = 64
"""Workspaces whose files are known without asking the store."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskWorkspaces:
    """The workspaces of one home, in a folder of their own where nobody else writes."""

    def __init__(
        self,
        root: Path,
        *,
        progress: Callable[[str], None] = lambda _: None,
        crash_points: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`progress` is told of long copies; `crash_points` of places where a test may want to die."""
        self._root = root
        self._progress = progress
        self._crash_point = crash_points
        self._opened: Objects | None = None
        self._memories: dict[Pid, Memory] = {}
        """What was seen of the workspaces used last, the newest at the end. Of others it stands in the store."""
        self._busy: dict[Pid, anyio.Lock] = {}
        """Guard a workspace against two of these methods at once; here only while one of them uses it."""
        self._storing = anyio.Lock()
        """Guards the store: one writer at a time."""

    def path(self, pid: Pid) -> Path:
        return self._root / str(pid)

    async def create(self, pid: Pid, sources: Sequence[Path]) -> tuple[InputFile, ...]:
        return await self._do([pid], f"The workspace of process {pid} could not be made", self._create, pid, sources)

    async def save(self, pid: Pid) -> SnapshotId:
        what = f"The files of process {pid} could not be saved"
        return (await self._do([pid], what, self._save, pid))[0]

    async def restore(self, pid: Pid, snapshot: SnapshotId) -> tuple[str, ...]:
        return await self._do([pid], f"The files of process {pid} could not be restored", self._restore, pid, snapshot)

    async def changes(self, pid: Pid, since: SnapshotId, *, until: SnapshotId = "") -> list[Change]:
        """A name that is not UTF-8 is shown with escapes."""
        what = f"The files of process {pid} could not be compared"
        return await self._do([pid], what, self._changes, pid, since, until)

    async def copy(self, source: Pid, target: Pid, *, snapshot: SnapshotId = "", paths: Sequence[str] = ()) -> None:
        what = f"The files of process {source} could not be copied for process {target}"
        await self._do([source, target], what, self._copy, source, target, snapshot, paths)

    async def fetch(self, pid: Pid, source: Pid, paths: Sequence[str], into: str) -> tuple[str, ...]:
        """The files that are here now, those of folders one by one. Fetching again replaces them.

        Raises: NotFoundError for a path that is not there; UsageError for one that leads out.
        """
        what = f"The files of process {source} could not be fetched for process {pid}"
        return await self._do([source, pid], what, self._fetch, pid, source, paths, into)

    async def refresh(self, pid: Pid, file: InputFile) -> InputFile | None:
        what = f"The file {file.name!r} could not be copied again for process {pid}"
        return await self._do([pid], what, self._refresh, pid, file)

    async def remove(self, pid: Pid) -> None:
        await self._do([pid], f"The workspace of process {pid} could not be removed", self._remove, pid)

    async def collect(self, keep: Collection[SnapshotId]) -> int:
        """Forget every snapshot but those of `keep`, and contents none of them names; give how many contents went."""
        return await self._do([], "Old states could not be removed", self._collect, keep)

    async def skipped(self, snapshot: SnapshotId) -> list[str]:
        """Sockets, devices and what is nested too deep: what a snapshot lists but cannot bring back."""
        nodes = await self._do([], "A saved state could not be read", self._nodes, snapshot)
        return [intake.readable(node.path) for node in nodes if node.kind == SKIPPED]

    async def aclose(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # -- in a thread --------------------------------------------------------------------------------------------------

    async def _do(self, pids: Sequence[Pid], what: str, work: Callable[..., T], *arguments: object) -> T:
        """Carry out `work` in a thread while nobody else touches these workspaces or the store."""
        async with AsyncExitStack() as stack:
            for pid in sorted(set(pids)):
                await stack.enter_async_context(self._alone(pid))
            await stack.enter_async_context(self._storing)
            return await anyio.to_thread.run_sync(lambda: _guarded(what, lambda: work(*arguments)))

    @asynccontextmanager
    async def _alone(self, pid: Pid) -> AsyncGenerator[None]:
        lock = self._busy.setdefault(pid, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._busy.get(pid) is lock:  # whoever waited would have it by now
                del self._busy[pid]

    @property
    def _objects(self) -> Objects:
        if self._opened is None:
            self._opened = Objects(self._root / ".objects", self._crash_point)
            for half_made in self._root.glob(".new-*"):  # by an owner that was killed
                _discard(half_made)
        return self._opened

    def _existing(self, pid: Pid) -> Path:
        folder = self.path(pid)
        if not folder.is_dir():
            raise NotFoundError(f"Process {pid} has no workspace.")
        return folder

    def _create(self, pid: Pid, sources: Sequence[Path]) -> tuple[InputFile, ...]:
        """The folder is filled aside, recorded, then moved to its place: whatever is there is complete."""
        folder, aside = self.path(pid), self._root / f".new-{pid}"
        known = self._objects.get_memo(pid, "inputs")
        if known is not None and not folder.exists() and aside.exists():
            aside.rename(folder)
        if known is not None and folder.exists():
            return msgspec.json.decode(known, type=tuple[InputFile, ...])
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not sources:  # nothing that could be there by halves, so nothing to keep a record of
            if not folder.exists():
                _make_folder(folder)
            return ()
        _discard(aside)
        inputs = self._fill(folder if folder.exists() else aside, sources)
        self._crash_point("workspace.filled")
        self._objects.put_memo(pid, "inputs", msgspec.json.encode(inputs))
        self._crash_point("workspace.recorded")
        if not folder.exists():
            aside.rename(folder)
        return inputs

    def _fill(self, folder: Path, sources: Sequence[Path]) -> tuple[InputFile, ...]:
        fresh = not folder.exists()
        if fresh:
            _make_folder(folder)
        taken = {intake.readable(os.fsencode(name)) for name in os.listdir(folder)}  # noqa: PTH208 - names only
        try:
            inputs = intake.take_in(sources, folder, taken=taken, ours=self._root, progress=self._progress)
            adopt(folder, foreign_identity())
        except BaseException:
            if fresh:
                _discard(folder)
            raise
        return inputs

    def _refresh(self, pid: Pid, file: InputFile) -> InputFile | None:
        try:
            _, digest = intake.take_in_one(Path(file.source), None, ours=self._root, progress=self._progress)
            if digest == file.digest:
                return None
            aside = self._root / f".new-{pid}"
            _discard(aside)
            size, digest = intake.take_in_one(Path(file.source), aside, ours=self._root, progress=self._progress)
        except (NotFoundError, UsageError):
            return None  # gone or closed to us now: the copy we have is the best there is
        name = os.fsencode(file.name)
        with tree.opened(self._existing(pid)) as folder:
            tree.remove(folder, name)
            os.rename(aside, name, dst_dir_fd=folder)
        adopt(self.path(pid), foreign_identity())
        return msgspec.structs.replace(file, size=size, digest=digest)

    def _memory(self, pid: Pid) -> Memory:
        memory = self._memories.pop(pid, None)
        if memory is None:
            data = self._objects.get_memo(pid, "seen")
            memory = {} if data is None else msgspec.msgpack.decode(data, type=dict[bytes, Seen])
        self._memories[pid] = memory
        if len(self._memories) > REMEMBERED:
            del self._memories[next(iter(self._memories))]
        return memory

    def _remember(self, pid: Pid) -> None:
        self._objects.put_memo(pid, "seen", msgspec.msgpack.encode(self._memory(pid)))

    def _save(self, pid: Pid) -> tuple[SnapshotId, list[Node]]:
        folder, memory = self._existing(pid), self._memory(pid)
        adopt(folder, foreign_identity())
        before = dict(memory)
        try:
            with tree.opened(folder) as descriptor:
                nodes = snapshots.scan(descriptor, memory, self._objects.keep)
        except BaseException:
            self._objects.forget_pending()
            self._memories.pop(pid, None)
            raise
        self._crash_point("workspace.scanned")
        name = snapshots.name_of(nodes)
        self._objects.put_snapshot(name, snapshots.encode(nodes))
        if memory != before:
            self._remember(pid)
        return name, nodes

    def _nodes(self, snapshot: SnapshotId) -> list[Node]:
        manifest = self._objects.get_snapshot(snapshot)
        if manifest is None:
            raise WorkspaceError(f"There is no saved state {snapshot!r}; files cannot be taken back to it.")
        return snapshots.decode(manifest)

    def _restore(self, pid: Pid, snapshot: SnapshotId) -> tuple[str, ...]:
        return self._lay_out(pid, self._nodes(snapshot), exact=True)

    def _lay_out(self, pid: Pid, nodes: Sequence[Node], *, exact: bool) -> tuple[str, ...]:
        folder = self.path(pid)
        if not folder.exists():
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make_folder(folder)
        with tree.opened(folder) as descriptor:
            lost = lay_out(
                descriptor,
                nodes,
                objects=self._objects,
                memory=self._memory(pid),
                owner=foreign_identity(),
                exact=exact,
                crash_point=self._crash_point,
            )
        self._crash_point("workspace.laid_out")
        self._remember(pid)
        return lost

    def _look(self, pid: Pid) -> list[Node]:
        # With a memory of its own: what is only looked at is not kept, and a save must not take it for kept.
        with tree.opened(self._existing(pid)) as descriptor:
            return snapshots.scan(descriptor, dict(self._memory(pid)))

    def _changes(self, pid: Pid, since: SnapshotId, until: SnapshotId) -> list[Change]:
        found = snapshots.difference(self._nodes(since), self._nodes(until) if until else self._look(pid))
        return [Change(_shown(path), kind) for path, kind in found]

    def _copy(self, source: Pid, target: Pid, snapshot: SnapshotId, paths: Sequence[str]) -> None:
        nodes = self._nodes(snapshot) if snapshot else self._save(source)[1]
        if paths:
            nodes = _chosen(nodes, paths, source)
        self._lay_out(target, nodes, exact=not paths)

    def _fetch(self, pid: Pid, source: Pid, paths: Sequence[str], into: str) -> tuple[str, ...]:
        self._existing(pid)
        chosen = _chosen(self._save(source)[1], paths, source)
        below = _inner(into)
        nodes = [Node(b"/".join(below[: depth + 1]), FOLDER, 0o755) for depth in range(len(below))]
        prefix = b"/".join(below) + b"/" if below else b""
        nodes += [msgspec.structs.replace(node, path=prefix + node.path) for node in chosen if node.path]
        self._lay_out(pid, nodes, exact=False)
        return tuple(_shown(node.path) for node in nodes if node.kind in (FILE, LINK))

    def _remove(self, pid: Pid) -> None:
        _discard(self.path(pid))
        _discard(self._root / f".new-{pid}")
        self._memories.pop(pid, None)
        self._objects.drop_memos(pid)

    def _collect(self, keep: Collection[SnapshotId]) -> int:
        contents: set[bytes] = set()
        for name in self._objects.snapshot_names():
            if name in keep:
                contents.update(node.content for node in self._nodes(name) if node.kind == FILE)
        self._memories.clear()  # a file that is still there may be one whose content goes
        return self._objects.collect(snapshots=set(keep), contents=contents, memos=("seen",))


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    share_new_files(folder, foreign_identity())
    adopt(folder, foreign_identity())


def _discard(folder: Path) -> None:
    if folder.parent.is_dir():
        with tree.opened(folder.parent) as parent:
            tree.remove(parent, os.fsencode(folder.name))


def _inner(path: str) -> list[bytes]:
    """The parts of a path inside a workspace.

    Raises: UsageError for one that leads out.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path:
        raise UsageError(f"{path!r} does not name something inside the workspace; give a relative path without '..'.")
    return [os.fsencode(part) for part in pure.parts]


def _chosen(nodes: Sequence[Node], paths: Sequence[str], source: Pid) -> list[Node]:
    """The nodes at and below `paths`, and the folders that lead there."""
    known = {node.path for node in nodes}
    shown = {_shown(node.path): node.path for node in nodes}
    wanted: set[bytes] = set()
    for path in paths:
        name = b"/".join(_inner(path))
        if name not in known:
            name = shown.get(path, name)
        if name not in known:
            raise NotFoundError(f"There is no file {path!r} in the workspace of process {source}.")
        wanted.add(name)
    leading = {parent for name in wanted for parent in _ancestors(name)}
    below = wanted.__contains__
    return [
        node for node in nodes if node.path in wanted or node.path in leading or any(map(below, _ancestors(node.path)))
    ]


def _ancestors(name: bytes) -> Iterator[bytes]:
    """The folders that lead to `name`, the workspace itself included."""
    while name:
        name = name.rpartition(b"/")[0]
        yield name


def _shown(path: bytes) -> str:
    """As `changes` and `fetch` show it."""
    return path.decode("utf-8", "backslashreplace")


def _guarded(what: str, work: Callable[[], T]) -> T:
    with _device_errors(what):
        return work()


@contextlib.contextmanager
def _device_errors(what: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise WorkspaceError(f"{what}: the disk is full; free some space and resume.") from error
        raise WorkspaceError(f"{what}: {error.strerror or error} ({error.filename}).") from error
    except sqlite3.Error as error:
        if "full" in str(error):
            raise WorkspaceError(f"{what}: the disk is full; free some space and resume.") from error
        raise WorkspaceError(f"{what}: the store of saved states cannot be used ({error}).") from error
