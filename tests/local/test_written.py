"""What a GLM writes is taken apart into thinking, text and calls, however it arrives."""

import json
import random

import pytest

from glmos.abi.messages import Delta, ToolSchema
from glmos.models.local.written import Written, read_call, typed

WEATHER = ToolSchema(
    "weather", "天气",
    {"type": "object", "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"}, "zip": {"type": "string"}, "deep": {"$ref": "#/$defs/d"},
    }, "$defs": {"d": {"type": "array"}}},
)  # fmt: skip
WIND = ToolSchema("wind", "", {"type": "object", "properties": {}})

GLM_4_5 = (
    "\n<think>先看看\nthen call</think>\nI look it up.\n<tool_call>weather\n"
    "<arg_key>city</arg_key>\n<arg_value>成都</arg_value>\n"
    "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n<arg_key>zip</arg_key>\n<arg_value>75001</arg_value>\n</tool_call>\n"
    "<tool_call>wind\n</tool_call>"
)
GLM_4_7 = (
    GLM_4_5.replace("\n<think>", "")
    .replace("</think>\n", "</think>")
    .replace(">\n<", "><")
    .replace("weather\n", "weather")
)


def read(text: str, *, form="tags", prompt="<|assistant|>", tools=(WEATHER, WIND), finish="stop", seed=0, taken=()):
    """The reply, with the text arriving in random pieces."""
    chance, deltas = random.Random(seed), list[Delta]()
    written = Written(form, tools, prompt=prompt, on_delta=deltas.append)
    while text:
        size = chance.randint(1, 9)
        written.feed(text[:size])
        text = text[size:]
    written.close(finish)
    return written.reply(set(taken)), deltas


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("text", "prompt"), [(GLM_4_5, "<|assistant|>"), (GLM_4_7, "<|assistant|><think>")])
def test_calls_with_tags_come_back_whatever_the_pieces_are(text, prompt, seed):
    reply, deltas = read(text, prompt=prompt, seed=seed)
    assert reply.reasoning == "先看看\nthen call"
    assert reply.content == "I look it up."
    assert [c.name for c in reply.calls] == ["weather", "wind"]
    assert json.loads(reply.calls[0].arguments) == {"city": "成都", "days": 2, "zip": "75001"}
    assert json.loads(reply.calls[1].arguments) == {}
    assert reply.finish == "calls"
    assert [d.call for d in deltas if d.call] == ["weather", "wind"]
    assert "".join(d.reasoning for d in deltas).strip() == reply.reasoning
    assert "<" not in "".join(d.content for d in deltas), "no half of a tag is shown"


@pytest.mark.parametrize("seed", range(10))
def test_a_first_line_with_the_name_of_a_tool_is_a_call(seed):
    reply, deltas = read('weather\n{"city": "成都",\n "days": 2}', form="name_line", seed=seed)
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("weather", {"city": "成都", "days": 2})]
    assert reply.content == ""
    assert reply.finish == "calls"
    assert [d.call for d in deltas] == ["weather"]


@pytest.mark.parametrize("text", ["\nSure.\nHere 好", "Sure.\nHere 好", "weather is fine", "wea"])
def test_any_other_first_line_is_text(text):
    reply, _ = read(text, form="name_line")
    assert reply.calls == ()
    assert reply.content == text.strip()


def test_a_name_after_thinking_is_a_call_too():
    reply, _ = read("<think>hm</think>\nwind\n{}", form="name_line")
    assert (reply.reasoning, reply.content, [c.name for c in reply.calls]) == ("hm", "", ["wind"])


def test_without_tools_a_name_is_a_word():
    reply, _ = read("weather\n{}", form="name_line", tools=())
    assert (reply.calls, reply.content) == ((), "weather\n{}")


def test_thinking_that_the_prompt_opened_ends_where_the_tag_says():
    reply, _ = read("six sevens</think>42", prompt="<|assistant|><think>")
    assert (reply.reasoning, reply.content, reply.finish) == ("six sevens", "42", "stop")


def test_thinking_that_never_ends_is_no_answer():
    reply, _ = read("on and on", prompt="<|assistant|><think>", finish="length")
    assert (reply.reasoning, reply.content, reply.finish) == ("on and on", "", "length")


def test_a_call_that_ran_out_of_tokens_is_not_made():
    reply, _ = read(GLM_4_5[:-60], finish="length")
    assert reply.calls == ()
    assert reply.finish == "length"
    reply, _ = read('weather\n{"city": "成', form="name_line", finish="length")
    assert reply.calls == ()


def test_a_call_whose_end_is_missing_is_made_when_the_model_had_ended():
    reply, _ = read(GLM_4_5.removesuffix("</tool_call>"))
    assert [c.name for c in reply.calls] == ["weather", "wind"]


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ('{"name": "wind", "arguments": {"a": 1}}', "wind", '{"a": 1}'),
        ('wind\n{"a": 1}', "wind", '{"a": 1}'),
        ("wind\n<arg_key>a<arg_value>1", "wind", "<arg_key>a<arg_value>1"),
        ("<arg_key>a</arg_key><arg_value></arg_value>", "", '{"a": ""}'),
        ("wind<arg_key>a</arg_key><arg_value>x\n</arg_key> y</arg_value>", "wind", '{"a": "x\\n</arg_key> y"}'),
    ],
)
def test_calls_in_other_forms_are_read_or_come_back_as_they_are(text, name, arguments):
    assert read_call(text, {}) == (name, arguments)


def test_an_end_of_a_box_is_no_part_of_the_text():
    assert read("It is <|begin_of_box|>42<|end_of_box|>.")[0].content == "It is 42."


def test_ids_of_calls_are_new_in_the_conversation():
    assert read(GLM_4_5, taken=["call_1", "call_2"])[0].calls[0].id not in ("call_1", "call_2")


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("75001", {"type": "string"}, "75001"),
        ("75001", {"type": "integer"}, 75001),
        (" 75001\n", {"type": "integer"}, 75001),
        ("many", {"type": "integer"}, "many"),
        ("True", {"type": "boolean"}, True),
        ("null", {"type": ["string", "null"]}, None),
        ("null", {"type": "string"}, "null"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ("3", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 3),
        ("3", {"enum": ["1", "3"]}, "3"),
        ("3", {"enum": [1, 3]}, 3),
        ("3", {}, "3"),
        ('{"a": 1}', {}, {"a": 1}),
        ("  keep me \n", {"type": "string"}, "  keep me \n"),
    ],
)
def test_a_bare_value_is_typed_by_its_schema(text, schema, value):
    assert typed(text, schema) == value


def test_a_schema_elsewhere_in_the_tool_counts():
    reply, _ = read("<tool_call>weather<arg_key>deep</arg_key><arg_value>[1]</arg_value></tool_call>")
    assert json.loads(reply.calls[0].arguments) == {"deep": [1]}
