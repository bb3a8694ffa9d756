"""Which tables the files of a folder hold, kept up to date: only a file that changed is read again.

Each table is written once, typed, as a Parquet file in a private folder, and loaded from there by `engine`. What goes
wrong with one file is remembered as its problem and does not hinder the others.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from glmos.tools.tables.delimited import Raw, Unreadable, load_delimited
from glmos.tools.tables.inference import LEADING_ZERO, MISSING, Kind, ambiguous_dates, candidates

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITED = (".csv", ".tsv", ".tab", ".psv", ".txt")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
SQLITE = (".db", ".sqlite", ".sqlite3")
JSON = (".json", ".jsonl", ".ndjson", ".geojson")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*DELIMITED, *WORKBOOKS, *SQLITE, *JSON, *PARQUET)

MAX_FILES = 300
_SAMPLE = 1000
_TOTALS = ("total", "totals", "grand total", "sum", "合计", "总计", "小计", "总额", "共计")


class Column(NamedTuple):
    name: str
    type: str
    """As DuckDB names it."""

    @property
    def kind(self) -> str:
        """`number`, `date`, `boolean` or `text`."""
        if self.type.startswith(("DATE", "TIMESTAMP")):
            return "date"
        if self.type == "BOOLEAN":
            return "boolean"
        numeric = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL")
        return "number" if self.type.startswith(numeric) and self.type != "UUID" and "[" not in self.type else "text"


class Table(NamedTuple):
    name: str
    file: str
    part: str
    """The sheet or the table in the file; empty when the file is one table."""
    columns: tuple[Column, ...]
    rows: int
    notes: tuple[str, ...]
    stored: Path
    version: int
    aliases: tuple[str, ...] = ()
    """Other names it can be queried by: its file's, its sheet's."""


class Problem(NamedTuple):
    file: str
    message: str


class _Read(NamedTuple):
    """What was found in a file when it had this state."""

    state: tuple[int, ...]
    tables: tuple[Table, ...]
    problem: str


class Catalogue:
    """The tables below `root`. `con` is an unrestricted DuckDB connection that reads; `scratch` a private folder."""

    def __init__(self, con: "DuckDBPyConnection", root: Path, scratch: Path) -> None:
        self._con = con
        self._root = root
        self._scratch = scratch
        self._files: dict[str, _Read] = {}
        self._version = 0
        self.tables: tuple[Table, ...] = ()
        self.problems: tuple[Problem, ...] = ()

    def refresh(self) -> bool:
        """Look at the files again; True when anything changed."""
        states = dict(_scan(self._root))
        changed = [
            name for name, state in states.items() if name not in self._files or self._files[name].state != state
        ]
        gone = [name for name in self._files if name not in states]
        for name in (*gone, *changed):
            if old := self._files.pop(name, None):
                for table in old.tables:
                    table.stored.unlink(missing_ok=True)
        for name in changed:
            self._files[name] = self._read(name, states[name])
        if changed or gone:
            self._name()
        return bool(changed or gone)

    def _read(self, file: str, state: tuple[int, ...]) -> _Read:
        import duckdb

        tables: list[Table] = []
        problem = ""
        try:
            if not state:
                raise Unreadable("is not a regular file.")
            tables.extend(self._parts(file))
        except Unreadable as error:
            problem = str(error)
        except (duckdb.Error, OSError, MemoryError, UnicodeError) as error:
            problem = f"cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        if problem and Path(file).suffix.lower() == ".txt":
            problem = ""  # most text files are no tables
        return _Read(state, tuple(tables), problem)

    def _parts(self, file: str) -> Iterator[Table]:
        path = self._root / file
        suffix = path.suffix.lower()
        if suffix in DELIMITED:
            raw = load_delimited(self._con, path, self._scratch)
            if suffix == ".txt" and len(raw.names) < 2:
                return
            yield self._keep(file, "", raw.notes + self._infer(raw))
        elif suffix in WORKBOOKS:
            from glmos.tools.tables.workbooks import load_workbook

            for part, raw in load_workbook(self._con, path, self._scratch):
                yield self._keep(file, part, raw.notes + self._infer(raw))
        elif suffix in SQLITE:
            from glmos.tools.tables.workbooks import load_sqlite

            for part, raw in load_sqlite(self._con, path, self._scratch):
                yield self._keep(file, part, raw.notes + self._infer(raw))
        elif suffix in JSON:
            from glmos.tools.tables.documents import load_json

            yield self._keep(file, "", load_json(self._con, path, self._scratch))
        else:
            link = self._scratch / "input.parquet"
            link.unlink(missing_ok=True)
            link.symlink_to(path.absolute())
            self._con.execute("DROP TABLE IF EXISTS typed")
            self._con.execute(f"CREATE TABLE typed AS SELECT * FROM read_parquet('{link}')")
            yield self._keep(file, "", [])

    def _infer(self, raw: Raw) -> list[str]:
        """Make the table `typed` of `raw`; give notes about what was read how."""
        notes: list[str] = []
        expressions: list[str] = []
        for position, name in enumerate(raw.names):
            column = f"c{position}"
            words = bool(raw.words and raw.words[position])
            kind, note = self._kind(column, semicolons=raw.semicolons, words=words)
            if note:
                notes.append(f"{name!r}: {note}")
            expression = column
            if kind is not None:
                expression = (
                    f"CASE WHEN lower({column}) IN {MISSING} THEN NULL ELSE {kind.expression.format(v=column)} END"
                )
            expressions.append(f"{expression} AS {quoted(name)}")
        self._con.execute("DROP TABLE IF EXISTS typed")
        self._con.execute(f"CREATE TABLE typed AS SELECT {', '.join(expressions)} FROM raw")
        return notes

    def _kind(self, column: str, *, semicolons: bool, words: bool) -> tuple[Kind | None, str]:
        present = f"{column} IS NOT NULL AND lower({column}) NOT IN {MISSING}"
        sample = self._sample(f"SELECT {column} FROM raw WHERE {present} LIMIT {_SAMPLE}")
        for kind in candidates(sample, semicolons=semicolons, words=words):
            pattern = kind.pattern.replace("'", "''")
            fits = f"regexp_full_match({column}, '{pattern}') AND ({kind.expression.format(v=column)}) IS NOT NULL"
            if kind.type in ("BIGINT", "DOUBLE"):
                fits += f" AND NOT regexp_full_match({column}, '{LEADING_ZERO}')"
            odd = self._sample(f"SELECT {column} FROM raw WHERE {present} AND NOT ({fits}) LIMIT 3")
            if not odd:
                return kind, kind.note
            if len(sample) == _SAMPLE and kind.type != "BOOLEAN":
                return None, f"text, because some values do not fit {kind.type}, such as {', '.join(map(repr, odd))}"
        if ambiguous_dates(sample):
            return None, "text, because day and month cannot be told apart"
        return None, _mostly_numbers(sample)

    def _sample(self, sql: str) -> list[str]:
        return [row[0] for row in self._con.execute(sql).fetchall()]

    def _keep(self, file: str, part: str, notes: list[str]) -> Table:
        """Store the table `typed`."""
        self._version += 1
        stored = self._scratch / f"{self._version}.parquet"
        columns = tuple(Column(row[0], row[1]) for row in self._con.execute("DESCRIBE typed").fetchall())
        rows = self._sample("SELECT count(*) FROM typed")[0]
        if total := self._total(columns):
            notes = [*notes, f"the last row is a total ({total}): leave it out of sums"]
        self._con.execute(f"COPY typed TO '{stored}' (FORMAT parquet, COMPRESSION zstd)")
        self._con.execute("DROP TABLE typed")
        self._con.execute("DROP TABLE IF EXISTS raw")
        return Table("", file, part, columns, int(rows), tuple(notes), stored, self._version)

    def _total(self, columns: Sequence[Column]) -> str:
        """The word by which the last row says that it is a sum of the others."""
        texts = [column.name for column in columns if column.type == "VARCHAR"][:2]
        for name in texts:
            last = self._sample(
                f"SELECT {quoted(name)} FROM typed OFFSET greatest((SELECT count(*) FROM typed) - 1, 0)"
            )
            if last and last[0] and last[0].strip().casefold() in _TOTALS:
                return last[0].strip()
        return ""

    def _name(self) -> None:
        """Name all tables, in the order of their files, so that the same files always give the same names."""
        reserved = {row[0] for row in self._con.execute(_RESERVED).fetchall()}
        taken: set[str] = set()
        tables: list[Table] = []
        for file in sorted(self._files):
            found = self._files[file].tables
            for table in found:
                stem = Path(file).stem
                wish = sanitised(f"{stem}_{table.part}" if len(found) > 1 else stem)
                tables.append(table._replace(name=_unique(wish, taken, reserved)))
        for index, table in enumerate(tables):
            single = sum(other.file == table.file for other in tables) == 1
            wishes = [table.part] if table.part else []
            wishes += [table.file, Path(table.file).name, Path(table.file).stem] if single else []
            aliases = [wish for wish in dict.fromkeys(wishes) if wish.casefold() not in taken]
            taken.update(alias.casefold() for alias in aliases)
            tables[index] = table._replace(aliases=tuple(aliases))
        self.tables = tuple(tables)
        self.problems = tuple(Problem(file, read.problem) for file, read in sorted(self._files.items()) if read.problem)


_RESERVED = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def sanitised(text: str) -> str:
    """A name that needs no quotation marks: letters of any script, digits, underscores."""
    name = re.sub(r"\W+", "_", text).strip("_") or "table_1"
    return f"t_{name}" if name[0].isdigit() else name


def _unique(wish: str, taken: set[str], reserved: set[str]) -> str:
    base = f"{wish}_table" if wish.casefold() in reserved else wish
    name, number = base, 1
    while name.casefold() in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name.casefold())
    return name


def _mostly_numbers(sample: Sequence[str]) -> str:
    numbers = sum(bool(re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", value)) for value in sample)
    if len(sample) > 3 and numbers > 0.8 * len(sample) and not any(re.fullmatch(r"0\d+", value) for value in sample):
        odd = (
            next(value for value in sample if not re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", value))
            if numbers < len(sample)
            else ""
        )
        return (
            f"text, because not all values are numbers, such as {odd[:40]!r}: use TRY_CAST(... AS DOUBLE)"
            if odd
            else ""
        )
    return ""


def _scan(root: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Files that may hold tables, each with what changes when it changes; nothing for what is not a regular file."""
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            if name.startswith((".", "~$")) or not name.lower().endswith(SUFFIXES):
                continue
            path = Path(folder, name)
            found = path.lstat()
            count += 1
            if count > MAX_FILES:
                return
            state = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            yield path.relative_to(root).as_posix(), state if stat.S_ISREG(found.st_mode) else ()
