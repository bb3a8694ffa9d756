"""The installed command line and the daemon that it starts by itself: a process of several steps is steered from other
terminals, and the daemon killed with -9 in the middle of one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.client import RemoteSystem, ensure_daemon
from glmos.kernel.fold import fold_all
from glmos.testing.crash.model import model
from glmos.testing.crash.orphans import marked
from glmos.testing.crash.programs import GIVEN, Program

pytestmark = pytest.mark.anyio

GLMOS = [sys.executable, "-m", "glmos"]
PROGRAM = Program("账", (("shell:a",), ("shell:b:1",), ("shell:c",)))
A, AB, ABC = "a 羊\n", "a 羊\nb 羊\n", "a 羊\nb 羊\nc 羊\n"


@pytest.fixture
def home(tmp_path: Path) -> Generator[Path]:
    """A home whose daemon is ended with the test."""
    folder = tmp_path / "home"
    yield folder
    with suppress(FileNotFoundError, ValueError, ProcessLookupError):
        os.kill(int((folder / "owner.lock").read_text()), signal.SIGTERM)


def glmos(home: Path, *words: str) -> str:
    """A command in a terminal of its own."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"GLMOS_HOME": str(home)}
    done = subprocess.run([*GLMOS, *words], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stdout


def start(home: Path, endpoint: str) -> int:
    given = home.with_name("账-表.csv")
    given.write_text(f"地区,金额\n{GIVEN}\n", "utf-8")
    shown = glmos(home, "run", PROGRAM.goal, "-m", endpoint, "-f", str(given), "--detach", "--json")
    return int(json.loads(shown)["pid"])


async def until(home: Path, pid: int, kind: type[Any], **fields: Any) -> None:
    """Wait for an event of a running process, by following its log."""
    with anyio.fail_after(30):
        while True:
            async with RemoteSystem(home, {}).follow(pid) as entries:
                async for entry in entries:
                    event = getattr(entry, "event", None)
                    if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
                        return


async def written(home: Path, pid: int) -> tuple[str, str]:
    """How a process has ended, and what is in its file."""
    await ensure_daemon(home, os.environ)
    with anyio.fail_after(60):
        report = await RemoteSystem(home, {}).wait(pid)
    return report.status, text(home, pid)


def text(home: Path, pid: int) -> str:
    workspace = json.loads(glmos(home, "show", str(pid), "--json"))["workspace"]
    return (Path(workspace) / "账.txt").read_text("utf-8")


async def test_a_process_is_steered_from_other_terminals(home: Path) -> None:
    with model() as endpoint:
        pid = start(home, endpoint.url)
        await until(home, pid, e.ToolIntended, step="S1")
        glmos(home, "suspend", str(pid))
        assert "suspended" in glmos(home, "ps")
        glmos(home, "renice", str(pid), "5")
        glmos(home, "resume", str(pid))
        assert await written(home, pid) == ("done", ABC)

        undone = json.loads(glmos(home, "undo", str(pid), "--to", "S1", "--json"))
        assert (undone["step"], undone["restored"], text(home, pid)) == ("S1", True, A)
        glmos(home, "resume", str(pid))
        assert await written(home, pid) == ("done", ABC)

        entries = [json.loads(x) for x in glmos(home, "log", str(pid), "--json").splitlines()]
        at = next(x["seq"] for x in entries if x["event"]["type"] == "step.passed")
        forked = int(json.loads(glmos(home, "fork", str(pid), "--at", str(at), "--json"))["pid"])
        assert await written(home, forked) == ("done", ABC)

        doomed = start(home, endpoint.url)
        await until(home, doomed, e.ToolIntended, step="S1")
        glmos(home, "kill", str(doomed))
        assert json.loads(glmos(home, "show", str(doomed), "--json"))["status"] == "killed"
        assert text(home, doomed) in (A, AB)
        assert marked("账.txt") == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (e.PlanMade, {}),
        (e.StepStarted, {"step": "S0"}),
        (e.ToolIntended, {"step": "S1"}),
        (e.ToolFinished, {}),
        (e.StepSubmitted, {"step": "S1"}),
        (e.StepPassed, {"step": "S1"}),
    ],
)
async def test_a_daemon_killed_in_the_middle_is_started_again_by_the_next_command_and_doubles_nothing(
    home: Path, kind: type[Any], fields: dict[str, Any]
) -> None:
    with model(latency=0.1) as endpoint:
        pid = start(home, endpoint.url)
        await until(home, pid, kind, **fields)
        os.kill(int((home / "owner.lock").read_text()), signal.SIGKILL)
        assert str(pid) in glmos(home, "ps", "--all")
        assert await written(home, pid) == ("done", ABC)
        state = fold_all(await RemoteSystem(home, {}).log(pid))
        assert all(call.state == "closed" for call in state.calls.values())
        assert marked("账.txt") == []
