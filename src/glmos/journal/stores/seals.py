"""Checksums of rows. SQLite has none of its own: a bit that flips inside a text would change what happened.

Above: `sqlite` writes and compares them, `salvage` tells by them what can be believed. CRC-32, because it is the disk that
is not trusted here, not a person. A row without a seal is older than seals: only the types of its columns can be looked
at, which damage changes too.
"""

import struct
import zlib
from typing import Any

from glmos.abi.ids import Pid, Seq

_EVENT = struct.Struct("<qqd")
_ROW = struct.Struct("<qqqq")


def event_seal(pid: Pid, seq: Seq, at: float, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_EVENT.pack(pid, seq, at)))


def row_seal(pid: Pid, root: Pid, ended: int, resting: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_ROW.pack(pid, root, ended, resting)))


def event_fits(columns: tuple[Any, Any, Any, Any], seal: Any) -> bool:
    """Whether (pid, seq, at, body), as they were read, are what was written."""
    return _fits(event_seal, columns, seal)


def row_fits(columns: tuple[Any, Any, Any, Any, Any], seal: Any) -> bool:
    """Whether (pid, root, ended, resting, body), as they were read, are what was written."""
    return _fits(row_seal, columns, seal)


def _fits(made: Any, columns: tuple[Any, ...], seal: Any) -> bool:
    try:
        found = made(*columns)
    except (struct.error, TypeError):
        return False
    return seal is None or seal == found
