"""The example data sets, their known answers, and the rules by which answers are graded."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from glmos.abi.api import CostView, Report
from glmos.abi.errors import GlmosError, UsageError
from glmos.abi.ids import Pid

ROOT = Path(__file__).parents[2]


def load(path: Path, name: str) -> ModuleType:
    """A script as a module; it is in no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


verify = load(ROOT / "examples/verify.py", "examples_verify")
grading = load(ROOT / "benchmarks/grading.py", "grading")
benchmark = load(ROOT / "benchmarks/examples.py", "benchmarks_examples")
FOLDERS: list[Path] = verify.folders()
QUESTIONS = [pytest.param(f, q, id=q["id"]) for f in FOLDERS for q in verify.questions(f)]
FIELDS = {"id", "level", "question", "files", "answer", "sql"}
ANSWER_FIELDS = {"values", "ordered", "percent", "rivals", "spellings"}


def test_there_are_at_least_eight_questions_for_each_file() -> None:
    per_file: dict[Path, int] = {}
    for folder in FOLDERS:
        for question in verify.questions(folder):
            for name in question["files"]:
                per_file[folder / name] = per_file.get(folder / name, 0) + 1
    assert {path.suffix for path in per_file} == {".csv", ".xlsx", ".db", ".parquet", ".json"}
    assert min(per_file.values()) >= 8


def test_no_two_questions_share_an_id() -> None:
    ids = [question["id"] for folder in FOLDERS for question in verify.questions(folder)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("folder", "question"), QUESTIONS)
def test_a_question_is_well_formed_and_its_files_exist(folder: Path, question: dict[str, Any]) -> None:
    assert set(question) == FIELDS
    assert set(question["answer"]) <= ANSWER_FIELDS
    assert question["level"] in (1, 2)
    assert question["question"].strip().endswith(("?", "？"))
    assert question["answer"]["values"]
    assert set(question["answer"].get("spellings", {})) <= set(question["answer"]["values"])
    assert not set(question["answer"].get("rivals", ())) & set(question["answer"]["values"])
    for name in question["files"]:
        assert (folder / name).is_file()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_sqlite_and_pandas_both_give_the_stored_answers(folder: Path) -> None:
    assert verify.disagreements(folder) == []


@pytest.mark.parametrize(("folder", "question"), QUESTIONS)
def test_duckdb_takes_the_same_sql(folder: Path, question: dict[str, Any]) -> None:
    frames: dict[str, Any] = {}
    for name in question["files"]:
        frames |= verify.frames_of(folder / name)
    with duckdb.connect() as connection:
        for table, frame in frames.items():
            connection.register(table, frame)
        found = [cell for row in connection.execute(question["sql"]).fetchall() for cell in row]
    stored = question["answer"]["values"]
    assert verify.same(stored, [verify.storable(cell) if not isinstance(cell, str) else cell for cell in found])


def test_a_wrong_stored_answer_is_reported_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ROOT / "examples/crimea"
    for path in source.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "questions.json").read_text("utf-8")
    (tmp_path / "questions.json").write_text(text.replace("12640", "12641"), "utf-8")
    assert verify.main([str(tmp_path)]) == 1
    assert "crimea-total-disease" in capsys.readouterr().out


def test_every_folder_states_origin_and_licence() -> None:
    for folder in FOLDERS:
        text = (folder / "README.md").read_text("utf-8")
        assert re.search(r"CC0|CC BY|public domain|MIT", text), folder
        assert "Origin" in text or "Synthetic" in text, folder


def test_the_examples_stay_small() -> None:
    sizes = {path: path.stat().st_size for path in (ROOT / "examples").rglob("*") if "__pycache__" not in path.parts}
    assert max(sizes.values()) < 300_000
    assert sum(sizes.values()) < 1_500_000


def test_the_best_region_of_2025_is_not_the_best_of_all() -> None:
    answers = {q["id"]: q["answer"]["values"] for q in verify.questions(ROOT / "examples/sales")}
    assert answers["sales-top-region-2025"] != answers["sales-top-region-overall"]
    assert answers["sales-zh-top-region-2025"] != answers["sales-zh-top-region"]


WEST = {"values": ["West"], "rivals": ["North", "South", "East", "Central"]}
TOP = {"values": ["Espresso Beans 1kg", "Filter Beans 1kg"], "ordered": True}
PAIRS = {"values": ["Café", 14, "Hotel", 21]}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The WEST region, with sales of 37,972.65 (East: 20,404.05).", WEST),
        ("1. Espresso Beans 1kg\n2. filter beans 1kg", TOP),
        ("| Cafe | 14 |\n| Hotel | 21 |", PAIRS),
        ("ｃａｆé 14，hotel 21", PAIRS),
        ("Total: 117,916.75", {"values": [117916.75]}),
        ("about 117.9 thousand", {"values": [117916.75]}),
        ("约11.79万元", {"values": [117916.75]}),
        ("117\u202f916.75 dollars", {"values": [117916.75]}),
        ("**353.93** on average", {"values": [353.934956]}),
        ("That is 32.9%.", {"values": [32.852658], "percent": True}),
        ("a share of 0.3285", {"values": [32.852658], "percent": True}),
        ("共有480个订单。", {"values": [480]}),
        ("共480，其中茶叶187。", {"values": [480, 187]}),
        ("1.0 billion people", {"values": [1000281000]}),
        ("In 2014.", {"values": [2014]}),
        ("It was on August 11, 2014.", {"values": ["2014-08-11"]}),
        ("2014年8月11日", {"values": ["2014-08-11"]}),
        ("东湖区13件，西山区2件", {"values": ["东湖区", 13, "西山区", 2]}),
        ("华南地区的销售额最高", {"values": ["华南"], "rivals": ["华东"]}),
        ("2025-10 was the best", {"values": ["2025-10"], "spellings": {"2025-10": ["October"]}}),
        ("October was the best", {"values": ["2025-10"], "spellings": {"2025-10": ["October"]}}),
        ("152, 68, 124", {"values": [68]}),
        ("-3.5 degrees", {"values": [-3.5]}),
    ],
)
def test_an_answer_that_says_it_is_right_however_it_is_worded(text: str, answer: dict[str, Any]) -> None:
    assert grading.is_right(text, answer)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", WEST),
        ("East had the highest sales, West came second.", WEST),
        ("Westerly", WEST),
        ("Filter Beans 1kg, then Espresso Beans 1kg", TOP),
        ("Café 14", PAIRS),
        ("117,917.75", {"values": [117916.75]}),
        ("118,000", {"values": [117916.75]}),
        ("343", {"values": [344]}),
        ("1344", {"values": [344]}),
        ("3.44", {"values": [344]}),
        ("on 2025-03-12", {"values": [12]}),
        ("0.3", {"values": [0.345]}),
        ("32.9", {"values": [0.328527]}),
        ("3.5 degrees", {"values": [-3.5]}),
        ("I cannot tell.", {"values": [1]}),
    ],
)
def test_an_answer_that_says_something_else_is_wrong(text: str, answer: dict[str, Any]) -> None:
    assert not grading.is_right(text, answer)


@pytest.mark.parametrize(("folder", "question"), QUESTIONS)
def test_the_known_answer_in_plain_words_is_graded_right(folder: Path, question: dict[str, Any]) -> None:
    assert grading.is_right(" is ".join(map(str, question["answer"]["values"])), question["answer"])


class ScriptedSystem:
    """Answers every goal with one report, or with an error."""

    def __init__(self, found: Report | GlmosError) -> None:
        self.found = found
        self.asked: list[tuple[str, tuple[str, ...], str]] = []

    async def run(self, goal: str, *, files: list[str], model: str) -> Report:
        self.asked.append((goal, tuple(files), model))
        if isinstance(self.found, GlmosError):
            raise self.found
        return self.found


def report(status: str, answer: str) -> Report:
    return Report(Pid(1), status, answer, (), (), (), CostView(), 0.1, reason="because")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("found", "column"),
    [
        (report("done", "West, with 37,972.65"), "right, verified"),
        (report("unverified", "It was West."), "right, unverified"),
        (report("done", "East"), "wrong, verified"),
        (report("unverified", "East"), "wrong, unverified"),
        (report("failed", "West"), "declined"),
        (report("waiting", ""), "declined"),
        (report("done", " "), "declined"),
        (UsageError("no model is named 'nono'"), "declined"),
    ],
)
async def test_the_benchmark_counts_an_outcome_in_the_column_it_belongs_to(
    found: Report | GlmosError, column: str
) -> None:
    folder = ROOT / "examples/sales"
    system = ScriptedSystem(found)
    outcome = await benchmark.ask(system, folder, verify.questions(folder)[0], model="nano", limit=5)
    assert outcome.column == column
    assert system.asked == [("Which region had the highest sales in 2025?", (str(folder / "sales.csv"),), "nano")]
    header, line, total = benchmark.summary([outcome]).splitlines()
    assert column in header
    assert line.split()[:3] == ["sales", "1", "1"]
    assert total.split()[0] == "all"


def test_the_benchmark_asks_all_questions_unless_told_otherwise() -> None:
    assert len(benchmark.load([], None)) == len(QUESTIONS)
    assert {question["level"] for _, question in benchmark.load(["sales"], 2)} == {2}
