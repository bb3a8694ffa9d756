"""Files, sockets and programs: settings, transcripts, requests to the daemon, output, tables."""

import asyncio
import atexit
import contextlib
import json
import logging
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from hypothesis import strategies as st
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from glmos.abi.api import Problem
from glmos.abi.errors import GlmosError, RefusedError, UsageError
from glmos.boot import settings
from glmos.daemon.app import create_app
from glmos.daemon.routes import ROUTES
from glmos.models.routes import Routes
from glmos.models.transcript import read_transcript
from glmos.testing.fuzz.inputs import INTEGERS, JSON, OBJECT, TEXT, broken
from glmos.testing.models import ScriptedModel
from glmos.testing.system import FakeSystem
from glmos.tools import encoding, jupyter, terminal
from glmos.tools.tables import delimited


@cache
def _folder() -> Path:
    """In memory where there is such a place: nothing here is about disks."""
    place = Path("/dev/shm")
    made = tempfile.mkdtemp(prefix="glmos-fuzz-", dir=place if place.is_dir() else None)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


# -- settings ---------------------------------------------------------------------------------------------------------

NAMES = ("nano", "zai:glm-5", "x", "http://127.0.0.1:1/v1", "http://[", "replay:/nowhere", "zai:", ":", "work")


def check_settings(data: bytes) -> None:
    """Settings are read, and a model is found for a name; or a sentence says what is wrong."""
    path = _folder() / settings.FILE
    path.write_bytes(data)
    try:
        read = settings.load(_folder(), {})
    except UsageError as error:
        assert str(error)
        return
    read.views()
    chosen = {k: read.values[k] for k in ("default_model", "critic_model")}
    try:
        routes = Routes({"models": read.models} | chosen, {}, lambda: ScriptedModel(()))
    except RefusedError:
        return
    routes.describe()
    for name in (*NAMES, *list(read.models)[:3]):
        with contextlib.suppress(GlmosError):
            routes.driver(name).traits  # noqa: B018
        with contextlib.suppress(GlmosError):
            routes.choose(name)


SETTINGS_SEEDS: tuple[bytes, ...] = (
    b'default_model = "work"\n[limits]\nmax_turns = 7\n[models.work]\nprovider = "zai"\nmodel = "glm-5"\nkey_env = "K"\n'
    b"price = { input = 1.4 }\nlimits = { concurrency = 2 }\n",
    b'[models.x]\nbase_url = "http://h:1/v1"\nfallback = ["x"]\ncontext_tokens = 4096\nprofile_fields = {drop = ["a"]}\n',
    b"[check]\ncritic = false\n",
)
_FIELDS = ("provider", "base_url", "model", "key_env", "key_command", "profile", "profile_fields", "context_tokens",
           "max_output_tokens", "price", "limits", "retry", "deadlines", "fallback", "body", "headers", "odd")  # fmt: skip
_NAMED = st.sampled_from(["zai", "vllm", "http://h", "http://h:99999/v1", "https://[::1", "glm-5", "x", "work"])
_ENTRY = st.dictionaries(st.sampled_from(_FIELDS), _NAMED | JSON, max_size=5)


def _toml(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case None:
            return '""'
        case _:
            return json.dumps(value)


SETTINGS = st.one_of(
    broken(
        st.tuples(
            st.dictionaries(st.sampled_from(list(settings.DEFAULTS)), JSON, max_size=2),
            st.dictionaries(st.sampled_from(["x", "work", "nano"]) | TEXT, _ENTRY | JSON, max_size=2),
        ).map(
            lambda both: (
                "".join(f"{k} = {_toml(v)}\n" for k, v in both[0].items())
                + "".join(f"models.{json.dumps(k)} = {_toml(v)}\n" for k, v in both[1].items())
            )
        )
    ).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=30),
)

# -- transcripts ------------------------------------------------------------------------------------------------------


def check_transcript(data: bytes) -> None:
    path = _folder() / "transcript.jsonl"
    path.write_bytes(data)
    with contextlib.suppress(UsageError):
        read_transcript(path)


TRANSCRIPT_SEEDS: tuple[bytes, ...] = (
    b'{"glmos_transcript":1,"model":{"name":"m","provider":"p"}}\n'
    b'{"n":1,"request":{"messages":[{"role":"user","content":"hi"}]},"reply":{"content":"yes"}}\n'
    b'{"n":2,"same":{"n":1,"messages":1,"tools":true},"request":{"messages":[]},"error":{"kind":"x","message":"y"}}\n',
)
_REQUEST = st.fixed_dictionaries({"messages": st.lists(OBJECT, max_size=2) | JSON})
_LINE = st.one_of(
    st.just({"glmos_transcript": 1, "model": {"name": "m", "provider": "p"}}),
    st.fixed_dictionaries({"glmos_transcript": INTEGERS, "model": JSON}),
    st.fixed_dictionaries(
        {"n": INTEGERS, "request": _REQUEST | JSON},
        optional={
            "same": st.fixed_dictionaries({"n": INTEGERS}, optional={"messages": INTEGERS, "tools": st.booleans()}),
            "reply": JSON,
            "error": JSON,
        },
    ),
)
TRANSCRIPTS = st.lists(broken(_LINE.map(json.dumps)), max_size=5).map(
    lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")
)

# -- requests ---------------------------------------------------------------------------------------------------------


class _Transport(asyncio.Transport):
    """A connection whose other end is this test."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        return None

    def resume_reading(self) -> None:
        return None


@cache
def _loop() -> asyncio.AbstractEventLoop:
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    return asyncio.new_event_loop()


def check_request(data: bytes) -> None:
    """Whatever bytes come over the socket: an HTTP answer or nothing, never a bug, and the next request is served."""
    if not data:
        return  # a transport never gives nothing
    loop = _loop()
    config = uvicorn.Config(create_app(FakeSystem()), log_config=None, access_log=False, http="h11", lifespan="off")
    config.load()
    for sent in (data, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
        answer = loop.run_until_complete(_exchange(config, sent))
        assert b"met a bug" not in answer, answer[-400:]
        assert not answer.startswith(b"HTTP/1.1 500"), answer
        if sent is not data:
            assert answer.startswith(b"HTTP/1.1 200"), answer
        text = answer.decode("latin-1")
        for place in (found.start() for found in re.finditer(r'\{"error"', text)):
            msgspec.convert(json.JSONDecoder().raw_decode(text, place)[0], Problem)


async def _exchange(config: uvicorn.Config, data: bytes) -> bytes:
    transport = _Transport()
    state = ServerState()
    protocol = H11Protocol(config, state, {}, asyncio.get_running_loop())
    protocol.connection_made(transport)
    protocol.data_received(data)
    for _ in range(60):
        if not state.tasks:
            break
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    for _ in range(20):
        if not state.tasks:
            break
        await asyncio.sleep(0)
    assert not state.tasks, "a request whose caller has gone goes on"
    return bytes(transport.written)


_PIDS = st.sampled_from(["1", "0", "-1", "x", "99", "9" * 30, "9" * 5000, "1.5", "%31", "１", "1/", "%00", " 1"])
_TARGET = st.one_of(
    st.tuples(st.sampled_from([path for _, path, _ in ROUTES]), _PIDS).map(lambda x: x[0].replace("{pid}", x[1])),
    TEXT.map(lambda x: f"/{x}"),
)
_QUERY = st.sampled_from(
    ["", "?after=1", "?after=-1", "?after=" + "9" * 30, "?after=" + "9" * 5000, "?all", "?after=١", "?%"]
)
_BODY = st.one_of(
    broken(OBJECT.map(json.dumps)),
    broken(
        st.fixed_dictionaries(
            {},
            optional={
                "goal": TEXT, "files": JSON, "limits": JSON | st.dictionaries(st.sampled_from(["usd", "tokens"]), INTEGERS),
                "priority": INTEGERS, "text": TEXT, "yes": JSON, "signal": TEXT, "at": INTEGERS, "step": TEXT, "model": TEXT,
            },
        ).map(json.dumps)
    ),
)  # fmt: skip
_HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["glmos-environment", "content-type", "transfer-encoding", "connection", "expect", "upgrade"]),
        st.sampled_from(["{}", '{"A":"b"}', "chunked", "[1]", '{"A":1}', "{", "close", "100-continue", "websocket",
                         "[" * 3000, '"\\ud800"', "\xff"]) | TEXT,
    ),
    max_size=2,
)  # fmt: skip


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    method = draw(st.sampled_from(["GET", "POST", "PUT", "HEAD", "get", "\x00"]))
    target, query, body = draw(_TARGET), draw(_QUERY), draw(_BODY).encode("utf-8", "surrogatepass")
    headers = "".join(f"{k}: {v}\r\n" for k, v in draw(_HEADERS))
    size = draw(st.sampled_from([len(body), len(body), len(body), 0, 10**6, -1]))
    head = f"{method} {target}{query} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n{headers}\r\n"
    return head.encode("utf-8", "surrogatepass") + body


REQUESTS = _requests() | st.binary(max_size=60)
REQUEST_SEEDS: tuple[bytes, ...] = (
    b'POST /processes HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\n\r\n{"goal":"g"}',
    b"GET /processes/1/events?after=0 HTTP/1.1\r\nhost: x\r\n\r\n",
    b'POST /processes/1/signal HTTP/1.1\r\nhost: x\r\nglmos-environment: {"A":"b"}\r\ncontent-length: 17\r\n\r\n'
    b'{"signal":"kill"}',
    b"POST /shutdown HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
)

# -- output, notebooks, tables ----------------------------------------------------------------------------------------

_PIECE = st.one_of(
    TEXT.map(lambda x: x.encode("utf-8", "surrogatepass")),
    st.binary(max_size=20),
    st.sampled_from([b"\x1b[31m", b"\x1b]0;", b"\x07", b"\r", b"\b" * 5, b"\x1b[" * 200]),
    st.sampled_from([b"\xb5\xd8\xc7\xf8", b"a,b\n1,2\n", b'"']),
)  # fmt: skip
OUTPUTS = st.lists(_PIECE, max_size=8).map(b"".join)
OUTPUT_SEEDS: tuple[bytes, ...] = (b"\x1b[31mred\x1b[0m\r\nprogress\r100%\n", "地区,金额\n华东,1\n".encode("gb18030"))


def check_output(data: bytes) -> None:
    """Text that programs print becomes text that a model and a terminal can be shown."""
    decoded = encoding.decode(data)
    decoded.text.encode("utf-8", "surrogatepass")
    shown = terminal.clean(data.decode("utf-8", "replace"))
    assert "\x1b" not in shown
    assert len(terminal.bounded(shown, 50)) <= 50 + 80


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["stream", "display_data", "update_display_data", "execute_result", "error", "odd"]),
        st.one_of(
            OBJECT,
            st.fixed_dictionaries(
                {},
                optional={
                    "text": TEXT | JSON, "ename": JSON, "evalue": JSON, "traceback": st.lists(TEXT | JSON, max_size=2) | JSON,
                    "data": JSON | st.fixed_dictionaries({}, optional={"text/plain": JSON, "image/png": TEXT | JSON}),
                },
            ),
        ),
    ),
    max_size=6,
)  # fmt: skip


def check_message(case: list[tuple[str, dict[str, Any]]]) -> None:
    collected = jupyter.Collected()
    for kind, content in case:
        collected.add(kind, content)
    found = collected.result("done", None)
    assert isinstance(found.output, str)
    assert isinstance(found.value, str)


TABLES = st.lists(
    st.one_of(
        _PIECE,
        st.lists(TEXT, min_size=1, max_size=4).map(lambda x: (",".join(x) + "\n").encode("utf-8", "surrogatepass")),
    ),
    max_size=8,
).map(b"".join)
TABLE_SEEDS: tuple[bytes, ...] = (b"a,b\n1,2\n", b'a;b\n"x;1\n', "地区\t金额\n华东\t1\n".encode("utf-16"))


def check_table(data: bytes) -> None:
    """A file is a table, or a sentence says why not."""
    import duckdb

    path, scratch = _folder() / "table.csv", _folder() / "scratch"
    path.write_bytes(data)
    scratch.mkdir(exist_ok=True)
    with duckdb.connect() as con:
        try:
            raw = delimited.load_delimited(con, path, scratch)
        except delimited.Unreadable as error:
            assert str(error)
            return
        found = con.execute("SELECT * FROM raw").fetchall()
        assert all(len(x) == len(raw.names) for x in found)
