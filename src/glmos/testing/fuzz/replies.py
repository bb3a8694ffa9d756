"""Answers of model endpoints: from bytes through the driver to a reply, its calls, the journal and the next request."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, NamedTuple, cast

import msgspec
from hypothesis import strategies as st

from glmos.abi import events as e
from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, FunctionCall, Message, ModelReply, ModelRequest
from glmos.context import critic
from glmos.context.turns import turns
from glmos.journal.codec import decode_event, encode_event
from glmos.kernel import plans, syscalls
from glmos.kernel.fold import fold_all
from glmos.models.driver import WIRES, Endpoint, HttpDriver
from glmos.models.http import Broken, HttpClient
from glmos.models.keys import Key
from glmos.models.profiles import profile_for, provider
from glmos.models.wire.sse import Event, EventParser
from glmos.testing.fuzz.inputs import INTEGERS, JSON, TEXT, broken, function_calls
from glmos.testing.fuzz.worlds import RULES, World

SECRET = "zk-secret-0123456789abcdef"
ENDINGS = ("done", "cut", "never")
_MOST_WORDS = 3_000
"""Characters of a sentence for a person, however much a provider said."""
REQUEST = ModelRequest((Message("user", "hi"),), session="s")


class Answer(NamedTuple):
    """What an endpoint says to one request."""

    status: int
    headers: Mapping[str, str]
    pieces: tuple[bytes, ...]
    ending: str = "done"
    """`cut`: the connection breaks in the middle. `never`: before any answer."""


class _Arriving:
    """Stands for `models.http.Response`."""

    def __init__(self, answer: Answer) -> None:
        self._pieces = list(answer.pieces)
        self._cut = answer.ending == "cut"
        self.status = answer.status
        self.patience = 600.0
        self.headers = answer.headers
        self.content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def piece(self) -> bytes:
        while self._pieces:
            if piece := self._pieces.pop(0):
                return piece
        if self._cut:
            raise Broken("read", "cut")
        return b""

    async def body(self, limit: int = 32 << 20) -> bytes:
        found = b""
        while len(found) < limit and (piece := await self.piece()):
            found += piece
        return found[:limit]

    async def drain(self) -> None:
        self._pieces.clear()


class _Line:
    """Stands for `models.http.HttpClient`: gives the answers in turn, then the last one again."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = answers
        self.asked = 0

    @asynccontextmanager
    async def request(self, *_: Any, **__: Any) -> AsyncGenerator[_Arriving]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if answer.ending == "never":
            raise Broken("send", "dropped")
        yield _Arriving(answer)


async def _at_once(seconds: float) -> None:
    assert 0 <= seconds < 1e4


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _ask(at: str, answers: list[Answer]) -> ModelReply | None:
    """What the driver makes of the answers; None for an error that a person can read."""
    entry = provider(at)
    line = _Line(answers)
    endpoint = Endpoint(
        name="fuzz", provider=at, base_url="http://127.0.0.1:1/v1", model="m", wire=entry.wire,
        profile=profile_for(at, "m"), key=Key("K", SECRET), key_header=entry.key_header, codes=entry.codes,
    )  # fmt: skip
    client = cast(HttpClient, line)
    driver = HttpDriver(endpoint, client, pause=_at_once, chance=lambda: 0.5)
    heard: list[Delta] = []
    try:
        reply = _loop().run_until_complete(driver.complete(REQUEST, heard.append))
    except ModelError as error:
        assert len(str(error)) < _MOST_WORDS
        assert SECRET not in str(error)
        return None
    finally:
        assert line.asked <= 20, "repairs are bounded"
        assert driver.estimate(REQUEST) < 10**7, "one provider's counting must not make every later call unaffordable"
    return reply


def check_openai(case: bytes | list[Answer]) -> None:
    for at in ("compatible", "zai") if isinstance(case, list) else ("zai",):
        reply = _ask(at, case if isinstance(case, list) else _from_bytes(case))
        if reply is not None:
            check_usable(reply)


def check_anthropic(case: bytes | list[Answer]) -> None:
    reply = _ask("anthropic", case if isinstance(case, list) else _from_bytes(case))
    if reply is not None:
        check_usable(reply)


def _from_bytes(data: bytes) -> list[Answer]:
    """The first byte says how it comes, the rest is what comes."""
    how = data[0] if data else 0
    body = data[1:]
    status = (200, 200, 200, 200, 400, 401, 404, 429, 500, 503, 302, 0)[how % 12]
    kind = ("text/event-stream", "application/json", "text/html", "")[how // 12 % 4]
    size = (1 << 16, 1, 7, 100)[how // 48 % 4]
    pieces = tuple(body[i : i + size] for i in range(0, len(body), size))
    return [Answer(status, {"content-type": kind}, pieces)]


def check_usable(reply: ModelReply) -> None:
    """Whatever came: it can be journaled, its calls can be read, and the next request can be made from it."""
    event = e.ModelReplied(1, reply)
    assert encode_event(decode_event(encode_event(event))) == encode_event(event)
    created, called = e.ProcessCreated("g", root=1), e.ModelCalled(1)
    entries = [e.Entry(1, n, float(n), x) for n, x in enumerate((created, called, event), 1)]
    fold_all(entries)
    for call in reply.calls:
        check_call((call.name, call.arguments))
    critic.read_verdict(reply)
    messages = (*REQUEST.messages, *(m for t in turns(entries) for m in t.messages))
    again = msgspec.structs.replace(REQUEST, messages=messages)
    for wire, at in (("openai", "zai"), ("anthropic", "anthropic")):
        body = WIRES[wire].build(again, "m", profile_for(at, "m"), f"{wire}/{at}")
        msgspec.json.encode(body).decode()


def check_call(case: tuple[str, str]) -> None:
    """A call becomes something the kernel knows, and that can be journaled; or a sentence for the model."""
    name, arguments = case
    world = World(lambda _: None)  # pyright: ignore[reportUnknownLambdaType] - nothing is drawn
    read = syscalls.read_call(FunctionCall("i", name, arguments), world.known, RULES)
    match read:
        case syscalls.Nonsense(problem=problem):
            assert problem
            assert len(problem) < _MOST_WORDS + len(name) * 2
        case syscalls.DeviceCall():
            encode_event(e.ToolIntended("c1", read.tool, read.action, read.arguments, read.effect))
        case syscalls.Plan():
            if not plans.faults(read.steps, RULES):
                event = e.PlanMade(1, plans.adopt(world.known, read.steps, RULES))
                assert decode_event(encode_event(event)) == event
        case _:
            assert msgspec.json.decode(msgspec.json.encode(read), type=type(read)) == read


# -- cases ------------------------------------------------------------------------------------------------------------

USAGE = st.dictionaries(
    st.sampled_from(["prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "cached_tokens",
                     "cache_read_input_tokens", "cache_creation_input_tokens", "prompt_tokens_details"]),
    INTEGERS | JSON, max_size=4,
)  # fmt: skip
_FRAGMENT = st.fixed_dictionaries(
    {},
    optional={
        "index": INTEGERS | JSON,
        "id": TEXT | JSON,
        "function": st.fixed_dictionaries({}, optional={"name": TEXT | JSON, "arguments": TEXT | JSON}) | JSON,
    },
)


@st.composite
def _whole_call(draw: st.DrawFn) -> Any:
    name, arguments = draw(function_calls())
    call_id = draw(st.sampled_from(["", "a", "b"]) | TEXT)
    return {"index": draw(st.integers(0, 2)), "id": call_id, "function": {"name": name, "arguments": arguments}}


_DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": TEXT | st.lists(st.fixed_dictionaries({"type": TEXT, "text": TEXT}), max_size=2) | JSON,
        "reasoning_content": TEXT | JSON,
        "tool_calls": st.lists(_whole_call() | _FRAGMENT, max_size=3) | JSON,
        "function_call": JSON,
        "refusal": TEXT,
        "signature": JSON,
    },
)
_CHUNK = st.fixed_dictionaries(
    {},
    optional={
        "model": TEXT | JSON,
        "usage": USAGE | JSON,
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "delta": _DELTA,
                    "message": _DELTA,
                    "finish_reason": st.sampled_from(["stop", "tool_calls", "length", "sensitive", "odd", 3, None]),
                    "usage": USAGE,
                },
            )
            | JSON,
            max_size=2,
        )
        | JSON,
        "error": JSON,
    },
)
_BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "odd"]) | JSON},
    optional={"text": TEXT | JSON, "thinking": TEXT | JSON, "input": JSON, "name": TEXT | JSON, "id": TEXT | JSON},
)
_SAID = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["message_start", "content_block_start", "content_block_delta", "message_delta",
                                 "message_stop", "ping", "error", "odd"]),
    },
    optional={
        "index": INTEGERS | JSON,
        "message": st.fixed_dictionaries({}, optional={"model": TEXT | JSON, "usage": USAGE | JSON}) | JSON,
        "content_block": _BLOCK | JSON,
        "delta": st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["text_delta", "thinking_delta", "signature_delta", "input_json_delta"]) | JSON,
                "text": TEXT | JSON, "thinking": TEXT | JSON, "signature": JSON, "partial_json": TEXT | JSON,
                "stop_reason": st.sampled_from(["end_turn", "tool_use", "pause_turn", 1, None]),
            },
        ) | JSON,
        "usage": USAGE | JSON,
        "error": JSON,
    },
)  # fmt: skip


def _dumped(value: Any) -> str:
    return json.dumps(value)  # NaN and Infinity included: some servers write them


def _lines(chunks: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    line = st.one_of(broken(chunks.map(_dumped)).map(lambda x: f"data: {x}"), TEXT.map(lambda x: f"data: {x}"), TEXT)
    end = st.sampled_from(["\n\n", "\r\n\r\n", "\n", "\r", "\r\r"])
    text = st.lists(st.tuples(line, end), max_size=6).map(lambda x: "".join(a + b for a, b in x))
    tail = st.sampled_from(["", "data: [DONE]\n\n", "data: ", "\ufeff"])
    return st.tuples(text, tail).map(lambda x: (x[0] + x[1]).encode("utf-8", "surrogatepass"))


def _answers(stream: st.SearchStrategy[bytes], whole: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Answer]]:
    bodies = st.one_of(
        stream,
        broken(whole.map(_dumped)).map(lambda x: x.encode("utf-8", "surrogatepass")),
        st.binary(max_size=40),
        TEXT.map(lambda x: f"<html><title>{x}".encode("utf-8", "surrogatepass")),
    )
    kinds = st.sampled_from(["text/event-stream", "application/json", "text/html", ""])
    asked = st.sampled_from(["0", "3", "1e9", "-1", "nan", "Wed, 21 Oct 2065 07:28:00 GMT", "now", "١"])
    answer = st.builds(
        Answer,
        status=st.sampled_from([200] * 6 + [204, 302, 400, 401, 402, 403, 404, 413, 422, 429, 451, 500, 503, 599]),
        headers=st.fixed_dictionaries(
            {"content-type": kinds}, optional={"retry-after": asked, "retry-after-ms": asked}
        ),
        pieces=bodies.flatmap(lambda x: st.sampled_from([1, 5, 64, 1 << 16]).map(lambda n: _cut(x, n))),
        ending=st.sampled_from([*["done"] * 6, *ENDINGS]),
    )
    return st.lists(answer, min_size=1, max_size=3)


def _cut(data: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(data[i : i + size] for i in range(0, len(data), size))


ANSWERS = _answers(_lines(_CHUNK), _CHUNK)
ANTHROPIC_ANSWERS = _answers(_lines(_SAID), st.fixed_dictionaries({"content": st.lists(_BLOCK, max_size=3) | JSON}))
WRITTEN_CALLS = function_calls()
PIECES = st.tuples(
    st.one_of(_lines(_CHUNK), st.binary(max_size=60), st.text("dat: \r\n\ufeffx", max_size=60).map(str.encode)),
    st.lists(st.integers(0, 60), max_size=5),
)


def check_sse(case: tuple[bytes, list[int]]) -> None:
    """However the network cuts a stream, the same events come out."""
    data, cuts = case
    places = sorted({min(c, len(data)) for c in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    assert _events(pieces) == _events([data])
    assert _events([data[i : i + 1] for i in range(len(data))]) == _events([data])


def _events(pieces: list[bytes]) -> list[Event]:
    parser = EventParser()
    found = [event for piece in pieces if piece for event in parser.feed(piece)]
    return found + parser.close()


SEEDS: tuple[bytes, ...] = (
    b'\x00data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}\n\n'
    b"data: [DONE]\n\n",
    b'\x00data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"plan",'
    b'"arguments":"{\\"steps\\":[]}"}}]}}]}\n\n',
    b'\x0c{"choices":[{"message":{"content":"hi","reasoning_content":"r"},"finish_reason":"stop"}],"error":null}',
    b'\x04{"error":{"message":"context length","code":"1261","param":"max_tokens"}}',
    b'\x07{"error":"slow down"}',
)  # fmt: skip
ANTHROPIC_SEEDS: tuple[bytes, ...] = (
    b'\x00event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":3}}}\n\n'
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"plan"}}\n\n'
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}\n\n'
    b'data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}\n\n'
    b'data: {"type":"message_stop"}\n\n',
    b'\x0c{"content":[{"type":"text","text":"hi"},{"type":"thinking","thinking":"t","signature":"s"}],"stop_reason":"end_turn"}',
    b'\x04{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
)
