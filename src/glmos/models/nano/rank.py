"""Choose among the candidates once their results are known.

A linear score over `evidence`, learned on training tables that the model never saw, ranks them. An empty
result counts against a candidate but does not rule it out: the true answer may be that there is nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp
from pathlib import Path

from glmos.models.nano.evidence import FEATURES, describe, softmax
from glmos.models.nano.outcome import Result, is_empty, outcome
from glmos.models.nano.reading import WEIGHTS, Reading

DOUBTFUL = 0.3
"""Below this confidence a reading is a guess, not an answer."""
CLOSE = 0.12
"""An alternative with another result is worth showing from this probability on."""


@dataclass(frozen=True)
class Choice:
    """Which candidate to believe."""

    index: int | None
    """Position among the candidates; None when there is none that ran."""
    confidence: float
    """Probability, 0 to 1, that its result is the right one; a candidate without rivals has that of its own score."""
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
    likely = softmax([scores[i] if i in ran else -50.0 for i in range(len(described))])
    for i in ran:
        if reading.candidates[i].sure and not is_empty(results[i]):
            likely = [0.15 * p for p in likely]
            likely[i] += 0.85
    outcomes = [outcome(result) for result in results]
    mass = [
        sum(p for p, other in zip(likely, outcomes, strict=False) if other == mine) for mine in outcomes[: len(likely)]
    ]
    best = max(ran, key=lambda i: (round(mass[i], 9), likely[i]))
    others: dict[str, int] = {}
    for i in sorted(ran, key=lambda i: (-round(mass[i], 9), -likely[i])):
        if outcomes[i] != outcomes[best] and mass[i] >= CLOSE:
            others.setdefault(outcomes[i], i)
    alone = exp(min(0.0, reading.candidates[best].score)) if len(reading.candidates) == 1 else 1.0
    return Choice(best, min(1.0, alone * mass[best]), tuple(others.values()))


@lru_cache(maxsize=2)
def load_chooser(folder: Path = WEIGHTS) -> tuple[float, ...]:
    """The learned weight of every feature; without a file, likelihood with a dislike of empty results."""
    path = folder / "chooser.json"
    weights: dict[str, float] = (
        json.loads(path.read_text(encoding="utf-8"))
        if path.exists()
        else {"behind": 1.0, "empty": -1.0, "failed": -9.0}
    )
    return tuple(weights.get(name, 0.0) for name in FEATURES)
