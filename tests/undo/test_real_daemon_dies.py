"""Databases and undo when the daemon is killed with -9 at the worst moments: real daemon, sandbox, journal and server."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from glmos.abi import events as e
from glmos.testing.crash.home import Home
from glmos.testing.crash.outside import outside
from tests.postgres import Server
from tests.undo.served import playing
from tests.undo.telling import picture, shell, story, use

pytestmark = pytest.mark.anyio

SHOP = """
    CREATE TABLE stock (id int PRIMARY KEY, 名 text, n int CHECK (n >= 0));
    CREATE TABLE sales (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int REFERENCES stock, n int);
    INSERT INTO stock VALUES (1, '茶', 10), (2, '米', 20), (3, '盐', 30);
"""


def sell(item: int, n: int) -> Any:
    taken = f"UPDATE stock SET n = n - {n} WHERE id = {item}"
    return use("database", action="execute", statements=[taken, f"INSERT INTO sales (item, n) VALUES ({item}, {n})"])


STEPS = {
    "A": [sell(1, 1), shell("echo 茶 > sold.txt; for i in 1 2 3; do echo $i > $i.txt; done")],
    "B": [sell(2, 2), shell("echo 米 >> sold.txt"), sell(1, 3)],
    "C": [
        use(
            "database",
            action="execute",
            statements=["DELETE FROM sales WHERE item = 2", "UPDATE stock SET 名 = '糖' WHERE id = 3"],
        ),
        sell(3, 5),
        shell("rm *.txt"),
    ],
}


class Till:
    """The shop, its server, and a home whose daemon serves it."""

    def __init__(self, home: Home, url: str) -> None:
        self.home = home
        self.url = url

    def stock(self) -> dict[str, list[tuple[Any, ...]]]:
        with psycopg.connect(self.url) as db:
            return {
                "stock": db.execute("SELECT * FROM stock ORDER BY id").fetchall(),
                "sales": db.execute("SELECT item, n FROM sales ORDER BY id").fetchall(),
            }

    def glmos(self, *words: str, status: int = 0, die_at: str = "") -> str:
        """A command in a terminal of its own; if no daemon runs, it starts one."""
        done = subprocess.run(
            [sys.executable, "-m", "glmos", *words], env=self.home.environ(die_at), capture_output=True, text=True,
            timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == status, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stdout + done.stderr

    def start(self, model: str) -> int:
        shown = self.glmos("run", "keep the till", "-m", model, "--detach", "--yes", "--json")
        return int(json.loads(shown.splitlines()[0] if shown.startswith("{") else shown)["pid"])

    def report(self, pid: int) -> Any:
        return json.loads(self.glmos("show", str(pid), "--json"))

    def workspace(self, pid: int) -> Path:
        return self.home.path / "workspaces" / str(pid)

    async def log(self, pid: int) -> list[e.Entry]:
        return await self.home.system.log(pid)


@asynccontextmanager
async def a_till(tmp_path: Path, postgres: Server, steps: Any = None) -> AsyncGenerator[tuple[Till, str]]:
    """The till and the address of its model. Whatever daemon is left at the end is ended."""
    url = postgres.database()
    with psycopg.connect(url) as db:
        db.execute(SHOP)
    with outside(tmp_path / "ledger") as there, playing(story(steps or STEPS)) as model:
        home = Home(tmp_path / "home", there, model, os.environ)
        (home.path / "glmos.toml").write_text(f"[databases.till]\nurl = '{url}'\n")
        try:
            with anyio.fail_after(110):
                yield Till(home, url), model
        finally:
            with anyio.CancelScope(shield=True):
                for daemon in home.daemons:
                    if daemon.status is None:
                        await daemon.kill()


async def die(home: Home, order: str) -> None:
    daemon = await home.start(order)
    await daemon.ended()
    home.down()
    assert daemon.status == -9, f"the daemon was to die at {order} and ended with {daemon.status}"


async def test_a_till_whose_daemon_dies_between_commit_and_receipt_books_each_sale_once(
    tmp_path: Path, postgres: Server
) -> None:
    """It dies after the commit of the first sale, of the second, and of the third; then all is taken back, step by step."""
    async with a_till(tmp_path, postgres) as (till, model):
        opened = till.stock()
        daemon = await till.home.start("tool.after_end:1")
        pid = till.start(model)
        await daemon.ended()
        till.home.down()
        for count in (3, 3):  # a shell call lies between two sales, and the step's last call
            await die(till.home, f"tool.after_end:{count}")
        async with till.home.daemon():
            report = await till.home.system.wait(pid)
            assert report.status == "done", report
            assert till.home.died_at() == ["tool.after_end"] * 3
            events = [x.event for x in await till.log(pid)]
            intents = [x for x in events if isinstance(x, e.ToolIntended) and x.tool == "database"]
            assert [x.attempt for x in intents] == [1] * 5, "what was committed is not begun again"
            probed = [x for x in events if isinstance(x, e.ToolProbed)]
            assert {x.outcome for x in probed} == {"happened"} and probed
            sold = till.stock()
            assert sold == {
                "stock": [(1, "茶", 6), (2, "米", 18), (3, "糖", 25)], "sales": [(1, 1), (1, 3), (3, 5)],
            }  # fmt: skip
            with psycopg.connect(till.url) as db:
                assert db.execute("SELECT count(*) FROM glmos_calls").fetchone() == (5,)
            undone = json.loads(till.glmos("undo", str(pid), "--to", "B", "--json"))
            calls = [x.call for x in intents]
            assert undone["compensated"] == calls[:0:-1]
            assert undone["left"] == []
            assert till.stock() == {"stock": [(1, "茶", 9), (2, "米", 20), (3, "盐", 30)], "sales": [(1, 1)]}
            assert (till.workspace(pid) / "sold.txt").read_text() == "茶\n"
            undone = json.loads(till.glmos("undo", str(pid), "--json"))
            assert (undone["step"], undone["compensated"], undone["left"]) == ("A", calls[:1], [])
            assert till.stock() == opened
            assert list(till.workspace(pid).iterdir()) == []


UNDO_POINTS = (
    "undo.after_begin", "undo.before_compensation:2", "undo.after_compensation:2", "undo.before_restore",
    "workspace.between_files:2", "undo.before_receipt",
)  # fmt: skip


async def test_an_undo_of_files_and_rows_goes_on_after_a_death_at_each_of_its_moments(
    tmp_path: Path, postgres: Server
) -> None:
    """One process; its undo dies at one moment after the other and is given again, until it comes to its end."""
    async with a_till(tmp_path, postgres) as (till, model):
        async with till.home.daemon():
            pid = till.start(model)
            assert (await till.home.system.wait(pid)).status == "done"
        for order in UNDO_POINTS:
            daemon = await till.home.start(order)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_try_to_undo, till, pid)
                assert await daemon.ended() == -9, order
            till.home.down()
        async with till.home.daemon():
            report = till.report(pid)
            assert report["status"] == "suspended" and "finishes it" in report["reason"]
            assert "was being taken back" in till.glmos("resume", str(pid), status=1)
            undone = json.loads(till.glmos("undo", str(pid), "--json"))
            assert (undone["step"], undone["left"], len(undone["compensated"])) == ("B", [], 4)
            assert till.stock() == {"stock": [(1, "茶", 9), (2, "米", 20), (3, "盐", 30)], "sales": [(1, 1)]}
            assert sorted(picture(till.workspace(pid))) == [b".", b"1.txt", b"2.txt", b"3.txt", b"sold.txt"]
            with psycopg.connect(till.url) as db:
                rows = db.execute("SELECT reverted_by, count(*) FROM glmos_calls GROUP BY 1 ORDER BY 1").fetchall()
            assert rows == [("", 1), ("undo", 4)]
            till.glmos("resume", str(pid))
            assert (await till.home.system.wait(pid)).status == "failed", "the script has ended"


async def _try_to_undo(till: Till, pid: int) -> None:
    try:
        await till.home.system.undo(pid, "B")
    except Exception:
        return
    raise AssertionError("the daemon was to die in the middle of it")


async def test_an_undo_that_somebody_stands_in_the_way_of_says_which_rows(tmp_path: Path, postgres: Server) -> None:
    async with a_till(tmp_path, postgres, {"A": [sell(1, 1)], "B": [sell(2, 2)]}) as (till, model), till.home.daemon():
        pid = till.start(model)
        assert (await till.home.system.wait(pid)).status == "done"
        with psycopg.connect(till.url) as db:
            db.execute("UPDATE stock SET n = 99 WHERE id = 2")
        shown = till.glmos("undo", str(pid), "--to", "A")
        assert "c5: database.execute could not be undone: nothing was taken back" in shown
        assert "public.stock 2 was changed since" in shown
        assert "undone: c2" in shown
        assert till.stock() == {"stock": [(1, "茶", 10), (2, "米", 99), (3, "盐", 30)], "sales": [(2, 2)]}
        with psycopg.connect(till.url) as db:
            db.execute("UPDATE stock SET n = 18 WHERE id = 2")
        undone = json.loads(till.glmos("undo", str(pid), "--to", "A", "--json"))
        assert (undone["compensated"], undone["left"]) == (["c5"], [])
        assert till.stock()["stock"] == [(1, "茶", 10), (2, "米", 20), (3, "盐", 30)]
