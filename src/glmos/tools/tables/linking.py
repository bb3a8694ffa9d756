"""`find`: where the words and numbers of a text occur as columns or values of the tables.

A question says "sales in the north in 2025"; the tables say `Region = 'North'`. Runs inside the sandbox.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from glmos.tools.tables.catalogue import Column, Table, quoted
from glmos.tools.tables.engine import Engine
from glmos.tools.tables.render import plain, show

MAX_VALUES = 2000
"""Distinct values given of one column."""
MAX_CHARACTERS = 400_000
"""Of all values given together."""
MAX_MATCHES = 40
_LONGEST = 120
_SIMILAR = 5
"""Values of one column that the same words may stand for."""

_NUMBER = re.compile(r"(?<![a-z0-9.,-])\d[\d,]*(?:\.\d+)?(?![a-z0-9-])")
_WORD = re.compile(r"[a-z0-9]+(?:[.'-][a-z0-9]+)*|[^\W\da-z_]+", re.IGNORECASE)


class Match(NamedTuple):
    words: str
    table: str
    column: str
    value: Any = None
    """None: the words name the column itself."""


def values_of(engine: Engine) -> dict[tuple[str, int], list[Any]]:
    """Distinct values of every column, the most frequent first, by (table, version) and column position."""
    result: dict[tuple[str, int], list[Any]] = {}
    budget = MAX_CHARACTERS
    for table in engine.catalogue.tables:
        for position, column in enumerate(table.columns):
            values = _distinct(engine, table, column) if budget > 0 else []
            budget -= sum(len(str(value)) + 3 for value in values)
            result[table.name, position] = values
    return result


def find(tables: Sequence[Table], values: dict[tuple[str, int], list[Any]], text: str) -> list[Match]:
    """Occurrences, longest first."""
    folded = fold(text)
    numbers = {number for word in _NUMBER.findall(folded) if (number := _number(word)) is not None}
    words = {word for word in _WORD.findall(folded) if len(word) > 2 or not word.isascii()}
    matches: list[Match] = []
    for table in tables:
        for position, column in enumerate(table.columns):
            if hit := _named(column.name, folded, words):
                matches.append(Match(hit, table.name, column.name))
            for value in values[table.name, position]:
                if hit := _valued(value, folded, words, numbers):
                    matches.append(Match(hit, table.name, column.name, value))
    kept: list[Match] = []
    similar: Counter[tuple[str, str, str]] = Counter()
    for match in dict.fromkeys(sorted(matches, key=lambda match: -len(match.words))):
        place = (match.words, match.table, match.column)
        similar[place] += match.value is not None
        if similar[place] <= _SIMILAR:
            kept.append(match)
    return kept


def describe(matches: Iterable[Match]) -> str:
    """One line per match."""
    lines = [
        f"{m.words!r} names the column {quoted(m.column)} of {m.table}"
        if m.value is None
        else f"{m.words!r} occurs in {m.table}.{quoted(m.column)} as {show(m.value)!r}"
        for m in matches
    ]
    shown = lines[:MAX_MATCHES]
    if len(lines) > MAX_MATCHES:
        shown.append(f"... and {len(lines) - MAX_MATCHES} more.")
    return "\n".join(shown) or "No word or number of the text occurs in the tables."


def fold(text: str) -> str:
    """For comparing: one width, one case, one kind of space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _distinct(engine: Engine, table: Table, column: Column) -> list[Any]:
    if column.type.startswith(("STRUCT", "MAP", "BLOB")) or column.type.endswith("]"):
        return []
    name = quoted(column.name)
    sql = f"SELECT {name} FROM {quoted(table.name)} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1"
    rows = engine.fetch(f"{sql} LIMIT {MAX_VALUES}")
    return [value for row in rows if len(str(value := plain(row[0]))) <= 2 * _LONGEST]


def _named(name: str, folded: str, words: set[str]) -> str:
    key = fold(re.sub(r"[_\-./]+|(?<=[a-z])(?=[A-Z])", " ", name))
    if key and _occurs(key, folded):
        return key
    stems = {_stem(word): word for word in words}
    own = [_stem(word) for word in _WORD.findall(key)]
    return " ".join(stems[word] for word in own) if own and all(word in stems for word in own) else ""


def _valued(value: Any, folded: str, words: set[str], numbers: set[float]) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, (int, float)):
        return show(value) if float(value) in numbers else ""
    key = fold(str(value))
    if not key or len(key) > _LONGEST:
        return ""
    if (len(key) > 1 or not key.isascii() or not key.isalnum()) and _occurs(key, folded):
        return key
    parts = {word for word in _WORD.findall(key) if len(word) > 3 or (len(word) > 1 and not word.isascii())}
    found = parts & words
    return max(found, key=len) if found else ""


def _occurs(key: str, folded: str) -> bool:
    """As whole words where the script has them."""
    if not key.isascii():
        return key in folded
    return re.search(rf"(?<![a-z0-9]){re.escape(key)}(?![a-z0-9])", folded) is not None


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 and not word.endswith("ss") else word


def _number(word: str) -> float | None:
    try:
        return float(word.replace(",", ""))
    except ValueError:
        return None
