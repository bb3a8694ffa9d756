"""One process with calls of every effect class on real tools: files, programs, tables, a SQLite file and a PostgreSQL
server. Undo takes back what can be, latest first, and its list has the rest and nothing else."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from glmos.abi import events as e
from glmos.testing.models import call
from glmos.tools.database.sources import Source
from glmos.tools.database.tool import Database
from tests.postgres import Server
from tests.undo.telling import done, picture, place, real, shell, story, use
from tests.unit.tools.shops import PostgresShop, SqliteShop

pytestmark = pytest.mark.anyio


def change(database: str, *statements: str, action: str = "execute") -> Any:
    return use("database", action=action, database=database, statements=list(statements))


def ask(database: str, sql: str) -> Any:
    return use("database", action="query", database=database, sql=sql)


WORK: list[Any] = [
    ask("账本", "SELECT count(*) FROM customers"),
    use("tables", action="query", sql="SELECT * FROM 源"),
    change("账本", "UPDATE customers SET note = '一' WHERE id = 1"),
    shell("mv 源.csv moved.csv; echo 二 > new.txt"),
    change("shop", "UPDATE customers SET note = 'one' WHERE id = 1", "DELETE FROM pairs WHERE a = 1"),
    change("账本", "CREATE TABLE kept (x INTEGER)", action="execute_ddl"),
    change("账本", "UPDATE customers SET note = note || '二' WHERE id = 1", "DELETE FROM diary WHERE n = 1"),
    use("files", action="write", path="more/文.txt", text="三"),
    change("shop", "ALTER TABLE audit ADD COLUMN more text", action="execute_ddl"),
    change("shop", "UPDATE customers SET note = note || ' two' WHERE id = 1", "INSERT INTO audit VALUES (1, 'x', 'y')"),
    call("python", code="open('more/p', 'w').write('四')"),
    change("账本", "UPDATE customers SET note = note || '三' WHERE id = 1"),
    ask("shop", "SELECT note FROM customers WHERE id = 1"),
]
"""Each change of a customer builds on the one before: in another order than latest first none can be taken back."""


async def test_calls_of_every_class_are_taken_back_latest_first_and_the_rest_is_listed(
    tmp_path: Path, postgres: Server
) -> None:
    books, shop = SqliteShop(tmp_path), PostgresShop(tmp_path, postgres.database())
    sources = {"账本": Source("账本", "SQLite", books.source.address), "shop": shop.source}
    table = tmp_path / "源.csv"
    table.write_text("城市,数\n北京,1\n")
    script = story({"A": [change("shop", "UPDATE customers SET note = 'first' WHERE id = 3"), shell("ls")], "B": WORK})
    async with real(tmp_path / "home", script, tools=[Database(sources, home="家")]) as w:
        before = (books.picture(), {**shop.picture(), "customers": _after_a(shop)})
        pid = await done(w, "change 源.csv", files=[table])
        entries = await w.system.log(pid)
        receipts = {x.event.call: x.event for x in entries if isinstance(x.event, e.ToolFinished)}
        intents = [x.event for x in entries if isinstance(x.event, e.ToolIntended)]
        assert not [x for x in receipts.values() if x.failure is not None]
        assert {x.effect for x in intents} == {"pure", "reversible", "compensable", "irreversible"}
        in_b = [x for x in intents if x.step == "B"]
        compensable = [x.call for x in in_b if x.effect == "compensable"]
        irreversible = [x.call for x in in_b if x.effect == "irreversible"]
        assert (len(compensable), len(irreversible)) == (5, 2)

        undone = await w.system.undo(pid, "B")

        assert undone.compensated == tuple(reversed(compensable))
        assert set(undone.left) == {f"{x}: database.execute_ddl cannot be taken back" for x in irreversible}
        assert len(undone.left) == 2
        assert [x.partition(":")[0] for x in undone.seen] == list(undone.compensated)
        begun = [x.event.call for x in await w.system.log(pid) if isinstance(x.event, e.CompensationIntended)]
        assert tuple(begun) == undone.compensated, "and in that order they were made"
        theirs = shop.picture()
        assert theirs.pop("audit") == []
        assert (books.picture(), theirs) == (before[0], {k: v for k, v in before[1].items() if k != "audit"})
        assert books.sql("SELECT count(*) FROM kept") == [(0,)], "what is listed really stays"
        assert sorted(picture(place(w, pid))) == [b".", "源.csv".encode()]

        again = await w.system.undo(pid)
        assert (again.step, again.compensated, again.left) == ("A", (intents[0].call,), undone.left)
        assert shop.sql("SELECT note FROM customers WHERE id = 3") == [("",)]


def _after_a(shop: PostgresShop) -> list[tuple[Any, ...]]:
    """The customers as step A leaves them."""
    with psycopg.connect(shop.url) as db:
        db.execute("UPDATE customers SET note = 'first' WHERE id = 3")
        rows = db.execute("SELECT * FROM customers").fetchall()
        db.rollback()
    return sorted(rows, key=repr)
