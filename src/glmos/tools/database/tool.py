"""The `database` tool as a model sees it. Statements are data here; what may be done with them the engines enforce."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from glmos.abi.labels import Label
from glmos.abi.tools import ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext
from glmos.tools.database.engine import MAX_ROWS, Changed, Engine, Mark, Rows, Table, Watch, in_thread
from glmos.tools.database.sources import Source
from glmos.tools.declare import ActionTool, ToolFailed, action
from glmos.tools.tables.render import plain, show, table

T = TypeVar("T")

SHOWN_ROWS = 50
MAX_STATEMENTS = 100
_DATA_CHARACTERS = 400_000
_REACH_SECONDS = 15.0
_WIDE = 60
"""Columns of a table that are described."""
_MANY = 30
"""Tables that are described; of more only the names."""


class Database(ActionTool, name="database", timeout=120.0):
    """Query and change the databases that the person has named.

    `execute` runs its statements as one transaction, which can be taken back for as long as nobody changes its rows.
    Structure, and what could not be taken back, is for `execute_ddl`; the person must approve it.
    """

    def __init__(
        self,
        sources: Mapping[str, Source] | None = None,
        *,
        home: str = "",
        seconds: float = 60.0,
        open_engine: Callable[[Source], Engine] | None = None,
    ) -> None:
        """
        Args:
            home: A name for this GLM-OS that no other one has: its calls are told apart by it.
            seconds: What one call may take.
        """
        self._sources = dict(sources or {})
        self._home = home
        self._seconds = seconds
        self._open = open_engine or _engine
        if self._sources:
            names = ", ".join(
                f"{s.name} ({s.kind}{', read only' if s.read_only else ''})" for s in self._sources.values()
            )
            spec = type(self).spec
            first, rest = spec.description.split("\n", 1)
            summary = f"query and change databases: {names}"
            self.spec: ToolSpec = msgspec.structs.replace(
                spec, summary=summary[:200], description=f"{first} Databases: {names}.\n{rest}"
            )

    @action(effect="pure", reads=("network",))
    async def schema(self, call: ToolCall, context: ToolContext, database: str = "", table: str = "") -> ToolResult:
        """tables and their columns

        Args:
            database: May be left out when there is only one.
            table: Only this one.
        """
        source = self._source(database)
        context.progress(f"database: schema of {source.name}")
        tables = await self._do(source, lambda engine, watch: engine.schema(watch, table))
        if table and not tables:
            raise ToolFailed(
                "not_found", f"{source.name!r} has no table {table!r}; `schema` without a table lists them."
            )
        data = {
            "tables": [{"name": t.name, "kind": t.kind, "columns": [c.name for c in t.columns]} for t in tables[:200]]
        }
        return ToolResult(text=_schema_text(source, tables), data=data, label=_label(call, source))

    @action(effect="pure", reads=("network",))
    async def query(self, call: ToolCall, context: ToolContext, sql: str, database: str = "") -> ToolResult:
        """run one SELECT"""
        source = self._source(database)
        context.progress(f"database: query {source.name}")
        rows = await self._do(source, lambda engine, watch: engine.query(watch, sql))
        data = {"sql": sql, "columns": rows.columns, "rows": _bounded(rows), "more": rows.more}
        return ToolResult(text=_rows_text(rows), data=data, label=_label(call, source))

    @action(effect="compensable", reads=("network",), writes=("network",), compensated_by="revert", can_probe=True)
    async def execute(
        self, call: ToolCall, context: ToolContext, statements: list[str], database: str = ""
    ) -> ToolResult:
        """INSERT, UPDATE, DELETE or MERGE in one transaction

        Args:
            statements: Whole SQL statements, done in order; all of them or none.
        """
        return await self._execute(call, context, statements, database, structure=False)

    @action(effect="irreversible", reads=("network",), writes=("network",), can_probe=True)
    async def execute_ddl(
        self, call: ToolCall, context: ToolContext, statements: list[str], database: str = ""
    ) -> ToolResult:
        """CREATE, ALTER, DROP and the like in one transaction"""
        return await self._execute(call, context, statements, database, structure=True)

    @action(effect="compensable", reads=("network",), writes=("network",), compensated_by="revert", can_probe=True)
    async def revert(self, call: ToolCall, context: ToolContext, undone: str, database: str = "") -> ToolResult:
        """take back an earlier `execute` of this process

        Args:
            undone: Its name, such as c3.
        """
        source = self._writable(database)
        context.progress(f"database: take back {undone} in {source.name}")
        mark = None if undone == call.call else self._mark(call, source)
        changed = await self._do(
            source, lambda engine, watch: engine.revert(watch, undone, mark, home=self._home, pid=call.pid)
        )
        text = f"{undone} was taken back: {_changed_text(changed)}."
        if changed.again:
            text = f"{undone} had been taken back already."
        data: dict[str, Any] = {"tables": changed.tables, "again": changed.again}
        return ToolResult(text=text, data=data, label=_label(call, source), compensation=_undoing(call, source))

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        """Certain, because the transaction itself holds the name of the call."""
        try:
            source = self._source(str(call.arguments.get("database") or ""))
            undone = call.arguments.get("undone")
            if call.action == "revert" and undone == call.call:
                happened = await self._do(
                    source, lambda engine, watch: engine.reverted(watch, call.call, home=self._home, pid=call.pid)
                )
            else:
                mark = self._mark(call, source)
                happened = await self._do(source, lambda engine, watch: engine.happened(watch, mark))
        except (ToolFailed, KeyError) as error:
            return ProbeResult("cannot_tell", str(error))
        if not happened:
            return ProbeResult("did_not_happen", f"{source.name} has no transaction of this call")
        compensation = _undoing(call, source) if call.action != "execute_ddl" else None
        return ProbeResult("happened", f"{source.name} has its transaction", compensation)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _execute(
        self, call: ToolCall, context: ToolContext, statements: list[str], database: str, *, structure: bool
    ) -> ToolResult:
        source = self._writable(database)
        if not 1 <= len(statements) <= MAX_STATEMENTS:
            raise ToolFailed("bad_arguments", f"Give 1 to {MAX_STATEMENTS} statements, not {len(statements)}.")
        mark = self._mark(call, source)
        context.progress(f"database: change {source.name}")
        changed = await self._do(
            source, lambda engine, watch: engine.execute(watch, statements, mark, structure=structure)
        )
        if changed.again:
            text = "This call was carried out already, once; nothing was done again."
        else:
            lines = [
                f"{x.verb}: {f'more than {MAX_ROWS}' if x.changed < 0 else x.changed} rows"
                + (f"\n{_rows_text(x.rows)}" if x.rows else "")
                for x in changed.statements
            ]
            text = "\n".join([*lines, f"Committed as one transaction; {_changed_text(changed)}."])
        data: dict[str, Any] = {"tables": changed.tables, "again": changed.again}
        undoing = None if structure else _undoing(call, source)
        return ToolResult(text=text, data=data, label=_label(call, source), compensation=undoing)

    def _source(self, name: str) -> Source:
        if not name and len(self._sources) == 1:
            return next(iter(self._sources.values()))
        if name in self._sources:
            return self._sources[name]
        names = ", ".join(self._sources)
        if not names:
            raise ToolFailed("unavailable", "No database is named: the person adds [databases.NAME] to glmos.toml.")
        raise ToolFailed("not_found", f"There is no database {name!r}; there are: {names}.")

    def _writable(self, name: str) -> Source:
        source = self._source(name)
        if source.read_only:
            raise ToolFailed("denied", f"The person lets {source.name!r} be read only.")
        return source

    def _mark(self, call: ToolCall, source: Source) -> Mark:
        asked = {k: v for k, v in call.arguments.items() if k not in ("action", "database")}
        data = msgspec.json.encode((call.action, source.name, asked), order="deterministic")
        return Mark(self._home, call.pid, call.call, hashlib.sha256(data).hexdigest())

    async def _do(self, source: Source, work: Callable[[Engine, Watch], T]) -> T:
        engine = self._open(source)
        return await in_thread(self._seconds, lambda watch: work(engine, watch))


async def reach(source: Source) -> str:
    """Why a database cannot be used, in a sentence for the person; empty when it answers."""
    try:
        engine = _engine(source)
        await in_thread(_REACH_SECONDS, lambda watch: engine.query(watch, "SELECT 1"))
    except ToolFailed as failed:
        return failed.failure.message
    return ""


def _engine(source: Source) -> Engine:
    if source.kind == "SQLite":
        from glmos.tools.database.sqlite import SqliteEngine

        return SqliteEngine(source)
    try:
        from glmos.tools.database.postgresql import PostgresEngine
    except ImportError as error:
        raise ToolFailed(
            "unavailable", f"The driver for PostgreSQL is missing ({error}): `pip install 'glmos[postgres]'`."
        ) from None
    return PostgresEngine(source)


def _undoing(call: ToolCall, source: Source) -> dict[str, Any]:
    return {"action": "revert", "database": source.name, "undone": call.call}


def _label(call: ToolCall, source: Source) -> Label:
    return Label(integrity="untrusted", sources=(f"database:{source.name}", f"call:{call.call}"))


def _changed_text(changed: Changed) -> str:
    parts = [f"{count} rows of {name}" for name, count in changed.tables.items()]
    return f"changed {', '.join(parts)}" if parts else "no row is other than before"


def _bounded(rows: Rows) -> list[list[Any]]:
    """Rows as data, as many as fit."""
    found: list[list[Any]] = []
    size = 0
    for row in rows.rows:
        values = [plain(value) for value in row]
        size += sum(len(value) if isinstance(value, str) else 8 for value in values)
        if size > _DATA_CHARACTERS:
            break
        found.append(values)
    return found


def _rows_text(rows: Rows) -> str:
    shown = rows.rows[:SHOWN_ROWS]
    if not shown:
        return f"No rows. Columns: {', '.join(rows.columns)}"
    text = table(rows.columns, shown)
    if rows.more:
        return f"{text}\nThe first {len(shown)} rows of more than {len(rows.rows)}: aggregate or filter for the rest."
    if len(rows.rows) > len(shown):
        return f"{text}\nThe first {len(shown)} of {len(rows.rows)} rows."
    return text


def _schema_text(source: Source, tables: list[Table]) -> str:
    if not tables:
        return f"{source.name} ({source.kind}) has no tables."
    lines = [f"{source.name} ({source.kind}):"]
    for each in tables[:_MANY]:
        about = f", about {each.rows} rows" if each.rows >= 0 else ""
        columns = "; ".join(f"{show(c.name)} {c.type} {c.notes}".rstrip() for c in each.columns[:_WIDE])
        more = f"; and {len(each.columns) - _WIDE} more" if len(each.columns) > _WIDE else ""
        lines.append(f"{show(each.name)} ({each.kind}{about}): {columns}{more}")
    if len(tables) > _MANY:
        rest = ", ".join(show(t.name) for t in tables[_MANY:300])
        lines.append(f"And without their columns: {rest}")
    return "\n".join(lines)
