"""A model that answers from a transcript: no network, the same words every time.

Strict: a request must have been recorded with the same essential content (messages, calls, images, names of the tools,
grammar, what it is for); the first such exchange that has not been used answers. In order: the next exchange answers,
whatever is asked.
Implements `ports.ModelDriver`. Above: `routes` (`-m replay:FILE`), tests. Below: `transcript`, `tokens`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, Message, ModelReply, ModelRequest, ModelTraits
from glmos.models.tokens import request_tokens
from glmos.models.transcript import Exchange, read_transcript

AROUND = 40
_OF_REQUEST = ("purpose", "require_call", "tools", "grammar", "schema")


class ReplayDriver:
    """Implements `ports.ModelDriver`."""

    def __init__(
        self, path: Path, *, mode: Literal["strict", "order"] = "strict", ignore: Sequence[str] = ()
    ) -> None:  # fmt: skip
        """
        Args:
            ignore: Patterns whose matches are taken for equal: paths, times, whatever differs from run to run.

        Raises:
            UsageError: The file cannot be read or is no transcript.
        """
        self._path = path
        self._mode = mode
        self._ignore = [re.compile(pattern) for pattern in ignore]
        self._traits, self._exchanges = read_transcript(path)
        self._unused = list(self._exchanges)

    @property
    def traits(self) -> ModelTraits:
        return self._traits

    @property
    def unused(self) -> int:
        """Exchanges nobody has asked for yet."""
        return len(self._unused)

    def estimate(self, request: ModelRequest) -> int:
        return request_tokens(request)

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return 0.0

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        exchange = self._take(request)
        if exchange.error is not None:
            raise ModelError(
                exchange.error.message,
                kind=exchange.error.kind,  # pyright: ignore[reportArgumentType] - written by RecordingDriver
                retryable=exchange.error.retryable,
                usage=Usage(model_calls=1),
            )
        if exchange.reply is None:
            raise ModelError(
                f"Exchange {exchange.n} of the transcript {str(self._path)!r} has no reply: record it again.",
                kind="protocol",
                usage=Usage(),
            )
        if on_delta is not None and (exchange.reply.content or exchange.reply.reasoning):
            on_delta(Delta(content=exchange.reply.content, reasoning=exchange.reply.reasoning))
        return exchange.reply

    async def aclose(self) -> None:
        """Nothing is held."""

    def _take(self, request: ModelRequest) -> Exchange:
        if not self._unused:
            raise ModelError(
                f"The transcript {str(self._path)!r} has no exchange left after {len(self._exchanges)}: record it again.",
                kind="protocol",
                usage=Usage(),
            )
        if self._mode == "order":
            return self._unused.pop(0)
        wanted = self._essence(request)
        for place, exchange in enumerate(self._unused):
            if self._essence(exchange.request) == wanted:
                return self._unused.pop(place)
        nearest = max(self._unused, key=lambda e: _shared(self._essence(e.request), wanted))
        difference = first_difference(self._essence(nearest.request), wanted)
        raise ModelError(
            f"The transcript {str(self._path)!r} does not answer this request; nearest is exchange {nearest.n}, where "
            f"{difference}. Record it again, or replay it in order.",
            kind="protocol",
            usage=Usage(),
        )

    def _essence(self, request: ModelRequest) -> dict[str, Any]:
        """What must be equal. Limits, temperature and session may differ."""
        return {
            "purpose": request.purpose,
            "require_call": request.require_call,
            "tools": sorted(tool.name for tool in request.tools),
            "grammar": request.grammar,
            "schema": request.schema,
            "messages": [self._turn(message) for message in request.messages],
        }

    def _turn(self, message: Message) -> dict[str, Any]:
        calls = [{"name": call.name, "arguments": self._arguments(call.arguments)} for call in message.calls]
        return {
            "role": message.role,
            "content": self._text(message.content),
            "calls": calls,
            "answers": message.call_id,
            "images": [hashlib.sha256(image).hexdigest() for image in message.images],
        }

    def _arguments(self, text: str) -> str:
        try:
            return self._text(json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False))
        except ValueError:
            return self._text(text)

    def _text(self, text: str) -> str:
        for pattern in self._ignore:
            text = pattern.sub("*", text)
        return text


def _shared(a: dict[str, Any], b: dict[str, Any]) -> tuple[int, int]:
    """How alike two requests are: equal messages from the beginning, then other equal fields."""
    count = 0
    for x, y in zip(a["messages"], b["messages"], strict=False):
        if x != y:
            break
        count += 1
    return count, sum(a[key] == b[key] for key in _OF_REQUEST)


def first_difference(recorded: dict[str, Any], sent: dict[str, Any]) -> str:
    """Where two requests part, in words with what stands there on each side."""
    for number, (a, b) in enumerate(zip(recorded["messages"], sent["messages"], strict=False), 1):
        for key in ("role", "content", "calls", "answers", "images"):
            if a[key] != b[key]:
                return f"{key} of message {number} ({b['role']}) {_parting(_shown(a[key]), _shown(b[key]))}"
    ours, theirs = len(sent["messages"]), len(recorded["messages"])
    if ours != theirs:
        extra = (sent if ours > theirs else recorded)["messages"][min(ours, theirs)]
        side = "sent" if ours > theirs else "recorded"
        head = f"{extra['role']} {extra['content'][: AROUND * 2]!r}"
        return f"{theirs} messages were recorded and {ours} sent; only {side}: {head}"
    for key in _OF_REQUEST:
        if recorded[key] != sent[key]:
            return f"{key} {_parting(_shown(recorded[key]), _shown(sent[key]))}"
    return "nothing differs"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _parting(a: str, b: str) -> str:
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    begin = max(0, at - AROUND // 2)
    return f"differs at character {at}: recorded {a[begin : at + AROUND]!r}, sent {b[begin : at + AROUND]!r}"
