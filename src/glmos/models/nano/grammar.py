"""Which pointer may come next, so that every answer is a query that can run.

The rules know the schema and the values: sums only over numbers, a value only in a column that has it
or could, values in the order of the question and none twice. What they admit, `pointer.read` reads and the SQL of it runs.
"""

from collections.abc import Sequence

from glmos.models.nano.linker import ValueLink
from glmos.models.nano.measures import is_identifier
from glmos.models.nano.pointer import (
    AGGREGATES,
    ASC,
    BY,
    COLUMN_POINTERS,
    DESC,
    EOS,
    OPERATORS,
    ROWS,
    VALUE_POINTERS,
    Prompt,
)  # fmt: skip
from glmos.models.nano.query import Operator
from glmos.models.nano.table import Column
from glmos.models.nano.text import number

MOST_CONDITIONS = 4

_VALUE = frozenset(VALUE_POINTERS)
_COMPARISONS: tuple[Operator, ...] = (">", "<", ">=", "<=")


class Grammar:
    """What may follow what for one prompt. Pure: ask with the pointers written so far."""

    def __init__(self, prompt: Prompt) -> None:
        """Prepare for `prompt`: which operators and values each column takes."""
        self._prompt = prompt
        self._columns = [prompt.table.columns[i] for i in prompt.columns]
        self._indexed = list(zip(prompt.columns, self._columns, strict=True))
        self._numeric = [some_numbers(column) for column in self._columns]
        self._takes: dict[str, dict[str, list[str]]] = {}
        for i, column in enumerate(self._columns):
            by_operator = {
                f"<{operator}>": [
                    VALUE_POINTERS[j]
                    for j, value in enumerate(prompt.values)
                    if fits(value, operator, prompt.columns[i], column, comparable=self._numeric[i])
                ]
                for operator in OPERATORS
            }
            self._takes[COLUMN_POINTERS[i]] = {operator: values for operator, values in by_operator.items() if values}

    def allowed(self, answer: Sequence[str]) -> list[str]:
        """The pointers that may follow `answer`, which must itself be allowed. Empty after `<eos>`."""
        if not answer:
            return [f"<{a}>" for a in AGGREGATES if self._selectable(f"<{a}>")]
        if answer[-1] == EOS:
            return []
        order = next((i for i, piece in enumerate(answer) if piece in (DESC, ASC)), None)
        if order is not None:
            return self._in_order(answer, order)
        if len(answer) == 1:
            return self._selectable(answer[0])
        body = list(answer[2:])
        if body[:1] == [BY]:
            if len(body) == 1:
                return [pointer for pointer in COLUMN_POINTERS[: len(self._columns)] if pointer != answer[1]]
            body = body[2:]
        return self._in_conditions(body, answer)

    def _selectable(self, aggregate: str) -> list[str]:
        pointers = COLUMN_POINTERS[: len(self._columns)]
        if aggregate in ("<sum>", "<avg>"):
            summable = [c.type != "date" and not is_identifier(self._prompt.table, i) for i, c in self._indexed]
            return [p for p, numeric, fit in zip(pointers, self._numeric, summable, strict=True) if numeric and fit]
        return [*pointers, ROWS] if aggregate == "<count>" else list(pointers)

    def _in_conditions(self, body: list[str], answer: Sequence[str]) -> list[str]:
        last = max((VALUE_POINTERS.index(piece) for piece in body if piece in _VALUE), default=-1)
        later = frozenset(VALUE_POINTERS[last + 1 :])
        state = len(body) % 3
        if state == 1:
            takes = self._takes[body[-1]]
            return [operator for operator, values in takes.items() if not later.isdisjoint(values)]
        if state == 2:
            return [value for value in self._takes[body[-2]][body[-1]] if value in later]
        following = [EOS]
        if answer[0] == "<none>" or BY in answer:
            following += [DESC, ASC]
        if not body and BY not in answer and answer[0] != "<none>":
            following.append(BY)
        if len(body) // 3 < MOST_CONDITIONS:
            following += [
                c for c, takes in self._takes.items() if any(not later.isdisjoint(vs) for vs in takes.values())
            ]
        return following

    def _in_order(self, answer: Sequence[str], order: int) -> list[str]:
        after = len(answer) - order
        if after == 1:
            if BY in answer:
                return [answer[0]]  # groups are ordered by what is shown for them
            return [
                f"<{a}>" for a in AGGREGATES if any(p != answer[1] or a == "none" for p in self._selectable(f"<{a}>"))
            ]
        if after == 2:
            if BY in answer:
                return [answer[1]]
            selectable = self._selectable(answer[-1])
            return [p for p in selectable if p != answer[1]] if answer[-1] != "<none>" else selectable
        limits = [
            VALUE_POINTERS[i]
            for i, v in enumerate(self._prompt.values)
            if _is_limit(v) and VALUE_POINTERS[i] not in answer
        ]
        return [EOS, *limits] if after == 3 else [EOS]


def fits(value: ValueLink, operator: Operator, index: int, column: Column, *, comparable: bool) -> bool:
    """True when comparing `column` (number `index` of its table) with `value` makes sense."""
    if value.period is not None:
        return column.type == "date" and operator != "contains"
    if operator in _COMPARISONS:
        return comparable and value.number is not None
    if operator == "contains":
        return column.type == "text" and value.kind in ("free", "part", "cell")
    if any(index == c for c, _ in value.cells):
        return True
    if column.type == "number":
        return value.number is not None
    return column.type == "text" and (value.kind == "free" or (value.number is not None and comparable))


def some_numbers(column: Column) -> bool:
    """True when enough cells read as numbers for a comparison to mean something."""
    if column.type in ("number", "text"):
        present = [value for value in column.values if value not in (None, "")]
        return column.type == "number" or sum(number(v) is not None for v in present) * 4 > len(present)
    return False


def _is_limit(value: ValueLink) -> bool:
    return value.number is not None and value.number.is_integer() and 1 < value.number <= 1000
