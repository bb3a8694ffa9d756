"""Honest work whose evidence is not a line of a given file ends done: no rule against echoes may stand in its way."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from glmos.abi.api import Report
from glmos.abi.messages import ModelReply
from glmos.testing.models import call
from glmos.testing.world import world
from glmos.tools.files import Files
from glmos.tools.python import Python
from glmos.tools.shell import Shell
from glmos.tools.tables.tool import Tables

pytestmark = pytest.mark.anyio

SALES = "region,amount\nWest,37\nSouth,12\nNorth,8\n"
TESTS = "from calc import triple\n\n\n" + "".join(
    f"def test_{i}():\n    assert triple({i}) == {3 * i}\n\n\n" for i in range(3)
)
CALC = "def triple(x):\n    return 3 * x\n"
PYTEST = "python3 -m pytest -q -p no:cacheprovider test_calc.py"


def sh(command: str) -> ModelReply:
    return call("shell", command=command)


def py(code: str) -> ModelReply:
    return call("python", code=code)


def write(path: str, text: str) -> ModelReply:
    return call("use", tool="files", arguments={"action": "write", "path": path, "text": text})


def say(result: str, name: str, quote: str) -> ModelReply:
    return call("finish", result=result, claims=[{"claim": result, "call": name, "quote": quote}])


async def run(folder: Path, goal: str, given: dict[str, str], *script: Any) -> Report:
    paths = [folder / name for name in given]
    for path, (name, text) in zip(paths, given.items(), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (1e9 + len(name), 1e9 + len(name)))
    tools = [Files(), Shell(), Python(), Tables()]
    async with world(folder / "home", [*script, call("give_up", reason="enough")], tools=tools) as w:
        return await w.system.run(goal, files=sorted({folder / Path(name).parts[0] for name in given}))


ALONE: dict[str, tuple[Any, ...]] = {
    "product": ("Compute 17*23 with python.", py("17 * 23"), say("391", "c1", "391")),
    "primes": (
        "How many primes are there below one hundred?",
        py("len([n for n in range(2, 100) if all(n % i for i in range(2, n))])"),
        say("There are 25.", "c1", "25"),
    ),
    "typed-by-chance": (
        "What is the third prime?",
        py("[n for n in range(2, 5 * 5) if all(n % i for i in range(2, n))][2]"),
        say("It is 5.", "c1", "5"),
    ),
    "poem": (
        "Write a poem of four lines into poem.txt.",
        write("poem.txt", "rain\nwind\nleaf\nend\n"),
        sh("wc -l poem.txt"),
        say("The poem has 4 lines.", "c2", "4 poem.txt"),
    ),
    "own-tests": (
        "Implement triple in calc.py and test it.",
        write("calc.py", CALC),
        write("test_calc.py", TESTS),
        sh(PYTEST),
        say("All 3 tests pass.", "c3", "3 passed"),
    ),
    "machine": ("Which version of Python is installed?", sh("python3 --version"), None),
    "today": ("What day is it?", sh("date +%F"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
async def test_a_goal_without_files(tmp_path: Path, name: str) -> None:
    goal, *script = ALONE[name]
    report = await run(tmp_path, goal, {}, *_quoting_itself(script))
    assert report.status == "done", report.reason


def _quoting_itself(script: list[Any]) -> list[Any]:
    """For None: what the command before it gives here and now."""
    if script[-1] is not None:
        return script
    command = json.loads(script[-2].calls[0].arguments)["command"]
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
    return [*script[:-1], say(f"It is {said}.", "c1", said)]


CALLED = {"sales.csv": SALES}
FOLDER = {f"logs/{name}.log": f"{name} ok\n" for name in ("北方", "south", "west")}
CODE = {"test_calc.py": TESTS, "calc.py": "def triple(x):\n    return x\n"}
GIVEN: dict[str, tuple[Any, ...]] = {
    "product": (CALLED, "Compute 17*23 with python.", py("17 * 23"), say("391", "c1", "391")),
    "how-many-files": (FOLDER, "How many files are in logs?", sh("ls logs | wc -l"), say("3 files.", "c1", "3")),
    "newest-file": (FOLDER, "What is the newest file?", sh("ls -t logs | head -1"),
                    say("It is south.log.", "c1", "south.log")),
    "size": (CALLED, "How large is sales.csv?", sh("stat -c %s sales.csv"), say("39 bytes.", "c1", "39")),
    "second-line": (
        CALLED, "Which region has the second largest amount?", sh("sort -t, -k2 -nr sales.csv | head -2 | tail -1"),
        say("South, with 12.", "c1", "South,12"),
    ),
    "typed-limit": (
        CALLED, "How many bytes have the two first lines after the head?", sh("head -3 sales.csv | tail -2 | wc -c"),
        say("It is 17.", "c1", "17"),
    ),
    "searched-for": (CALLED, "Is an amount of thirty-seven there?", sh("grep -n 37 sales.csv"),
                     say("Yes: West has 37.", "c1", "West,37")),
    "tests-pass": (CODE, "Repair calc.py so that the tests pass.", write("calc.py", CALC), sh(PYTEST),
                   say("All 3 tests pass.", "c2", "3 passed")),
    "measure-of-what-was-made": (
        CALLED, "Write a summary of sales.csv to summary.md.",
        write("summary.md", "# 销售\n" + "West leads, then South, then North. " * 60), sh("wc -c summary.md"),
        say("summary.md has 2169 bytes.", "c2", "2169 summary.md"),
    ),
    "machine": (CALLED, "Which version of Python is installed, and can it read sales.csv?", sh("python3 --version"), None),
    "today": (CALLED, "What day is it, for the head of a letter on sales.csv?", sh("date +%F"), None),
    "share": (CALLED, "What share of the total does West have?",
              py("import csv\nr = {x['region']: int(x['amount']) for x in csv.DictReader(open('sales.csv'))}\n"
                 "print('West', round(100 * r['West'] / sum(r.values()), 1))"),
              say("West has 64.9 percent.", "c1", "West 64.9")),
    "written-down-on-the-way": (
        CALLED, "What is the total in sales.csv?", sh("tail -n +2 sales.csv | cut -d, -f2 > n.txt"),
        sh("paste -sd+ n.txt | bc || awk '{s+=$1} END{print s}' n.txt"), say("57", "c2", "57"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
async def test_a_goal_with_files(tmp_path: Path, name: str) -> None:
    files, goal, *script = GIVEN[name]
    report = await run(tmp_path, goal, files, *_quoting_itself(script))
    assert report.status == "done", report.reason
