"""Whether two engines gave the same rows. Pure; used by checks on results as they come out of JSON."""

import datetime
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast


def same_rows(
    a: Sequence[Sequence[Any]],
    b: Sequence[Sequence[Any]],
    *,
    ordered: bool | Sequence[int] = False,
    tolerance: float = 1e-9,
) -> bool:
    """True when both hold the same rows, each as often.

    Numbers of any type are equal within the relative `tolerance`, true is 1, dates are their ISO text, and NULL equals
    NULL. The order counts only if `ordered`; a list of column positions means that the rows are ordered by these
    columns, so that rows which tie may come in any order. A query's `data["ordered"]` is such a list.
    """
    if len(a) != len(b):
        return False
    left, right = [_row(row) for row in a], [_row(row) for row in b]
    if ordered is True:
        return all(_same(x, y, tolerance) for x, y in zip(left, right, strict=True))
    keys = () if ordered is False else ordered
    if any(
        position < min(len(x), len(y)) and not _same((x[position],), (y[position],), tolerance)
        for x, y in zip(left, right, strict=True)
        for position in keys
    ):
        return False
    if all(_same(x, y, tolerance) for x, y in zip(sorted(left), sorted(right), strict=True)):
        return True
    return len(left) <= 2000 and _matches(left, right, tolerance)


_Cell = tuple[str, str, float]


def _row(row: Sequence[Any]) -> tuple[_Cell, ...]:
    return tuple(_cell(value) for value in row)


def _cell(value: Any) -> _Cell:
    """(kind, text, number): sortable, and comparable across engines."""
    match value:
        case None:
            return ("null", "", 0.0)
        case bool() | int() | float() | Decimal():
            number = float(value)
            return ("text", str(number), 0.0) if math.isnan(number) else ("number", "", number)
        case datetime.datetime():
            return ("text", _date(value.isoformat(sep=" ")), 0.0)
        case datetime.date() | datetime.time():
            return ("text", value.isoformat(), 0.0)
        case list() | tuple():
            return ("text", repr([_cell(item) for item in cast("list[Any]", value)]), 0.0)
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            return ("text", repr(sorted((str(key), _cell(item)) for key, item in pairs)), 0.0)
        case _:
            return ("text", _date(str(value)), 0.0)


def _date(text: str) -> str:
    """A date as one engine writes it and the same date at midnight as another does."""
    return text[:10] if len(text) >= 19 and text[10:19] in (" 00:00:00", "T00:00:00") else text


def _same(a: tuple[_Cell, ...], b: tuple[_Cell, ...], tolerance: float) -> bool:
    return len(a) == len(b) and all(
        x[:2] == y[:2] and (x[2] == y[2] or math.isclose(x[2], y[2], rel_tol=tolerance, abs_tol=1e-12))
        for x, y in zip(a, b, strict=True)
    )


def _matches(left: list[tuple[_Cell, ...]], right: list[tuple[_Cell, ...]], tolerance: float) -> bool:
    """Pairs rows one by one: needed when nearly equal numbers sorted differently."""
    rest = list(right)
    for row in left:
        found = next((i for i, other in enumerate(rest) if _same(row, other, tolerance)), None)
        if found is None:
            return False
        del rest[found]
    return True
