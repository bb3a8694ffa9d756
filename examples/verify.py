"""Recompute every known answer of the example questions by two independent means, and compare.

The first means is the question's own SQL, run by SQLite over tables read with the standard library and openpyxl. The
second is pandas, over frames it reads itself, by the expressions in each folder's `recompute.py`. Where stored answer,
SQL and pandas do not all agree, the question is reported and the exit status is 1.

    python examples/verify.py [FOLDER]...
"""

import csv
import json
import math
import re
import runpy
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

NUMBER = re.compile(r"[-+]?\d+(\.\d+)?$")
MISSING = ("", "NA")

Frames = dict[str, Any]
"""Table name to pandas data frame. A file's table is named after the file, a workbook's or database's after itself."""
Recompute = Callable[[Frames], Any]
Table = tuple[str, Sequence[str], Sequence[Sequence[Any]]]


def folders() -> list[Path]:
    """The example data sets."""
    return sorted(path.parent for path in HERE.glob("*/questions.json"))


def questions(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "questions.json").read_text("utf-8"))


# -- first means: SQLite ----------------------------------------------------------------------------------------------


def _cell(text: str) -> str | int | float | None:
    if text in MISSING:
        return None
    number = NUMBER.match(text)
    if not number:
        return text
    return float(text) if number[1] else int(text)


@cache
def tables_of(path: Path) -> list[Table]:
    """The tables of a file, read without pandas."""
    return list(_read(path))


def _read(path: Path) -> Iterator[Table]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        yield path.stem, header, [[_cell(text) for text in row] for row in rows]
    elif path.suffix == ".json":
        records = json.loads(path.read_text("utf-8"))
        yield path.stem, list(records[0]), [list(record.values()) for record in records]
    elif path.suffix == ".xlsx":
        from openpyxl import load_workbook

        for sheet in load_workbook(path).worksheets:
            header, *rows = sheet.iter_rows(values_only=True)
            yield sheet.title, [str(name) for name in header], rows
    elif path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                cursor = connection.execute(f'SELECT * FROM "{name}"')
                yield name, [column[0] for column in cursor.description], cursor.fetchall()
    elif path.suffix == ".parquet":
        import duckdb

        found = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)])
        yield path.stem, [column[0] for column in found.description or ()], found.fetchall()
    else:
        raise ValueError(f"no reader for {path.name!r}: use .csv, .json, .xlsx, .db or .parquet")


def storable(value: Any) -> Any:
    """What SQLite can keep; dates as ISO text without a time of midnight."""
    if value is None or isinstance(value, str | int | float):
        return value
    return value.isoformat().removesuffix("T00:00:00")


def by_sqlite(folder: Path, question: dict[str, Any]) -> list[Any]:
    """The cells of the answer, row after row."""
    return query([table for name in question["files"] for table in tables_of(folder / name)], question["sql"])


def query(tables: Sequence[Table], sql: str) -> list[Any]:
    """The cells SQLite finds in the tables, row after row."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for table, header, rows in tables:
            columns = ", ".join(f'"{column}"' for column in header)
            connection.execute(f'CREATE TABLE "{table}" ({columns})')
            marks = ", ".join("?" * len(header))
            cells = [[storable(value) for value in row] for row in rows]
            connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', cells)
        return [cell for row in connection.execute(sql) for cell in row]


# -- second means: pandas ---------------------------------------------------------------------------------------------


@cache
def frames_of(path: Path) -> Frames:
    """The tables of a file, read by pandas."""
    import pandas as pd

    if path.suffix == ".csv":
        return {path.stem: pd.read_csv(path)}
    if path.suffix == ".json":
        return {path.stem: pd.DataFrame(json.loads(path.read_text("utf-8")))}
    if path.suffix == ".xlsx":
        return dict(pd.read_excel(path, sheet_name=None, engine="calamine"))
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            names = pd.read_sql("SELECT name FROM sqlite_master WHERE type = 'table'", connection)["name"]
            return {name: pd.read_sql(f'SELECT * FROM "{name}"', connection) for name in names}
    import duckdb

    return {path.stem: duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)]).df()}


def by_pandas(folder: Path, question: dict[str, Any]) -> list[Any]:
    """The cells of the answer, row after row, by the folder's `recompute.py`."""
    recompute: dict[str, Recompute] = runpy.run_path(str(folder / "recompute.py"))["ANSWERS"]
    frames: Frames = {}
    for name in question["files"]:
        frames |= frames_of(folder / name)
    return cells_of(recompute[question["id"]](frames))


def cells_of(found: Any) -> list[Any]:
    """A series is one row for each of its entries, by name; an index or list is itself; anything else is one cell."""
    import pandas as pd

    if isinstance(found, pd.Series):
        return [cell for pair in sorted(found.items()) for cell in pair]
    return list(found) if isinstance(found, list | pd.Index) else [found]


# -- comparing --------------------------------------------------------------------------------------------------------


def same(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """The same cells in the same order; numbers to six digits after the point."""
    return len(left) == len(right) and all(_same_cell(a, b) for a, b in zip(left, right, strict=True))


def _same_cell(left: Any, right: Any) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return str(left) == str(right)
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-6)


def disagreements(folder: Path) -> list[str]:
    """One sentence for each question whose answer does not hold."""
    problems: list[str] = []
    for question in questions(folder):
        stored, sqlite, pandas = question["answer"]["values"], by_sqlite(folder, question), by_pandas(folder, question)
        if not (same(stored, sqlite) and same(stored, pandas)):
            problems.append(f"{question['id']}: stored {stored}, SQLite {sqlite}, pandas {pandas}")
    return problems


def main(names: Sequence[str]) -> int:
    bad = 0
    for folder in [HERE / name for name in names] or folders():
        problems = disagreements(folder)
        bad += len(problems)
        print(f"{folder.name}: {len(questions(folder))} questions, {len(problems)} disagree")
        print("".join(f"  {problem}\n" for problem in problems), end="")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
