"""Anthropic's messages protocol, and endpoints that speak it.

    POST {base}/v1/messages   {model, max_tokens, system: [blocks], messages: [{role, content: [blocks]}], tools, stream}
    event: content_block_start | content_block_delta | content_block_stop    by index
    event: message_start | message_delta (stop_reason, usage) | message_stop | ping | error

The system prompt stands apart; turns alternate, so neighbouring ones of the same side are joined; results of tools are
blocks of a user turn, before any text. Blocks of thinking are signed: a turn that had any goes back block by block as
it came. Two cache marks: after the system prompt and tools, which never change, and at the end, which the next call
continues.
Above: `driver`. Below: `draft`, `sse`, `profiles`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from glmos.abi.budgets import Usage
from glmos.abi.messages import Delta, FunctionCall, Message, ModelRequest
from glmos.models.profiles import Profile
from glmos.models.wire.draft import CallDraft, Draft, Finish, arguments_object
from glmos.models.wire.foreign import whole_number
from glmos.models.wire.protocol import StreamFault, decode, is_own, safe_name
from glmos.models.wire.sse import Event

FINISH: Mapping[str, Finish] = {
    "end_turn": "stop", "stop_sequence": "stop", "tool_use": "calls",
    "max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "filtered",
}  # fmt: skip
"""Any other reason (`pause_turn` among them) is `unknown`, never success."""

BLOCKS = "blocks"
"""In a reply's `extra`: its content blocks as they came, when some of them are neither text nor calls."""
CACHE = {"type": "ephemeral"}


class AnthropicWire:
    """Implements `wire.protocol.Wire`."""

    def address(self, base_url: str) -> str:
        return f"{base_url.removesuffix('/v1')}/v1/messages"

    def models_address(self, base_url: str) -> str:
        return f"{base_url.removesuffix('/v1')}/v1/models"

    def build(self, request: ModelRequest, model: str, profile: Profile, origin: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": model}
        body["max_tokens"] = min(request.max_tokens, profile.max_output_tokens)
        tools = _tools(request)
        if tools:
            body["tools"] = tools
            if not request.tools:
                body["tool_choice"] = {"type": "none"}
            elif request.require_call and profile.tool_choice_required:
                body["tool_choice"] = {"type": "any"}
        if system := _system(request.messages):
            body["system"] = system
        elif tools:
            tools[-1]["cache_control"] = CACHE
        body["messages"] = _turns(request.messages, origin)
        body["stream"] = True
        if request.temperature is not None and profile.temperature is not None:
            low, high = profile.temperature
            body["temperature"] = min(max(request.temperature, low), high)
        body.update(profile.body)
        if request.tools:
            body.update(profile.body_with_tools)
        for field in profile.drop:
            body.pop(field, None)
        return body

    def parser(self, profile: Profile) -> "AnthropicParser":
        return AnthropicParser()


def _tools(request: ModelRequest) -> list[dict[str, Any]]:
    """The tools offered. A history with calls must come with definitions even when nothing is offered now."""
    if request.tools:
        return [{"name": t.name, "description": t.description, "input_schema": t.parameters} for t in request.tools]
    names = dict.fromkeys(safe_name(call.name) for message in request.messages for call in message.calls)
    return [{"name": name, "description": "", "input_schema": {"type": "object"}} for name in names]


def _system(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The leading system messages; the last carries the cache mark, which covers the tools before it as well."""
    blocks: list[dict[str, Any]] = []
    for message in messages:
        if message.role != "system":
            break
        if message.content.strip():
            blocks.append({"type": "text", "text": message.content})
    if blocks:
        blocks[-1]["cache_control"] = CACHE
    return blocks


def _turns(messages: Sequence[Message], origin: str) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    leading = True
    for message in messages:
        leading = leading and message.role == "system"
        if leading:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message, origin)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": "(no input)"}]})
    for turn in turns:
        if turn["role"] == "user":
            results = [b for b in turn["content"] if b["type"] == "tool_result"]
            turn["content"] = results + [b for b in turn["content"] if b["type"] != "tool_result"]
    last = turns[-1]["content"][-1]
    if last["type"] in ("text", "tool_result"):
        turns[-1]["content"][-1] = {**last, "cache_control": CACHE}
    return turns


def _blocks(message: Message, origin: str) -> list[dict[str, Any]]:
    if message.role == "tool":
        content = message.content or "(no output)"
        return [{"type": "tool_result", "tool_use_id": safe_id(message.call_id), "content": content}]
    if message.role == "assistant":
        kept = message.extra.get(BLOCKS)
        if isinstance(kept, list) and is_own(message, origin):
            return _returned(kept, message.calls)
    text = [{"type": "text", "text": message.content}] if message.content.strip() else []
    return [*text, *(_tool_use(call) for call in message.calls)]


def _returned(kept: list[Any], calls: Sequence[FunctionCall]) -> list[dict[str, Any]]:
    """The blocks of a turn as they came, the calls under the ids the rest of the conversation knows them by."""
    waiting = list(calls)
    blocks: list[dict[str, Any]] = []
    for block in kept:
        if isinstance(block, dict) and block.get("type") == "tool_use":
            if waiting:
                blocks.append(_tool_use(waiting.pop(0)))
        elif isinstance(block, dict):
            blocks.append(block)
    return [*blocks, *(_tool_use(call) for call in waiting)]


def _tool_use(call: FunctionCall) -> dict[str, Any]:
    arguments = arguments_object(call.arguments)
    return {"type": "tool_use", "id": safe_id(call.id), "name": safe_name(call.name), "input": arguments}


def safe_id(call_id: str) -> str:
    """Ids of other providers may have characters this protocol refuses."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", call_id) or "call"


# -- reading ----------------------------------------------------------------------------------------------------------


class AnthropicParser:
    """Implements `wire.protocol.StreamParser`."""

    def __init__(self) -> None:
        self.draft = Draft()
        self.finished = False
        self._blocks: dict[int, dict[str, Any]] = {}
        self._calls: dict[int, CallDraft] = {}
        self._usage: dict[str, Any] = {}

    def feed(self, event: Event) -> list[Delta]:
        data = event.data.strip()
        if not data or data == "[DONE]":
            return []
        said = decode(data)
        if not isinstance(said, dict):
            raise StreamFault(f"an event that is no object: {data[:80]!r}")
        index = whole_number(said.get("index"))
        match said.get("type") or event.name:
            case "message_start":
                message = said.get("message")
                self._start(message if isinstance(message, dict) else {})
            case "content_block_start":
                block = said.get("content_block")
                return self._begin(index, dict(block) if isinstance(block, dict) else {})
            case "content_block_delta":
                delta = said.get("delta")
                return self._delta(index, delta if isinstance(delta, dict) else {})
            case "message_delta":
                delta = said.get("delta")
                self._read_usage(said.get("usage"))
                self._stopped(delta.get("stop_reason") if isinstance(delta, dict) else None)
            case "message_stop":
                self.finished = True
                self._keep_blocks()
            case "error":
                raise StreamFault("an error in the middle of the stream", body=data)
            case _:
                pass  # ping, content_block_stop and kinds to come
        return []

    def whole(self, body: dict[str, Any]) -> list[Delta]:
        content = body.get("content")
        if not isinstance(content, list):
            raise StreamFault("an answer without content", body=json.dumps(body) if body.get("error") else "")
        self._start(body)
        deltas: list[Delta] = []
        for index, block in enumerate(content):
            if isinstance(block, dict):
                deltas += self._begin(index, dict(block))
        self._stopped(body.get("stop_reason"))
        self._keep_blocks()
        self.finished = True
        return deltas

    def _start(self, message: dict[str, Any]) -> None:
        if isinstance(model := message.get("model"), str):
            self.draft.model = model
        self._read_usage(message.get("usage"))

    def _begin(self, index: int, block: dict[str, Any]) -> list[Delta]:
        self._blocks[index] = block
        draft = self.draft
        match block.get("type"):
            case "text" if isinstance(text := block.get("text"), str) and text:
                draft.content.append(text)
                return [Delta(content=text)]
            case "thinking" if isinstance(text := block.get("thinking"), str) and text:
                draft.reasoning.append(text)
                return [Delta(reasoning=text)]
            case "tool_use":
                call = CallDraft(str(block.get("id") or ""), str(block.get("name") or ""))
                if block.get("input"):
                    call.arguments.append(json.dumps(block["input"], ensure_ascii=False))
                draft.calls.append(call)
                self._calls[index] = call
                return [Delta(call=call.name)]
            case _:
                return []

    def _delta(self, index: int, delta: dict[str, Any]) -> list[Delta]:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        draft = self.draft
        match delta.get("type"):
            case "text_delta":
                text = str(delta.get("text") or "")
                block["text"] = block.get("text", "") + text
                draft.content.append(text)
                return [Delta(content=text)]
            case "thinking_delta":
                text = str(delta.get("thinking") or "")
                block["thinking"] = block.get("thinking", "") + text
                draft.reasoning.append(text)
                return [Delta(reasoning=text)]
            case "signature_delta":
                block["signature"] = block.get("signature", "") + str(delta.get("signature") or "")
            case "input_json_delta" if index in self._calls:
                self._calls[index].arguments.append(str(delta.get("partial_json") or ""))
            case _:
                pass
        return []

    def _stopped(self, reason: Any) -> None:
        if isinstance(reason, str) and reason:
            self.draft.finish_reason = reason
            self.draft.finish = FINISH.get(reason, "unknown")

    def _keep_blocks(self) -> None:
        blocks = [
            self._blocks[index] for index in sorted(self._blocks) if isinstance(self._blocks[index].get("type"), str)
        ]
        if any(block["type"] not in ("text", "tool_use") for block in blocks):
            self.draft.extra[BLOCKS] = blocks

    def _read_usage(self, usage: Any) -> None:
        """Counts come in two events, the later one complete or not: every field keeps its last value."""
        if not isinstance(usage, dict):
            return
        self._usage.update({k: v for k, v in usage.items() if v is not None})
        cached = whole_number(self._usage.get("cache_read_input_tokens"))
        written = whole_number(self._usage.get("cache_creation_input_tokens"))
        self.draft.cache_writes = written
        self.draft.usage = Usage(
            prompt_tokens=whole_number(self._usage.get("input_tokens")) + cached + written,
            cached_tokens=cached,
            completion_tokens=whole_number(self._usage.get("output_tokens")),
        )
