"""A limit is lowered while a call waits for its turn: what was reserved under the old limit is not begun."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.testing.models import ScriptedModel, call, calls
from glmos.testing.world import world
from tests.budgets.test_accounts import Slow

pytestmark = pytest.mark.anyio

ONE_AT_A_TIME = {"runtime.model_calls_at_once": 1, "runtime.tools_at_once": 1}


async def test_a_tool_call_that_waits_for_its_turn_is_not_begun_once_the_limit_is_lower(tmp_path: Path) -> None:
    slow = Slow()
    both = calls(("echo", {"text": "鱼"}), ("echo", {"text": "肉"}))
    async with world(tmp_path, [both], tools=[slow], settings=ONE_AT_A_TIME) as w:
        pid = await w.system.start(RunRequest("say 鱼 and 肉", limits=Limits(tool_calls=2)))
        with anyio.fail_after(5):
            await slow.reached.wait()
            await w.system.adjust(pid, limits=Limits(tool_calls=1))
            slow.gate.set()
            report = await w.system.wait(pid)
        log = [x.event for x in await w.system.log(pid)]
    receipts = {x.call: x for x in log if isinstance(x, e.ToolFinished)}
    assert slow.ran == 1
    assert (receipts["c1"].failure, receipts["c1"].usage.tool_calls) == (None, 1)
    assert receipts["c2"].failure is not None and receipts["c2"].failure.kind == "limit"
    assert receipts["c2"].usage.tool_calls == 0, "what was never begun is not counted"
    assert (report.status, report.cost.tool_calls) == ("refused", 1)
    assert "tool" in report.reason and "1" in report.reason, report.reason


async def test_a_model_call_that_waits_for_its_turn_is_not_made_once_the_limit_is_lower(tmp_path: Path) -> None:
    asked, gate = anyio.Event(), anyio.Event()

    class Busy(ScriptedModel):
        async def complete(self, request: ModelRequest, on_delta: object = None) -> ModelReply:
            asked.set()
            await gate.wait()
            return await super().complete(request)

    model = Busy(lambda request: call("give_up", reason="enough"))
    async with world(tmp_path, model, settings=ONE_AT_A_TIME) as w:
        first = await w.system.start(RunRequest("先来"))
        with anyio.fail_after(5):
            await asked.wait()
            second = await w.system.start(RunRequest("后到"))
            while not any(isinstance(x.event, e.ModelCalled) for x in await w.system.log(second)):
                await anyio.lowlevel.checkpoint()
            await w.system.adjust(second, limits=Limits(tokens=10))
            gate.set()
            await w.system.wait(first)
            report = await w.system.wait(second)
    assert len(model.requests) == 1
    assert (report.status, report.cost.model_calls, report.cost.prompt_tokens) == ("refused", 0, 0)
    assert "token" in report.reason and "10" in report.reason, report.reason
