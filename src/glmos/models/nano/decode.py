"""Beam search over pointers: the most likely answers that the grammar admits.

Whatever comes out reads as a query that runs. Likelihood is taken over all pointers, allowed or not, so a
model that wanted something the table cannot give is seen to be unsure.
"""

from typing import NamedTuple

import numpy as np

from glmos.models.nano.grammar import Grammar
from glmos.models.nano.network import Network
from glmos.models.nano.pointer import EOS, SPECIAL, Prompt
from glmos.models.nano.tokenizer import Tokenizer

LONGEST_ANSWER = 24


class Answer(NamedTuple):
    """A grammatical answer and the natural logarithm of its probability."""

    pieces: list[str]
    score: float


def search(network: Network, tokenizer: Tokenizer, prompt: Prompt, *, beams: int) -> list[Answer]:
    """Up to `beams` different answers, most likely first; one beam is greedy decoding."""
    grammar = Grammar(prompt)
    output = network.embedding[: len(SPECIAL)]
    state, cache = network.read(tokenizer.encode(prompt.pieces))
    live, done = [Answer([], 0.0)], list[Answer]()
    for _ in range(LONGEST_ANSWER):
        scores = state @ output.T
        scores = scores - scores.max(1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(1, keepdims=True))
        grown: list[tuple[float, int, str]] = []
        for i, answer in enumerate(live):
            grown += [
                (answer.score + float(scores[i, tokenizer.number[piece]]), i, piece)
                for piece in grammar.allowed(answer.pieces)
            ]
        grown.sort(key=lambda choice: -choice[0])
        kept = grown[:beams]
        done += [Answer([*live[i].pieces, piece], score) for score, i, piece in kept if piece == EOS]
        kept = [choice for choice in kept if choice[2] != EOS]
        done.sort(key=lambda answer: -answer.score)
        if not kept or (len(done) >= beams and done[beams - 1].score >= kept[0][0]):
            break
        live = [Answer([*live[i].pieces, piece], score) for score, i, piece in kept]
        parents = np.array([i for _, i, _ in kept])
        state, cache = network.step(np.array([tokenizer.number[piece] for _, _, piece in kept]), cache.take(parents))
    return done[:beams]
