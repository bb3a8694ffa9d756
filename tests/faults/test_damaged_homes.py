"""A home whose journal is older, newer or damaged: migrated, refused or reported; never replaced; saved as far as it goes."""

import os
import random
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import msgspec
import pytest

from glmos.abi import events as e
from glmos.abi.api import Finding, Salvage
from glmos.abi.errors import ConflictError, StoreError, UsageError
from glmos.boot.identity import identity
from glmos.boot.salvage import salvage
from glmos.journal.codec import encode_event, encode_row
from glmos.journal.lock import HomeLock
from glmos.journal.stores.queries import migrations
from glmos.journal.stores.salvage import check
from glmos.journal.stores.schema import prepare_database
from glmos.journal.stores.sqlite import SqliteStore
from glmos.kernel.fold import fold_all
from glmos.kernel.report import row
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from tests.scenarios.notebook import Echo

pytestmark = pytest.mark.anyio

RNG = random.Random(20261123)
LONG = "很长的输出 " * 3_000
"""Too long for an event: it becomes a payload beside the journal."""


def files(home: Path) -> dict[str, bytes]:
    return {x.name: x.read_bytes() for x in home.glob("journal.db*") if not x.name.endswith("-shm")}


async def logs(home: Path) -> dict[int, list[e.Entry]]:
    store = await SqliteStore.open(home)
    try:
        return {listed.pid: await store.read(listed.pid) for listed in await store.rows()}
    finally:
        await store.aclose()


async def made(home: Path, *, processes: int = 6) -> dict[int, list[e.Entry]]:
    """A home with processes of the real kernel: the odd ones done, the even ones waiting for a person."""
    store = await SqliteStore.open(home)
    claim = [{"claim": "heard", "call": "c1", "quote": "heard:"}]

    def script(request: object) -> object:
        said = [m.content for m in request.messages]  # type: ignore[attr-defined]
        if "等" in said[1]:
            return call("ask", question="哪一年?")
        return call("finish", result="好", claims=claim) if "heard" in said[-1] else call("echo", text=LONG)

    try:
        async with world(home, ScriptedModel(script), tools=[Echo()], store=store) as w:  # type: ignore[arg-type]
            for number in range(1, processes + 1):
                report = await w.system.run("说" if number % 2 else "等")
                assert report.status == ("done" if number % 2 else "waiting"), report.reason
    finally:
        await store.aclose()
    (home / "glmos.toml").write_text("[limits]\nmax_turns = 30\n")
    return await logs(home)


# -- older and newer --------------------------------------------------------------------------------------------------


def old_journal(path: Path, version: int) -> list[e.Event]:
    """What a program of an earlier schema left, written by SQL alone."""
    events: list[e.Event] = [e.ProcessCreated("一月的销售额?", root=1), e.PersonAsked("哪一年?")]
    state = fold_all(e.Entry(1, n, float(n), x) for n, x in enumerate(events, 1))
    with closing(sqlite3.connect(path)) as db:
        for number, (_, text) in enumerate(migrations()[:version], 1):
            db.executescript(f"{text}\nPRAGMA user_version = {number};")
        for seq, event in enumerate(events, 1):
            values = {"seq": seq, "at": float(seq), "body": encode_event(event).decode()}
            if version < 3:  # the kind stood beside the body
                values["type"] = msgspec.json.decode(encode_event(event))["type"]
            names = ", ".join(values)
            marks = ", ".join(f":{name}" for name in values)
            db.execute(f"INSERT INTO events (pid, {names}) VALUES (1, {marks})", values)
        db.execute("INSERT INTO processes (pid, ended, body) VALUES (1, 0, ?)", (encode_row(row(state)).decode(),))
        db.execute("UPDATE counters SET value = 1 WHERE name = 'pids'")
        db.commit()
    return events


@pytest.mark.parametrize("version", range(1, len(migrations())))
async def test_a_journal_of_an_older_version_is_migrated_and_its_processes_go_on(tmp_path: Path, version: int) -> None:
    events = old_journal(tmp_path / "journal.db", version)
    store = await SqliteStore.open(tmp_path)
    assert [x.event for x in await store.read(1)] == events
    async with world(tmp_path, [call("finish", result="好")], store=store) as w:
        await w.system.machine.parts.workspaces.create(1, ())
        assert (await w.system.report(1)).question == "哪一年?"
        await w.system.answer(1, "2025")
        assert (await w.system.wait(1)).status == "done"
    await store.aclose()
    assert check(tmp_path / "journal.db")[1] == []
    with closing(sqlite3.connect(tmp_path / f"journal.db.v{version}-backup")) as db:
        assert db.execute("SELECT count(*) FROM events").fetchone() == (2,)
        assert db.execute("PRAGMA user_version").fetchone() == (version,)


async def test_a_migration_that_the_disk_refuses_leaves_the_old_journal_whole(tmp_path: Path) -> None:
    events = old_journal(tmp_path / "journal.db", 1)
    refused = ("004_full", "CREATE TABLE big (x); INSERT INTO big SELECT randomblob(1 << 40);")
    with pytest.raises(StoreError):
        prepare_database(tmp_path / "journal.db", busy_seconds=0.1, scripts=[*migrations(), refused])
    store = await SqliteStore.open(tmp_path)
    assert [x.event for x in await store.read(1)] == events
    await store.aclose()


# -- damaged ----------------------------------------------------------------------------------------------------------


def page_of(path: Path, text: str) -> int:
    """Where in the file a text of one event lies."""
    place = path.read_bytes().find(text.encode())
    assert place > 0
    return place


def overwrite(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


async def test_one_turned_letter_stops_one_process_and_the_others_run_on(tmp_path: Path) -> None:
    whole = await made(tmp_path)
    overwrite(tmp_path / "journal.db", page_of(tmp_path / "journal.db", '"call":"c1","tool":"echo"') + 8, b"d")
    store = await SqliteStore.open(tmp_path)
    async with world(tmp_path, [call("finish", result="2025")], store=store) as w:
        with pytest.raises(StoreError, match=r"Event \d+ of process 1 is damaged: .*glmos doctor --salvage FOLDER"):
            await w.system.report(1)
        await w.system.answer(2, "2025")
        assert (await w.system.wait(2)).status == "done"
        assert (await w.system.report(3)).status == "done"
    await store.aclose()
    _, problems = check(tmp_path / "journal.db")
    assert len(problems) == 1
    assert "of process 1 does not fit its checksum" in problems[0]

    found = await salvage(tmp_path, tmp_path.with_name("saved"))
    by_pid = {p.pid: p for p in found.processes}
    assert (by_pid[1].status, by_pid[1].of, by_pid[1].why) == (
        "suspended",
        len(whole[1]),
        f"event {by_pid[1].events + 1} is lost",
    )
    assert [p.why for p in found.processes if p.pid != 1] == [""] * 5
    saved = await logs(tmp_path.with_name("saved"))
    assert {pid: saved[pid] for pid in (3, 5)} == {pid: whole[pid] for pid in (3, 5)}
    assert saved[1][: by_pid[1].events] == whole[1][: by_pid[1].events]
    assert [type(x.event).__name__ for x in saved[1][by_pid[1].events :]] == ["ProcessRecovered", "SignalReceived"]
    behind = [
        msgspec.json.decode(x) for x in (tmp_path.with_name("saved") / "lost-events.jsonl").read_bytes().splitlines()
    ]
    assert [x["seq"] for x in behind] == list(range(by_pid[1].events + 2, len(whole[1]) + 1))


def truncated(home: Path) -> None:
    os.truncate(home / "journal.db", (home / "journal.db").stat().st_size // 2)


def beheaded(home: Path) -> None:
    overwrite(home / "journal.db", 0, bytes(100))


def holes(home: Path) -> None:
    pages = (home / "journal.db").stat().st_size // 4096
    for page in RNG.sample(range(1, pages), max(1, pages // 6)):
        overwrite(home / "journal.db", page * 4096, RNG.randbytes(4096))


def rooted_out(home: Path) -> None:
    """The page that leads to all events is gone; the events are not."""
    with closing(sqlite3.connect(home / "journal.db")) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
    overwrite(home / "journal.db", (page - 1) * 4096, bytes(64))


def speckled(home: Path) -> None:
    size = (home / "journal.db").stat().st_size
    for _ in range(12):
        overwrite(home / "journal.db", RNG.randrange(100, size), RNG.randbytes(1))


@pytest.mark.parametrize(
    "damage", [truncated, beheaded, holes, rooted_out, speckled], ids=lambda damage: damage.__name__
)
async def test_what_is_saved_is_a_beginning_of_what_was_recorded(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    home, saved = tmp_path / "家", tmp_path / "saved"
    whole = await made(home, processes=8)
    damage(home)
    before = files(home)
    proposed = await salvage(home, None)
    assert not saved.exists()
    found = await salvage(home, saved)
    assert files(home) == before, "the damaged home is left as it is"
    assert (found.processes, found.blobs) == (proposed.processes, proposed.blobs)
    assert found.whole + sum(1 for p in found.processes if p.events) > 0, "something could be saved"
    kept = await logs(saved)
    for process in found.processes:
        if not process.events:
            assert process.pid not in kept
            continue
        log = kept[process.pid]
        assert log[: process.events] == whole[process.pid][: process.events]
        state = fold_all(log)
        if state.exit is None:
            assert state.suspended, "what has no end waits for a person"
        else:
            assert log == whole[process.pid]
    assert check(saved / "journal.db") == (sum(map(len, kept.values())), [])
    assert (saved / "glmos.toml").read_text() == (home / "glmos.toml").read_text()
    assert (saved / "workspaces").is_dir()


async def test_a_saved_process_goes_on_where_it_was(tmp_path: Path) -> None:
    await made(tmp_path / "home")
    overwrite(tmp_path / "home" / "journal.db", page_of(tmp_path / "home" / "journal.db", '"tool":"echo"'), b"?")
    await salvage(tmp_path / "home", tmp_path / "saved")
    store = await SqliteStore.open(tmp_path / "saved")
    async with world(tmp_path / "saved", [call("finish", result="2025")], store=store) as w:
        assert (await w.system.report(2)).status == "suspended"
        await w.system.signal(2, "resume")
        assert (await w.system.wait(2)).question == "哪一年?"
        await w.system.answer(2, "2025")
        assert (await w.system.wait(2)).status == "done"
        assert (await w.system.report(3)).answer == "好"
    await store.aclose()


async def test_payloads_that_are_damaged_or_gone_are_named(tmp_path: Path) -> None:
    await made(tmp_path / "home")
    blobs = sorted((tmp_path / "home" / "blobs").glob("??/*"))
    overwrite(blobs[0], 20, b"????")
    found = await salvage(tmp_path / "home", tmp_path / "saved")
    assert found.lost_blobs == (blobs[0].parent.name + blobs[0].name,)
    assert found.whole == 6


async def test_nothing_is_saved_over_something_or_from_a_home_in_use(tmp_path: Path) -> None:
    await made(tmp_path / "home")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(UsageError, match="is not an empty folder"):
        await salvage(tmp_path / "home", tmp_path / "full")
    with pytest.raises(UsageError, match="inside the damaged home"):
        await salvage(tmp_path / "home", tmp_path / "home" / "new")
    with pytest.raises(UsageError, match="no journal"):
        await salvage(tmp_path / "full", tmp_path / "new")
    with HomeLock(tmp_path / "home"), pytest.raises(ConflictError, match="in use by process"):
        await salvage(tmp_path / "home", tmp_path / "new2", patience=0.1)


# -- as a person sees it ----------------------------------------------------------------------------------------------


async def glmos(home: Path, *words: str) -> tuple[int, str, str]:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"GLMOS_HOME": str(home)}
    with anyio.fail_after(90):
        done = await anyio.run_process([sys.executable, "-m", "glmos", *words], env=env, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_the_doctor_reports_the_damage_and_saves_what_can_be_saved(tmp_path: Path) -> None:
    home, saved = tmp_path / "home", tmp_path / "saved"
    await made(home)
    beheaded(home)
    before = files(home)
    status, _, err = await glmos(home, "ps")
    assert status == 1
    assert "is damaged" in err and "glmos doctor --salvage FOLDER" in err and "Traceback" not in err
    status, out, _ = await glmos(home, "doctor", "--json")
    findings = {f.what: f for f in msgspec.json.decode(out, type=list[Finding])}
    assert status == 1
    assert findings["journal"].detail.startswith("6 processes whole, 0 in part, 0 lost; ")
    assert files(home) == before

    status, out, err = await glmos(home, "doctor", "--salvage", str(saved))
    assert status == 0, err
    assert "6 processes whole" in out
    assert files(home) == before
    status, out, _ = await glmos(saved, "ps", "--all", "--json")
    assert [(x["pid"], x["status"]) for x in msgspec.json.decode(out)] == [
        (1, "done"), (2, "suspended"), (3, "done"), (4, "suspended"), (5, "done"), (6, "suspended"),
    ]  # fmt: skip
    status, out, _ = await glmos(saved, "doctor", "--json")
    assert {f.what: f.ok for f in msgspec.json.decode(out, type=list[Finding])}["journal"]
    status, out, err = await glmos(saved, "doctor", "--salvage", str(tmp_path / "again"), "--json")
    assert status == 0, err
    assert msgspec.json.decode(out, type=Salvage).whole == 6


async def test_a_saved_home_keeps_the_name_by_which_databases_know_its_transactions(tmp_path: Path) -> None:
    """Under another name a probe would say that what was committed never happened, and it would be done again."""
    home, saved = tmp_path / "home", tmp_path / "saved"
    await made(home, processes=1)
    name = identity(home)
    beheaded(home)
    await salvage(home, saved)
    assert identity(saved) == name


async def test_a_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    await made(tmp_path)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        db.execute("PRAGMA user_version = 99")
    before = files(tmp_path)
    status, _, err = await glmos(tmp_path, "ps")
    assert status == 1
    assert "schema version 99" in err and "use the newer GLM-OS that wrote it" in err
    assert files(tmp_path) == before
