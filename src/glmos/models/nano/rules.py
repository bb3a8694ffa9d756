"""A query from the links alone, without a model: the baseline every model must beat, and the fallback.

Values become conditions on the column that is named beside them; the column that is named and not
spent on a condition is what is asked for; `wording` says what to compute. Questions about groups
("which region had the highest sales", "total by month", "top 3") have patterns of their own in `groups`.
"""

import re
from typing import NamedTuple

from glmos.models.nano.grammar import fits, some_numbers
from glmos.models.nano.groups import grouped_query, tells_rows_apart
from glmos.models.nano.linker import ColumnLink, Links, counts_things
from glmos.models.nano.measures import ROW_WORDS, counts_rows, is_measure, names_of_rows, said_measure
from glmos.models.nano.periods import Period
from glmos.models.nano.query import Aggregate, Bucket, Condition, Query, Term
from glmos.models.nano.table import Table, holds_numbers
from glmos.models.nano.text import stem, words
from glmos.models.nano.wording import (
    EARLY,
    LATE,
    LEAST,
    MOST,
    aggregates,
    has_superlative,
    operator_at,
    spoken,
)

_ASKED_BY = {
    "who": "name player driver winner person director author writer coach candidate incumbent artist employee customer "
    "champion actor rider nominee",
    "when": "date year day time season aired",
    "where": "location venue city place country site stadium region",
    "谁": "姓名 名字 人 客户 员工",
    "哪里": "地点 城市 地区 国家",
}


_BUCKETS: tuple[Bucket, ...] = ("day", "month", "year")


class Rule(NamedTuple):
    """What the rules make of a question."""

    query: Query
    sure: bool
    """True when a pattern matched that is right far more often than not; then the model is not to be preferred."""
    score: float
    """Logarithm of a rough probability, comparable with the model's."""


class Spent(NamedTuple):
    """The conditions, and what of the question went into them."""

    conditions: tuple[Condition, ...]
    columns: tuple[ColumnLink, ...]
    """column names said for a condition"""
    limits: tuple[float, ...]
    """numbers that went into no condition, in order: a limit, perhaps"""


def read_by_rules(links: Links, table: Table) -> Rule | None:
    """The most plausible query, or None when nothing of the table is named."""
    spent = conditions(links, table)
    free = [c for c in links.columns if c not in spent.columns]
    made = grouped_query(links, table, spent.conditions, free, spent.limits)
    if made is not None:
        return Rule(made, True, -0.1)
    if not links.columns and not links.values:
        return Rule(_count_rows(table, ()), True, -0.4) if _asks_rows(links, table) else None
    if _asks_rows(links, table) and not any(c.whole and c.begin < 4 and not counts_rows(table, c.column) for c in free):
        return Rule(_count_rows(table, spent.conditions), True, -0.3)
    listed = _listed_rows(links, table, free, spent)
    if listed is not None:
        return Rule(listed, True, -0.4)
    if spent.conditions and not free and any(said.aggregate == "count" for said in aggregates(links)):
        return Rule(_count_rows(table, spent.conditions), False, -0.7)
    amount = said_measure(links, table, guess="how much" in spoken(links)) if not any(c.whole for c in free) else None
    if amount is not None and any(c.type == "date" for c in table.columns) and _asks_amount(links):
        return Rule(Query(table.name, (Term(amount, "sum"),), spent.conditions), True, -0.7)
    column = _asked(links, table, free, spent)
    if column is None:
        return None
    aggregate = _computed(links, table, column)
    numeric = is_measure(table, column)
    if (
        aggregate == "none"
        and numeric
        and any(isinstance(c.value, Period) for c in spent.conditions)
        and not _lists(links)
    ):
        aggregate = "sum"  # "what were the sales in March": of all rows, not a list of them
    if aggregate == "count" and not spent.conditions and not numeric and not table.is_key(column):
        aggregate = "distinct"  # "how many customers are there": each is meant once
    listed_once = (
        aggregate == "none"
        and not spent.conditions
        and table.columns[column].type == "text"
        and not table.is_key(column)
    )
    query = Query(table.name, (Term(column, aggregate),), spent.conditions, column if listed_once else None)
    named = any(c.column == column and c.whole for c in free)
    said = named or any(c.column == column for c in free)
    # Tables with a date column are records of what happened, where these readings hold; articles' tables are not.
    kept = any(c.type == "date" for c in table.columns)
    repeated = aggregate == "distinct" and said and table.row_count >= 2 * len(table.columns[column].values) > 0
    plain = (aggregate in ("sum", "avg", "max", "min") and named) or (aggregate == "distinct" and said)
    return Rule(query, (kept and plain) or repeated, -0.5 if named else -2.0)


def _count_rows(table: Table, where: tuple[Condition, ...]) -> Query:
    return Query(table.name, (Term(None, "count"),), where)


def conditions(links: Links, table: Table) -> Spent:
    """Every linked value as a condition on the column it most plausibly belongs to."""
    made: list[Condition] = []
    spent: list[ColumnLink] = []
    limits: list[float] = []
    asked_first = min((c.begin for c in links.columns if c.whole), default=-1)
    for place, value in enumerate(links.values):
        operator = operator_at(links, place)
        if value.number is not None and is_limit(links, place):
            limits.append(value.number)
            continue
        second = place and _between(links, place)
        if second and made and links.values[place - 1].number is not None and value.number is not None:
            last = made.pop()
            made += [Condition(last.column, ">=", last.value), Condition(last.column, "<=", value.number)]
            continue
        if second and made and value.period is not None:
            first = made[-1].value
            if isinstance(first, Period):
                made[-1] = Condition(made[-1].column, "=", Period(first.start, value.period.end))
                continue
        best: tuple[float, int, ColumnLink | None] | None = None
        for column in range(len(table.columns)):
            owned = any(column == c for c, _ in value.cells)
            if not fits(value, operator, column, table.columns[column], comparable=some_numbers(table.columns[column])):
                continue
            nearest = _nearest(links, value.begin, value.end, column)
            if (
                nearest is not None
                and not nearest.whole
                and operator not in ("=", "!=")
                and not is_measure(table, column)
            ):
                nearest = None  # "orders over 100" does not compare order_id
            if not owned and (value.kind == "free" or nearest is None) and operator in ("=", "!="):
                continue
            if nearest is None and not owned and not is_measure(table, column) and value.period is None:
                continue
            score = (2.0 if owned and operator in ("=", "!=") else 0.0) + (
                nearness(nearest, value.begin, value.end) if nearest else 0.0
            )
            if (
                nearest is not None
                and nearest.begin == asked_first
                and len(links.columns) > 1
                and nearest.end < value.begin - 2
            ):
                score -= 0.8
            if (
                nearest is None
                and operator not in ("=", "!=")
                and not is_measure(table, column)
                and value.period is None
            ):
                score -= 0.5
            score -= 0.01 * column
            if best is None or score > best[0]:
                best = score, column, nearest if nearest and nearness(nearest, value.begin, value.end) > 0.3 else None
        if best is None:
            if value.number is not None:
                limits.append(value.number)
            continue
        meant = value.period if value.period is not None else value.value_in(best[1])
        if (
            any(c.column == best[1] and c.operator == operator == "=" for c in made)
            and value.number is not None
            and best[2] is None
        ):
            continue
        made.append(Condition(best[1], operator, meant))
        if best[2] is not None:
            spent.append(best[2])
    return Spent(tuple(made), tuple(spent), tuple(limits))


def _between(links: Links, place: int) -> bool:
    one, two = links.values[place - 1], links.values[place]
    middle = spoken(links, one.end, two.begin)
    ahead = spoken(links, one.begin - 3, one.begin)
    return (middle in ("and", "to", "-") and ("between" in ahead or "from" in ahead)) or (
        middle in ("到", "至", "和") and "在" in ahead
    )


def is_limit(links: Links, place: int) -> bool:
    """True for the number in "top 3 products", "which 2 regions had the most", "the 5 largest orders"."""
    value = links.values[place]
    if value.number is None or not value.number.is_integer() or not 1 < value.number <= 100:
        return False
    ahead = {token.text for token in links.tokens[max(0, value.begin - 1) : value.begin]}
    behind = links.tokens[value.end].text if value.end < len(links.tokens) else ""
    named = any(c.begin == value.end for c in links.columns) or behind in MOST | LEAST
    if ahead & {"top", "bottom", "best", "worst", "前"} or counts_things(links.tokens, value.begin):
        return True
    return named and bool(ahead & {"which", "the", "what", "show", "list", "me", "are"}) and has_superlative(links)


def _nearest(links: Links, begin: int, end: int, column: int) -> ColumnLink | None:
    own = [c for c in links.columns if c.column == column]
    return max(own, key=lambda c: nearness(c, begin, end), default=None)


def nearness(column: ColumnLink, begin: int, end: int) -> float:
    """How strongly a column's name at its place claims a value: most just before it, some just behind."""
    gap = begin - column.end if column.end <= begin else column.begin - end
    ahead = column.end <= begin
    if gap < 0 or gap > 7:
        return 0.0
    strength = (1.6 if ahead else 1.1) - 0.18 * gap
    return max(0.0, strength if column.whole else 0.55 * strength)


def _asks_rows(links: Links, table: Table) -> bool:
    """ "how many orders ..." over a table called orders or keyed by order_id, "how many rows ...", "多少个订单"."""
    nouns = [noun for noun in names_of_rows(table) if not noun.isascii()]
    nouns = [noun for noun in nouns if all(noun != column.name for column in table.columns)]
    if re.search("多少|几[个条笔次天]", links.question) and any(noun in links.question for noun in nouns):
        return not any(column.whole and is_measure(table, column.column) for column in links.columns)
    text = spoken(links, 0, 8)
    if not any(text.find(words_) >= 0 for words_ in ("how many ", "number of ", "count ", "多少条", "多少行", "几条")):
        return False
    names = {stem(word) for word in words(table.name)} | ROW_WORDS
    names -= {stem(column.name.lower()) for i, column in enumerate(table.columns) if not counts_rows(table, i)}
    names |= {
        bucket
        for i, column in enumerate(table.columns)
        for bucket in _BUCKETS
        if column.type == "date" and tells_rows_apart(table, i, bucket)
    }
    following = [stem(token.text) for token in links.tokens[:7]]
    return any(word in names for word in following) or "多少条" in text or "多少行" in text or "几条" in text


def _asks_amount(links: Links) -> bool:
    """ "how much did we sell", "total revenue": a sum of something that is not called by its column's name."""
    return any(said.aggregate in ("sum", "count") for said in aggregates(links))


def _lists(links: Links) -> bool:
    return bool(links.tokens) and links.tokens[0].text in ("list", "show", "which", "find", "give")


def _listed_rows(links: Links, table: Table, free: list[ColumnLink], spent: Spent) -> Query | None:
    """ "list orders above 500": whole rows of a table called orders."""
    names = {stem(word) for word in words(table.name)} | ROW_WORDS
    named = any(stem(token.text) in names for token in links.tokens[1:4])
    if not (_lists(links) and named and spent.conditions) or any(c.whole for c in free):
        return None
    if links.tokens[0].text == "which" or aggregates(links):
        return None
    return Query(table.name, tuple(Term(i) for i in range(len(table.columns))), spent.conditions)


def _asked(links: Links, table: Table, free: list[ColumnLink], spent: Spent) -> int | None:
    used = {condition.column for condition in spent.conditions}
    whole = [c for c in free if c.whole]
    fresh = [c for c in whole if c.column not in used] or whole
    if fresh:
        return min(fresh, key=lambda c: c.begin).column
    part = [c for c in free if c.column not in used] or free
    for word, names in _ASKED_BY.items():
        if any(token.text == word for token in links.tokens[:6]) or (len(word) > 1 and word in links.question):
            fitting = [i for i, c in enumerate(table.columns) if i not in used and _named_like(c.name, names)]
            if fitting:
                said = [c.column for c in part if c.column in fitting]
                return (said or fitting)[0]
    if part:
        counts = {c.column: sum(other.column == c.column for other in part) for c in part}
        return max(part, key=lambda c: (counts[c.column], -c.begin)).column
    left = [i for i in range(len(table.columns)) if i not in used]
    return left[0] if left and used else None


def _named_like(name: str, names: str) -> bool:
    return any(stem(word) in names.split() for word in words(name)) or name in names.split()


def _computed(links: Links, table: Table, column: int) -> Aggregate:
    if table.columns[column].type == "date":
        early, late = ({token.text for token in links.tokens} & said for said in (EARLY, LATE))
        if early or late:
            return "min" if early else "max"
    numeric = holds_numbers(table.columns[column])
    for said in aggregates(links):
        if said.aggregate == "count":
            return "sum" if numeric and is_measure(table, column) else "count"
        if said.aggregate in ("sum", "avg") and not (
            numeric and (is_measure(table, column) or said.aggregate == "avg")
        ):
            continue
        if said.aggregate in ("max", "min") and not (numeric or table.columns[column].type == "date"):
            continue
        return said.aggregate
    return "none"
