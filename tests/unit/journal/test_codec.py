"""Events to JSON and back, and what is said of bytes that mean nothing."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmos.abi.errors import ReplayError, UsageError
from glmos.abi.events import KernelSpoke, ProcessRow, ToolFinished
from glmos.abi.tools import Output
from glmos.journal.codec import decode_event, decode_row, encode_event, encode_row, prepare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(text=ANY_TEXT, data=st.dictionaries(st.text(), JSON, max_size=4))
def test_whatever_a_tool_says_comes_back_the_same(text: str, data: dict[str, object]) -> None:
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # two halves that meet are one
    body = encode_event(ToolFinished(call="c1", output=Output(text), data=data))
    assert decode_event(body) == ToolFinished(call="c1", output=Output(whole), data=data)


@given(text=ANY_TEXT)
def test_what_is_written_is_always_json_in_utf_8(text: str) -> None:
    body = encode_event(KernelSpoke(rule="prose", text=text))
    assert json.loads(body.decode("utf-8"))["type"] == "kernel.spoke"


def test_chinese_is_written_readably() -> None:
    assert "华东".encode() in encode_event(KernelSpoke(rule="prose", text="华东"))


def test_a_number_that_json_does_not_know_becomes_null() -> None:
    for text in ("plain", "lone \udcff"):
        event = ToolFinished(call="c1", output=Output(text), data={"rows": [[math.nan, math.inf, 1.5]]})
        back = decode_event(encode_event(event))
        assert isinstance(back, ToolFinished)
        assert back.data == {"rows": [[None, None, 1.5]]}


def test_a_value_that_json_has_no_word_for_is_refused_with_its_kind() -> None:
    loop: list[object] = []
    loop.append(loop)
    for value in (object(), {1: {2}, "x": loop}, loop):
        with pytest.raises(UsageError, match=r"'tool\.finished' cannot be recorded"):
            encode_event(ToolFinished(call="c1", output=Output(""), data={"v": value}))


def test_a_number_out_of_its_field_is_refused_before_it_is_recorded() -> None:
    event = ToolFinished(call="c1", output=Output("x", size=math.nan))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="could not be read back"):
        prepare(1, 0, [event], 1.0, None)


def test_an_unknown_kind_is_named_with_the_way_out() -> None:
    with pytest.raises(ReplayError, match=r"'dream\.began' means nothing to this version.*newer one"):
        decode_event(b'{"type":"dream.began","depth":3}')


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"kernel.spoke","rule":"prose"}',
        b'{"type":"kernel.spoke","rule":"prose","text":5}',
        b'{"type":"kernel.spoke","rule":"prose","text":"x","new":1}',
        b'{"type":"kernel.spoke","rule":"\\udcff","text":5}',
    ],
)
def test_a_known_kind_in_an_unknown_form_is_named(body: bytes) -> None:
    with pytest.raises(ReplayError, match=r"'kernel\.spoke' does not have the form"):
        decode_event(body)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"type":7}', b'{"text":"\\ud800', b"[" * 100_000], ids=ascii
)
def test_bytes_that_are_no_event_are_called_damaged(body: bytes) -> None:
    with pytest.raises(ReplayError, match="damaged"):
        decode_event(body)


def test_a_row_comes_back_the_same_and_a_broken_one_is_reported() -> None:
    row = ProcessRow(pid=3, root=1, parent=1, status="waiting", goal="r\udce9sum\udce9 哪一年", wake_at=1.5, seq=9)
    assert decode_row(encode_row(row)) == row
    with pytest.raises(ReplayError, match="listing row"):
        decode_row(b'{"pid": "x"}')
