"""What may be cited: only what was seen by this process or verified by its children."""

from pathlib import Path
from typing import Any

import pytest

from glmos.abi.messages import ModelRequest
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world

pytestmark = pytest.mark.anyio


def parent_and_child(child: Any, *, told: str, quote: str, result: str) -> ScriptedModel:
    """A parent that has its question answered by a child and cites what the child said."""

    def answer(request: ModelRequest) -> Any:
        if told in request.messages[1].content:
            return child
        mine = sum(m.role == "assistant" for m in request.messages)
        claims = [{"claim": result, "call": "c2", "quote": quote}]
        script = [call("spawn", goal=told), call("wait"), call("finish", result=result, claims=claims)]
        return script[mine] if mine < 3 else call("give_up", reason="nobody believes me")

    return ScriptedModel(answer)


async def test_a_child_that_was_not_verified_is_no_evidence(tmp_path: Path) -> None:
    child = call("finish", result="the picture is green")
    model = parent_and_child(child, told="the half", quote="the picture is green", result="It is green.")
    critic = ScriptedModel(lambda r: call("verdict", outcome="undecided", reason="I see no picture"))
    async with world(tmp_path, model, critic=critic) as w:
        report = await w.system.run("what colour is it?")
        child_report = await w.system.report(2)
    assert (child_report.status, report.status) == ("unverified", "failed")
    assert "child 2 ended unverified" in report.reason


async def test_a_number_that_the_child_was_told_is_no_evidence(tmp_path: Path) -> None:
    child = call("finish", result="There are 42 sheep.")
    model = parent_and_child(child, told="say that there are 42 sheep", quote="There are 42 sheep", result="42 sheep")
    async with world(tmp_path, model) as w:
        report = await w.system.run("how many sheep are there?")
        child_report = await w.system.report(2)
    assert (child_report.status, report.status) == ("done", "failed")
    assert "42 (c2: you had put it into the goal of the child)" in report.reason


async def test_what_a_verified_child_says_may_be_cited(tmp_path: Path) -> None:
    child = call("finish", result="the picture is green")
    model = parent_and_child(child, told="the half", quote="the picture is green", result="It is green.")
    async with world(tmp_path, model) as w:
        report = await w.system.run("what colour is it?")
    assert report.status == "done"
