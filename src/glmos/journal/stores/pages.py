"""Rows straight from the pages of a SQLite file, whether or not a tree still leads to them.

    page      kind 0x0D (leaf of a table) at 0, number of cells at 3, then a 2-byte place for each cell
    cell      varint payload size, varint rowid, payload (what does not fit goes on in overflow pages)
    payload   varint header size, a varint serial type for each column, then the columns

Source: https://www.sqlite.org/fileformat2.html, sections 1.6 and 2. Above: `salvage`, which believes a row only if it fits
its seal. Below: bytes that may be anything, so every step is checked and nothing raises.
"""

import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

PAGE = 4096
_LEAF = 0x0D
_LARGEST = 64 << 20
_WIDTHS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
Columns = list[Any]


def rows(path: Path, columns: range) -> Iterator[Columns]:
    """Every record with so many columns that stands on a page of leaves. Text is given as bytes."""
    with path.open("rb") as file:
        count = path.stat().st_size // PAGE
        for number in range(1, count + 1):
            file.seek((number - 1) * PAGE)
            page = file.read(PAGE)
            start = 100 if number == 1 else 0
            if len(page) < PAGE or page[start] != _LEAF:
                continue
            for place in _cells(page, start):
                payload = _payload(page, place, partial(_overflow, file, count))
                record = _record(payload) if payload is not None else None
                if record is not None and len(record) in columns:
                    yield record


def _cells(page: bytes, start: int) -> Iterator[int]:
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    for index in range(min(count, (PAGE - start) // 4)):
        at = start + 8 + 2 * index
        place = int.from_bytes(page[at : at + 2], "big")
        if start + 8 <= place < PAGE - 4:
            yield place


def _overflow(file: BinaryIO, count: int, number: int) -> bytes:
    """The page `number`; empty when there is none."""
    if not 1 <= number <= count:
        return b""
    file.seek((number - 1) * PAGE)
    return file.read(PAGE)


def _payload(page: bytes, place: int, other: Callable[[int], bytes]) -> bytes | None:
    """The payload of a cell, its overflow pages included; None when that leads nowhere."""
    size, place = _varint(page, place)
    _, place = _varint(page, place)
    if not 0 < size <= _LARGEST:
        return None
    most, least = PAGE - 35, (PAGE - 12) * 32 // 255 - 23
    local = size
    if size > most:
        local = least + (size - least) % (PAGE - 4)
        local = local if local <= most else least
    found = page[place : place + local]
    following = int.from_bytes(page[place + local : place + local + 4], "big") if size > local else 0
    pieces, have = [found], len(found)
    for _ in range(size // (PAGE - 4) + 2):
        if have >= size:
            break
        more = other(following)
        if len(more) < PAGE:
            return None
        pieces.append(more[4:])
        have += PAGE - 4
        following = int.from_bytes(more[:4], "big")
    whole = b"".join(pieces)[:size]
    return whole if len(whole) == size else None


def _record(payload: bytes) -> Columns | None:
    end, place = _varint(payload, 0)
    if not place < end <= len(payload):
        return None
    kinds: list[int] = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    found: Columns = []
    for kind in kinds:
        width = _WIDTHS.get(kind, 8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else 0)
        piece = payload[place : place + width]
        if len(piece) < width or kind in (10, 11):
            return None
        place += width
        found.append(_value(kind, piece))
    return found


def _value(kind: int, piece: bytes) -> Any:
    if kind == 0:
        return None
    if kind in _WIDTHS:
        return int.from_bytes(piece, "big", signed=True)
    if kind == 7:
        return struct.unpack(">d", piece)[0]
    return kind - 8 if kind in (8, 9) else piece


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and the place after it."""
    value = 0
    for count in range(9):
        if place >= len(data):
            return 0, place + 1
        byte = data[place]
        place += 1
        if count == 8:
            return (value << 8) | byte, place
        value = (value << 7) | (byte & 0x7F)
        if not byte & 0x80:
            break
    return value, place
