"""A shop on each engine: the same tables, a tool that serves them, and a door for somebody else."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import psycopg

from glmos.abi.tools import ProbeResult, ToolCall, ToolResult
from glmos.ports import Sandbox, ToolContext
from glmos.tools.database.sources import Source
from glmos.tools.database.tool import Database

TABLES = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, 名字 TEXT NOT NULL UNIQUE, note TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE,
        amount NUMERIC(12,2), doubled NUMERIC GENERATED ALWAYS AS (amount * 2) STORED);
    CREATE TABLE diary (line TEXT, n INTEGER);
    CREATE TABLE pairs (a INTEGER, b TEXT, v TEXT, PRIMARY KEY (a, b));
    CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT);
    INSERT INTO customers VALUES (1, '王芳', NULL), (2, '李雷', 'ünïcödé "quoted", (x)'), (3, '韩梅梅', '');
    INSERT INTO orders (id, customer, amount) VALUES (10, 1, 12.50), (11, 1, 0.10), (12, 2, 999999.99), (13, NULL, 1);
    INSERT INTO diary VALUES ('晴', 1), ('晴', 1), ('晴', 1), (NULL, 2), ('雨', NULL);
    INSERT INTO pairs VALUES (1, 'x', 'a'), (1, 'y', 'b'), (2, 'x', 'c');
"""
NAMES = ("customers", "orders", "diary", "pairs", "audit")


class Shop:
    """A database with a tool in front of it and a back door."""

    kind = ""

    def __init__(self, source: Source, folder: Path, **options: Any) -> None:
        self.source = source
        self.tool = Database({source.name: source}, home=options.pop("home", "家"), **options)
        self.progress: list[str] = []
        self.context = ToolContext(folder, cast("Sandbox", None), self.progress.append)

    async def run(self, action: str, *, name: str = "c1", pid: int = 1, **arguments: Any) -> ToolResult:
        call = ToolCall(pid, name, "database", action, {"action": action, **arguments})
        return await self.tool.run(call, self.context)

    async def execute(self, *statements: str, name: str = "c1", pid: int = 1) -> ToolResult:
        return await self.run("execute", name=name, pid=pid, statements=list(statements))

    async def undo(self, name: str = "c1", pid: int = 1) -> ToolResult:
        """As an undo of the process does it: under the name of the call that is undone."""
        return await self.run("revert", name=name, pid=pid, undone=name)

    async def probe(self, action: str, *, name: str = "c1", **arguments: Any) -> ProbeResult:
        return await self.tool.probe(
            ToolCall(1, name, "database", action, {"action": action, **arguments}), self.context
        )

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Somebody else at work; the rows of the last statement."""
        raise NotImplementedError

    def picture(self, names: Sequence[str] = NAMES) -> dict[str, list[tuple[Any, ...]]]:
        return {name: sorted(self.sql(f"SELECT * FROM {name}"), key=repr) for name in names}


class SqliteShop(Shop):
    kind = "SQLite"

    def __init__(self, folder: Path, **options: Any) -> None:
        self._path = folder / "店.sqlite"
        with closing(sqlite3.connect(self._path)) as db:
            db.executescript(TABLES)
        super().__init__(Source("shop", "SQLite", str(self._path), options.pop("read_only", False)), folder, **options)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            rows = [db.execute(statement).fetchall() for statement in statements]
            db.commit()
        return rows[-1]


class PostgresShop(Shop):
    kind = "PostgreSQL"

    def __init__(self, folder: Path, url: str, **options: Any) -> None:
        self.url = url
        with psycopg.connect(url) as db:
            db.execute(TABLES)  # type: ignore[arg-type]
        super().__init__(Source("shop", "PostgreSQL", url, options.pop("read_only", False)), folder, **options)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        with psycopg.connect(self.url) as db:
            for statement in statements:
                cursor = db.execute(statement)  # type: ignore[arg-type]
                rows = cursor.fetchall() if cursor.description else []
        return rows
