"""The hostile input files are as hostile as they claim to be."""

import csv
import json
import runpy
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest

HOSTILE = runpy.run_path(str(Path(__file__).parents[1] / "data/make_hostile.py"))
CASES: dict[str, Any] = HOSTILE["CASES"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return HOSTILE["write_all"](tmp_path_factory.mktemp("hostile"))


def test_every_case_is_one_file_of_its_own_name(paths: dict[str, Path]) -> None:
    assert set(paths) == set(CASES)
    assert len(set(paths.values())) == len(CASES)
    assert all(path.is_file() for path in paths.values())


def test_every_checked_in_file_is_a_case() -> None:
    checked_in = {path.name for path in (Path(__file__).parents[1] / "data/hostile").iterdir()}
    assert checked_in == {case.name for case in CASES.values() if case.make is None}


@pytest.mark.parametrize("key", ["gbk", "utf-16", "latin-1", "mixed encodings"])
def test_other_encodings_are_not_utf_8(paths: dict[str, Path], key: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        paths[key].read_text("utf-8")


@pytest.mark.parametrize(
    ("key", "encoding"),
    [("gbk", "gbk"), ("utf-16", "utf-16"), ("latin-1", "latin-1"), ("byte order mark", "utf-8-sig")],
)
def test_in_its_own_encoding_a_file_is_a_table_with_the_stated_total(
    paths: dict[str, Path], key: str, encoding: str
) -> None:
    with paths[key].open(encoding=encoding, newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), sum(float(row["amount"]) for row in rows)) == (CASES[key].rows, CASES[key].total)


@pytest.mark.parametrize("key", [key for key, case in CASES.items() if "name" in key or key == "no suffix"])
def test_a_file_with_an_odd_name_has_good_content(paths: dict[str, Path], key: str) -> None:
    with paths[key].open(encoding="utf-8", newline="") as file:
        assert sum(float(row["amount"]) for row in csv.DictReader(file)) == CASES[key].total


@pytest.mark.parametrize(
    "key", ["empty headers", "quoted cells", "formula injection", "mixed dates", "prompt injection"]
)
def test_a_text_file_with_one_right_reading_has_the_stated_rows_and_total(paths: dict[str, Path], key: str) -> None:
    with paths[key].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (len(rows), sum(float(row["amount"]) for row in rows)) == (CASES[key].rows, CASES[key].total)


def test_broken_binaries_are_refused_by_their_own_libraries(paths: dict[str, Path]) -> None:
    for key in ("truncated workbook", "not a workbook"):
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(paths[key])
    for key in ("not a database", "truncated database"):
        connection = sqlite3.connect(paths[key])
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute("SELECT * FROM sqlite_master").fetchall()
        connection.close()
    with pytest.raises(RecursionError):
        json.loads(paths["deep json"].read_bytes())
    with pytest.raises(json.JSONDecodeError):
        json.loads(paths["truncated json"].read_bytes())
