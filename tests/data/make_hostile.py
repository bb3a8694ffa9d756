"""Input files that go wrong in practice, for tests of everything that reads a file a person gives.

The ones that are plain text lie in `hostile/`; those that a checkout, an editor or a file system could spoil (other
encodings, NUL bytes, odd names, broken binaries) are made here. A test gets them all in one folder:

    hostile = runpy.run_path("tests/data/make_hostile.py")
    paths = hostile["write_all"](tmp_path)            # key -> path
    cases = hostile["CASES"]                          # key -> what is wrong with it and what is known of it

`total` of a case is the sum of its `amount` column (`Betrag` in German): whoever reads the file must get that, or refuse
with one sentence. A case without a total has no right reading; it must not crash, hang or be invented around.

    python tests/data/make_hostile.py FOLDER
"""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TABLE = "region,product,amount\nNorth,café,10\nSouth,crème brûlée,20\nWest,kettle,30\n"
CHINESE = "地区,产品,amount\n华北,龙井茶,10\n华南,普洱茶,20\n华东,紫砂壶,30\n"
ONE_LINE_BYTES = 1 << 20
DEPTH = 100_000


class Case(NamedTuple):
    """One hostile file."""

    name: str
    trouble: str
    """What is wrong with it, for the person whose test failed."""
    make: Callable[[], bytes] | None = None
    """Its bytes; None when it lies in `hostile/`."""
    rows: int | None = None
    total: float | None = None
    """Sum of the amounts, where there is one right reading."""


def _workbook() -> bytes:
    """A good workbook, to be spoilt."""
    from openpyxl import Workbook

    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for line in TABLE.splitlines():
        sheet.append(line.split(","))
    for number in range(500):
        sheet.append([f"row {number}", "filler", number])
    book.save(file)
    return file.getvalue()


def _wide() -> bytes:
    columns = [f"column {number}" for number in range(3000)]
    return (",".join(["amount", *columns]) + "\n" + ",".join(["60", *("1" for _ in columns)]) + "\n").encode()


def _good() -> bytes:
    return TABLE.encode()


CASES: dict[str, Case] = {
    # as they lie in hostile/
    "empty": Case("empty.csv", "has no bytes at all"),
    "header only": Case("header-only.csv", "has a header and no rows", rows=0, total=0),
    "ragged": Case("ragged.csv", "has rows that are too short, too long and empty"),
    "duplicate headers": Case("duplicate-headers.csv", "has three columns called amount and two called region", rows=3),
    "empty headers": Case("empty-headers.csv", "has two columns without a name", rows=3, total=60),
    "quoted cells": Case("quoted-cells.csv", "has quotes, commas and newlines in cells", rows=3, total=60),
    "formula injection": Case("formula-injection.csv", "has cells a spreadsheet would execute", rows=5, total=150),
    "decimal commas": Case("semicolon-decimal-comma.csv", "has semicolons and decimal commas", rows=3, total=1249),
    "tabs": Case("tabs.csv", "is separated by tabs, whatever its name says", rows=3, total=60),
    "thousands": Case("thousands.csv", "groups digits by commas and has currency signs", rows=3, total=2236567),
    "mixed dates": Case("mixed-dates.csv", "writes dates in seven ways, one of them ambiguous", rows=8, total=360),
    "prompt injection": Case("prompt-injection.csv", "has cells that give orders to a model", rows=5, total=80),
    "unclosed quote": Case("unclosed-quote.csv", "has a quote that never ends"),
    # encodings
    "byte order mark": Case("bom.csv", "begins with a byte order mark", lambda: TABLE.encode("utf-8-sig"), 3, 60),
    "gbk": Case("gbk.csv", "is encoded in GBK", lambda: CHINESE.encode("gbk"), 3, 60),
    "utf-16": Case("utf16.csv", "is encoded in UTF-16", lambda: CHINESE.encode("utf-16"), 3, 60),
    "latin-1": Case("latin1.csv", "is encoded in Latin-1", lambda: TABLE.encode("latin-1"), 3, 60),
    "mixed encodings": Case("mixed.csv", "changes its encoding midway", lambda: _good() + CHINESE.encode("gbk")),
    "nul bytes": Case("nul.csv", "has NUL bytes in it", lambda: TABLE.replace("café", "ca\0fé").encode()),
    "only nul bytes": Case("zeros.csv", "is nothing but NUL bytes", lambda: bytes(4096)),
    # shapes
    "one line": Case("one-line.csv", "is a single line of a megabyte", lambda: b"x" * ONE_LINE_BYTES),
    "wide": Case("wide.csv", "has 3,001 columns", _wide, 1, 60),
    "carriage returns": Case("cr.csv", "ends its lines as old Macs did", lambda: _good().replace(b"\n", b"\r")),
    "no last newline": Case("no-newline.csv", "does not end its last line", lambda: _good().rstrip(b"\n"), 3, 60),
    # broken formats
    "truncated workbook": Case("truncated.xlsx", "is a workbook without its end", lambda: _workbook()[:-3000]),
    "not a workbook": Case("page.xlsx", "is a web page called a workbook", lambda: b"<html><td>60</td></html>"),
    "not a database": Case("not-a-database.sqlite", "is text called a database", lambda: b"SQLite? No.\n" * 200),
    "truncated database": Case("torn.db", "is a database's header only", lambda: b"SQLite format 3\0" + bytes(84)),
    "truncated parquet": Case("torn.parquet", "is a Parquet file's first bytes only", lambda: b"PAR1\x15\x04\x15"),
    "deep json": Case("deep.json", "nests 100,000 lists", lambda: b"[" * DEPTH + b"]" * DEPTH),
    "truncated json": Case("torn.json", "stops in the middle", lambda: json.dumps([{"amount": 60}] * 9).encode()[:-5]),
    "odd json": Case("numbers.json", "is a list of numbers, no table", lambda: b"[1, 2, [3, {}], null, NaN]"),
    # names; their content is good
    "name with spaces": Case("my  sales report .csv", "has spaces in its name", _good, 3, 60),
    "name with quotes": Case('it\'s "final" `v2`.csv', "has quotes in its name", _good, 3, 60),
    "name with newline": Case("two\nlines.csv", "has a newline in its name", _good, 3, 60),
    "chinese name": Case("销售数据（最终版）.csv", "has a Chinese name", _good, 3, 60),
    "name like an option": Case("--help.csv", "has a name that looks like an option", _good, 3, 60),
    "name like a command": Case("$(touch pwned); x.csv", "has a name that looks like a command", _good, 3, 60),
    "name like sql": Case("a'; DROP TABLE t; --.csv", "has a name that looks like SQL", _good, 3, 60),
    "name like a pattern": Case("sales[1]*?.csv", "has a name that looks like a pattern", _good, 3, 60),
    "long name": Case("销" * 80 + ".csv", "has a name of 244 bytes", _good, 3, 60),
    "no suffix": Case("sales", "has no suffix", _good, 3, 60),
}


def write_all(folder: Path) -> dict[str, Path]:
    """Put every case into `folder`, which exists; give the path of each by its key."""
    paths = {key: folder / case.name for key, case in CASES.items()}
    for key, case in CASES.items():
        if case.make is None:
            shutil.copyfile(HERE / "hostile" / case.name, paths[key])
        else:
            paths[key].write_bytes(case.make())
    return paths


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for made, path in write_all(target).items():
        print(f"{made}: {path.name!r} {CASES[made].trouble}")
