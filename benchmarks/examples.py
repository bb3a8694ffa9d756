"""Ask a model every question of `examples/`, and count how it does.

    python benchmarks/examples.py --model nano [--folder sales]... [--level 1] [--out benchmarks/results/examples-nano.json]

Each question is a process of its own in a system with a fresh, temporary home. An answer is *right* or *wrong* by
`grading.py`; it is *verified* when the process ended `done`; *declined* when it ended without an answer. What hurts is the
column `wrong, verified`: the system vouched for something false.
"""

import argparse
import json
import runpy
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import anyio
from grading import is_right
from msgspec import Struct, to_builtins

import glmos
from glmos.abi.errors import GlmosError

EXAMPLES = Path(__file__).parent.parent / "examples"
Verdict = Literal["right", "wrong", "declined"]
COLUMNS = ("right, verified", "right, unverified", "declined", "wrong, unverified", "wrong, verified")


class Outcome(Struct, frozen=True):
    """What became of one question."""

    id: str
    level: int
    folder: str
    verdict: Verdict
    status: str
    answer: str
    seconds: float
    """Wall-clock, from asking to the report."""
    reason: str = ""
    usd: float = 0.0

    @property
    def column(self) -> str:
        if self.verdict == "declined":
            return self.verdict
        return f"{self.verdict}, {'verified' if self.status == 'done' else 'unverified'}"


def verdict(status: str, answer: str, expected: dict[str, Any]) -> Verdict:
    """`done` and `unverified` are answers; whatever else a process came to is none, whatever text it left."""
    if status not in ("done", "unverified") or not answer.strip():
        return "declined"
    return "right" if is_right(answer, expected) else "wrong"


async def ask(system: Any, folder: Path, question: dict[str, Any], *, model: str, limit: float) -> Outcome:
    """Run one question to its end, or for at most `limit` seconds."""
    started = time.perf_counter()
    status, answer, reason, usd = "timeout", "", f"no report within {limit:g} seconds", 0.0
    try:
        with anyio.move_on_after(limit):
            files = [str(folder / name) for name in question["files"]]
            report = await system.run(question["question"], files=files, model=model)
            status, answer, reason, usd = report.status, report.answer, report.reason, report.cost.usd
    except GlmosError as error:
        status, reason = "error", str(error)
    seconds = time.perf_counter() - started
    grade = verdict(status, answer, question["answer"])
    return Outcome(question["id"], question["level"], folder.name, grade, status, answer, seconds, reason, usd)


def load(folders: Sequence[str], level: int | None) -> list[tuple[Path, dict[str, Any]]]:
    verify = runpy.run_path(str(EXAMPLES / "verify.py"))
    chosen = [EXAMPLES / name for name in folders] or verify["folders"]()
    return [(f, q) for f in chosen for q in verify["questions"](f) if level in (None, q["level"])]


async def ask_all(chosen: Sequence[tuple[Path, dict[str, Any]]], *, model: str, limit: float) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="glmos-examples-") as home:
        async with glmos.open(Path(home)) as system:
            for folder, question in chosen:
                outcome = await ask(system, folder, question, model=model, limit=limit)
                outcomes.append(outcome)
                shown = " ".join((outcome.answer or outcome.reason).split())
                print(f"{outcome.column:18} {outcome.seconds:7.2f} s  {outcome.id}: {shown[:110]}", flush=True)
    return outcomes


def summary(outcomes: Sequence[Outcome]) -> str:
    """A table: one line per folder and level, and their sum."""
    groups = sorted({(o.folder, o.level) for o in outcomes})
    lines: list[tuple[str, ...]] = [("folder", "level", "asked", *COLUMNS, "median s", "max s")]
    for folder, level in [*groups, ("all", 0)]:
        part = [o for o in outcomes if (o.folder, o.level) == (folder, level) or folder == "all"]
        counts = [str(sum(o.column == column for o in part)) for column in COLUMNS]
        seconds = [o.seconds for o in part]
        times = (f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}")
        lines.append((folder, str(level or ""), str(len(part)), *counts, *times))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano", help="as `glmos run -m` takes it")
    parser.add_argument("--folder", action="append", default=[], help="only this example; may be repeated")
    parser.add_argument("--level", type=int, choices=(1, 2), help="only questions of this level")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds a question may take")
    parser.add_argument("--out", type=Path, help="write every outcome to this JSON file")
    options = parser.parse_args()
    chosen = load(options.folder, options.level)
    if not chosen:
        parser.error("no question of that folder and level")
    outcomes = anyio.run(lambda: ask_all(chosen, model=options.model, limit=options.limit))
    print(f"\n{options.model}\n{summary(outcomes)}")
    if options.out:
        found = {"model": options.model, "outcomes": [to_builtins(o) for o in outcomes]}
        options.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
