"""Where the time of one durable step goes.

    python benchmarks/profile_step.py                   # by part, in ms of CPU a step
    python benchmarks/profile_step.py --tasks 200 --steps 8 --times 3 --latency 100     # of many processes at once
    python benchmarks/profile_step.py --functions 40    # the functions that cost most, by cProfile
    python benchmarks/profile_step.py --record          # also writes benchmarks/results/profile-step-DATE.md

The loop of `steps.py`, embedded, against the mock server. A timer that counts CPU time stops the program every few
milliseconds and looks which part of GLM-OS is at work: the innermost frame of ours on the stack, so that a library's
time is its caller's; callbacks without one belong to the library. Threads beside the main one are measured exactly by
their own CPU clocks. Samples do not slow anything down, so the parts add up to the real CPU time. The counters are
exact: commits and appended events, and bytes sent to the model.
"""

import argparse
import cProfile
import pstats
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import anyio
from peers import rig
from peers.driving import Setting, Tool
from peers.glmos_system import Driver
from provenance import record

PARTS = (
    ("prompt: the log as messages", ("context/",)),
    ("tokens: estimating the prompt", ("models/tokens",)),
    ("request and reply: building, encoding, reading the stream", ("models/",)),
    ("kernel: fold", ("kernel/fold", "kernel/budget")),
    ("kernel: decide", ("kernel/cycle", "kernel/syscalls", "kernel/plans", "kernel/process")),
    ("kernel: the row of the listing", ("kernel/report",)),
    ("kernel: other", ("kernel/",)),
    ("journal: encoding and checking events", ("journal/codec",)),
    ("journal: store", ("journal/",)),
    ("runtime: log", ("runtime/log",)),
    ("runtime: carrying out model calls", ("runtime/work_model",)),
    ("runtime: carrying out tool calls", ("runtime/work_tools", "runtime/outputs", "tools/")),
    ("workspace", ("sandbox/",)),
    ("data: budgets, labels, events", ("abi/",)),
    ("runtime: process loop, table, scheduling", ("runtime/", "boot/")),
)  # fmt: skip
"""A part of the table and the modules in it; the first that fits counts."""
WAITING = "event loop: waiting"
LIBRARIES = (("HTTP client (aiohttp)", "/aiohttp/"), (WAITING, "selectors.py"))
REST = "event loop and task groups (asyncio, anyio)"
EVERY = 0.001


def part_of(frame: FrameType | None) -> str:
    """The part that is at work in a stack."""
    outer = REST
    while frame is not None:
        file = frame.f_code.co_filename
        if "/glmos/" in file and "site-packages" not in file:
            module = file.rpartition("/glmos/")[2]
            return next((name for name, starts in PARTS if module.startswith(starts)), module)
        if outer == REST:
            outer = next((name for name, place in LIBRARIES if place in file), REST)
        frame = frame.f_back
    return outer


class Sampler:
    """Counts which part is at work, each time the program has used a little more CPU."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> "Sampler":
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
        return self

    def _look(self, _: int, frame: FrameType | None) -> None:
        self.seen[part_of(frame)] += 1

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def thread_seconds() -> dict[str, float]:
    """CPU seconds of each thread that lives, the main one included; workers together."""
    found: dict[str, float] = {}
    for thread in threading.enumerate():
        if thread.ident is not None:
            name = "worker threads" if "worker" in thread.name.lower() else thread.name
            found[name] = found.get(name, 0.0) + time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return found


class Load(NamedTuple):
    """What is run: loops of `steps` steps, `tasks` of them at once, `times` times."""

    steps: int
    tasks: int
    times: int
    latency: int

    @property
    def total(self) -> int:
        return self.steps * self.tasks * self.times


class Run:
    """A system that carries the load."""

    def __init__(self, place: Path, url: str, load: Load) -> None:
        self.load = load
        step, blocking = Tool(None, -1).functions()
        model = f"steps-{load.steps}_latency-{load.latency}_end-finish"
        self.driver = Driver(Setting("pure", url, model, place, step, blocking))
        self.done = 0

    async def one(self) -> None:
        self.done += 1
        text = await self.driver.run(f"p{self.done}")
        if text != "All steps are done.":
            raise SystemExit(text)

    async def go(self, times: int) -> None:
        for _ in range(times):
            async with anyio.create_task_group() as tasks:
                for _ in range(self.load.tasks):
                    tasks.start_soon(self.one)


def committed(database: Path) -> int:
    """Events in the journal."""
    with closing(sqlite3.connect(database)) as db:
        found: int = db.execute("SELECT count(*) FROM events").fetchone()[0]
    return found


async def by_part(place: Path, url: str, load: Load) -> str:
    run = Run(place, url, load)
    await run.driver.start()
    await run.one()
    await run.one()
    database = place / "home" / "journal.db"
    counted, sent = committed(database), rig.tell(url, "/count")["bytes"]
    begun, before, spent = time.perf_counter(), thread_seconds(), time.process_time()
    with Sampler() as sampler:
        await run.go(load.times)
    spent, wall = time.process_time() - spent, time.perf_counter() - begun
    threads = {name: seconds - before.get(name, 0.0) for name, seconds in thread_seconds().items()}
    events = committed(database) - counted
    sent = rig.tell(url, "/count")["bytes"] - sent
    await run.driver.stop()
    n = load.total
    counters = (
        f"Wall time of a step: {wall / n * 1e3:.2f} ms. Events a step: {events / n:.2f}. "
        f"Sent to the model a step: {sent / n / 1e3:.1f} KB. Samples: {sampler.seen.total():,}."
    )
    return f"{parts(sampler.seen, threads, spent, n)}\n\n{counters}"


def parts(seen: Counter[str], threads: dict[str, float], spent: float, n: int) -> str:
    """The table: CPU `spent`, shared out by samples and by what the threads used."""
    main = threads["MainThread"]
    # A sample taken while another thread was at work finds the main one waiting: those threads are counted exactly.
    at_work = Counter({name: count for name, count in seen.items() if name != WAITING})
    costs = [(name, main * count / at_work.total()) for name, count in at_work.most_common()]
    costs += [(f"thread {name}", s) for name, s in threads.items() if s > 0 and name != "MainThread"]
    rows = [[name, f"{s / n * 1e3:.3f}", f"{s / spent:.0%}"] for name, s in [*costs, ("all", spent)]]
    return rig.table(["part", "CPU ms a step", "share"], rows)


async def by_function(place: Path, url: str, load: Load, most: int) -> None:
    run = Run(place, url, load)
    await run.driver.start()
    await run.one()
    profile = cProfile.Profile()
    profile.enable()
    await run.go(load.times)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(most)
    await run.driver.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--times", type=int, default=30, help="runs of the loop")
    parser.add_argument("--tasks", type=int, default=1, help="loops at once")
    parser.add_argument("--latency", type=int, default=0, help="ms of every answer of the model")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="print the N dearest functions instead")
    parser.add_argument("--disk", type=Path, help="an existing folder on the disk to measure")
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    load = Load(options.steps, options.tasks, options.times, options.latency)
    with rig.mock_server() as url, rig.folder(options.disk) as place:
        if options.functions:
            anyio.run(by_function, place, url, load, options.functions)
            return
        text = anyio.run(by_part, place, url, load)
    print(text)
    if options.record:
        print(record("profile-step", "Where the time of one step goes", text))


if __name__ == "__main__":
    main()
