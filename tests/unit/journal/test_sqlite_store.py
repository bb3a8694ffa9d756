"""What the disk store does when the disk, the file or another program is in the way."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from glmos.abi.errors import ConflictError, ReplayError, StoreError
from glmos.abi.events import KernelSpoke, ProcessRow
from glmos.journal.codec import encode_row
from glmos.journal.stores.queries import migrations
from glmos.journal.stores.schema import prepare_database
from glmos.journal.stores.sqlite import PIDS_AT_ONCE, SqliteStore

pytestmark = pytest.mark.anyio

Limit = Callable[[int], AbstractContextManager[None]]
NOW = len(migrations())
"""The version of the schema."""


def said(text: str) -> KernelSpoke:
    return KernelSpoke(rule="prose", text=text)


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def journal_with_events(home: Path, count: int = 200) -> Path:
    store = await SqliteStore.open(home)
    await store.append(1, 0, [said(f"事件 {n} " + "x" * 200) for n in range(count)], at=1.0)
    await store.aclose()
    return store.path


# -- opening ----------------------------------------------------------------------------------------------------------


async def test_a_new_home_is_for_its_owner_only(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "新" / "家")
    await store.append(1, 0, [said("private")], at=1.0)
    assert (tmp_path / "新" / "家").stat().st_mode & 0o077 == 0
    for file in (tmp_path / "新" / "家").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    await store.aclose()
    assert {file.name for file in (tmp_path / "新" / "家").iterdir()} == {"journal.db", "blobs"}


async def test_a_journal_of_a_newer_version_is_refused_naming_both_versions(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path)
    sql(path, "PRAGMA user_version = 7")
    before = path.read_bytes()
    with pytest.raises(
        StoreError, match=rf"schema version 7, and this GLM-OS knows versions up to {NOW}; use the newer"
    ):
        await SqliteStore.open(tmp_path)
    assert path.read_bytes() == before


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    sql(tmp_path / "journal.db", "CREATE TABLE photos (id)")
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(StoreError, match="not a GLM-OS journal"):
        await SqliteStore.open(tmp_path)
    assert (tmp_path / "journal.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\x00" * 8192, "这不是数据库\n".encode() * 500, b"SQLite format 3\x00"])
async def test_a_file_that_is_no_database_is_called_damaged_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"journal\.db' is damaged .* left as it is; restore it from a backup"):
        await SqliteStore.open(tmp_path)
    assert (tmp_path / "journal.db").read_bytes() == content
    assert names(tmp_path) == ["journal.db"]


async def test_a_journal_cut_short_is_called_damaged(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path)
    size = path.stat().st_size
    os.truncate(path, size // 2 // 4096 * 4096)
    with pytest.raises(StoreError, match="damaged"):
        store = await SqliteStore.open(tmp_path)
        try:
            await store.read(1)
        finally:
            await store.aclose()
    assert path.stat().st_size < size


async def test_a_missing_database_beside_its_write_ahead_log_is_not_replaced(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path)
    store = await SqliteStore.open(tmp_path)
    await store.append(1, 200, [said("only in the log")], at=1.0)
    shutil.copy(path.with_name("journal.db-wal"), tmp_path / "saved")
    await store.aclose()
    path.unlink()
    (tmp_path / "saved").rename(path.with_name("journal.db-wal"))
    with pytest.raises(StoreError, match=r"the file is missing, but 'journal\.db-wal'"):
        await SqliteStore.open(tmp_path)


async def test_a_home_that_cannot_be_written_is_refused_in_words(tmp_path: Path, unprivileged: None) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"cannot be written \(Permission denied\).*GLMOS_HOME"):
        await SqliteStore.open(tmp_path / "closed")


async def test_a_journal_in_a_folder_closed_since_is_refused_in_words(tmp_path: Path, unprivileged: None) -> None:
    path = await journal_with_events(tmp_path / "home")
    path.chmod(0o400)
    path.parent.chmod(0o500)
    with pytest.raises(StoreError, match=r"cannot be opened for writing .*GLMOS_HOME"):
        await SqliteStore.open(tmp_path / "home")
    path.parent.chmod(0o700)


async def test_a_home_below_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="is not a folder"):
        await SqliteStore.open(tmp_path / "file")


async def test_two_programs_that_make_one_home_share_one_journal(tmp_path: Path) -> None:
    stores: list[SqliteStore] = []

    async def make() -> None:
        stores.append(await SqliteStore.open(tmp_path))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(make)
    for pid, store in enumerate(stores, start=1):
        await store.append(pid, 0, [said("here")], at=1.0)
    assert [await stores[0].head(pid) for pid in range(1, 6)] == [1, 1, 1, 1, 1]
    for store in stores:
        await store.aclose()
    assert names(tmp_path) == ["blobs", "journal.db"]


# -- migrating --------------------------------------------------------------------------------------------------------

NEXT = ("004_notes", "CREATE TABLE notes (pid INTEGER, text TEXT) STRICT; INSERT INTO notes VALUES (1, 'moved');")


async def test_an_old_journal_is_copied_and_then_migrated(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path)
    prepare_database(path, busy_seconds=1.0, scripts=[*migrations(), NEXT])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (NOW + 1,)
        assert db.execute("SELECT text FROM notes").fetchone() == ("moved",)
        assert db.execute("SELECT count(*) FROM events").fetchone() == (200,)
    backup = tmp_path / f"journal.db.v{NOW}-backup"
    (tmp_path / "old").mkdir()
    shutil.copy(backup, tmp_path / "old" / "journal.db")
    store = await SqliteStore.open(tmp_path / "old")
    assert await store.head(1) == 200
    await store.aclose()


async def test_a_journal_of_the_first_version_learns_its_trees_and_who_rests(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    prepare_database(path, busy_seconds=1.0, scripts=migrations()[:1])
    rows = [
        row(1, "running"),
        ProcessRow(2, 1, 1, "waiting", "等", waits_for="哪一年？"),
        ProcessRow(3, 1, 1, "waiting", "g", waits_for="children"),
        ProcessRow(4, 4, None, "waiting", "g", waits_for="time", wake_at=9.0),
        ProcessRow(5, 5, None, "suspended", "g"),
        ProcessRow(6, 6, None, "done", "g"),
    ]
    with closing(sqlite3.connect(path)) as db, db:
        for item in rows:
            ended = item.status == "done"
            db.execute("INSERT INTO processes VALUES (?, ?, ?)", (item.pid, ended, encode_row(item).decode()))
    store = await SqliteStore.open(tmp_path)
    assert await store.rows() == rows
    assert [x.pid for x in await store.tree(1)] == [1, 2, 3]
    assert [x.pid for x in await store.rows(awake_only=True)] == [1, 3, 4]
    await store.aclose()


async def test_a_migration_that_fails_leaves_the_old_journal_in_use(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path)
    bad = ("004_bad", "CREATE TABLE notes (pid INTEGER) STRICT; INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreError, match="nowhere"):
        prepare_database(path, busy_seconds=1.0, scripts=[*migrations(), bad])
    store = await SqliteStore.open(tmp_path)
    assert await store.append(1, 200, [said("still version 1")], at=1.0) == 201
    await store.aclose()


# -- writing ----------------------------------------------------------------------------------------------------------


async def test_a_full_disk_records_nothing_and_the_store_goes_on_when_there_is_room(
    tmp_path: Path, no_file_above: Limit
) -> None:
    store = await SqliteStore.open(tmp_path)
    await store.append(1, 0, [said("first")], at=1.0, row=row(1, "running"))
    with no_file_above(150_000):
        with pytest.raises(StoreError, match=r"The disk under the journal '.*journal\.db' reported an error"):
            await store.append(1, 1, [said("x" * 400_000)], at=2.0, row=row(1, "done"))
        assert await store.head(1) == 1
        assert await store.append(1, 1, [said("a small one fits")], at=2.0) == 2
    assert await store.append(1, 2, [said("y" * 400_000)], at=3.0) == 3
    assert await store.row(1) == row(1, "running")
    await store.aclose()


async def test_a_batch_too_large_for_the_disk_does_not_take_others_of_its_commit_with_it(
    tmp_path: Path, no_file_above: Limit
) -> None:
    store = await SqliteStore.open(tmp_path)
    outcomes: dict[int, str] = {}

    async def write(pid: int, text: str) -> None:
        try:
            await store.append(pid, 0, [said(text)], at=1.0)
            outcomes[pid] = "recorded"
        except StoreError:
            outcomes[pid] = "refused"

    with no_file_above(300_000):
        async with anyio.create_task_group() as tasks:
            for pid in range(1, 9):
                tasks.start_soon(write, pid, "x" * 600_000 if pid == 4 else "small")
    assert outcomes == {pid: "refused" if pid == 4 else "recorded" for pid in range(1, 9)}
    assert [await store.head(pid) for pid in range(1, 9)] == [1, 1, 1, 0, 1, 1, 1, 1]
    await store.aclose()


async def test_an_append_is_refused_while_another_program_holds_the_journal(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path, busy_seconds=0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another program; close that program and try again"):
            await store.append(1, 0, [said("a")], at=1.0)
        assert await store.head(1) == 0
    assert await store.append(1, 0, [said("a")], at=1.0) == 1
    await store.aclose()


async def test_whatever_arrives_during_a_commit_shares_the_next_one(tmp_path: Path) -> None:
    commits = 0

    def count(point: str) -> None:
        nonlocal commits
        commits += point == "append.after_commit"

    store = await SqliteStore.open(tmp_path, crash_points=count)

    async def write(pid: int) -> None:
        await store.append(pid, 0, [said("a")], at=1.0)

    async with anyio.create_task_group() as tasks:
        for pid in range(1, 101):
            tasks.start_soon(write, pid)
    assert commits < 20
    await store.aclose()


async def test_numbers_are_reserved_many_at_a_time(tmp_path: Path) -> None:
    commits = 0

    def count(point: str) -> None:
        nonlocal commits
        commits += point == "append.after_commit"

    store = await SqliteStore.open(tmp_path, crash_points=count)
    for _ in range(3 * PIDS_AT_ONCE):
        await store.new_pid()
    assert commits == 3
    await store.aclose()


async def test_an_error_nobody_thought_of_is_reported_and_the_store_goes_on(tmp_path: Path) -> None:
    broken = True

    def point(name: str) -> None:
        if broken and name == "append.before_commit":
            raise RuntimeError("cosmic ray")

    store = await SqliteStore.open(tmp_path, crash_points=point)
    with pytest.raises(StoreError, match="cosmic ray") as caught:
        await store.append(1, 0, [said("a")], at=1.0)
    assert isinstance(caught.value.__cause__, RuntimeError)
    broken = False
    assert await store.append(1, 0, [said("b")], at=1.0) == 1
    await store.aclose()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_writer_that_died(tmp_path: Path) -> None:
    def point(name: str) -> None:
        if name == "append.after_commit":
            raise SystemExit

    store = await SqliteStore.open(tmp_path, crash_points=point)
    with anyio.fail_after(5):
        assert await store.append(1, 0, [said("recorded")], at=1.0) == 1
        with pytest.raises(StoreError, match="closed"):
            while True:
                await store.append(2, 0, [said("never")], at=1.0)
        await store.aclose()


# -- reading ----------------------------------------------------------------------------------------------------------


async def test_an_event_of_a_later_version_is_named_with_its_place(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path, count=3)
    sql(path, """UPDATE events SET body = '{"type":"dream.began"}', seal = NULL WHERE seq = 2""")
    store = await SqliteStore.open(tmp_path)
    with pytest.raises(ReplayError, match=r"Event 2 of process 1: An event of kind 'dream\.began'"):
        await store.read(1)
    assert len(await store.read(1, after=2)) == 1
    await store.aclose()


async def test_a_snapshot_that_is_damaged_is_as_good_as_none(tmp_path: Path) -> None:
    path = await journal_with_events(tmp_path, count=1)
    sql(path, "INSERT INTO snapshots VALUES (1, 1, 'v1', x'28b52ffd00')")
    store = await SqliteStore.open(tmp_path)
    assert await store.load_snapshot(1) is None
    await store.aclose()


async def test_a_conflict_after_another_program_wrote_is_noticed(tmp_path: Path) -> None:
    ours, theirs = await SqliteStore.open(tmp_path), await SqliteStore.open(tmp_path)
    await theirs.append(1, 0, [said("theirs")], at=1.0)
    with pytest.raises(ConflictError):
        await ours.append(1, 0, [said("ours")], at=1.0)
    await ours.aclose()
    await theirs.aclose()


async def test_reads_under_way_end_before_the_store_closes(tmp_path: Path) -> None:
    await journal_with_events(tmp_path, count=2_000)
    store = await SqliteStore.open(tmp_path)
    outcomes: list[str] = []

    async def read() -> None:
        try:
            outcomes.append(str(len(await store.read(1))))
        except StoreError:
            outcomes.append("closed")

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(read)
            await anyio.lowlevel.checkpoint()
            tasks.start_soon(store.aclose)
    assert set(outcomes) <= {"2000", "closed"}
    assert len(outcomes) == 20


def row(pid: int, status: str) -> ProcessRow:
    return ProcessRow(pid=pid, root=pid, parent=None, status=status, goal="目标")
