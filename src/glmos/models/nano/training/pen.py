"""One table and the words to ask about it: names, conditions, ranges and periods for `templates`."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from glmos.models.nano.periods import Period, months
from glmos.models.nano.query import Condition, Operator, Query, Term
from glmos.models.nano.table import Table, Value, holds_numbers
from glmos.models.nano.text import spell
from glmos.models.nano.training.invented import NAMES

T = TypeVar("T")

_MONTHS = "January February March April May June July August September October November December".split()


class Pen:
    """One table and the choices made while writing a question about it."""

    def __init__(self, table: Table, random: Random) -> None:
        self.table, self.random = table, random
        columns = range(len(table.columns))
        self.numbers = [i for i in columns if holds_numbers(table.columns[i]) and self.name(i) not in ("id", "year")]
        self.keys = [
            i for i in columns if table.is_key(i) and i not in self.numbers and table.columns[i].type == "text"
        ]
        self.groups = [
            i
            for i in columns
            if not table.is_key(i) and table.columns[i].type == "text" and len(table.columns[i].values) > 1
        ]
        self.dates = [i for i in columns if table.columns[i].type == "date"]

    def name(self, column: int) -> str:
        """The column's name as somebody would say it."""
        return self.table.columns[column].name.replace("_", " ").lower()

    def pick(self, options: list[T]) -> T:
        """One of the options."""
        return self.random.choice(options)

    def plural(self, column: int) -> str:
        """ "region" -> "regions"."""
        name = self.name(column)
        return name if name.endswith("s") else name[:-1] + "ies" if name.endswith("y") else name + "s"

    def rows(self) -> str:
        """What one calls the rows: "orders", "rows", "entries"."""
        return self.pick(
            [self.table.name, self.table.name, "rows", "entries", "records"]
            if self.table.name in NAMES
            else ["rows", "entries", "records"]
        )

    def query(self, *select: Term, where: list[Condition], **rest: object) -> Query:
        """A query over this pen's table."""
        return Query(self.table.name, select, tuple(where), **rest)  # type: ignore[arg-type]

    def conditions(self, *avoid: int, most: int = 2) -> tuple[str, list[Condition]]:
        """Words and tests to put behind a question; often none."""
        words, where = "", list[Condition]()
        for _ in range(self.pick([0, 0, 1, 1, 2][: 3 + most])):
            kinds: list[Callable[[], tuple[str, list[Condition]] | None]] = [
                self._equal,
                self._equal,
                self._compare,
                self._range,
                self._not,
                self._contains,
            ]
            made = self._period() if self.dates and self.random.random() < 0.6 else self.pick(kinds)()
            if made is None or any(c.column in avoid or any(c.column == d.column for d in where) for c in made[1]):
                continue
            words += (
                " "
                + (self.pick(["and ", "", "with "]) if where and made[0].split()[0] not in ("in", "for") else "")
                + made[0]
            )
            where += made[1]
        return words, where

    def _cell(self, column: int) -> Value:
        return self.pick(list(self.table.columns[column].values))

    def _equal(self) -> tuple[str, list[Condition]] | None:
        columns = self.groups or self.keys
        if not columns:
            return None
        column = self.pick(columns)
        value = self._cell(column)
        if not value:
            return None
        name, text = self.name(column), spell(value)
        ways = [
            f"for {text}",
            f"in {text}",
            f"where {name} is {text}",
            f"for {name} {text}",
            f"with {name} {text}",
            f"of {text}",
        ]
        return self.pick(ways), [Condition(column, "=", value)]

    def _not(self) -> tuple[str, list[Condition]] | None:
        made = self._equal() if self.groups else None
        if made is None:
            return None
        column, value = made[1][0].column, made[1][0].value
        text, name = spell(value), self.name(column)  # type: ignore[arg-type]
        ways = [
            f"where {name} is not {text}",
            f"excluding {text}",
            f"other than {text}",
            f"except {text}",
            f"not in {text}",
        ]
        return self.pick(ways), [Condition(column, "!=", value)]

    def _contains(self) -> tuple[str, list[Condition]] | None:
        columns = self.keys + self.groups
        if not columns:
            return None
        column = self.pick(columns)
        split = str(self._cell(column)).split()
        part = self.pick(split) if split else ""
        if len(part) < 3 or not part.isalpha():
            return None
        name = self.name(column)
        ways = [f'whose {name} contains "{part}"', f'with "{part}" in the {name}', f'where {name} includes "{part}"']
        return self.pick(ways), [Condition(column, "contains", part)]

    def _compare(self) -> tuple[str, list[Condition]] | None:
        if not self.numbers:
            return None
        column = self.pick(self.numbers)
        bound = _round(self._cell(column), self.random)
        if bound is None:
            return None
        name, text = self.name(column), spell(bound)
        ways: list[tuple[str, Operator]] = [
            (f"with {name} over {text}", ">"),
            (f"with {name} above {text}", ">"),
            (f"with more than {text} {name}", ">"),
            (f"over {text}", ">"),
            (f"where {name} is greater than {text}", ">"),
            (f"with {name} under {text}", "<"),
            (f"with {name} below {text}", "<"),
            (f"with fewer than {text} {name}", "<"),
            (f"where {name} is less than {text}", "<"),
            (f"with at least {text} {name}", ">="),
            (f"with {name} of {text} or more", ">="),
            (f"with at most {text} {name}", "<="),
            (f"where {name} is no more than {text}", "<="),
            (f"with {name} {text} or less", "<="),
        ]
        words, operator = self.pick(ways)
        if words.startswith("over") and len(self.numbers) > 1:
            return None
        return words, [Condition(column, operator, bound)]

    def _range(self) -> tuple[str, list[Condition]] | None:
        if not self.numbers:
            return None
        column = self.pick(self.numbers)
        low, high = _round(self._cell(column), self.random), _round(self._cell(column), self.random)
        if low is None or high is None or low >= high:
            return None
        name = self.name(column)
        ways = [
            f"with {name} between {spell(low)} and {spell(high)}",
            f"with {name} from {spell(low)} to {spell(high)}",
        ]
        return self.pick(ways), [Condition(column, ">=", low), Condition(column, "<=", high)]

    def _period(self) -> tuple[str, list[Condition]] | None:
        column = self.pick(self.dates)
        day = date.fromisoformat(str(self._cell(column)))
        quarter = (day.month + 2) // 3
        month = _MONTHS[day.month - 1]
        kinds: list[tuple[str, Period]] = [
            (str(day.year), months(day.year, 1, 12)),
            (str(day.year), months(day.year, 1, 12)),
            (f"{month} {day.year}", months(day.year, day.month, 1)),
            (f"{month[:3]} {day.year}", months(day.year, day.month, 1)),
            (f"Q{quarter} {day.year}", months(day.year, 3 * quarter - 2, 3)),
            (day.isoformat(), Period(day, day + timedelta(days=1))),
            (f"{month} {day.day}, {day.year}", Period(day, day + timedelta(days=1))),
        ]
        text, period = self.pick(kinds)
        ways: list[tuple[str, Operator]] = [
            ("in", "="),
            ("in", "="),
            ("during", "="),
            ("for", "="),
            ("since", ">="),
            ("before", "<"),
            ("after", ">"),
            ("from", "="),
            ("until", "<="),
        ]
        preposition, operator = self.pick(ways)
        if period.end - period.start == timedelta(days=1) and preposition in ("in", "during"):
            preposition = "on"
        return f"{preposition} {text}", [Condition(column, operator, period)]


def _round(value: Value, random: Random) -> float | None:
    if not isinstance(value, float):
        return None
    for digits in (1000, 100, 10, 5):
        if abs(value) > 3 * digits and random.random() < 0.6:
            return float(round(value / digits) * digits)
    return float(int(value))
