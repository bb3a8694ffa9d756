"""From a question and tables to candidate queries, best first: the whole nano pipeline up to execution.

link -> (model beams, rules) -> candidates        then the caller runs them        -> rank.choose
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from math import log
from pathlib import Path
from typing import Literal, NamedTuple

from glmos.models.nano.decode import search
from glmos.models.nano.linker import Links, TableIndex, index_table, link
from glmos.models.nano.network import Network
from glmos.models.nano.pointer import prompt_for, read
from glmos.models.nano.query import Query, to_sql
from glmos.models.nano.rules import read_by_rules
from glmos.models.nano.scope import why_not_in, why_outside
from glmos.models.nano.table import Table
from glmos.models.nano.text import is_chinese, stem, words
from glmos.models.nano.tokenizer import Tokenizer

WEIGHTS = Path(__file__).parent / "weights"


class Candidate(NamedTuple):
    """One way to read a question."""

    query: Query
    sql: str
    score: float
    """Natural logarithm of the probability the model gives it, or of a rough one of the rules."""
    source: Literal["model", "rules"]
    links: Links
    """Which words were linked to which columns and values, for an explanation."""
    agreed: bool = False
    """True when the model and the rules both say this."""
    sure: bool = False
    """True when it matches a pattern of the rules that is right far more often than not."""
    table: int = 0
    """Position of its table among those given."""


class Reading(NamedTuple):
    """The ways to read one question; none when it is out of range."""

    question: str
    candidates: tuple[Candidate, ...]
    """Best first."""
    in_range: bool
    reason: str
    """Why the question is out of range; empty when it is in range."""
    tables: tuple[Table, ...]


class Model(NamedTuple):
    """The loaded weights."""

    network: Network
    tokenizer: Tokenizer


@lru_cache(maxsize=2)
def load_model(folder: Path = WEIGHTS) -> Model | None:
    """The model in `folder`, read once; None when no weights are there (the rules then work alone)."""
    if not (folder / "nano.npz").exists():
        return None
    return Model(Network.load(folder / "nano.npz"), Tokenizer.load(folder / "tokenizer.json"))


def read_question(
    question: str, tables: Sequence[Table], *, k: int = 5, today: date | None = None, folder: Path = WEIGHTS
) -> Reading:
    """The up to `k` most likely queries for `question`, all over the one table it fits best.

    Relative dates ("last year") count from `today`, by default from the latest date in the table.
    """
    return read_with(load_model(folder), question, tables, k=k, today=today)


def read_with(
    model: Model | None, question: str, tables: Sequence[Table], *, k: int = 5, today: date | None = None
) -> Reading:
    """As `read_question`, with a model already at hand, or with None for the rules alone."""
    outside = why_outside(question, tables)
    if outside is not None or not tables:
        return Reading(question, (), False, outside or "there is no table", tuple(tables))
    linked = [(link(question, index, today=today), index) for index in map(index_table, tables)]
    best = max(range(len(tables)), key=lambda i: _covered(*linked[i]))
    links = linked[best][0]
    reason = why_not_in(links, tables[best])
    if reason is not None:
        return Reading(question, (), False, reason, tuple(tables))
    found = candidates(links, tables[best], model, k=k)
    found = [candidate._replace(table=best) for candidate in found]
    return Reading(
        question, tuple(found), bool(found), "" if found else "no query over its table was found", tuple(tables)
    )


def candidates(links: Links, table: Table, model: Model | None, *, k: int) -> list[Candidate]:
    """The model's beams and the rules' reading of one linked question, merged, best first.

    Rules come first where their pattern is surer than the model, and stand alone for Chinese, which the model never saw.
    """
    rule = read_by_rules(links, table)
    found: list[Candidate] = []
    if model is not None and not is_chinese(links.question):
        prompt = prompt_for(links, table)
        for answer in search(model.network, model.tokenizer, prompt, beams=k):
            query = read(answer.pieces, prompt)
            if all(other.query != query for other in found):
                found.append(Candidate(query, to_sql(query, table), answer.score, "model", links))
    if rule is None:
        return found
    same = next((i for i, candidate in enumerate(found) if candidate.query == rule.query), None)
    if same is not None:
        found[same] = found[same]._replace(agreed=True, sure=rule.sure)
    else:
        score = min([log(0.02), *(c.score for c in found[-1:])]) if found else rule.score
        found = [
            *found[: max(1, k - 1)],
            Candidate(rule.query, to_sql(rule.query, table), score, "rules", links, False, rule.sure),
        ]
    return sorted(found, key=lambda candidate: not candidate.sure)


def _covered(links: Links, index: TableIndex) -> float:
    """How much of the question the table explains."""
    whole = sum(c.end - c.begin for c in links.columns if c.whole)
    part = len({c.begin for c in links.columns if not c.whole})
    cells = sum(v.end - v.begin for v in links.values if v.kind in ("cell", "part"))
    named = any(token.text in index.table.name.lower() and len(token.text) > 3 for token in links.tokens)
    rows = any(stem(token.text) in {stem(word) for word in words(index.table.name)[-1:]} for token in links.tokens)
    return whole + 0.5 * part + cells + 0.5 * named + 0.25 * rows
