"""Files of the journal cut short or with bits turned, at many places: what opens is a beginning of what was recorded, or it
is said what is damaged. Nothing that did not happen is ever read, and the file is left as it is."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from glmos.abi.errors import DeviceError, ReplayError, StoreError
from glmos.abi.events import KernelSpoke, ProcessRow
from glmos.journal.stores.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

PIDS = (1, 2, 3)
EVENTS = 60
RNG = random.Random(20261123)
PLACES = 60
"""Random places in each file, beside those where its structures begin."""


def said(pid: int, seq: int) -> KernelSpoke:
    return KernelSpoke("prose", f"{pid}.{seq} 事件 " + "x" * 150)


async def write(home: Path) -> None:
    store = await SqliteStore.open(home)
    for seq in range(EVENTS):
        for pid in PIDS:
            row = ProcessRow(pid, pid, None, "running", "目标", seq=seq + 1)
            await store.append(pid, seq, [said(pid, seq + 1)], at=float(seq + 1), row=row)
    await store.put_blob("内容".encode() * 5_000)
    # Not closed in order: what a crash leaves, with everything in the write-ahead log.
    for file in home.glob("journal.db*"):
        shutil.copy(file, home / f"crashed-{file.name}")
    await store.aclose()


@pytest.fixture
async def crashed(tmp_path: Path) -> Path:
    """A home after a crash: most of it in the write-ahead log."""
    await write(tmp_path / "made")
    home = tmp_path / "crashed"
    home.mkdir()
    for file in (tmp_path / "made").glob("crashed-*"):
        shutil.copy(file, home / file.name.removeprefix("crashed-"))
    return home


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """A home after an orderly end: everything in the database."""
    await write(tmp_path / "made")
    home = tmp_path / "closed"
    home.mkdir()
    shutil.copy(tmp_path / "made" / "journal.db", home)
    return home


async def read(home: Path) -> tuple[dict[int, int], list[str]]:
    """How many events each process still has, each of them as it was recorded; and what was said to be damaged."""
    lengths: dict[int, int] = {}
    complaints: list[str] = []
    try:
        store = await SqliteStore.open(home)
    except StoreError as error:
        return {}, [str(error)]
    try:
        for pid in PIDS:
            try:
                entries = await store.read(pid)
            except (StoreError, ReplayError) as error:
                complaints.append(str(error))
                continue
            for seq, entry in enumerate(entries, 1):
                assert (entry.pid, entry.seq, entry.at, entry.event) == (pid, seq, float(seq), said(pid, seq))
            lengths[pid] = len(entries)
        try:
            for row in await store.rows():
                assert (row.pid, row.goal, row.status) in {(pid, "目标", "running") for pid in PIDS}
                assert 1 <= row.seq <= EVENTS
        except (StoreError, ReplayError) as error:
            complaints.append(str(error))
    finally:
        await store.aclose()
    return lengths, complaints


def places(path: Path, page: int) -> list[int]:
    size = path.stat().st_size
    borders = [n + d for n in range(0, size, page) for d in (0, 1, 7) if n + d < size]
    return sorted({*RNG.sample(borders, min(PLACES // 2, len(borders))), *(RNG.randrange(size) for _ in range(PLACES))})


def cut(path: Path, place: int) -> None:
    os.truncate(path, place)


def turn(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ (1 << RNG.randrange(8))]))


def blank(path: Path, place: int) -> None:
    """A sector that was never written."""
    with path.open("r+b") as file:
        file.seek(place // 512 * 512)
        file.write(bytes(512))


DAMAGE: list[Callable[[Path, int], None]] = [cut, turn, blank]


async def damaged_everywhere(home: Path, name: str, damage: Callable[[Path, int], None], page: int) -> list[object]:
    """Damage a copy of `home` at each place in turn; what came of it, one line each."""
    outcomes: list[object] = []
    for place in places(home / name, page):
        copy = home.parent / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(home, copy)
        damage(copy / name, place)
        before = (copy / "journal.db").read_bytes()
        lengths, complaints = await read(copy)
        if not lengths:
            assert complaints
            assert (copy / "journal.db").read_bytes() == before, "what cannot be opened is left as it is"
        for complaint in complaints:
            assert "\n" not in complaint
            assert any(word in complaint for word in ("damaged", "not a GLM-OS journal", "schema version")), complaint
        assert complaints or len(lengths) == len(PIDS)
        outcomes.append((place, lengths, complaints))
    return outcomes


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
async def test_a_damaged_write_ahead_log_gives_a_beginning_of_what_was_recorded(
    crashed: Path, damage: Callable[[Path, int], None]
) -> None:
    for _, lengths, complaints in await damaged_everywhere(crashed, "journal.db-wal", damage, 4096 + 24):  # type: ignore[misc]
        assert complaints or max(lengths.values()) - min(lengths.values()) <= 1, "a beginning of the whole journal"


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
async def test_a_damaged_database_says_so_or_gives_what_was_recorded(
    closed: Path, damage: Callable[[Path, int], None]
) -> None:
    outcomes = await damaged_everywhere(closed, "journal.db", damage, 4096)
    whole = [x for x in outcomes if not x[2]]  # type: ignore[index]
    for _, lengths, _ in whole:  # type: ignore[misc]
        assert set(lengths.values()) == {EVENTS}, "events went missing without a word"
    assert len(whole) < len(outcomes), "some of it hit something"


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
async def test_a_damaged_blob_is_never_given_out(tmp_path: Path, damage: Callable[[Path, int], None]) -> None:
    store = await SqliteStore.open(tmp_path)
    content = bytes(RNG.randrange(256) for _ in range(3_000))
    ref = await store.put_blob(content)
    path = tmp_path / "blobs" / ref[:2] / ref[2:]
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole)
        damage(path, place)
        if path.read_bytes() == whole:
            continue
        with pytest.raises(DeviceError, match="its content does not match its name"):
            await store.get_blob(ref)
    await store.put_blob(content)
    assert await store.get_blob(ref) == content, "the same content again mends it"
    await store.aclose()
