"""How well the bundled nano model answers questions over tables it has never seen.

    python benchmarks/nano.py --data DIR [--limit N] [--no-write]

DIR holds `tables.jsonl` and `wikisql_dev.jsonl`. Every query is run on SQLite. A question is answered right
when the result equals the gold result; where the gold result is empty, only the gold query itself counts.
Four columns: the rules alone (the floor), the model's most likely grammatical query, the full pipeline
(five beams, rules, choice after execution), and whether any of its five candidates is right (the ceiling).
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy starts its threads: figures are for one thread

from provenance import commit  # noqa: E402

from glmos.models.nano.linker import index_table, link  # noqa: E402
from glmos.models.nano.rank import choose  # noqa: E402
from glmos.models.nano.reading import WEIGHTS, Model, load_model  # noqa: E402
from glmos.models.nano.rules import read_by_rules  # noqa: E402
from glmos.models.nano.training.asking import Asked, ask, database, is_right, run  # noqa: E402
from glmos.models.nano.training.wikisql import Question, WebTable, read_questions, read_tables  # noqa: E402

RESULTS = Path(__file__).parent / "results"


class Scored(NamedTuple):
    """One question: right or wrong by each way of answering, and the time the pipeline took."""

    question: Question
    gold_empty: bool
    rules: bool
    likeliest: bool
    pipeline: bool
    ceiling: bool
    confidence: float
    milliseconds: float
    """CPU time of linking, decoding and choosing, with running the candidates."""


def score(question: Question, table: WebTable, model: Model | None, weights: Path) -> Scored:
    """Answer one question every way."""
    begun = time.process_time()
    asked = ask(question, table, model, k=5)
    choice = choose(asked.reading, asked.results, folder=weights)
    spent = time.process_time() - begun
    right = choice.index is not None and asked.right[choice.index]
    greedy = ask(question, table, model, k=1) if model is not None else asked
    return Scored(
        question,
        asked.gold_empty,
        _rules(question, table),
        _likeliest(greedy),
        right,
        any(asked.right),
        choice.confidence,
        spent * 1000,
    )


def _rules(question: Question, table: WebTable) -> bool:
    rule = read_by_rules(link(question.text, index_table(table.table)), table.table)
    if rule is None:
        return False
    with database(table) as connection:
        return is_right(
            rule.query, run(connection, rule.query, table), question.query, run(connection, question.query, table)
        )


def _likeliest(asked: Asked) -> bool:
    """The model's own best query, whatever the rules say."""
    own = [right for right, c in zip(asked.right, asked.reading.candidates, strict=True) if c.source == "model"]
    return bool(own) and own[0]


KINDS: dict[str, Callable[[Scored], bool]] = {
    "all": lambda s: True,
    "gold not empty": lambda s: not s.gold_empty,
    "gold empty": lambda s: s.gold_empty,
    "at most one condition": lambda s: len(s.question.query.where) <= 1,
    "two or more conditions": lambda s: len(s.question.query.where) > 1,
    "no aggregate": lambda s: s.question.query.select[0].aggregate == "none",
    "aggregate": lambda s: s.question.query.select[0].aggregate != "none",
    "confidence >= 0.8": lambda s: s.confidence >= 0.8,
    "confidence < 0.5": lambda s: s.confidence < 0.5,
}


def _share(hits: list[bool]) -> str:
    if not hits:
        return "-"
    share = sum(hits) / len(hits)
    return f"{100 * share:.1f} ± {100 * (share * (1 - share) / len(hits)) ** 0.5:.1f}"


def report(scored: list[Scored], command: str) -> str:
    """The result page, in Markdown."""
    times = sorted(s.milliseconds for s in scored)
    lines = [
        f"# Nano model, {date.today().isoformat()}",
        "",
        f"- Command: `{command}`",
        f"- Commit: {commit()}",
        f"- Machine: {platform.machine()}, {os.cpu_count()} shared cores, one thread, Python {platform.python_version()}",
        f"- Questions: {len(scored)} of WikiSQL, over tables that no training question is about",
        "- Figures: percent right by execution ± standard error",
        "",
        "| questions | n | rules alone | model alone, constrained greedy | full pipeline | right one among 5 |",
        "|---|---|---|---|---|---|",
    ]
    for kind, belongs in KINDS.items():
        part = [s for s in scored if belongs(s)]
        ways = [
            [s.rules for s in part],
            [s.likeliest for s in part],
            [s.pipeline for s in part],
            [s.ceiling for s in part],
        ]
        lines.append(f"| {kind} | {len(part)} | {' | '.join(map(_share, ways))} |")
    lines += [
        "",
        f"CPU milliseconds per question (link, five beams, five executions, choice): median {statistics.median(times):.0f}, "
        f"p95 {times[int(0.95 * (len(times) - 1))]:.0f}.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and write its page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with tables.jsonl and wikisql_dev.jsonl")
    parser.add_argument("--limit", type=int, help="only the first N questions of a fixed shuffle")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="another weights folder")
    parser.add_argument("--no-write", action="store_true", help="print only")
    chosen = parser.parse_args()
    tables = read_tables(chosen.data)
    questions = read_questions(chosen.data, "dev", tables)
    if chosen.limit:
        from random import Random

        questions = Random(0).sample(questions, chosen.limit)
    model = load_model(chosen.weights)
    scored = [score(question, tables[question.table], model, chosen.weights) for question in questions]
    page = report(scored, "python benchmarks/nano.py --data DIR" + (f" --limit {chosen.limit}" if chosen.limit else ""))
    sys.stdout.write(page)
    if not chosen.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"nano-{date.today().isoformat()}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
