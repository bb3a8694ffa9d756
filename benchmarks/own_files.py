"""Ask a model the questions of `questions/`, about people's own files, and count how it does.

    python benchmarks/own_files.py --set dev                   # the bundled model, 120 questions; failures may be read
    python benchmarks/own_files.py --set test --record         # 300 questions, figures only; also writes results/
    python benchmarks/own_files.py --set outside               # goals that are to be declined
    python benchmarks/own_files.py --set dev --model URL       # any other model, by the same rules

Each question is a process of its own in a system with a fresh, temporary home. Answers are graded by `grading.py`, charts by
the picture and the data beside it. An answer is *alone* when no other reading is shown with it; *sure* is what was answered
alone, and the share of it that is right is what a person may rely on.
"""

import argparse
import csv
import json
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import anyio
from examples import verdict
from grading import is_right
from msgspec import Struct
from provenance import commit

import glmos
from glmos.abi.errors import GlmosError

QUESTIONS = Path(__file__).parent / "questions"
RESULTS = Path(__file__).parent / "results"
ANOTHER = ("Another reading:", "另一种理解：")
"""How the bundled model begins a line with a reading that it does not prefer."""


class Outcome(Struct, frozen=True):
    """What became of one question."""

    id: str
    kind: str
    language: str
    right: bool
    answered: bool
    alone: bool
    status: str
    text: str
    seconds: float

    @property
    def verified(self) -> bool:
        return self.status == "done"


def load(part: str) -> list[tuple[Path, dict[str, Any]]]:
    """Questions with the folders of their files."""
    if part == "outside":
        goals = json.loads((QUESTIONS / "outside.json").read_text("utf-8"))
        return [(QUESTIONS, g | {"question": g["goal"], "kind": "outside", "answer": {"values": []}}) for g in goals]
    found: list[tuple[Path, dict[str, Any]]] = []
    for path in sorted(QUESTIONS.glob(f"{part}/*/questions.json")):
        found += [(path.parent, question) for question in json.loads(path.read_text("utf-8"))]
    return found


def files_of(folder: Path, question: Mapping[str, Any], place: Path) -> list[str]:
    """The files a question comes with; those that are only described are made in `place`."""
    given = [str(folder / name) for name in question["files"]]
    for file in question.get("made", ()):
        path = place / file["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if "text" in file:
            path.write_text(file["text"], "utf-8")
        else:
            with path.open("wb") as made:
                made.truncate(file["size"])
        changed = datetime.fromisoformat(file["modified"]).timestamp()
        os.utime(path, (changed, changed))
    return given + [str(path) for path in sorted(place.iterdir())]


async def ask(system: Any, folder: Path, question: Mapping[str, Any], *, model: str, limit: float) -> Outcome:
    """Run one question to its end, or for at most `limit` seconds."""
    status, text, made, seconds = "timeout", f"no report within {limit:g} seconds", tuple[str, ...](), 0.0
    with tempfile.TemporaryDirectory(prefix="glmos-files-") as place:
        try:
            with anyio.move_on_after(limit):
                files = files_of(folder, question, Path(place))
                report = await system.run(question["question"], files=files, model=model)
                status, text, made, seconds = (
                    report.status,
                    report.answer or report.reason,
                    report.files,
                    report.seconds,
                )
        except GlmosError as error:
            status, text = "error", str(error)
    alone = not any(mark in text for mark in ANOTHER)
    said = "\n".join(line for line in text.splitlines() if not line.startswith(ANOTHER))
    expected: Mapping[str, Any] = question["answer"]
    grades = [_grade(status, said, made, answer) for answer in (expected, *expected.get("also", ()))]
    return Outcome(
        question["id"], question["kind"], question["language"], "right" in grades,
        verdict(status, text, {"values": []}) != "declined", alone, status, text, seconds,
    )  # fmt: skip


def _grade(status: str, said: str, made: Sequence[str], answer: Mapping[str, Any]) -> str:
    if "chart" in answer and status in ("done", "unverified"):
        return "right" if shows(made, answer["chart"]) else "wrong"
    return verdict(status, said, dict(answer))


def shows(made: Sequence[str], chart: Mapping[str, Any]) -> bool:
    """Whether among the files made are a picture and a table with the data of the chart."""
    if not any(name.lower().endswith((".png", ".svg")) for name in made):
        return False
    wanted = (
        list(chart["x"]) if "y" not in chart else [x for pair in zip(chart["x"], chart["y"], strict=True) for x in pair]
    )
    for name in made:
        if name.lower().endswith(".csv"):
            with Path(name).open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file))[1:]
            cells = " | ".join(cell for row in rows for cell in row)
            if len(rows) == len(chart["x"]) and is_right(cells, {"values": wanted}):
                return True
    return False


async def ask_all(
    chosen: Sequence[tuple[Path, dict[str, Any]]], *, model: str, limit: float, quiet: bool
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="glmos-own-files-") as home:
        async with glmos.open(Path(home)) as system:
            for folder, question in chosen:
                outcome = await ask(system, folder, question, model=model, limit=limit)
                outcomes.append(outcome)
                if not quiet:
                    word = "right" if outcome.right else "wrong" if outcome.answered else "declined"
                    print(
                        f"{word:9} {outcome.kind:10} {outcome.id}: {' '.join(outcome.text.split())[:110]}", flush=True
                    )
    return outcomes


# -- the table --------------------------------------------------------------------------------------------------------


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _row(name: str, found: Sequence[Outcome]) -> str:
    sure = [o for o in found if o.answered and o.alone]
    right = sum(o.right for o in found)
    cells = [
        name, len(found), right, _share(right, len(found)), sum(o.answered for o in found), len(sure),
        _share(sum(o.right for o in sure), len(sure)), sum(o.answered and not o.right and o.verified for o in found),
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def summary(outcomes: Sequence[Outcome], title: str, command: str) -> str:
    """The result page, in Markdown."""
    lines = [
        f"# {title}, {date.today().isoformat()}", "",
        f"- Command: `{command}`",
        f"- Commit: {commit()}",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}",
        "",
        "| questions | asked | right | right of all | answered | answered alone | right of those alone | wrong, verified |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        _row("all", outcomes),
    ]  # fmt: skip
    for language in sorted({o.language for o in outcomes}):
        lines.append(_row(language, [o for o in outcomes if o.language == language]))
    for kind in sorted({o.kind for o in outcomes}):
        lines.append(_row(kind, [o for o in outcomes if o.kind == kind]))
    declined = sum(not o.answered for o in outcomes)
    return "\n".join([*lines, "", f"Declined: {declined} of {len(outcomes)} ({_share(declined, len(outcomes))})."])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("dev", "test", "outside"), default="dev", dest="part")
    parser.add_argument("--model", default="nano", help="as `glmos run -m` takes it (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="only the first N")
    parser.add_argument("--seconds", type=float, default=120.0, help="most for one question (default: %(default)s)")
    parser.add_argument("--record", action="store_true", help="also write results/own-files-SET-DATE.md")
    options = parser.parse_args()
    chosen = load(options.part)[: options.limit]
    quiet = options.part == "test"  # its failures are not to be read
    outcomes = anyio.run(lambda: ask_all(chosen, model=options.model, limit=options.seconds, quiet=quiet))
    command = f"python benchmarks/own_files.py --set {options.part} --model {options.model}"
    text = summary(outcomes, f"Questions about people's own files: {options.part}", command)
    print(text)
    if options.record:
        (RESULTS / f"own-files-{options.part}-{date.today().isoformat()}.md").write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
