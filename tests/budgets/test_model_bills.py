"""What a model call costs when it fails, when nobody says what it cost, and when little is left."""

from pathlib import Path

import pytest

from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.testing.models import ScriptedModel, call, fail
from glmos.testing.world import world
from tests.budgets.test_accounts import again, free

pytestmark = pytest.mark.anyio


async def test_calls_that_fail_are_calls(tmp_path: Path) -> None:
    async with world(tmp_path, [fail("overloaded")] * 9) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(model_calls=3)))
        statuses = [(await w.system.wait(pid)).status]
        for _ in range(5):
            statuses.append((await again(w, pid)).status)
        report = await w.system.report(pid)
    assert statuses == ["failed"] * 3 + ["refused"] * 3
    assert len(w.model.requests) == report.cost.model_calls == 3


async def test_a_failed_call_of_which_nobody_knows_the_bill_counts_with_its_worst_case(tmp_path: Path) -> None:
    model = ScriptedModel([fail("interrupted", usage=None)] * 9, usd_per_million=10.0)
    async with world(tmp_path, model) as w:
        pid = await w.system.start(RunRequest("g", limits=Limits(tokens=30_000)))
        for _ in range(5):
            await w.system.wait(pid)
            report = await again(w, pid)
        billed = sum(model.estimate(r) + r.max_tokens for r in model.requests)
    assert report.status == "refused"
    assert billed == report.cost.prompt_tokens + report.cost.completion_tokens <= 30_000
    assert report.cost.usd == pytest.approx(billed * 1e-5)


async def test_a_short_budget_shortens_the_reply_that_is_asked_for(tmp_path: Path) -> None:
    model = ScriptedModel([call("finish", result="roses")], usd_per_million=100.0)
    async with world(tmp_path, model, settings={"check.critic": False}) as w:
        report = await w.system.run("write a poem", limits=Limits(usd=0.3))
        prompt = model.estimate(model.requests[0])
    assert report.status == "done"
    assert model.requests[0].max_tokens == 3_000 - prompt


async def test_a_limit_on_money_with_a_critic_without_a_price_says_what_to_set(tmp_path: Path) -> None:
    critic = ScriptedModel([call("verdict", outcome="passed", reason="ok")])
    async with world(tmp_path, free([call("finish", result="roses")]), critic=critic) as w:
        report = await w.system.run("write a poem", limits=Limits(usd=5.0))
    assert (report.status, len(critic.requests)) == ("refused", 0)
    assert "limit of 5 dollars" in report.reason and "set `price` for it in glmos.toml" in report.reason
