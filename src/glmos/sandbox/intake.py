"""Copying what a person gives into a workspace.

Here paths are the person's own: a link that they name is followed, links inside a folder are copied as links. The
copy is private, readable and writable whatever the original's mode. Used by `workspaces`.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from glmos.abi.errors import NotFoundError, UsageError
from glmos.abi.events import InputFile
from glmos.sandbox.objects import clone, end_sparsely, hash_of, pieces, write_sparsely

_REPORT_EVERY = 64 << 20
_LONGEST_NAME = 255

Progress = Callable[[str], None]


def take_in(
    sources: Sequence[Path], folder: Path, *, taken: Collection[str], ours: Path, progress: Progress
) -> tuple[InputFile, ...]:
    """Copy `sources` into `folder` under names not in `taken`. `ours`, the folder of all
    workspaces, and the home around it are left out of folders that hold them.

    Raises: NotFoundError, UsageError. What was copied until then is left there.
    """
    intake = _Intake(ours, progress)
    used = set(taken)
    inputs: list[InputFile] = []
    for source in dict.fromkeys(Path(os.path.abspath(source)) for source in sources):  # noqa: PTH100 - keeps links
        name = free_name(source.name or "root", used)
        used.add(name)
        size, digest = intake.copy(source, folder / name)
        inputs.append(InputFile(name=name, source=readable(os.fsencode(source)), size=size, digest=digest))
    return tuple(inputs)


def take_in_one(source: Path, target: Path | None, *, ours: Path, progress: Progress) -> tuple[int, str]:
    """Copy a file or folder to `target`, or only look when that is None; give its size and digest.

    Raises: NotFoundError, UsageError.
    """
    return _Intake(ours, progress).copy(source, target)


class _Intake:
    """Copies, or only looks where the target is None."""

    def __init__(self, ours: Path, progress: Progress) -> None:
        self._ours = [(place.stat().st_dev, place.stat().st_ino) for place in (ours, ours.parent) if place.exists()]
        self._progress = progress

    def copy(self, source: Path, target: Path | None) -> tuple[int, str]:
        try:
            status = source.stat()
            if stat.S_ISDIR(status.st_mode):
                listing: list[tuple[bytes, bytes]] = []
                size = self._folder(source, target, b"", listing)
                return size, hashlib.sha256(msgspec.msgpack.encode(sorted(listing))).hexdigest()
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{str(source)!r} is a {_kind(status.st_mode)}; give a file or a folder.")
            size, digest = self._file(source, target)
            return size, digest.hex()
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no file {str(source)!r}; check the name and the folder.") from error
        except NotADirectoryError as error:
            raise NotFoundError(f"There is no file {str(source)!r}: part of its path is not a folder.") from error
        except PermissionError as error:
            name = error.filename or source
            raise UsageError(f"{os.fsdecode(name)!r} may not be read by you; change its permissions.") from error
        except OSError as error:
            if error.errno in _SOURCE_FAULTS:
                raise UsageError(f"{str(source)!r} cannot be read ({error.strerror}).") from error
            raise

    def _folder(self, source: Path, target: Path | None, path: bytes, listing: list[tuple[bytes, bytes]]) -> int:
        if target is not None:
            target.mkdir(mode=0o700)
        size = 0
        with os.scandir(source) as entries:
            for entry in sorted(entries, key=lambda entry: os.fsencode(entry.name)):
                inner = path + b"/" + os.fsencode(entry.name)
                copy = None if target is None else target / entry.name
                if entry.is_symlink():
                    points_to = os.fspath(Path(entry.path).readlink())
                    listing.append((inner, os.fsencode(points_to)))
                    if copy is not None:
                        copy.symlink_to(points_to)
                elif entry.is_dir():
                    if not self._is_ours(entry):
                        listing.append((inner, b""))
                        size += self._folder(Path(entry.path), copy, inner, listing)
                elif entry.is_file():
                    bytes_, digest = self._file(Path(entry.path), copy)
                    listing.append((inner, digest))
                    size += bytes_
        if target is not None:
            _keep_mode(source, target, 0o700)
        return size

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        status = entry.stat()
        return (status.st_dev, status.st_ino) in self._ours

    def _file(self, source: Path, target: Path | None) -> tuple[int, bytes]:
        with open(source, "rb", buffering=0, opener=_without_waiting) as original:
            status = os.fstat(original.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{str(source)!r} is a {_kind(status.st_mode)}; give a file or a folder.")
            if target is None:
                digest, size = hash_of(original.fileno())
                return size, digest
            with target.open("xb+", buffering=0) as copy:
                digest, size = self._content(original.fileno(), copy.fileno(), source.name, status.st_size)
        _keep_mode(source, target, 0o600)
        return size, digest

    def _content(self, original: int, copy: int, name: str, expected: int) -> tuple[bytes, int]:
        if clone(original, copy):
            return hash_of(copy)
        digest, size, reported = hashlib.sha256(), 0, 0
        for piece in pieces(original):
            digest.update(piece)
            write_sparsely(copy, piece)
            size += len(piece)
            if size - reported >= _REPORT_EVERY:
                reported = size
                self._progress(f"copying {name!r}: {size >> 20} of {expected >> 20} MiB")
        end_sparsely(copy)
        return digest.digest(), size


_SOURCE_FAULTS = {5, 40, 116}  # EIO, ELOOP, ESTALE


def _without_waiting(path: str, flags: int) -> int:
    """A pipe swapped in for a file would make us wait for somebody to write."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _keep_mode(source: Path, target: Path, at_least: int) -> None:
    status = source.stat()
    target.chmod(stat.S_IMODE(status.st_mode) & 0o777 | at_least)
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"), (stat.S_ISBLK, "device"))
    return next((name for test, name in kinds if test(mode)), "special file")


def readable(name: bytes) -> str:
    """A name as text that can be stored and shown; names of Chinese systems of old are usually GBK."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return name.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name.decode("utf-8", "backslashreplace").replace("\\", "_")


def free_name(name: str, used: Collection[str]) -> str:
    """`name`, or `name-2`, `name-3`, ... before its ending."""
    name = readable(os.fsencode(name))
    if name not in used:
        return name
    stem, dot, ending = name.partition(".") if not name.startswith(".") else (name, "", "")
    number = 2
    while True:
        tail = f"-{number}{dot}{ending}"
        head = stem
        while len(os.fsencode(head + tail)) > _LONGEST_NAME and head:
            head = head[:-1]
        if head + tail not in used:
            return head + tail
        number += 1
