"""Tiny checkpoints of every architecture, really loaded and really generating, from a request to a reply."""

import io
import itertools
import json

import msgspec
import pytest

from glmos.abi.messages import Delta, FunctionCall, Message, ModelRequest, ToolSchema
from glmos.models.local.describe import describe
from glmos.models.local.engine import NoRoom, Sampling, TooLong
from glmos.models.local.protocol import Load
from glmos.models.local.worker import Session
from tests.local.checkpoints import NAME_LINE as NAME_LINE_TEMPLATE
from tests.local.checkpoints import TEXT, VISION, make, tagged
from tests.local.gguf_export import export

WEATHER = ToolSchema(
    "weather", "天气", {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
)
ARGUMENTS = {"city": "成都", "days": 2}
TAGS = (
    "\n<think>查一下</think>\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>成都</arg_value>\n"
    "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>"
)
TAGS_4_7 = "查一下</think>" + TAGS.split("</think>\n")[1].replace("\n", "")
NAME_LINE = 'weather\n{"city": "成都", "days": 2}'
SAYS = {"glm": NAME_LINE, "glm4": NAME_LINE, "glm4_moe": TAGS, "glm4v": TAGS, "glm4v_moe": TAGS_4_7}
HI = ModelRequest((Message("user", "天气 in 成都?"),), (WEATHER,), max_tokens=200, temperature=0)


READ = ToolSchema("read", "读", {"type": "object"})
MUST = ModelRequest((Message("user", "hi"),), (WEATHER, READ), max_tokens=40, temperature=0, require_call=True)


def never() -> bool:
    return False


def session(folder, *, context=2048, **options) -> Session:
    from glmos.models.local.torch import TorchEngine

    weights = describe(folder)
    return Session(Load(weights, context, 60.0), TorchEngine(weights, context, threads=1, **options))


def llama(file, *, context=2048):
    from glmos.models.local.llama import LlamaEngine

    return LlamaEngine(describe(file), context, threads=1)


def picture(colour: str) -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (40, 24), colour).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("kind", [*TEXT, *VISION])
def test_weights_that_write_a_call_make_it(shelf, kind):
    deltas = []
    reply, stopped = session(make(shelf / f"calls-{kind}", kind, says=SAYS[kind], ends="<|observation|>")).answer(
        HI, deltas.append, never
    )
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("weather", ARGUMENTS)]
    assert reply.reasoning == ("" if kind in ("glm", "glm4") else "查一下")
    assert (reply.content, reply.finish, stopped) == ("", "calls", False)
    assert [d.call for d in deltas if d.call] == ["weather"]
    assert reply.usage.prompt_tokens > 100, "the tools are in the prompt"
    assert reply.usage.completion_tokens > 10


def test_weights_of_the_newer_format_without_line_breaks_make_their_call_too(shelf):
    folder = make(shelf / "calls-4.7", "glm4_moe", says=TAGS_4_7, ends="<|observation|>", template=tagged(""))
    reply, _ = session(folder).answer(HI, print, never)
    assert (reply.reasoning, [json.loads(c.arguments) for c in reply.calls]) == ("查一下", [ARGUMENTS])


def test_a_call_of_tensors_of_random_weights_can_be_forced_token_by_token(shelf):
    """Whatever the weights want, a logits processor makes them write a call."""
    import torch

    folder = make(shelf / "random", "glm4_moe")
    from tests.local.checkpoints import tokenizer

    wanted = iter(tokenizer()(TAGS + "<|observation|>", add_special_tokens=False)["input_ids"])

    def force(_, scores):
        only = torch.full_like(scores, float("-inf"))
        only[:, next(wanted)] = 0.0
        return only

    reply, _ = session(folder, logits_processors=[force]).answer(HI, print, never)
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("weather", ARGUMENTS)]
    assert reply.reasoning == "查一下"


@pytest.mark.parametrize("form", ["folder", "file"])
@pytest.mark.parametrize("template", ["name_line", "tags"])
def test_weights_that_do_not_think_begin_with_a_call_where_one_is_required(shelf, form, template):
    """Random weights would never write one by themselves."""
    text = NAME_LINE_TEMPLATE if template == "name_line" else tagged("\n").replace("<think>", "<t>")
    folder = make(shelf / f"must-{template}", "glm4", letters=True, template=text)
    loaded = session(folder) if form == "folder" else gguf_session(export(folder, shelf / f"must-{template}.gguf"))
    told: list[Delta] = []
    free, _ = loaded.answer(msgspec.structs.replace(MUST, require_call=False), lambda _: None, never)
    loaded.answer(MUST, told.append, never)  # which ends at its limit, in the middle of the call
    text = "".join(delta.content for delta in told)
    assert not free.calls
    assert not text, "nothing is said beside the call"
    if template == "name_line":
        assert {delta.call for delta in told} & {"weather", "read"}


def test_weights_that_think_are_not_kept_from_it_where_a_call_is_required(shelf):
    folder = make(shelf / "must-think", "glm4_moe", letters=True)
    required, free = (session(folder).answer(msgspec.structs.replace(MUST, require_call=must), lambda _: None, never)[0]
                      for must in (True, False))  # fmt: skip
    assert required == free


@pytest.mark.parametrize("kind", [*TEXT, *VISION])
def test_random_weights_end_at_the_limit_that_was_set(shelf, kind):
    reply, _ = session(make(shelf / f"limit-{kind}", kind, letters=True)).answer(
        ModelRequest((Message("user", "你好"),), max_tokens=12, temperature=0), lambda _: None, never
    )
    assert (reply.finish, reply.usage.completion_tokens) == ("length", 12)


@pytest.mark.parametrize("kind", TEXT)
def test_a_longer_conversation_computes_only_what_is_new_and_says_the_same(shelf, kind):
    folder = make(shelf / f"cache-{kind}", kind, letters=True)
    first = (Message("user", "一 " * 400),)
    second = (*first, Message("assistant", "好"), Message("user", "二"))
    warm, fresh = session(folder), session(folder)
    ask = {"max_tokens": 30, "temperature": 0.0}
    warm.answer(ModelRequest(first, **ask), lambda _: None, never)
    one, _ = warm.answer(ModelRequest(second, **ask), lambda _: None, never)
    two, _ = fresh.answer(ModelRequest(second, **ask), lambda _: None, never)
    assert (one.content, one.reasoning) == (two.content, two.reasoning)
    assert one.usage.cached_tokens > 1000
    assert two.usage.cached_tokens == 0
    other, _ = warm.answer(ModelRequest((Message("user", "别的"),), **ask), lambda _: None, never)
    assert other.usage.cached_tokens < 20, "of another conversation only the common beginning"


def test_a_prompt_beyond_the_context_is_refused_with_its_size(shelf):
    with pytest.raises(TooLong) as caught:
        session(make(shelf / "long", "glm4"), context=300).answer(
            ModelRequest((Message("user", "长" * 300),)), print, never
        )
    assert caught.value.tokens > 900


def test_what_is_left_of_the_context_limits_the_reply(shelf):
    reply, _ = session(make(shelf / "left", "glm4", letters=True), context=60).answer(
        ModelRequest((Message("user", "x" * 30),), max_tokens=500, temperature=0), lambda _: None, never
    )
    assert reply.finish == "length"
    assert reply.usage.tokens == 60


@pytest.mark.parametrize("kind", VISION)
def test_a_picture_takes_its_place_and_changes_what_is_seen(shelf, kind):
    folder = make(shelf / f"sees-{kind}", kind, letters=True)

    def look(*images: bytes) -> tuple[str, int]:
        reply, _ = session(folder).answer(
            ModelRequest((Message("user", "是什么?", images=images),), max_tokens=25, temperature=0),
            lambda _: None,
            never,
        )
        return reply.content + reply.reasoning, reply.usage.prompt_tokens

    red, blue, none, two = look(picture("red")), look(picture("blue")), look(), look(picture("red"), picture("blue"))
    assert red[0] != blue[0]
    assert red[1] == blue[1] > none[1]
    assert two[1] - red[1] == red[1] - none[1], "each takes as many tokens"
    assert look(picture("red")) == red


def test_a_picture_of_an_earlier_question_leaves_nothing_behind(shelf):
    folder = make(shelf / "sees-glm4v", "glm4v", letters=True)
    seeing, fresh = session(folder), session(folder)
    plain = ModelRequest((Message("user", "一" * 30),), max_tokens=25, temperature=0)
    seeing.answer(ModelRequest((Message("user", "?", images=(picture("red"),)),), max_tokens=5), lambda _: None, never)
    assert (
        seeing.answer(plain, lambda _: None, never)[0].content == fresh.answer(plain, lambda _: None, never)[0].content
    )


def test_it_stops_between_two_tokens_and_between_two_chunks_of_the_prompt(shelf):
    loaded = session(make(shelf / "stops", "glm4", letters=True), context=4096)
    count = itertools.count()
    reply, stopped = loaded.answer(
        ModelRequest((Message("user", "hi"),), max_tokens=500, temperature=0), lambda _: None, lambda: next(count) > 5
    )
    assert stopped
    assert reply.usage.completion_tokens < 12
    count = itertools.count()
    reply, stopped = loaded.answer(
        ModelRequest((Message("user", "长" * 1000),), max_tokens=500), lambda _: None, lambda: next(count) > 1
    )
    assert stopped
    assert reply.usage.completion_tokens == 0
    again, _ = loaded.answer(ModelRequest((Message("user", "长" * 1000),), max_tokens=3), lambda _: None, never)
    assert again.usage.cached_tokens >= 1024, "what was read before the stop is kept"


def test_weights_that_do_not_fit_are_refused_with_the_figures(shelf):
    from glmos.models.local.torch import TorchEngine

    weights = msgspec.structs.replace(describe(make(shelf / "fits", "glm4")), bytes=10**15)
    with pytest.raises(NoRoom, match=r"it needs about 1250000\.\d GB of memory and .* are free: close other programs"):
        TorchEngine(weights, 1024)


# -- llama.cpp --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["glm", "glm4"])
def test_llama_cpp_and_transformers_write_the_same(shelf, kind):
    folder = make(shelf / f"same-{kind}", kind, letters=True, seed=11)
    engine = llama(export(folder, shelf / f"same-{kind}.gguf"))
    from glmos.models.local.torch import TorchEngine

    other = TorchEngine(describe(folder), 2048, threads=1)
    seen: set[str] = set()
    for prompt in ("[gMASK]<sop><|user|>\n天气 in 成都?<|assistant|>\n", "hello<|assistant|>", "<|system|>\n你" * 50):
        texts, counts = [], []
        for each in (engine, other):
            told: list[str] = []
            made = each.generate(prompt, (), Sampling(60, 0.0), told.append, never)
            texts.append("".join(told))
            counts.append((made.prompt_tokens, made.completion_tokens, made.finish))
        assert texts[0] == texts[1]
        assert counts[0] == counts[1]
        seen |= set(texts[0])
    assert len(seen) > 8, "they did not write one letter over and over"


def gguf_session(file, **options) -> Session:
    return Session(Load(describe(file), 2048, 60.0), llama(file, **options))


def test_a_gguf_file_makes_calls_from_its_own_template(shelf):
    folder = make(shelf / "gguf-calls", "glm4", says=NAME_LINE, ends="<|observation|>")
    reply, _ = gguf_session(export(folder, shelf / "calls.gguf")).answer(HI, lambda _: None, never)
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("weather", ARGUMENTS)]
    assert reply.usage.prompt_tokens > 100


def test_a_gguf_file_with_a_newer_template_makes_its_calls(shelf):
    folder = make(shelf / "gguf-tags", "glm4", says=TAGS, ends="<|observation|>", template=tagged("\n"))
    reply, _ = gguf_session(export(folder, shelf / "tags.gguf")).answer(HI, lambda _: None, never)
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("weather", ARGUMENTS)]
    assert reply.reasoning == "查一下"


def test_a_gguf_file_keeps_to_a_grammar_and_to_a_schema(shelf):
    loaded = gguf_session(export(make(shelf / "held", "glm4", letters=True), shelf / "held.gguf"))
    asked = (Message("user", "yes or no?"),)
    reply, _ = loaded.answer(ModelRequest(asked, grammar='root ::= "是" | "否"', max_tokens=20), lambda _: None, never)
    assert reply.content in ("是", "否")
    schema = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "additionalProperties": False,
    }
    reply, _ = loaded.answer(ModelRequest(asked, schema=schema, max_tokens=400, temperature=1.0), lambda _: None, never)
    if reply.finish != "length":  # spaces may go on as long as they like
        assert isinstance(json.loads(reply.content)["ok"], bool)


def test_a_gguf_file_refuses_what_does_not_fit_and_stops_when_told(shelf):
    loaded = gguf_session(export(make(shelf / "small", "glm4", letters=True), shelf / "small.gguf"))
    with pytest.raises(TooLong):
        loaded.answer(ModelRequest((Message("user", "长" * 1000),)), print, never)
    count = itertools.count()
    _, stopped = loaded.answer(
        ModelRequest((Message("user", "hi"),), max_tokens=1500, temperature=0), lambda _: None, lambda: next(count) > 5
    )
    assert stopped
    assert next(count) < 20


def test_the_history_of_calls_is_in_the_next_prompt(shelf):
    told = (
        *HI.messages,
        Message("assistant", "", (FunctionCall("c1", "weather", json.dumps(ARGUMENTS)),), reasoning="hm"),
        Message("tool", "雨", call_id="c1"),
    )
    reply, _ = session(make(shelf / "history", "glm4_moe", says="\n<think>so</think>\n下雨。")).answer(
        ModelRequest(told, (WEATHER,), max_tokens=100, temperature=0), lambda _: None, never
    )
    assert (reply.reasoning, reply.content, reply.calls, reply.finish) == ("so", "下雨。", (), "stop")
