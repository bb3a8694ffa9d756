"""Training examples: a linked question, its answer, and what is varied each time it is seen.

Each time, the columns come in another order, some tags of the linker and some plain words are left out, and one
example in ten is a blank to fill instead: a few words are cut out and written back, GLM's own objective.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from glmos.models.nano.grammar import Grammar
from glmos.models.nano.linker import Links, index_table, link
from glmos.models.nano.pointer import EOS, SPECIAL, Prompt, Unwritable, prompt_for, write
from glmos.models.nano.query import Query
from glmos.models.nano.table import Table
from glmos.models.nano.training.invented import invent_table
from glmos.models.nano.training.templates import write_question
from glmos.models.nano.training.wikisql import Question, WebTable

DROP_TAG = 0.06
DROP_WORD = 0.04
FILL = 0.10

_SPECIAL = frozenset(SPECIAL)


class Problem(NamedTuple):
    """A question, linked, with the query that answers it."""

    table: Table
    links: Links
    query: Query


def human_problems(questions: list[Question], tables: dict[str, WebTable]) -> list[Problem]:
    """The questions whose answer the pointers can say and the grammar admits; the others are left out."""
    problems: list[Problem] = []
    indexes = {name: index_table(tables[name].table) for name in {question.table for question in questions}}
    for question in questions:
        problem = Problem(tables[question.table].table, link(question.text, indexes[question.table]), question.query)
        if _sayable(problem):
            problems.append(problem)
    return problems


def template_problems(tables: list[Table], random: Random) -> Iterator[Problem]:
    """Endless questions from patterns, two thirds of them over invented tables."""
    while True:
        table = invent_table(random) if random.random() < 0.67 else random.choice(tables)
        index = index_table(table)
        for _ in range(3):
            made = write_question(table, random)
            if made is None:
                continue
            problem = Problem(table, link(made[0], index), made[1])
            if _sayable(problem):
                yield problem


def _sayable(problem: Problem) -> bool:
    prompt = prompt_for(problem.links, problem.table)
    try:
        answer = write(problem.query, prompt)
    except Unwritable:
        return False
    return admits(Grammar(prompt), answer)


def admits(grammar: Grammar, answer: list[str]) -> bool:
    """True when every step of `answer` is one the grammar allows."""
    return all(piece in grammar.allowed(answer[:i]) for i, piece in enumerate(answer))


def vary(problem: Problem, random: Random) -> tuple[list[str], list[str]]:
    """What the model reads and what it must write, for one sight of `problem`."""
    links = problem.links._replace(columns=tuple(c for c in problem.links.columns if random.random() >= DROP_TAG))
    order = list(range(len(problem.table.columns)))
    random.shuffle(order)
    prompt = prompt_for(links, problem.table, order)
    if random.random() < FILL:
        return _blank(prompt, random)
    pieces = [p if p in _SPECIAL or random.random() >= DROP_WORD else "<unk>" for p in prompt.pieces]
    return pieces, write(problem.query, prompt)


def _blank(prompt: Prompt, random: Random) -> tuple[list[str], list[str]]:
    pieces = prompt.pieces
    begin = random.choice([i for i, piece in enumerate(pieces) if piece not in _SPECIAL])
    end = begin + 1
    while end < begin + 3 and pieces[end] not in _SPECIAL:
        end += 1
    return [*pieces[:begin], "<blank>", *pieces[end:-1], "<fill>"], [*pieces[begin:end], EOS]
