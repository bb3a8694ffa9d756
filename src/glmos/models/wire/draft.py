"""A reply while it is being put together from pieces, whatever the wire protocol.

Above: the parsers of `wire.openai` and `wire.anthropic`. Below: `abi.messages`.
"""

from collections.abc import Collection
from typing import Any, Literal, TypeAlias

from glmos.abi.budgets import Usage
from glmos.abi.messages import FunctionCall, ModelReply
from glmos.models.wire.foreign import NotJson, read_json

Finish: TypeAlias = Literal["stop", "calls", "length", "filtered", "cut", "unknown"]

NOTES = "glmos"
"""The one key of `extra` that is ours: remarks of the driver, never sent to a provider."""


class CallDraft:
    """A call whose arguments still arrive."""

    def __init__(self, call_id: str = "", name: str = "") -> None:
        self.id = call_id
        self.name = name
        self.arguments: list[str] = []


class Draft:
    """Everything a stream has said so far."""

    def __init__(self) -> None:
        self.content: list[str] = []
        self.reasoning: list[str] = []
        self.calls: list[CallDraft] = []
        self.finish: Finish | None = None
        """None: the provider has not said why it ended, or has not ended."""
        self.finish_reason = ""
        """In the provider's words."""
        self.usage: Usage | None = None
        self.cache_writes = 0
        """Prompt tokens billed at the price of writing them to the cache."""
        self.model = ""
        self.extra: dict[str, Any] = {}
        self.notes: dict[str, Any] = {}

    @property
    def begun(self) -> bool:
        """Something worth having arrived."""
        return bool(self.content or self.reasoning or self.calls)

    def stop_at(self, tokens: int) -> None:
        """It goes on beyond every limit: keep what fits `tokens`, so that the next prompt still fits its window."""
        most = 4 * tokens
        self.content = ["".join(self.content)[:most]]
        self.reasoning = ["".join(self.reasoning)[:most]]
        if sum(len(piece) for call in self.calls for piece in (call.name, *call.arguments)) > most:
            self.calls = []
        self.extra = {}
        self.finish = "length"

    def reply(self, *, taken: Collection[str] = ()) -> ModelReply:
        """The reply as far as it goes; `cut` when the provider never said why it ended.

        `taken`: call ids of earlier turns, so that an id we invent is new in the whole conversation.
        """
        content, reasoning = split_thinking("".join(self.content), "".join(self.reasoning))
        calls = unique_calls(self.calls, taken)
        finish: Finish = self.finish or "cut"
        if finish in ("stop", "calls"):
            # Servers disagree about the reason when there are calls; the calls themselves do not.
            finish = "calls" if calls else ("stop" if finish == "stop" else "unknown")
        notes = dict(self.notes)
        if self.finish_reason and finish not in ("stop", "calls"):
            notes["finish_reason"] = self.finish_reason
        extra = {**self.extra, **({NOTES: notes} if notes else {})}
        return ModelReply(
            content=content, reasoning=reasoning, calls=calls, finish=finish, usage=self.usage or Usage(),
            model=self.model, extra=extra,
        )  # fmt: skip


def split_thinking(content: str, reasoning: str) -> tuple[str, str]:
    """Take leading `<think>...</think>` out of the content, as a server without a reasoning parser leaves it there.

    A template may have opened the tag in the prompt, then only its end is in the text.
    """
    if reasoning:
        return content, reasoning
    text = content.lstrip()
    head, end, tail = text.partition("</think>")
    if end and head.startswith("<think>"):
        return tail.lstrip(), head.removeprefix("<think>").strip("\n")
    if end and "<think>" not in head:
        return tail.lstrip(), head.strip("\n")
    if not end and text.startswith("<think>"):
        return "", text.removeprefix("<think>").strip("\n")
    return content, reasoning


def unique_calls(drafts: list[CallDraft], taken: Collection[str]) -> tuple[FunctionCall, ...]:
    """Give every call an id of its own: the provider's, or `call_<n>` where it sent none or sent one twice."""
    given = {d.id for d in drafts if d.id}
    seen: set[str] = set()
    number = len(taken)
    calls: list[FunctionCall] = []
    for draft in drafts:
        call_id = draft.id
        while not call_id or call_id in seen:
            number += 1
            call_id = f"call_{number}"
            if call_id in given or call_id in taken:
                call_id = ""
        seen.add(call_id)
        calls.append(FunctionCall(id=call_id, name=draft.name, arguments="".join(draft.arguments)))
    return tuple(calls)


def arguments_object(text: str) -> dict[str, Any]:
    """Arguments as providers insist on having them back: an object. What is none is wrapped, so that the model still
    sees what it wrote."""
    if not text.strip():
        return {}
    try:
        value = read_json(text)
    except NotJson:
        return {"malformed_arguments": text}
    return value if isinstance(value, dict) else {"malformed_arguments": text}
