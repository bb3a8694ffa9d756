"""The command line against a daemon whose processes follow scripts: what goes where, and with which exit status."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Generator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from glmos.abi.api import Finding
from glmos.abi.budgets import Usage
from glmos.abi.events import (
    CheckFinished,
    ModelCalled,
    ModelReplied,
    PersonAsked,
    PlanMade,
    ProcessExited,
    StepPassed,
    StepStarted,
    ToolFinished,
    ToolIntended,
)
from glmos.abi.messages import ModelReply
from glmos.abi.plans import Claim, QueryCheck, Step
from glmos.abi.tools import Output
from glmos.cli import main
from glmos.cli.text import width
from glmos.daemon.lifetime import Lifetime
from glmos.daemon.server import serve
from glmos.testing.system import Beat, FakeSystem, Hold

ANSWER = "销售额最高的地区是华北。"


def story(*extra: Beat, status: str = "done", reason: str = "") -> tuple[Beat, ...]:
    """A process that asks a table and is checked."""
    return (
        ModelCalled(1, model="nano"),
        ModelReplied(1, ModelReply(usage=Usage(prompt_tokens=900, completion_tokens=50, usd=0.0012, model_calls=1))),
        PlanMade(1, (Step("s1", "Find the region", checks=(QueryCheck(),)),), implied=True),
        StepStarted("s1", 1),
        ToolIntended("c1", "tables", "query", {"action": "query", "sql": "SELECT '华北'"}, "pure", "s1"),
        ToolFinished("c1", Output("region | sum\n华北 | 1204"), files=("/work/销售 report.csv",)),
        *extra,
        CheckFinished("s1", 0, "query", "passed", "a second engine gives the same rows"),
        StepPassed("s1"),
        ProcessExited(status, reason, Output(ANSWER), (Claim("华北 is highest", "c1", "华北 | 1204"),)),  # type: ignore[arg-type]
    )


SCRIPTS = {
    "easy": story(),
    "open": story(status="unverified", reason="Nothing could check the total."),
    "held": story(Hold()),
    "ask": story(PersonAsked("Which year?", options=("2024", "财年 2025"))),
    "danger": story(PersonAsked("May it run rm -r out?", kind="approval")),
    "fail": (ModelCalled(1, model="nano"), ProcessExited("failed", "nano answers questions about tables only.")),
    "poor": (ProcessExited("refused", "The next call needs up to $0.02, and $0.01 is left."),),
    "evil": (ProcessExited("done", answer=Output("\x1b[31mred\x1b[0m \u202eevil")),),
}


class Machine:
    """A scripted daemon that runs beside the test."""

    def __init__(self, home: Path, system: FakeSystem, portal: BlockingPortal) -> None:
        self.home = home
        self.system = system
        self._portal = portal

    def release(self, pid: int) -> None:
        self._portal.call(self.system.release, pid)


@contextmanager
def running(home: Path) -> Generator[Machine]:
    system = FakeSystem(SCRIPTS)
    with start_blocking_portal() as portal:
        lifetime = portal.call(Lifetime)

        async def daemon(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            await serve(system, home, lifetime, ready=task_status.started)

        served, _ = portal.start_task(daemon)
        yield Machine(home, system, portal)
        portal.call(lifetime.stop)
        served.result(20)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Machine]:
    monkeypatch.setenv("GLMOS_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    with running(tmp_path) as machine:
        yield machine


Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("goal", "status"), [("easy", 0), ("fail", 1), ("open", 3), ("ask", 4), ("danger", 4), ("poor", 5)]
)
def test_the_exit_status_says_what_became_of_it(machine: Machine, capsys: Captured, goal: str, status: int) -> None:
    assert main(["run", goal]) == status


def test_the_answer_alone_is_on_standard_output(machine: Machine, capsys: Captured) -> None:
    main(["run", "easy"])
    assert capsys.readouterr() == (f"{ANSWER}\n", "model: nano\n")


def test_what_is_unverified_failed_or_refused_is_said_with_the_way_out(machine: Machine, capsys: Captured) -> None:
    main(["run", "open"])
    assert capsys.readouterr() == (f"{ANSWER}\n", "model: nano\n? unverified: Nothing could check the total.\n")
    main(["run", "fail"])
    assert capsys.readouterr() == ("", "model: nano\n✗ failed: nano answers questions about tables only.\n")
    main(["run", "poor"])
    assert "glmos resume 3" in capsys.readouterr().err


def test_a_question_names_the_command_that_answers_it(machine: Machine, capsys: Captured) -> None:
    assert main(["run", "ask"]) == 4
    assert "glmos answer 1 TEXT (TEXT: 2024 / 财年 2025)" in capsys.readouterr().err
    assert main(["answer", "1", "2024", "--wait"]) == 0
    assert capsys.readouterr().out == f"{ANSWER}\n"
    assert main(["run", "danger"]) == 4
    assert "glmos approve 2  or  glmos deny 2" in capsys.readouterr().err
    assert main(["deny", "2", "--wait"]) == 0


def test_a_correction_reopens_what_had_ended_and_one_can_stay_with_it(machine: Machine, capsys: Captured) -> None:
    main(["run", "easy"])
    capsys.readouterr()
    assert main(["correct", "1", "c1", "华北 | 1250000"]) == 0
    assert capsys.readouterr() == ("", "Process 1 knows better than c1.\n")
    assert main(["correct", "1", "c1", "华北 | 1250000", "--wait"]) == 0
    assert capsys.readouterr().out == "42\n"
    main(["log", "1"])
    assert capsys.readouterr().out.count("c1: 华北 | 1250000") == 2
    assert main(["correct", "7", "c1", "华北"]) == 2
    assert "no process 7" in capsys.readouterr().err


def test_json_is_one_object_or_array_everywhere(machine: Machine, capsys: Captured) -> None:
    def printed(*argv: str, status: int = 0) -> object:
        assert main([*argv, "--json"]) == status
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        return json.loads(out)

    report = printed("run", "easy")
    assert isinstance(report, dict)
    assert {"pid", "status", "answer", "evidence", "steps", "files", "cost", "seconds"} <= set(report)
    assert report["evidence"] == [{"claim": "华北 is highest", "events": [6, 7], "quote": "华北 | 1204"}]
    assert printed("show", "1") == report
    assert isinstance(printed("explain", "1"), dict)
    assert isinstance(printed("ps", "--all"), list)
    assert isinstance(printed("fork", "1", "--at", "3"), dict)
    held = printed("run", "held", "--detach")
    assert isinstance(held, dict)
    assert held["status"] == "running"
    pid = str(held["pid"])
    assert isinstance(printed("suspend", pid), dict)
    assert isinstance(printed("renice", pid, "-3"), dict)
    assert isinstance(printed("undo", pid), dict)
    assert isinstance(printed("resume", pid), dict)
    assert isinstance(printed("kill", pid), dict)
    assert isinstance(printed("correct", "1", "c1", "华北 | 1"), dict)
    assert isinstance(printed("run", "ask", status=4), dict)
    for command in ("models", "tools", "doctor", "config"):
        assert isinstance(printed(command), list)
    assert main(["log", "1", "--json"]) == 0
    entries = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))


def test_detach_prints_the_number_and_follow_sees_it_end(machine: Machine, capsys: Captured) -> None:
    assert main(["run", "held", "--detach"]) == 0
    assert capsys.readouterr().out == "1\n"
    machine.release(1)
    assert main(["log", "1", "--follow", "--after", "6"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[2] for text in lines] == ["tool.finished", "check.finished", "step.passed", "process.exited"]


def test_explain_ties_a_claim_to_its_observation(machine: Machine, capsys: Captured) -> None:
    main(["run", "easy"])
    capsys.readouterr()
    assert main(["explain", "1"]) == 0
    text = capsys.readouterr().out
    for piece in ("1. 华北 is highest", "“华北 | 1204” stands in the observation", "c1  tables.query  sql=",
                  "events 6, 7", "✓ query  a second engine gives the same rows"):  # fmt: skip
        assert piece in text


def test_resume_changes_only_the_limits_that_are_given(machine: Machine, capsys: Captured) -> None:
    main(["run", "poor", "--max-cost", "0.01", "--max-tokens", "5000"])
    assert main(["resume", "1", "--max-cost", "1", "-m", "glm-5", "--wait"]) == 0
    events = [e.event for e in machine.system._get(1).entries]  # pyright: ignore[reportPrivateUsage]
    limits = [e.limits for e in events if hasattr(e, "limits")]
    assert [(x.usd, x.tokens) for x in limits] == [(0.01, 5000), (1.0, 5000)]
    assert "glm-5" in [e.model for e in events if hasattr(e, "model")]


def test_files_become_absolute_and_all_options_arrive(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "销售 'q\" \n2025.csv"
    (tmp_path / name).touch()
    options = ["-f", name, "-f", ".", "-m", "nano", "-a", "analyst", "--yes", "--max-seconds", "5"]
    main(["run", "easy", *options, "--max-model-calls", "7", "--max-tool-calls", "8"])
    (request,) = machine.system.requests
    assert (request.limits.model_calls, request.limits.tool_calls, request.limits.usd) == (7, 8, None)
    assert request.files == (str(tmp_path / name), str(tmp_path))
    assert (request.model, request.agent, request.approve_all, request.limits.seconds) == ("nano", "analyst", True, 5)


def test_keys_are_sent_but_written_nowhere(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "glmos.toml").write_text('[models.mine]\nkey_env = "MY_KEY"\n')
    monkeypatch.setenv("MY_KEY", "s3cret")
    monkeypatch.setenv("ZAI_API_KEY", "s4cret")
    monkeypatch.setenv("UNRELATED", "s5cret")
    main(["run", "easy"])
    assert machine.system.environments[0]["MY_KEY"] == "s3cret"
    assert machine.system.environments[0]["ZAI_API_KEY"] == "s4cret"
    assert "UNRELATED" not in machine.system.environments[0]
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"s3cret" not in written
    assert b"s4cret" not in written


def test_errors_are_one_sentence_and_the_right_status(machine: Machine, capsys: Captured) -> None:
    assert main(["show", "99"]) == 2
    assert capsys.readouterr().err == "glmos: There is no process 99: `glmos ps --all` lists them.\n"
    main(["run", "easy"])
    capsys.readouterr()
    assert main(["approve", "1"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_doctor_runs_the_remedy_and_looks_again(
    machine: Machine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.system.findings = [Finding(what="sandbox", ok=False, detail="missing", remedy=f"touch '{tmp_path}/fixed'")]
    assert main(["doctor"]) == 1
    assert "mend it: touch" in capfd.readouterr().out
    assert not (tmp_path / "fixed").exists()
    assert main(["doctor", "--fix"]) == 1
    assert (tmp_path / "fixed").exists()


def test_an_interrupt_kills_when_nobody_can_be_asked(machine: Machine) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "glmos", "run", "held"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    assert child.stderr.readline() == "model: nano\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (130, "")
    assert "killed" in err


# -- on a terminal ----------------------------------------------------------------------------------------------------


class Screen:
    """`glmos` on a pseudo-terminal of 80 columns."""

    def __init__(self, *argv: str) -> None:
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        environ.pop("COLUMNS", None)
        self.child = subprocess.Popen(
            [sys.executable, "-m", "glmos", *argv], stdin=theirs, stdout=theirs, stderr=theirs, env=environ,
            start_new_session=True, preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self._terminal = ours
        self.shown = ""

    def until(self, text: str) -> str:
        """Wait until `text` is shown; give everything shown so far."""
        end = time.monotonic() + 20
        while text not in self.shown:
            assert select.select([self._terminal], [], [], end - time.monotonic())[0], self.shown
            self.shown += self._read()
        return self.shown

    def type(self, text: str) -> None:
        self.shown = ""
        os.write(self._terminal, text.encode())

    def end(self) -> int:
        while chunk := self._read():
            self.shown += chunk
        os.close(self._terminal)
        return self.child.wait(20)

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 65536).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            return ""


def test_a_question_is_asked_on_the_terminal_and_the_process_goes_on(machine: Machine) -> None:
    screen = Screen("run", "ask")
    screen.until("number or text: ")
    screen.type("7\x15")  # typed and taken back
    screen.type("2\n")
    assert screen.end() == 0
    assert "✓ checked: 1 check passed (query)" in screen.shown
    assert "华北 is highest ← “华北 | 1204” [events 6, 7]" in screen.shown
    assert "/work/销售 report.csv" in screen.shown
    (answered,) = [e.event.text for e in machine.system._get(1).entries if hasattr(e.event, "text")]  # pyright: ignore
    assert answered == "财年 2025"


def test_ctrl_c_asks_and_can_go_on_detach_or_kill(machine: Machine) -> None:
    screen = Screen("run", "held")
    screen.until("tables.query")
    screen.type("\x03")
    screen.until("[d]etach, [k]ill or [g]o on? ")
    screen.type("g\n")
    screen.until("tables.query")
    screen.type("\x03")
    screen.until("[g]o on? ")
    screen.type("d\n")
    assert screen.end() == 0
    assert "Process 1 goes on" in screen.shown
    machine.release(1)
    assert main(["run", "held", "--detach"]) == 0

    screen = Screen("resume", "2", "--wait")
    screen.until("tables.query")
    screen.type("\x03")
    screen.until("[g]o on? ")
    screen.type("\x03")
    assert screen.end() == 130


def test_what_a_model_writes_cannot_steer_the_terminal(machine: Machine) -> None:
    screen = Screen("run", "evil")
    assert screen.end() == 0
    assert "␛[31mred␛[0m \\u202eevil" in screen.shown
    assert "\x1b[31m" not in screen.shown


def test_nothing_shown_is_wider_than_the_terminal(machine: Machine) -> None:
    machine.system.scripts["wide"] = story(Hold(), reason="")
    screen = Screen("run", "wide")
    screen.until("tables.query")
    machine.release(1)
    assert screen.end() == 0
    for text in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", screen.shown)):
        assert width(text) <= 80, text
