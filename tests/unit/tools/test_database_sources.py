"""Databases as the person names them in `glmos.toml`."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from glmos.abi.errors import UsageError
from glmos.boot import open_system
from glmos.boot.identity import identity
from glmos.boot.settings import load
from glmos.tools.database.sources import read_sources
from glmos.tools.registry import standard_tools


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "either `url"),
        ({"url": "postgresql://x", "path": "/x"}, "either `url"),
        ("postgresql://x", "either `url"),
        ({"url": "mysql://x"}, "is written like"),
        ({"url": 7}, "is written like"),
        ({"path": "books.sqlite"}, "whole path"),
        ({"path": 7}, "whole path"),
        ({"path": "/x", "readonly": True}, "'readonly', which means nothing"),
        ({"path": "/x", "read_only": "yes"}, "true or false"),
    ],
)
def test_a_table_that_makes_no_sense_is_named_with_what_is_wrong(tmp_path: Path, table: Any, says: str) -> None:
    with pytest.raises(UsageError, match=r"\[databases\.shop\]") as raised:
        read_sources({"shop": table}, tmp_path)
    assert says in str(raised.value)


def test_a_name_is_plain_and_a_workspace_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        read_sources({"a b": {"path": "/x"}}, tmp_path)
    (tmp_path / "workspaces/1").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "workspaces/1")
    for path in (tmp_path / "workspaces/1/x.db", tmp_path / "link/x.db", tmp_path / "journal.db"):
        with pytest.raises(UsageError, match="in the home of GLM-OS"):
            read_sources({"x": {"path": str(path)}}, tmp_path)


def test_settings_show_where_a_database_is_but_no_password(tmp_path: Path) -> None:
    (tmp_path / "glmos.toml").write_text(
        "[databases.shop]\nurl = 'postgresql://anna:geh%40im@db.example:5432/shop?password=zweites&sslmode=require'\n"
        "[databases.'账本']\npath = '/data/账本.sqlite'\nread_only = true\n"
    )
    settings = load(tmp_path, {})
    views = {view.name: view.value for view in settings.views()}
    assert views["databases.shop"] == "url=postgresql://anna:***@db.example:5432/shop?password=***&sslmode=require"
    assert views["databases.账本"] == "path=/data/账本.sqlite, read_only=True"
    sources = read_sources(settings.databases, tmp_path)
    assert (sources["账本"].kind, sources["账本"].read_only) == ("SQLite", True)
    assert set(sources["shop"].secrets) == {"geh%40im", "anna", "db.example", "zweites"}
    tool = standard_tools(sources)[-1]
    assert tool.spec.summary == "query and change databases: shop (PostgreSQL), 账本 (SQLite, read only)"
    for secret in ("anna", "geh%40im", "geh@im", "db.example", "/data"):
        assert secret not in str(tool.spec)


def test_without_databases_no_tool_for_them_is_in_the_way(tmp_path: Path) -> None:
    assert "database" not in [
        tool.spec.name for tool in standard_tools(read_sources(load(tmp_path, {}).databases, tmp_path))
    ]


def test_a_home_keeps_its_name_and_has_another_than_others(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = identity(tmp_path / "a")
    assert identity(tmp_path / "a") == first != identity(tmp_path / "b")
    assert len(first) == 16


@pytest.mark.anyio
async def test_the_doctor_tries_each_database_and_says_what_is_wrong(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "账本.sqlite").close()
    home = tmp_path / "home"
    home.mkdir()
    (home / "glmos.toml").write_text(
        f"[databases.'账本']\npath = '{tmp_path}/账本.sqlite'\n[databases.gone]\npath = '{tmp_path}/gone.sqlite'\n"
        "[databases.shop]\nurl = 'postgresql://anna:geheim@/shop?host=/nowhere/at/all'\n"
    )
    async with open_system(home, {"GLMOS_MODEL": "nano"}) as system:
        findings = {x.what: x for x in await system.doctor()}
        assert "database" in [tool.name for tool in await system.tools()]
    assert (findings["database 账本"].ok, findings["database 账本"].detail) == (True, "SQLite answers")
    assert not findings["database gone"].ok and "is not there" in findings["database gone"].detail
    assert not findings["database shop"].ok and "'shop' cannot be reached" in findings["database shop"].detail
    assert "geheim" not in str(findings) and "anna" not in str(findings)
