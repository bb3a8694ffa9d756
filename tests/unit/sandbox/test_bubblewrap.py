"""What is special about the sandbox made of bubblewrap, beyond what every sandbox must do."""

import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from glmos.abi.errors import SandboxError, UsageError
from glmos.ports import SandboxLimits
from glmos.sandbox import BubblewrapSandbox
from glmos.testing.sandboxes import SERVE, connect, wait_closed

pytestmark = pytest.mark.anyio

OWNER = """
import sys, anyio
from pathlib import Path
from glmos.sandbox import BubblewrapSandbox
async def main():
    sandbox, workspace = BubblewrapSandbox(), Path(sys.argv[1])
    serve = (workspace / "serve.py").read_text()
    await sandbox.open(["python", "-c", serve, "session"], pid=1, workspace=workspace)
    daemon = "setsid python -c \\"$0\\" daemon & setsid nohup python -c \\"$0\\" nohup & python -c \\"$0\\" run"
    await sandbox.run(["sh", "-c", daemon, serve], pid=2, workspace=workspace)
anyio.run(main)
"""


@pytest.fixture
async def sandbox() -> AsyncGenerator[BubblewrapSandbox]:
    sandbox = BubblewrapSandbox()
    yield sandbox
    await sandbox.aclose()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_nothing_survives_when_the_owner_is_killed(tmp_path: Path) -> None:
    (tmp_path / "serve.py").write_text("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE)
    async with await anyio.open_process([sys.executable, "-c", OWNER, str(tmp_path)], stderr=None) as owner:
        connections = [await connect(tmp_path / name) for name in ("session", "daemon", "nohup", "run")]
        owner.send_signal(signal.SIGKILL)
    with anyio.fail_after(10):
        for connection in connections:
            await wait_closed(connection)


BUSY = """
import os, sys, anyio
from pathlib import Path
from glmos.sandbox import BubblewrapSandbox
async def main():
    sandbox = BubblewrapSandbox()
    await sandbox.require()
    os.write(1, b"ready\\n")
    async with anyio.create_task_group() as tasks:
        for pid in range(3):
            tasks.start_soon(again, sandbox, pid)
async def again(sandbox, pid):
    while True:
        await sandbox.run(["sh", "-c", "setsid sleep 1000 &", sys.argv[2]], pid=pid, workspace=Path(sys.argv[1]))
anyio.run(main)
"""


def with_argument(mark: str) -> list[str]:
    """Processes with `mark` in their command line."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


async def test_nothing_survives_when_the_owner_is_killed_at_any_moment_of_a_start(tmp_path: Path) -> None:
    for moment in range(12):
        mark = f"mark-{os.getpid()}-{moment}"
        async with await anyio.open_process([sys.executable, "-c", BUSY, str(tmp_path), mark], stderr=None) as owner:
            assert owner.stdout is not None
            assert (await owner.stdout.receive()) == b"ready\n"
            await anyio.sleep(moment * 0.004)
            owner.send_signal(signal.SIGKILL)
        with anyio.fail_after(10):
            while with_argument(mark):  # noqa: ASYNC110 - a process that ends tells nobody
                await anyio.sleep(0.01)


async def test_an_ignored_interrupt_is_not_inherited(tmp_path: Path) -> None:
    """A daemon started in the background of a script ignores SIGINT; its programs must not."""
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "import sys, anyio; from pathlib import Path; from glmos.sandbox import BubblewrapSandbox\n"
        "code = 'import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'\n"
        "run = lambda: BubblewrapSandbox().run(['python', '-c', code], pid=1, workspace=Path(sys.argv[1]))\n"
        "print(anyio.run(run).stdout.decode())\n"
    )
    done = await anyio.run_process([sys.executable, "-c", script, str(tmp_path)])
    assert done.stdout.strip() == b"True"


async def test_no_variable_of_the_owner_comes_in(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    os.environ["GLMOS_TEST_SECRET"] = "秘密"
    try:
        finished = await sandbox.run(["env"], pid=1, workspace=tmp_path)
    finally:
        del os.environ["GLMOS_TEST_SECRET"]
    names = {line.split("=")[0] for line in finished.stdout.decode().splitlines()}
    assert names == {
        "PATH", "HOME", "USER", "LANG", "TERM", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR", "MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR", "PYTHONDONTWRITEBYTECODE", "HISTFILE", "PWD", "PYTHONPATH",
    } - ({"PYTHONPATH"} - names)  # fmt: skip


async def test_figures_can_be_drawn_with_the_fonts_of_the_machine(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    code = (
        "import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2]); plt.savefig('图.png')"
    )
    finished = await sandbox.run(["python", "-W", "ignore", "-c", code], pid=1, workspace=tmp_path)
    assert finished.status == 0, finished.stderr.decode()
    assert (tmp_path / "图.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name async for path in anyio.Path(tmp_path).iterdir()] == ["图.png"], "caches belong elsewhere"


async def test_a_command_that_no_system_takes_fails_like_one(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    for odd, said in (("x\0y", "NUL"), ("字" * 50_000, "too long"), ("a" * 99_999, "")):
        finished = await sandbox.run(["echo", odd], pid=1, workspace=tmp_path)
        assert finished.status == (126 if said else 0)
        assert said in finished.stderr.decode()
    finished = await sandbox.run(["echo", *["a" * 99_999] * 20], pid=1, workspace=tmp_path)
    assert finished.status == 126
    with pytest.raises(UsageError, match="NUL"):
        await sandbox.open(["echo", "\0"], pid=1, workspace=tmp_path)
    assert await sandbox.kill(1) == 0


async def test_a_workspace_may_be_named_by_a_link_or_relatively(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for place in (tmp_path / "link", Path(os.path.relpath(tmp_path / "real"))):
        assert (await sandbox.run(["touch", "made"], pid=1, workspace=place)).status == 0
        (tmp_path / "real/made").unlink()


async def test_a_workspace_that_is_no_folder_is_refused(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="is not a folder"):
        await sandbox.run(["true"], pid=1, workspace=tmp_path / "none")


@pytest.mark.parametrize("folder", ["/", "/tmp", "/root", "/tmp/../usr"])
async def test_a_workspace_that_is_the_system_is_refused(sandbox: BubblewrapSandbox, folder: str) -> None:
    with pytest.raises(SandboxError, match=r"too much of the system|is not a folder"):
        await sandbox.run(["true"], pid=1, workspace=Path(folder))


async def test_a_process_killed_while_its_program_starts_is_left_without_one(
    sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    async def run() -> None:
        stopped.append((await sandbox.run(["sleep", "1000"], pid=1, workspace=tmp_path)).stopped_by)

    stopped: list[str] = []
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await anyio.lowlevel.checkpoint()
            assert await sandbox.kill(1) == 1
    assert stopped == ["cancelled"]


async def test_a_session_has_a_time_limit_when_asked(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    limits = SandboxLimits(seconds=0.2)
    session = await sandbox.open(["sleep", "1000"], pid=1, workspace=tmp_path, limits=limits)
    finished = await session.wait()
    assert (finished.status, finished.stopped_by) == (None, "timeout")


async def test_threads_of_a_large_program_do_not_count_as_memory(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    """Libraries reserve much and use little: 40 threads with their stacks, and a large mapping that is never touched."""
    code = (
        "import mmap, threading; big = mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | 0x4000, prot=0)\n"
        "done = threading.Event(); all = [threading.Thread(target=done.wait) for _ in range(40)]\n"
        "[t.start() for t in all]; done.set(); [t.join() for t in all]; print('ok')"
    )
    finished = await sandbox.run(["python", "-c", code], pid=1, workspace=tmp_path)
    assert finished.stdout == b"ok\n", finished.stderr.decode()


async def test_descriptors_do_not_run_out(sandbox: BubblewrapSandbox, tmp_path: Path) -> None:
    await sandbox.run(["true"], pid=1, workspace=tmp_path)
    before = open_files()
    for _ in range(5):
        await sandbox.run(["true"], pid=1, workspace=tmp_path)
        await (await sandbox.open(["true"], pid=1, workspace=tmp_path)).wait()
        await (await sandbox.open(["sleep", "9"], pid=1, workspace=tmp_path)).kill()
    assert open_files() <= before
