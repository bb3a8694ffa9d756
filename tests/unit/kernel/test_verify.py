"""Checks that text alone can decide."""

import pytest

from glmos.abi.plans import NumberCheck, PatternCheck
from glmos.kernel import verify


def test_a_pattern_that_would_take_for_ever_decides_nothing() -> None:
    found = verify.search(r"^(a|a)*$", "a" * 40 + "b")
    assert isinstance(found, verify.Verdict)
    assert (found.outcome, "simpler" in found.detail) == ("undecided", True)


def test_a_pattern_may_be_wanted_absent() -> None:
    assert verify.pattern(PatternCheck("TODO", absent=True), verify.Found(None), "it").outcome == "passed"
    assert verify.pattern(PatternCheck("TODO", absent=True), verify.Found("TODO"), "it").outcome == "failed"


@pytest.mark.parametrize(
    ("said", "outcome"), [("total: 10.004", "passed"), ("total: 10.2", "failed"), ("none", "failed")]
)
def test_a_number_must_be_within_its_tolerance(said: str, outcome: str) -> None:
    assert verify.number(NumberCheck(tolerance=1e-3), verify.Found(said), 10.0).outcome == outcome
