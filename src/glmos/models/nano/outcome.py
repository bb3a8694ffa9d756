"""What running a query gave, and when two results are the same answer."""

from collections.abc import Sequence
from typing import Any

Rows = Sequence[Sequence[Any]]
Result = Rows | BaseException | None
"""Its rows, the error, or None if it was not run."""


def is_empty(result: Result) -> bool:
    """No rows, only NULLs, or a count of nothing."""
    if result is None or isinstance(result, BaseException):
        return False
    return (
        not result
        or all(cell is None for row in result for cell in row)
        or (len(result) == 1 and list(result[0]) == [0])
    )


def outcome(result: Result) -> str:
    """A result in a form that is equal for equal answers, whatever the order of rows."""
    if isinstance(result, BaseException):
        return "failed"
    if result is None:
        return "not run"
    return repr(sorted((tuple(_cell(cell) for cell in row) for row in result), key=repr))


def _cell(cell: Any) -> Any:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell).lower() if cell is not None else None
    return round(float(cell), 6)
