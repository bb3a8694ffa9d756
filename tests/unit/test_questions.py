"""The questions about people's own files: their known answers hold by every means."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

QUESTIONS = Path(__file__).parents[2] / "benchmarks/questions"
FOLDERS = sorted(path.parent for part in ("test", "dev") for path in QUESTIONS.glob(f"{part}/*/questions.json"))


def test_every_known_answer_is_borne_out_by_sqlite_duckdb_and_pandas() -> None:
    done = subprocess.run([sys.executable, str(QUESTIONS / "verify.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("part", "files", "questions"), [("test", 30, 300), ("dev", 12, 120)])
def test_both_languages_have_half_of_the_questions(part: str, files: int, questions: int) -> None:
    found: list[dict[str, Any]] = []
    folders = [folder for folder in FOLDERS if folder.parent.name == part]
    for folder in folders:
        found += json.loads((folder / "questions.json").read_text("utf-8"))
    assert (len(folders), len(found)) == (files, questions)
    assert Counter(q["language"] for q in found) == {"en": questions // 2, "zh": questions // 2}


def test_goals_outside_the_range_name_files_that_are_there() -> None:
    goals: list[dict[str, Any]] = json.loads((QUESTIONS / "outside.json").read_text("utf-8"))
    assert len({goal["id"] for goal in goals}) == len(goals) >= 200
    missing = [name for goal in goals for name in goal["files"] if not (QUESTIONS / name).exists()]
    assert not missing
