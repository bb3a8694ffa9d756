"""Learn the weights of `rank`: a listwise logistic regression on training tables the network never saw."""

import json
from pathlib import Path

import numpy as np

from glmos.models.nano.evidence import FEATURES, describe
from glmos.models.nano.reading import Model
from glmos.models.nano.training.asking import ask
from glmos.models.nano.training.wikisql import Question, WebTable

STEPS = 800
RATE = 0.05
SHRINK = 1e-3  # weight decay: features that hardly occur stay near zero


def learn_chooser(questions: list[Question], tables: dict[str, WebTable], model: Model, path: Path) -> None:
    """Write the weights that make the right candidates most likely, over the questions where some but not all are right."""
    lists: list[tuple[np.ndarray, np.ndarray]] = []
    for question in questions:
        asked = ask(question, tables[question.table], model, k=5)
        if any(asked.right) and not all(asked.right):
            lists.append((np.array(describe(asked.reading, asked.results)), np.array(asked.right)))
    width = max(len(right) for _, right in lists)
    rows = np.zeros((len(lists), width, len(FEATURES)))
    right = np.zeros((len(lists), width), bool)
    there = np.zeros((len(lists), width), bool)
    for i, (described, correct) in enumerate(lists):
        rows[i, : len(correct)], right[i, : len(correct)], there[i, : len(correct)] = described, correct, True
    weights, speed, size = np.zeros(len(FEATURES)), np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    weights[0] = 1.0
    for step in range(1, STEPS + 1):
        scores = np.where(there, rows @ weights, -1e9)
        likely = np.exp(scores - scores.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        wanted = likely * right
        wanted /= np.maximum(wanted.sum(1, keepdims=True), 1e-12)
        slope = ((likely - wanted)[..., None] * rows).sum(1).mean(0) + SHRINK * weights
        speed, size = 0.9 * speed + 0.1 * slope, 0.999 * size + 0.001 * slope**2
        weights -= RATE * (speed / (1 - 0.9**step)) / (np.sqrt(size / (1 - 0.999**step)) + 1e-8)
    path.write_text(
        json.dumps({name: round(float(w), 4) for name, w in zip(FEATURES, weights, strict=True)}, indent=1),
        encoding="utf-8",
    )
