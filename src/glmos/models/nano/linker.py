"""Which words of a question name a column, and which name a value: found by comparing, not by a model.

Most of the accuracy of the nano pipeline is made here. A `ValueLink` is one phrase of the question and
every cell it may stand for; a `ColumnLink` is one phrase and a column whose name it says, in full or in
part. The pointer format numbers these links and the model only chooses among them, so it can never
misspell a value.

Where a phrase is both a cell and the header of that same column (tables often repeat their header as a
row), it is read as the header.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from glmos.models.nano.periods import Period, find_periods
from glmos.models.nano.shortened import shortened_names
from glmos.models.nano.table import Table, Value
from glmos.models.nano.text import NUMBER_WORDS, STOP_WORDS, Token, key, number, spell, stem, tokens, words

LONGEST = 20  # tokens of a question that one cell may cover

COUNTERS = frozenset("个种名家位款类项天条")
MULTIPLES = {"k": 1e3, "thousand": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "万": 1e4, "亿": 1e8}

LinkKind = Literal["cell", "number", "period", "free", "part"]


_FILE_NAME = re.compile(r"[\w./\\-]*\w\.(?:csv|tsv|xlsx?|ods|parquet|jsonl?|db|sqlite|duckdb)\b", re.IGNORECASE)
"""A file's name says where to look, not what for: "sales.csv" does not name a column "sales"."""


class ValueLink(NamedTuple):
    """A phrase of the question that stands for a value."""

    begin: int
    """First token of the phrase."""
    end: int
    """One past its last token."""
    kind: LinkKind
    """cell: equals a cell; part: most of a cell; number; period: over date columns; free: a name no cell has."""
    text: str
    """The phrase as written."""
    cells: tuple[tuple[int, Value], ...]
    """(column, the value as it stands in that column) for every column that has it."""
    number: float | None = None
    period: Period | None = None

    def value_in(self, column: int) -> Value:
        """What to compare `column` with: its own cell if it has one, else the number or text as written."""
        for index, value in self.cells:
            if index == column:
                return value
        return self.number if self.number is not None else self.text


class ColumnLink(NamedTuple):
    """A phrase of the question that says a column's name."""

    begin: int
    end: int
    column: int
    whole: bool
    """False when only some words of a longer name are said."""


class Links(NamedTuple):
    """A question, its tokens, and everything in it that points into one table."""

    question: str
    tokens: tuple[Token, ...]
    columns: tuple[ColumnLink, ...]
    values: tuple[ValueLink, ...]


class TableIndex(NamedTuple):
    """The words of one table, ready to be looked up. Build once per table, in time linear in its values."""

    table: Table
    cells: dict[str, list[tuple[int, Value]]]
    """key of a cell -> where it stands"""
    parts: dict[str, list[tuple[int, Value, tuple[str, ...]]]]
    """word -> the cells of several words that contain it, with their words"""
    names: list[tuple[str, ...]]
    """stems of each column's name"""


def index_table(table: Table) -> TableIndex:
    """Prepare `table` for linking."""
    cells: dict[str, list[tuple[int, Value]]] = defaultdict(list)
    parts: dict[str, list[tuple[int, Value, tuple[str, ...]]]] = defaultdict(list)
    names = [tuple(stem(word) for word in words(column.name)) for column in table.columns]
    for index, column in enumerate(table.columns):
        for value in column.values:
            if value is None or value == "":
                continue
            text = str(value).lower() if isinstance(value, bool) else spell(value)
            split = words(text)
            found = "".join(split)
            if not found or found == key(column.name):
                continue
            if (index, value) not in cells[found]:
                cells[found].append((index, value))
            if column.type == "text" and 1 < len(split) <= 12:
                for word in set(split):
                    parts[word].append((index, value, split))
    return TableIndex(table, dict(cells), dict(parts), names)


def link(question: str, index: TableIndex, *, today: date | None = None) -> Links:
    """Find the columns and values that `question` names in one table.

    Relative dates count from `today`; without it, from the latest date in the table.
    """
    question = _FILE_NAME.sub(lambda match: " " * len(match.group()), question)
    found = tuple(tokens(question))
    taken = [False] * len(found)
    columns = _whole_columns(found, index)
    columns += [ColumnLink(*name, True) for name in shortened_names(found, index.names, columns)]
    values = _periods(question, found, index, today, taken)
    values += _cells(found, index, columns, taken)
    values += _parts(found, index, columns, taken)
    values += _numbers(question, found, columns, taken)
    values += _free(question, found, columns, taken)
    columns = [c for c in columns if not any(_inside(c, v) and v.kind != "free" for v in values)]
    columns += _partial_columns(found, index, columns, taken)
    return Links(question, found, tuple(sorted(columns)), tuple(sorted(values, key=lambda v: v.begin)))


def _spans(found: tuple[Token, ...], longest: int) -> list[tuple[int, int]]:
    """Phrases that begin and end on a word, longest first."""
    solid = [i for i, token in enumerate(found) if token.kind != "mark"]
    spans = [(i, j + 1) for i in solid for j in solid if i <= j < i + longest]
    return sorted(spans, key=lambda span: (span[0] - span[1], span[0]))


def _whole_columns(found: tuple[Token, ...], index: TableIndex) -> list[ColumnLink]:
    by_name: dict[str, list[int]] = defaultdict(list)
    for column, name in enumerate(index.names):
        by_name["".join(name)].append(column)
    taken = [False] * len(found)
    links: list[ColumnLink] = []
    for begin, end in _spans(found, max((len(name) for name in index.names), default=0) + 4):
        solid = [token for token in found[begin:end] if token.kind != "mark"]
        name = "".join(stem(token.text) for token in solid)
        if name not in by_name or any(taken[begin:end]) or (len(solid) == 1 and name in STOP_WORDS and len(name) < 3):
            continue
        taken[begin:end] = [True] * (end - begin)
        links += [ColumnLink(begin, end, column, True) for column in by_name[name]]
    return links


def _cells(
    found: tuple[Token, ...], index: TableIndex, columns: list[ColumnLink], taken: list[bool]
) -> list[ValueLink]:
    links: list[ValueLink] = []
    for begin, end in _spans(found, LONGEST):
        if any(taken[begin:end]):
            continue
        solid = [token for token in found[begin:end] if token.kind != "mark"]
        name = "".join(token.text for token in solid)
        cells = index.cells.get(name) or (index.cells.get(stem(name)) if len(solid) == 1 and len(name) > 4 else None)
        if not cells:
            continue
        if len(solid) == 1 and solid[0].kind == "word" and (name in STOP_WORDS or len(name) == 1):
            cells = [cell for cell in cells if _looks_quoted(found, begin, end) or _stands_by(cell[0], begin, columns)]
            if not cells:
                continue
        if any(c.begin <= begin and end <= c.end and (c.end - c.begin > end - begin) for c in columns):
            continue  # part of a longer column name: "2nd leg", "points for"
        amount = number(solid[0].text) if len(solid) == 1 else None
        if amount is not None:
            amount *= -1 if _is_negative(found, begin) else 1
            cells = [
                (column, value) for column, value in cells if not isinstance(value, int | float) or value == amount
            ]
            if not cells:
                continue
        if amount is not None and _multiple(found, end) != 1:
            continue  # "3 million" is not a 3
        text = " ".join(token.text for token in solid)
        taken[begin:end] = [True] * (end - begin)
        links.append(ValueLink(begin, end, "cell", text, tuple(cells), amount))
    return links


def _stands_by(column: int, place: int, columns: list[ColumnLink]) -> bool:
    """True when the column is named just before or after: "Grsecurity being no" reads "no" as a value."""
    return any(c.column == column and min(abs(place - c.end), abs(c.begin - place)) <= 2 for c in columns)


def _looks_quoted(found: tuple[Token, ...], begin: int, end: int) -> bool:
    return begin > 0 and end < len(found) and found[begin - 1].text in "\"'“‘「" and found[end].text in "\"'”’」"


def _parts(
    found: tuple[Token, ...], index: TableIndex, columns: list[ColumnLink], taken: list[bool]
) -> list[ValueLink]:
    """Phrases that are most of a cell: "Lakers" for no cell, but "terrence ross jr" for "Terrence Ross"."""
    said = {token.text: i for i, token in reversed(list(enumerate(found))) if not taken[i] and token.kind != "mark"}
    header_words = {i for c in columns for i in range(c.begin, c.end)}
    best: dict[tuple[int, int], tuple[float, list[tuple[int, Value]]]] = {}
    seen: set[tuple[int, Value]] = set()
    for word in said:
        if word in STOP_WORDS or len(word) < 3 or len(index.parts.get(word, ())) > 64:
            continue
        for column, value, split in index.parts.get(word, ()):
            if (column, value) in seen:
                continue
            seen.add((column, value))
            places = sorted(said[w] for w in set(split) if w in said and said[w] not in header_words)
            while places and found[places[0]].text in STOP_WORDS:
                places.pop(0)
            if not places or places[-1] - places[0] > len(split) + 2:
                continue
            covered = sum(len(found[i].text) for i in places) / sum(len(w) for w in set(split))
            spanned = len(places) / (places[-1] - places[0] + 1)
            if covered * spanned < 0.55 or any(taken[places[0] : places[-1] + 1]):
                continue
            score, cells = best.get((places[0], places[-1] + 1), (0.0, []))
            if covered * spanned > score + 1e-6:
                best[places[0], places[-1] + 1] = covered * spanned, [(column, value)]
            elif covered * spanned > score - 1e-6:
                cells.append((column, value))
    links: list[ValueLink] = []
    for (begin, end), (_, cells) in sorted(best.items(), key=lambda item: -item[1][0]):
        if any(taken[begin:end]) or len(cells) > 3:
            continue
        taken[begin:end] = [True] * (end - begin)
        links.append(ValueLink(begin, end, "part", " ".join(token.text for token in found[begin:end]), tuple(cells)))
    return links


def _numbers(question: str, found: tuple[Token, ...], columns: list[ColumnLink], taken: list[bool]) -> list[ValueLink]:
    links: list[ValueLink] = []
    for i, token in enumerate(found):
        amount = float(token.text) if token.kind == "number" else NUMBER_WORDS.get(token.text)
        if amount is None or taken[i] or any(c.begin <= i < c.end for c in columns):
            continue
        if token.text == "one" or (token.kind == "cjk" and not counts_things(found, i)):
            continue  # "one" is mostly a pronoun, and "一" part of a word but in "前三", "最高的三种"
        if token.kind == "number" and _is_negative(found, i):
            amount = -amount
        if token.kind == "number":
            amount *= _multiple(found, i + 1)
        taken[i] = True
        links.append(ValueLink(i, i + 1, "number", question[token.start : token.end], (), float(amount)))
    return links


def counts_things(found: Sequence[Token], place: int) -> bool:
    """True for the 三 of "前三", and of "三种" where something is said to be the most or least."""
    if place and found[place - 1].text == "前":
        return True
    behind = found[place + 1].text if place + 1 < len(found) else ""
    return behind in COUNTERS and any(token.text == "最" for token in found[:place]) and found[place].text != "一"


def _is_negative(found: tuple[Token, ...], place: int) -> bool:
    """True for the 9 of "par of -9", not for that of "3-9" or "3 - 9"."""
    if not place or found[place - 1].text not in ("-", "−") or found[place - 1].end < found[place].start:
        return False
    return place < 2 or found[place - 2].end < found[place - 1].start


def _multiple(found: tuple[Token, ...], place: int) -> float:
    """What the token behind a number multiplies it by; "3k" is 3000, but "200 m" are metres."""
    if place >= len(found) or (len(found[place].text) == 1 and found[place].start > found[place - 1].end):
        return 1
    return MULTIPLES.get(found[place].text, 1)


def _free(question: str, found: tuple[Token, ...], columns: list[ColumnLink], taken: list[bool]) -> list[ValueLink]:
    """Names that no cell has: in quotes, or several capitalised words. They can be searched for all the same."""
    links: list[ValueLink] = []
    blocked = list(taken)
    for c in columns:
        blocked[c.begin : c.end] = [True] * (c.end - c.begin)
    i = 0
    while i < len(found):
        j = i
        if found[i].text in '"“「' and not blocked[i]:
            j = next((k for k in range(i + 1, len(found)) if found[k].text in '"”」'), i)
            if j > i + 1 and not any(taken[i:j]):
                links.append(_free_link(question, found, i + 1, j))
            i = max(j, i) + 1
            continue
        while (
            j < len(found)
            and j > 0
            and not blocked[j]
            and found[j].kind == "word"
            and question[found[j].start].isupper()
        ):
            j += 1
        if j > i and not (j == i + 1 and found[i].text in STOP_WORDS):
            links.append(_free_link(question, found, i, j))
        i = max(j, i + 1)
    for made in links:
        taken[made.begin : made.end] = [True] * (made.end - made.begin)
    return links


def _free_link(question: str, found: tuple[Token, ...], begin: int, end: int) -> ValueLink:
    return ValueLink(begin, end, "free", question[found[begin].start : found[end - 1].end], ())


def _periods(
    question: str, found: tuple[Token, ...], index: TableIndex, today: date | None, taken: list[bool]
) -> list[ValueLink]:
    dated = [i for i, column in enumerate(index.table.columns) if column.type == "date"]
    if not dated:
        return []
    days = [str(v)[:10] for i in dated for v in index.table.columns[i].values if v]
    first, latest = min(days, default="")[:4], max(days, default="")
    if today is None:
        today = _day(latest)
    links: list[ValueLink] = []
    for period, begin, end in find_periods(question, today):
        inside = [i for i, token in enumerate(found) if begin <= token.start and token.end <= end]
        if period.start.year < 1900 and not first <= str(period.start.year) <= latest[:4]:
            continue  # 1,600 is a year only where the table has such years
        if not inside or any(taken[inside[0] : inside[-1] + 1]):
            continue
        taken[inside[0] : inside[-1] + 1] = [True] * len(inside)
        cells = tuple((i, None) for i in dated)
        links.append(ValueLink(inside[0], inside[-1] + 1, "period", question[begin:end], cells, None, period))
    return links


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if len(text) == 10 else text[:7] + "-01")
    except ValueError:
        return date(2000, 1, 1)


def _partial_columns(
    found: tuple[Token, ...], index: TableIndex, columns: list[ColumnLink], taken: list[bool]
) -> list[ColumnLink]:
    said = {i for c in columns for i in range(c.begin, c.end)}
    links: list[ColumnLink] = []
    for i, token in enumerate(found):
        if i in said or taken[i] or token.kind in ("mark", "number") or token.text in STOP_WORDS:
            continue
        hits = [c for c, name in enumerate(index.names) if _says_part(token, name)]
        if token.kind == "cjk":  # one character proves little: ask for two in a row
            following = found[i + 1].text if i + 1 < len(found) else ""
            hits = [c for c in hits if token.text + following in "".join(index.names[c]) and following]
        if len(hits) <= 4:
            links += [ColumnLink(i, i + 1, column, False) for column in hits]
    return links


def _says_part(token: Token, name: tuple[str, ...]) -> bool:
    said = stem(token.text)
    return any(said == part or (len(said) > 3 and len(part) > 3 and _akin(said, part)) for part in name)


def _akin(one: str, other: str) -> bool:
    """Same word but for its ending: "directed"/"director", "nation"/"nationality"."""
    shared = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        shared += 1
    return shared >= 4 and shared >= 0.6 * max(len(one), len(other)) and min(len(one), len(other)) - shared <= 3


def _inside(column: ColumnLink, value: ValueLink) -> bool:
    return (
        value.begin <= column.begin
        and column.end <= value.end
        and (value.end - value.begin) > (column.end - column.begin)
    )
