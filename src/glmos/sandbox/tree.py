"""Folders whose content nobody trusts: walked, read, written and removed without ever leaving them.

A program may swap a folder for a link at any moment, so nothing here is reached by a path. Each step goes from an
open folder to one name in it, and no link is ever followed. Names are bytes: what a program may write, we can name.
Used by `snapshots`, `workspaces` and `intake`.
"""

import contextlib
import os
import stat
from collections.abc import Generator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

MAX_DEPTH = 100
"""Folders nested deeper are left alone: each level costs an open file."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TEMPORARY = b".glmos-"


class Found(NamedTuple):
    name: bytes
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.status.st_mode)


@contextlib.contextmanager
def opened(path: Path) -> Generator[int]:
    """A folder, as a place to start from. Its own path is trusted, its content is not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def entered(folder: int, name: bytes, *, mode_stays: bool = True) -> Generator[int]:
    """A folder in `folder`, opened even if its owner may not read it now; then it is made readable meanwhile.

    `mode_stays`: afterwards it has its mode back; otherwise the caller sets one.

    Raises: NotADirectoryError, FileNotFoundError; OSError with ELOOP for a link.
    """
    with contextlib.ExitStack() as stack:
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=folder)
            if not os.access(".", os.X_OK, dir_fd=descriptor):
                os.close(descriptor)
                raise PermissionError
        except PermissionError:
            stack.enter_context(_made_accessible(folder, name, 0o700, mode_stays=mode_stays))
            descriptor = os.open(name, _FOLDER, dir_fd=folder)
        stack.callback(os.close, descriptor)
        yield descriptor


def open_file(folder: int, name: bytes) -> int:
    """A regular file for reading; one that was swapped for a pipe meanwhile does not make us wait.

    Raises: FileNotFoundError when there is no regular file of that name (any more).
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except PermissionError:
        with _made_accessible(folder, name, 0o400):
            descriptor = os.open(name, flags, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(f"{os.fsdecode(name)!r} is not a regular file any more")
    return descriptor


@contextlib.contextmanager
def _made_accessible(folder: int, name: bytes, bits: int, *, mode_stays: bool = True) -> Generator[None]:
    """Give the owner, us, `bits`, for a while if the mode is to stay. The handle cannot be swapped for something else."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        Path(f"/proc/self/fd/{handle}").chmod(mode | bits)
        try:
            yield
        finally:
            if mode_stays:
                Path(f"/proc/self/fd/{handle}").chmod(mode)
    finally:
        os.close(handle)


def set_mode(folder: int, name: bytes, mode: int) -> None:
    """Of whatever `name` is now, except a link; not of what it is swapped for meanwhile."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISLNK(os.fstat(handle).st_mode):
            Path(f"/proc/self/fd/{handle}").chmod(mode)
    finally:
        os.close(handle)


def listed(folder: int) -> list[Found]:
    """What lies in `folder`, sorted by name. What vanishes meanwhile is left out."""
    found: list[Found] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found.append(Found(os.fsencode(entry.name), entry.stat(follow_symlinks=False)))
    found.sort()
    return found


def remove(folder: int, name: bytes) -> None:
    """Remove a file, a link itself, or a folder with everything in it, however deep."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        with entered(folder, name, mode_stays=False) as inner:
            empty(inner)
        os.rmdir(name, dir_fd=folder)


def empty(folder: int) -> None:
    """Remove everything in `folder`."""
    _make_writable(folder)
    while entries := listed(folder):
        for found in entries:
            _remove_below(folder, found, folder, 0)


def _remove_below(folder: int, found: Found, top: int, depth: int) -> None:
    """A tree too deep to hold open is cut, and its lower part moved up to `top` for another round."""
    if not found.is_folder:
        os.unlink(found.name, dir_fd=folder)
    elif depth == MAX_DEPTH:
        os.rename(found.name, temporary_name(), src_dir_fd=folder, dst_dir_fd=top)
    else:
        with entered(folder, found.name, mode_stays=False) as inner:
            _make_writable(inner)
            for below in listed(inner):
                _remove_below(inner, below, top, depth + 1)
        os.rmdir(found.name, dir_fd=folder)


def _make_writable(folder: int) -> None:
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    if mode & 0o700 != 0o700:
        os.fchmod(folder, mode | 0o700)


def temporary_name(name: bytes = b"") -> bytes:
    """A name that nothing else has; for a file that is to be called `name` always the same, so that what a crash left
    under it is found and replaced when the file is written again."""
    chosen = sha256(name).digest()[:8] if name else os.urandom(8)
    return _TEMPORARY + chosen.hex().encode()
