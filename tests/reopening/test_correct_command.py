"""`glmos correct` as a person uses it: a real daemon with a scripted model, a terminal of 80 columns."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from glmos.abi.api import StepView
from glmos.cli.outcome import step_lines
from glmos.cli.text import width
from glmos.client import DaemonAbsent, hello
from tests.reopening.booking_daemon import BOOK

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, str(Path(__file__).with_name("booking_daemon.py")), "shell")

pytestmark = pytest.mark.anyio


class Terminal:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {
            **os.environ, "GLMOS_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "COLUMNS": "80",
        }  # fmt: skip

    def glmos(self, *argv: str, status: int = 0) -> tuple[str, str]:
        """What it says on standard output and on standard error."""
        ran = subprocess.run(
            [*COMMAND, *argv], env=self.environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            timeout=60,
        )  # fmt: skip
        assert ran.returncode == status, ran
        return ran.stdout, ran.stderr

    def booked(self) -> str:
        return (self.home / BOOK).read_text("utf-8").replace("\n", "")


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncGenerator[Terminal]:
    """In a home of its own, whose daemon does not outlive the test."""
    yield Terminal(tmp_path)
    with suppress(DaemonAbsent):
        os.kill((await hello(tmp_path)).os_pid, signal.SIGKILL)


async def test_what_rests_on_it_is_done_again_and_the_person_sees_what_and_why(terminal: Terminal) -> None:
    terminal.glmos("run", "记五笔账")
    assert terminal.booked() == "abcde"

    out, _ = terminal.glmos("correct", "1", "a", "第一笔应是 1250000，不是 1204，因为退货的三十笔没有算进去", "--wait")
    assert (out, terminal.booked()) == ("步骤 e 做好了。\n", "abcdeabcd")
    shown = terminal.glmos("show", "1")[0]
    assert shown.count("↺ again: ") == 4
    assert "↺ again: the person corrected step 'a': 第一笔应是 1250000" in shown
    assert "↺ again: it rests on step 'b', which is done again" in shown
    explained = terminal.glmos("explain", "1")[0]
    assert "↺ again: it rests on step 'a', which is done again" in explained
    assert "fact.corrected" in terminal.glmos("log", "1")[0]

    assert terminal.glmos("correct", "1", "e", "少了一个字") == ("", "Process 1 knows better than e.\n")


def test_why_a_step_was_done_again_stays_within_the_terminal() -> None:
    why = "the person corrected c3: " + "应是一百二十五万，因为退货的没有算进去；" * 6
    lines = [
        x for text in step_lines(StepView("a", "完成", "passed", again=why), columns=80) for x in text.splitlines()
    ]
    assert lines[1].startswith("      ↺ again: the person corrected c3: 应是")
    assert len(lines) > 3 and all(width(line) <= 80 for line in lines)
    assert all(line.startswith("        ") for line in lines[2:])


async def test_what_is_refused_says_why_and_changes_nothing(terminal: Terminal) -> None:
    terminal.glmos("run", "记五笔账")
    log = terminal.glmos("log", "1", "--json")[0]

    err = terminal.glmos("correct", "1", "c99", "不对", status=2)[1]
    assert err.startswith("glmos: process 1 has no call and no step 'c99'; `glmos log 1` shows its calls")
    err = terminal.glmos("correct", "9", "c1", "不对", status=2)[1]
    assert "no process 9" in err
    call = next(
        x["event"]["call"] for x in map(json.loads, log.splitlines()) if x["event"]["type"] == "call.answered"
    )  # of `plan`: no step rests on what it told
    err = terminal.glmos("correct", "1", call, "不对", status=2)[1]
    assert "no call and no step" in err
    terminal.glmos("correct", "1", "a", " ", status=2)
    assert terminal.glmos("log", "1", "--json")[0] == log
    assert terminal.booked() == "abcde"
