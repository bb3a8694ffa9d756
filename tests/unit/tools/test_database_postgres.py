"""What only a PostgreSQL server can do to the `database` tool: lost connections, rights, odd types, partitions."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest
from tests.postgres import Server
from tests.unit.tools.shops import PostgresShop, Shop

from glmos.abi.errors import DeviceError
from glmos.tools.database.sources import Source

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(postgres: Server, tmp_path: Path) -> PostgresShop:
    return PostgresShop(tmp_path, postgres.database())


def all_of(shop: Shop, *names: str) -> dict[str, list[Any]]:
    return {name: sorted(shop.sql(f"SELECT (each_row.*)::text FROM {name} each_row")) for name in names}


# -- a connection that is lost -----------------------------------------------------------------------------------------


@contextmanager
def cutting(server: Server, folder: Path, word: bytes, *, after: bool) -> Generator[str]:
    """A socket in front of the server that hangs up on a message with `word`: instead of passing it on, or instead of
    passing on the answer to it."""
    place = folder / ".s.PGSQL.5432"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen()

    def serve(near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(server.folder / ".s.PGSQL.5432"))
        back = threading.Thread(target=pump, args=(far, near, None))
        back.start()
        pump(near, far, word)
        for each in (near, far):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        back.join()

    def pump(source: socket.socket, target: socket.socket, wanted: bytes | None) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if wanted is not None and wanted in data:
                    if after:
                        near = source
                        near.shutdown(socket.SHUT_RDWR)
                        target.sendall(data)
                        target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield str(folder)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("after", [False, True])
async def test_a_commit_whose_answer_is_lost_is_unknown_and_the_probe_knows(
    shop: PostgresShop, postgres: Server, tmp_path: Path, after: bool
) -> None:
    wanted = {"statements": ["INSERT INTO diary VALUES ('once', 1)"]}
    direct = shop.tool
    (tmp_path / "s").mkdir()
    with cutting(postgres, tmp_path / "s", b"COMMIT\0", after=after) as host:
        through = Source("shop", "PostgreSQL", shop.url.replace(str(postgres.folder), host))
        shop.tool = type(direct)({"shop": through}, home="家")
        with pytest.raises(DeviceError, match="lost while its transaction was being committed"):
            await shop.run("execute", **wanted)
    shop.tool = direct
    found = await shop.probe("execute", **wanted)
    assert found.outcome == ("happened" if after else "did_not_happen")
    await shop.run("execute", **wanted)
    assert shop.sql("SELECT count(*) FROM diary WHERE line = 'once'") == [(1,)]


async def test_a_connection_lost_before_the_commit_did_nothing_and_says_so(
    shop: PostgresShop, postgres: Server, tmp_path: Path
) -> None:
    before, direct = shop.picture(), shop.tool
    (tmp_path / "s").mkdir()
    with cutting(postgres, tmp_path / "s", b"DELETE FROM diary", after=True) as host:
        shop.tool = type(direct)(
            {"shop": Source("shop", "PostgreSQL", shop.url.replace(str(postgres.folder), host))}, home="家"
        )
        result = await shop.execute("DELETE FROM diary")
    assert result.failure is not None and result.failure.kind == "unavailable"
    assert shop.picture() == before


async def test_a_probe_waits_for_a_transaction_under_way(shop: PostgresShop) -> None:
    """Somebody holds the mark in a transaction of theirs: the answer comes when that has ended, either way."""
    wanted = {"statements": ["INSERT INTO diary VALUES ('once', 1)"]}
    await shop.execute("INSERT INTO diary VALUES ('first', 1)", name="c0")
    mark = shop.tool._mark(_call(shop, **wanted), shop.source)
    for end, outcome in (("ROLLBACK", "did_not_happen"), ("COMMIT", "happened")):
        with psycopg.connect(shop.url, autocommit=True) as other:
            other.execute("BEGIN")
            other.execute("INSERT INTO glmos_calls (home, pid, call, digest) VALUES (%s, %s, %s, %s)", tuple(mark))
            found: list[Any] = []

            async def ask(found: list[Any] = found) -> None:
                found.append(await shop.probe("execute", **wanted))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await _until(shop, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", 1)
                assert not found
                other.execute(end)
            assert found[0].outcome == outcome


def _call(shop: PostgresShop, **arguments: Any) -> Any:
    from glmos.abi.tools import ToolCall

    return ToolCall(1, "c1", "database", "execute", {"action": "execute", **arguments})


async def _until(shop: PostgresShop, query: str, count: int) -> None:
    with anyio.fail_after(20):
        while shop.sql(query) != [(count,)]:
            await anyio.lowlevel.checkpoint()


DYING = """
import anyio, sys
sys.path.insert(0, {root!r})
from glmos.abi.tools import ToolCall
from glmos.ports import ToolContext
from glmos.tools.database.sources import Source
from glmos.tools.database.tool import Database
tool = Database({{"shop": Source("shop", "PostgreSQL", {url!r})}}, home="家")
call = ToolCall(1, "c1", "database", "execute", {{"statements": ["INSERT INTO diary SELECT 'x', 1 FROM pg_sleep(600)"]}})
anyio.run(tool.run, call, ToolContext(None, None, lambda text: None))
"""


async def test_what_a_killed_client_had_begun_ends_with_it(shop: PostgresShop) -> None:
    program = DYING.format(root=str(Path(__file__).parents[3]), url=shop.url)
    client = subprocess.Popen([sys.executable, "-c", program])  # noqa: ASYNC220
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    try:
        await _until(shop, sleeping, 1)
    finally:
        os.kill(client.pid, signal.SIGKILL)
        client.wait()
    await _until(shop, sleeping, 0)
    found = await shop.probe("execute", statements=["INSERT INTO diary SELECT 'x', 1 FROM pg_sleep(600)"])
    assert found.outcome == "did_not_happen"
    shop.sql("UPDATE diary SET n = n")


# -- whose rights ------------------------------------------------------------------------------------------------------


async def test_a_role_that_may_reach_the_servers_files_is_not_served(shop: PostgresShop, postgres: Server) -> None:
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS runner")
        db.execute("CREATE ROLE runner LOGIN IN ROLE pg_execute_server_program")
    for role in ("postgres", "runner"):
        name = shop.url.split("@/")[1].split("?")[0]
        source = Source("shop", "PostgreSQL", postgres.url(name, role))
        shop.tool = type(shop.tool)({"shop": source}, home="家")
        result = await shop.run("query", sql="SELECT 1")
        assert result.failure is not None and "only the rights which are needed" in result.failure.message


async def test_without_the_right_to_watch_a_table_nothing_is_changed(shop: PostgresShop, postgres: Server) -> None:
    guest = shop.url.replace("//glm:", "//guest:")
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS guest")
        db.execute("CREATE ROLE guest LOGIN PASSWORD 'geheim'")
    shop.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO guest")
    shop.tool = type(shop.tool)({"shop": Source("shop", "PostgreSQL", guest)}, home="家")
    result = await shop.execute("DELETE FROM diary")
    assert result.failure is not None and "may not create the table glmos_calls" in result.failure.message
    shop.sql("GRANT CREATE ON SCHEMA public TO guest")
    result = await shop.execute("DELETE FROM diary")
    assert result.failure is not None and "grant TRIGGER" in result.failure.message
    assert shop.sql("SELECT count(*) FROM diary") == [(5,)]
    shop.sql("GRANT TRIGGER ON diary TO guest")
    before = all_of(shop, "diary")
    result = await shop.execute("DELETE FROM diary", "INSERT INTO diary VALUES ('guest', 1)")
    assert result.failure is None, result.failure
    result = await shop.undo()
    assert result.failure is None, result.failure
    assert all_of(shop, "diary") == before


@pytest.mark.parametrize("host", ["127.0.0.1:1", "/nowhere"])
async def test_what_reaches_a_database_is_never_shown(tmp_path: Path, postgres: Server, host: str) -> None:
    url = (
        f"postgresql://botschafter:s3cr3tw0rd@{host}/x"
        if ":" in host
        else f"postgresql://botschafter:s3cr3tw0rd@/x?host={host}"
    )
    for address in (url, postgres.url("nichtda", "niemand")):
        shop = PostgresShop.__new__(PostgresShop)
        Shop.__init__(shop, Source("shop", "PostgreSQL", address), tmp_path)
        result = await shop.run("query", sql="SELECT 1")
        said = f"{result} {shop.tool.spec} {await shop.probe('execute', statements=['x'])} {shop.progress}"
        assert result.failure is not None and result.failure.kind == "unavailable"
        for secret in ("botschafter", "s3cr3tw0rd", "geheim", "niemand", "127.0.0.1", "/nowhere", str(postgres.folder)):
            assert secret not in said, said


# -- odd tables --------------------------------------------------------------------------------------------------------

ODD = """
    CREATE TYPE mood AS ENUM ('froh', '悲');
    CREATE TYPE point3 AS (x float8, y float8, label text);
    CREATE DOMAIN percent AS numeric CHECK (value BETWEEN 0 AND 100);
    CREATE TABLE odd (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, day date, span interval, raw bytea, js json,
        jb jsonb, arr text[], grid int[][], rng tstzrange, m mood, p point3, pct percent, f float8, r real, big numeric,
        uid uuid, net inet, bits varbit, xmlish text, pt point, cash money, ts tsvector,
        low text GENERATED ALWAYS AS (lower(xmlish)) STORED);
    INSERT INTO odd (at, day, span, raw, js, jb, arr, grid, rng, m, p, pct, f, r, big, uid, net, bits, xmlish, pt, cash, ts)
    SELECT '2026-11-23 08:15:30.123456+08', 'infinity', '1 mon -3 days 04:05:06.7', '\\x00ff5c27', '{"a":  1, "a": 2}',
        '{"中": [null, 1e400]}', ARRAY['a,b', NULL, '"', '\\', ''], '{{1,2},{3,4}}', '[2026-01-01,)', '悲',
        (0.1, 'NaN', 'x,"y')::point3, 12.50, 'Infinity', 0.1, 123456789012345678901234567890.0000000001,
        gen_random_uuid(), '10.0.0.0/8', B'1010', '<A> "É" \\', '(1.5,-2)', 12.34, 'quick fox'
    FROM generate_series(1, 3);
"""


async def test_rows_of_odd_types_come_back_exactly(shop: PostgresShop) -> None:
    shop.sql(ODD, "SET TimeZone = 'Asia/Shanghai'", "ALTER ROLE glm SET TimeZone = 'Asia/Shanghai'")
    shop.sql("ALTER ROLE glm SET DateStyle = 'SQL, DMY'", "ALTER ROLE glm SET extra_float_digits = -5")
    try:
        before = all_of(shop, "odd")
        done = await shop.execute(
            "UPDATE odd SET f = f - 1, at = now(), js = NULL, arr = arr || 'z'::text, xmlish = 'B' WHERE id = 1",
            "DELETE FROM odd WHERE id = 2",
            "INSERT INTO odd (day, xmlish) VALUES ('2026-02-03', 'C')",
        )
        assert done.failure is None, done.failure
        shop.sql("ALTER ROLE glm SET TimeZone = 'America/New_York'", "ALTER ROLE glm SET DateStyle = 'German'")
        undone = await shop.undo()
        assert undone.failure is None, undone.failure
        shop.sql("ALTER ROLE glm RESET ALL", "ALTER ROLE glm SET TimeZone = 'Asia/Shanghai'")
        shop.sql("ALTER ROLE glm SET DateStyle = 'SQL, DMY'", "ALTER ROLE glm SET extra_float_digits = -5")
        assert all_of(shop, "odd") == before
    finally:
        shop.sql("ALTER ROLE glm RESET ALL")


HARD = """
    CREATE SCHEMA "s p";
    CREATE TABLE "s p"."T t" ("I d" int PRIMARY KEY, "glmos_row" text, "t" text, w text, image text);
    CREATE TABLE parts (id int, area text, v int, PRIMARY KEY (id, area)) PARTITION BY LIST (area);
    CREATE TABLE parts_n PARTITION OF parts FOR VALUES IN ('n');
    CREATE TABLE parts_s PARTITION OF parts FOR VALUES IN ('s');
    CREATE TABLE base (id int PRIMARY KEY, v int);
    CREATE TABLE derived (extra text) INHERITS (base);
    CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree);
    CREATE TABLE swap (id int PRIMARY KEY, u int UNIQUE, d int UNIQUE DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE boss (id int PRIMARY KEY, best int);
    CREATE TABLE worker (id int PRIMARY KEY, boss int REFERENCES boss ON DELETE SET NULL);
    ALTER TABLE boss ADD FOREIGN KEY (best) REFERENCES worker DEFERRABLE INITIALLY DEFERRED;
    CREATE VIEW rich AS SELECT * FROM base WHERE v > 10;
    CREATE TABLE log (at timestamptz DEFAULT clock_timestamp(), what text);
    CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO log (what) VALUES ('late'); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON swap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
    CREATE FUNCTION bump(n int) RETURNS int LANGUAGE sql AS $$ UPDATE base SET v = v + n RETURNING v $$;
    INSERT INTO "s p"."T t" VALUES (1, 'a', 'b', 'c', 'd'), (2, NULL, NULL, NULL, NULL);
    INSERT INTO parts VALUES (1, 'n', 1), (2, 'n', 2), (3, 's', 3);
    INSERT INTO base VALUES (1, 5), (2, 20);
    INSERT INTO derived VALUES (3, 30, 'x');
    INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 1);
    INSERT INTO swap VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
    INSERT INTO boss VALUES (1, NULL); INSERT INTO worker VALUES (1, 1), (2, 1); UPDATE boss SET best = 2;
"""
TABLES = ('"s p"."T t"', "parts", "base", "derived", "tree", "swap", "boss", "worker", "log")


@pytest.mark.parametrize(
    "statements",
    [
        ['UPDATE "s p"."T t" SET "I d" = "I d" + 10, t = w', 'DELETE FROM "s p"."T t" WHERE "I d" = 12'],
        ["UPDATE parts SET area = 's' WHERE id = 1", "DELETE FROM parts_n", "INSERT INTO parts VALUES (9, 'n', 9)"],
        ["UPDATE base SET v = v + 1", "DELETE FROM base WHERE id = 3", "INSERT INTO derived VALUES (4, 4, '四')"],
        ["DELETE FROM tree"],
        ["INSERT INTO tree VALUES (6, 5), (5, 4)", "UPDATE tree SET up = 6 WHERE id = 3", "DELETE FROM tree WHERE id = 2"],
        ["UPDATE swap SET u = u + 10", "UPDATE swap SET u = u - 9 WHERE id < 3", "UPDATE swap SET d = 4 - d"],
        ["DELETE FROM swap WHERE id = 1", "UPDATE swap SET id = id - 1, u = u - 1", "INSERT INTO swap VALUES (3, 3, 1)"],
        ["DELETE FROM boss", "DELETE FROM worker"],
        ["UPDATE rich SET v = v + 100", "DELETE FROM rich WHERE id = 2"],
        ["INSERT INTO log SELECT now(), bump(7)::text"],
        ["MERGE INTO base b USING (VALUES (1, 7), (8, 8)) n(id, v) ON b.id = n.id WHEN MATCHED THEN UPDATE SET v = n.v "
         "WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.v)"],
        ["WITH gone AS (DELETE FROM swap RETURNING *) INSERT INTO base SELECT id + 50, u FROM gone"],
        ["INSERT INTO base VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET v = 99"],
        ["UPDATE base SET v = v"],
    ],
)  # fmt: skip
async def test_hard_tables_come_back_exactly(shop: PostgresShop, statements: list[str]) -> None:
    shop.sql(HARD)
    before = all_of(shop, *TABLES)
    done = await shop.execute(*statements)
    assert done.failure is None, done.failure
    after = all_of(shop, *TABLES)
    assert (after == before) == (statements == ["UPDATE base SET v = v"])
    undone = await shop.run("revert", name="c2", undone="c1")
    assert undone.failure is None, undone.failure
    assert all_of(shop, *TABLES) == before
    assert (await shop.undo("c2")).failure is None
    assert all_of(shop, *TABLES) == after
    assert shop.sql("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%glmos%'") == [(0,)]
    assert shop.sql("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'") == [(0,)]


async def test_structure_changed_from_inside_a_function_is_refused(shop: PostgresShop) -> None:
    shop.sql(
        "CREATE FUNCTION evil() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
        "TRUNCATE pairs; CREATE TABLE x (i int); RETURN 1; END $$",
        "CREATE FUNCTION marks() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM glmos_calls; RETURN 1; END $$",
    )
    await shop.execute("INSERT INTO diary VALUES ('first', 1)", name="c0")
    before = shop.picture()
    for name, says in (("evil", "structure"), ("marks", "system's own")):
        result = await shop.execute(f"INSERT INTO diary VALUES ('x', {name}())")
        assert result.failure is not None and says in result.failure.message
    assert shop.picture() == before
    assert (
        await shop.probe("execute", name="c0", statements=["INSERT INTO diary VALUES ('first', 1)"])
    ).outcome == "happened"


async def test_others_who_change_the_same_rows_meanwhile_are_waited_for(shop: PostgresShop) -> None:
    with psycopg.connect(shop.url) as other:
        other.execute("UPDATE customers SET note = 'theirs' WHERE id = 1")
        async with anyio.create_task_group() as tasks:
            done: list[Any] = []

            async def change() -> None:
                done.append(
                    await shop.execute("UPDATE customers SET note = coalesce(note, '') || '+ours' WHERE id < 3")
                )

            tasks.start_soon(change)
            await _until(shop, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", 1)
            other.commit()
    assert done[0].failure is None, done[0].failure
    assert shop.sql("SELECT note FROM customers WHERE id = 1") == [("theirs+ours",)]
    await shop.undo()
    assert shop.sql("SELECT note FROM customers WHERE id = 1") == [("theirs",)]
