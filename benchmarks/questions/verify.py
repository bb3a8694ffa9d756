"""Recompute every known answer of the questions by three means, and compare; then count the questions.

The means are those of `examples/verify.py`: the question's own SQL in SQLite, and `recompute.py` in pandas; besides, the
same SQL in DuckDB. The tables of a file are those of the file in `clean/` with the same stem, whatever its ending; where
there is none, those of the file itself. Questions about `made` files are over a table `files`: `name` without the folder,
`folder` ("" at the top), `suffix` in lower case with its point, `size` in bytes, `modified`, `text` (none where only the
size is given). A chart's values are x and y in turn, for a histogram x alone. An answer under `also` is recomputed where it
has `sql`, and by pandas where `recompute.py` has `ID.2` (`ID.3` for a third).

    python benchmarks/questions/verify.py [test/NAME | dev/NAME]...
"""

import collections
import importlib.util
import runpy
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
KINDS = (
    "lookup filter count sum average extreme top order group having distinct range date contains difference share join "
    "follow_up chart arithmetic units files recall"
).split()
WITHOUT_SQL = {"arithmetic", "units", "recall"}
FIELDS = {"id", "language", "kind", "before", "question", "files", "made", "sql", "answer"}
ANSWER_FIELDS = {"values", "ordered", "percent", "rivals", "spellings", "also", "chart", "sql"}
FILE_COLUMNS = ["name", "folder", "suffix", "size", "modified", "text"]


def _load(path: Path, name: str) -> ModuleType:
    """A script as a module; it is in no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


examples = _load(HERE.parents[1] / "examples/verify.py", "examples_verify")
grading = _load(HERE.parent / "grading.py", "grading")


def folders() -> list[Path]:
    return sorted(path.parent for part in ("test", "dev") for path in HERE.glob(f"{part}/*/questions.json"))


@cache
def clean(path: Path) -> Path:
    """The file to compute from: the tidy one, where there is one."""
    return next(iter(sorted((path.parent / "clean").glob(f"{path.stem}.*"))), path)


def files_rows(made: Sequence[dict[str, Any]]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    for file in made:
        path, text = PurePosixPath(file["name"]), file.get("text")
        size = file["size"] if text is None else len(text.encode())
        folder = "" if path.parent == PurePosixPath() else str(path.parent)
        rows.append([path.name, folder, path.suffix.lower(), size, file["modified"], text])
    return rows


# -- the means --------------------------------------------------------------------------------------------------------


def by_sqlite(folder: Path, question: dict[str, Any], sql: str) -> list[Any]:
    tables = [table for name in question["files"] for table in examples.tables_of(clean(folder / name))]
    if made := question.get("made"):
        tables = [("files", FILE_COLUMNS, files_rows(made))]
    return examples.query(tables, sql)


def frames_of(folder: Path, question: dict[str, Any]) -> dict[str, Any]:
    import pandas as pd

    if made := question.get("made"):
        return {"files": pd.DataFrame(files_rows(made), columns=FILE_COLUMNS)}
    frames: dict[str, Any] = {}
    for name in question["files"]:
        frames |= examples.frames_of(clean(folder / name))
    return frames


def by_duckdb(frames: dict[str, Any], sql: str) -> list[Any]:
    import duckdb

    with duckdb.connect() as connection:
        for table, frame in frames.items():
            connection.register(table, frame)
        found = [cell for row in connection.execute(sql).fetchall() for cell in row]
    return [float(cell) if type(cell).__name__ == "Decimal" else examples.storable(cell) for cell in found]


# -- comparing --------------------------------------------------------------------------------------------------------


def stored_cells(answer: dict[str, Any]) -> list[Any]:
    chart = answer.get("chart")
    if not chart:
        return answer["values"]
    if "y" not in chart:
        return chart["x"]
    return [cell for point in zip(chart["x"], chart["y"], strict=True) for cell in point]


def disagreements(folder: Path) -> Iterator[str]:
    """One sentence for each question whose answer does not hold."""
    recompute = runpy.run_path(str(folder / "recompute.py"))["ANSWERS"]
    for question in examples.questions(folder):
        name = question["id"]
        for problem in malformed(folder, question):
            yield f"{name}: {problem}"
        frames = frames_of(folder, question)
        answers = [question["answer"], *question["answer"].get("also", ())]
        for number, answer in enumerate(answers, 1):
            found: dict[str, list[Any]] = {}
            if sql := question.get("sql") if number == 1 else answer.get("sql"):
                found = {"SQLite": by_sqlite(folder, question, sql), "DuckDB": by_duckdb(frames, sql)}
            key = name if number == 1 else f"{name}.{number}"
            if key in recompute:
                found["pandas"] = examples.cells_of(recompute[key](frames))
            elif sql and number == 1:
                yield f"{name}: not in recompute.py"
            stored = stored_cells(answer)
            for means, cells in found.items():
                if not examples.same(stored, cells):
                    yield f"{key}: stored {stored}, {means} {cells}"


def malformed(folder: Path, question: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the form of a question."""
    kind, answer = question["kind"], question["answer"]
    if unknown := (set(question) - FIELDS) | (set(answer) - ANSWER_FIELDS):
        yield f"unknown fields {sorted(unknown)}"
    if kind not in KINDS or question["language"] not in ("en", "zh"):
        yield "no such kind or language"
    if not question["id"].startswith(f"{folder.name}-"):
        yield "its id does not begin with the folder's name"
    if ("sql" in question) == (kind in WITHOUT_SQL):
        yield "SQL is missing, or there for nothing"
    if (kind == "files") != ("made" in question) or (kind == "chart") != ("chart" in answer):
        yield "only `files` has `made`, only `chart` has `chart`"
    if bool(question.get("before")) != (kind in ("follow_up", "recall")):
        yield "`before` is for `follow_up` and `recall`"
    if missing := [name for name in question["files"] if not (folder / name).is_file()]:
        yield f"no files {missing}"
    for one in [answer, *answer.get("also", ())]:
        if not examples.same(one["values"], stored_cells(one)):
            yield "its values are not those of its chart"
        if not stored_cells(one) or (set(map(str, one.get("rivals", ()))) & set(map(str, one["values"]))):
            yield "no answer, or a rival of itself"
        if not grading.is_right(" is ".join(map(str, one["values"])), one):
            yield "the answer in plain words is not graded right"


def main(names: Sequence[str]) -> int:
    bad, counts, seen = 0, collections.Counter[tuple[str, str, str]](), collections.Counter[str]()
    for folder in [HERE / name for name in names] or folders():
        found, problems = examples.questions(folder), list(disagreements(folder))
        bad += len(problems)
        print(f"{folder.relative_to(HERE)}: {len(found)} questions, {len(problems)} problems")
        print("".join(f"  {problem}\n" for problem in problems), end="")
        counts.update((folder.parent.name, question["language"], question["kind"]) for question in found)
        seen.update(question["id"] for question in found)
    twice = [name for name, times in seen.items() if times > 1]
    if twice:
        print(f"ids of more than one question: {', '.join(twice)}")
    columns = sorted({(part, language) for part, language, _ in counts}, reverse=True)
    print(f"\n{'kind':<12}" + "".join(f"{f'{part} {language}':>9}" for part, language in columns))
    for kind in KINDS:
        print(f"{kind:<12}" + "".join(f"{counts[part, language, kind]:>9}" for part, language in columns))
    sums = [sum(counts[part, language, kind] for kind in KINDS) for part, language in columns]
    print(f"{'all':<12}" + "".join(f"{number:>9}" for number in sums))
    return 1 if bad or twice else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
