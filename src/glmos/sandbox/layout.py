"""Putting a saved state back: a folder is made to hold the nodes that `snapshots` once saw in it.

Interrupted, it can be done again: each file is the old one or the new one. Files that are right already are left alone.
Above: `workspaces`. Below: `tree` for every access, `objects` for contents.
"""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from glmos.abi.errors import WorkspaceError
from glmos.sandbox import tree
from glmos.sandbox.identity import Identity
from glmos.sandbox.intake import readable
from glmos.sandbox.objects import Objects, hash_of
from glmos.sandbox.snapshots import (
    FILE,
    FOLDER,
    LINK,
    PIPE,
    SKIPPED,
    Memory,
    Node,
    Seen,
    looks_as,
    what_is_skipped,
)


def lay_out(
    folder: int,
    nodes: Sequence[Node],
    *,
    objects: Objects,
    memory: Memory,
    owner: Identity | None,
    exact: bool,
    crash_point: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:
    """Make `folder` hold `nodes`; give, in a sentence each, what cannot be had again. `exact`: and nothing else,
    whatever has to give way; otherwise names of one file become files of their own.

    Running programs may make it fail, but cannot make it reach outside.

    Raises: WorkspaceError when a content is missing, or, unless `exact`, when a file and a folder collide.
    """
    layout = _Layout(folder, nodes, objects, memory, owner, exact=exact, crash_point=crash_point)
    layout.fill(folder, b"")
    return tuple(layout.lost)


class _Layout:
    def __init__(
        self,
        root: int,
        nodes: Sequence[Node],
        objects: Objects,
        memory: Memory,
        owner: Identity | None,
        *,
        exact: bool,
        crash_point: Callable[[str], None],
    ) -> None:
        self.lost: list[str] = []
        self._root = root
        self._inside: dict[bytes, dict[bytes, Node]] = {}
        self._folders: dict[bytes, Node] = {}
        self._names: dict[bytes, int] = {}
        """How many names a file has, by its first."""
        self._inodes: dict[tuple[int, int], bytes] = {}
        """Files with several names that are in place: by device and inode, the first name."""
        for node in nodes:
            if node.kind == FOLDER:
                self._folders[node.path] = node
            if node.path:
                parent, _, name = node.path.rpartition(b"/")
                self._inside.setdefault(parent, {})[name] = node
            if node.same_as and exact:
                self._names[node.same_as] = self._names.get(node.same_as, 1) + 1
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
        elif node.kind == FILE and node.same_as and self._exact:
            self._put_name(folder, name, node, present)
        elif node.kind == FILE:
            self._put_file(folder, name, node, present)
        elif node.kind == LINK:
            self._put_link(folder, name, node, present)
        elif node.kind == PIPE:
            self._put_pipe(folder, name, node, present)
        elif node.kind == SKIPPED and self._exact:
            self._miss(folder, name, node, present)

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
        self._own(folder, name)

    def _put_pipe(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        if present is not None:
            if stat.S_ISFIFO(present.status.st_mode) and stat.S_IMODE(present.status.st_mode) == node.mode:
                return
            self._give_way(folder, name, node, present)
        os.mkfifo(name, 0o600, dir_fd=folder)
        self._own(folder, name)
        tree.set_mode(folder, name, node.mode)

    def _miss(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        """Something that was never kept: leave it where it is of the same kind, and say so otherwise."""
        what, path = node.content.decode() or "special file", readable(node.path)
        if present is not None and what_is_skipped(present.status) == node.content:
            if present.is_folder:
                self.lost.append(f"the folder {path!r} is nested too deep to be kept; it is as it is now")
            return
        if present is not None:
            self._give_way(folder, name, node, present)
        self.lost.append(f"the {what} {path!r} is gone; the program that made it can make it again")

    def _give_way(self, folder: int, name: bytes, node: Node, present: tree.Found) -> None:
        if not self._exact and (present.is_folder or node.kind == FOLDER):
            path = os.fsdecode(node.path)
            raise WorkspaceError(f"{path!r} is in the way: a file and a folder want the same name; rename one of them.")
        tree.remove(folder, name)

    # -- files --------------------------------------------------------------------------------------------------------

    def _put_file(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        if present is None or not self._unchanged(folder, name, node, present):
            if present is not None and present.is_folder:
                self._give_way(folder, name, node, present)
            self._write(folder, name, node)
        if node.path in self._names:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            self._inodes[status.st_dev, status.st_ino] = node.path

    def _put_name(self, folder: int, name: bytes, node: Node, present: tree.Found | None) -> None:
        """One more name of a file that is in place: the first name comes first in every list of nodes."""
        if present is not None:
            if self._inodes.get((present.status.st_dev, present.status.st_ino)) == node.same_as:
                return
            self._give_way(folder, name, node, present)
        *leading, first = node.same_as.split(b"/")
        with ExitStack() as stack:
            place = self._root
            for part in leading:
                place = stack.enter_context(tree.entered(place, part))
            os.link(first, name, src_dir_fd=place, dst_dir_fd=folder, follow_symlinks=False)
        # That moved the change time of all its names; by the first of them the others are known.
        self._remember(os.stat(name, dir_fd=folder, follow_symlinks=False), node.same_as, node.content)

    def _unchanged(self, folder: int, name: bytes, node: Node, present: tree.Found) -> bool:
        """The content is already there; if only its mode, time or owner is not right, that is mended.

        Not so where the file has a name too many, with which it would change. Such a name gets a file of its own.
        """
        status, seen = present.status, self._memory.get(node.path)
        if not present.is_file or status.st_size != node.size or status.st_nlink > self._names.get(node.path, 1):
            return False
        if (status.st_dev, status.st_ino) in self._inodes:
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
        temporary = tree.temporary_name(name)
        tree.remove(folder, temporary)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            self._objects.write_to(node.content, descriptor)
            self._finish_file(descriptor, node)
            self._crash_point("workspace.before_rename")
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            # Renaming moves the change time, so the file is remembered as it is afterwards.
            self._remember(os.fstat(descriptor), node.path, node.content)
        except BaseException:
            tree.remove(folder, temporary)
            raise
        finally:
            os.close(descriptor)

    def _remember(self, status: os.stat_result, path: bytes, content: bytes) -> None:
        times = status.st_mtime_ns, status.st_ctime_ns
        self._memory[path] = Seen(status.st_size, *times, status.st_ino, content)

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

    def _own(self, folder: int, name: bytes) -> None:
        if self._owner is not None:
            os.chown(name, *self._owner, dir_fd=folder, follow_symlinks=False)
