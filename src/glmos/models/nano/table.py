"""A table as the nano model sees it: names, types and the values its caller has at hand."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from glmos.models.nano.text import number

ColumnType = Literal["text", "number", "date", "boolean"]
Value = str | int | float | None

_ISO_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?(?:[T ]\d{2}:\d{2}.*)?")


class Column(NamedTuple):
    """One column: `values` are its distinct values, as many as the caller has."""

    name: str
    type: ColumnType
    values: Sequence[Value]


class Table(NamedTuple):
    """One table of `row_count` rows."""

    name: str
    columns: tuple[Column, ...]
    row_count: int

    def is_key(self, index: int) -> bool:
        """True when every row has its own value in that column, as far as the values at hand show."""
        return self.row_count > 1 and len(self.columns[index].values) >= self.row_count


def infer_type(values: Iterable[Value]) -> ColumnType:
    """The type of a column from its values: a type counts only if every non-empty value fits it."""
    present = [value for value in values if value is not None and value != ""]
    if not present:
        return "text"
    if all(isinstance(value, bool) for value in present):
        return "boolean"
    if all(number(value) is not None for value in present):
        return "number"
    if all(isinstance(value, str) and _ISO_DATE.fullmatch(value) for value in present):
        return "date"
    return "text"


def holds_numbers(column: Column) -> bool:
    """True for a number column, and for a text column most of whose values read as numbers.

    Such columns come from spreadsheets with "n/a" or "-" in a few cells: comparing and summing still make sense.
    """
    if column.type in ("number", "boolean"):
        return column.type == "number"
    present = [value for value in column.values if value not in (None, "")]
    return column.type == "text" and bool(present) and sum(number(v) is not None for v in present) >= 0.6 * len(present)


def compare_dates_as_text(column: Column) -> bool:
    """True when the column's dates are ISO strings, which sort as text."""
    return all(isinstance(value, str) and _ISO_DATE.fullmatch(value) for value in column.values if value)
