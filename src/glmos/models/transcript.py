r"""The file format of recorded model calls: JSON lines, readable, without secrets.

    {"glmos_transcript": 1, "model": {"name": ..., "provider": ..., ...}}          begins a section
    {"n": 1, "request": {"messages": [...], "tools": [...]}, "reply": {...}}
    {"n": 2, "same": {"n": 1, "messages": 2, "tools": true}, "request": {"messages": [what is new]}, "reply": {...}}
    {"n": 3, ..., "error": {"kind": "overloaded", "message": ...}}

A conversation's next prompt begins with the one before, so only what is new is written: `same` says how many messages,
and whether the tools, are those of an earlier line of the section.
Above: `recording`, `replay`. Below: `abi.messages`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from glmos.abi.errors import UsageError
from glmos.abi.messages import Message, ModelReply, ModelRequest, ModelTraits, ToolSchema

VERSION = 1


class Failed(Struct, frozen=True, omit_defaults=True):
    """A call that gave no reply."""

    kind: str
    message: str
    retryable: bool = False


class _Same(Struct, frozen=True, omit_defaults=True):
    n: int
    messages: int = 0
    tools: bool = False


class _Header(Struct, frozen=True):
    glmos_transcript: int
    model: ModelTraits


class _Line(Struct, frozen=True, omit_defaults=True):
    n: int
    request: ModelRequest
    same: _Same | None = None
    reply: ModelReply | None = None
    error: Failed | None = None


class Exchange(Struct, frozen=True):
    """A call and what came of it."""

    n: int
    request: ModelRequest
    reply: ModelReply | None
    error: Failed | None


class Section:
    """Turns exchanges into lines, remembering what has been written."""

    def __init__(self) -> None:
        self._written: list[tuple[int, tuple[Message, ...], tuple[ToolSchema, ...]]] = []

    def header(self, traits: ModelTraits) -> bytes:
        return msgspec.json.encode(_Header(VERSION, traits))

    def line(self, request: ModelRequest, reply: ModelReply | None, error: Failed | None) -> bytes:
        n = len(self._written) + 1
        same = self._same(request)
        kept = same.messages if same else 0
        tools = () if same and same.tools else request.tools
        shown = msgspec.structs.replace(request, messages=request.messages[kept:], tools=tools)
        self._written.append((n, request.messages, request.tools))
        return msgspec.json.encode(_Line(n, shown, same, reply, error))

    def _same(self, request: ModelRequest) -> _Same | None:
        best: _Same | None = None
        for n, messages, tools in reversed(self._written[-64:]):
            common = _common(messages, request.messages)
            shared = bool(tools) and tools == request.tools
            if (common or shared) and (best is None or (common, shared) > (best.messages, best.tools)):
                best = _Same(n, common, shared)
        return best


def _common(a: Iterable[Message], b: Iterable[Message]) -> int:
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count


def read_transcript(path: Path) -> tuple[ModelTraits, list[Exchange]]:
    """Every exchange of a transcript in the order written, and the model of its first section.

    Raises: UsageError that names the file and the line.
    """
    traits: ModelTraits | None = None
    exchanges: list[Exchange] = []
    section: dict[int, ModelRequest] = {}
    for number, raw in _lines(path):
        try:
            if b'"glmos_transcript"' in raw[:24]:
                header = msgspec.json.decode(raw, type=_Header)
                if header.glmos_transcript > VERSION:
                    raise UsageError(f"The transcript {str(path)!r} was written by a newer GLM-OS: update this one.")
                traits, section = traits or header.model, {}
                continue
            line = msgspec.json.decode(raw, type=_Line)
            request = _whole(line, section)
        except (ValueError, KeyError, RecursionError) as error:  # msgspec's own errors are ValueErrors
            raise UsageError(f"Line {number} of the transcript {str(path)!r} makes no sense: {error}.") from error
        section[line.n] = request
        exchanges.append(Exchange(len(exchanges) + 1, request, line.reply, line.error))
    if traits is None:
        raise UsageError(f"{str(path)!r} is no transcript of model calls: its first line does not say so.")
    return traits, exchanges


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"The transcript {str(path)!r} cannot be read: {error.strerror}.") from error
    for number, raw in enumerate(text.split(b"\n"), 1):
        if raw.strip():
            yield number, raw


def _whole(line: _Line, section: dict[int, ModelRequest]) -> ModelRequest:
    if line.same is None:
        return line.request
    earlier = section[line.same.n]
    fields: dict[str, Any] = {"messages": (*earlier.messages[: line.same.messages], *line.request.messages)}
    if line.same.tools:
        fields["tools"] = earlier.tools
    return msgspec.structs.replace(line.request, **fields)
