"""Text with separators: CSV, TSV and their relatives, as people's programs really write them.

A clean file is read by DuckDB straight from the disk. What it refuses (another encoding, rows of unequal length, an
unclosed quotation mark) is read here record by record, mended where that is safe, and every line that was not taken as
it stood is named in a note.
"""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from glmos.tools.encoding import detect
from glmos.tools.tables.layout import Layout, Row, find_layout

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_BYTES = 512 << 20
DELIMITERS = ",;\t|"
_HEAD_BYTES = 1 << 17
_HEAD_ROWS = 100
_SMALL = 16 << 20
_FIELD = 1 << 26


class Unreadable(Exception):
    """A file gives no table; the message says why and what to do, without the file's name."""


class Dialect(NamedTuple):
    encoding: str
    delimiter: str
    quoting: bool = True
    """False: quotation marks are ordinary characters."""


_Record = tuple[int, list[str]]
"""The number of its first line, and its fields."""


class Raw(NamedTuple):
    """A table of text in DuckDB, named `raw`, with the columns c0, c1, ..."""

    names: list[str]
    notes: list[str]
    semicolons: bool = False
    words: Sequence[bool] = ()
    """Columns declared to hold text."""


def load_delimited(con: "DuckDBPyConnection", path: Path, scratch: Path) -> Raw:
    """Fill `raw` from a file.

    Raises: Unreadable.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Unreadable(
            f"is larger than {MAX_BYTES >> 20} MB: load it with python in parts, or convert it to Parquet."
        )
    data = path.read_bytes()
    encoding = detect(data)
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise Unreadable("is empty.")
    if not encoding:
        raise Unreadable("is not text.")
    head = _head(data, encoding)
    dialect = Dialect(encoding, sniff(head, path.suffix))
    first = list(islice(_records(head, dialect), _HEAD_ROWS))
    layout = find_layout([row for _, row in first])
    if not layout.names:
        raise Unreadable("holds no rows.")
    notes = [] if layout.header else ["there is no header row: columns are named column1, column2, ..."]
    if (
        encoding in ("utf-8", "utf-8-sig")
        and "\0" not in head
        and _load_clean(con, path, scratch, delimiter=dialect.delimiter, layout=layout, first=first)
    ):
        return Raw(layout.names, notes, dialect.delimiter == ";")
    text = data.decode(encoding, "replace")
    del data
    if "\ufffd" in text and encoding != "utf-8":
        notes.append(f"some bytes are not valid {encoding} and were replaced")
    notes += _load_mended(con, scratch, text, dialect, layout)
    return Raw(layout.names, notes, dialect.delimiter == ";")


def load_rows(con: "DuckDBPyConnection", scratch: Path, width: int, rows: Iterable[Row], *, trim: bool = True) -> None:
    """Fill `raw` from rows that are `width` long. `trim`: without space around values."""
    path = scratch / "rows.csv"
    try:
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
            for row in rows:
                writer.writerow(["" if cell is None else cell.replace("\0", "") for cell in row])
        _read(con, path, width, ",", trim=trim, lines="\\n")
    finally:
        path.unlink(missing_ok=True)


def sniff(head: str, suffix: str = "") -> str:
    """The separator under which most lines have the same number of fields, and more than one."""
    if suffix.lower() in (".tsv", ".tab") and "\t" in head:
        return "\t"
    lines = "\n".join([line for line in head.splitlines() if line.strip()][:60])
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        counts = [len(row) for _, row in _records(lines, Dialect("", delimiter))]
        if not counts or max(counts) < 2:
            continue
        usual = max(set(counts), key=lambda count: (counts.count(count), count))
        share = counts.count(usual) / len(counts)
        if usual > 1 and share * min(usual, 8) ** 0.3 > score:
            best, score = delimiter, share * min(usual, 8) ** 0.3
    return best


def _head(data: bytes, encoding: str) -> str:
    """The first lines, without a last one that may be cut off."""
    head = data[: _HEAD_BYTES // 4 * 4].decode(encoding, "ignore").lstrip("\ufeff")
    if len(data) > _HEAD_BYTES and "\n" in head:
        head = head[: head.rindex("\n") + 1]
    return head


def _records(text: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of their first line. Blank lines are left out."""
    csv.field_size_limit(_FIELD)
    quoting = csv.QUOTE_MINIMAL if dialect.quoting else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=dialect.delimiter, quoting=quoting)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(f"breaks off at line {reader.line_num}: {error}.") from error
        if row:
            yield line, row
        line = reader.line_num + 1


def _load_clean(
    con: "DuckDBPyConnection", path: Path, scratch: Path, *, delimiter: str, layout: Layout, first: list[_Record]
) -> bool:
    """Let DuckDB read the file as it is; False when it is not regular enough for that."""
    import duckdb

    if layout.skip < len(first):
        skip = first[layout.skip][0] - 1
    elif layout.skip == len(first) and len(first) < _HEAD_ROWS:
        return False  # only a header
    else:
        return False
    if any(len(row) != len(layout.names) for _, row in first[layout.skip :]):
        return False
    link = scratch / "input.csv"  # a name without the characters that DuckDB takes for patterns
    link.unlink(missing_ok=True)
    link.symlink_to(path.absolute())
    try:
        _read(con, link, len(layout.names), delimiter, skip=skip)
    except duckdb.Error:
        return False
    finally:
        link.unlink(missing_ok=True)
    return True


def _read(
    con: "DuckDBPyConnection",
    path: Path,
    width: int,
    delimiter: str,
    *,
    skip: int = 0,
    trim: bool = True,
    lines: str = "",
) -> None:
    """`lines`: how they end, where that is known. DuckDB guesses it from the first it sees, in a quoted cell too."""
    # Rarer kinds of space are looked for only where that costs little.
    space = ", ' \t\u3000\u00a0\r\n'" if path.stat().st_size < _SMALL else ""
    values = ", ".join(f"nullif(trim(c{i}{space}), '') AS c{i}" for i in range(width)) if trim else "*"
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    ends = f", new_line='{lines}'" if lines else ""
    con.execute("DROP TABLE IF EXISTS raw")
    con.execute(
        f"CREATE TABLE raw AS SELECT {values} FROM read_csv('{path}', columns={{{columns}}}, auto_detect=false, header=false,"
        f" skip={skip}, delim='{delimiter}', quote='\"', escape='\"', nullstr='', strict_mode=true,"
        f" max_line_size=67108864{ends})"
    )


def _load_mended(con: "DuckDBPyConnection", scratch: Path, text: str, dialect: Dialect, layout: Layout) -> list[str]:
    width = len(layout.names)
    notes: list[str] = []
    if dialect.quoting and (line := _unclosed(text, dialect, width)):
        dialect = dialect._replace(quoting=False)
        notes.append(
            f"a quotation mark in line {line} is not closed: quotation marks were taken as ordinary characters"
        )
    short: list[int] = []
    long: list[int] = []

    def mended() -> Iterator[Row]:
        for number, (line, row) in enumerate(_records(text, dialect)):
            if number < layout.skip:
                continue
            if len(row) > width:
                if any(cell.strip() for cell in row[width:]):
                    long.append(line)
                    continue
            elif len(row) < width:
                short.append(line)
            yield [*row[:width], *[""] * (width - len(row))]

    load_rows(con, scratch, width, mended())
    if long:
        was = "was" if len(long) == 1 else "were"
        notes.append(f"{_lines(long)} more than {width} fields and {was} left out")
    if short:
        notes.append(f"{_lines(short)} fewer than {width} fields; what is missing is NULL")
    return notes


def _unclosed(text: str, dialect: Dialect, width: int) -> int:
    """The line of a quotation mark that swallows the rest of the file; 0 if there is none."""
    odd = text.count('"') % 2 == 1
    last = deque(_records(text, dialect), maxlen=1)
    return next((line for line, row in last if any("\n" in c for c in row) and (odd or len(row) != width)), 0)


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    return f"line {shown} has" if len(numbers) == 1 else f"lines {shown} have"
