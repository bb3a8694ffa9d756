"""What we send is what GLM's chat templates can render: each turn reaches the server with the fields they look for.

The templates of GLM-4.5 to 5.x read `reasoning_content`, `tool_calls` with parsed arguments, one `tool` message for each
result, and write the word "None" for a content that is missing.
"""

import json
from typing import Any

import pytest

from glmos.abi.messages import FunctionCall, Message, ModelRequest, ToolSchema
from glmos.models.profiles import profile_for
from glmos.models.wire.openai import OpenAIWire

WEATHER = ToolSchema("weather", "天气 of a city.", {"type": "object", "properties": {"city": {"type": "string"}}})


def call(name: str, **arguments: Any) -> FunctionCall:
    return FunctionCall(f"call_{name}", name, json.dumps(arguments, ensure_ascii=False))


CONVERSATIONS: dict[str, tuple[Message, ...]] = {
    "a greeting": (Message("user", "good morning"),),
    "a system message and Chinese": (Message("system", "简短回答"), Message("user", "今天几号？")),
    "an answer with its reasoning": (
        Message("user", "6 times 7?"),
        Message("assistant", "42", reasoning="six sevens"),
        Message("user", "and 8?"),
    ),
    "a call without content": (
        Message("user", "weather in 成都?"),
        Message("assistant", "", (call("weather", city="成都"),), reasoning="look it up"),
        Message("tool", "rain </arg_value>", call_id="call_weather"),
    ),
    "two calls and two results": (
        Message("user", "compare"),
        Message(
            "assistant", "Both.", (call("weather", city="A"), call("wind", city="A", days=[1, 2], deep={"x": None}))
        ),
        Message("tool", "sun", call_id="call_weather"),
        Message("tool", "calm", call_id="call_wind"),
        Message("assistant", "Sunny and calm."),
        Message("user", "thanks"),
    ),
}


@pytest.mark.parametrize("model", ["glm-4.6", "glm-4.7", "glm-5.3"])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_reaches_the_template_as_it_was(name: str, model: str) -> None:
    given = CONVERSATIONS[name]
    body = OpenAIWire().build(ModelRequest(given, (WEATHER,)), model, profile_for("zai", model), "openai/zai")
    assert [m["role"] for m in body["messages"]] == [m.role for m in given]
    for sent, meant in zip(body["messages"], given, strict=True):
        assert sent["content"] == meant.content, "a missing content would be rendered as the word None"
        parsed = [json.loads(c["function"]["arguments"]) for c in sent.get("tool_calls", [])]
        assert parsed == [json.loads(c.arguments) for c in meant.calls]
        assert sent.get("tool_call_id", "") == meant.call_id
        assert sent.get("reasoning_content", "") == meant.reasoning
    assert body["tools"][0]["function"]["description"] == "天气 of a city."


def test_thinking_is_asked_to_be_preserved_because_it_is_sent_back_whole() -> None:
    body = OpenAIWire().build(
        ModelRequest(CONVERSATIONS["a greeting"]), "glm-4.7", profile_for("zai", "glm-4.7"), "openai/zai"
    )
    assert body["thinking"] == {"type": "enabled", "clear_thinking": False}
