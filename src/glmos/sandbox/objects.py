"""Contents of files, each kept once under its SHA-256, and the snapshots that name them.

    objects.sqlite   small contents, compressed; the snapshots' manifests; what a scan remembers of each workspace
    large/ab/abc...  large contents, one file each: a clone of the original where the disk can share blocks,
                     compressed elsewhere

A table takes ten thousand small files with one write to disk; as files each would need its own. A snapshot is
recorded after the contents it names are safely on disk. Above: `snapshots`, `workspaces`.
"""

import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import zstandard

from glmos.abi.errors import WorkspaceError

LARGE = 1 << 20
"""Contents of more bytes than this are files of their own."""
_PIECE = 1 << 20
_ZEROS = bytes(64 << 10)
_FICLONE = 0x4004_9409
_COMPRESSED = b".zst"
_BATCH_BYTES = 16 << 20

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS objects (hash BLOB PRIMARY KEY, size INTEGER NOT NULL, data BLOB);
    CREATE TABLE IF NOT EXISTS snapshots (id TEXT PRIMARY KEY, manifest BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS memos (pid INTEGER, kind TEXT, data BLOB NOT NULL, PRIMARY KEY (pid, kind));
"""


class Objects:
    """The store of one home. Methods block; they may be called from any thread, writers one at a time."""

    def __init__(self, folder: Path, crash_points: Callable[[str], None] = lambda _: None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._crash_point = crash_points
        self._large = folder / "large"
        self._database = sqlite3.connect(folder / "objects.sqlite", check_same_thread=False, isolation_level=None)
        self._lock = threading.Lock()
        """Guards the connection."""
        self._pending: dict[bytes, tuple[int, bytes]] = {}
        self._pending_bytes = 0
        with self._lock:
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
        for half_written in self._large.glob(".*"):  # by an owner that was killed
            half_written.unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    # -- contents -----------------------------------------------------------------------------------------------------

    def keep(self, descriptor: int) -> tuple[bytes, int]:
        """Keep the content of an open file; give its hash and size. On disk only after `flush`."""
        if os.fstat(descriptor).st_size > LARGE:
            return self._keep_large(descriptor)
        data = b"".join(pieces(descriptor, at_most=LARGE + 1))
        if len(data) > LARGE:  # it grows under our eyes
            return self._keep_large(descriptor)
        digest = hashlib.sha256(data).digest()
        if digest not in self._pending and not self._has(digest):
            packed = zstandard.ZstdCompressor(level=1).compress(data)
            self._pending[digest] = (len(data), packed)
            self._pending_bytes += len(packed)
            if self._pending_bytes > _BATCH_BYTES:
                self.flush()
        return digest, len(data)

    def _keep_large(self, descriptor: int) -> tuple[bytes, int]:
        self._large.mkdir(exist_ok=True, mode=0o700)
        temporary = self._large / f".{os.urandom(8).hex()}"
        try:
            with temporary.open("xb+", buffering=0) as copy:
                cloned = clone(descriptor, copy.fileno())
                if cloned:
                    digest, size = hash_of(copy.fileno())
                else:
                    digest, size = _compress(descriptor, copy.fileno())
                os.fsync(copy.fileno())
            final = self._large_path(digest, compressed=not cloned)
            if not self._has(digest):
                final.parent.mkdir(exist_ok=True, mode=0o700)
                self._crash_point("workspace.large_content")
                temporary.rename(final)
                _sync_folder(final.parent)
                self._pending[digest] = (size, b"")
        finally:
            temporary.unlink(missing_ok=True)
        return digest, size

    def _large_path(self, digest: bytes, *, compressed: bool) -> Path:
        name = digest.hex() + (_COMPRESSED.decode() if compressed else "")
        return self._large / name[:2] / name

    def _has(self, digest: bytes) -> bool:
        with self._lock:
            return self._database.execute("SELECT 1 FROM objects WHERE hash = ?", (digest,)).fetchone() is not None

    def flush(self) -> None:
        """When this returns, every content kept so far survives a power cut."""
        if self._pending:
            rows = [(digest, size, data or None) for digest, (size, data) in self._pending.items()]
            with self._transaction() as database:
                database.executemany("INSERT OR IGNORE INTO objects VALUES (?, ?, ?)", rows)
        self._pending, self._pending_bytes = {}, 0

    def forget_pending(self) -> None:
        self._pending, self._pending_bytes = {}, 0

    def write_to(self, digest: bytes, descriptor: int) -> None:
        """Write a content to an open, empty file.

        Raises: WorkspaceError when it is not here or not what its name says.
        """
        with self._lock:
            row = self._database.execute("SELECT data FROM objects WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            raise WorkspaceError(f"The saved content {digest.hex()} is missing; this state cannot be restored.")
        try:
            found = self._write_large(digest, descriptor) if row[0] is None else self._write_small(row[0], descriptor)
        except (zstandard.ZstdError, FileNotFoundError):
            found = b""
        if found != digest:
            raise WorkspaceError(f"The saved content {digest.hex()} is damaged on disk; this state cannot be restored.")

    def _write_small(self, packed: bytes, descriptor: int) -> bytes:
        data = zstandard.ZstdDecompressor().decompress(packed)
        write_all(descriptor, data)
        return hashlib.sha256(data).digest()

    def _write_large(self, digest: bytes, descriptor: int) -> bytes:
        plain = self._large_path(digest, compressed=False)
        if plain.exists():
            with plain.open("rb", buffering=0) as file:
                if clone(file.fileno(), descriptor):
                    return hash_of(descriptor)[0]
                return _copy(pieces(file.fileno()), descriptor)
        with self._large_path(digest, compressed=True).open("rb") as file:
            reader = zstandard.ZstdDecompressor().stream_reader(file)
            return _copy(iter(lambda: reader.read(_PIECE), b""), descriptor)

    # -- snapshots and memos ------------------------------------------------------------------------------------------

    def put_snapshot(self, name: str, manifest: bytes) -> None:
        self.flush()
        self._crash_point("workspace.kept")
        packed = zstandard.ZstdCompressor(level=1).compress(manifest)
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO snapshots VALUES (?, ?)", (name, packed))

    def get_snapshot(self, name: str) -> bytes | None:
        with self._lock:
            row = self._database.execute("SELECT manifest FROM snapshots WHERE id = ?", (name,)).fetchone()
        return None if row is None else zstandard.ZstdDecompressor().decompress(row[0])

    def put_memo(self, pid: int, kind: str, data: bytes) -> None:
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO memos VALUES (?, ?, ?)", (pid, kind, data))

    def get_memo(self, pid: int, kind: str) -> bytes | None:
        with self._lock:
            row = self._database.execute("SELECT data FROM memos WHERE pid = ? AND kind = ?", (pid, kind)).fetchone()
        return None if row is None else row[0]

    def drop_memos(self, pid: int) -> None:
        with self._transaction() as database:
            database.execute("DELETE FROM memos WHERE pid = ?", (pid,))

    def snapshot_names(self) -> list[str]:
        with self._lock:
            return [row[0] for row in self._database.execute("SELECT id FROM snapshots")]

    def collect(self, *, snapshots: Collection[str], contents: Collection[bytes], memos: Collection[str]) -> int:
        """Forget all snapshots and contents but these, and every memo of the kinds `memos`; give how many contents went."""
        with self._lock:
            stored = [row[0] for row in self._database.execute("SELECT hash FROM objects")]
        gone = [digest for digest in stored if digest not in contents]
        unnamed = [(name,) for name in self.snapshot_names() if name not in snapshots]
        with self._transaction() as database:
            database.executemany("DELETE FROM snapshots WHERE id = ?", unnamed)
            database.executemany("DELETE FROM objects WHERE hash = ?", [(digest,) for digest in gone])
            database.executemany("DELETE FROM memos WHERE kind = ?", [(kind,) for kind in memos])
        for digest in gone:
            for compressed in (True, False):
                self._large_path(digest, compressed=compressed).unlink(missing_ok=True)
        with self._lock:
            self._database.execute("VACUUM")
        return len(gone)

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")


def pieces(descriptor: int, *, at_most: int | None = None) -> Iterator[bytes]:
    """The content of an open file from its beginning."""
    place = 0
    while at_most is None or place < at_most:
        wanted = _PIECE if at_most is None else min(_PIECE, at_most - place)
        piece = os.pread(descriptor, wanted, place)
        if not piece:
            return
        place += len(piece)
        yield piece


def hash_of(descriptor: int) -> tuple[bytes, int]:
    """SHA-256 and size of an open file."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces(descriptor):
        digest.update(piece)
        size += len(piece)
    return digest.digest(), size


def clone(source: int, target: int) -> bool:
    """Make `target` share the blocks of `source`; False where the file system cannot."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_sparsely(descriptor: int, data: bytes) -> None:
    """As `write_all`, but zeros become a hole. `end_sparsely` must follow at the end."""
    for place in range(0, len(data), len(_ZEROS)):
        part = data[place : place + len(_ZEROS)]
        if part == _ZEROS:
            os.lseek(descriptor, len(part), os.SEEK_CUR)
        else:
            write_all(descriptor, part)


def end_sparsely(descriptor: int) -> None:
    """A hole at the end counts only when the file is made so long."""
    os.ftruncate(descriptor, os.lseek(descriptor, 0, os.SEEK_CUR))


def _copy(source: Iterable[bytes], target: int) -> bytes:
    digest = hashlib.sha256()
    for piece in source:
        digest.update(piece)
        write_sparsely(target, piece)
    end_sparsely(target)
    return digest.digest()


def _compress(source: int, target: int) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    for piece in pieces(source):
        digest.update(piece)
        size += len(piece)
        write_all(target, packer.compress(piece))
    write_all(target, packer.flush())
    return digest.digest(), size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
