"""Goals that a strong model once brought to an end, played again: recorded replies, real tools, real checks."""

from pathlib import Path

import pytest

from glmos.abi import events as e
from glmos.models.replay import ReplayDriver
from glmos.sandbox.bubblewrap import BubblewrapSandbox
from glmos.testing.world import world
from glmos.tools.registry import installed

pytestmark = pytest.mark.anyio

TRANSCRIPTS = Path(__file__).parent / "transcripts"
SALES = Path(__file__).parents[2] / "examples" / "sales" / "sales.csv"
GOAL = (
    "Using sales.csv: write report.xlsx with one sheet per quarter of 2025 (region, product, total sales; highest first) "
    "and chart.png with the monthly sales of 2025 as bars. Tell me the best month, the best region of 2025, and by how "
    "much it beat the second."
)


async def test_a_failing_check_leads_to_a_replan_and_a_correct_end(tmp_path: Path) -> None:
    """The first plan demands 60 rows a sheet, which the data does not have; the revised plan demands the pairs sold."""
    model = ReplayDriver(TRANSCRIPTS / "quarterly-report.jsonl", mode="order")
    sandbox = BubblewrapSandbox()
    async with world(tmp_path, model, tools=list(installed()), critic=model, sandbox=sandbox) as w:
        report = await w.system.run(GOAL, files=[SALES])
        events = [x.event for x in await w.system.log(report.pid)]
        explained = await w.system.explain(report.pid)
        await sandbox.aclose()
    assert report.status == "done"
    assert "West" in report.answer
    assert "15,862.60" in report.answer
    assert sorted(Path(f).name for f in report.files) == ["chart.png", "report.xlsx"]
    failed = [x for x in events if isinstance(x, e.CheckFinished) and x.outcome == "failed"]
    assert [(x.step, x.kind) for x in failed] == [("report", "python")] * 3
    plans = [x for x in events if isinstance(x, e.PlanMade)]
    assert len(plans) == 2
    assert "60 pairs" in plans[1].reason
    assert [s.status for s in report.steps] == ["passed"] * 4
    assert [type(x).__name__ for x in events].count("KernelSpoke") == 3
    assert explained.claims
    assert all(source.found for claim in explained.claims for source in claim.sources)
