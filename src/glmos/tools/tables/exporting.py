"""Keeping the result of a query as a file of the workspace. Runs inside the sandbox."""

import secrets
import shutil
from pathlib import Path
from typing import Any

from glmos.tools.tables.engine import BATCH, Engine, QueryError

_OPTIONS = {
    ".csv": "FORMAT csv, HEADER true",
    ".tsv": "FORMAT csv, HEADER true, DELIMITER '\t'",
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".json": "FORMAT json, ARRAY true",
    ".jsonl": "FORMAT json",
}
SUFFIXES = (*_OPTIONS, ".xlsx")
MAX_SHEET_ROWS = 1_048_575


def export(engine: Engine, sql: str, root: Path, path: str) -> str:
    """Write the result of `sql` below `root`, in the format that the name asks for; give the path.

    Raises: QueryError; nothing was written then.
    """
    name = path.removeprefix("/workspace/").removeprefix(f"{root}/")
    target = (root / name).resolve()
    if not target.is_relative_to(root.resolve()) or target == root.resolve():
        raise QueryError(f"{path!r} is outside the workspace.", "denied")
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise QueryError(f"{path!r} must end in one of {', '.join(SUFFIXES)}.", "bad_arguments")
    made = engine.exports / (secrets.token_hex(8) + suffix)
    try:
        if suffix == ".xlsx":
            _workbook(engine, sql, made)
        else:
            engine.copy(sql, made, _OPTIONS[suffix])
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            shutil.copyfile(made, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise QueryError(f"{path!r} cannot be written: {error.strerror or error}.") from error
    finally:
        made.unlink(missing_ok=True)
    return target.relative_to(root.resolve()).as_posix()


def _workbook(engine: Engine, sql: str, target: Path) -> None:
    import openpyxl

    workbook: Any = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("result")
    with engine.reading(sql) as (cursor, columns, _):
        sheet.append([_cell(column) for column in columns])
        count = 0
        while batch := cursor.fetchmany(BATCH):
            count += len(batch)
            if count > MAX_SHEET_ROWS:
                raise QueryError("A sheet holds 1,048,576 rows: export as .parquet or .csv.", "too_large")
            for row in batch:
                sheet.append([_cell(value) for value in row])
    workbook.save(target)


def _cell(value: Any) -> Any:
    """A value that Excel knows, and text that it does not run as a formula."""
    import datetime
    from decimal import Decimal

    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    match value:
        case datetime.datetime() if value.tzinfo is not None:
            return value.astimezone(datetime.UTC).replace(tzinfo=None)
        case None | bool() | int() | float() | Decimal() | datetime.date() | datetime.time() | datetime.timedelta():
            return value
        case _:
            text = ILLEGAL_CHARACTERS_RE.sub("", str(value))
            return f"'{text}" if text.startswith("=") else text
