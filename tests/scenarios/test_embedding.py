"""GLM-OS inside a program, as the README shows it: real parts, the bundled model, tools of one's own."""

import subprocess
import sys
from pathlib import Path

import pytest

import glmos
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import ConflictError, NotFoundError, UsageError

pytestmark = pytest.mark.anyio

SALES = Path(__file__).parents[2] / "examples" / "sales" / "sales.csv"


async def test_a_question_over_a_file_is_answered_and_verified_by_the_bundled_model(tmp_path: Path) -> None:
    async with glmos.open(tmp_path / "home", environ={}) as system:
        report = await system.run("Which region had the highest sales in 2025?", files=[SALES])
        explained = await system.explain(report.pid)
    assert report.status == "done"
    assert report.answer.startswith("West")
    assert {c.kind: c.passed for c in report.steps[0].checks}["query"] is True
    (claim,) = explained.claims
    assert claim.sources[0].found
    assert "SUM" in claim.sources[0].arguments["sql"]


async def test_a_goal_outside_its_range_is_declined_at_once_with_the_ways_out(tmp_path: Path) -> None:
    async with glmos.open(tmp_path / "home", environ={}) as system:
        report = await system.run("Write a poem about autumn.")
    assert (report.status, report.answer) == ("failed", "")
    assert "ZAI_API_KEY" in report.reason
    assert "-m URL" in report.reason


async def test_a_typed_function_is_a_tool(tmp_path: Path) -> None:
    @glmos.tool(effect="pure")
    def exchange(amount: float, currency: str) -> float:
        """Convert an amount of euros.

        Args:
            amount: In euros.
            currency: Three letters.
        """
        return amount * {"CNY": 8.2}[currency]

    async with glmos.open(tmp_path / "home", environ={}, tools=[exchange]) as system:
        shown = {t.name: t for t in await system.tools()}
    assert exchange(2.0, "CNY") == 16.4
    assert shown["exchange"].actions == (("run", "pure"),)


async def test_a_home_has_one_owner(tmp_path: Path) -> None:
    async with glmos.open(tmp_path / "home", environ={}):
        with pytest.raises(ConflictError, match="in use"):
            async with glmos.open(tmp_path / "home", environ={}):
                pass


async def test_what_cannot_start_leaves_no_process_behind(tmp_path: Path) -> None:
    async with glmos.open(tmp_path / "home", environ={}) as system:
        with pytest.raises(NotFoundError, match=r"missing\.csv"):
            await system.run("count", files=[tmp_path / "missing.csv"])
        with pytest.raises(UsageError, match="empty"):
            await system.run("   ")
        with pytest.raises(NotFoundError, match="nosuch"):
            await system.run("count", model="nosuch")
        for limits in (Limits(tokens=-1), Limits(usd=float("nan")), Limits(seconds=1e300), Limits(tool_calls=10**400)):
            with pytest.raises(UsageError, match="a limit on"):
                await system.run("count", limits=limits)
        with pytest.raises(UsageError, match="from -20 to 19"):
            await system.start(RunRequest("count", priority=10**400))
        assert await system.processes(live_only=False) == []


def test_the_examples_run(tmp_path: Path) -> None:
    folder = SALES.parents[1] / "python"
    asked = [sys.executable, str(folder / "ask_a_table.py"), str(SALES), "Which region had the highest sales in 2025?"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("done - West")
    own = [sys.executable, str(folder / "own_tool.py"), "How much is 250 euros in yuan?", "-m", "nano"]
    done = subprocess.run(own, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("failed - the bundled nano model")
