"""A limit on time holds for what is under way, for whoever waits, and for whole trees; standing still costs nothing."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import Report, RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.journal.pulse import EVERY, Pulse
from glmos.journal.stores.ram import RamStore
from glmos.sandbox import BubblewrapSandbox
from glmos.testing.models import ScriptedModel, call, pause
from glmos.testing.world import World, world
from glmos.tools.python import Python
from glmos.tools.shell import Shell
from tests.budgets.test_accounts import Slow
from tests.scenarios.notebook import Echo, Letter

pytestmark = pytest.mark.anyio

SOON = Limits(seconds=0.3)


class HandClock:
    """Turned by the test. What waits for real time does not notice."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


async def ended(w: World, pid: int) -> Report:
    with anyio.fail_after(30):
        return await w.system.wait(pid)


def refused_for_time(report: Report, holder: int | None = None) -> None:
    assert report.status == "refused", report.reason
    assert "seconds" in report.reason and f"glmos resume {holder or report.pid} --max-seconds N" in report.reason
    assert "is reached" in report.reason


async def log_of(w: World, pid: int, kind: type[Any]) -> list[Any]:
    return [x.event for x in await w.system.log(pid) if isinstance(x.event, kind)]


# -- what is under way ------------------------------------------------------------------------------------------------


async def test_a_command_in_the_sandbox_is_ended_when_the_time_is_over(
    tmp_path: Path, sandbox: BubblewrapSandbox
) -> None:
    script = [call("shell", command="sleep 600 & sleep 600")]
    async with world(tmp_path, script, tools=[Shell()], sandbox=sandbox) as w:
        pid = await w.system.start(RunRequest("wait", limits=Limits(seconds=1)))
        report = await ended(w, pid)
        receipts = await log_of(w, pid, e.ToolFinished)
        assert await sandbox.kill(pid) == 0, "nothing is left running"
    refused_for_time(report)
    assert "a call of shell" in report.reason
    assert [r.failure.kind for r in receipts] == ["limit"]


async def test_a_python_session_ends_with_its_process(tmp_path: Path, sandbox: BubblewrapSandbox) -> None:
    code = "import subprocess, time\nsubprocess.Popen(['sleep', '600'])\ntime.sleep(600)"
    async with world(tmp_path, [call("python", code=code)], tools=[Python()], sandbox=sandbox) as w:
        pid = await w.system.start(RunRequest("wait", limits=Limits(seconds=2)))
        report = await ended(w, pid)
        with anyio.fail_after(30):
            await w.system.machine.at_rest(pid)
        assert await sandbox.kill(pid) == 0
    refused_for_time(report)


@pytest.mark.parametrize(
    ("check", "what"),
    [({"kind": "command", "command": "sleep 600"}, "a command check"),
     ({"kind": "python", "code": "import time; time.sleep(600)"}, "a python check")],
)  # fmt: skip
async def test_a_check_is_stopped_and_run_again_when_there_is_time(
    tmp_path: Path, sandbox: BubblewrapSandbox, check: dict[str, str], what: str
) -> None:
    steps = [{"id": "a", "goal": "ok", "checks": [check]}]
    script = [call("plan", steps=steps), call("finish", result="ok")]
    async with world(tmp_path, script, sandbox=sandbox) as w:
        pid = await w.system.start(RunRequest("wait", limits=Limits(seconds=1)))
        report = await ended(w, pid)
        assert await sandbox.kill(pid) == 0
        refused_for_time(report)
        assert what in report.reason
        found = {c.kind: c.passed for c in report.steps[0].checks}
        assert found[check["kind"]] is None, "a check that was stopped has found nothing"
        await w.system.signal(pid, "resume")
        refused_for_time(await ended(w, pid))
        await w.system.adjust(pid, limits=Limits(seconds=3))
        await w.system.signal(pid, "resume")
        report = await ended(w, pid)
        checks = [x.index for x in await log_of(w, pid, e.CheckStarted)]
    refused_for_time(report)
    assert checks.count(max(checks)) == 2, "without time it was not begun"
    assert report.steps[0].attempts == 1, "the step is not done again for want of time"


async def test_a_tool_that_never_ends_is_stopped_and_paid(tmp_path: Path) -> None:
    slow = Slow(usd=0.5)
    async with world(tmp_path, [call("echo", text="x")], tools=[slow]) as w:
        report = await ended(w, await w.system.start(RunRequest("wait", limits=SOON)))
    refused_for_time(report)
    assert (slow.ran, report.cost.tool_calls, report.cost.usd) == (1, 1, 0.5)


async def test_a_letter_that_was_under_way_is_unknown_and_not_failed(tmp_path: Path) -> None:
    letter = Letter([], gate=anyio.Event())
    async with world(tmp_path, [call("letter", text="dear")], tools=[letter]) as w:
        pid = await w.system.start(RunRequest("write", limits=SOON, approve_all=True))
        report = await ended(w, pid)
        assert not await log_of(w, pid, e.ToolFinished)
        refused_for_time(report)
        await w.system.adjust(pid, limits=Limits(seconds=100))
        await w.system.signal(pid, "resume")
        report = await ended(w, pid)
    assert (report.status, report.question_kind, letter.sent) == ("waiting", "unknown_effect", ["dear"])


async def test_a_model_call_is_stopped_and_counts_as_spent(tmp_path: Path) -> None:
    model = ScriptedModel([pause(anyio.Event())])
    async with world(tmp_path, model) as w:
        report = await ended(w, await w.system.start(RunRequest("wait", limits=SOON)))
    refused_for_time(report)
    assert model.cancelled == 1 and report.cost.completion_tokens == model.requests[0].max_tokens


async def test_a_critic_is_stopped_and_asked_again_when_there_is_time(tmp_path: Path) -> None:
    critic = ScriptedModel([pause(anyio.Event()), call("verdict", outcome="passed", reason="ok")])
    async with world(tmp_path, [call("finish", result="ok")], critic=critic) as w:
        pid = await w.system.start(RunRequest("wait", limits=SOON))
        refused_for_time(await ended(w, pid))
        # The reply that the script would have given next goes to the critic that is asked anew.
        critic._acts = iter([call("verdict", outcome="passed", reason="ok")])
        await w.system.adjust(pid, limits=Limits(seconds=100))
        await w.system.signal(pid, "resume")
        report = await ended(w, pid)
    assert (report.status, critic.cancelled, len(critic.requests)) == ("done", 1, 2)
    assert report.cost.model_calls == 3


async def test_a_limit_that_is_lowered_stops_what_is_under_way(tmp_path: Path) -> None:
    reached = anyio.Event()
    async with world(tmp_path, [pause(anyio.Event(), reached)]) as w:
        pid = await w.system.start(RunRequest("wait", limits=Limits(seconds=1000)))
        await reached.wait()
        await w.system.adjust(pid, limits=Limits(seconds=0.001))
        report = await ended(w, pid)
    refused_for_time(report)


async def test_a_limit_that_is_raised_lets_what_is_under_way_go_on(tmp_path: Path) -> None:
    reached, gate, clock = anyio.Event(), anyio.Event(), HandClock()
    async with world(tmp_path, [pause(gate, reached), call("finish", result="ok")], clock=clock) as w:
        pid = await w.system.start(RunRequest("wait", limits=Limits(seconds=0.2)))
        await reached.wait()
        await w.system.adjust(pid, limits=Limits(seconds=1000))
        with anyio.move_on_after(0.4):  # longer than the first limit
            await w.system.wait(pid)
        gate.set()
        report = await ended(w, pid)
    assert report.status == "done"


# -- waiting ----------------------------------------------------------------------------------------------------------


async def test_whoever_waits_for_a_time_is_woken_when_its_own_is_over(tmp_path: Path) -> None:
    async with world(tmp_path, [call("wait", seconds=100_000)]) as w:
        report = await ended(w, await w.system.start(RunRequest("wait", limits=SOON)))
    refused_for_time(report)
    assert "waiting" in report.reason


async def test_a_wait_shorter_than_the_limit_ends_by_itself(tmp_path: Path) -> None:
    async with world(tmp_path, [call("wait", seconds=0.05), call("finish", result="ok")]) as w:
        report = await ended(w, await w.system.start(RunRequest("wait", limits=Limits(seconds=60))))
    assert report.status == "done"


Reply = Callable[[ModelRequest], ModelReply | Awaitable[ModelReply]]


def family(parent: list[ModelReply], child: Reply) -> ScriptedModel:
    """One script for the parent; whoever has `child` in its goal is a child."""
    replies = iter(parent)

    def reply(request: ModelRequest) -> Any:
        goal = request.messages[1].content
        return child(request) if "child" in goal else next(replies)

    return ScriptedModel(reply)


async def never(request: ModelRequest) -> ModelReply:
    await anyio.sleep_forever()
    raise AssertionError


async def test_a_child_is_stopped_when_the_time_of_its_parent_is_over(tmp_path: Path) -> None:
    model = family([call("spawn", goal="child"), call("wait")], never)
    async with world(tmp_path, model) as w:
        pid = await w.system.start(RunRequest("parent", limits=SOON))
        report = await ended(w, pid)
        (child,) = report.children
        below = await ended(w, child)
        told = await log_of(w, pid, e.ChildExited)
    refused_for_time(report)
    assert below.status in ("refused", "killed")
    if below.status == "refused":
        refused_for_time(below, holder=pid)
        assert "which holds for its children" in below.reason
    assert model.cancelled == 1
    assert len(told) <= 1


async def test_while_a_child_asks_a_person_the_time_of_the_whole_family_stands_still(tmp_path: Path) -> None:
    clock = HandClock()

    def child(request: ModelRequest) -> ModelReply:
        if "娃" in request.messages[-1].content:
            return call("finish", result="it is 娃", claims=[{"claim": "c", "call": "c1", "quote": "娃"}])
        return call("ask", question="who?")

    def middle(request: ModelRequest) -> ModelReply:
        clock.at += 1
        last = request.messages[-1].content
        if "ended done" in last:
            return call("finish", result="ok")
        return call("wait") if "was started" in last else call("spawn", goal="grandchild")

    def reply(request: ModelRequest) -> Any:
        goal = request.messages[1].content
        return child(request) if "grandchild" in goal else middle(request) if "child" in goal else next(top)

    top = iter([call("spawn", goal="child"), call("wait"), call("finish", result="ok")])
    async with world(tmp_path, ScriptedModel(reply), clock=clock) as w:
        pid = await w.system.start(RunRequest("parent", limits=Limits(seconds=100)))
        with anyio.fail_after(10):
            while not (
                asking := [r for r in await w.system.processes() if r.status == "waiting" and r.waits_for == "who?"]
            ):
                await anyio.lowlevel.checkpoint()
            while any(r.ticking for r in await w.system.processes()):
                await anyio.lowlevel.checkpoint()
        clock.at += 1_000_000
        await w.system.answer(asking[0].pid, "娃")
        report = await ended(w, pid)
        assert await log_of(w, pid, e.WaitPaused) and await log_of(w, pid, e.WaitContinued)
    assert report.status == "done", report.reason
    assert report.seconds < 100


async def test_a_suspended_process_uses_no_time(tmp_path: Path) -> None:
    clock, reached, gate = HandClock(), anyio.Event(), anyio.Event()
    async with world(tmp_path, [pause(gate, reached), call("finish", result="ok")], clock=clock) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(seconds=50)))
        await reached.wait()
        clock.at += 20
        await w.system.signal(pid, "suspend")
        clock.at += 1_000
        await w.system.signal(pid, "resume")
        clock.at += 20
        gate.set()
        report = await ended(w, pid)
    assert (report.status, report.seconds) == ("done", 40)


async def test_what_is_under_way_for_a_suspended_process_may_come_to_its_end(tmp_path: Path) -> None:
    reached, gate = anyio.Event(), anyio.Event()
    async with world(tmp_path, [pause(gate, reached), call("finish", result="好")]) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(seconds=0.5)))
        await reached.wait()
        await w.system.signal(pid, "suspend")
        with anyio.move_on_after(0.6):  # more than its time passes, and is not counted
            await gate.wait()
        gate.set()
        await w.system.signal(pid, "resume")
        report = await ended(w, pid)
    assert (report.status, report.answer) == ("done", "好")


async def test_no_call_begins_after_the_time_is_over(tmp_path: Path) -> None:
    clock, echo = HandClock(), Echo()

    def reply(request: ModelRequest) -> ModelReply:
        clock.at += 10
        return call("echo", text=str(clock.at))

    async with world(tmp_path, ScriptedModel(reply), tools=[echo], clock=clock) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(seconds=35)))
        report = await ended(w, pid)
    refused_for_time(report)
    assert (len(w.model.requests), echo.ran, report.seconds) == (4, 3, 40)


# -- crashes ----------------------------------------------------------------------------------------------------------


async def crashed(tmp_path: Path, store: RamStore, clock: HandClock, pid: int) -> int:
    """Run until a model call is under way, let ten seconds pass, and crash."""
    reached = anyio.Event()
    async with world(tmp_path, [pause(anyio.Event(), reached)], store=store, clock=clock) as w:
        pid = pid or await w.system.start(RunRequest("g", limits=Limits(seconds=35)))
        with anyio.move_on_after(1):
            await reached.wait()
        clock.at += 10
    return pid


async def test_a_process_that_crashes_again_and_again_runs_out_of_time(tmp_path: Path) -> None:
    store, clock, pid = RamStore(), HandClock(), 0
    for _ in range(4):
        pid = await crashed(tmp_path, store, clock, pid)
    async with world(tmp_path, [], store=store, clock=clock) as w:
        report = await ended(w, pid)
    refused_for_time(report)
    assert report.seconds == 40


async def test_the_time_for_which_nothing_ran_is_not_counted(tmp_path: Path) -> None:
    store, clock = RamStore(), HandClock()
    pid = await crashed(tmp_path, store, clock, 0)
    stopped = clock.at
    clock.at += 1_000_000
    async with world(tmp_path, [call("finish", result="ok")], store=store, clock=clock, stopped_at=stopped) as w:
        report = await ended(w, pid)
    assert (report.status, report.seconds) == ("done", 10)


def test_the_pulse_of_a_home_says_until_when_its_owner_lived(tmp_path: Path) -> None:
    assert Pulse(tmp_path).last is None

    async def live() -> None:
        async with Pulse(tmp_path).beating():
            await anyio.lowlevel.checkpoint()

    anyio.run(live)
    beat = (tmp_path / "pulse").stat().st_mtime
    assert Pulse(tmp_path).last == beat + EVERY


# -- families ---------------------------------------------------------------------------------------------------------


async def test_a_parent_is_told_that_its_child_was_refused_and_goes_on(tmp_path: Path) -> None:
    def child(request: ModelRequest) -> ModelReply:
        return call("echo", text="更多" * len(request.messages))

    heard: list[str] = []

    def parent(request: ModelRequest) -> ModelReply:
        heard.append(request.messages[-1].content)
        if "ended refused" in heard[-1]:
            return call("finish", result="the child had too little")
        return call("wait") if "was started" in heard[-1] else call("spawn", goal="child", max_tokens=9_000)

    def reply(request: ModelRequest) -> ModelReply:
        return child(request) if "child" in request.messages[1].content else parent(request)

    async with world(tmp_path, ScriptedModel(reply), tools=[Echo()]) as w:
        pid = await w.system.start(RunRequest("g"))
        report = await ended(w, pid)
        below = await w.system.report(report.children[0])
    assert (report.status, below.status) == ("done", "refused")
    used = below.cost.prompt_tokens + below.cost.completion_tokens
    assert used <= 9_000 and "limit of 9000 tokens is reached" in below.reason
    assert f"Child {below.pid} ended refused: the limit of 9000 tokens" in heard[-1]


async def test_a_parent_whose_children_used_everything_up_says_so(tmp_path: Path) -> None:
    def reply(request: ModelRequest) -> ModelReply:
        if "child" in request.messages[1].content:
            return call("echo", text="x" * len(request.messages))
        return call("wait") if "was started" in request.messages[-1].content else call("spawn", goal="child")

    model, echo = ScriptedModel(reply), Echo()
    async with world(tmp_path, model, tools=[echo]) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(model_calls=10)))
        report = await ended(w, pid)
        below = await ended(w, report.children[0])
    assert (report.status, below.status, len(model.requests)) == ("refused", "refused", 10)
    assert f"limit of 10 model calls of process {pid}, which holds for its children, is reached" in below.reason
    assert f"`glmos resume {pid} --max-model-calls N`, then `glmos resume {below.pid}`" in below.reason
    assert "the limit of 10 model calls is reached" in report.reason


async def test_a_refused_process_takes_its_children_with_it(tmp_path: Path) -> None:
    def reply(request: ModelRequest) -> Any:
        if "child" in request.messages[1].content:
            return never(request)
        count = len(request.messages)
        return call("spawn", goal="child") if count < 5 else call("echo", text=str(count))

    model = ScriptedModel(reply)
    async with world(tmp_path, model, tools=[Echo()]) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(tool_calls=2)))
        report = await ended(w, pid)
        with anyio.fail_after(10):
            await w.system.machine.at_rest(pid)
        statuses = [(await w.system.report(c)).status for c in report.children]
    assert report.status == "refused"
    assert statuses and set(statuses) == {"killed"}
    assert model.running == 0
