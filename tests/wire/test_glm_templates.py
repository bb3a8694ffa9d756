"""What we send is what GLM's own chat templates render rightly.

`fixtures/glm_render_cases.json`: conversations and the exact text the templates of GLM-4.5/4.6 and GLM-4.7 to 5.x make of
them (rendered with the templates in TRL and z.ai's model repositories, Apache-2.0 and MIT). A server parses the arguments
of calls before it renders; so does the comparison.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from glmos.abi.messages import FunctionCall, Message, ModelRequest, ToolSchema
from glmos.models.profiles import profile_for
from glmos.models.wire.openai import OpenAIWire

CASES = json.loads((Path(__file__).parent / "fixtures" / "glm_render_cases.json").read_text("utf-8"))


def message(turn: dict[str, Any]) -> Message:
    calls = tuple(
        FunctionCall(c["id"], c["function"]["name"], json.dumps(c["function"]["arguments"], ensure_ascii=False))
        for c in turn.get("tool_calls", ())
    )
    return Message(
        turn["role"], turn.get("content") or "", calls, turn.get("tool_call_id", ""), turn.get("reasoning_content", "")
    )


def as_rendered(turn: dict[str, Any]) -> dict[str, Any]:
    """A message as a server hands it to the template."""
    for call in turn.get("tool_calls", ()):
        if isinstance(call["function"]["arguments"], str):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return turn


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['case']}-{c['template'][:11]}")
def test_a_conversation_reaches_the_template_as_it_was(case: dict[str, Any]):
    tools = tuple(ToolSchema(**t["function"]) for t in case["tools"] or ())
    request = ModelRequest(messages=tuple(message(m) for m in case["messages"]), tools=tools)
    model = "glm-4.6" if "4.6" in case["template"] else "glm-4.7"
    body = OpenAIWire().build(request, model, profile_for("vllm", model), "openai/vllm")
    for ours, theirs in zip(map(as_rendered, body["messages"]), case["messages"], strict=True):
        names = {"reasoning": "reasoning_content"}  # vLLM hands its own field name on as the template's
        assert {names.get(k, k): v for k, v in ours.items()} == {**theirs, "content": theirs["content"] or ""}
    assert body.get("tools") == (case["tools"] or None)
    if case["case"] == "preserved_thinking" and model == "glm-4.7":
        assert body["chat_template_kwargs"] == case["kwargs"]


def test_missing_content_would_be_rendered_as_a_word_so_it_is_never_sent():
    case = next(c for c in CASES if c["case"] == "null_content_tool_call")
    assert "None" in case["rendered"]
    request = ModelRequest(messages=tuple(message(m) for m in case["messages"]))
    body = OpenAIWire().build(request, "glm-4.7", profile_for("zai", "glm-4.7"), "openai/zai")
    assert all(isinstance(m["content"], str) for m in body["messages"])
