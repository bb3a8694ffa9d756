"""Calls are recorded, replayed, and fall back."""

import stat
from contextlib import suppress

import pytest

from glmos.abi.errors import ModelError, UsageError
from glmos.abi.messages import Delta, FunctionCall, Message, ModelRequest, ModelTraits, ToolSchema
from glmos.models.fallback import FallbackDriver
from glmos.models.recording import RecordingDriver
from glmos.models.replay import ReplayDriver
from glmos.models.transcript import read_transcript
from glmos.testing.models import ScriptedModel, calls, fail, say

pytestmark = pytest.mark.anyio
TOOL = ToolSchema("read", "d", {"type": "object"})


def ask(*texts: str, **fields) -> ModelRequest:
    return ModelRequest(messages=tuple(Message("user", t) for t in texts), **fields)


async def recorded(path, *acts, requests, secrets=()):
    driver = RecordingDriver(ScriptedModel(list(acts)), path, secrets=lambda: secrets)
    for request in requests:
        with suppress(ModelError):
            await driver.complete(request)
    return driver


async def test_a_conversation_is_recorded_once_and_read_back_whole(tmp_path):
    path = tmp_path / "deep" / "转录.jsonl"
    requests = [ask("一" * 500, tools=(TOOL,)), ask("一" * 500, "b", tools=(TOOL,)), ask("c")]
    await recorded(path, say("x"), calls(("read", {"path": "表"})), fail("overloaded"), requests=requests)
    traits, exchanges = read_transcript(path)
    assert traits.name == "scripted"
    assert [e.request for e in exchanges] == requests
    assert exchanges[1].reply.calls[0].arguments == '{"path": "表"}'
    assert exchanges[2].error.kind == "overloaded"
    assert path.read_text("utf-8").count("一" * 500) == 1, "what was said before is not written again"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_secrets_do_not_get_into_a_transcript(tmp_path):
    path = tmp_path / "t.jsonl"
    await recorded(
        path, say("it is hunter2-hunter2"), requests=[ask("my key is hunter2-hunter2")], secrets=["hunter2-hunter2"]
    )
    assert b"hunter2" not in path.read_bytes()
    read_transcript(path)


async def test_two_recordings_in_one_file_are_two_sections(tmp_path):
    path = tmp_path / "t.jsonl"
    for text in ("first", "second"):
        await recorded(path, say(text), say(text), requests=[ask(text), ask(text, "more")])
    _, exchanges = read_transcript(path)
    assert [e.request.messages[0].content for e in exchanges] == ["first", "first", "second", "second"]
    assert [e.n for e in exchanges] == [1, 2, 3, 4]


async def test_a_transcript_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"'.*t.jsonl' cannot be written"):
        (tmp_path / "file").write_text("x")
        await recorded(tmp_path / "file" / "t.jsonl", say("x"), requests=[ask("a")])


async def test_replay_answers_the_same_requests_in_any_order(tmp_path):
    path = tmp_path / "t.jsonl"
    requests = [ask("a"), ask("b"), ask("a", "c")]
    await recorded(path, say("A"), say("B"), fail("overloaded", "busy"), requests=requests)
    replay = ReplayDriver(path)
    deltas: list[Delta] = []
    assert (await replay.complete(requests[1], deltas.append)).content == "B"
    assert (await replay.complete(requests[0])).content == "A"
    with pytest.raises(ModelError, match="busy") as caught:
        await replay.complete(requests[2])
    assert caught.value.kind == "overloaded"
    assert deltas == [Delta(content="B")]
    assert replay.unused == 0


async def test_a_request_that_was_not_recorded_is_answered_with_the_first_difference(tmp_path):
    path = tmp_path / "t.jsonl"
    await recorded(path, say("A"), requests=[ask("hello", "which 表 is it?")])
    replay = ReplayDriver(path)
    with pytest.raises(
        ModelError, match=r"content of message 2 \(user\) differs at character 6: recorded 'which 表 is"
    ):
        await replay.complete(ask("hello", "which 列 is it?"))
    with pytest.raises(ModelError, match="2 messages were recorded and 3 sent; only sent: user 'more'"):
        await replay.complete(ask("hello", "which 表 is it?", "more"))
    with pytest.raises(ModelError, match=r"tools differs at .*recorded '\[\]', sent '\[\"read\"\]'"):
        await replay.complete(ask("hello", "which 表 is it?", tools=(TOOL,)))
    with pytest.raises(ModelError, match=r"grammar differs at character 0: recorded '', sent 'root"):
        await replay.complete(ask("hello", "which 表 is it?", grammar='root ::= "是"'))
    seen = ModelRequest((Message("user", "hello"), Message("user", "which 表 is it?", images=(b"png",))))
    with pytest.raises(ModelError, match=r"images of message 2 \(user\) differs"):
        await replay.complete(seen)
    assert replay.unused == 1, "nothing was used up"


async def test_a_picture_is_answered_with_what_was_said_of_it(tmp_path):
    path = tmp_path / "t.jsonl"
    red, blue = (ModelRequest((Message("user", "颜色?", images=(data,)),)) for data in (b"red", b"blue"))
    await recorded(path, say("红"), say("蓝"), requests=[red, blue])
    replay = ReplayDriver(path)
    assert [(await replay.complete(request)).content for request in (blue, red)] == ["蓝", "红"]


async def test_arguments_are_compared_by_meaning_and_limits_not_at_all(tmp_path):
    def turn(arguments: str, **fields) -> ModelRequest:
        return ModelRequest(messages=(Message("assistant", calls=(FunctionCall("c", "f", arguments),)),), **fields)

    path = tmp_path / "t.jsonl"
    await recorded(path, say("A"), requests=[turn('{"a":1,"b":2}')])
    assert (await ReplayDriver(path).complete(turn('{"b": 2, "a": 1}', max_tokens=9, session="s"))).content == "A"


async def test_what_differs_from_run_to_run_can_be_ignored(tmp_path):
    path = tmp_path / "t.jsonl"
    await recorded(path, say("A"), requests=[ask("the file is /tmp/abc/x.csv at 12:01")])
    replay = ReplayDriver(path, ignore=[r"/tmp/\w+", r"\d\d:\d\d"])
    assert (await replay.complete(ask("the file is /tmp/xyz/x.csv at 23:59"))).content == "A"


async def test_in_order_anything_is_answered_until_nothing_is_left(tmp_path):
    path = tmp_path / "t.jsonl"
    await recorded(path, say("A"), say("B"), requests=[ask("a"), ask("b")])
    replay = ReplayDriver(path, mode="order")
    assert [(await replay.complete(ask("?"))).content for _ in range(2)] == ["A", "B"]
    with pytest.raises(ModelError, match="has no exchange left after 2"):
        await replay.complete(ask("?"))


@pytest.mark.parametrize(
    ("text", "match"),
    [("", "is no transcript"), ('{"n": 1}', "is no transcript|makes no sense"), ("garbage", "Line 1 .* makes no sense"),
     ('{"glmos_transcript":99,"model":{"name":"m","provider":"p"}}', "newer GLM-OS")],
)  # fmt: skip
def test_a_file_that_is_no_transcript_is_refused(tmp_path, text, match):
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=match):
        read_transcript(path)


def test_a_missing_transcript_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no\.jsonl.* cannot be read"):
        ReplayDriver(tmp_path / "no.jsonl")


# -- fallback ---------------------------------------------------------------------------------------------------------


def named(name: str, *acts, **traits) -> ScriptedModel:
    return ScriptedModel(list(acts), traits=ModelTraits(name=name, provider="p", **traits))


@pytest.mark.parametrize("kind", ["unreachable", "rate_limited", "overloaded", "protocol", "interrupted"])
async def test_the_next_model_answers_when_the_first_cannot(kind):
    driver = FallbackDriver([named("a", fail(kind)), named("b", say("from b"))])
    reply = await driver.complete(ask("hi"))
    assert reply.content == "from b"
    assert reply.extra["glmos"]["fallback_from"] == ["a"]
    assert reply.model == "b", "it was asked as a"


@pytest.mark.parametrize("kind", ["denied", "unknown_model", "bad_request", "too_long", "filtered"])
async def test_what_a_person_must_know_is_not_hidden_by_a_fallback(kind):
    second = named("b", say("no"))
    with pytest.raises(ModelError) as caught:
        await FallbackDriver([named("a", fail(kind)), second]).complete(ask("hi"))
    assert caught.value.kind == kind
    assert second.requests == []


async def test_when_all_fail_the_first_failure_leads_and_the_last_is_told():
    driver = FallbackDriver(
        [named("a", fail("unreachable", "A is down.")), named("b", fail("denied", "B has no key."))]
    )
    with pytest.raises(ModelError, match=r"A is down\. Its fallback 'b' did not help: B has no key\.") as caught:
        await driver.complete(ask("hi"))
    assert caught.value.kind == "unreachable"


def test_a_route_promises_what_all_its_models_can_keep():
    driver = FallbackDriver(
        [
            named("a", context_tokens=100_000, priced=True, vision=True, grammar=True),
            named("b", context_tokens=4096, can_plan=False, priced=True),
        ]
    )
    traits = driver.traits
    assert (traits.name, traits.context_tokens, traits.can_plan, traits.priced) == ("a", 4096, False, True)
    assert (traits.vision, traits.grammar) == (False, False)
