"""Checks that text alone can decide."""

import pytest

from glmos.abi.plans import Claim, NumberCheck, PatternCheck
from glmos.kernel import verify


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,234.5 and 7", [1234.5, 7]),
        ("3.2 million, 3万, 1.5亿, 2k", [3.2e6, 3e4, 1.5e8, 2e3]),
        ("-5 to −3", [-5, -3]),
        ("1e3", [1000]),
        ("销售额3元", [3]),
        ("2025-03-04", [2025, 3, 4]),
        ("no number", []),
        ("1,23", [1, 23]),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, values: list[float]) -> None:
    assert [abs(n.value) for n in verify.numbers(text)] == [abs(v) for v in values]


def cite(result: str, quote: str, observed: str, given: str = "") -> verify.Verdict:
    claims = [Claim("it is so", "c1", quote)]
    return verify.citation(result, claims, {"c1": observed}, [given], has_calls=True)


def test_a_rounded_number_rests_on_the_exact_one() -> None:
    assert cite("about 12.3 million", "12345678", "total 12345678").outcome == "passed"


def test_a_number_rounded_wrongly_does_not() -> None:
    assert cite("about 12.9 million", "12345678", "total 12345678").outcome == "failed"


def test_a_share_may_be_given_in_percent() -> None:
    assert cite("it is 37.5 %", "0.375", "share 0.375").outcome == "passed"


def test_numbers_of_the_goal_need_no_source() -> None:
    assert cite("in 2025 it was 3", "3", "3 sheep", given="how many in 2025?").outcome == "passed"


def test_numbers_of_a_list_are_no_claims() -> None:
    assert cite("1. north\n2. south", "north south", "north south").outcome == "passed"


def test_white_space_and_full_width_forms_do_not_matter_in_a_quote() -> None:
    assert cite("ok", "华南：  ３", "地区\n华南:\n3").outcome == "passed"


def test_an_empty_quote_proves_nothing() -> None:
    assert cite("ok", " ", "anything").outcome == "failed"


def test_a_claim_on_nothing_names_what_there_is() -> None:
    found = verify.citation("ok", [Claim("x", "c9", "y")], {"c1": "y"}, [], has_calls=True)
    assert "c9" in found.detail
    assert "c1" in found.detail


def test_a_result_that_rests_on_nothing_and_claims_nothing_passes() -> None:
    assert verify.citation("roses are red", [], {}, ["a poem"], has_calls=False).outcome == "passed"


def test_a_pattern_that_would_take_for_ever_decides_nothing() -> None:
    found = verify.pattern(PatternCheck(r"^(a|a)*$"), "a" * 40 + "b", "it")
    assert (found.outcome, "simpler" in found.detail) == ("undecided", True)


def test_a_pattern_may_be_wanted_absent() -> None:
    assert verify.pattern(PatternCheck("TODO", absent=True), "all done", "it").outcome == "passed"
    assert verify.pattern(PatternCheck("TODO", absent=True), "TODO", "it").outcome == "failed"


@pytest.mark.parametrize(
    ("said", "outcome"), [("total: 10.004", "passed"), ("total: 10.2", "failed"), ("none", "failed")]
)
def test_a_number_must_be_within_its_tolerance(said: str, outcome: str) -> None:
    assert verify.number(NumberCheck(tolerance=1e-3), said, 10.0).outcome == outcome


def test_a_schema_says_where_it_is_broken() -> None:
    found = verify.schema({"type": "object", "required": ["a"]}, "{}", "the result")
    assert (found.outcome, "'a' is a required property" in found.detail) == ("failed", True)
    assert verify.schema({}, "{bad", "the result").outcome == "failed"
