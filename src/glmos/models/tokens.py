"""An upper bound of a prompt's tokens, without a tokenizer.

Budgets reserve by it before every call, so it must not be too low; a window is filled by it, so it should not be much
too high. It weighs characters by what byte-level BPE vocabularies do with them at worst in real text:

    letters       a third of a token each, and two thirds for every word; half a token more for a capital
    digits        one each (GLM, Qwen and Llama split numbers digit by digit)
    punctuation   one each; a run of it is often one token, rarely more than its length
    line breaks   one each; spaces one for every run of two or more
    CJK           `cjk` tokens each, from the profile: 1.0 where the vocabulary was made for Chinese, 1.6 elsewhere
    other         one for each byte of UTF-8, which no byte-level vocabulary exceeds

Above: the drivers. Below: `abi.messages`.
"""

import re
from functools import lru_cache

import msgspec

from glmos.abi.messages import Message, ModelRequest, ToolSchema
from glmos.models.memo import Memo
from glmos.models.wire.draft import NOTES

PER_MESSAGE = 8
PER_TOOL = 16
OVERHEAD = 16
TOOLS_PREAMBLE = 220
"""What a chat template writes around the tools (GLM's, the longest known, has some 150 tokens)."""

_CJK = re.compile("[⺀-鿿가-힯豈-﫿＀-￯\U00020000-\U0003134f]+")
_CLASSES = bytes(
    0x61 if chr(c).isalpha() and c < 128 else 0x30 if 0x30 <= c <= 0x39 else 0x0A if c == 10 else 0x20 if c in (9, 13, 32)
    else 0x2E
    for c in range(256)
)  # fmt: skip
_UPPER = bytes(range(65, 91))
_RUNS = re.compile(rb" {2,}")


@lru_cache(maxsize=1024)
def text_tokens(text: str, cjk: float = 1.6) -> float:
    """An upper bound for a piece of text."""
    if text.isascii():
        return _ascii_tokens(text.encode())
    data = text.encode("utf-8", "surrogatepass")
    characters = sum(map(len, _CJK.findall(text)))
    ascii_part = text.encode("ascii", "ignore")
    cjk_bytes = sum(len(run.encode("utf-8")) for run in _CJK.findall(text))
    return _ascii_tokens(ascii_part) + characters * cjk + (len(data) - len(ascii_part) - cjk_bytes)


def _ascii_tokens(data: bytes) -> float:
    kinds = data.translate(_CLASSES)
    letters = kinds.count(b"a")
    words = len(kinds.replace(b"0", b" ").replace(b".", b" ").split())
    capitals = len(data) - len(data.translate(None, _UPPER))
    spaces = len(_RUNS.findall(kinds))
    return (
        kinds.count(b"0") + kinds.count(b".") + kinds.count(b"\n") + spaces
        + letters / 3 + words * 2 / 3 + capitals / 2
    )  # fmt: skip


_known: Memo[Message, float] = Memo()


def message_tokens(message: Message, cjk: float = 1.6) -> float:
    return _known.get(message, cjk, lambda: _message_tokens(message, cjk))


def _message_tokens(message: Message, cjk: float) -> float:
    total = PER_MESSAGE + text_tokens(message.content, cjk) + text_tokens(message.reasoning, cjk)
    for call in message.calls:
        total += PER_MESSAGE + text_tokens(call.name, cjk) + text_tokens(call.arguments, cjk)
        total += text_tokens(call.id, cjk)
    if message.extra and message.role == "assistant":
        kept = {k: v for k, v in message.extra.items() if k != NOTES}
        total += text_tokens(msgspec.json.encode(kept).decode(), cjk) if kept else 0
    return total


@lru_cache(maxsize=8)
def _tools_tokens(tools: bytes, count: int, cjk: float) -> float:
    return text_tokens(tools.decode(), cjk) + count * PER_TOOL + TOOLS_PREAMBLE


def prompt_tokens(messages: tuple[Message, ...], tools: tuple[ToolSchema, ...], cjk: float = 1.6) -> int:
    """An upper bound for a whole prompt."""
    total = OVERHEAD + sum([message_tokens(m, cjk) for m in messages])
    if tools:
        total += _tools_tokens(msgspec.json.encode(tools), len(tools), cjk)
    return int(total) + 1


def reply_tokens(content: str, reasoning: str, arguments: tuple[str, ...], cjk: float = 1.6) -> int:
    """An upper bound for what a model wrote."""
    return int(sum(text_tokens(t, cjk) for t in (content, reasoning, *arguments))) + 1


_requests: Memo[ModelRequest, int] = Memo()


def request_tokens(request: ModelRequest, cjk: float = 1.6) -> int:
    return _requests.get(request, cjk, lambda: prompt_tokens(request.messages, request.tools, cjk))
