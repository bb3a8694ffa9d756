"""The daemon and its client: one system seen through a socket, started once, stopped in order."""

import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from glmos.abi.api import Progress, Report, RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import ConflictError, DeviceError, NotFoundError, UsageError
from glmos.abi.events import Entry, PersonAsked, ProcessExited
from glmos.abi.tools import Output
from glmos.abi.wire import SOCKET_NAME
from glmos.client import DaemonAbsent, DaemonGone, RemoteSystem, direct, ensure_daemon, hello
from glmos.daemon.lifetime import Lifetime
from glmos.daemon.server import serve
from glmos.testing.system import FakeSystem, Hold

pytestmark = pytest.mark.anyio

SCRIPTED = (sys.executable, str(Path(__file__).with_name("scripted_daemon.py")))
SLOW = (Hold(), Progress(0, "delta", text="思考"), Hold(), ProcessExited("done", answer=Output("北方")))
ASKING = (PersonAsked("哪一年?", options=("2024", "2025")), ProcessExited("done", answer=Output("ok")))


@asynccontextmanager
async def served(
    home: Path, system: FakeSystem | None = None, lifetime: Lifetime | None = None
) -> AsyncGenerator[tuple[RemoteSystem, FakeSystem, Lifetime]]:
    """A daemon in this process, and its client."""
    system = system or FakeSystem({"slow": SLOW, "ask": ASKING})
    lifetime = lifetime or Lifetime()
    ready = anyio.Event()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:

            async def daemon() -> None:
                await serve(system, home, lifetime, ready=ready.set)

            group.start_soon(daemon)
            await ready.wait()
            yield RemoteSystem(home, {"ZAI_API_KEY": "secret-é"}), system, lifetime
            lifetime.stop()


async def test_a_process_is_started_waited_for_and_reported_through_the_socket(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, system, _):
        request = RunRequest(goal="哪个地区最高?", files=("/tmp/销售 'q\n.csv",), limits=Limits(usd=0.5))
        pid = await client.start(request)
        assert (await client.wait(pid)).answer == "42"
        assert system.requests == [request]
        assert [row.goal for row in await client.processes(live_only=False)] == ["哪个地区最高?"]
        assert await client.processes() == []
        assert await client.log(pid) == await system.log(pid)
        assert await client.explain(pid) == await system.explain(pid)


async def test_a_question_without_an_event_loop_gets_the_same_answer(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, _, _):
        for goal in ("哪个地区最高?", "slow", "ask"):
            await client.start(RunRequest(goal=goal))
        for live_only, limit in ((True, None), (False, None), (False, 2)):
            asked = partial(direct.processes, tmp_path, live_only=live_only, limit=limit)
            rows = await anyio.to_thread.run_sync(asked)
            assert rows == await client.processes(live_only=live_only, limit=limit)
        with pytest.raises(NotFoundError, match="no process 99"):
            await anyio.to_thread.run_sync(direct.ask, tmp_path, "/processes/99", Report)
    with pytest.raises(DaemonAbsent):
        direct.processes(tmp_path)
    with pytest.raises(DaemonAbsent):
        direct.processes(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[]"]
)
async def test_half_an_answer_is_none(tmp_path: Path, answer: bytes) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / SOCKET_NAME))
    listener.listen()

    def answer_once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    with listener, anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, answer_once)
            with pytest.raises(DaemonGone):
                await anyio.to_thread.run_sync(direct.processes, tmp_path)


async def test_an_error_comes_out_of_the_client_as_it_went_into_the_daemon(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, _, _):
        with pytest.raises(NotFoundError, match="no process 99"):
            await client.report(99)
        with pytest.raises(UsageError, match="goal is empty"):
            await client.start(RunRequest(goal=" "))
        pid = await client.start(RunRequest(goal="x"))
        with pytest.raises(ConflictError, match="has not asked"):
            await client.answer(pid, "2025")


async def test_a_bug_in_the_daemon_is_one_sentence_for_the_client(tmp_path: Path) -> None:
    class Broken(FakeSystem):
        async def models(self) -> list[object]:  # type: ignore[override]
            raise KeyError("nano")

    async with served(tmp_path, Broken()) as (client, _, _):
        with pytest.raises(Exception, match=r"met a bug \(KeyError: 'nano'\); the details are in glmosd.log"):
            await client.models()
        assert await client.tools()


async def test_a_stream_resumes_after_the_last_event_that_was_seen(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, system, _):
        pid = await client.start(RunRequest(goal="slow"))
        async with client.follow(pid) as items:
            first = await anext(items)
            assert isinstance(first, Entry)
        system.release(pid)
        system.release(pid)
        async with client.follow(pid, after=first.seq) as items:
            rest = [item async for item in items]
        assert [item.seq for item in rest if isinstance(item, Entry)] == [2]
        assert [item.text for item in rest if isinstance(item, Progress)] == ["思考", ""]
        assert rest[-1] == Progress(pid, "end", status="done")


async def test_every_verb_reaches_the_system(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, _, _):
        pid = await client.start(RunRequest(goal="ask"))
        report = await client.wait(pid)
        assert (report.status, report.question, report.options) == ("waiting", "哪一年?", ("2024", "2025"))
        await client.adjust(pid, limits=Limits(tokens=9), model="glm-5")
        await client.renice(pid, -5)
        await client.signal(pid, "suspend")
        await client.signal(pid, "resume")
        child = await client.fork(pid, 1)
        await client.answer(pid, "2025")
        assert (await client.report(pid)).status == "done"
        assert (await client.report(child)).goal == "ask"
        await client.correct(pid, "c1", "2026 年")
        assert (await client.wait(pid)).status == "done"
        kinds = [type(entry.event).__name__ for entry in await client.log(pid)]
        assert kinds == [
            "ProcessCreated", "PersonAsked", "LimitsChanged", "ModelChanged", "ProcessReniced", "SignalReceived",
            "SignalReceived", "PersonAnswered", "ProcessExited", "ProcessReopened", "FactCorrected", "ProcessExited",
        ]  # fmt: skip
        assert await client.models() and await client.tools() and await client.doctor() and await client.settings()


async def test_model_keys_go_along_where_a_model_may_be_called_and_nowhere_else(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, system, _):
        pid = await client.start(RunRequest(goal="x"))
        await client.report(pid)
        await client.processes()
        assert system.environments == [{"ZAI_API_KEY": "secret-é"}]


async def test_the_socket_is_for_its_owner_only_even_under_a_path_too_long_for_sockets(tmp_path: Path) -> None:
    home = tmp_path / ("深" * 60)
    home.mkdir()
    async with served(home) as (client, _, _):
        assert stat.S_IMODE((home / "glmosd.sock").stat().st_mode) == 0o600
        assert await client.models()
    assert not (home / "glmosd.sock").exists()


async def test_a_socket_left_by_a_daemon_that_was_killed_is_replaced(tmp_path: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "glmosd.sock"))
    stale.close()
    with pytest.raises(DaemonAbsent):
        await hello(tmp_path)
    async with served(tmp_path) as (client, _, _):
        assert await client.models()


async def test_stopping_ends_streams_and_waits_with_a_sentence(tmp_path: Path) -> None:
    async with served(tmp_path) as (client, _, lifetime):
        pid = await client.start(RunRequest(goal="slow"))
        async with client.follow(pid) as items:
            await anext(items)
            lifetime.stop()
            with pytest.raises(DeviceError, match="daemon was stopped; nothing is lost"):
                await anext(items)
    with pytest.raises(DaemonAbsent):
        await client.report(pid)


async def test_a_client_that_goes_away_leaves_nothing_waiting(tmp_path: Path) -> None:
    class Counting(FakeSystem):
        waiting = 0
        left = anyio.Event()

        async def wait(self, pid: int):  # type: ignore[no-untyped-def]
            self.waiting += 1
            try:
                return await super().wait(pid)
            finally:
                self.waiting -= 1
                self.left.set()

    system = Counting({"slow": SLOW})
    async with served(tmp_path, system) as (client, _, _):
        pid = await client.start(RunRequest(goal="slow"))
        with anyio.move_on_after(0.3):
            await client.wait(pid)
        await system.left.wait()
        assert system.waiting == 0


async def test_a_daemon_that_would_stay_long_stops_at_once_when_told(tmp_path: Path) -> None:
    async with served(tmp_path, lifetime=Lifetime(idle_seconds=900)) as (client, _, lifetime):
        assert await client.models()
        await anyio.wait_all_tasks_blocked()
        lifetime.stop()


async def test_an_idle_daemon_stops_and_one_with_a_running_process_stays(tmp_path: Path) -> None:
    async with served(tmp_path, lifetime=Lifetime(idle_seconds=0.05)) as (client, system, lifetime):
        pid = await client.start(RunRequest(goal="slow"))
        assert await client.shutdown(only_if_idle=True) is False
        with anyio.move_on_after(0.3):
            await lifetime.stopping.wait()
        assert not lifetime.stopping.is_set()
        await system.signal(pid, "kill")
        await lifetime.stopping.wait()


async def test_nonsense_is_answered_with_a_sentence(tmp_path: Path) -> None:
    from glmos.client.exchange import exchange

    nested: list[object] = []
    for _ in range(150):
        nested = [nested]
    async with served(tmp_path):
        for target in ("/nowhere", "/processes/1/log?after=-1", "/processes/x"):
            with pytest.raises(UsageError):
                async with exchange(tmp_path, "GET", target):
                    pass
        for number in ("9" * 30, "9" * 5_000):
            with pytest.raises(UsageError, match="whole number from 0 up"):
                async with exchange(tmp_path, "GET", f"/processes/1/log?after={number}"):
                    pass
            with pytest.raises(UsageError, match="is not a process number"):
                async with exchange(tmp_path, "GET", f"/processes/{number}"):
                    pass
        for secret in ('{"ZAI_API_KEY": "secret', "[" * 3_000, '{"A": 1}'):
            with pytest.raises(UsageError, match=r"^The header 'glmos-environment' is no JSON object of texts\.$"):
                async with exchange(tmp_path, "GET", "/models", headers={"glmos-environment": secret}):
                    pass
        with pytest.raises(UsageError, match="is wrong"):
            async with exchange(tmp_path, "POST", "/processes", {"goal": "g", "limits": nested}):
                pass
        with pytest.raises(UsageError, match="signal"):
            async with exchange(tmp_path, "POST", "/processes/1/signal", {"signal": "explode"}):
                pass


# -- starting it ------------------------------------------------------------------------------------------------------


async def test_clients_that_race_start_one_daemon_and_it_stops_in_order(tmp_path: Path) -> None:
    home = tmp_path / "a home 家"
    found: list[int] = []

    async def start() -> None:
        found.append((await ensure_daemon(home, os.environ, command=SCRIPTED)).os_pid)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(start)
        assert len(found) == 4
        assert len(set(found)) == 1
        os.kill(found[0], signal.SIGTERM)
        # A successor waits for the one that is ending, and finds that it ended in order.
        again = await ensure_daemon(home, os.environ, command=SCRIPTED)
        while again.os_pid == found[0]:  # it answered once more before it heard the signal
            again = await ensure_daemon(home, os.environ, command=SCRIPTED)
        assert (home / "closed-in-order").exists()
        assert await RemoteSystem(home).shutdown()


async def test_of_two_daemons_that_start_at_once_one_serves_and_the_other_says_so(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        both = [await anyio.open_process([*SCRIPTED, "--home", str(tmp_path)], stdout=None) for _ in range(2)]
        ended = anyio.Event()

        async def end(number: int) -> None:
            await both[number].wait()
            ended.set()

        async with anyio.create_task_group() as group:
            for number in range(2):
                group.start_soon(end, number)
            await ended.wait()
            loser, winner = sorted(both, key=lambda process: process.returncode is None)
            assert loser.returncode == 1
            assert loser.stderr is not None
            assert b"Another daemon serves" in b"".join([piece async for piece in loser.stderr])
            assert (await hello(tmp_path)).os_pid == winner.pid
            winner.terminate()
        assert winner.returncode == 0


HOLDER = """
import fcntl, socket, sys, time
lock = open(sys.argv[1] + "/glmosd.lock", "ab")
fcntl.flock(lock, fcntl.LOCK_EX)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1] + "/glmosd.sock")
listener.listen()
print("held", flush=True)
listener.accept()[0].recv(100)  # somebody has come; that moment this process ends as by SIGKILL
"""


async def test_a_daemon_waits_for_one_that_was_killed_and_has_not_let_go_yet(tmp_path: Path) -> None:
    """The dying still hold the lock and take connections for a moment, but answer nobody."""
    with anyio.fail_after(60):
        async with await anyio.open_process([sys.executable, "-c", HOLDER, str(tmp_path)]) as holder:
            assert holder.stdout is not None
            assert (await holder.stdout.receive()).startswith(b"held")
            daemon = await anyio.open_process([*SCRIPTED, "--home", str(tmp_path)], stdout=None, stderr=None)
            await holder.wait()
        while True:
            try:
                assert (await hello(tmp_path)).os_pid == daemon.pid
                break
            except DaemonAbsent:
                assert daemon.returncode is None
                await anyio.lowlevel.checkpoint()
        daemon.terminate()
        assert await daemon.wait() == 0


async def test_a_daemon_that_was_killed_is_revived_by_the_next_request(tmp_path: Path) -> None:
    async def revive() -> None:
        await ensure_daemon(tmp_path, os.environ, command=SCRIPTED)

    client = RemoteSystem(tmp_path, revive=revive)
    with anyio.fail_after(60):
        assert await client.models()
        first = await hello(tmp_path)
        os.kill(first.os_pid, signal.SIGKILL)
        while True:
            try:
                if (await hello(tmp_path)).os_pid != first.os_pid:
                    break
            except DaemonAbsent:
                assert await client.models()
        assert await client.shutdown()


async def test_a_daemon_that_refuses_to_start_says_why_through_the_client(tmp_path: Path) -> None:
    with anyio.fail_after(60), pytest.raises(UsageError, match=r"^The settings make no sense: mend glmos\.toml\.$"):
        await ensure_daemon(tmp_path, {**os.environ, "GLMOS_TEST_REFUSE": "1"}, command=SCRIPTED)


async def test_a_daemon_that_dies_while_starting_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    with anyio.fail_after(60), pytest.raises(DeviceError, match=r"did not start; .*segmentation fault, as it were"):
        await ensure_daemon(tmp_path, {**os.environ, "GLMOS_TEST_CRASH": "1"}, command=SCRIPTED)


async def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(UsageError, match="set GLMOS_HOME to a folder of your own"):
        await ensure_daemon(blocked / "home", {})
