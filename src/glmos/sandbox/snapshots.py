"""The state of a folder as a list of nodes: taken by `scan`, compared by `difference`; `layout` puts it back.

Files that look as they did at the last look (size, both times, inode) are not read again. A node's name is its path
in bytes, relative to the folder; a parent comes before what is in it. Kept are content, mode, modification time, links,
several names of one file, and pipes; sockets, devices and what is nested too deep are listed. Not kept: set-uid bits,
access lists and other extended attributes, owners. Above: `workspaces`. Below: `tree` for every access.
"""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from glmos.sandbox import tree
from glmos.sandbox.objects import hash_of

FILE, FOLDER, LINK, SKIPPED, PIPE = 0, 1, 2, 3, 4
KEPT_BITS = 0o1777
"""Of a mode: permissions and the sticky bit."""

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
    """Of a file, its hash; of a link, what it points to; of what is skipped, what it is."""
    same_as: bytes = b""
    """Of a file with several names here, its first one."""


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
    essence: list[tuple[object, ...]] = [
        (node.path, node.kind, node.mode, node.content, *([node.same_as] if node.same_as else [])) for node in nodes
    ]
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
        self._firsts: dict[tuple[int, int], Node] = {}
        """Files with several names, by device and inode."""

    def enter(self, folder: int, path: bytes, status: os.stat_result, depth: int) -> None:
        """`status`: as it was before it was entered, for that may take another mode."""
        mode, mtime_ns = status.st_mode & KEPT_BITS, status.st_mtime_ns
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
        elif stat.S_ISFIFO(found.status.st_mode):
            self.nodes.append(Node(path, PIPE, found.status.st_mode & KEPT_BITS))
        else:
            self.nodes.append(Node(path, SKIPPED, content=what_is_skipped(found.status)))

    def _add_file(self, folder: int, found: tree.Found, path: bytes) -> None:
        place = found.status.st_dev, found.status.st_ino
        first = self._firsts.get(place)
        if first is not None:
            self.nodes.append(msgspec.structs.replace(first, path=path, same_as=first.path))
            return
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
        node = Node(path, FILE, status.st_mode & KEPT_BITS, size=size, mtime_ns=status.st_mtime_ns, content=content)
        self.nodes.append(node)
        if status.st_nlink > 1:
            self._firsts[place] = node


def what_is_skipped(status: os.stat_result) -> bytes:
    """In a word, for people."""
    if stat.S_ISDIR(status.st_mode):
        return b"folder"
    return b"socket" if stat.S_ISSOCK(status.st_mode) else b"device"


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
