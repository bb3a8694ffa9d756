"""A goal outlives its terminal and its daemon: what `run` says when the ground is pulled from under it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.client import DaemonAbsent, RemoteSystem, hello

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, str(Path(__file__).with_name("counting_daemon.py")), "shell")

pytestmark = pytest.mark.anyio


@pytest.fixture
async def environ(tmp_path: Path) -> AsyncGenerator[dict[str, str]]:
    """For a home of its own, whose daemon does not outlive the test."""
    yield {**os.environ, "GLMOS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    with suppress(DaemonAbsent):
        os.kill((await hello(tmp_path)).os_pid, signal.SIGKILL)


def glmos(environ: dict[str, str], *argv: str) -> Any:
    ran = subprocess.run([*COMMAND, *argv, "--json"], env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode in {0, 130}, ran
    return json.loads(ran.stdout)


async def noted(home: Path, sheep: int) -> None:
    """Return when so many sheep have been written down."""
    while True:
        try:
            entries = await RemoteSystem(home).log(1)
            if sum(type(entry.event).__name__ == "ToolFinished" for entry in entries) >= sheep:
                return
        except Exception as error:  # not started yet
            assert type(error).__name__ in {"DaemonAbsent", "DaemonGone", "NotFoundError"}, error
        await anyio.sleep(0.02)


async def test_run_goes_on_through_the_death_of_its_daemon(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "go-0").touch()
    (tmp_path / "go-1").touch()
    with anyio.fail_after(60):
        run = subprocess.Popen(  # noqa: ASYNC220  (it is quick, and waited for in a thread)
            [*COMMAND, "run", "count sheep"], env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        await noted(tmp_path, 2)
        os.kill((await hello(tmp_path)).os_pid, signal.SIGKILL)
        (tmp_path / "go-2").touch()
        (tmp_path / "go-3").touch()
        out, err = await anyio.to_thread.run_sync(run.communicate)
        assert (run.returncode, out) == (0, "The sheep are counted.\n"), err
        assert "The daemon ended; starting it again." in err
        report = await RemoteSystem(tmp_path).report(1)
        assert (Path(report.workspace) / "notes.txt").read_text("utf-8") == "sheep 羊 0\nsheep 羊 1\nsheep 羊 2\n"
        assert await RemoteSystem(tmp_path).shutdown()


async def test_a_process_is_steered_from_another_terminal(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "go-0").touch()
    with anyio.fail_after(60):
        assert glmos(environ, "run", "count sheep", "--detach")["pid"] == 1
        await noted(tmp_path, 1)
        assert glmos(environ, "suspend", "1")["status"] == "suspended"
        assert glmos(environ, "undo", "1")["restored"]
        assert not (tmp_path / "workspaces" / "1" / "notes.txt").exists()
        for sheep in range(4):
            (tmp_path / f"go-{sheep}").touch()
        child = glmos(environ, "fork", "1", "--at", "1")["pid"]
        assert (await RemoteSystem(tmp_path).wait(child)).answer == "The sheep are counted."
        assert glmos(environ, "kill", "1")["status"] == "killed"
        assert glmos(environ, "resume", "1", "--wait")["status"] == "done"
        assert await RemoteSystem(tmp_path).shutdown()
