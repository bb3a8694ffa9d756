"""What only SQLite files can do to the `database` tool: keys that are NULL, numbers of rows given anew, other writers."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from tests.unit.tools.shops import SqliteShop

from glmos.tools.database.sources import Source
from glmos.tools.database.tool import reach

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(tmp_path: Path) -> SqliteShop:
    return SqliteShop(tmp_path)


async def test_rows_without_a_key_are_not_changed_behind_everybodys_back(shop: SqliteShop) -> None:
    """SQLite lets a key be NULL; its changesets leave such rows out."""
    shop.sql("CREATE TABLE loose (k TEXT PRIMARY KEY, v)", "CREATE TABLE strict_ (k TEXT PRIMARY KEY NOT NULL, v)")
    for statement in ("INSERT INTO loose VALUES (NULL, 1)", "INSERT INTO loose VALUES ('a', 1), (NULL, 2)"):
        refused = await shop.execute(statement)
        assert refused.failure is not None and "'loose' has rows without a key" in refused.failure.message
    assert shop.sql("SELECT count(*) FROM loose") == [(0,)]
    assert (
        await shop.execute("INSERT INTO loose VALUES ('a', 1)", "INSERT INTO strict_ VALUES ('a', 1)")
    ).failure is None
    shop.sql("INSERT INTO loose VALUES (NULL, 3)")
    for statement in ("UPDATE loose SET v = 9", "DELETE FROM loose", "DELETE FROM loose WHERE k IS NULL"):
        refused = await shop.execute(statement, name="c2")
        assert refused.failure is not None and "rows without a key" in refused.failure.message
    assert (await shop.execute("DELETE FROM diary", name="c2")).failure is None, "other tables are not concerned"


async def test_rows_of_a_table_without_a_key_are_known_again_after_their_numbers_changed(shop: SqliteShop) -> None:
    shop.sql("DELETE FROM diary", *(f"INSERT INTO diary VALUES ('r{i}', {i % 2})" for i in range(10)))
    await shop.execute("UPDATE diary SET n = 7 WHERE line = 'r6'")
    await shop.execute("DELETE FROM diary WHERE line = 'r9'", name="c2")
    shop.sql("UPDATE diary SET n = 7 WHERE line = 'r8'", "DELETE FROM diary WHERE line IN ('r1', 'r2')")
    with closing(sqlite3.connect(shop.source.address)) as db:
        db.execute("VACUUM")  # r8 has the number that r6 had
    theirs = shop.picture(["diary"])
    assert (await shop.undo("c2")).failure is None, "what was deleted comes back under a new number"
    undone = await shop.undo("c1")
    assert undone.failure is not None and "was changed or deleted since" in undone.failure.message
    assert shop.sql("SELECT line FROM diary WHERE n = 7 ORDER BY line") == [("r6",), ("r8",)]
    assert theirs == {"diary": sorted(x for x in shop.picture(["diary"])["diary"] if x[0] != "r9")}


@pytest.mark.parametrize(
    "statement", ["INSERT INTO pages VALUES (3, '新的 text here')", "DELETE FROM pages WHERE id = 1"]
)
async def test_a_search_index_follows_its_table_back(shop: SqliteShop, statement: str) -> None:
    shop.sql(
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, body)",
        "CREATE VIRTUAL TABLE words USING fts5(body, content='')",
        "CREATE TRIGGER i AFTER INSERT ON pages BEGIN INSERT INTO words(rowid, body) VALUES (new.id, new.body); END",
        "CREATE TRIGGER d AFTER DELETE ON pages BEGIN INSERT INTO words(words, rowid, body) "
        "VALUES ('delete', old.id, old.body); END",
        "INSERT INTO pages VALUES (1, 'first text'), (2, 'second text')",
    )
    found = "SELECT rowid FROM words WHERE words MATCH 'text' ORDER BY rowid"
    done = await shop.execute(statement)
    assert done.failure is None, done.failure
    assert shop.sql(found) != [(1,), (2,)]
    undone = await shop.undo()
    assert undone.failure is None, undone.failure
    assert shop.sql(found) == [(1,), (2,)]
    shop.sql("INSERT INTO words(words) VALUES ('integrity-check')")


async def test_tables_of_every_make_come_back(shop: SqliteShop) -> None:
    shop.sql(
        'CREATE TABLE "odd name" ("a b" TEXT, "sel""ect" BLOB, n REAL, PRIMARY KEY ("sel""ect", "a b")) WITHOUT ROWID',
        "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v ANY) STRICT",
        "CREATE TABLE rowid_ (rowid TEXT, v)",
        "CREATE TABLE up (id INTEGER PRIMARY KEY, up INTEGER REFERENCES up)",
        "INSERT INTO \"odd name\" VALUES ('x', X'00ff', 1e300), ('中', X'', -0.0)",
        "INSERT INTO counted VALUES (5, 'a'), (9, X'01')", "INSERT INTO rowid_ VALUES ('r', 1), ('r', 1)",
        "INSERT INTO up VALUES (1, NULL), (2, 1), (3, 2)",
    )  # fmt: skip
    names = ['"odd name"', "counted", "rowid_", "up"]
    before = shop.picture(names)
    done = await shop.execute(
        'UPDATE "odd name" SET n = n / 3, "a b" = "a b" || "a b"', "DELETE FROM \"odd name\" WHERE \"a b\" = '中中'",
        "INSERT INTO counted (v) VALUES (1.5), (NULL)", "DELETE FROM counted WHERE id = 5", "UPDATE rowid_ SET v = v + rowid",
        "DELETE FROM rowid_ WHERE v = 1", "REPLACE INTO counted VALUES (9, 'replaced')", "DELETE FROM up",
    )  # fmt: skip
    assert done.failure is None, done.failure
    assert shop.picture(names) != before
    undone = await shop.undo()
    assert undone.failure is None, undone.failure
    assert shop.picture(names) == before


OTHER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
db.execute("UPDATE customers SET note = 'theirs' WHERE id = 1")
print("writing", flush=True)
sys.stdin.readline()
db.execute("COMMIT")
"""


async def test_somebody_elses_transaction_is_waited_for(shop: SqliteShop) -> None:
    """Another program's: two copies of SQLite in one do not see each other's locks."""
    began = anyio.Event()
    shop.context = shop.context._replace(progress=lambda _: began.set())
    async with await anyio.open_process([sys.executable, "-c", OTHER, shop.source.address]) as other:
        assert other.stdin is not None and other.stdout is not None
        await other.stdout.receive()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shop.execute, "UPDATE customers SET note = note || '+ours' WHERE id = 1")
            await began.wait()
            await other.stdin.send(b"\n")
    assert shop.sql("SELECT note FROM customers WHERE id = 1") == [("theirs+ours",)]


async def test_a_file_in_write_ahead_mode_and_one_that_is_none(shop: SqliteShop, tmp_path: Path) -> None:
    shop.sql("PRAGMA journal_mode = WAL")
    before = shop.picture()
    assert (await shop.execute("DELETE FROM diary")).failure is None
    assert (await shop.undo()).failure is None
    assert shop.picture() == before
    (tmp_path / "none.sqlite").write_bytes(b"no database at all, but long enough to be looked at as one" * 100)
    for path, says in (("none.sqlite", "cannot be used"), ("absent.sqlite", "is not there")):
        assert says in await reach(Source("x", "SQLite", str(tmp_path / path)))
    assert await reach(shop.source) == ""
