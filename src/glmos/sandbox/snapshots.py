"""The state of a folder as a list of nodes: taken by `scan`, compared by `difference`, put back by `lay_out`.

Files that look as they did at the last look (size, both times, inode) are not read again. A node's name is its path
in bytes, relative to the folder; a parent comes before what is in it. Pipes, sockets and devices are listed, not kept.
Above: `workspaces`. Below: `tree` for every access, `objects` for contents.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from glmos.abi.errors import WorkspaceError
from glmos.sandbox import tree
from glmos.sandbox.identity import Identity
from glmos.sandbox.objects import Objects, hash_of

FILE, FOLDER, LINK, SKIPPED = 0, 1, 2, 3

_JUST_NOW_NS = 20_000_000
"""A file whose change time is this close to the look may have changed again without its time moving."""


class Node(Struct, frozen=True, array_like=True):
    """Something in a folder."""

    path: bytes
    kind: int
    mode: int = 0
    """Permission bits; never set-uid and the like."""
    size: int = 0
    mtime_ns: int = 0
    content: bytes = b""
    """Of a file, its hash; of a link, what it points to."""


class Seen(Struct, frozen=True, array_like=True):
    """A file at the last look."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    content: bytes


Memory = dict[bytes, Seen]
"""What the last look at a workspace saw, by path."""

Read = Callable[[int], tuple[bytes, int]]
"""Takes in an open file and gives its hash and size."""


def encode(nodes: Sequence[Node]) -> bytes:
    return msgspec.msgpack.encode(nodes)


def decode(manifest: bytes) -> list[Node]:
    return msgspec.msgpack.decode(manifest, type=list[Node])


def name_of(nodes: Iterable[Node]) -> str:
    """The same for the same names, kinds, modes and contents, whenever they were written."""
    essence = [(node.path, node.kind, node.mode, node.content) for node in nodes]
    return hashlib.sha256(msgspec.msgpack.encode(essence)).hexdigest()


# -- looking ----------------------------------------------------------------------------------------------------------


def scan(folder: int, memory: Memory, read: Read = hash_of) -> list[Node]:
    """Everything in `folder`; `memory` is brought up to date."""
    look = _Look(memory, read)
    look.enter(folder, b"", os.fstat(folder), 0)
    memory.clear()
    memory.update(look.seen)
    return look.nodes


class _Look:
    def __init__(self, memory: Mapping[bytes, Seen], read: Read) -> None:
        self.nodes: list[Node] = []
        self.seen: Memory = {}
        self._memory = memory
        self._read = read

    def enter(self, folder: int, path: bytes, status: os.stat_result, depth: int) -> None:
        """`status`: as it was before it was entered, for that may take another mode."""
        mode, mtime_ns = stat.S_IMODE(status.st_mode) & 0o777, status.st_mtime_ns
        self.nodes.append(Node(path, FOLDER, mode, mtime_ns=mtime_ns))
        for found in tree.listed(folder):
            try:
                self._add(folder, found, path + b"/" + found.name if path else found.name, depth)
            except FileNotFoundError:
                continue  # a running program took it away

    def _add(self, folder: int, found: tree.Found, path: bytes, depth: int) -> None:
        if found.is_file:
            self._add_file(folder, found, path)
        elif found.is_folder and depth < tree.MAX_DEPTH:
            with tree.entered(folder, found.name) as inner:
                self.enter(inner, path, found.status, depth + 1)
        elif found.is_link:
            target = os.readlink(found.name, dir_fd=folder)
            self.nodes.append(Node(path, LINK, content=target))
        else:
            self.nodes.append(Node(path, SKIPPED))

    def _add_file(self, folder: int, found: tree.Found, path: bytes) -> None:
        seen = self._memory.get(path)
        if seen is None or not looks_as(found.status, seen):
            descriptor = tree.open_file(folder, found.name)
            try:
                before = os.fstat(descriptor)
                content, size = self._read(descriptor)
                now = time.time_ns()
                seen = remember(before, content, now) if before.st_size == size else None
            finally:
                os.close(descriptor)
        else:
            content, size = seen.content, seen.size
        if seen is not None:
            self.seen[path] = seen
        status = found.status
        mode = stat.S_IMODE(status.st_mode) & 0o777
        self.nodes.append(Node(path, FILE, mode, size=size, mtime_ns=status.st_mtime_ns, content=content))


def looks_as(status: os.stat_result, seen: Seen) -> bool:
    now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return now == (seen.size, seen.mtime_ns, seen.ctime_ns, seen.inode)


def remember(status: os.stat_result, content: bytes, now_ns: int) -> Seen:
    """What was seen, in a form that no later file looks like when it is too fresh to be trusted."""
    fresh = now_ns - status.st_ctime_ns < _JUST_NOW_NS
    return Seen(status.st_size, status.st_mtime_ns, -1 if fresh else status.st_ctime_ns, status.st_ino, content)


# -- comparing --------------------------------------------------------------------------------------------------------


def difference(before: Iterable[Node], after: Iterable[Node]) -> list[tuple[bytes, str]]:
    """Files and links that were `added`, `changed` or `deleted`, by path."""
    old = {node.path: node for node in before if node.kind in (FILE, LINK)}
    new = {node.path: node for node in after if node.kind in (FILE, LINK)}
    found: list[tuple[bytes, str]] = []
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        if was is None:
            found.append((path, "added"))
        elif now is None:
            found.append((path, "deleted"))
        elif (was.kind, was.mode, was.content) != (now.kind, now.mode, now.content):
            found.append((path, "changed"))
    return found


# -- putting back -----------------------------------------------------------------------------------------------------


def lay_out(
    folder: int,
    nodes: Sequence[Node],
    *,
    objects: Objects,
    memory: Memory,
    owner: Identity | None,
    exact: bool,
    crash_point: Callable[[str], None] = lambda _: None,
) -> None:
    """Make `folder` hold `nodes`. `exact`: and nothing else, whatever has to give way.

    Interrupted, it can be done again. Running programs may make it fail, but cannot make it reach outside.

    Raises: WorkspaceError when a content is missing, or, unless `exact`, when a file and a folder collide.
    """
    _Layout(nodes, objects, memory, owner, exact=exact, crash_point=crash_point).fill(folder, b"")


class _Layout:
    def __init__(
        self,
        nodes: Sequence[Node],
        objects: Objects,
        memory: Memory,
        owner: Identity | None,
        *,
        exact: bool,
        crash_point: Callable[[str], None],
    ) -> None:
        self._inside: dict[bytes, dict[bytes, Node]] = {}
        self._folders: dict[bytes, Node] = {}
        for node in nodes:
            if node.kind == FOLDER:
                self._folders[node.path] = node
            if node.path:
                parent, _, name = node.path.rpartition(b"/")
                self._inside.setdefault(parent, {})[name] = node
        self._objects = objects
        self._memory = memory
        self._owner = owner
        self._exact = exact
        self._crash_point = crash_point

    def fill(self, folder: int, path: bytes, *, made: bool = False) -> None:
        wanted = self._inside.get(path, {})
        mode = stat.S_IMODE(os.fstat(folder).st_mode)
        if mode & 0o700 != 0o700:
            os.fchmod(folder, mode | 0o700)
        present = {found.name: found for found in tree.listed(folder)}
        if self._exact:
            for name in present.keys() - wanted.keys():
                tree.remove(folder, name)
        for name, child in wanted.items():
            self._put(folder, name, child, present.get(name))
            self._crash_point("workspace.between_files")
        if made or self._exact:
            self._finish_folder(folder, self._folders.get(path))
        elif mode & 0o700 != 0o700:
            os.fchmod(folder, mode)

    def _put(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        if node.kind == FOLDER:
            self._put_folder(folder, name, node, present)
        elif node.kind == FILE and not (present is not None and self._unchanged(folder, name, node, present)):
            if present is not None and present.is_folder:
                self._give_way(folder, name, node, present)
            self._write(folder, name, node)
        elif node.kind == LINK:
            self._put_link(folder, name, node, present)

    def _put_folder(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        made = present is None or not present.is_folder
        if made:
            if present is not None:
                self._give_way(folder, name, node, present)
            os.mkdir(name, 0o700, dir_fd=folder)
        with tree.entered(folder, name, mode_stays=not self._exact) as inner:
            self.fill(inner, node.path, made=made)

    def _put_link(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        if present is not None:
            if present.is_link and os.readlink(name, dir_fd=folder) == node.content:
                return
            self._give_way(folder, name, node, present)
        os.symlink(node.content, name, dir_fd=folder)
        if self._owner is not None:
            os.chown(name, *self._owner, dir_fd=folder, follow_symlinks=False)

    def _give_way(self, folder: int, name: bytes, node: Node, present: tree.Found) -> None:
        if not self._exact and (present.is_folder or node.kind == FOLDER):
            path = os.fsdecode(node.path)
            raise WorkspaceError(f"{path!r} is in the way: a file and a folder want the same name; rename one of them.")
        tree.remove(folder, name)

    def _unchanged(self, folder: int, name: bytes, node: Node, present: tree.Found) -> bool:
        """The content is already there; if only its mode, time or owner is not right, that is mended."""
        status, seen = present.status, self._memory.get(node.path)
        # Another name of a file that has several would change with it.
        if not present.is_file or status.st_size != node.size or status.st_nlink != 1:
            return False
        known = seen.content if seen is not None and looks_as(status, seen) else None
        right = (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (node.mode, node.mtime_ns)
        if known == node.content and right and (self._owner is None or self._owner.uid == status.st_uid):
            return True
        descriptor = tree.open_file(folder, name)
        try:
            if (known or hash_of(descriptor)[0]) != node.content:
                return False
            self._finish_file(descriptor, node)
        finally:
            os.close(descriptor)
        return True

    def _write(self, folder: int, name: bytes, node: Node) -> None:
        """Under another name first, so that a crash leaves the old file or the new one."""
        temporary = tree.temporary_name()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            self._objects.write_to(node.content, descriptor)
            self._finish_file(descriptor, node)
            self._crash_point("workspace.before_rename")
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            # Renaming moves the change time, so the file is remembered as it is afterwards.
            status = os.fstat(descriptor)
            times = status.st_mtime_ns, status.st_ctime_ns
            self._memory[node.path] = Seen(status.st_size, *times, status.st_ino, node.content)
        except BaseException:
            tree.remove(folder, temporary)
            raise
        finally:
            os.close(descriptor)

    def _finish_file(self, descriptor: int, node: Node) -> None:
        if self._owner is not None:
            os.fchown(descriptor, *self._owner)
        os.fchmod(descriptor, node.mode)
        os.utime(descriptor, ns=(node.mtime_ns, node.mtime_ns))

    def _finish_folder(self, folder: int, node: Node | None) -> None:
        if self._owner is not None:
            os.fchown(folder, *self._owner)
        if node is not None:
            os.fchmod(folder, node.mode)
            os.utime(folder, ns=(node.mtime_ns, node.mtime_ns))
