"""Every tool of GLM-OS, and a function made a tool, against the suite for tools."""

from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from tests.unit.tools.shops import PostgresShop, SqliteShop

from glmos.ports import Sandbox, Tool
from glmos.sandbox import BubblewrapSandbox
from glmos.testing.tools import STARTED, Slow, ToolConformance
from glmos.tools.declare import tool as declare
from glmos.tools.files import Files
from glmos.tools.python import Python
from glmos.tools.registry import standard_tools
from glmos.tools.shell import Shell
from glmos.tools.tables.tool import Tables

pytestmark = pytest.mark.anyio


class InSandbox(ToolConformance):
    @pytest.fixture
    def sandbox(self, bubblewrap: BubblewrapSandbox) -> Sandbox:
        return bubblewrap


class TestFiles(ToolConformance):
    examples: ClassVar[Any] = {
        "list": {"path": ".", "glob": "*"},
        "read": {"path": "a.txt", "start": 1, "lines": 2},
        "search": {"pattern": "你", "path": "."},
        "write": {"path": "b.txt", "text": "好"},
        "edit": {"path": "a.txt", "old": "你", "new": "您"},
        "move": {"path": "b.txt", "to": "c.txt"},
        "delete": {"path": "c.txt"},
    }

    @pytest.fixture
    def tool(self) -> Tool:
        return Files(search_seconds=1)

    def prepare(self, workspace: Path) -> None:
        (workspace / "a.txt").write_text("你好\n")


class TestShell(InSandbox):
    examples: ClassVar[Any] = {"run": {"command": "echo 你好", "timeout": 20}}
    slow = Slow("run", {"command": f"echo x > {STARTED}; setsid sleep 1000 & sleep 1000"})

    @pytest.fixture
    def tool(self) -> Tool:
        return Shell()


class TestPython(InSandbox):
    examples: ClassVar[Any] = {"run": {"code": "print('你好')\n1 + 1", "timeout": 20}}
    slow = Slow("run", {"code": f"open('{STARTED}', 'w').write('x')\nwhile True: pass"})

    @pytest.fixture
    def tool(self) -> Tool:
        return Python()


class TestTables(InSandbox):
    examples: ClassVar[Any] = {
        "schema": {"table": "销售"},
        "query": {"sql": "SELECT sum(额) FROM 销售", "engine": "duckdb"},
        "find": {"text": "北京的销售额"},
        "export": {"sql": "SELECT * FROM 销售", "path": "out/新.parquet"},
    }
    slow = Slow("query", {"sql": "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"}, tells=False)

    @pytest.fixture
    def tool(self) -> Tool:
        return Tables(query_seconds=20)

    def prepare(self, workspace: Path) -> None:
        (workspace / "销售.csv").write_text("地区,额\n北京,3\n上海,4\n")


class DatabaseConformance(ToolConformance):
    examples: ClassVar[Any] = {
        "schema": {"database": "shop", "table": "customers"},
        "query": {"sql": "SELECT count(*) AS n FROM customers", "database": "shop"},
        "execute": {"statements": ["UPDATE customers SET note = 'x'"], "database": "shop"},
        "revert": {"undone": "c1", "database": "shop"},
        "execute_ddl": {"statements": ["CREATE TABLE IF NOT EXISTS extra (x INTEGER)"], "database": "shop"},
    }
    slow = Slow(
        "query",
        {"sql": "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"},
        tells=False,
    )
    most = 2_600


class TestDatabaseOnSqlite(DatabaseConformance):
    @pytest.fixture
    def tool(self, tmp_path: Path) -> Tool:
        return SqliteShop(tmp_path, seconds=20.0).tool


class TestDatabaseOnPostgres(DatabaseConformance):
    @pytest.fixture
    def tool(self, tmp_path: Path, postgres: Any) -> Tool:
        return PostgresShop(tmp_path, postgres.database(), seconds=20.0).tool


@declare(effect="pure")
def shout(text: str, times: int = 1) -> str:
    """Say it louder."""
    return text.upper() * min(times, 100)


class TestFunction(ToolConformance):
    examples: ClassVar[Any] = {"run": {"text": "hello", "times": 2}}

    @pytest.fixture
    def tool(self) -> Tool:
        return shout


def test_resident_tools_take_little_of_the_prompt() -> None:
    specs = [tool.spec for tool in standard_tools() if tool.spec.resident]
    shown = [{"name": s.name, "description": s.description, "parameters": s.parameters} for s in specs]
    assert sorted(s.name for s in specs) == ["python", "shell", "tables"]
    assert len(msgspec.json.encode(shown)) < 3_400
