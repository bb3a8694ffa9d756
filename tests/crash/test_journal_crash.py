"""What was acknowledged survives SIGKILL; what was not is there whole or not at all."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from glmos.abi.events import Entry, KernelSpoke
from glmos.journal.stores.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("journal_child.py")
BATCH = 3
"""Events the child writes with each append."""
WRITERS = 4
BEFORE = ["append.before_insert", "append.before_commit"]


class Died(NamedTuple):
    acknowledged: dict[int, int]
    """Batches of each process that the child was told are recorded."""
    blobs: list[str]
    pids: list[int]
    status: int


def run_child(
    home: Path, *, point: str = "-", count: int = 0, lines: int | None = None, writers: int = WRITERS
) -> Died:
    """Let the child work until it kills itself at the `count`th `point`, or is killed after so many `lines` of output."""
    command = [sys.executable, str(CHILD), str(home), point, str(count), str(BATCH), str(writers)]
    died = Died({}, [], [], 0)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout, start=1):
            if not line.endswith(b"\n"):
                break
            _note(died, line.decode().split())
            if number == lines:
                os.kill(child.pid, signal.SIGKILL)
    return died._replace(status=child.returncode)


def _note(died: Died, words: list[str]) -> None:
    match words:
        case ["batch", pid, number]:
            died.acknowledged[int(pid)] = int(number)
        case ["blob", ref]:
            died.blobs.append(ref)
        case ["pid", pid]:
            died.pids.append(int(pid))
        case _:
            raise AssertionError(words)


def batches(entries: list[Entry]) -> Iterator[list[str]]:
    texts = [entry.event.text for entry in entries if isinstance(entry.event, KernelSpoke)]
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


async def check(home: Path, died: Died, *, at_most_one_more: bool) -> None:
    store = await SqliteStore.open(home)
    for row in await store.rows():
        log = list(batches(await store.read(row.pid)))
        assert log == [[f"{row.pid}.{number}.{place}" for place in range(BATCH)] for number in range(1, len(log) + 1)]
        told = died.acknowledged.get(row.pid, 0)
        assert told <= len(log) <= told + (1 if at_most_one_more else 0)
        assert row.seq == len(log) * BATCH
    assert {pid for pid, number in died.acknowledged.items() if number} <= {row.pid for row in await store.rows()}
    for ref in died.blobs:
        assert (await store.get_blob(ref)).decode().startswith("内容")
    assert await store.new_pid() > max(died.pids, default=0)
    await store.aclose()


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("point", BEFORE)
async def test_a_crash_before_the_commit_leaves_exactly_what_was_acknowledged(
    tmp_path: Path, point: str, count: int
) -> None:
    died = run_child(tmp_path, point=point, count=count, writers=1)
    assert died.status == -signal.SIGKILL
    assert died.acknowledged == ({1: count - 1} if count > 1 else {})
    await check(tmp_path, died, at_most_one_more=False)


@pytest.mark.parametrize("point", BEFORE)
async def test_a_crash_before_a_shared_commit_leaves_whole_batches_only(tmp_path: Path, point: str) -> None:
    died = run_child(tmp_path, point=point, count=7)
    assert died.status == -signal.SIGKILL
    await check(tmp_path, died, at_most_one_more=True)


@pytest.mark.parametrize("count", [1, 7])
async def test_a_crash_after_the_commit_leaves_whole_batches_only(tmp_path: Path, count: int) -> None:
    died = run_child(tmp_path, point="append.after_commit", count=count)
    assert died.status == -signal.SIGKILL
    await check(tmp_path, died, at_most_one_more=True)


@pytest.mark.parametrize("point", ["blob.before_rename", "blob.after_rename"])
async def test_a_crash_while_a_blob_is_written_leaves_no_half_blob(tmp_path: Path, point: str) -> None:
    died = run_child(tmp_path, point=point, count=3)
    assert died.status == -signal.SIGKILL
    await check(tmp_path, died, at_most_one_more=True)
    files = [path for path in (tmp_path / "blobs").glob("??/*") if path.parent.name != "tmp"]
    store = await SqliteStore.open(tmp_path)
    for path in files:
        assert await store.get_blob(path.parent.name + path.name)
    await store.aclose()


async def test_a_home_survives_one_crash_after_another(tmp_path: Path) -> None:
    """The children go on where the one before died, so the log grows through the crashes."""
    rng = random.Random(20261123)
    acknowledged: dict[int, int] = {}
    for _ in range(6):
        died = run_child(tmp_path, lines=rng.randrange(1, 60))
        assert died.status == -signal.SIGKILL
        acknowledged |= died.acknowledged
        await check(tmp_path, died._replace(acknowledged=acknowledged), at_most_one_more=True)
        store = await SqliteStore.open(tmp_path)
        acknowledged = {row.pid: row.seq // BATCH for row in await store.rows()}
        await store.aclose()
    assert sum(acknowledged.values()) > 0


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="uses Linux system call numbers")
@pytest.mark.parametrize("syscall", ["sync", "write", "frozen"])
async def test_a_commit_that_the_disk_refused_does_not_come_back_after_a_crash(tmp_path: Path, syscall: str) -> None:
    """The kernel really answers EIO to every sync, ENOSPC to every write, or EROFS to both, of the writing thread."""
    script = Path(__file__).with_name("failing_disk_child.py")
    with anyio.fail_after(60):
        child = await anyio.run_process([sys.executable, str(script), str(tmp_path), syscall], check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    said = child.stdout.decode().splitlines()
    assert said[0] == "recorded 1"
    if syscall == "write":
        assert (
            said[1] == f"StoreError The disk that holds '{tmp_path}/journal.db' is full; free some space and try again."
        )
    else:
        assert said[1].startswith(f"StoreError The disk under the journal '{tmp_path}/journal.db' reported an error")
    assert said[2:] == ["head 1", "StoreError again", "head 1"]
    store = await SqliteStore.open(tmp_path)
    assert [entry.event for entry in await store.read(1)] == [KernelSpoke(rule="prose", text="first")]
    assert await store.append(1, 1, [KernelSpoke(rule="prose", text="second")], at=2.0) == 2
    await store.aclose()
