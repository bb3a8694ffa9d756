"""The program that runs inside the sandbox: one request per connection, a line of JSON each way.

    python -I -m glmos.tools.tables.worker SOCKET [ROOT]

Requests are `{"action": ..., arguments}`; answers `{"text", "data", "files", "tables", "failure": [kind, message]}`.
Everything it says is untrusted on the other side. Its counterpart is `session`.
"""

import contextlib
import json
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glmos.tools.tables.catalogue import Problem, Table, quoted
from glmos.tools.tables.engine import Engine, QueryError, Rows
from glmos.tools.tables.listing import ANY_FILE, COLUMNS, TooManyFilesError, about_files
from glmos.tools.tables.render import plain, show, table

MAX_ROWS = 200
"""Rows in a query's `data`."""
SHOWN_ROWS = 50
_DATA_CHARACTERS = 400_000
_MAX_REQUEST = 4 << 20
_WIDE = 60
"""Columns of a table that are described."""

Answer = dict[str, Any]


class Worker:
    """Answers requests about the tables below `root`."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root = root
        self._engine = Engine(root, scratch)
        self._second: Any = None
        self._values: tuple[int, dict[tuple[str, int], list[Any]]] | None = None
        self._generation = 0

    def close(self) -> None:
        if self._second is not None:
            self._second.close()
        self._engine.close()

    def answer(self, request: dict[str, Any]) -> Answer:
        """Never raises: what goes wrong is in the answer."""
        actions: dict[str, Callable[..., Answer]] = {
            "schema": self._schema,
            "query": self._query,
            "find": self._find,
            "export": self._export,
        }
        try:
            arguments = dict(request)
            action = actions[arguments.pop("action")]
            if self._engine.refresh():
                self._generation += 1
            return action(**arguments)
        except QueryError as error:
            return {"failure": [error.kind, str(error)]}
        except MemoryError:
            return {"failure": ["limit", "The tables need more memory than they may use."]}
        except RecursionError:
            return {"failure": ["failed", "The query is nested too deeply."]}
        except Exception as error:  # the boundary of a process: the other side decides what it means
            return {"failure": ["failed", f"The tables engine failed: {type(error).__name__}: {error}"]}

    def _schema(self, table: str = "") -> Answer:
        catalogue = self._engine.catalogue
        tables = [t for t in catalogue.tables if not table or table.casefold() in {t.name.casefold(), *_folded(t)}]
        if table and not tables:
            names = ", ".join(t.name for t in catalogue.tables)
            raise QueryError(f"There is no table {table!r}. Tables: {names or 'none'}.", "not_found")
        self._require_tables()
        described = [self._describe(t, brief=len(tables) > 20) for t in tables]
        problems = [{"file": p.file, "message": p.message} for p in catalogue.problems]
        text = "\n\n".join([*(_schema_text(d) for d in described), *_problem_lines(catalogue.problems)])
        return {"text": text, "data": {"tables": described, "problems": problems}, "tables": [t.file for t in tables]}

    def _query(self, sql: str, engine: str = "duckdb") -> Answer:
        listed = self._engine.list_files(sql)
        if listed is None and self._engine.names_in(sql) != set():  # a sum of literals needs no table
            self._require_tables()
        if engine == "sqlite":
            rows = self._crosscheck().query(sql, most=MAX_ROWS)
            if rows.total > MAX_ROWS:
                raise QueryError(f"More than {MAX_ROWS} rows cannot be compared.", "unavailable")
        elif engine == "duckdb":
            rows = self._engine.query(sql, most=MAX_ROWS)
        else:
            raise QueryError(f"There is no engine {engine!r}: use 'duckdb' or 'sqlite'.", "bad_arguments")
        tables = self._engine.tables_in(sql)
        data = {
            "sql": sql,
            "engine": engine,
            "columns": rows.columns,
            "types": rows.types,
            "rows": _bounded([[plain(value) for value in row] for row in rows.rows]),
            "row_count": rows.total,
            "ordered": self._ordered(sql, rows.columns),
        }
        if listed is not None:
            data["left_out"] = self._engine.listing.left_out
        return {"text": _rows_text(rows, tables), "data": data, "tables": [t.file for t in tables]}

    def _find(self, text: str) -> Answer:
        from glmos.tools.tables import linking

        listing = self._offer_listing(text)
        if listing is None:
            self._require_tables()
        if self._values is None or self._values[0] != self._generation:
            self._values = (self._generation, linking.values_of(self._engine))
        values = self._values[1]
        tables = self._engine.catalogue.tables
        matches = linking.find(tables, values, text)
        described = [
            {
                "name": t.name,
                "file": t.file,
                "row_count": t.rows,
                "columns": [
                    {"name": c.name, "type": c.type, "kind": c.kind, "values": values[t.name, i]}
                    for i, c in enumerate(t.columns)
                ],
            }
            for t in tables
        ]
        found = [{"words": m.words, "table": m.table, "column": m.column, "value": m.value} for m in matches]
        data: dict[str, Any] = {"tables": described, "matches": found[: linking.MAX_MATCHES]}
        said = linking.describe(matches) if tables else self._no_tables()
        if listing is not None:
            data["listing"] = listing
            names = ", ".join(c.name for c in COLUMNS)
            said += f"\nThe table {listing['name']} lists the {listing['row_count']} files of the workspace: {names}."
        return {"text": said, "data": data, "tables": [t.file for t in tables]}

    def _offer_listing(self, text: str) -> dict[str, Any] | None:
        """What the table of the files holds, where a question may be about files."""
        if not about_files(text):
            return None
        try:
            return {"name": self._engine.listing_name, **self._engine.listing.facts()}
        except TooManyFilesError as error:
            raise QueryError(str(error), "limit") from None

    def _export(self, sql: str, path: str) -> Answer:
        from glmos.tools.tables.exporting import export

        self._require_tables()
        written = export(self._engine, sql, self._root, path)
        tables = [t.file for t in self._engine.tables_in(sql)]
        return {
            "text": f"Wrote {written}.",
            "data": {"sql": sql, "path": written},
            "files": [written],
            "tables": tables,
        }

    def _require_tables(self) -> None:
        if not self._engine.catalogue.tables:
            raise QueryError(self._no_tables(), "not_found")

    def _no_tables(self) -> str:
        if problems := self._engine.catalogue.problems:
            reasons = " ".join(f"{p.file!r} {p.message}" for p in problems[:5])
            return f"No file in the workspace could be read as a table: {reasons}"
        return "The workspace holds no CSV, TSV, Excel, Parquet, JSON or SQLite file."

    def _crosscheck(self) -> Any:
        if self._second is None:
            from glmos.tools.tables.crosscheck import CrossCheck

            self._second = CrossCheck(self._engine)
        return self._second

    def _ordered(self, sql: str, columns: list[str]) -> list[int]:
        if "order" not in sql.lower():
            return []
        from glmos.tools.tables.crosscheck import order_of

        return order_of(sql, columns)

    def _describe(self, t: Table, *, brief: bool) -> dict[str, Any]:
        columns = [c for c in t.columns[:_WIDE] if not brief]
        facts: list[dict[str, Any]] = [{"name": c.name, "type": c.type, "kind": c.kind} for c in t.columns]
        if columns:
            measures = ", ".join(
                f"count(DISTINCT {quoted(c.name)}), count(*) - count({quoted(c.name)}),"
                f" {f'min({quoted(c.name)}), max({quoted(c.name)})' if _comparable(c.type) else 'NULL, NULL'}"
                for c in columns
            )
            row = self._engine.fetch(f"SELECT {measures} FROM {quoted(t.name)}")[0]
            for index in range(len(columns)):
                distinct, empty, low, high = row[index * 4 : index * 4 + 4]
                facts[index] |= {"distinct": distinct, "empty": empty, "min": plain(low), "max": plain(high)}
        sample = self._engine.fetch(f"SELECT * FROM {quoted(t.name)} LIMIT 3")
        return {
            "name": t.name,
            "file": t.file,
            "part": t.part,
            "row_count": t.rows,
            "columns": facts,
            "sample": _bounded([[plain(value) for value in row] for row in sample]),
            "notes": list(t.notes),
        }


def serve(address: str, worker: Worker) -> None:
    """Answer until killed."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(8)
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError), connection.makefile("rwb") as stream:
                line = stream.readline(_MAX_REQUEST)
                if not line:
                    continue
                answer = worker.answer(json.loads(line))
                stream.write(json.dumps(answer, default=str).encode() + b"\n")


def _rows_text(rows: Rows, tables: list[Table]) -> str:
    if not rows.columns:
        return "Done."
    shown = rows.rows[:SHOWN_ROWS]
    count = "1 row" if rows.total == 1 else f"{rows.total} rows"
    more = f"; the first {len(shown)} are shown" if rows.total > len(shown) else ""
    lines = [table(rows.columns, shown), f"({count}{more})"]
    told = ("left out", "total", "is NULL", "replaced", "not closed")
    files = {ANY_FILE: "the workspace"}
    lines += [
        f"Note on {files.get(t.file, t.file)}: {note}."
        for t in tables
        for note in t.notes
        if any(words in note for words in told)
    ]
    return "\n".join(lines)


def _schema_text(d: dict[str, Any]) -> str:
    origin = f"{d['file']}, {d['part']}" if d["part"] else d["file"]
    lines = [f"{d['name']} ({show(origin)}): {d['row_count']} rows"]
    for index, column in enumerate(d["columns"]):
        if index >= _WIDE:
            lines.append(f"  ... and {len(d['columns']) - _WIDE} more columns")
            break
        lines.append("  " + _column_text(column))
    if d["sample"]:
        lines.append("  sample:")
        lines += ["    " + " | ".join(_short(value) for value in row[:_WIDE]) for row in d["sample"]]
    lines += [f"  note: {note}" for note in d["notes"]]
    return "\n".join(lines)


def _column_text(column: dict[str, Any]) -> str:
    parts = [f"{quoted(column['name'])} {column['type']}"]
    if "distinct" in column:
        if column["min"] is not None:
            parts.append(f"{_short(column['min'])} .. {_short(column['max'])}")
        parts.append(f"{column['distinct']} distinct")
        if column["empty"]:
            parts.append(f"{column['empty']} NULL")
    return ", ".join(parts)


def _short(value: Any) -> str:
    text = show(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _problem_lines(problems: tuple[Problem, ...]) -> list[str]:
    return ["\n".join(f"Not read: {show(p.file)} {p.message}" for p in problems)] if problems else []


def _bounded(rows: list[list[Any]]) -> list[list[Any]]:
    """As many rows as fit into a journal entry, long text cut."""
    kept: list[list[Any]] = []
    size = 0
    for row in rows:
        cut = [value[:4000] if isinstance(value, str) else value for value in row]
        size += sum(len(str(value)) + 3 for value in cut)
        if size > _DATA_CHARACTERS:
            break
        kept.append(cut)
    return kept


def _comparable(type_: str) -> bool:
    return not type_.startswith(("STRUCT", "MAP", "BLOB", "JSON")) and not type_.endswith("]")


def _folded(t: Table) -> set[str]:
    return {alias.casefold() for alias in t.aliases}


def main() -> None:
    root = Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve()
    with tempfile.TemporaryDirectory(prefix="tables-") as scratch:
        serve(sys.argv[1], Worker(root, Path(scratch)))


if __name__ == "__main__":
    main()
