"""The `database` tool on real SQLite files and a real PostgreSQL server: once, all or nothing, and back."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.unit.tools.shops import PostgresShop, Shop, SqliteShop

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    if request.param == "sqlite":
        return SqliteShop(tmp_path)
    return PostgresShop(tmp_path, request.getfixturevalue("postgres").database())


def text(result: Any) -> str:
    return result.text if result.failure is None else f"{result.failure.kind}: {result.failure.message}"


# -- all or nothing, and once ---------------------------------------------------------------------------------------------


async def test_statements_are_one_transaction(shop: Shop) -> None:
    done = await shop.execute(
        "INSERT INTO customers VALUES (4, '刘洋', 'new')",
        "UPDATE orders SET amount = amount + 1 WHERE customer = 1 RETURNING id, amount",
        "DELETE FROM pairs;",
    )
    assert done.failure is None, done.failure
    assert "Committed as one transaction" in done.text
    assert "| 10 | 13.5 |" in done.text
    assert done.data["tables"].keys() >= {"customers", "orders", "pairs"}
    assert done.compensation == {"action": "revert", "database": "shop", "undone": "c1"}
    assert shop.sql("SELECT count(*) FROM pairs") == [(0,)]


async def test_a_statement_that_fails_takes_all_of_them_back(shop: Shop) -> None:
    before = shop.picture()
    done = await shop.execute("DELETE FROM pairs", "INSERT INTO customers VALUES (9, '王芳', 'twice')")
    assert done.failure is not None and "名字" in done.failure.message
    assert shop.picture() == before
    assert (await shop.probe("execute", statements=["DELETE FROM pairs"])).outcome == "did_not_happen"


async def test_the_same_call_is_carried_out_once(shop: Shop) -> None:
    add = "INSERT INTO diary VALUES ('once', 1)"
    first, again = await shop.execute(add), await shop.execute(add)
    assert (first.failure, again.failure) == (None, None)
    assert (again.text, again.data["again"]) == (
        "This call was carried out already, once; nothing was done again.",
        True,
    )
    assert shop.sql("SELECT count(*) FROM diary WHERE line = 'once'") == [(1,)]
    await shop.execute(add, name="c2")
    await shop.execute(add, pid=2)
    assert shop.sql("SELECT count(*) FROM diary WHERE line = 'once'") == [(3,)]


async def test_the_same_call_from_ten_sides_at_once_is_carried_out_once(shop: Shop) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(shop.execute, "INSERT INTO diary VALUES ('once', 1)")
    assert shop.sql("SELECT count(*) FROM diary WHERE line = 'once'") == [(1,)]


async def test_a_probe_is_certain(shop: Shop) -> None:
    wanted = {"statements": ["UPDATE customers SET note = 'x'"]}
    assert (await shop.probe("execute", **wanted)).outcome == "did_not_happen"
    await shop.run("execute", **wanted)
    found = await shop.probe("execute", **wanted)
    assert (found.outcome, found.compensation) == ("happened", {"action": "revert", "database": "shop", "undone": "c1"})
    assert (await shop.probe("execute", name="c2", **wanted)).outcome == "did_not_happen"
    assert (await shop.probe("revert", undone="c1")).outcome == "did_not_happen"
    await shop.undo()
    assert (await shop.probe("revert", undone="c1")).outcome == "happened"
    assert (await shop.probe("execute", **wanted)).outcome == "happened", "it happened, and was taken back"
    await shop.run("execute_ddl", name="c5", statements=["CREATE TABLE extra (x INTEGER)"])
    found = await shop.probe("execute_ddl", name="c5", statements=["CREATE TABLE extra (x INTEGER)"])
    assert (found.outcome, found.compensation) == ("happened", None)


async def test_calls_of_another_home_are_others(shop: Shop, tmp_path: Path) -> None:
    other = type(shop).__new__(type(shop))
    Shop.__init__(other, shop.source, tmp_path, home="别人")
    for each in (shop, other):
        each.url = getattr(shop, "url", "")
    add = "INSERT INTO diary VALUES ('each', 1)"
    assert not (await shop.execute(add)).data["again"]
    assert not (await other.execute(add)).data["again"]
    await shop.undo()
    assert shop.sql("SELECT count(*) FROM diary WHERE line = 'each'") == [(1,)]


# -- back --------------------------------------------------------------------------------------------------------------

TANGLED = (
    "INSERT INTO customers VALUES (4, '刘''洋', NULL), (5, 'tab\tand\nline', '\\N')",
    "UPDATE customers SET id = 20 WHERE id = 2",
    "DELETE FROM customers WHERE id = 1",
    "UPDATE orders SET amount = amount * 3",
    "UPDATE orders SET amount = NULL WHERE id = 13",
    "INSERT INTO orders (id, customer, amount) VALUES (20, 4, 5), (21, 20, -0.01)",
    "DELETE FROM diary WHERE line = '晴'",
    "INSERT INTO diary VALUES ('晴', 1), ('雪', NULL), (NULL, NULL)",
    "UPDATE diary SET n = 7 WHERE line IS NULL",
    "UPDATE pairs SET b = b || 'z' WHERE a = 1",
    "DELETE FROM pairs WHERE a = 2",
    "INSERT INTO pairs VALUES (2, 'x', 'back again')",
)


async def test_what_was_done_is_taken_back_exactly(shop: Shop) -> None:
    before = shop.picture()
    done = await shop.execute(*TANGLED)
    assert done.failure is None, done.failure
    assert shop.picture() != before
    undone = await shop.undo()
    assert undone.failure is None, undone.failure
    assert shop.picture() == before


async def test_several_transactions_are_taken_back_in_reverse_and_not_otherwise(shop: Shop) -> None:
    pictures = [shop.picture()]
    for number in range(1, 4):
        await shop.execute(
            f"UPDATE orders SET amount = amount + {number}", *TANGLED[number : number + 1], name=f"c{number}"
        )
        pictures.append(shop.picture())
    wrong = await shop.undo("c1")
    assert wrong.failure is not None and "changed since" in wrong.failure.message
    for number in (3, 2, 1):
        assert (await shop.undo(f"c{number}")).failure is None
        assert shop.picture() == pictures[number - 1]


async def test_taking_back_twice_is_taking_back_once(shop: Shop) -> None:
    before = shop.picture()
    await shop.execute("UPDATE customers SET note = 'x'")
    await shop.undo()
    again = await shop.undo()
    assert (again.text, shop.picture()) == ("c1 had been taken back already.", before)


async def test_a_process_may_take_back_its_own_and_have_that_taken_back(shop: Shop) -> None:
    before = shop.picture()
    await shop.execute(*TANGLED, name="c1")
    after = shop.picture()
    assert (await shop.run("revert", name="c2", undone="c1")).failure is None
    assert shop.picture() == before
    assert (await shop.undo("c2")).failure is None
    assert shop.picture() == after
    assert (await shop.undo("c1")).failure is None
    assert shop.picture() == before
    for other in ("c1", "c9"):
        found = await shop.run("revert", name="c7", pid=2, undone=other)
        assert found.failure is not None and found.failure.kind == "not_found", (
            "another process's calls are not its own"
        )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE customers SET note = 'mine' WHERE id = 4", "changed since"),
        ("DELETE FROM customers WHERE id = 4", "deleted since"),
        ("INSERT INTO pairs VALUES (1, 'x', 'mine')", "added since"),
        ("UPDATE diary SET n = 100 WHERE line = 'new'", "changed"),
        ("INSERT INTO orders (id, customer, amount) VALUES (77, 4, 1)", ""),
    ],
)
async def test_somebody_elses_later_change_is_never_overwritten(shop: Shop, change: str, says: str) -> None:
    """The last: an order of somebody else's for a customer that would go; it must not go with it."""
    await shop.execute(
        "INSERT INTO customers VALUES (4, '刘洋', 'ours')",
        "DELETE FROM pairs WHERE a = 1",
        "INSERT INTO diary VALUES ('new', 1)",
    )
    shop.sql(change)
    theirs = shop.picture()
    undone = await shop.undo()
    assert undone.failure is not None
    assert "nothing was taken back" in undone.failure.message and says in undone.failure.message
    assert shop.picture() == theirs
    assert (await shop.probe("revert", undone="c1")).outcome == "did_not_happen"


async def test_changes_of_other_rows_do_not_hinder(shop: Shop) -> None:
    await shop.execute("UPDATE orders SET amount = 0 WHERE id = 10", "DELETE FROM diary WHERE line = '雨'")
    shop.sql("UPDATE orders SET amount = 5 WHERE id = 11", "INSERT INTO diary VALUES ('他人', 9)")
    assert (await shop.undo()).failure is None
    assert float(shop.sql("SELECT amount FROM orders WHERE id = 10")[0][0]) == 12.5
    assert float(shop.sql("SELECT amount FROM orders WHERE id = 11")[0][0]) == 5
    assert shop.sql("SELECT count(*) FROM diary WHERE line IN ('雨', '他人')") == [(2,)]


async def test_what_triggers_did_is_taken_back_and_they_do_not_meddle(shop: Shop) -> None:
    if shop.kind == "SQLite":
        shop.sql(
            "CREATE TRIGGER noted AFTER UPDATE ON customers BEGIN "
            "INSERT INTO audit (what) VALUES (old.note || '>' || new.note); END",
            "CREATE TRIGGER stamped AFTER UPDATE ON pairs WHEN new.v <> 'stamped' BEGIN "
            "UPDATE pairs SET v = 'stamped' WHERE a = new.a AND b = new.b; END",
        )
    else:
        shop.sql(
            "CREATE SEQUENCE audits START 100",
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES "
            "(nextval('audits'), concat(old.note, '>', new.note)); RETURN NULL; END $$",
            "CREATE TRIGGER noted AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION note()",
            "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.v = 'stamped'; RETURN new; END $$",
            "CREATE TRIGGER stamped BEFORE UPDATE ON pairs FOR EACH ROW EXECUTE FUNCTION stamp()",
        )
    before = shop.picture()
    done = await shop.execute("UPDATE customers SET note = 'changed'", "UPDATE pairs SET v = 'new'")
    assert done.failure is None, done.failure
    assert done.data["tables"]["audit"] == 3
    assert shop.sql("SELECT DISTINCT v FROM pairs") == [("stamped",)]
    assert (await shop.undo()).failure is None
    assert shop.picture() == before
    shop.sql("UPDATE customers SET note = 'later' WHERE id = 1")
    assert shop.sql("SELECT count(*) FROM audit") == [(1,)], "the triggers are awake again"


async def test_what_has_another_shape_now_is_not_taken_back(shop: Shop) -> None:
    await shop.execute("INSERT INTO diary VALUES ('new', 1)")
    await shop.execute("UPDATE pairs SET v = 'x'", name="c2")
    shop.sql("ALTER TABLE diary ADD COLUMN more TEXT", "DROP TABLE pairs")
    for name in ("c1", "c2"):
        undone = await shop.undo(name)
        assert undone.failure is not None and "nothing was taken back" in undone.failure.message
    assert shop.sql("SELECT count(*) FROM diary WHERE line = 'new'") == [(1,)]


async def test_structure_is_for_good(shop: Shop) -> None:
    before = shop.picture()
    for statement in ("CREATE TABLE extra (x INTEGER)", "DROP TABLE audit", "ALTER TABLE diary ADD COLUMN more TEXT"):
        refused = await shop.execute("DELETE FROM diary", statement)
        assert refused.failure is not None and "execute_ddl" in refused.failure.message
    assert shop.picture() == before
    done = await shop.run("execute_ddl", statements=["CREATE TABLE extra (x INTEGER)", "INSERT INTO extra VALUES (1)"])
    assert (done.failure, done.compensation) == (None, None)
    assert (
        await shop.run("execute_ddl", statements=["CREATE TABLE extra (x INTEGER)", "INSERT INTO extra VALUES (1)"])
    ).data["again"]
    undone = await shop.undo()
    assert undone.failure is not None and "execute_ddl" in undone.failure.message
    assert shop.sql("SELECT * FROM extra") == [(1,)]


# -- what is refused and bounded ---------------------------------------------------------------------------------------

REFUSED_QUERIES = (
    "DELETE FROM diary", "WITH x AS (DELETE FROM diary RETURNING *) SELECT * FROM x", "SELECT 1; DELETE FROM diary",
    "CREATE TABLE x AS SELECT 1", "EXPLAIN ANALYZE DELETE FROM diary", "BEGIN", "COMMIT", "ATTACH 'x' AS x",
    "PRAGMA query_only = off", "VACUUM", "SET TRANSACTION READ WRITE", "RESET ALL",
    "COPY diary TO PROGRAM 'touch /tmp/owned'",
    "COPY diary FROM '/etc/passwd'", "SELECT pg_read_file('/etc/passwd')", "SELECT load_extension('x')", "DO $$ BEGIN END $$",
    "SELECT set_config('transaction_read_only', 'off', true)", "SELECT pg_terminate_backend(1)", "", ";", "-- nothing",
    "SELECT lo_import('/etc/passwd')", "SELECT query_to_xml('DELETE FROM diary', true, true, '')", "LOAD 'x'", "'",
    "SELECT * FROM glmos_calls", 'SELECT U&"pg\\005fread_file"(\'/etc/passwd\')', "SELECT 1) AS q(c0); DELETE FROM diary; --",
    "SELECT writefile('/tmp/owned', 'x')", "SELECT * INTO x FROM diary",
)  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED_QUERIES)
async def test_a_query_only_reads(shop: Shop, sql: str) -> None:
    before = shop.picture()
    result = await shop.run("query", sql=sql)
    assert shop.picture() == before
    if not (shop.kind == "SQLite" and sql.startswith("EXPLAIN")):  # there it only shows the plan
        assert result.failure is not None, result.text


@pytest.mark.parametrize(
    "sql",
    [
        "COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT x", "DELETE FROM diary; COMMIT; DELETE FROM pairs",
        "DELETE FROM glmos_calls",
        "UPDATE glmos_calls SET call = 'x'", "COPY diary FROM PROGRAM 'touch /tmp/owned'", "DROP TABLE diary", "PRAGMA x = 1",
        "TRUNCATE diary", "INSERT INTO diary SELECT pg_read_file('/etc/passwd'), 1", "SELECT 1", "ALTER ROLE glm SUPERUSER",
        "DELETE FROM sqlite_schema", "INSERT INTO diary VALUES (load_extension('x'), 1)", "CALL x()", "SET ROLE postgres",
    ],
)  # fmt: skip
async def test_execute_does_what_it_is_for_and_nothing_else(shop: Shop, sql: str) -> None:
    before = shop.picture()
    result = await shop.execute("DELETE FROM pairs", sql)
    assert result.failure is not None, result.text
    assert shop.picture() == before


async def test_answers_are_bounded(shop: Shop) -> None:
    await shop.execute("DELETE FROM diary", *(f"INSERT INTO diary VALUES ('{'行' * 20}', {i})" for i in range(99)))
    await shop.execute("INSERT INTO diary SELECT a.line, a.n + b.n FROM diary a, diary b", name="c2")
    many = await shop.run("query", sql="SELECT * FROM diary ORDER BY n")
    assert (len(many.data["rows"]), many.data["more"]) == (200, True)
    assert many.text.count("\n") < 60 and "aggregate or filter" in many.text
    repeat = "replace(hex(zeroblob(50000)), '0', '长')" if shop.kind == "SQLite" else "repeat('长', 100000)"
    long = await shop.run("query", sql=f"SELECT {repeat} AS l, 1 AS n FROM pairs")
    assert len(long.text) < 2_000
    assert {len(row[0]) for row in long.data["rows"]} == {10_000}
    returned = await shop.execute("UPDATE diary SET n = 0 RETURNING line, n", name="c3")
    assert ("9900 rows" if shop.kind == "SQLite" else "more than 200 rows") in returned.text
    assert len(returned.text) < 6_000
    assert shop.sql("SELECT sum(n) FROM diary") == [(0,)]


async def test_values_of_every_kind_are_shown(shop: Shop) -> None:
    result = await shop.run(
        "query", sql="SELECT 1 AS n, 1.5 AS f, '中' AS t, NULL AS empty, n FROM diary WHERE line = '雨'"
    )
    assert result.data["rows"] == [[1, 1.5, "中", None, None]]
    assert result.label.integrity == "untrusted" and "database:shop" in result.label.sources
    assert (await shop.run("query", sql="SELECT * FROM audit")).text == "No rows. Columns: id, what"
    both = "VALUES (1), (2)" if shop.kind == "SQLite" else "(SELECT 1 AS a UNION SELECT 2) ORDER BY a"
    assert (await shop.run("query", sql=both)).data["rows"] == [[1], [2]]
    plan = await shop.run("query", sql=f"EXPLAIN {'QUERY PLAN ' if shop.kind == 'SQLite' else ''}SELECT * FROM diary")
    assert "scan" in plan.text.casefold()


async def test_the_schema_tells_tables_columns_and_keys(shop: Shop) -> None:
    result = await shop.run("schema")
    assert "名字" in result.text and "customers" in result.text and "glmos_calls" not in result.text
    assert "-> customers" in result.text
    one = await shop.run("schema", table="pairs")
    assert [t["name"] for t in one.data["tables"]] == ["pairs"]
    assert (await shop.run("schema", table="nope")).failure is not None


ENDLESS = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"


async def test_a_long_query_is_stopped_and_leaves_nothing_behind(shop: Shop) -> None:
    shop.tool._seconds = 0.3
    result = await shop.run("query", sql=ENDLESS)
    assert result.failure is not None and result.failure.kind == "timeout"
    await _nothing_is_left(shop)


async def test_a_cancelled_call_is_stopped_and_leaves_nothing_behind(shop: Shop) -> None:
    before = shop.picture()
    started = anyio.Event()
    shop.context = shop.context._replace(progress=lambda _: started.set())
    fill = ENDLESS.replace("SELECT count(*)", "SELECT 'x', count(*)")
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shop.execute, f"INSERT INTO diary {fill}")
            await started.wait()
            tasks.cancel_scope.cancel()
    await _nothing_is_left(shop)
    assert shop.picture() == before


async def _nothing_is_left(shop: Shop) -> None:
    """No statement runs on, and no lock is held."""
    if isinstance(shop, PostgresShop):
        active = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'glmos' AND datname = current_database()"
        )
        with anyio.fail_after(10):
            while shop.sql(active) != [(0,)]:
                await anyio.lowlevel.checkpoint()
    shop.sql("UPDATE diary SET n = n")


async def test_too_much_to_take_back_is_refused(shop: Shop) -> None:
    before = shop.picture()
    numbers = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 120000) "
    insert = f"INSERT INTO diary {numbers} SELECT 'x', i FROM r"
    result = await shop.execute(insert)
    assert result.failure is not None and "execute_ddl" in result.failure.message
    assert shop.picture() == before
    assert (await shop.run("execute_ddl", statements=[insert])).failure is None


async def test_a_database_for_reading_is_only_read(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    shops: list[Shop] = [
        SqliteShop(tmp_path, read_only=True),
        PostgresShop(tmp_path, request.getfixturevalue("postgres").database(), read_only=True),
    ]
    for shop in shops:
        for action in ("execute", "execute_ddl"):
            result = await shop.run(action, statements=["DELETE FROM diary"])
            assert result.failure is not None and result.failure.kind == "denied"
        assert "read only" in shop.tool.spec.summary
        assert (await shop.run("query", sql="SELECT count(*) AS n FROM diary")).data["rows"] == [[5]]
