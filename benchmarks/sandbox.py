"""What the sandbox costs: programs, a Python kernel and its cells, saving and restoring a workspace of 10,000 files.

    python benchmarks/sandbox.py                  # prints a Markdown table
    python benchmarks/sandbox.py --record         # also writes benchmarks/results/sandbox-DATE.md
    python benchmarks/sandbox.py --home /mnt/x    # on another disk

Programs: until the call returns, so with start, end and proof that nothing is left. The floor is the same program
without a sandbox. Kernel: from nothing to the answer of the first cell, and the round trip of a cell in a warm one, both
through the `python` tool as a process uses it; the floors are importing IPython's kernel, and a line through a pipe to a
bare interpreter and back. Files: 3.2 KB each, random, in 100 folders; the floor is a walk with `lstat`.

Goals, on an idle core: a command 25 ms, a cell 10 ms, a kernel 1 s, a snapshot of 10,000 files 80 ms, rollback 120 ms.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import anyio
from provenance import record

from glmos.abi.tools import ToolCall
from glmos.ports import ToolContext
from glmos.sandbox import BubblewrapSandbox, DiskWorkspaces
from glmos.tools.python import Python

FILES = 10_000
CHANGED = 20


class Measured(NamedTuple):
    what: str
    seconds: list[float]

    def row(self) -> str:
        ordered = sorted(self.seconds)
        return f"| {self.what} | {len(ordered)} | {statistics.median(ordered) * 1e3:.2f} | {ordered[0] * 1e3:.2f} |"


async def measure(what: str, times: int, work: Callable[[], Awaitable[object]]) -> Measured:
    seconds: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - start)
    return Measured(what, seconds)


async def programs(folder: Path) -> list[Measured]:
    sandbox = BubblewrapSandbox()
    workspace = folder / "work"
    workspace.mkdir()

    def inside(*argv: str) -> Callable[[], Awaitable[object]]:
        return lambda: sandbox.run(argv, pid=1, workspace=workspace)

    def outside(*argv: str) -> Callable[[], Awaitable[object]]:
        return lambda: anyio.run_process(argv)

    async def session() -> None:
        await (await sandbox.open(["sleep", "100"], pid=1, workspace=workspace)).kill()

    await sandbox.require()
    return [
        await measure("`true`, no sandbox", 40, outside("true")),
        await measure("`true`", 40, inside("true")),
        await measure("`python -c pass`, no sandbox", 40, outside(sys.executable, "-c", "pass")),
        await measure("`python -c pass`", 40, inside("python", "-c", "pass")),
        await measure("`python -c 'import pandas'`, no sandbox", 5, outside(sys.executable, "-c", "import pandas")),
        await measure("`python -c 'import pandas'`", 5, inside("python", "-c", "import pandas")),
        await measure("open a session and kill it", 20, session),
    ]


async def kernels(folder: Path) -> list[Measured]:
    sandbox = BubblewrapSandbox()
    workspace = folder / "cells"
    workspace.mkdir()
    tool, context = Python(), ToolContext(workspace, sandbox, print)

    async def cell(pid: int) -> None:
        result = await tool.run(ToolCall(pid, "c1", "python", "run", {"code": "6 * 7"}), context)
        if result.text != "42":
            raise SystemExit(f"the cell gave {result}")

    async def start() -> None:
        started.append(len(started) + 1)
        await cell(started[-1])

    started: list[int] = []
    imported = "import IPython, ipykernel.ipkernel"
    measured = [
        await measure(
            f"`python -c '{imported}'`, no sandbox", 5, lambda: anyio.run_process([sys.executable, "-c", imported])
        ),
        await measure("kernel ready and its first cell", 8, start),
    ]
    for pid in started[1:]:
        await tool.release(pid)
    measured += [await piped(), await measure("cell of a warm kernel", 100, lambda: cell(started[0]))]
    await tool.release(started[0])
    await sandbox.aclose()
    return measured


async def piped() -> Measured:
    """The floor of a cell."""
    bare = [sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: print(eval(line))"]
    async with await anyio.open_process(bare, stderr=None) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answer = process.stdin, process.stdout

        async def turn() -> None:
            await ask.send(b"6 * 7\n")
            await answer.receive()

        await turn()
        measured = await measure("a line to a bare interpreter and back, no sandbox", 100, turn)
        await ask.aclose()
    return measured


def walk(folder: Path) -> None:
    for inner in os.scandir(folder):
        for file in os.scandir(inner.path):
            file.stat(follow_symlinks=False)


async def workspaces(folder: Path) -> list[Measured]:
    home = DiskWorkspaces(folder / "home")
    await home.create(1, ())
    place = home.path(1)
    for number in range(FILES):
        inner = place / f"folder-{number % 100}"
        inner.mkdir(exist_ok=True)
        (inner / f"file-{number}").write_bytes(os.urandom(3200))

    async def floor() -> None:
        walk(place)

    async def save() -> None:
        saved.append(await home.save(1))

    def change() -> None:
        for number in range(CHANGED):
            (place / f"folder-{number}" / f"file-{number}").write_bytes(os.urandom(3200))

    async def restore() -> None:
        await home.restore(1, saved[0])

    saved: list[str] = []
    measured = [
        await measure(f"walk {FILES:,} files", 5, floor),
        await measure(f"first save of {FILES:,} files", 1, save),
        await measure("save again, nothing changed", 5, save),
    ]
    changed, restored = Measured(f"save, {CHANGED} files changed", []), Measured(f"restore, {CHANGED} changed", [])
    for _ in range(5):
        change()
        changed.seconds.extend((await measure("", 1, save)).seconds)
        restored.seconds.extend((await measure("", 1, restore)).seconds)
    shutil.rmtree(place / "folder-7")
    measured += [changed, restored, await measure("restore, 100 files deleted", 1, restore)]
    measured.append(await measure("what changed since", 5, lambda: home.changes(1, saved[0])))
    measured.append(await measure("copy all to another process", 1, lambda: home.copy(1, 2, snapshot=saved[0])))
    await home.aclose()
    return measured


async def run(folder: Path) -> str:
    rows = [one.row() for one in [*await programs(folder), *await kernels(folder), *await workspaces(folder)]]
    return "\n".join(["| what | times | median ms | least ms |\n|---|--:|--:|--:|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path, help="an existing folder on the disk to measure")
    parser.add_argument("--record", action="store_true", help="write the table to benchmarks/results/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.home) as folder:
        text = anyio.run(run, Path(folder))
    who = "root, whose uid is given up first" if os.geteuid() == 0 else "an ordinary user"
    text += f"\n\nPrograms run as {who}."
    print(text)
    if options.record:
        print(record("sandbox", "The sandbox and workspaces", text))


if __name__ == "__main__":
    main()
