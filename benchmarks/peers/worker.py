"""One system in one process of its own: does what the rig asks and prints one line of JSON.

    PYTHONPATH=benchmarks python -m peers.worker DRIVER VARIANT MODE --url URL --folder FOLDER [...]

A driver is a module in `peers` with a class `Driver` that has the methods of `Driving`, and `others()` where processes
beside this one belong to the system: their CPU seconds. This file runs in the peers'
environments too, so it uses the standard library alone.

Modes
    empty     nothing: what the system takes on disk before it has done anything
    loop      the same task `--reps` times, one after the other, after one that is not counted: wall and CPU of each
    many      `--tasks` tasks at once, after three that warm up: wall and CPU
    waiting   `--tasks` tasks that have done two steps and wait for a model that never answers: memory of each
    ended     `--tasks` tasks, a hundred at once, after three hundred that are not counted: memory that each leaves
    start     one task whose tool hangs for ever in step `--crash-at`
    resume    the same task, taken up again by the system's own documented means
"""

import argparse
import asyncio
import gc
import importlib
import json
import logging
import os
import resource
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from peers.driving import FINAL, QUIET, Driving, Setting, Tool

WAITS_AT = 3
"""The request that is never answered, in the mode `waiting`."""
FIRST = 20


def cpu() -> float:
    """CPU seconds of this process, its threads, and the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def resident() -> int:
    """Bytes of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def used(folder: Path) -> int:
    """Bytes that a folder takes on its disk: whole blocks, folders included."""
    names = (Path(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files))
    return sum(name.lstat().st_blocks * 512 for name in names)


def settled(text: str) -> None:
    if FINAL not in text:
        raise SystemExit(f"the task did not end as it should: {text[:500]!r}")


async def loop(driver: Driving, tool: Tool, steps: int, reps: int) -> dict[str, Any]:
    others: Callable[[], float] = getattr(driver, "others", float)
    walls: list[float] = []
    cpus: list[float] = []
    for rep in range(reps + 1):
        tool.calls = 0
        gc.collect()
        wall, spent = time.perf_counter(), cpu() + others()
        settled(await driver.run(f"w{rep}"))
        wall, spent = time.perf_counter() - wall, cpu() + others() - spent
        if tool.calls not in (steps, 0):  # 0: the tool runs in another process
            raise SystemExit(f"{tool.calls} calls of the tool for {steps} steps")
        if rep:
            walls.append(wall)
            cpus.append(spent)
    return {"walls": walls, "cpus": cpus, "runs": reps + 1, "rss": resident()}


async def many(driver: Driving, tasks: int) -> dict[str, Any]:
    others: Callable[[], float] = getattr(driver, "others", float)
    for warm in range(3):
        settled(await driver.run(f"warm{warm}"))
    wall, spent = time.perf_counter(), cpu() + others()
    for text in await asyncio.gather(*(driver.run(f"t{i}") for i in range(tasks))):
        settled(text)
    return {"wall": time.perf_counter() - wall, "cpu": cpu() + others() - spent, "peak": peak()}


async def waiting(driver: Driving, url: str, tasks: int) -> dict[str, Any]:
    """Begin `FIRST` tasks, which pay for what is made once, then `tasks` more; memory before and after those."""
    begun: set[asyncio.Future[str]] = set()

    async def begin(first: int, last: int) -> int:
        asked = requests(url)
        for number in range(first, last):
            begun.add(asyncio.ensure_future(driver.run(f"w{number}")))
            while (number + 1 - first) * WAITS_AT - (requests(url) - asked) > 16 * WAITS_AT:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        while requests(url) - asked < (last - first) * WAITS_AT:
            await asyncio.sleep(0.05)
            for task in begun:
                if task.done():
                    raise SystemExit(f"a task ended instead of waiting: {task.result()[:300]}")
        await asyncio.sleep(0.5)
        gc.collect()
        return resident()

    before = await begin(0, FIRST)
    after = await begin(FIRST, FIRST + tasks)
    return {"before": before, "after": after, "each": (after - before) / tasks}


async def ended(driver: Driving, tasks: int) -> dict[str, Any]:
    """Memory before and after tasks that have come to their end."""

    async def finish(first: int, last: int) -> int:
        for begin in range(first, last, 100):
            for text in await asyncio.gather(*(driver.run(f"e{i}") for i in range(begin, begin + 100))):
                settled(text)
        gc.collect()
        return resident()

    before = await finish(0, 300)
    after = await finish(300, 300 + tasks)
    return {"before": before, "after": after, "each": (after - before) / tasks}


def requests(url: str) -> int:
    """How many requests the mock server has had."""
    with urlopen(url.removesuffix("/v1") + "/count", timeout=10) as answer:
        return json.loads(answer.read())["requests"]


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def one(work: Awaitable[str]) -> dict[str, Any]:
    wall = time.perf_counter()
    text = await work
    return {"text": text[:500], "wall": time.perf_counter() - wall}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("variant")
    parser.add_argument("mode", choices=["empty", "loop", "many", "waiting", "ended", "start", "resume"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--latency", type=int, default=0, help="ms of every answer of the model")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=1)
    parser.add_argument("--crash-at", type=int, default=-1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each of thousands
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    module = importlib.import_module(f"peers.{options.driver}")
    tool = Tool(options.ledger, options.crash_at)
    model = f"steps-{options.steps}" + (f"_latency-{options.latency}" if options.latency else "")
    if options.mode == "waiting":
        model += f"_hang-{WAITS_AT - 1}"
    if end := getattr(module, "END", ""):
        model += f"_end-{end}"
    step, blocking = tool.functions()
    setting = Setting(
        options.variant, options.url, model, options.folder, step, blocking, options.tasks, options.ledger
    )
    driver: Driving = module.Driver(setting)
    await driver.start()
    match options.mode:
        case "empty":
            figures: dict[str, Any] = {}
        case "loop":
            figures = await loop(driver, tool, options.steps, options.reps)
        case "many":
            figures = await many(driver, options.tasks)
        case "waiting":
            figures = await waiting(driver, options.url, options.tasks)
            print(json.dumps(figures), flush=True)
            os._exit(0)  # what waits for ever is not waited for
        case "ended":
            figures = await ended(driver, options.tasks)
        case "start":
            figures = await one(driver.run("crash"))
        case _:
            figures = await one(driver.resume("crash"))
            figures["notes"] = getattr(driver, "notes", {})
    await driver.stop()
    figures["bytes"] = used(options.folder)
    print(json.dumps(figures), flush=True)
    os._exit(0)  # some peers leave threads behind that never end


if __name__ == "__main__":
    asyncio.run(main())
