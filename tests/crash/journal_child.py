"""A program that appends, keeps blobs and takes numbers until it dies. Prints what it was told is done.

Arguments: home, crash point or `-`, which time to die there, events per append, writers. A single writer works alone:
then nothing is committed that it was not told before it goes on.
"""

import os
import sys
from pathlib import Path

import anyio

from glmos.abi.events import KernelSpoke, ProcessRow
from glmos.journal.stores.sqlite import SqliteStore
from glmos.testing.crash.points import DieAt


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def write(store: SqliteStore, pid: int, size: int) -> None:
    seq = await store.head(pid)
    for number in range(seq // size + 1, 10_000):
        events = [KernelSpoke(rule="prose", text=f"{pid}.{number}.{place}") for place in range(size)]
        row = ProcessRow(pid=pid, root=pid, parent=None, status="running", goal="活下去", seq=seq + size)
        seq = await store.append(pid, seq, events, at=float(number), row=row)
        tell(f"batch {pid} {number}")


async def keep(store: SqliteStore) -> None:
    start = await store.new_pid()
    tell(f"pid {start}")
    for number in range(10_000):
        ref = await store.put_blob(f"内容 {start} {number} ".encode() * 500)
        tell(f"blob {ref}")


async def main(home: str, point: str, count: str, size: str, writers: str) -> None:
    store = await SqliteStore.open(Path(home), crash_points=DieAt(point, int(count)))
    async with anyio.create_task_group() as tasks:
        if int(writers) > 1:
            tasks.start_soon(keep, store)
        for pid in range(1, int(writers) + 1):
            tasks.start_soon(write, store, pid, int(size))


anyio.run(main, *sys.argv[1:])
