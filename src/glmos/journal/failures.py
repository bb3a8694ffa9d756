"""What the operating system and SQLite report, in one sentence that names the thing and the way out.

Above: stores and blobs, which raise `StoreError` with these words and the precise error as its cause.
"""

import errno
import sqlite3
from pathlib import Path

from glmos.abi.errors import StoreError

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CLOSED_TO_US = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})


SALVAGE = "`glmos doctor --salvage FOLDER` copies into a new home what can still be read"


def is_locked(problem: BaseException) -> bool:
    """Another program holds the database, and trying again at once would only wait once more."""
    return _code(problem) in _LOCKED


def store_error(path: Path, problem: BaseException) -> StoreError:
    """The `StoreError` for what went wrong with `path`. Raise it `from problem`."""
    if isinstance(problem, UnicodeDecodeError):  # SQLite quotes what it found in its own tables
        return damaged(path, "its description of itself is no text")
    if isinstance(problem, OSError):
        return StoreError(_file_sentence(path, problem))
    return StoreError(_database_sentence(path, problem))


def damaged(path: Path, detail: str) -> StoreError:
    return StoreError(
        f"The journal {str(path)!r} is damaged ({detail}) and was left as it is; restore it from a backup, or "
        f"{SALVAGE}."
    )


def _code(problem: BaseException) -> int:
    return getattr(problem, "sqlite_errorcode", 0) & 0xFF


def _database_sentence(path: Path, problem: BaseException) -> str:
    code = _code(problem)
    said = " ".join(str(problem).split())[:200]  # it may quote a whole table's definition
    if code == sqlite3.SQLITE_FULL:
        return f"The disk that holds {str(path)!r} is full; free some space and try again."
    if code in _CLOSED_TO_US:
        return (
            f"The journal {str(path)!r} cannot be opened for writing ({said}); "
            "check the permissions of its folder, or choose another home with GLMOS_HOME."
        )
    if code in _DAMAGED:
        return str(damaged(path, said))
    if code in _LOCKED:
        return f"The journal {str(path)!r} is locked by another program; close that program and try again."
    if code == sqlite3.SQLITE_IOERR:
        name = getattr(problem, "sqlite_errorname", "")
        return (
            f"The disk under the journal {str(path)!r} reported an error ({said}, {name}); "
            "check the disk and its limits, then try again."
        )
    return f"The journal {str(path)!r} could not be used ({type(problem).__name__}: {said}); nothing was recorded."


def _file_sentence(path: Path, problem: OSError) -> str:
    if problem.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"The disk that holds {str(path)!r} is full or its limit is reached; free some space and try again."
    if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return (
            f"{str(path)!r} cannot be written ({problem.strerror}); "
            "check its permissions, or choose another home with GLMOS_HOME."
        )
    if problem.errno in {errno.ENOTDIR, errno.EEXIST}:
        return f"{str(path)!r} is not a folder ({problem.strerror}); choose another home with GLMOS_HOME."
    return f"{str(path)!r} could not be used ({problem.strerror or problem}); check the disk, then try again."
