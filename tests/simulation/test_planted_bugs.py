"""Bugs planted in the kernel and the runtime: the simulation finds each within so many seeds.

A simulation that finds nothing is either of a sound system or blind. Each bug runs in an interpreter of its own. Those that
need thousands of seeds are left to `benchmarks/simulation.py --planted`, which tries all and prints the table.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.planted import BUGS, QUICKLY

PROGRAM = Path(__file__).with_name("planted.py")
QUICK = [name for name, bug in BUGS.items() if not bug.rare]


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), name, str(QUICKLY)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["seed"] is not None, f"{BUGS[name].what}: not found by {QUICKLY} seeds"
    assert found["problem"]


def test_at_least_five_of_those_are_in_the_kernel() -> None:
    assert sum(BUGS[name].module.startswith("glmos.kernel") for name in QUICK) >= 5


@pytest.mark.parametrize("name", BUGS)
def test_the_place_of_every_planted_bug_is_there_once(name: str) -> None:
    bug = BUGS[name]
    source = Path(__file__).parents[2].joinpath("src", *bug.module.split(".")).with_suffix(".py").read_text("utf-8")
    assert source.count(bug.old) == 1
