"""Where a sheet's table begins: title lines above it, its header or the lack of one, and the names of its columns."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

Row = Sequence[str | None]


class Layout(NamedTuple):
    names: list[str]
    skip: int
    """Rows above the first row of data."""
    header: bool


_NUMBER = re.compile(r"[+-]?[$€£¥￥]?\s?(\d[\d,]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s?%?")
_DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?([ T]\d{1,2}:\d{2}.*)?")
_YEAR = re.compile(r"(19|20|21)\d\d年?")


def find_layout(rows: Sequence[Row]) -> Layout:
    """Read the first rows (some dozens do)."""
    width = _width(rows)
    first = _title_lines(rows, width)
    head = [cell.strip() if cell else "" for cell in rows[first]][:width] if first < len(rows) else []
    head += [""] * (width - len(head))
    body = [row for row in rows[first + 1 :] if any(row)]
    if head and _is_header(head, body):
        return Layout(unique_names(head), first + 1, header=True)
    return Layout(unique_names([""] * width), first, header=False)


def unique_names(names: Sequence[str]) -> list[str]:
    """Column names as they are, but none empty and none twice (in any case)."""
    taken: set[str] = set()
    result: list[str] = []
    for position, raw in enumerate(names, 1):
        base = " ".join(raw.split()) or f"column{position}"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name.casefold())
        result.append(name)
    return result


def _width(rows: Sequence[Row]) -> int:
    """The usual number of columns: the most frequent length of a row, the longest of those that tie."""
    lengths = Counter(len(row) for row in rows if any(row))
    if not lengths:
        return 0
    most = max(lengths.values())
    return max(length for length, count in lengths.items() if count == most)


def _title_lines(rows: Sequence[Row], width: int) -> int:
    """Lines above the table that hold at most one value while the table holds more."""
    for index, row in enumerate(rows[:12]):
        filled = sum(bool(cell and cell.strip()) for cell in row)
        if filled >= 2 or (filled == 1 and width <= 2 and len(row) == width):
            return index
    return 0


def _is_header(head: list[str], body: Sequence[Row]) -> bool:
    filled = [cell for cell in head if cell]
    if len(filled) < len(head) / 2:
        return False
    for position, cell in enumerate(head):
        below = [row[position].strip() for row in body if position < len(row) and row[position]]  # pyright: ignore[reportOptionalMemberAccess]
        if _YEAR.fullmatch(cell):
            if not below or sum(bool(_YEAR.fullmatch(value)) for value in below) > len(below) / 2:
                return False
        elif _NUMBER.fullmatch(cell) or _DATE.fullmatch(cell):
            return False
    if all(_YEAR.fullmatch(cell) for cell in filled):
        return len(filled) > 1
    # A value that comes again further down is data, unless the whole header is repeated there.
    others = [row for row in body if [cell or "" for cell in row][: len(head)] != head]
    return not any(
        cell and any(position < len(row) and row[position] == cell for row in others)
        for position, cell in enumerate(head)
    )
