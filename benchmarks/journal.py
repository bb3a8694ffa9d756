"""What the journal costs: appends by 1, 10 and 100 writers at once, reading, opening a long process.

    python benchmarks/journal.py                  # prints a Markdown table
    python benchmarks/journal.py --record         # also writes benchmarks/results/journal-DATE.md
    python benchmarks/journal.py --home /mnt/x    # on another disk

Every append is one event of 0.4 KB with the process's listing row, durable when it returns. Each writer has a process
of its own and appends one after the other. The floor is a plain file, written and synced once per event. CPU time is
of the whole program, all threads.
"""

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import anyio
from provenance import record

from glmos.abi.events import KernelSpoke, ProcessRow, ToolFinished
from glmos.abi.tools import Output
from glmos.journal.stores.sqlite import SqliteStore
from glmos.ports import Snapshot

EVENT = ToolFinished(call="c1", output=Output("地区,金额\n" + "华东,1250000\n" * 18), data={"exit_status": 0})
LONG = 10_000


class Measured(NamedTuple):
    what: str
    times: int
    wall: float
    cpu: float
    latencies: list[float]

    def row(self) -> str:
        p50, p99 = ("", "")
        if self.latencies:
            ordered = sorted(self.latencies)
            p50 = f"{statistics.median(ordered) * 1e3:.2f}"
            p99 = f"{ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3:.2f}"
        rate = self.times / self.wall
        return f"| {self.what} | {self.times:,} | {rate:,.0f} | {self.cpu / self.times * 1e6:.1f} | {p50} | {p99} |"


async def measure(what: str, count: int, work: Callable[[list[float]], Awaitable[None]]) -> Measured:
    latencies: list[float] = []
    wall, cpu = time.perf_counter(), time.process_time()
    await work(latencies)
    return Measured(what, count, time.perf_counter() - wall, time.process_time() - cpu, latencies)


def listing(pid: int, seq: int) -> ProcessRow:
    return ProcessRow(pid=pid, root=pid, parent=None, status="running", goal="哪个地区最高？", seq=seq)


def synced_file(home: Path, count: int) -> Callable[[list[float]], Awaitable[None]]:
    async def work(latencies: list[float]) -> None:
        fd = os.open(home / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for _ in range(count):
            start = time.perf_counter()
            os.write(fd, b"x" * 400)
            os.fdatasync(fd)
            latencies.append(time.perf_counter() - start)
        os.close(fd)

    return work


def appends(store: SqliteStore, writers: int, each: int, first: int) -> Callable[[list[float]], Awaitable[None]]:
    async def write(pid: int, latencies: list[float]) -> None:
        for seq in range(each):
            start = time.perf_counter()
            await store.append(pid, seq, [EVENT], at=1.0, row=listing(pid, seq + 1))
            latencies.append(time.perf_counter() - start)

    async def work(latencies: list[float]) -> None:
        async with anyio.create_task_group() as tasks:
            for pid in range(first, first + writers):
                tasks.start_soon(write, pid, latencies)

    return work


async def run(home: Path) -> list[Measured]:
    measured = [await measure("plain file, synced", 200, synced_file(home, 200))]
    store = await SqliteStore.open(home)
    for writers, each in ((1, 200), (10, 100), (100, 50)):
        work = appends(store, writers, each, first=writers * 1_000)
        measured.append(await measure(f"append, {writers} at once", writers * each, work))

    long = 1
    for start in range(0, LONG, 500):
        await store.append(long, start, [EVENT] * 500, at=1.0, row=listing(long, start + 500))
    await store.append(long, LONG, [KernelSpoke(rule="prose", text="last")], at=1.0)
    await store.save_snapshot(long, Snapshot(LONG, "1", os.urandom(20_000)))
    await store.aclose()

    async def scan(_: list[float]) -> None:
        assert len(await store.read(long)) == LONG + 1

    async def open_cold(latencies: list[float]) -> None:
        for _ in range(20):
            start = time.perf_counter()
            again = await SqliteStore.open(home)
            snapshot = await again.load_snapshot(long)
            assert snapshot is not None
            assert len(await again.read(long, after=snapshot.seq)) == 1
            latencies.append(time.perf_counter() - start)
            await again.aclose()

    async def take_numbers(latencies: list[float]) -> None:
        for _ in range(320):
            start = time.perf_counter()
            await store.new_pid()
            latencies.append(time.perf_counter() - start)

    async def put_blobs(latencies: list[float]) -> None:
        for _ in range(50):
            data = os.urandom(2_000) + b"payload " * 10_000
            start = time.perf_counter()
            await store.put_blob(data)
            latencies.append(time.perf_counter() - start)

    store = await SqliteStore.open(home)
    measured.append(await measure("read a log of 10,001 events", LONG + 1, scan))
    measured.append(await measure("open the journal and that process, by snapshot", 20, open_cold))
    measured.append(await measure("new pid", 320, take_numbers))
    measured.append(await measure("blob of 82 KB", 50, put_blobs))
    await store.aclose()
    return measured


def table(measured: list[Measured]) -> str:
    head = "| what | times | per second | CPU µs each | median ms | 99 % ms |\n|---|--:|--:|--:|--:|--:|"
    return "\n".join([head, *(one.row() for one in measured)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path, help="an existing folder on the disk to measure")
    parser.add_argument("--record", action="store_true", help="write the table to benchmarks/results/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.home) as home:
        text = table(anyio.run(run, Path(home)))
    print(text)
    if options.record:
        print(record("journal", "The journal", f"{text}\n\nSQLite {sqlite3.sqlite_version}."))


if __name__ == "__main__":
    main()
