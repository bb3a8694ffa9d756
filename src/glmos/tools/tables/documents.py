"""JSON files as tables: a list of records, one record per line, or an object around a list of records."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from glmos.tools.encoding import decode
from glmos.tools.tables.delimited import MAX_BYTES, Unreadable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_json(con: "DuckDBPyConnection", path: Path, scratch: Path) -> list[str]:
    """Make the table `typed` of a file; give notes.

    Raises: Unreadable.
    """
    if path.stat().st_size > MAX_BYTES:
        raise Unreadable(f"is larger than {MAX_BYTES >> 20} MB: load it with python in parts.")
    decoded = decode(path.read_bytes())
    if not decoded.encoding:
        raise Unreadable("is not text.")
    text = decoded.text.lstrip("\ufeff")
    if not text.strip():
        raise Unreadable("is empty.")
    records, notes = _records(text)
    if not records:
        raise Unreadable("holds no records.")
    records = [record if isinstance(record, dict) else {"value": record} for record in records]
    target = scratch / "records.jsonl"
    try:
        with target.open("w", encoding="utf-8", errors="replace") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        con.execute("DROP TABLE IF EXISTS typed")
        con.execute(
            f"CREATE TABLE typed AS SELECT * FROM read_json('{target}', format='newline_delimited', records=true,"
            " sample_size=-1, maximum_object_size=67108864, map_inference_threshold=-1)"
        )
    finally:
        target.unlink(missing_ok=True)
    return notes


def _records(text: str) -> tuple[list[Any], list[str]]:
    try:
        value = json.loads(text)
    except RecursionError:
        raise Unreadable("is nested too deeply.") from None
    except ValueError as error:
        records, bad = _lines(text)
        if not records:
            raise Unreadable(f"is not valid JSON ({error}).") from error
        shown = ", ".join(map(str, bad[:5]))
        return records, [f"lines that are not valid JSON were left out: {shown}"] if bad else []
    if isinstance(value, list):
        return cast("list[Any]", value), []
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        lists = {key: item for key, item in members.items() if _is_list_of_records(item)}
        if len(lists) == 1:
            key, records = next(iter(lists.items()))
            return records, [f"the records are those of {key!r}"]
        return [members], []
    return [value], []


def _lines(text: str) -> tuple[list[Any], list[int]]:
    records: list[Any] = []
    bad: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError):
            bad.append(number)
    return (records, bad) if len(records) > len(bad) else ([], bad)


def _is_list_of_records(value: Any) -> bool:
    return bool(value) and isinstance(value, list) and isinstance(cast("list[Any]", value)[0], dict)
