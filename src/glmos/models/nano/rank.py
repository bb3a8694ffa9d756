"""Choose among the candidates once their results are known.

Each candidate is described by a few numbers (`FEATURES`): how likely the model finds it, whether the rules agree,
what of the question it leaves unused, whether its result is empty or of the wrong kind, how much of
the probability leads to the same result. A linear score, learned on training tables that the model never
saw, chooses. So an empty result counts against a candidate, but does not rule it out: the true answer
may be that there is nothing.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from math import exp, log
from pathlib import Path
from typing import Any, NamedTuple

from glmos.models.nano.query import Term
from glmos.models.nano.reading import WEIGHTS, Candidate, Reading
from glmos.models.nano.scope import expected_answer
from glmos.models.nano.table import holds_numbers
from glmos.models.nano.wording import aggregates

Rows = Sequence[Sequence[Any]]
Result = Rows | BaseException | None
"""What running a candidate gave: its rows, the error, or None if it was not run."""

FEATURES = (
    "behind", "first", "votes", "empty", "agreed", "from rules", "unused values", "unused columns", "selects named", "selects part",
    "selects tested", "computes unsaid", "leaves computation", "counts numbers", "many rows", "wrong kind", "conditions", "failed",
)  # fmt: skip

CLOSE = 0.12
"""An alternative with another result is worth showing from this probability on."""


class Choice(NamedTuple):
    """Which candidate to believe."""

    index: int | None
    """Position among the candidates; None when there is none that ran."""
    confidence: float
    """Probability, 0 to 1, that its result is the right one."""
    alternatives: tuple[int, ...]
    """Candidates with another result that are nearly as likely, best first."""


def choose(reading: Reading, results: Sequence[Result], *, folder: Path = WEIGHTS) -> Choice:
    """The best candidate of `reading` given the results of running them, in their order."""
    ran = [i for i, result in enumerate(results[: len(reading.candidates)]) if not isinstance(result, BaseException)]
    if not ran:
        return Choice(None, 0.0, ())
    weights = load_chooser(folder)
    described = describe(reading, results)
    scores = [sum(w * x for w, x in zip(weights, row, strict=True)) for row in described]
    likely = _softmax([scores[i] if i in ran else -50.0 for i in range(len(described))])
    for i in ran:
        if reading.candidates[i].sure and not is_empty(results[i]):
            likely = [0.15 * p for p in likely]
            likely[i] += 0.85
    outcomes = [outcome(result) for result in results]
    mass = [sum(p for p, other in zip(likely, outcomes, strict=False) if other == mine) for mine in outcomes[: len(likely)]]
    best = max(ran, key=lambda i: likely[i])
    others: dict[str, int] = {}
    for i in sorted(ran, key=lambda i: -likely[i]):
        if outcomes[i] != outcomes[best] and mass[i] >= CLOSE:
            others.setdefault(outcomes[i], i)
    return Choice(best, min(1.0, mass[best]), tuple(others.values()))


def describe(reading: Reading, results: Sequence[Result]) -> list[list[float]]:
    """The features of every candidate, in the order of `FEATURES`."""
    found = reading.candidates
    top = max((c.score for c in found), default=0.0)
    outcomes = [outcome(result) for result in results]
    shares = _softmax([c.score for c in found])
    return [
        _features(reading, candidate, results[i], candidate.score - top, sum(s for s, o in zip(shares, outcomes, strict=False) if o == outcomes[i]))
        for i, candidate in enumerate(found)
    ]


def _features(reading: Reading, candidate: Candidate, result: Result, behind: float, votes: float) -> list[float]:
    query, links, table = candidate.query, candidate.links, reading.tables[candidate.table]
    shown = query.select[-1] if query.group is not None and query.select[0] == Term(query.group) else query.select[0]
    touched = {c.column for c in query.where} | {t.column for t in query.select} | {query.group, query.order and query.order.column}
    used = [c.value for c in query.where]
    values = [v for v in links.values if v.kind != "free"]
    unused = sum(not any(_stands_for(v, c.column, value) for c, value in zip(query.where, used, strict=True)) for v in values)
    whole = [c for c in links.columns if c.whole]
    named = shown.column in {c.column for c in whole}
    said = {s.aggregate for s in aggregates(links)}
    rows = result if isinstance(result, Sequence) else ()
    number_shown = shown.aggregate not in ("none", "min", "max") or (shown.column is not None and holds_numbers(table.columns[shown.column]))
    expected = expected_answer(reading.question)
    wrong = (expected == "number" and not number_shown) or (expected in ("text", "date") and shown.aggregate in ("count", "sum", "avg", "distinct"))
    numeric = shown.column is not None and holds_numbers(table.columns[shown.column])
    return [
        max(behind, -8.0), float(behind == 0.0), log(max(votes, 1e-3)), float(is_empty(result)), float(candidate.agreed),
        float(candidate.source == "rules"), unused - float((query.limit or 1) > 1), sum(c.column not in touched for c in whole), float(named),
        float(not named and shown.column in {c.column for c in links.columns}),
        float(shown.column in {c.column for c in query.where}), float(shown.aggregate != "none" and shown.aggregate not in said),
        float(shown.aggregate == "none" and query.order is None and bool(said)), float(shown.aggregate in ("count", "distinct") and numeric),
        float(len(rows) > 1), float(wrong), float(len(query.where)), float(isinstance(result, BaseException)),
    ]  # fmt: skip


def _stands_for(value: Any, column: int, meant: Any) -> bool:
    return meant in (value.period, value.number) or meant == value.value_in(column)


def is_empty(result: Result) -> bool:
    """No rows, only NULLs, or a count of nothing."""
    if result is None or isinstance(result, BaseException):
        return False
    return not result or all(cell is None for row in result for cell in row) or (len(result) == 1 and list(result[0]) == [0])


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


@lru_cache(maxsize=2)
def load_chooser(folder: Path = WEIGHTS) -> tuple[float, ...]:
    """The learned weight of every feature; without a file, likelihood with a dislike of empty results."""
    path = folder / "chooser.json"
    weights: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"behind": 1.0, "empty": -1.0, "failed": -9.0}
    return tuple(weights.get(name, 0.0) for name in FEATURES)


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores, default=0.0)
    parts = [exp(score - top) for score in scores]
    return [part / sum(parts) for part in parts]
