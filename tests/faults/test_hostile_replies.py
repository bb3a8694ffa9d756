"""What a model says, however wrong: it is told so in a bounded sentence, and neither the process nor the daemon breaks.

Each of these was found by fuzzing (`benchmarks/fuzz.py`) or by following up what it found.
"""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from glmos.abi import events as e
from glmos.abi.messages import FunctionCall, Message, ModelReply, ModelRequest
from glmos.abi.plans import Claim, PatternCheck, SchemaCheck, Step
from glmos.context import critic
from glmos.kernel import patterns, plans
from glmos.kernel.citation import Grounds, citation
from glmos.kernel.rules import Rules
from glmos.models.driver import WIRES
from glmos.models.faults import read_refusal
from glmos.models.profiles import profile_for
from glmos.models.wire.draft import arguments_object
from glmos.testing.models import call, calls
from glmos.testing.world import world
from tests.scenarios.notebook import Echo

pytestmark = pytest.mark.anyio

DEEP = "[" * 20_000


# -- JSON that nobody should have sent --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [DEEP, '{"a": ' * 5_000, '{"a": "\\ud800"}', "1" * 5_000, '{"n": 1e999}', "NaN"])
def test_arguments_that_are_no_json_go_back_as_the_model_wrote_them(text: str) -> None:
    assert arguments_object(text) == {"malformed_arguments": text}
    turn = Message("assistant", calls=(FunctionCall("a", "f", text),))
    for name, at in (("openai", "zai"), ("anthropic", "anthropic")):
        body = WIRES[name].build(ModelRequest((turn,)), "m", profile_for(at, "m"), f"{name}/{at}")
        assert json.dumps(body, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [DEEP, '{"error": ' * 5_000, "1" * 5_000])
def test_a_refusal_that_is_no_json_is_still_a_refusal(body: str) -> None:
    assert read_refusal(500, body, codes={}).kind == "overloaded"


def test_a_verdict_with_nonsense_beside_it_decides_nothing() -> None:
    reply = ModelReply(calls=(FunctionCall("a", "verdict", f'{{"outcome": "passed", "x": {DEEP}}}'),))
    assert critic.read_verdict(reply)[0] == "undecided"


# -- patterns and schemas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    ["(((((a?){99}){99}){99}){99})", "(?R)", "(?P<a>(?&a))", "(?:(?:a{99}){99}){99}", "a|" * 2_000, "[", "(?:" * 900],
)
def test_a_pattern_that_would_fill_the_memory_is_refused_before_it_is_compiled(pattern: str) -> None:
    step = Step("a", "g", checks=(PatternCheck(pattern),))
    fault = plans.faults([step], Rules())
    assert len(fault) == 1
    assert len(fault[0]) < 400


@pytest.mark.parametrize(
    "pattern", ["^A$", "X{9}", r"(\d+)", "TODO|FIXME", "total: .*", r"\p{Han}{2}", "[^]]+", "(?:ab)"]
)
def test_everyday_patterns_are_searched_for_in_place(pattern: str) -> None:
    assert patterns.pattern_fault(pattern) == ""
    assert patterns.is_quick(pattern, "text")


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(?:\w+\s?)+$", r"(a)\1", r"(?<=a)b", "a*b*", "(?i)x", "(?:foo){e<=2}"]
)
def test_patterns_that_may_take_long_are_left_to_the_sandbox(pattern: str) -> None:
    assert patterns.pattern_fault(pattern) == ""
    assert not patterns.is_quick(pattern, "text")


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": [[n] for n in range(1_000)]},
        {"not": json.loads('{"not":' * 60 + "{}" + "}" * 60)},
        {"type": "nothing"},
        {"minLength": -1},
        {"pattern": "["},
    ],
)
def test_a_schema_that_is_none_or_too_large_is_refused(schema: dict[str, Any]) -> None:
    assert len(plans.faults([Step("a", "g", checks=(SchemaCheck(schema),))], Rules())) == 1


async def checked(folder: Path, check: dict[str, Any], result: str) -> tuple[str, str]:
    """Outcome and detail of one check on a step's result, by the whole system."""
    steps = [{"id": "a", "goal": "g", "checks": [check]}]
    script = [call("plan", steps=steps), call("finish", result=result)] + [call("give_up", reason="no")] * 3
    async with world(folder, script) as w:
        report = await w.system.run("a goal")
        found = next(x for x in await w.system.log(report.pid) if isinstance(x.event, e.CheckFinished))
        assert isinstance(found.event, e.CheckFinished)
        return found.event.outcome, found.event.detail


@pytest.mark.parametrize(
    ("pattern", "result", "outcome"),
    [
        (r"(?:\w+\s?)+$", "all good", "passed"),
        (r"^(?:ab)+$", "xyz", "failed"),
        (r"^(a|a)*$", "a" * 40 + "b", "undecided"),
    ],
)
async def test_a_pattern_left_to_the_sandbox_decides_the_same(
    tmp_path: Path, pattern: str, result: str, outcome: str
) -> None:
    assert (await checked(tmp_path, {"kind": "pattern", "pattern": pattern}, result))[0] == outcome


@pytest.mark.parametrize(
    ("schema", "result", "outcome", "words"),
    [
        ({"type": "object", "required": ["a"]}, '{"a": 1}', "passed", "fits"),
        ({"type": "object", "required": ["a"]}, "{}", "failed", "'a' is a required property"),
        ({"type": "object"}, "{bad", "failed", "is not JSON"),
        ({"$ref": "#"}, "{}", "undecided", "could not be applied"),
    ],
)
async def test_a_schema_is_applied_in_the_sandbox(
    tmp_path: Path, schema: dict[str, Any], result: str, outcome: str, words: str
) -> None:
    found = await checked(tmp_path, {"kind": "schema", "schema": schema}, result)
    assert (found[0], words in found[1]) == (outcome, True), found


async def test_a_schema_that_refers_to_an_address_is_not_followed_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/secret"
        outcome, _ = await checked(tmp_path, {"kind": "schema", "schema": {"$ref": address}}, "{}")
        with pytest.raises(BlockingIOError):
            server.accept()
    assert outcome == "undecided"


async def test_a_check_whose_program_prints_no_number_fails_with_its_words(tmp_path: Path) -> None:
    outcome, detail = await checked(tmp_path, {"kind": "number", "python": "1), print('x'"}, "1")
    assert (outcome, "gives no number" in detail) == ("failed", True)


# -- citations --------------------------------------------------------------------------------------------------------


def test_a_number_beyond_all_numbers_is_near_to_none() -> None:
    claims = [Claim("c", "c1", "7")]
    assert citation("it is 9e999", claims, Grounds({"c1": "7"}, has_calls=True)).outcome == "failed"


def test_long_results_and_observations_are_compared_in_little_time() -> None:
    """They took so many minutes, in the event loop of the daemon, that the time limit of a test would be over."""
    seen = " ".join(str(n) for n in range(40_000))
    claims = [Claim("c", "c1", "7")] * 5
    for result in (" ".join(str(-n) for n in range(3_000)), "7" + "\n" * 300_000):
        found = citation(result, claims, Grounds({"c1": seen}, has_calls=True))
        assert found.outcome == ("passed" if result.startswith("7") else "failed")


# -- what goes back to the model, and into the journal ----------------------------------------------------------------


async def refusals(folder: Path, *wanted: tuple[str, dict[str, Any] | str]) -> list[str]:
    script = [*(calls(w) for w in wanted), call("give_up", reason="no")]
    async with world(folder, script, tools=[Echo()]) as w:
        report = await w.system.run("a goal")
        assert report.status == "failed", report.reason
        return [x.event.problem for x in await w.system.log(report.pid) if isinstance(x.event, e.CallRefused)]


async def test_a_refusal_does_not_repeat_all_that_was_wrong(tmp_path: Path) -> None:
    many = [{"id": "a", "goal": ""} for _ in range(20_000)]
    long = [{"id": "x" * 50_000, "goal": "", "needs": ["y" * 50_000]}] * 3
    found = await refusals(
        tmp_path,
        ("plan", {"steps": many}),
        ("plan", {"steps": long}),
        ("z" * 100_000, {}),
        ("use", {"tool": "q" * 90_000}),
    )
    assert len(found) == 4
    assert max(map(len, found)) < 2_100


async def test_a_plan_has_a_bounded_number_of_checks(tmp_path: Path) -> None:
    checks = [{"kind": "command", "command": "true"}] * 5_000
    found = await refusals(tmp_path, ("plan", {"steps": [{"id": "a", "goal": "g", "checks": checks}]}))
    assert "at most 20" in found[0]


@pytest.mark.parametrize(
    "check", [{"kind": "number", "equals": "nan"}, {"kind": "number", "equals": 1, "tolerance": "inf"},
              {"kind": "command", "command": "true", "timeout": "-inf"}],
)  # fmt: skip
async def test_a_number_that_is_none_is_refused_before_it_reaches_the_journal(
    tmp_path: Path, check: dict[str, Any]
) -> None:
    """The event could be written, but not read back, so every attempt to go on broke the process again."""
    found = await refusals(tmp_path, ("plan", {"steps": [{"id": "a", "goal": "g", "checks": [check]}]}))
    assert found == ["the arguments of 'plan' hold a number that is none"]


@pytest.mark.parametrize("tokens", [0, -5, 10**30, "many"])
async def test_a_child_with_an_impossible_limit_is_not_started(tmp_path: Path, tokens: Any) -> None:
    assert "max_tokens" in (await refusals(tmp_path, ("spawn", {"goal": "g", "max_tokens": tokens})))[0]
