"""Every kind of event can be told in one line."""

import typing
from typing import Any

import msgspec

from glmos.abi import events as e
from glmos.abi.messages import FunctionCall, ModelReply
from glmos.abi.plans import CitationCheck, Step
from glmos.abi.tools import Failure, Output
from glmos.cli.narrate import essentials, kind


def sample(event: type[Any]) -> Any:
    """An event with something in every required field, hostile text where text is."""
    values: dict[str, Any] = {
        "steps": (Step("s1", "读取\n表格", checks=(CitationCheck(),)),), "output": Output("a\nb\x1b[0m"),
        "result": Output("r"), "reply": ModelReply(content="hm", calls=(FunctionCall("1", "tables", "{"),)),
        "arguments": {"action": "query", "sql": "SELECT '华北'\n"}, "limits": e.Limits(usd=1.0), "verified": False,
        "implied": False, "failure": None,
    }  # fmt: skip
    literal = {
        "signal": "kill", "status": "done", "outcome": "passed", "effect": "pure", "limit": "usd", "verdict": "yes",
        "kind": "protocol" if event is e.ModelFailed else "question",
    }  # fmt: skip
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(event):
        if field.required:
            plain: Any = {int: 7, float: 0.5, str: "文\x1b本", bool: True}.get(typing.cast("Any", field.type), "x")
            given[field.name] = values.get(field.name, literal.get(field.name, plain))
    return event(**given)


def test_every_event_is_told_in_one_line() -> None:
    for event in typing.get_args(e.Event):
        told = essentials(sample(event))
        assert "\n" not in told, event
        assert kind(sample(event)).count(".") == 1


def test_what_matters_is_in_the_line() -> None:
    intended = e.ToolIntended("c2", "tables", "query", {"action": "query", "sql": "SELECT '华北'"}, "pure")
    assert essentials(intended) == "c2 tables.query sql=\"SELECT '华北'\" (pure)"
    failed = e.ToolFinished("c2", Output(""), failure=Failure("timeout", "It took over 2 s."))
    assert essentials(failed) == "c2: timeout: It took over 2 s."
    refused = e.BudgetRefused("usd", 1, 0.5, 0.49, 0.02, "model call 3")
    assert essentials(refused) == "usd of process 1: 0.49 of 0.5 used, model call 3 needs up to 0.02"
