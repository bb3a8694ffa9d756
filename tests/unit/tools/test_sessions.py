"""What the host believes of a program in the sandbox: nothing but the form of its answers."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import anyio
import pytest

from glmos.abi.errors import SandboxError
from glmos.abi.ids import Pid
from glmos.ports import Finished, Sandbox, SandboxSession, ToolContext
from glmos.tools.declare import ToolFailed
from glmos.tools.sessions import Sessions, open_socket
from glmos.tools.tables.session import WorkerSession

pytestmark = pytest.mark.anyio


class Program:
    """A program in a sandbox that does nothing but own a folder."""

    def __init__(self, folder: Path, stopped_by: str = "") -> None:
        self.socket_dir = folder
        self.alive = True
        self._stopped_by = stopped_by

    async def interrupt(self) -> None:
        pass

    async def kill(self) -> None:
        self.alive = False

    async def wait(self) -> Finished:
        self.alive = False
        return Finished(None, b"", b"Traceback\nImportError: no duckdb", self._stopped_by)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Answer the next connection with these bytes, whatever it asks; give the socket's descriptor."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen()

    def start(answer: bytes) -> int:
        def work() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                with suppress(OSError):  # the other side may have had enough
                    connection.sendall(answer)

        threading.Thread(target=work, daemon=True).start()
        return os.open(tmp_path / "s", os.O_PATH)

    yield start
    server.close()


async def test_a_link_in_place_of_a_socket_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(str(tmp_path / "ours.sock"))
        ours.listen()
        (tmp_path / "inside" / "tables.sock").symlink_to(tmp_path / "ours.sock")
        session: SandboxSession = Program(tmp_path / "inside")
        with anyio.fail_after(5), pytest.raises(SandboxError, match="something else"):
            await open_socket(session, "tables.sock")


async def test_a_socket_that_has_a_name_but_does_not_listen_yet_is_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))

        class Slow(Program):
            looks = 0

            @property
            def alive(self) -> bool:
                self.looks += 1
                if self.looks == 3:
                    server.listen()
                return True

            @alive.setter
            def alive(self, value: bool) -> None: ...

        program = Slow(tmp_path)
        with anyio.fail_after(5):
            os.close(await open_socket(program, "s"))
        assert program.looks == 3


async def test_a_release_also_ends_what_is_being_started_and_refuses_who_waits(tmp_path: Path) -> None:
    starting, go = anyio.Event(), anyio.Event()
    closed: list[int] = []

    class Started:
        alive = True

        async def close(self) -> None:
            closed.append(1)

    async def start(pid: Pid, context: ToolContext) -> Started:
        starting.set()
        await go.wait()
        return Started()

    sessions = Sessions(start)
    context = ToolContext(tmp_path, cast("Sandbox", None), print)
    kinds: list[str] = []

    async def call() -> None:
        try:
            async with sessions.use(1, context):
                kinds.append("used")
        except ToolFailed as failed:
            kinds.append(failed.failure.kind)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            tasks.start_soon(call)
            await starting.wait()
            await anyio.wait_all_tasks_blocked()
            await sessions.release(1)
            go.set()
        assert (kinds, closed) == (["cancelled", "cancelled"], [1])
        await call()
    assert kinds[-1] == "used"


async def test_a_program_that_does_not_start_says_why(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.alive = False
    with pytest.raises(SandboxError, match="no duckdb"):
        await open_socket(program, "tables.sock")


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\n",
        b"[]\n",
        b'{"text": 7}\n',
        b'{"failure": ["explode", "x"]}\n',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
    ],
    ids=["words", "list", "type", "kind", "deep", "bytes"],
)
async def test_an_answer_of_the_wrong_form_is_a_broken_device(
    tmp_path: Path, serve: Callable[[bytes], int], answer: bytes
) -> None:
    worker = WorkerSession(Program(tmp_path), serve(answer))
    with anyio.fail_after(5), pytest.raises(SandboxError, match="wrong form"):
        await worker.ask({"action": "schema"})
    await worker.close()


@pytest.mark.parametrize(("stopped_by", "kind"), [("memory", "limit"), ("", "failed")])
async def test_no_answer_is_a_failure_of_the_query(
    tmp_path: Path, serve: Callable[[bytes], int], stopped_by: str, kind: str
) -> None:
    worker = WorkerSession(Program(tmp_path, stopped_by), serve(b'{"text": "cut o'))
    with anyio.fail_after(5), pytest.raises(ToolFailed) as failed:
        await worker.ask({"action": "schema"})
    assert failed.value.failure.kind == kind
    assert stopped_by or "killed: ImportError: no duckdb" in failed.value.failure.message
    await worker.close()


async def test_an_endless_answer_is_not_read_to_its_end(tmp_path: Path, serve: Callable[[bytes], int]) -> None:
    worker = WorkerSession(Program(tmp_path), serve(b"x" * (40 << 20)))
    with anyio.fail_after(20), pytest.raises(ToolFailed):
        await worker.ask({"action": "schema"})
    await worker.close()
