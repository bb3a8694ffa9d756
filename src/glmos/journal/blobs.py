"""Large payloads beside the journal: one compressed file per content, named by its SHA-256.

    blobs/ab/cdef...     Zstandard, with a checksum of its own
    blobs/tmp/           what is being written; leftovers of a crash are swept away after a day

Above: `SqliteStore`, which calls this from worker threads. Below: files. A file gets its name only when its content is
on the disk, so a name is a promise. Any number of threads may put and get at once.
"""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

from glmos.abi.errors import NotFoundError, StoreError
from glmos.abi.ids import BlobRef
from glmos.journal.failures import store_error

_REF = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LEFTOVER_SECONDS = 86_400.0


def blob_ref(data: bytes) -> BlobRef:
    """The name that `data` has in every store."""
    return hashlib.sha256(data).hexdigest()


def no_such_blob(ref: BlobRef) -> NotFoundError:
    return NotFoundError(f"There is no blob {ref!r} in this home; it was never kept here or its file was removed.")


def damaged_blob(ref: BlobRef) -> StoreError:
    return StoreError(
        f"The blob {ref!r} is damaged: its content does not match its name. "
        "Restore its file from a backup, or produce the same content again, which repairs it."
    )


class BlobFolder:
    """Content-addressed files below `folder`."""

    def __init__(
        self, folder: Path, crash_points: Callable[[str], None] = lambda _: None, *, read_only: bool = False
    ) -> None:
        """Raises: StoreError when the folder cannot be made or written."""
        self._folder = folder
        self._tmp = folder / "tmp"
        self._crash_point = crash_points
        self._durable: set[Path] = set()
        if read_only:
            return
        try:
            for made in (folder, self._tmp):
                made.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
        except OSError as problem:
            raise store_error(folder, problem) from problem

    def path(self, ref: BlobRef) -> Path:
        return self._folder / ref[:2] / ref[2:]

    def put(self, data: bytes) -> BlobRef:
        """Keep `data`; on return it survives a power cut.

        Raises:
            StoreError: It was not kept.
        """
        ref = blob_ref(data)
        path = self.path(ref)
        try:
            if self._load(ref) != data:
                self._write(path, data)
            # Even for a file that was there: whoever renamed it may not have come to this line yet.
            sync_folder(path.parent)
        except OSError as problem:
            raise store_error(self._folder, problem) from problem
        return ref

    def get(self, ref: BlobRef) -> bytes:
        """The content named `ref`.

        Raises:
            NotFoundError: It is not here.
            StoreError: It is here but not what its name says, or cannot be read.
        """
        if not _REF.fullmatch(ref):
            raise no_such_blob(ref)
        try:
            data = self._load(ref)
        except OSError as problem:
            raise store_error(self.path(ref), problem) from problem
        if data is None:
            raise damaged_blob(ref) if self.path(ref).exists() else no_such_blob(ref)
        return data

    def _load(self, ref: BlobRef) -> bytes | None:
        """The content, or None when it is missing or not what its name says."""
        try:
            packed = self.path(ref).read_bytes()
        except FileNotFoundError:
            return None
        try:
            data = zstandard.ZstdDecompressor().decompress(packed)
        except (zstandard.ZstdError, MemoryError):
            return None
        return data if blob_ref(data) == ref else None

    def _write(self, path: Path, data: bytes) -> None:
        packed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)
        if path.parent not in self._durable or not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self._folder)
            self._durable.add(path.parent)
        fd, name = tempfile.mkstemp(dir=self._tmp)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            self._crash_point("blob.before_rename")
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._crash_point("blob.after_rename")

    def _sweep(self) -> None:
        """Remove what writers left that were killed. A day, because another program may be writing right now."""
        for file in self._tmp.iterdir():
            if time.time() - file.lstat().st_mtime > _LEFTOVER_SECONDS:
                file.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
