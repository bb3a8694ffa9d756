"""What goes wrong for one process stops that process, with a reason; the machine and its other processes go on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import DeviceError, SandboxError
from glmos.abi.events import Event, ProcessRow
from glmos.abi.ids import Pid, Seq
from glmos.abi.messages import ModelRequest
from glmos.abi.tools import ToolCall, ToolResult
from glmos.journal.stores.ram import RamStore
from glmos.kernel.fold import fold
from glmos.kernel.report import row
from glmos.ports import ToolContext
from glmos.testing.models import ScriptedModel, call, calls
from glmos.testing.world import world
from tests.scenarios.notebook import Echo, Letter

pytestmark = pytest.mark.anyio


class Clingy(Echo):
    """Does not let go."""

    async def release(self, pid: int) -> None:
        raise RuntimeError("the kernel of 回声 does not answer")


class Homeless(Echo):
    """Has no sandbox to run in."""

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        raise SandboxError("The sandbox cannot be set up; run `glmos doctor`.")


class LateStore(RamStore):
    """Tells of its first append only when the gate opens; by then everybody can read it."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.gate = anyio.Event(), anyio.Event()

    async def append(
        self,
        pid: Pid,
        expected_seq: Seq,
        events: Sequence[Event],
        *,
        at: float | Sequence[float],
        row: ProcessRow | None = None,
    ) -> Seq:
        head = await super().append(pid, expected_seq, events, at=at, row=row)
        if not self.written.is_set():
            self.written.set()
            await self.gate.wait()
        return head


async def write(store: RamStore, pid: Pid, *events: Event) -> None:
    state = None
    for seq, event in enumerate(events, 1):
        state = fold(state, e.Entry(pid, seq, 1.0, event))
    assert state is not None
    await store.append(pid, 0, events, at=1.0, row=row(state))


async def kinds(store: Any, pid: Pid) -> list[type[Event]]:
    return [type(x.event) for x in await store.read(pid)]


async def test_a_tool_that_cannot_be_released_takes_nobody_down(tmp_path: Path) -> None:
    async with world(tmp_path, [call("echo", text="a"), call("give_up", reason="x")], tools=[Clingy()]) as w:
        assert (await w.system.run("listen")).status == "failed"
        assert len(await w.system.processes(live_only=False)) == 1


async def test_a_process_that_is_being_created_is_not_loaded_beside_it(tmp_path: Path) -> None:
    store = LateStore()
    async with world(tmp_path, [call("give_up", reason="x")], store=store) as w, anyio.create_task_group() as tasks:
        tasks.start_soon(w.system.start, RunRequest("be born"))
        with anyio.fail_after(5):
            await store.written.wait()
            tasks.start_soon(w.system.renice, 1, 5)
            await anyio.wait_all_tasks_blocked()
            store.gate.set()
            report = await w.system.wait(1)
        assert (report.status, w.system.machine.broken) == ("failed", {})
        assert (await kinds(store, 1)).count(e.ProcessReniced) == 1


async def test_an_error_at_the_end_of_a_process_stops_nobody_else(tmp_path: Path) -> None:
    store, gate = RamStore(), anyio.Event()

    async def answer(request: ModelRequest) -> Any:
        goal = request.messages[1].content
        if "孩子" in goal:
            await gate.wait()
        if "parent" in goal and len(request.messages) == 2:
            return call("spawn", goal="孩子")
        if "parent" in goal:
            store.fail_next("read", times=2)  # the next to read look for children to end, before its end and after
        return call("give_up", reason="x")

    async with world(tmp_path, ScriptedModel(answer), store=store) as w:
        with anyio.fail_after(5):
            await w.system.start(RunRequest("parent"))
            await w.system.machine.hub.until_parked(1, lambda: "full" in w.system.machine.broken.get(1, ""))
            assert (await w.system.run("another")).status == "failed"


async def test_a_child_whose_parent_ended_before_the_machine_did_is_ended_at_the_next_start(tmp_path: Path) -> None:
    store = RamStore()
    spawned = e.ChildSpawned(child=2, call="c1", goal="孩子")
    await write(store, 1, e.ProcessCreated("parent", root=1), spawned, e.ProcessExited("failed", "x"))
    await write(store, 2, e.ProcessCreated("孩子", root=1, parent=1))
    async with world(tmp_path, [], store=store) as w:
        with anyio.fail_after(5):
            assert (await w.system.wait(2)).status == "killed"
            await w.system.machine.at_rest(2)
        assert w.model.requests == []
        assert (await kinds(store, 1))[-1] is e.ChildExited


async def test_a_child_that_a_person_resumed_outlives_its_parent(tmp_path: Path) -> None:
    store = RamStore()
    spawned = e.ChildSpawned(child=2, call="c1", goal="孩子")
    await write(store, 1, e.ProcessCreated("parent", root=1), spawned, e.ProcessExited("failed", "x"))
    await write(
        store, 2, e.ProcessCreated("孩子", root=1, parent=1), e.ProcessExited("killed", "x"), e.ProcessReopened()
    )
    async with world(tmp_path, [call("give_up", reason="alone")], store=store) as w:
        with anyio.fail_after(5):
            assert (await w.system.wait(2)).status == "failed"


async def test_a_parent_hears_of_a_child_that_ended_when_it_had_ended_itself(tmp_path: Path) -> None:
    store = RamStore()
    spawned = e.ChildSpawned(child=2, call="c1", goal="孩子")
    await write(store, 1, e.ProcessCreated("parent", root=1), spawned, e.ProcessExited("failed", "x"))
    await write(store, 2, e.ProcessCreated("孩子", root=1, parent=1), e.ProcessExited("failed", "no way"))
    async with world(tmp_path, [call("wait"), call("give_up", reason="it could not")], store=store) as w:
        with anyio.fail_after(5):
            await w.system.signal(1, "resume")
            assert (await w.system.wait(1)).status == "failed"
        assert "no way" in w.model.requests[-1].messages[-2].content + w.model.requests[-1].messages[-1].content


async def test_without_a_sandbox_a_process_ends_once(tmp_path: Path) -> None:
    script = [calls(("echo", {"text": "a"}), ("echo", {"text": "b"}))]
    async with world(tmp_path, script, tools=[Homeless()]) as w:
        report = await w.system.run("listen twice")
        await w.system.machine.at_rest(report.pid)
        assert report.status == "failed" and "sandbox" in report.reason
        assert (await kinds(w.store, report.pid)).count(e.ProcessExited) == 1


async def test_what_is_under_way_when_a_process_ends_is_stopped(tmp_path: Path) -> None:
    class Half(Echo):
        async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
            if call.arguments["text"] == "b":
                await anyio.sleep_forever()
            raise SandboxError("The sandbox cannot be set up; run `glmos doctor`.")

    script = [calls(("echo", {"text": "a"}), ("echo", {"text": "b"}))]
    async with world(tmp_path, script, tools=[Half()]) as w:
        report = await w.system.run("listen twice")
        with anyio.fail_after(5):
            await w.system.machine.at_rest(report.pid)
        assert (await kinds(w.store, report.pid))[-2:] == [e.ToolFinished, e.ProcessExited]


async def test_a_parent_that_could_not_be_told_of_its_child_says_so(tmp_path: Path) -> None:
    store = RamStore()

    async def answer(request: ModelRequest) -> Any:
        if "孩子" in request.messages[1].content:
            await w.system.machine.hub.until_parked(1, lambda: w.system.machine.live == 1)
            await store.append(1, await store.head(1), [e.ProcessReniced(3)], at=9e9)  # somebody else on the same store
            return call("give_up", reason="no way")
        replies = {2: call("spawn", goal="孩子"), 4: call("wait")}
        return replies.get(len(request.messages), call("give_up", reason="it could not"))

    async with world(tmp_path, ScriptedModel(answer), store=store) as w:
        with anyio.fail_after(5):
            pid = await w.system.start(RunRequest("parent"))
            with pytest.raises(DeviceError, match="somebody else wrote to it"):
                await w.system.wait(pid)
            await w.system.signal(pid, "resume")
            assert (await w.system.wait(pid)).status == "failed"


async def test_a_fork_of_a_process_that_asks_about_an_effect_asks_as_well(tmp_path: Path) -> None:
    store = RamStore()
    intended = e.ToolIntended("c1", "letter", "run", {"text": "hi"}, "irreversible")
    asked = e.PersonAsked("Did it?", "unknown_effect", "c1", ("yes", "no"))
    created = e.ProcessCreated("write", root=1, approve_all=True)
    await write(store, 1, created, intended, e.ProcessRecovered(), e.ToolProbed("c1", "cannot_tell"), asked)
    async with world(tmp_path, [], store=store, tools=[Letter([])]) as w:
        await w.system.machine.parts.workspaces.create(1, ())
        fork = await w.system.fork(1)
        with anyio.fail_after(5):
            report = await w.system.wait(fork)
        assert (report.status, report.question_kind) == ("waiting", "unknown_effect")


async def test_the_system_can_be_closed_in_the_middle_of_a_kill(tmp_path: Path) -> None:
    """The parent waits for the ends of its children, which come no more. At the next start the kill goes on."""

    def reply(request: ModelRequest) -> Any:
        if "child" in request.messages[1].content:
            return anyio.sleep_forever()
        return call("wait") if len(request.messages) > 2 else calls(*[("spawn", {"goal": "child"})] * 3)

    for steps in range(12):
        store, model, pid = RamStore(), ScriptedModel(reply), 0
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                async with world(tmp_path / str(steps), model, store=store) as w:
                    pid = await w.system.start(RunRequest("parent"))
                    while model.running < 3:
                        await anyio.lowlevel.checkpoint()
                    tasks.start_soon(w.system.signal, pid, "kill")
                    for _ in range(steps):
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            async with world(tmp_path / str(steps), ScriptedModel(reply), store=store) as w:
                report = await w.system.report(pid)
                if steps > 5:
                    report = await w.system.wait(pid)
                    assert report.status == "killed"
                    assert {(await w.system.wait(c)).status for c in report.children} == {"killed"}


async def test_a_process_that_is_refused_says_what_nobody_knows(tmp_path: Path) -> None:
    letter = Letter([], gate=anyio.Event())
    async with world(tmp_path, [call("letter", text="信")], tools=[letter]) as w:
        report = await w.system.run("write slowly", limits=Limits(seconds=0.3), approve_all=True)
    assert report.status == "refused"
    assert "nobody knows whether c1 (letter.run) took effect" in report.reason


async def test_a_process_that_is_killed_says_what_nobody_knows(tmp_path: Path) -> None:
    letter = Letter([], gate=anyio.Event())
    async with world(tmp_path, [call("letter", text="信")], tools=[letter]) as w:
        pid = await w.system.start(RunRequest("write slowly", approve_all=True))
        with anyio.fail_after(5):
            await letter.reached.wait()
            await w.system.signal(pid, "kill")
            report = await w.system.report(pid)
    assert "nobody knows whether c1 (letter.run) took effect" in report.reason
