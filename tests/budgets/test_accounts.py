"""What is under way, lost, failed or killed counts against the limits: whatever was begun was begun."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from glmos.abi import events as e
from glmos.abi.api import Report, RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import StoreError, UsageError
from glmos.abi.messages import ModelReply, ModelTraits
from glmos.abi.tools import ToolCall, ToolResult, ToolSpec
from glmos.journal.stores.ram import RamStore
from glmos.ports import ToolContext
from glmos.testing.models import ScriptedModel, call, calls, pause
from glmos.testing.world import World, world
from tests.scenarios.notebook import Echo

pytestmark = pytest.mark.anyio


class Slow(Echo):
    """Pure, with a price, and never ends by itself."""

    def __init__(self, *, usd: float = 0.0) -> None:
        super().__init__()
        self.usd = usd
        self.reached = anyio.Event()
        self.gate = anyio.Event()

    @property
    def spec(self) -> ToolSpec:
        spec = super().spec
        return ToolSpec(
            spec.name, spec.summary, spec.description, spec.parameters, spec.actions, resident=True, usd=self.usd
        )

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.ran += 1
        self.reached.set()
        await self.gate.wait()
        return ToolResult(text="at last", usd=self.usd)


def free(script: list[ModelReply]) -> ScriptedModel:
    """A model whose price is known to be nothing."""
    return ScriptedModel(script, traits=ModelTraits("free", "testing", priced=True))


async def again(w: World, pid: int) -> Report:
    await w.system.signal(pid, "resume")
    with anyio.fail_after(5):
        return await w.system.wait(pid)


async def test_a_process_killed_in_the_middle_of_a_pure_call_goes_on_when_told_to(tmp_path: Path) -> None:
    slow = Slow()
    claims = [{"claim": "done", "call": "c1", "quote": "at last"}]
    script = [call("echo", text="鱼"), call("finish", result="at last", claims=claims)]
    async with world(tmp_path, script, tools=[slow]) as w:
        pid = await w.system.start(RunRequest("wait for it"))
        await slow.reached.wait()
        await w.system.signal(pid, "kill")
        slow.gate.set()
        report = await again(w, pid)
    assert (report.status, slow.ran, report.cost.tool_calls) == ("done", 2, 2)


async def test_a_process_killed_in_the_middle_of_a_check_goes_on_with_the_check(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    critic = ScriptedModel([pause(gate, reached), call("verdict", outcome="passed", reason="ok")])
    async with world(tmp_path, [call("finish", result="roses")], critic=critic) as w:
        pid = await w.system.start(RunRequest("write a poem"))
        await reached.wait()
        await w.system.signal(pid, "kill")
        report = await again(w, pid)
    assert (report.status, len(w.model.requests), len(critic.requests)) == ("done", 1, 2)


async def test_a_call_that_is_made_again_after_each_crash_uses_up_the_limit(tmp_path: Path) -> None:
    store, begun = RamStore(), 0
    pid = 0
    for _ in range(5):
        slow = Slow(usd=0.25)
        async with world(tmp_path, [call("echo", text="x")], tools=[slow], store=store) as w:
            pid = pid or await w.system.start(RunRequest("g", limits=Limits(tool_calls=3)))
            with anyio.fail_after(5):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(w.system.wait, pid)
                    tasks.start_soon(slow.reached.wait)
                    while not slow.ran and (await w.system.report(pid)).status == "running":
                        await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()
            begun += slow.ran
    async with world(tmp_path, [], tools=[Slow()], store=store) as w:
        report = await w.system.wait(pid)
    assert (begun, report.status, report.cost.tool_calls) == (3, "refused", 3)
    assert report.cost.usd == pytest.approx(0.75), "each of the lost calls may have been billed"
    assert "limit of 3 tool calls" in report.reason and f"glmos resume {pid} --max-tool-calls" in report.reason


async def test_calls_dropped_by_undo_stay_paid(tmp_path: Path) -> None:
    slow = Slow(usd=0.5)
    async with world(tmp_path, free([call("echo", text="x")] * 3), tools=[slow]) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(usd=1.0)))
        for expected in (1, 2):
            with anyio.fail_after(5):
                await slow.reached.wait()
            assert slow.ran == expected
            slow.reached = anyio.Event()
            await w.system.undo(pid)
            await w.system.signal(pid, "resume")
        report = await w.system.wait(pid)
    assert (report.status, slow.ran, report.cost.usd) == ("refused", 2, 1.0)


async def test_a_refused_critic_is_asked_when_the_limit_is_raised(tmp_path: Path) -> None:
    verdict = call("verdict", outcome="passed", reason="ok")
    critic = ScriptedModel([verdict])
    async with world(tmp_path, [call("finish", result="roses")], critic=critic) as w:
        report = await w.system.run("write a poem", limits=Limits(model_calls=1))
        assert (report.status, len(critic.requests)) == ("refused", 0)
        assert "needs up to 1" in report.reason and "a critic" in report.reason
        await w.system.adjust(report.pid, limits=Limits(model_calls=2))
        report = await again(w, report.pid)
    assert (report.status, len(w.model.requests), len(critic.requests)) == ("done", 1, 1)


async def test_several_calls_of_a_reply_are_reserved_together(tmp_path: Path) -> None:
    echo = Echo()
    script = [calls(*(("echo", {"text": str(i)}) for i in range(8))), call("finish", result="x")]
    async with world(tmp_path, script, tools=[echo]) as w:
        report = await w.system.run("g", limits=Limits(tool_calls=5))
    assert (report.status, echo.ran, report.cost.tool_calls) == ("refused", 5, 5)


@pytest.mark.parametrize("limits", [Limits(usd=float("nan")), Limits(seconds=float("inf")), Limits(tokens=-1)], ids=str)
async def test_a_limit_that_could_not_be_kept_is_refused(tmp_path: Path, limits: Limits) -> None:
    async with world(tmp_path, []) as w:
        with pytest.raises(UsageError, match="is a number from 0 up"):
            await w.system.run("g", limits=limits)
        report = await w.system.run("g", limits=Limits(seconds=0))
        with pytest.raises(UsageError, match="is a number from 0 up"):
            await w.system.adjust(report.pid, limits=limits)
    assert (report.status, len(w.model.requests)) == ("refused", 0)


class Paid(Echo):
    """Has a price, and an opinion of its own of what a call has cost."""

    def __init__(self, said: float | None) -> None:
        super().__init__()
        self.said = said

    @property
    def spec(self) -> ToolSpec:
        return msgspec.structs.replace(super().spec, usd=0.25)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.ran += 1
        if self.said == 13.0:
            raise RuntimeError("it broke after it had been paid for")
        return ToolResult(text="thanks", usd=self.said)


@pytest.mark.parametrize(("said", "ran"), [(None, 4), (-100.0, 4), (float("nan"), 4), (13.0, 4), (0.125, 7), (1.5, 1)])
async def test_money_spent_on_tools_keeps_to_the_limit(tmp_path: Path, said: float | None, ran: int) -> None:
    """At 0.125 a call the eighth would fit, but it might cost 0.25. One that lies about its worst case is the last."""
    tool = Paid(said)
    async with world(tmp_path, free([call("echo", text=str(i)) for i in range(9)]), tools=[tool]) as w:
        report = await w.system.run("g", limits=Limits(usd=1.0))
    assert (report.status, tool.ran) == ("refused", ran)
    assert "limit of 1 dollars is reached" in report.reason and "a call of echo needs up to 0.25" in report.reason


class Hesitant(RamStore):
    """Writes new limits only when it is told how that goes."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = anyio.Event()
        self.gate = anyio.Event()
        self.works = True

    async def append(self, pid: int, expected_seq: int, events: Sequence[e.Event], **more: Any) -> int:
        if any(isinstance(event, e.LimitsChanged) for event in events):
            self.reached.set()
            await self.gate.wait()
            if not self.works:
                raise StoreError("The disk that holds the journal is full; free some space and try again.")
        return await super().append(pid, expected_seq, events, **more)


@pytest.mark.parametrize("works", [True, False])
@pytest.mark.parametrize(("calls_allowed", "meanwhile", "then"), [(9, 2, 9), (1, 1, 1)])
async def test_a_limit_that_is_being_raised_holds_until_that_is_on_disk(
    tmp_path: Path, works: bool, calls_allowed: int, meanwhile: int, then: int
) -> None:
    store, slow = Hesitant(), Slow()
    store.works = works
    async with world(tmp_path, [call("echo", text="鱼")], tools=[slow], store=store) as w:
        pid = await w.system.start(RunRequest("say 鱼", limits=Limits(tool_calls=2)))
        ledger = w.system.machine.parts.ledger
        with anyio.fail_after(10):
            await slow.reached.wait()
            assert ledger.holder(pid, "tool_calls")[1] == 2

            seen = 0.0

            async def adjust() -> None:
                with nullcontext() if works else pytest.raises(StoreError, match="full"):
                    await w.system.adjust(pid, limits=Limits(tool_calls=calls_allowed))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(adjust)
                await store.reached.wait()
                seen = ledger.holder(pid, "tool_calls")[1]
                store.gate.set()
            assert seen == meanwhile
            assert ledger.holder(pid, "tool_calls")[1] == (then if works else 2)
