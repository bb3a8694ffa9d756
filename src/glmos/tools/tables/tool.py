"""The `tables` tool: the side of it that stands beside the kernel. It parses no file; the worker in the sandbox does."""

from typing import Any

import anyio

from glmos.abi.ids import Pid
from glmos.abi.tools import Failure, ToolCall, ToolResult
from glmos.ports import ToolContext
from glmos.tools.declare import ActionTool, ToolFailed, action, untrusted
from glmos.tools.sessions import Sessions
from glmos.tools.tables.session import WorkerSession


class Tables(ActionTool, name="tables", resident=True, timeout=120.0):
    """Query the data files in /workspace with SQL.

    CSV, TSV, Excel, Parquet, JSON and SQLite files are loaded into DuckDB: each file, sheet or table is a SQL table. Look
    at the schema first.
    """

    def __init__(self, query_seconds: float = 90.0) -> None:
        self._seconds = query_seconds
        self._sessions = Sessions(WorkerSession.start)

    @action(effect="pure", reads=("workspace",))
    async def schema(self, call: ToolCall, context: ToolContext, table: str = "") -> ToolResult:
        """tables, columns, types, ranges, sample rows

        Args:
            table: Only this one.
        """
        return await self._ask(call, context, {"action": "schema", "table": table})

    @action(effect="pure", reads=("workspace",), hidden=("engine",))
    async def query(self, call: ToolCall, context: ToolContext, sql: str, engine: str = "duckdb") -> ToolResult:
        """run one SELECT

        Args:
            sql: Put names that are not plain words in double quotes.
        """
        return await self._ask(call, context, {"action": "query", "sql": sql, "engine": engine})

    @action(effect="pure", reads=("workspace",))
    async def find(self, call: ToolCall, context: ToolContext, text: str) -> ToolResult:
        """which columns and values the words and numbers of `text` occur in"""
        return await self._ask(call, context, {"action": "find", "text": text})

    @action(effect="reversible", reads=("workspace",), writes=("workspace",))
    async def export(self, call: ToolCall, context: ToolContext, sql: str, path: str) -> ToolResult:
        """save a SELECT's rows

        Args:
            path: New file: .csv, .tsv, .xlsx, .parquet, .json or .jsonl
        """
        return await self._ask(call, context, {"action": "export", "sql": sql, "path": path})

    async def release(self, pid: Pid) -> None:
        await self._sessions.release(pid)

    async def _ask(self, call: ToolCall, context: ToolContext, request: dict[str, Any]) -> ToolResult:
        context.progress(f"tables: {request['action']}")
        try:
            with anyio.fail_after(self._seconds):
                async with self._sessions.use(call.pid, context) as use:
                    answer = await use.resident.ask(request)
        except TimeoutError:
            message = f"The query took longer than {self._seconds:g} seconds: filter earlier, or join on fewer rows."
            raise ToolFailed("timeout", message) from None
        label = untrusted(call, *dict.fromkeys(answer.tables))
        if answer.failure is not None:
            return ToolResult(failure=Failure(*answer.failure), label=label)
        return ToolResult(text=answer.text, data=answer.data, files=answer.files, label=label)
