"""Many processes at once: how close to the ideal, and what one more costs.

    python benchmarks/many.py                        # all parts, floor, GLM-OS and every installed peer
    python benchmarks/many.py --part at-once --only floor glm-os
    python benchmarks/many.py --record               # also writes benchmarks/results/many-DATE.md

at-once    200 tasks of 10 model calls each, all at once, every answer takes 100 ms, everything durable. The ideal is 1.0 s.
           GLM-OS's ten calls are 8 steps, `finish` and the critic; the others' are 9 steps and the final text. One core
           for the system, one for the mock server. Goal: at most 1.5 times the ideal.
waiting    1,000 tasks that have done two steps and wait for a model that does not answer: memory of each. Goal: 30 KB.
ended      1,000 tasks of two steps that have come to their end in the same program: memory that each leaves behind.
parked     100,000 processes on disk, half of them ended and half waiting for a person: memory of the daemon against one
           with an empty home, and how long `glmos ps` takes. Goals: no memory; 1 s.

Peers get `--peer-tasks` tasks at once (some take minutes for 200) and fewer for memory; figures say how many.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from msgspec.structs import replace
from peers import rig
from peers.daemon import Daemon
from provenance import record

from glmos.abi import events as e
from glmos.abi.events import Entry, ProcessRow
from glmos.journal.stores.sqlite import SqliteStore
from glmos.kernel.fold import fold
from glmos.kernel.process import Process
from glmos.kernel.report import row as row_of

CALLS = 10
LATENCY = 100
FLOORS = tuple(s for s in rig.FLOORS if s.variant in ("raw", "raw-log-2", "raw-group-2", "aiohttp", "aiohttp-sqlite-2"))
OURS = (rig.System("glmos_system", "pure"), rig.System("glmos_system", "irreversible"))


def at_once(systems: Sequence[rig.System], *, tasks: int, peer_tasks: int, rounds: int) -> str:
    """Wall and CPU seconds of many tasks at once."""
    found: dict[rig.System, list[dict[str, Any]]] = {s: [] for s in systems}
    faults: dict[rig.System, str] = {}
    with rig.mock_server() as url:
        for _ in range(rounds):
            for system in systems:
                steps = CALLS - (2 if system in OURS else 1)
                number = peer_tasks if system.peer else tasks
                try:
                    figures = rig.work(system, "many", url, steps=steps, latency=LATENCY, tasks=number)
                except rig.Failed as failed:
                    faults[system] = failed.reason
                    print(failed, file=sys.stderr)
                else:
                    found[system].append(figures)
    ideal = CALLS * LATENCY / 1e3
    rows: list[list[str]] = []
    for system, runs in found.items():
        number = peer_tasks if system.peer else tasks
        if not runs:
            rows.append([system.name, str(number), f"failed: {faults[system]}", "", "", ""])
            continue
        wall, cpu = (statistics.median(run[key] for run in runs) for key in ("wall", "cpu"))
        each = cpu / number / CALLS * 1e3
        rows.append([system.name, str(number), f"{wall:.2f}", f"{wall / ideal:.2f}", f"{cpu:.2f}", f"{each:.2f}"])
    head = [f"at once, {CALLS} calls of {LATENCY} ms", "tasks", "wall s", "times ideal", "CPU s", "CPU ms a call"]
    return rig.table(head, rows)


def waiting(systems: Sequence[rig.System], *, tasks: int, peer_tasks: int) -> str:
    """KB of memory of a task that waits for its model."""
    rows: list[list[str]] = []
    with rig.mock_server() as url:
        for system in systems:
            number = peer_tasks if system.peer else tasks
            try:
                figures = rig.work(system, "waiting", url, steps=5, tasks=number)
            except rig.Failed as failed:
                rows.append([system.name, str(number), f"failed: {failed.reason}", "", ""])
                continue
            before, after = figures["before"] / 2**20, figures["after"] / 2**20
            rows.append([system.name, str(number), f"{figures['each'] / 1024:.1f}", f"{before:.0f}", f"{after:.0f}"])
    return rig.table(["waiting for the model", "tasks", "KB each", "MB with 20", "MB with all"], rows)


def ended(systems: Sequence[rig.System], tasks: int) -> str:
    """KB that a finished task leaves in memory."""
    rows: list[list[str]] = []
    with rig.mock_server() as url:
        for system in systems:
            figures = rig.work(system, "ended", url, steps=2, tasks=tasks)
            before, after = figures["before"] / 2**20, figures["after"] / 2**20
            rows.append([system.name, str(tasks), f"{figures['each'] / 1024:.2f}", f"{before:.1f}", f"{after:.1f}"])
    return rig.table(["ended in the same program", "tasks", "KB each", "MB after 300", "MB after all"], rows)


# -- parked -----------------------------------------------------------------------------------------------------------


def log_of(pid: int, parked: bool) -> tuple[list[e.Event], ProcessRow]:
    """A short log that the kernel understands, and its row: one that asked a person, or one that was ended."""
    goal = f"第 {pid} 个目标: which region had the highest sales?"
    events: list[e.Event] = [
        e.ProcessCreated(goal=goal, root=pid, model="mock"),
        e.PersonAsked("Which year is meant?", "question", "c1") if parked else e.ProcessExited("failed", "given up"),
    ]
    state: Process | None = None
    for seq, event in enumerate(events, 1):
        state = fold(state, Entry(pid, seq, 1_000.0, event))
    assert state is not None
    return events, row_of(state)


async def fill(home: Path, count: int) -> None:
    """Write `count` processes into the journal of `home`."""
    store = await SqliteStore.open(home)
    waiting_room = anyio.CapacityLimiter(500)

    async def write(parked: bool) -> None:
        async with waiting_room:
            pid = await store.new_pid()
            events, row = log_of(pid, parked)
            await store.append(pid, 0, events, at=1_000.0, row=replace(row, created=1_000.0))

    for begin in range(0, count, 5_000):
        async with anyio.create_task_group() as tasks:
            for number in range(begin, min(begin + 5_000, count)):
                tasks.start_soon(write, number % 2 == 0)
    await store.aclose()


def ps(home: Path, *options: str) -> tuple[float, int]:
    """Seconds that `glmos ps` takes, and the lines it prints."""
    begun = time.perf_counter()
    glmos = Path(sys.executable).with_name("glmos")
    done = subprocess.run(
        [glmos, "ps", *options], env={"GLMOS_HOME": str(home), "PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    return time.perf_counter() - begun, done.stdout.count(b"\n")


def parked(count: int) -> str:
    """A daemon with and without `count` processes on disk."""
    rows: list[list[str]] = []
    for number in (0, count):
        with tempfile.TemporaryDirectory(prefix="glmos-bench-", ignore_cleanup_errors=True) as name:
            home = Path(name) / "home"
            home.mkdir()
            anyio.run(fill, home, number)
            with Daemon(home) as daemon:
                ready = daemon.cpu()
                begin = daemon.resident() / 2**20
                shown = [ps(home) for _ in range(5)]
                everything = [ps(home, "--all") for _ in range(5)]
                end = daemon.resident() / 2**20
            seconds = [statistics.median(s for s, _ in runs) for runs in (shown, everything)]
            rows.append(
                [
                    f"{number:,}", f"{ready:.2f}", f"{begin:.1f}", f"{end:.1f}", f"{seconds[0]:.2f} ({shown[0][1]})",
                    f"{seconds[1]:.2f} ({everything[0][1]})",
                ]
            )  # fmt: skip
    head = [
        "processes on disk",
        "CPU s until ready",
        "MB when ready",
        "MB after ps",
        "ps: s (lines)",
        "ps --all: s (lines)",
    ]
    return rig.table(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["at-once", "waiting", "ended", "parked"], help="only this one")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="systems, by the beginning of the name")
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--peer-tasks", type=int, default=200)
    parser.add_argument("--waiting", type=int, default=1_000)
    parser.add_argument("--peer-waiting", type=int, default=200)
    parser.add_argument("--parked", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    systems = rig.chosen(options.only, [*FLOORS, *OURS, *rig.installed()])
    parts: list[str] = []
    if options.part in (None, "at-once"):
        parts.append(at_once(systems, tasks=options.tasks, peer_tasks=options.peer_tasks, rounds=options.rounds))
    if options.part in (None, "waiting"):
        parts.append(waiting(systems, tasks=options.waiting, peer_tasks=options.peer_waiting))
    if options.part in (None, "ended"):
        parts.append(
            ended([s for s in systems if not s.peer and s.variant in ("raw-group-2", "pure")], options.waiting)
        )
    if options.part in (None, "parked"):
        parts.append(parked(options.parked))
    text = "\n\n".join([*parts, rig.set_ups(systems)])
    print(text)
    if options.record:
        print(record("many", "Many processes at once", text))


if __name__ == "__main__":
    main()
