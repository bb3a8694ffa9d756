"""The pure parts: events from bytes, tokens, pauses, secrets, prices, profiles."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmos.abi.errors import NotFoundError, UsageError
from glmos.abi.events import ModelFailureKind
from glmos.abi.messages import FunctionCall, Message, ModelRequest, ToolSchema
from glmos.models.faults import read_refusal
from glmos.models.prices import Price, entries, price_of
from glmos.models.profiles import families, family_of, profile_for, provider, provider_of, providers
from glmos.models.redact import redact
from glmos.models.retry import RetryPolicy, retry_after
from glmos.models.tokens import request_tokens, text_tokens
from glmos.models.wire.draft import split_thinking
from glmos.models.wire.sse import MAX_EVENT, Event, EventParser, EventTooLong

STREAM = ": hello\ndata: 一\n\nevent: e\r\ndata: two\r\ndata: lines\r\n\r\ndata:three\r\rdata: last"


def parsed(pieces: list[bytes]) -> list[Event]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.close()


@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=12))
def test_events_do_not_depend_on_where_the_network_cuts(cuts: list[int]):
    data = STREAM.encode()
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert parsed(pieces) == [Event("", "一"), Event("e", "two\nlines"), Event("", "three"), Event("", "last")]


def test_a_byte_order_mark_and_invalid_bytes_do_no_harm():
    assert parsed([b"\xef\xbb\xbfdata: a\xff\n\n"]) == [Event("", "a\ufffd")]


def test_an_event_without_end_is_refused():
    parser = EventParser()
    with pytest.raises(EventTooLong):
        for _ in range(20):
            parser.feed(b"x" * (MAX_EVENT // 16))


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("1234567890", 10),
        ("你好世界，今天天气怎么样？", 9),
        ('{"action": "query", "sql": "SELECT region, SUM(sales) FROM t GROUP BY 1"}', 24),
        ("🀄🀄🀄", 9),
        ("Привет, как дела?", 6),
        ("def f(x):\n    return x ** 2\n", 12),
        ("aGVsbG8gd29ybGQgZm9vYmFyIGJheg==", 16),
    ],
)
def test_estimates_are_above_what_tokenizers_count(text: str, at_least: int):
    """`at_least`: what cl100k or a GLM vocabulary needs, rounded up."""
    assert text_tokens(text) >= at_least


def test_an_estimate_of_english_is_not_twice_too_high():
    text = (
        "Which region had the highest sales in the year of the report, and by how much did it lead the second one? "
        * 20
    )
    words = len(text.split())
    assert text_tokens(text) <= 2.7 * words


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_never_makes_fewer_tokens(a: str, b: str):
    assert text_tokens(a + b) >= text_tokens(a) - 1


def test_calls_reasoning_and_tools_count():
    small = ModelRequest(messages=(Message("user", "hi"),))
    call = FunctionCall("c", "f", '{"x": ' + "1" * 100 + "}")
    large = ModelRequest(
        messages=(*small.messages, Message("assistant", calls=(call,), reasoning="why " * 50, extra={"sig": "s" * 60})),
        tools=(ToolSchema("f", "d" * 90, {"type": "object"}),),
    )
    assert request_tokens(large) > request_tokens(small) + 100 + 50 + 20 + 30


def test_pauses_grow_with_full_jitter_and_honour_the_provider():
    policy = RetryPolicy(first=1, longest=8, patience=20)
    assert [policy.pause(n, lambda: 1.0, None) for n in range(1, 6)] == [1, 2, 4, 8, 8]
    assert policy.pause(3, lambda: 0.0, None) == 0
    assert policy.pause(1, lambda: 0.5, 10.0) == 10.5
    assert policy.pause(1, lambda: 0.5, 21.0) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None):
    assert retry_after(headers, lambda: datetime(2026, 11, 23, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    "secret",
    ["sk-proj-abc123DEF456", "Bearer abcdefghijkl", "0123456789abcdef0123456789abcdef.ABCDEFGHIJKLMNOP", "plain-given"],
)
def test_secrets_disappear_from_text(secret: str):
    assert secret.rsplit(maxsplit=1)[-1] not in redact(f"wrong key {secret} 钥匙", ["plain-given"])


def test_addresses_lose_their_credentials():
    assert redact("http://me:pw@host/v1") == "http://[key removed]host/v1"


def test_prices_count_cached_and_written_tokens_apart():
    price = Price(input=10, output=20, cached=1, cache_write=12.5)
    assert price.of(1_000_000, 500_000, 100_000, 100_000) == pytest.approx(4 + 0.5 + 1.25 + 2)
    assert price.worst(1_000_000, 500_000, 100_000) >= price.of(1_000_000, 500_000, 100_000, 500_000)
    assert Price(input=1, output=1).of(1_000_000, 1_000_000, 0) == 1.0


def test_every_price_names_its_source_and_date():
    for entry in entries():
        assert entry.source and entry.checked[:2] == "20", entry


def test_a_price_holds_for_its_host_only():
    assert price_of("https://api.z.ai/api/paas/v4", "GLM-5.3") == Price(input=1.4, output=4.4, cached=0.26)
    assert price_of("https://proxy.example/v4", "glm-5.3") is None
    assert price_of("https://api.z.ai/api/paas/v4", "glm-99") is None


def test_every_family_at_every_provider_makes_a_profile():
    for who in providers():
        for name, family in families().items():
            model = family.match[0].replace("*", "x")
            assert family_of(model) in families()
            profile_for(who, model)
            profile_for(who, "anything", family=name)


def test_differences_and_likenesses_name_known_providers():
    for name, family in families().items():
        assert set(family.at) <= set(providers()), name
    assert all(not p.like or p.like in providers() for p in providers().values())


def test_every_error_code_means_a_known_kind():
    kinds = {*ModelFailureKind.__args__, "billing"}
    for name, entry in providers().items():
        assert set(entry.codes.values()) <= kinds, name


@pytest.mark.parametrize(
    ("model", "family"),
    [("glm-4.7-flash", "glm-4.7"), ("zai-org/GLM-5.3-Flash", "glm-5.2"), ("glm-5.1", "glm-5"), ("glm-4.5v", "glm-vision"),
     ("glm-4-9b-chat", "glm-4"), ("qwen3:8b", "qwen"), ("DeepSeek-R1", "deepseek"), ("o3-mini", "gpt-reasoning"),
     ("claude-sonnet-4-5", "claude"), ("mailbox", "")],
)  # fmt: skip
def test_a_family_is_found_by_name(model: str, family: str):
    assert family_of(model) == family


def test_more_specific_layers_win():
    assert profile_for("ollama", "qwen3:8b").context_tokens == 4096, "what the server gives, not what the model could"
    assert profile_for("ollama", "qwen3:8b", overrides={"context_tokens": 32768}).context_tokens == 32768
    assert profile_for("deepseek", "deepseek-v4-pro").context_tokens == 1_000_000
    assert profile_for("vllm", "deepseek-v4-pro").context_tokens == 128_000


def test_unknown_providers_families_and_fields_are_named():
    with pytest.raises(NotFoundError, match=r"no model provider 'zia'.*zai"):
        provider("zia")
    with pytest.raises(NotFoundError, match="no model profile 'glm-9'"):
        profile_for("zai", "x", family="glm-9")
    with pytest.raises(UsageError, match="contxt"):
        profile_for("zai", "x", overrides={"contxt": 1})


@pytest.mark.parametrize(
    ("url", "name"),
    [("https://api.z.ai/api/coding/paas/v4", "zai"), ("http://localhost:11434/v1", "ollama"),
     ("http://127.0.0.1:8000/v1", "vllm"), ("http://gpu-box:8000/v1", "compatible"), ("http://[::1]:30000/v1", "sglang")],
)  # fmt: skip
def test_a_provider_is_known_by_its_address(url: str, name: str):
    assert provider_of(url) == name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<think>a</think>b", ("b", "a")),
        ("why</think>\n\nb", ("b", "why")),
        ("<think>never ended", ("", "never ended")),
        ("a tag <think> in text", ("a tag <think> in text", "")),
        ("x <think>y</think>", ("x <think>y</think>", "")),
        ("", ("", "")),
    ],
)
def test_thinking_is_split_off_only_at_the_beginning(content: str, expected: tuple[str, str]):
    assert split_thinking(content, "") == expected


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"text"', "[1]", '{"error": null}', '{"error": {"message": 5}}', "<"]
)
@pytest.mark.parametrize("status", [0, 400, 404, 429, 500])
def test_any_body_is_understood_somehow(status: int, body: str):
    refusal = read_refusal(status, body, codes={})
    assert refusal.kind in ModelFailureKind.__args__


def test_long_words_of_a_server_are_shortened():
    assert len(read_refusal(400, "x" * 5000, codes={}).said) <= 240
