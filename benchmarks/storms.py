"""Carrying out a storm in a folder of its own, and telling what it found: for `crashes` and `soak`."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import anyio

from glmos.testing.crash.home import Home, home
from glmos.testing.crash.orphans import marked
from glmos.testing.crash.storm import Storm, rage

SHOWN = 40
"""Faults that are printed; the count says how many there were."""


async def _run(storm: Storm, folder: Path, latency: float, report: Callable[[Storm, Home], str]) -> str:
    async with home(folder, os.environ, latency=latency) as stormy:
        await rage(stormy, storm, lambda line: print(line, file=sys.stderr, flush=True))
        storm.faults += [f"still alive at the end: {x}" for x in marked(str(stormy.path))]
        return report(storm, stormy)


def carry_out(storm: Storm, name: str, *, latency: float, report: Callable[[Storm, Home], str]) -> str | None:
    """Print the report and the faults; give the report when there were none. Otherwise the home is kept.

    `latency`: seconds that the model takes to answer.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    text = anyio.run(_run, storm, folder, latency, report)
    print(text)
    for fault in storm.faults[:SHOWN]:
        print(f"FAULT: {fault}")
    if storm.faults:
        print(f"The home is kept in {folder}.")
        return None
    shutil.rmtree(folder)
    return text
