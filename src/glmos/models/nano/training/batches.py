# pyright: reportMissingImports=false, reportUnknownParameterType=false
# torch, transformers and tokenizers are an optional extra; without them their types are unknown.
"""Endless batches of examples of about equal length."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import torch

from glmos.models.nano.tokenizer import Tokenizer
from glmos.models.nano.training.examples import Problem, vary


class Batch(NamedTuple):
    """Examples padded on the right; row = prompt, then answer."""

    tokens: torch.Tensor
    """[rows, width] piece numbers, 0 behind the end"""
    prompt: torch.Tensor
    """[rows] tokens of each prompt"""
    total: torch.Tensor
    """[rows] tokens of prompt and answer together"""


def batches(
    human: list[Problem], templates: list[Problem], tokenizer: Tokenizer, random: Random, *, size: int, share: float
) -> Iterator[Batch]:
    """Batches of at most `size` tokens, padding included; `share` of the examples come from templates.

    Every human question is seen once before any is seen again.
    """
    while True:
        for problems in _chunks(random.sample(human, len(human)), 1024):
            mixed = problems + random.choices(templates, k=int(len(problems) * share / (1 - share)))
            rows = [tuple(tokenizer.encode(part) for part in vary(problem, random)) for problem in mixed]
            rows.sort(key=lambda row: len(row[0]) + len(row[1]))
            made = list(_cut(rows, size))
            random.shuffle(made)
            yield from (_pad(group) for group in made)


def _chunks(problems: list[Problem], size: int) -> Iterator[list[Problem]]:
    for begin in range(0, len(problems), size):
        yield problems[begin : begin + size]


def _cut(rows: list[tuple[list[int], ...]], size: int) -> Iterator[list[tuple[list[int], ...]]]:
    group: list[tuple[list[int], ...]] = []
    for row in rows:
        if group and (len(group) + 1) * (len(row[0]) + len(row[1])) > size:
            yield group
            group = []
        group.append(row)
    yield group


def _pad(rows: list[tuple[list[int], ...]]) -> Batch:
    lengths = [(len(prompt), len(prompt) + len(answer)) for prompt, answer in rows]
    width = max(total for _, total in lengths)
    tokens = torch.zeros(len(rows), width, dtype=torch.long)
    for i, (prompt, answer) in enumerate(rows):
        tokens[i, : lengths[i][1]] = torch.tensor(prompt + answer)
    return Batch(tokens, torch.tensor([p for p, _ in lengths]), torch.tensor([t for _, t in lengths]))
