"""OpenAI-compatible chat completions, as spoken by z.ai, DeepSeek, Qwen, vLLM, SGLang, llama.cpp, Ollama and others.

    POST {base}/chat/completions   {model, messages, tools, stream: true, ...}
    data: {"choices":[{"delta":{"content" | "reasoning_content" | "tool_calls":[{index,id,function}]},"finish_reason"}]}
    data: {"choices":[],"usage":{...}}
    data: [DONE]

Servers differ in many small ways. Those that can be known are in the profile; those that can be seen in the stream are
tolerated here: fragments without index or id, one index for several calls, arguments as an object, `message` for
`delta`, usage in any chunk.
Above: `driver`. Below: `draft`, `sse`, `profiles`.
"""

import json
from collections.abc import Mapping
from typing import Any

from glmos.abi.budgets import Usage
from glmos.abi.messages import Delta, FunctionCall, Message, ModelRequest, ToolSchema
from glmos.models.memo import Memo
from glmos.models.profiles import Profile
from glmos.models.wire.draft import NOTES, CallDraft, Draft, Finish, arguments_object
from glmos.models.wire.foreign import NotJson, read_json, whole_number
from glmos.models.wire.protocol import StreamFault, decode, is_own, safe_name
from glmos.models.wire.sse import Event

FINISH: Mapping[str, Finish] = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "stop_sequence": "stop",
    "tool_calls": "calls", "function_call": "calls", "tool_use": "calls",
    "length": "length", "max_tokens": "length", "model_context_window_exceeded": "length",
    "content_filter": "filtered", "sensitive": "filtered",
    "network_error": "cut", "abort": "cut", "error": "cut",
}  # fmt: skip
"""Any other reason is `unknown`, never success."""

_KNOWN = frozenset({"role", "content", "tool_calls", "function_call", "refusal"})
_KEEP_DIGITS = 9


class OpenAIWire:
    """Implements `wire.protocol.Wire`."""

    def address(self, base_url: str) -> str:
        return f"{base_url}/chat/completions"

    def models_address(self, base_url: str) -> str:
        return f"{base_url}/models"

    def build(self, request: ModelRequest, model: str, profile: Profile, origin: str) -> dict[str, Any]:
        body: dict[str, Any] = {"model": model, "messages": _messages(request, profile, origin)}
        if request.tools:
            body["tools"] = [_tool(t) for t in request.tools]
            if request.require_call and profile.tool_choice_required:
                body["tool_choice"] = "required"
        body["stream"] = True
        if profile.stream_usage:
            body["stream_options"] = {"include_usage": True}
        body[profile.max_tokens_field] = min(request.max_tokens, profile.max_output_tokens)
        if request.temperature is not None and profile.temperature is not None:
            low, high = profile.temperature
            body["temperature"] = round(min(max(request.temperature, low), high), _KEEP_DIGITS)
        if request.session and profile.session_field:
            body[profile.session_field] = request.session
        body.update(profile.body)
        if request.tools:
            body.update(profile.body_with_tools)
        for field in profile.drop:
            body.pop(field, None)
        return body

    def parser(self, profile: Profile) -> "OpenAIParser":
        return OpenAIParser(profile)


def _tool(tool: ToolSchema) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _messages(request: ModelRequest, profile: Profile, origin: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    as_sent = (
        profile.return_reasoning,
        profile.empty_reasoning,
        profile.return_extra,
        profile.reasoning_fields,
        origin,
    )
    for place, message in enumerate(request.messages):
        match message.role:
            case "system":
                late = any(m.role != "system" for m in request.messages[:place])
                role = profile.late_system_role if late else profile.system_role
                sent.append({"role": role, "content": message.content})
            case "user":
                sent.append({"role": "user", "content": message.content})
            case "tool":
                sent.append({"role": "tool", "tool_call_id": message.call_id, "content": message.content})
            case "assistant":
                sent.append(_sent.get(message, as_sent, lambda m=message: _assistant(m, profile, origin)))
    return sent


_sent: Memo[Message, dict[str, Any]] = Memo()


def _assistant(message: Message, profile: Profile, origin: str) -> dict[str, Any]:
    # Never null: some chat templates write the word None into the prompt.
    sent: dict[str, Any] = {"role": "assistant", "content": message.content}
    own = is_own(message, origin)
    wanted = profile.return_reasoning == "always" or (profile.return_reasoning == "calls" and message.calls)
    if wanted and own and (message.reasoning or profile.empty_reasoning):
        sent[_reasoning_field(message, profile)] = message.reasoning
    if own and profile.return_extra:
        sent.update({k: v for k, v in message.extra.items() if k != NOTES and k not in sent and k != "blocks"})
    if message.calls:
        sent["tool_calls"] = [_call(call) for call in message.calls]
    return sent


def _reasoning_field(message: Message, profile: Profile) -> str:
    """The field it came in, where that is known."""
    notes = message.extra.get(NOTES)
    came_in = notes.get("reasoning_field") if isinstance(notes, dict) else None
    return came_in if isinstance(came_in, str) and came_in in profile.reasoning_fields else profile.reasoning_fields[0]


def _call(call: FunctionCall) -> dict[str, Any]:
    arguments = call.arguments
    if arguments_object(arguments).keys() == {"malformed_arguments"} or not arguments.strip():
        # Servers parse the history's arguments and answer 400 or 500 to what is no object.
        arguments = json.dumps(arguments_object(arguments), ensure_ascii=False)
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": safe_name(call.name), "arguments": arguments},
    }


# -- reading ----------------------------------------------------------------------------------------------------------


class OpenAIParser:
    """Implements `wire.protocol.StreamParser`."""

    def __init__(self, profile: Profile) -> None:
        self.draft = Draft()
        self.finished = False
        self._profile = profile
        self._by_index: dict[int, CallDraft] = {}

    def feed(self, event: Event) -> list[Delta]:
        data = event.data.strip()
        if data == "[DONE]":
            self.finished = True
            return []
        if not data:
            return []
        chunk = decode(data)
        if not isinstance(chunk, dict):
            raise StreamFault(f"an event that is no object: {data[:80]!r}")
        if chunk.get("error") or event.name == "error":
            raise StreamFault("an error in the middle of the stream", body=data)
        return self._chunk(chunk)

    def whole(self, body: dict[str, Any]) -> list[Delta]:
        if not isinstance(body.get("choices"), list):
            raise StreamFault("an answer without choices", body=json.dumps(body) if body.get("error") else "")
        deltas = self._chunk(body)
        self.finished = True
        return deltas

    def _chunk(self, chunk: dict[str, Any]) -> list[Delta]:
        draft = self.draft
        if isinstance(model := chunk.get("model"), str) and model:
            draft.model = model
        if isinstance(usage := chunk.get("usage"), dict) and usage:
            draft.usage = read_usage(usage)
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return []
        choice = choices[0]
        if isinstance(usage := choice.get("usage"), dict) and usage:
            draft.usage = read_usage(usage)
        piece = choice.get("delta") or choice.get("message")
        deltas = self._piece(piece) if isinstance(piece, dict) else []
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            draft.finish_reason = reason
            refused = draft.finish == "filtered"
            draft.finish = "filtered" if refused else FINISH.get(reason, "unknown")
        return deltas

    def _piece(self, piece: dict[str, Any]) -> list[Delta]:
        draft, deltas = self.draft, list[Delta]()
        for field in self._profile.reasoning_fields:
            if isinstance(text := piece.get(field), str) and text:
                draft.reasoning.append(text)
                draft.notes.setdefault("reasoning_field", field)
                deltas.append(Delta(reasoning=text))
                break  # servers in transition send the same text under two names
        for text, thought in _texts(piece.get("content")):
            (draft.reasoning if thought else draft.content).append(text)
            deltas.append(Delta(reasoning=text) if thought else Delta(content=text))
        if isinstance(refusal := piece.get("refusal"), str) and refusal:
            draft.content.append(refusal)
            draft.finish = "filtered"
        calls = piece.get("tool_calls")
        for fragment in calls if isinstance(calls, list) else []:
            if isinstance(fragment, dict) and (name := self._fragment(fragment)):
                deltas.append(Delta(call=name))
        if isinstance(old := piece.get("function_call"), dict) and (name := self._fragment({"function": old})):
            deltas.append(Delta(call=name))
        self._unknown_fields(piece)
        return deltas

    def _fragment(self, fragment: dict[str, Any]) -> str:
        """Add a piece of a call; give its name when it begins one."""
        function = fragment.get("function")
        if not isinstance(function, dict):
            function = {}
        call_id, name, arguments = fragment.get("id"), function.get("name"), function.get("arguments")
        call_id = call_id if isinstance(call_id, str) else ""
        name = name if isinstance(name, str) else ""
        draft = self._belongs_to(fragment.get("index"), call_id, name)
        begun = bool(name) and not draft.name
        draft.name = draft.name or name
        draft.id = draft.id or call_id
        if isinstance(arguments, str):
            draft.arguments.append(arguments)
        elif arguments is not None:
            draft.arguments.append(json.dumps(arguments, ensure_ascii=False))
        return draft.name if begun else ""

    def _belongs_to(self, index: Any, call_id: str, name: str) -> CallDraft:
        """The call a fragment continues, or a new one.

        The index decides, unless the fragment has both a name and an id other than that call's: some servers give
        every call the index 0. Without an index the id decides, then the name: a name begins a call, none continues
        the last.
        """
        if isinstance(index, int):
            known = self._by_index.get(index)
            if known is None or (name and call_id and known.id and known.id != call_id):
                known = self._by_index[index] = self._new_call()
            return known
        if call_id:
            same = next((c for c in reversed(self.draft.calls) if c.id == call_id), None)
            # The same id with a name and finished arguments is another call with a duplicated id.
            if same is not None and not (name and _complete(same)):
                return same
            return self._new_call()
        if self.draft.calls and not (name and self.draft.calls[-1].name):
            return self.draft.calls[-1]
        return self._new_call()

    def _new_call(self) -> CallDraft:
        call = CallDraft()
        self.draft.calls.append(call)
        return call

    def _unknown_fields(self, piece: dict[str, Any]) -> None:
        """Keep what we do not know for the way back: text and lists grow, other values are replaced."""
        extra = self.draft.extra
        for key, value in piece.items():
            if value is None or key in _KNOWN or key in self._profile.reasoning_fields or key == NOTES:
                continue
            known = extra.get(key)
            if isinstance(known, str) and isinstance(value, str):
                extra[key] = known + value
            elif isinstance(known, list) and isinstance(value, list):
                extra[key] = [*known, *value]
            else:
                extra[key] = value


def _complete(call: CallDraft) -> bool:
    try:
        read_json("".join(call.arguments))
    except NotJson:
        return False
    return True


def _texts(content: Any) -> list[tuple[str, bool]]:
    """Pieces of text, and whether each is thought: content may be a string or a list of typed parts."""
    if isinstance(content, str):
        return [(content, False)] if content else []
    texts: list[tuple[str, bool]] = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part.get("type") == "thinking":
            texts += [(text, True) for text, _ in _texts(part.get("thinking"))]
        elif isinstance(part, dict) and isinstance(part.get("text"), str) and part["text"]:
            texts.append((part["text"], False))
    return texts


def read_usage(usage: dict[str, Any]) -> Usage:
    """Tokens, cached ones by any of the names they go by."""
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    if cached is None:
        cached = usage.get("prompt_cache_hit_tokens", usage.get("cached_tokens"))
    prompt = whole_number(usage.get("prompt_tokens"))
    completion = whole_number(usage.get("completion_tokens"))
    return Usage(
        prompt_tokens=prompt, cached_tokens=min(whole_number(cached), prompt), completion_tokens=completion
    )  # fmt: skip
