"""What a result says must stand in what it quotes."""

from typing import Any

import pytest

from glmos.abi.plans import Claim
from glmos.kernel.citation import Grounds, citation
from glmos.kernel.verify import Verdict


def cite(result: str, quote: str, observed: str, given: str = "", **more: Any) -> Verdict:
    claims = [Claim("it is so", "c1", quote)]
    return citation(result, claims, Grounds({"c1": observed}, [given], has_calls=True, **more))


REGIONS = "| region | total |\n| --- | --- |\n| West | 37972.4 |\n| South | 22109.8 |"


@pytest.mark.parametrize(
    ("result", "quote", "observed"),
    [
        ("about 12.3 million", "12345678", "total 12345678"),
        ("it is 37.5 %", "0.375", "share 0.375"),
        ("1. north\n2. south", "north south", "north south"),
        ("ok", "华南：  ３", "地区\n华南:\n3"),
        ("West is best with 37,972.40", "| West | 37972.4 |", REGIONS),
    ],
)
def test_what_stands_in_a_quote_is_founded(result: str, quote: str, observed: str) -> None:
    assert cite(result, quote, observed).outcome == "passed"


@pytest.mark.parametrize(
    ("result", "quote", "observed", "told"),
    [
        ("about 12.9 million", "12345678", "total 12345678", "12.9"),
        ("ok", " ", "anything", "empty quote"),
        ("ok", "...", "anything ...", "empty quote"),
        ("West sold 22,109.80", "| West | 37972.4 |", REGIONS, "22,109.80 (c1), which no quote has"),
        ("South is best", "| West | 37972.4 |", REGIONS, "'South' (c1)"),
        ("42", "42", "1742 sheep", "does not stand in c1"),
        ("923.20", "923.20", "26,923.20", "does not stand in c1"),
        ("500 more", "500", "change: -500", "does not stand in c1"),
        ("it is 3", "3", "3万", "does not stand in c1"),
        ("it is B", "B", "a BBC programme", "does not stand in c1"),
        ("7. is the answer", "six", "six", "7"),
    ],
)
def test_what_stands_in_no_quote_is_named(result: str, quote: str, observed: str, told: str) -> None:
    found = cite(result, quote, observed)
    assert (found.outcome, told in found.detail) == ("failed", True), found.detail


def test_numbers_of_the_goal_need_no_source() -> None:
    assert cite("in 2025 it was 3", "3", "3 sheep", given="how many in 2025?").outcome == "passed"
    assert cite("the 3 best are those", "those", "those", given="the three best").outcome == "passed"


def test_a_result_may_say_within_which_bounds_its_figures_hold() -> None:
    assert cite("17 from 2025-01-01 on", "17", "17", bounds=["2025-01-01"]).outcome == "passed"
    assert cite("It is 2025.", "17", "17", bounds=["2025-01-01"]).outcome == "failed"


def test_quotes_of_the_steps_it_needs_carry_a_result() -> None:
    assert cite("17 of 20", "17", "17, rows: 20", lent=[Claim("", "c1", "rows: 20")]).outcome == "passed"


def test_a_claim_on_nothing_names_what_there_is() -> None:
    found = citation("ok", [Claim("x", "c9", "y")], Grounds({"c1": "y"}))
    assert "c9" in found.detail
    assert "c1" in found.detail


def test_a_result_that_rests_on_nothing_and_claims_nothing_passes() -> None:
    assert citation("roses are red", [], Grounds({}, ["a poem"])).outcome == "passed"


def test_observations_without_a_claim_are_not_enough() -> None:
    assert citation("roses are red", [], Grounds({"c1": "red"}, has_calls=True)).outcome == "failed"


def test_a_number_the_doer_put_there_itself_is_no_observation() -> None:
    found = cite("42 sheep", "42 sheep", "Child 2 ended done: 42 sheep", own={"c1": {42.0: "you said so"}})
    assert (found.outcome, "42 (c1: you said so), which was not read" in found.detail) == ("failed", True)


def test_what_was_withdrawn_says_why_it_cannot_be_quoted() -> None:
    found = citation("42", [Claim("x", "c2", "42")], Grounds({"c1": "42"}, withdrawn={"c2": "it was undone"}))
    assert "nothing can be quoted from c2: it was undone" in found.detail


def test_an_echo_is_no_observation() -> None:
    found = cite("all is well", "all is well", "all is well", echoes={("c1", "all is well"): "you typed it"})
    assert (found.outcome, "your own wording (you typed it)" in found.detail) == ("failed", True)
