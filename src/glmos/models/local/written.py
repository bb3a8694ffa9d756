"""What a GLM writes, taken apart while it is being written: thinking, text, calls.

    tags        <think>THINKING</think>TEXT<tool_call>NAME<arg_key>K</arg_key><arg_value>V</arg_value></tool_call>...
                with line breaks between the tags (GLM-4.5, 4.6) or without (4.7 and later)
    name_line   a first line that is the name of an offered tool, then its arguments as JSON; a first line that is empty
                or anything else is the answer's text (GLM-4)

A bare value is typed by the tool's JSON Schema, never by guess: `75001` is a text where the schema says so.
Above: `worker`. Below: `wire.draft`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from glmos.abi.messages import Delta, ModelReply, ToolSchema
from glmos.models.local.describe import Form
from glmos.models.wire.draft import CallDraft, Draft

Mode = Literal["start", "thinking", "text", "call"]
_BOXES = re.compile(r"<\|(?:begin|end)_of_box\|>")
_ENDS: Mapping[Mode, tuple[str, ...]] = {
    "start": ("<think>", "</think>", "<tool_call>"),
    "thinking": ("</think>",),
    "text": ("<tool_call>", "</think>"),
    "call": ("</tool_call>",),
}


class Written:
    """A reply as it arrives. Feed it text; `reply` has what came of it."""

    def __init__(
        self, form: Form, tools: Sequence[ToolSchema], *, prompt: str, on_delta: Callable[[Delta], None]
    ) -> None:
        """
        Args:
            prompt: What the model goes on from: its end may have opened the thinking.
        """
        self.draft = Draft()
        self._form = form
        self._tools = {tool.name: tool.parameters for tool in tools}
        self._on_delta = on_delta
        self._held = ""
        self._mode: Mode = "thinking" if prompt.rstrip().endswith("<think>") else "start"
        self._name = ""
        self._thought = False

    def feed(self, text: str) -> None:
        self._held += text
        if self._form != "name_line" or self._mode == "thinking":
            self._feed_tags()
        if self._form == "name_line" and self._mode != "thinking":
            self._feed_name_line()

    def close(self, finish: Literal["stop", "length"]) -> None:
        """The model has ended, or had no tokens left."""
        if self._form == "name_line" and self._mode in ("start", "call"):
            self._end_name_line(finish)
        elif self._mode == "call":
            self._end_call(self._held, whole=finish == "stop")
        else:
            self._say(self._held)
        self._held = ""
        draft = self.draft
        draft.finish = "length" if finish == "length" else "stop"
        draft.content = [_BOXES.sub("", "".join(draft.content)).strip()]
        draft.reasoning = ["".join(draft.reasoning).strip()]

    def reply(self, taken: set[str]) -> ModelReply:
        """`taken`: ids of earlier calls."""
        return self.draft.reply(taken=taken)

    # -- tags ---------------------------------------------------------------------------------------------------------

    def _feed_tags(self) -> None:
        while self._form != "name_line" or self._mode == "thinking":
            ends = _ENDS[self._mode]
            found = [(at, end) for end in ends if (at := self._held.find(end)) >= 0]
            if not found:
                break
            at, end = min(found)
            before, self._held = self._held[:at], self._held[at + len(end) :]
            self._pass(before, end)
        if self._mode == "call" or (self._form == "name_line" and self._mode != "thinking"):
            return
        keep = max(
            (n for end in _ENDS[self._mode] for n in range(1, len(end)) if self._held.endswith(end[:n])), default=0
        )
        ready = self._held[: len(self._held) - keep]
        self._held = self._held[len(ready) :]
        self._say(ready)

    def _pass(self, before: str, end: str) -> None:
        match end:
            case "<think>":
                self._say(before)
                self._mode = "thinking"
            case "</think>":
                self._say(before)
                self._mode, self._thought = "start" if self._form == "name_line" else "text", True
            case "<tool_call>":
                self._say(before)
                self._mode = "call"
            case _:
                self._end_call(before, whole=True)
                self._mode = "text"

    def _say(self, text: str) -> None:
        if self._mode == "start" and text.strip():
            self._mode = "text"
        if not text or self._mode == "start":
            return
        if self._mode == "thinking":
            self.draft.reasoning.append(text)
            self._on_delta(Delta(reasoning=text))
        else:
            self.draft.content.append(text)
            self._on_delta(Delta(content=text))

    def _end_call(self, text: str, *, whole: bool) -> None:
        """`whole`: the model did not run out of tokens in the middle of it."""
        if not whole:
            return
        name, arguments = read_call(text, self._tools)
        self._call(name, arguments)

    def _call(self, name: str, arguments: str) -> None:
        draft = CallDraft(name=name)
        draft.arguments.append(arguments)
        self.draft.calls.append(draft)
        self._on_delta(Delta(call=name))

    # -- a line with the name -----------------------------------------------------------------------------------------

    def _feed_name_line(self) -> None:
        if self._mode == "start":
            self._held = self._held.lstrip() if self._thought else self._held
            line, broken, rest = self._held.partition("\n")
            name = line.strip()
            if name.startswith("<think>") and not self._thought:
                self._mode, self._held = "thinking", self._held.partition("<think>")[2]
                self._feed_tags()
                return
            if broken and name in self._tools:
                self._mode, self._held, self._name = "call", rest, name
                self._on_delta(Delta(call=name))
            elif broken or not any(start.startswith(name) for start in (*self._tools, "<think>")):
                self._mode = "text"
        if self._mode == "text":
            self._say(self._held)
            self._held = ""

    def _end_name_line(self, finish: str) -> None:
        if self._mode == "start":
            self._mode = "text"
            self._say(self._held)
        elif finish == "stop":
            draft = CallDraft(name=self._name)
            draft.arguments.append(self._held.strip() or "{}")
            self.draft.calls.append(draft)


def call_beginnings(form: Form, tools: Sequence[ToolSchema]) -> tuple[str, ...]:
    """How replies begin that are a call of one of `tools`."""
    if form == "name_line":
        return tuple(f"{tool.name}\n" for tool in tools)
    names = [tool.name + end for tool in tools for end in ("\n", "<arg_key>", "</tool_call>")]
    return tuple(f"{gap}<tool_call>{name}" for gap in ("", "\n") for name in names)


def read_call(text: str, tools: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """The name and the arguments, as JSON, of what stands between `<tool_call>` and its end.

    What has another form comes back as it is, so that the model is told what it wrote.
    """
    head, _, body = text.partition("<arg_key>")
    name = head.strip()
    if not body:
        if name.startswith("{"):
            return _json_call(name)
        first, _, rest = name.partition("\n")
        return first.strip(), rest.strip() or "{}"
    schema = tools.get(name, {})
    arguments: dict[str, Any] = {}
    for part in body.split("<arg_key>"):
        key, closed, value = part.partition("</arg_key>")
        opened = value.partition("<arg_value>")[2]
        if not closed or (not opened and "<arg_value>" not in value):
            return name, text[text.index("<arg_key>") :].strip()
        before, ended, _ = opened.rpartition("</arg_value>")
        arguments[key.strip()] = typed(before if ended else opened, _property(schema, key.strip()))
    return name, json.dumps(arguments, ensure_ascii=False)


def _json_call(text: str) -> tuple[str, str]:
    """Some write the call as one object all the same."""
    try:
        value = json.loads(text)
    except ValueError:
        return "", text
    if not isinstance(value, dict):
        return "", text
    call = cast("dict[str, Any]", value)
    return str(call.get("name", "")), json.dumps(call.get("arguments", {}), ensure_ascii=False)


def typed(text: str, schema: Mapping[str, Any]) -> Any:
    """A bare value as its schema wants it; a text where it does not fit."""
    kinds = _kinds(schema)
    bare = text.strip()
    if "string" in kinds:
        return None if bare == "null" and "null" in kinds else text
    try:
        value = json.loads(bare)
    except ValueError:
        value = {"true": True, "false": False, "none": None}.get(bare.lower(), text)
    if not kinds:
        # Nothing is said about it: numbers and words stay what was written, structures are meant as such.
        return value if isinstance(value, dict | list) or value in schema.get("enum", ()) else text
    return value


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    named = schema.get("type")
    kinds = {named} if isinstance(named, str) else set[str](named or ())
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key, ()):
            kinds |= _kinds(option)
    if not kinds:
        values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
        kinds = {"string"} if values and all(isinstance(v, str) for v in values) else kinds
    return kinds


def _property(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Any = schema.get("properties", {}).get(key, {})
    reference = found.get("$ref") if isinstance(found, dict) else None
    if isinstance(reference, str) and reference.startswith("#/"):
        found = schema
        for step in reference[2:].split("/"):
            found = found.get(step, {}) if isinstance(found, dict) else {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
