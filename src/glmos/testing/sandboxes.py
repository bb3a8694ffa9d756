"""What every `glmos.ports.Sandbox` must do, as test classes to inherit from.

    class TestMySandbox(IsolationConformance):
        @pytest.fixture
        async def sandbox(self): ...

`SandboxConformance` is about running programs; `IsolationConformance` also about what they cannot do, by the probes of
`glmos.testing.probes`.

Mark the test module with `pytest.mark.anyio`, and call `pytest.register_assert_rewrite("glmos.testing.sandboxes")` in
your `conftest.py`, so that failures show their values.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.abc
import pytest

from glmos.ports import Finished, Sandbox, SandboxLimits
from glmos.sandbox import tree
from glmos.testing import probes

MEBI = 1 << 20
SECRET = "sk-hunter2-秘密"


class Victims(NamedTuple):
    """What a program in the sandbox would like to reach."""

    secret_file: Path
    process: int
    port: int
    socket_path: Path
    abstract: str


@pytest.fixture(scope="session")
def victims() -> Iterator[Victims]:
    folder = Path(tempfile.mkdtemp(prefix="victims-", dir="/tmp"))
    folder.chmod(0o755)
    secret_file, path, abstract = folder / "secret", folder / "socket", f"glmos-victim-{os.getpid()}"
    secret_file.write_text(SECRET)
    secret_file.chmod(0o644)
    waiting = [sys.executable, "-c", "import signal; signal.pause()", SECRET]
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as hidden,
        subprocess.Popen(waiting, env={"TOKEN": SECRET}, start_new_session=True) as process,
    ):
        unix.bind(str(path))
        path.chmod(0o777)
        hidden.bind("\0" + abstract)
        for server in (unix, hidden):
            server.listen()
        yield Victims(secret_file, process.pid, tcp.getsockname()[1], path, abstract)
        process.kill()
    shutil.rmtree(folder)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "工作 '1'"
    folder.mkdir()
    return folder


async def connect(path: Path) -> anyio.abc.SocketStream:
    """A connection to a program's Unix socket, as soon as it listens there."""
    with anyio.fail_after(20):
        while True:
            with suppress(OSError):
                return await anyio.connect_unix(path)
            await anyio.sleep(0.01)


async def wait_closed(connection: anyio.abc.SocketStream) -> None:
    """Return when the program at the other end is gone."""
    async with connection:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while True:
                await connection.receive()


SERVE = """
import signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
held = server.accept()
signal.pause()
"""
"""Answers at a Unix socket and then lives until it is ended."""


class SandboxConformance:
    """Holds for every sandbox, on every event loop."""

    async def test_what_it_needs_is_there(self, sandbox: Sandbox) -> None:
        await sandbox.require()

    async def test_a_program_says_how_it_ended(self, sandbox: Sandbox, workspace: Path) -> None:
        finished = await sandbox.run(["sh", "-c", "echo 出; echo 错 >&2; exit 3"], pid=1, workspace=workspace)
        assert (finished.status, finished.stdout, finished.stderr) == (3, "出\n".encode(), "错\n".encode())
        assert (finished.stopped_by, finished.truncated) == ("", False)

    async def test_python_is_the_one_that_runs_us_with_its_packages(self, sandbox: Sandbox, workspace: Path) -> None:
        code = "import sys, anyio, glmos; print(sys.version_info[:3], sys.prefix)"
        finished = await sandbox.run(["python", "-c", code], pid=1, workspace=workspace)
        assert finished.stdout.decode() == f"{tuple(sys.version_info[:3])} {sys.prefix}\n", finished.stderr.decode()

    async def test_the_shell_finds_python_too(self, sandbox: Sandbox, workspace: Path) -> None:
        finished = await sandbox.run(
            ["sh", "-c", "python -c 'print(1)' && python3 -c 'print(2)'"], pid=1, workspace=workspace
        )
        assert finished.stdout == b"1\n2\n", finished.stderr.decode()

    async def test_arguments_and_variables_arrive_as_they_are(self, sandbox: Sandbox, workspace: Path) -> None:
        odd = ["", "a b", "'\"$(x)`", "新\n行", "-c", "--", "\\"]
        code = "import os, sys; print(ascii([*sys.argv[1:], os.environ['ODD']]))"
        finished = await sandbox.run(["python", "-c", code, *odd], pid=1, workspace=workspace, env={"ODD": "\n值 ="})
        assert finished.stdout.decode().strip() == ascii([*odd, "\n值 ="])

    async def test_input_is_fed_and_ends(self, sandbox: Sandbox, workspace: Path) -> None:
        data = os.urandom(3 * MEBI)
        finished = await sandbox.run(["cat"], pid=1, workspace=workspace, stdin=data)
        assert finished.stdout == data

    async def test_input_that_nobody_reads_is_no_failure(self, sandbox: Sandbox, workspace: Path) -> None:
        finished = await sandbox.run(["true"], pid=1, workspace=workspace, stdin=b"x" * MEBI)
        assert finished.status == 0

    async def test_the_workspace_is_its_folder(self, sandbox: Sandbox, workspace: Path) -> None:
        (workspace / "in").write_text("进")
        finished = await sandbox.run(["sh", "-c", "cat in > out; mkdir new"], pid=1, workspace=workspace)
        assert finished.status == 0, finished.stderr.decode()
        assert (workspace / "out").read_text() == "进"
        assert (workspace / "new").is_dir()

    async def test_a_program_that_does_not_exist_ends_with_127(self, sandbox: Sandbox, workspace: Path) -> None:
        finished = await sandbox.run(["no-such-程序"], pid=1, workspace=workspace)
        assert finished.status == 127
        assert "no-such-程序" in finished.stderr.decode()

    async def test_a_program_ended_by_a_signal_says_which(self, sandbox: Sandbox, workspace: Path) -> None:
        finished = await sandbox.run(["sh", "-c", "kill -SEGV $$"], pid=1, workspace=workspace)
        assert finished.status == 128 + signal.SIGSEGV

    async def test_time_is_limited(self, sandbox: Sandbox, workspace: Path) -> None:
        limits = SandboxLimits(seconds=0.3)
        finished = await sandbox.run(
            ["sh", "-c", "echo begun; while :; do :; done"], pid=1, workspace=workspace, limits=limits
        )
        assert (finished.status, finished.stdout, finished.stopped_by) == (None, b"begun\n", "timeout")

    async def test_output_is_limited(self, sandbox: Sandbox, workspace: Path) -> None:
        finished = await self.attempt(
            sandbox, workspace, "floods_its_output", limits=SandboxLimits(output_bytes=99_999)
        )
        assert (finished.status, finished.stopped_by, finished.truncated) == (None, "output", True)
        assert finished.stdout == b"x" * 99_999

    async def test_output_just_within_the_limit_is_whole(self, sandbox: Sandbox, workspace: Path) -> None:
        limits = SandboxLimits(output_bytes=8)
        finished = await sandbox.run(
            ["sh", "-c", "printf 1234; printf 5678 >&2"], pid=1, workspace=workspace, limits=limits
        )
        assert (finished.status, finished.stdout, finished.stderr, finished.truncated) == (0, b"1234", b"5678", False)

    async def test_cancelling_ends_the_program(self, sandbox: Sandbox, workspace: Path) -> None:
        connections: list[anyio.abc.SocketStream] = []

        async def run() -> None:
            await sandbox.run(["python", "-c", SERVE, "up"], pid=1, workspace=workspace)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            connections.append(await connect(workspace / "up"))
            tasks.cancel_scope.cancel()
        with anyio.fail_after(5):
            await wait_closed(connections[0])

    async def test_many_run_at_once(self, sandbox: Sandbox, workspace: Path) -> None:
        async def run(number: int) -> None:
            finished = await sandbox.run(["sh", "-c", f"echo {number}"], pid=number, workspace=workspace)
            statuses[number] = (finished.status, finished.stdout)

        statuses: dict[int, tuple[int | None, bytes]] = {}
        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(run, number)
        assert statuses == {number: (0, f"{number}\n".encode()) for number in range(8)}

    async def test_killing_a_process_ends_its_programs_and_no_others(self, sandbox: Sandbox, workspace: Path) -> None:
        session = await sandbox.open(["python", "-c", SERVE, "/run/glmos/up"], pid=1, workspace=workspace)
        other = await sandbox.open(["python", "-c", SERVE, "/run/glmos/up"], pid=2, workspace=workspace)
        connections = [await connect(session.socket_dir / "up")]
        ended: list[Finished] = []

        async def run() -> None:
            ended.append(await sandbox.run(["python", "-c", SERVE, "up"], pid=1, workspace=workspace))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            connections.append(await connect(workspace / "up"))
            assert await sandbox.kill(1) == 2
        assert (ended[0].status, ended[0].stopped_by) == (None, "cancelled")
        with anyio.fail_after(5):
            for connection in connections:
                await wait_closed(connection)
        assert (session.alive, other.alive) == (False, True)
        assert await sandbox.kill(1) == 0
        await other.kill()

    async def test_a_session_talks_over_sockets_in_a_private_folder(self, sandbox: Sandbox, workspace: Path) -> None:
        code = "import socket; s = socket.socket(socket.AF_UNIX); s.bind('/run/glmos/up'); s.listen()\n"
        code += "c = s.accept()[0]; c.sendall(c.recv(99).upper())"
        session = await sandbox.open(["python", "-c", code], pid=1, workspace=workspace)
        assert session.alive
        assert len(str(session.socket_dir / ("x" * 30))) < 100
        assert session.socket_dir.stat().st_mode & 0o077 == 0
        async with await connect(session.socket_dir / "up") as connection:
            await connection.send(b"abc")
            assert await connection.receive() == b"ABC"
        finished = await session.wait()
        assert (finished.status, session.alive) == (0, False)
        assert not session.socket_dir.exists()

    async def test_a_session_is_interrupted_by_the_signal_programs_expect(
        self, sandbox: Sandbox, workspace: Path
    ) -> None:
        code = "try:\n exec(open('serve').read())\nexcept KeyboardInterrupt:\n print('interrupted'); sys.exit(5)"
        (workspace / "serve").write_text(SERVE)
        session = await sandbox.open(["python", "-c", code, "/run/glmos/up"], pid=1, workspace=workspace)
        connection = await connect(session.socket_dir / "up")
        await session.interrupt()
        finished = await session.wait()
        assert (finished.status, finished.stdout) == (5, b"interrupted\n")
        await connection.aclose()

    async def test_a_session_that_is_killed_says_so(self, sandbox: Sandbox, workspace: Path) -> None:
        session = await sandbox.open(["sleep", "1000"], pid=1, workspace=workspace)
        await session.kill()
        finished = await session.wait()
        assert (finished.status, finished.stopped_by, session.alive) == (None, "cancelled", False)
        await session.kill()

    async def test_a_session_keeps_the_end_of_what_it_said(self, sandbox: Sandbox, workspace: Path) -> None:
        limits = SandboxLimits(seconds=None, output_bytes=1000)
        code = "for n in range(99_999): print(n)"
        session = await sandbox.open(["python", "-c", code], pid=1, workspace=workspace, limits=limits)
        finished = await session.wait()
        assert len(finished.stdout) == 1000
        assert finished.stdout.endswith(b"99997\n99998\n")
        assert finished.truncated

    async def test_closing_ends_everything(self, sandbox: Sandbox, workspace: Path) -> None:
        session = await sandbox.open(["sleep", "1000"], pid=1, workspace=workspace)
        await sandbox.aclose()
        assert not session.alive

    async def attempt(
        self,
        sandbox: Sandbox,
        workspace: Path,
        probe: str,
        *arguments: object,
        limits: SandboxLimits = SandboxLimits(seconds=30),
    ) -> Finished:
        argv = ["python", "-I", probes.__file__, probe, *map(str, arguments)]
        return await sandbox.run(argv, pid=1, workspace=workspace, limits=limits)


class IsolationConformance(SandboxConformance):
    """Holds for a sandbox that tools may run in."""

    async def contained(
        self,
        sandbox: Sandbox,
        workspace: Path,
        probe: str,
        *arguments: object,
        limits: SandboxLimits = SandboxLimits(seconds=30),
    ) -> None:
        finished = await self.attempt(sandbox, workspace, probe, *arguments, limits=limits)
        assert finished.stdout.decode().strip() == "contained", finished.stderr.decode()

    # -- reaching out -------------------------------------------------------------------------------------------------

    async def test_host_files_cannot_be_read(self, sandbox: Sandbox, workspace: Path, victims: Victims) -> None:
        await self.contained(sandbox, workspace, "reads_host_files", victims.secret_file)

    async def test_secrets_of_other_processes_are_not_seen(
        self, sandbox: Sandbox, workspace: Path, victims: Victims
    ) -> None:
        assert SECRET in await anyio.Path(f"/proc/{victims.process}/cmdline").read_text()
        await self.contained(sandbox, workspace, "finds_secrets_of_other_processes", SECRET)

    async def test_nothing_can_be_reached_over_a_network_or_socket(
        self, sandbox: Sandbox, workspace: Path, victims: Victims
    ) -> None:
        await self.contained(sandbox, workspace, "connects", victims.port, victims.socket_path, victims.abstract)

    async def test_host_processes_cannot_be_signalled(
        self, sandbox: Sandbox, workspace: Path, victims: Victims
    ) -> None:
        await self.contained(sandbox, workspace, "signals_host_processes", victims.process)

    @pytest.mark.parametrize(
        "probe",
        [
            "writes_outside_the_workspace", "opens_unusual_sockets", "looks_into_processes", "changes_mounts",
            "makes_namespaces", "has_privileges", "makes_set_uid_files", "changes_the_kernel", "finds_devices",
            "types_into_terminals", "uses_other_instruction_sets", "inherits_descriptors", "uses_uncounted_memory",
            "has_unbounded_places",
        ],
    )  # fmt: skip
    async def test_it_contains_a_program_that(self, sandbox: Sandbox, workspace: Path, probe: str) -> None:
        await self.contained(sandbox, workspace, probe)

    async def test_its_programs_are_not_root_for_the_kernel(self, sandbox: Sandbox, workspace: Path) -> None:
        await sandbox.run(["touch", "made"], pid=1, workspace=workspace)
        assert (workspace / "made").stat().st_uid != 0

    async def test_a_workspace_that_may_only_be_read_is_not_written(self, sandbox: Sandbox, workspace: Path) -> None:
        (workspace / "kept").write_text("留")
        command = (
            "cat kept; echo x > kept; echo x > new; rm -f kept; chmod 777 kept; echo x > $TMPDIR/t && cat $TMPDIR/t"
        )
        finished = await sandbox.run(["sh", "-c", command], pid=1, workspace=workspace, writable=False)
        assert finished.stdout == "留x\n".encode()
        assert [path.name async for path in anyio.Path(workspace).iterdir()] == ["kept"]
        assert (workspace / "kept").read_text() == "留"

    async def test_a_file_made_outside_can_be_changed_inside(self, sandbox: Sandbox, workspace: Path) -> None:
        (workspace / "表.csv").write_text("a\n")
        (workspace / "表.csv").chmod(0o600)
        finished = await sandbox.run(["sh", "-c", "echo 1 >> 表.csv"], pid=1, workspace=workspace)
        assert finished.status == 0, finished.stderr.decode()
        assert (workspace / "表.csv").read_text() == "a\n1\n"

    # -- hurting the machine ------------------------------------------------------------------------------------------

    async def test_processes_are_counted(self, sandbox: Sandbox, workspace: Path) -> None:
        await self.contained(sandbox, workspace, "forks", 20, limits=SandboxLimits(processes=20))

    async def test_memory_of_one_program_is_limited(self, sandbox: Sandbox, workspace: Path) -> None:
        await self.contained(
            sandbox, workspace, "takes_memory", 512 * MEBI, limits=SandboxLimits(memory_bytes=256 * MEBI)
        )

    @pytest.mark.parametrize(
        ("probe", "size"), [("takes_memory_in_children", 48 * MEBI), ("takes_shared_memory", 192 * MEBI)]
    )
    async def test_memory_of_the_whole_tree_is_limited(
        self, sandbox: Sandbox, workspace: Path, probe: str, size: int
    ) -> None:
        limits = SandboxLimits(seconds=30, memory_bytes=128 * MEBI)
        assert (await self.attempt(sandbox, workspace, probe, size, limits=limits)).stopped_by == "memory"

    async def test_use_of_the_disk_is_limited(self, sandbox: Sandbox, workspace: Path) -> None:
        limits = SandboxLimits(seconds=30, disk_bytes=16 * MEBI)
        assert (await self.attempt(sandbox, workspace, "fills_the_workspace", MEBI, limits=limits)).stopped_by == "disk"

    async def test_the_number_of_files_is_limited(self, sandbox: Sandbox, workspace: Path) -> None:
        limits = SandboxLimits(seconds=30, files=200)
        assert (await self.attempt(sandbox, workspace, "fills_the_workspace", 0, limits=limits)).stopped_by == "files"

    async def test_nothing_is_hidden_below_deep_folders(self, sandbox: Sandbox, workspace: Path) -> None:
        assert (await self.attempt(sandbox, workspace, "hides_below_deep_folders")).stopped_by == "files"
        with tree.opened(workspace) as folder:
            tree.empty(folder)

    async def test_nothing_outlives_the_program(self, sandbox: Sandbox, workspace: Path) -> None:
        await self.contained(sandbox, workspace, "leaves_a_daemon")
        with pytest.raises(OSError, match="refused"):
            await anyio.connect_unix(workspace / "alive")
