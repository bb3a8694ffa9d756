"""What the sandbox costs: starting programs in it, saving and restoring a workspace of 10,000 files.

    python benchmarks/sandbox.py                  # prints a Markdown table
    python benchmarks/sandbox.py --record         # also writes benchmarks/results/sandbox-DATE.md
    python benchmarks/sandbox.py --home /mnt/x    # on another disk

Programs: until the call returns, so with start, end and proof that nothing is left. The floor is the same program
without a sandbox. Files: 3.2 KB each, random, in 100 folders; the floor is a walk with `lstat`.
"""

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import anyio
from provenance import commit

from glmos.sandbox import BubblewrapSandbox, DiskWorkspaces

FILES = 10_000
CHANGED = 20


class Measured(NamedTuple):
    what: str
    seconds: list[float]

    def row(self) -> str:
        ordered = sorted(self.seconds)
        return f"| {self.what} | {len(ordered)} | {statistics.median(ordered) * 1e3:.1f} | {ordered[0] * 1e3:.1f} |"


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
    rows = [one.row() for one in [*await programs(folder), *await workspaces(folder)]]
    return "\n".join(["| what | times | median ms | least ms |\n|---|--:|--:|--:|", *rows])


def record(text: str) -> Path:
    today = date.today().isoformat()
    path = Path(__file__).parent / "results" / f"sandbox-{today}.md"
    who = "root, whose uid is given up first" if os.geteuid() == 0 else "an ordinary user"
    about = f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, "
    about += f"Python {platform.python_version()}, as {who}. The machine was shared. Commit: {commit()}.\n\n"
    about += "    python benchmarks/sandbox.py --record"
    path.write_text(f"# The sandbox and workspaces, {today}\n\n{about}\n\n{text}\n", encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", type=Path, help="an existing folder on the disk to measure")
    parser.add_argument("--record", action="store_true", help="write the table to benchmarks/results/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.home) as folder:
        text = anyio.run(run, Path(folder))
    print(text)
    if options.record:
        print(record(text))


if __name__ == "__main__":
    main()
