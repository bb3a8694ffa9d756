"""Hostile data at every door: only declared errors come out, in bounded time. The long run is `benchmarks/fuzz.py`.

What once crashed or hung is kept below as it was when it had been made small.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from glmos.abi import events as e
from glmos.abi.plans import Step
from glmos.testing.fuzz.replies import Answer
from glmos.testing.fuzz.targets import TARGETS, Target, TookTooLong, guarded

PER_WEIGHT = 20
"""Cases of a target for each unit of its weight."""
BY_NAME = {target.name: target for target in TARGETS}
CREATED = e.ProcessCreated("g", root=1)


def answer(body: bytes, status: int = 200, kind: str = "text/event-stream") -> list[Answer]:
    return [Answer(status, {"content-type": kind}, (body,))]


REGRESSIONS: list[tuple[str, Any]] = [
    ("openai", answer(b"[" * 3_000, 302)),
    ("openai", answer(b'data: {"choices":[{"delta":{"content":' + b"[" * 3_000 + b"\n\n")),
    ("openai", answer(b'{"choices": "\xff"}', kind="application/json")),
    ("openai", answer(b'data: {"usage":{"prompt_tokens":1e300},"choices":[{"delta":{"content":"x"}}]}\n\n')),
    ("openai", b"\x00data: {" + b'"a":{' * 2_000),
    ("anthropic", answer(b'data: {"type":"message_delta","usage":{"input_tokens":1' + b"0" * 300 + b"}}\n\n")),
    ("anthropic", answer(b'{"content":[{"x":1}],"stop_reason":"end_turn"}', kind="application/json")),
    ("calls", ("wait", '{"seconds": "-inf"}')),
    ("calls", ("spawn", '{"goal": "g", "max_tokens": 1000000000000000000000000000000}')),
    ("calls", ("plan", '{"steps": [{"id": "a", "goal": "g", "checks": [{"kind": "number", "equals": "nan"}]}]}')),
    ("events", [CREATED, e.StepFailed("a", 1, "")]),
    ("events", [CREATED, e.StepStarted("a", 1)]),
    ("events", [CREATED, e.StepReopened("a", "")]),
    ("events", [CREATED, e.CheckStarted("a", 0)]),
    ("events", [CREATED, e.CheckFinished("a", -1, "k", "passed")]),
    ("events", [CREATED, e.CallRefused("%+", 1, 0, "n", "p")]),
    ("events", [CREATED, e.PlanMade(1, (Step("a", "g", needs=("b",)),))]),
    ("events", [CREATED, e.WaitStarted("c1", children=(712,))]),
    ("events", [CREATED, e.CallAnswered("c2", 2, -3, "n")]),
    ("events", [CREATED, e.ProcessExited("failed", "\ud800")]),
    ("settings", b'[models.x]\nbase_url = "http://["\n'),
    ("requests", b"GET /processes/1/events?after=" + b"9" * 5_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"),
    ("requests", b"GET /processes/" + b"9" * 5_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"),
    ("requests", b"GET /models HTTP/1.1\r\nhost: x\r\nglmos-environment: [1]\r\n\r\n"),
    ("transcripts", b'{"glmos_transcript":1,"model":{"name":"m","provider":"p","x":' + b"[" * 3_000),
    ("transcripts", b'{"n":1,"request":{"messages":[{"role":"user","content":"\xff"}]}}'),
    ("notebook", [("error", {"traceback": 5e-324, "ename": [], "evalue": {}})]),
    ("notebook", [("error", {"traceback": "一行"})]),
    ("tables", b'"\r'),
    ("tables", b'\xf1\xff\xff\n"x\x1bb\r\xff\xff\n\xd4"\r\xff\xff\r\rx;1.\n'),
]


@pytest.mark.parametrize(("name", "case"), REGRESSIONS)
def test_what_once_broke_something_is_withstood(name: str, case: Any) -> None:
    guarded(BY_NAME[name].check, case)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_undeclared_comes_out_of(target: Target) -> None:
    @settings(max_examples=PER_WEIGHT * target.weight, deadline=None, suppress_health_check=list(HealthCheck))
    @given(target.cases)
    def check(case: Any) -> None:
        guarded(target.check, case)

    check()


@pytest.mark.parametrize("target", [t for t in TARGETS if t.seeds], ids=lambda target: target.name)
def test_the_places_where_a_guided_search_begins_are_sound(target: Target) -> None:
    for seed in target.seeds:
        guarded(target.check, seed)


def test_a_case_that_does_not_end_is_interrupted() -> None:
    def endless(_: Any) -> None:
        while True:
            pass

    with pytest.raises(TookTooLong):
        guarded(endless, None, seconds=0.1)
