"""Files that hold several tables: Excel and OpenDocument workbooks, SQLite databases."""

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glmos.tools.tables.delimited import Raw, Unreadable, load_rows
from glmos.tools.tables.layout import Row, find_layout, unique_names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HEAD_ROWS = 100


def load_workbook(con: "DuckDBPyConnection", path: Path, scratch: Path) -> Iterator[tuple[str, Raw]]:
    """Fill `raw` from one sheet after the other; give each sheet's name. Empty sheets are left out.

    Raises: Unreadable.
    """
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        reason = "is protected by a password" if "assword" in str(error) else f"is not a readable workbook ({error})"
        raise Unreadable(f"{reason}: save it again, or export the sheet as CSV.") from error
    sheets = 0
    for name in workbook.sheet_names:
        try:
            values = workbook.get_sheet_by_name(name).to_python(skip_empty_area=True)
        except (python_calamine.CalamineError, ValueError):  # a chart sheet
            continue
        rows = _trim([[_text(value) for value in row] for row in values])
        if not rows:
            continue
        layout = find_layout(rows[:_HEAD_ROWS])
        width = len(layout.names)
        body = (([*row, *[None] * width])[:width] for row in rows[layout.skip :] if any(row))
        load_rows(con, scratch, width, body)
        sheets += 1
        notes = [] if layout.header else ["there is no header row: columns are named column1, column2, ..."]
        yield name, Raw(layout.names, notes)
    if not sheets:
        raise Unreadable("holds only empty sheets.")


def load_sqlite(con: "DuckDBPyConnection", path: Path, scratch: Path) -> Iterator[tuple[str, Raw]]:
    """Fill `raw` from one table after the other; give each table's name.

    Raises: Unreadable.
    """
    try:
        # Without a write-ahead log beside it, nothing needs to be created to read it.
        mode = "mode=ro" if path.with_name(path.name + "-wal").exists() else "mode=ro&immutable=1"
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as db:
            db.text_factory = _lenient
            listing = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
            names = [row[0] for row in db.execute(listing)]
            if not names:
                raise Unreadable("holds no tables.")
            for name in names:
                raw = _load_sqlite_table(con, db, name, scratch)
                if raw is not None:
                    yield name, raw
    except sqlite3.Error as error:
        raise Unreadable(f"is not a readable SQLite database ({error}).") from error


def _load_sqlite_table(con: "DuckDBPyConnection", db: sqlite3.Connection, name: str, scratch: Path) -> Raw | None:
    quoted = '"' + name.replace('"', '""') + '"'
    declared = {row[1]: str(row[2]).upper() for row in db.execute(f"PRAGMA table_info({quoted})")}
    try:
        cursor = db.execute(f"SELECT * FROM {quoted}")
    except sqlite3.Error:  # a view over something missing, a virtual table of an absent module
        return None
    names = [column[0] for column in cursor.description]
    load_rows(con, scratch, len(names), ([_text(value) for value in row] for row in cursor), trim=False)
    words = [any(word in declared.get(column, "") for word in ("CHAR", "TEXT", "CLOB")) for column in names]
    return Raw(unique_names(names), [], words=words)


def _lenient(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _trim(rows: list[list[str | None]]) -> list[Row]:
    """Without empty columns and rows around the values."""
    filled = [row for row in rows if any(cell and cell.strip() for cell in row)]
    if not filled:
        return []
    width = max(len(row) for row in filled)
    used = [i for i in range(width) if any(i < len(row) and row[i] and row[i] != "" for row in filled)]
    return [[row[i] if i < len(row) else None for i in range(used[0], used[-1] + 1)] for row in filled]


def _text(value: Any) -> str | None:
    """A typed cell as the text that is read back to the same value."""
    match value:
        case None | "":
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime.datetime():
            midnight = value.time() == datetime.time()
            return value.date().isoformat() if midnight else value.isoformat(sep=" ")
        case bytes():
            return f"<{len(value)} bytes>"
        case _:
            return str(value)
