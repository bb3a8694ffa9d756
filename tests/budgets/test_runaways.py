"""Whatever runs away is stopped by its limit, before it is exceeded, and says by which and how to go on."""

from pathlib import Path

import pytest

from glmos.testing.runaways import KINDS, SCRIPTS, Script, run
from glmos.testing.runaways.run import Kind

pytestmark = pytest.mark.anyio

OPTIONS = {
    "usd": "cost",
    "tokens": "tokens",
    "seconds": "seconds",
    "model_calls": "model-calls",
    "tool_calls": "tool-calls",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.name)
async def test_it_is_stopped_by_its_limit(script: Script, kind: Kind, tmp_path: Path) -> None:
    outcome = await run(script, kind, tmp_path)
    assert outcome.running == 0, "nothing is left under way"
    if kind in script.spends_no:
        assert (outcome.used, outcome.status) == (0, "failed")
        return
    assert outcome.used <= outcome.allowed * outcome.trees + outcome.excess + 1e-9, outcome
    assert outcome.excess == 0 or script.breaks_its_word
    assert outcome.said >= outcome.used - 0.01, "what was really used is what the processes say"
    assert outcome.status == "refused", outcome.reason
    amount = outcome.allowed if kind in ("usd", "seconds") else int(outcome.allowed)
    unit = "dollars" if kind == "usd" else kind.replace("_", " ")
    assert outcome.stopped_by == f"{amount:.10g} {unit}", outcome.reason
    assert outcome.reason.endswith(f"raise it with `glmos resume {outcome.pid} --max-{OPTIONS[kind]} N`")
