"""Values and rows for people, models and JSON."""

import datetime
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

CELL = 200
"""Characters shown of one value."""


def plain(value: Any) -> Any:
    """The value as JSON can carry it, losing nothing that JSON has."""
    match value:
        case None | bool() | str():
            return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            if not value.is_finite():
                return str(value)
            return plain(int(value)) if value == value.to_integral_value() else float(value)
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return f"<{len(cast('bytes', value))} bytes>"
        case dict():
            return {str(key): plain(item) for key, item in cast("dict[Any, Any]", value).items()}
        case list() | tuple() | set():
            return [plain(item) for item in cast("list[Any]", value)]
        case _:
            return str(value)


def show(value: Any) -> str:
    """The value on one line, without the noise of binary fractions."""
    value = plain(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    text = " ".join(str(value).split()) if any(c in str(value) for c in "\n\r\t") else str(value)
    return text if len(text) <= CELL else text[:CELL] + "..."


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *([show(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(" ".join(str(cell).split()) or " " for cell in line) + " |" for line in lines)


def _float(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    exact, short = repr(value), f"{value:.12g}"
    return short if len(short) + 4 <= len(exact) else exact
