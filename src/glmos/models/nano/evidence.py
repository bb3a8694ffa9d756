"""What speaks for and against a candidate query, as numbers.

How likely the model finds it and each of its parts, whether the rules say the same, what of the
question it leaves unused, whether its words and its operators agree, and what its result looks like.
`rank` weighs them; nothing here depends on which table or which words it is.
"""

from collections.abc import Callable, Hashable, Sequence
from math import exp, log
from typing import NamedTuple

from glmos.models.nano.linker import Links, ValueLink
from glmos.models.nano.outcome import Result, is_empty, outcome
from glmos.models.nano.query import Condition, Query, Term
from glmos.models.nano.reading import Candidate, Reading
from glmos.models.nano.rules import nearness, read_by_rules
from glmos.models.nano.scope import Expected, expected_answer
from glmos.models.nano.table import Table, holds_numbers
from glmos.models.nano.wording import aggregates, operator_at

FEATURES = (
    "behind", "first", "votes", "select votes", "aggregate votes", "where votes",
    "agreed", "rules select", "rules aggregate", "rules where", "from rules",
    "empty", "failed", "many rows", "counts one", "wrong kind",
    "unused values", "unused columns", "odd operators", "misplaced", "beside", "conditions",
    "selects named", "selects part", "selects tested", "selects later",
    "computes unsaid", "leaves computation", "computes", "counts numbers", "sums counted", "groups", "orders", "contains",
)  # fmt: skip


class _Case(NamedTuple):
    """One question with what all its candidates share."""

    links: Links
    table: Table
    rule: Query | None
    expected: Expected
    said: frozenset[str]
    """computations the question names"""


def describe(reading: Reading, results: Sequence[Result]) -> list[list[float]]:
    """The features of every candidate, in the order of `FEATURES`; `results` in the order of the candidates."""
    found = reading.candidates
    if not found:
        return []
    table, links = reading.tables[found[0].table], found[0].links
    rule = read_by_rules(links, table)
    said = frozenset(said.aggregate for said in aggregates(links))
    case = _Case(links, table, rule and rule.query, expected_answer(reading.question, links, table), said)
    top = max(c.score for c in found)
    shares = softmax([c.score for c in found])
    votes = [_votes(shares, [part(c.query) for c in found]) for part in _PARTS]
    by_result = _votes(shares, [outcome(result) for result in results])
    described: list[list[float]] = []
    for i, candidate in enumerate(found):
        likely = [
            max(candidate.score - top, -8.0),
            float(candidate.score == top),
            by_result[i],
            *(vote[i] for vote in votes),
        ]
        described.append(
            likely + _agreement(candidate, case) + _seen(candidate.query, results[i], case) + _usage(candidate.query, case)
            + _selection(candidate.query, case)
        )  # fmt: skip
    return described


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as probabilities."""
    top = max(scores, default=0.0)
    parts = [exp(score - top) for score in scores]
    return [part / sum(parts) for part in parts]


def _votes(shares: Sequence[float], parts: Sequence[Hashable]) -> list[float]:
    """For each candidate, the logarithm of the probability of all that share its part."""
    return [log(max(1e-3, sum(s for s, other in zip(shares, parts, strict=True) if other == mine))) for mine in parts]


def _shown(query: Query) -> Term:
    """What is asked for, leaving aside the group it is shown with."""
    grouped = query.group is not None and query.select[0] == Term(query.group)
    return query.select[-1] if grouped else query.select[0]


def _selected(query: Query) -> int | None:
    return _shown(query).column


def _computed(query: Query) -> str:
    return _shown(query).aggregate


def _tested(query: Query) -> frozenset[Condition]:
    return frozenset(query.where)


_PARTS: list[Callable[[Query], Hashable]] = [_selected, _computed, _tested]


def _agreement(candidate: Candidate, case: _Case) -> list[float]:
    """Whether the rules say the same, whole and in parts."""
    query, rule = candidate.query, case.rule
    if rule is None:
        return [0.0, 0.0, 0.0, 0.0, float(candidate.source == "rules")]
    same = [float(part(query) == part(rule)) for part in _PARTS]
    return [float(candidate.agreed), *same, float(candidate.source == "rules")]


def _seen(query: Query, result: Result, case: _Case) -> list[float]:
    """What the result looks like."""
    shown = _shown(query)
    rows = result if isinstance(result, Sequence) else ()
    number = shown.aggregate in ("count", "distinct", "sum", "avg") or _numeric(shown, case.table)
    wrong = (case.expected == "number" and not number) or (
        case.expected in ("text", "date") and shown.aggregate in ("count", "sum", "avg", "distinct")
    )
    counts_one = shown.aggregate == "count" and len(rows) == 1 and list(rows[0]) == [1]
    failed = isinstance(result, BaseException)
    return [float(is_empty(result)), float(failed), float(len(rows) > 1), float(counts_one), float(wrong)]


def _numeric(term: Term, table: Table) -> bool:
    return term.column is not None and holds_numbers(table.columns[term.column])


def _usage(query: Query, case: _Case) -> list[float]:
    """How well the conditions use the values and names that the question has."""
    links = case.links
    touched = {c.column for c in query.where} | {t.column for t in query.select}
    touched |= {query.group, query.order.column if query.order else None}
    values = [v for v in links.values if v.kind != "free"]
    unused = sum(not any(stands_for(v, c) for c in query.where) for v in values) - float((query.limit or 1) > 1)
    names = sum(c.column not in touched for c in links.columns if c.whole)
    odd = misplaced = beside = 0
    for condition in query.where:
        place = next((i for i, v in enumerate(links.values) if stands_for(v, condition)), None)
        if place is None:
            continue
        value = links.values[place]
        odd += operator_at(links, place) != condition.operator
        near = {c: _nearest(links, value, c) for c in {condition.column} | {column for column, _ in value.cells}}
        misplaced += near[condition.column] < max(near.values())
        beside += near[condition.column] > 0.8
    return [unused, names, odd, misplaced, beside, len(query.where)]


def _nearest(links: Links, value: ValueLink, column: int) -> float:
    return max((nearness(c, value.begin, value.end) for c in links.columns if c.column == column), default=0.0)


def stands_for(value: ValueLink, condition: Condition) -> bool:
    """True when the condition tests for this very value."""
    meant = value.period if value.period is not None else value.value_in(condition.column)
    return condition.value == meant


def _selection(query: Query, case: _Case) -> list[float]:
    """Whether what is asked for and computed was said."""
    shown, said = _shown(query), case.said
    whole = [c for c in case.links.columns if c.whole]
    tested = {c.column for c in query.where}
    mine = min((c.begin for c in whole if c.column == shown.column), default=None)
    earlier = sum(c.begin < mine and c.column not in tested for c in whole) if mine is not None else 0
    computes = shown.aggregate != "none"
    counted = "count" in said and "sum" not in said
    return [
        float(mine is not None),
        float(mine is None and any(c.column == shown.column for c in case.links.columns)),
        float(shown.column in tested),
        float(earlier),
        float(computes and shown.aggregate not in said),
        float(not computes and query.order is None and bool(said)),
        float(computes),
        float(shown.aggregate in ("count", "distinct") and _numeric(shown, case.table)),
        float(shown.aggregate == "sum" and counted),
        float(query.group is not None),
        float(query.order is not None),
        float(sum(c.operator == "contains" for c in query.where)),
    ]
