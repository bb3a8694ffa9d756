"""Opening files beneath a workspace that its own contents cannot lead us out of.

The workspace is hostile: whatever runs in the sandbox may put a symbolic link, a FIFO or a device-like file anywhere in
it, and swap a folder for a link between a check and a use. So nothing here resolves a path first and opens it later:
the system resolves it once, beneath an open folder, following no link (`openat2` where the kernel has it, otherwise
component by component with `O_NOFOLLOW`), and what was opened is then looked at through its descriptor.

Above: `files`. Below: the operating system. Linux and other POSIX systems.
"""

import contextlib
import ctypes
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from glmos.abi.errors import WorkspaceError
from glmos.tools.declare import ToolFailed

INSIDE = PurePosixPath("/workspace")
"""Where programs in the sandbox see the workspace; paths given that way mean the same files."""

_SYS_OPENAT2 = 437
_RESOLVE = 0x04 | 0x02 | 0x08  # RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class Item(NamedTuple):
    """Something in a folder. `kind` is `file`, `folder`, `link` or `special`; links are never followed."""

    path: str
    kind: str
    size: int


def relative(path: str) -> str:
    """A path as a model gives it, relative to the workspace; `.` for the workspace itself.

    Raises: ToolFailed for a path that does not stay in the workspace.
    """
    if "\0" in path or len(path) > 4096:
        raise ToolFailed("bad_arguments", f"{path[:60]!r} is not a file name.")
    pure = PurePosixPath(path or ".")
    if pure.is_absolute():
        if not pure.is_relative_to(INSIDE):
            raise ToolFailed("denied", f"{path!r} is outside the workspace: name files relative to {INSIDE}.")
        pure = pure.relative_to(INSIDE)
    if ".." in pure.parts:
        raise ToolFailed("denied", f"{path!r} leaves the workspace: name files relative to {INSIDE}, without '..'.")
    return str(pure)


class Workspace:
    """An open workspace folder. Use as a context manager; paths are relative as `relative` gives them."""

    def __init__(self, folder: Path, *, openat2: bool = True) -> None:
        """`openat2=False` forces the portable way."""
        self._folder = folder
        self._openat2 = openat2 and sys.platform == "linux"
        self._root = -1

    def __enter__(self) -> "Workspace":
        try:
            self._root = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise WorkspaceError(f"The workspace {str(self._folder)!r} cannot be opened.") from error
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def open(self, path: str) -> BinaryIO:
        """A regular file, for reading."""
        descriptor = self._open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            os.close(descriptor)
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise ToolFailed("bad_arguments", f"{path!r} is {kind}.")
        return os.fdopen(descriptor, "rb")

    def write(self, path: str, content: bytes) -> None:
        """Replace or create a file in one step, its folders included. A reader sees the old file or the new one."""
        parent, name = self._parent(path, create=True)
        try:
            mode, owner = self._replaceable(parent, path, name)
            temporary = f".{secrets.token_hex(8)}.tmp"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=parent), "wb") as file:
                try:
                    file.write(content)
                    file.flush()
                    os.fchmod(file.fileno(), mode)
                    _give(file.fileno(), owner)
                    os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
                except BaseException:
                    with contextlib.suppress(OSError):
                        os.unlink(temporary, dir_fd=parent)
                    raise
        except OSError as error:
            raise _failure(error, path) from error
        finally:
            os.close(parent)

    def delete(self, path: str) -> list[str]:
        """Delete a file, a link, or a folder with all that is in it; give the paths of what is gone."""
        parent, name = self._parent(path)
        try:
            return [path, *self._delete(parent, name, path)]
        except OSError as error:
            raise _failure(error, path) from error
        finally:
            os.close(parent)

    def move(self, path: str, target: str) -> None:
        """Rename a file or folder. An existing target is not overwritten."""
        source, name = self._parent(path)
        try:
            into, new = self._parent(target, create=True)
            try:
                if _lstat(into, new) is not None:
                    raise ToolFailed("bad_arguments", f"{target!r} exists already: delete it first.")
                os.rename(name, new, src_dir_fd=source, dst_dir_fd=into)
            except OSError as error:
                raise _failure(error, path) from error
            finally:
                os.close(into)
        finally:
            os.close(source)

    def walk(self, path: str, *, hidden: bool = False) -> Iterator[Item]:
        """What is in a folder and below it, in the order of names. A file gives itself."""
        parent, name = (os.dup(self._root), ".") if path == "." else self._parent(path)
        try:
            found = _lstat(parent, name)
            if found is None:
                raise ToolFailed("not_found", f"There is no {path!r} in the workspace.")
            if not stat.S_ISDIR(found.st_mode):
                yield Item(path, _kind(found.st_mode), found.st_size)
                return
        finally:
            os.close(parent)
        yield from self._walk(path, hidden=hidden, depth=0)

    def _walk(self, path: str, *, hidden: bool, depth: int) -> Iterator[Item]:
        try:
            folder = self._open(path, _FOLDER)
        except ToolFailed:  # it vanished, or cannot be read: the rest is still worth seeing
            return
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if hidden or not entry.name.startswith("."))
            items = [(name, found) for name in names if (found := _lstat(folder, name)) is not None]
        finally:
            os.close(folder)
        for name, found in items:
            below = name if path == "." else f"{path}/{name}"
            kind = _kind(found.st_mode)
            yield Item(below, kind, found.st_size)
            if kind == "folder" and depth < 64:
                yield from self._walk(below, hidden=hidden, depth=depth + 1)

    def _delete(self, parent: int, name: str, path: str) -> list[str]:
        found = os.lstat(name, dir_fd=parent)
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=parent)
            return []
        gone: list[str] = []
        folder = os.open(name, _FOLDER, dir_fd=parent)
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
            for child in names:
                below = f"{path}/{child}"
                gone += [below, *self._delete(folder, child, below)]
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)
        return gone

    def _replaceable(self, parent: int, path: str, name: str) -> tuple[int, os.stat_result]:
        """Mode and owner for the file that takes the place of `name`."""
        found = _lstat(parent, name)
        if found is None:
            return 0o644, os.fstat(parent)
        if not stat.S_ISREG(found.st_mode):
            raise ToolFailed("denied", f"{path!r} is a {_kind(found.st_mode)}, not a regular file.")
        return stat.S_IMODE(found.st_mode) & 0o777, found

    def _parent(self, path: str, *, create: bool = False) -> tuple[int, str]:
        """The open folder that holds `path`, and its name there."""
        if path == ".":
            raise ToolFailed("denied", "The workspace itself cannot be changed: name a file in it.")
        *folders, name = path.split("/")
        if create:
            self._make(folders)
        return self._open("/".join(folders) or ".", _FOLDER), name

    def _make(self, folders: list[str]) -> None:
        for depth in range(len(folders)):
            above = self._open("/".join(folders[:depth]) or ".", _FOLDER)
            try:
                os.mkdir(folders[depth], 0o755, dir_fd=above)
                made = os.open(folders[depth], _FOLDER, dir_fd=above)
                _give(made, os.fstat(above))
                os.close(made)
            except FileExistsError:
                pass
            except OSError as error:
                raise _failure(error, "/".join(folders[: depth + 1])) from error
            finally:
                os.close(above)

    def _open(self, path: str, flags: int) -> int:
        try:
            if self._openat2:
                try:
                    return _openat2(self._root, path, flags)
                except OSError as error:
                    if error.errno not in (errno.ENOSYS, errno.EPERM):
                        raise
                    self._openat2 = False  # an old kernel, or a filter that knows no openat2
            return self._open_by_component(path, flags)
        except OSError as error:
            raise _failure(error, path) from error

    def _open_by_component(self, path: str, flags: int) -> int:
        *folders, name = path.split("/")
        here = os.dup(self._root)
        try:
            for folder in folders:
                below = os.open(folder, _FOLDER, dir_fd=here)
                os.close(here)
                here = below
            return os.open(name, flags, dir_fd=here)
        finally:
            os.close(here)


def _openat2(root: int, path: str, flags: int) -> int:
    how = _OpenHow(flags, 0, _RESOLVE)
    libc = ctypes.CDLL(None, use_errno=True)
    while True:
        descriptor = libc.syscall(
            _SYS_OPENAT2, root, ctypes.c_char_p(os.fsencode(path)), ctypes.byref(how), ctypes.sizeof(how)
        )
        if descriptor >= 0:
            return descriptor
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):  # EAGAIN: a rename raced with the lookup
            raise OSError(number, os.strerror(number))


def _lstat(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failure(error, name) from error


def _give(descriptor: int, owner: os.stat_result) -> None:
    """What a daemon run by root writes belongs to the owner of the folder, so that the sandbox can change it."""
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "special"


def _failure(error: OSError, path: str) -> ToolFailed:
    match error.errno:
        case errno.ENOENT:
            return ToolFailed("not_found", f"There is no {path!r} in the workspace.")
        case errno.ELOOP | errno.EXDEV:
            return ToolFailed("denied", f"{path!r} is or passes a symbolic link, and links are not followed.")
        case errno.ENOTDIR:
            return ToolFailed("bad_arguments", f"{path!r} passes a file or a link as if it were a folder.")
        case errno.EISDIR:
            return ToolFailed("bad_arguments", f"{path!r} is a folder.")
        case errno.ENXIO | errno.ENODEV | errno.EOPNOTSUPP:
            return ToolFailed("denied", f"{path!r} is not a regular file.")
        case errno.ENAMETOOLONG | errno.EILSEQ | errno.EINVAL:
            return ToolFailed("bad_arguments", f"{path[:60]!r} is not a file name.")
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return ToolFailed("too_large", f"{path!r} does not fit on the disk: delete something first.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return ToolFailed("denied", f"{path!r} may not be opened or changed.")
        case _:
            return ToolFailed("failed", f"{path!r}: {error.strerror or error}.")
