"""A real daemon, a real sandbox, a process of several steps: steered from another terminal, and killed with -9."""

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
from tests.crash.model_server import serving

pytestmark = pytest.mark.anyio

GLMOS = [sys.executable, "-m", "glmos"]


@pytest.fixture
def home(tmp_path: Path) -> Generator[Path]:
    """A home whose daemon is ended with the test."""
    folder = tmp_path / "home"
    yield folder
    with suppress(FileNotFoundError, ValueError, ProcessLookupError):
        os.kill(owner(folder), signal.SIGTERM)


def owner(home: Path) -> int:
    return int((home / "owner.lock").read_text())


def glmos(home: Path, *words: str, status: int = 0) -> str:
    """A command in a terminal of its own."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"GLMOS_HOME": str(home)}
    done = subprocess.run([*GLMOS, *words], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
    return done.stdout


def start(home: Path, model: str) -> int:
    shown = glmos(home, "run", "write A, B and C", "-m", model, "--detach", "--json")
    return int(json.loads(shown)["pid"])


async def until(home: Path, pid: int, kind: type[Any], **fields: Any) -> e.Entry:
    """Wait for an event of a running process, by following its log."""
    system = RemoteSystem(home, {})
    with anyio.fail_after(30):
        while True:
            async with system.follow(pid) as entries:
                async for entry in entries:
                    event = getattr(entry, "event", None)
                    if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items()):
                        assert isinstance(entry, e.Entry)
                        return entry


def ledger(home: Path, pid: int) -> str:
    report = json.loads(glmos(home, "show", str(pid), "--json"))
    path = Path(report["workspace"]) / "ledger.txt"
    return path.read_text() if path.exists() else ""


async def finished(home: Path, pid: int) -> Any:
    await ensure_daemon(home, os.environ)
    with anyio.fail_after(60):
        return await RemoteSystem(home, {}).wait(pid)


async def test_a_process_is_steered_from_other_terminals(home: Path) -> None:
    with serving(slow=1.0) as model:
        pid = start(home, model)
        await until(home, pid, e.ToolIntended, step="B")
        glmos(home, "suspend", str(pid))
        assert "suspended" in glmos(home, "ps")
        glmos(home, "renice", str(pid), "5")
        glmos(home, "resume", str(pid))
        report = await finished(home, pid)
        assert (report.status, ledger(home, pid)) == ("done", "A\nB\nC\n")

        undone = json.loads(glmos(home, "undo", str(pid), "--to", "B", "--json"))
        assert (undone["step"], undone["restored"], ledger(home, pid)) == ("B", True, "A\n")
        glmos(home, "resume", str(pid))
        report = await finished(home, pid)
        assert (report.status, ledger(home, pid)) == ("done", "A\nB\nC\n")

        entries = [json.loads(x) for x in glmos(home, "log", str(pid), "--json").splitlines()]
        at = next(x["seq"] for x in entries if x["event"]["type"] == "step.passed")
        forked = int(json.loads(glmos(home, "fork", str(pid), "--at", str(at), "--json"))["pid"])
        report = await finished(home, forked)
        assert (report.status, ledger(home, forked)) == ("done", "A\nB\nC\n")

        doomed = start(home, model)
        await until(home, doomed, e.ToolIntended, step="B")
        glmos(home, "kill", str(doomed))
        assert json.loads(glmos(home, "show", str(doomed), "--json"))["status"] == "killed"
        assert not _orphans()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (e.PlanMade, {}),
        (e.StepStarted, {"step": "A"}),
        (e.ToolIntended, {"step": "B"}),
        (e.ToolFinished, {}),
        (e.StepSubmitted, {"step": "B"}),
        (e.StepPassed, {"step": "B"}),
    ],
)
async def test_a_daemon_killed_in_the_middle_goes_on_and_doubles_nothing(
    home: Path, kind: type[Any], fields: dict[str, Any]
) -> None:
    with serving(slow=0.5) as model:
        pid = start(home, model)
        await until(home, pid, kind, **fields)
        os.kill(owner(home), signal.SIGKILL)
        report = await finished(home, pid)
        assert (report.status, ledger(home, pid)) == ("done", "A\nB\nC\n")
        entries = await RemoteSystem(home, {}).log(pid)
        state = fold_all(entries)
    assert all(c.state == "closed" for c in state.calls.values())
    assert not _orphans()


def _orphans() -> list[str]:
    """Programs of the scenario's shell steps that are still alive."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                if ">> ledger.txt" in words:
                    found.append(words)
    return found
