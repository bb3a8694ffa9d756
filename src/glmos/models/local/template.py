"""The checkpoint's own chat template, rendered in a sandbox: messages and tools in, the prompt's text out.

GLM's templates differ in how a call and its result are written down, so each message is given in the fields that its
template reads:

    tags        tool_calls with arguments as an object, `reasoning_content`, role `tool`        (GLM-4.5 and later)
    name_line   one turn for each call with the name as `metadata`, its result as `observation`  (GLM-4: no parallel calls)

A template escapes nothing, so text that came from outside could speak with the voice of another role. Every special token,
everything in the form `<|word|>` and every tag of the format is therefore broken by a zero-width space wherever it occurs in
a message.
Above: `worker`. Below: `describe`, jinja2.
"""

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from glmos.abi.messages import FunctionCall, Message, ModelRequest, ToolSchema
from glmos.models.local.describe import Form
from glmos.models.wire.draft import arguments_object

TAGS = (
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>",
    "<tool_response>", "</tool_response>", "<tools>", "</tools>",
)  # fmt: skip
MARKS = ("[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>")
_TRAINING = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
"""Marks of what is trained on; they change nothing of the text."""
_BARRED = r"<\|[^<>|\s]{1,40}\|>"
"""How all of GLM's other special tokens look: roles, ends, images, boxes."""
_BREAK = "\u200b"


class TemplateError(Exception):
    """The template cannot render this conversation."""


class ChatTemplate:
    """A compiled chat template."""

    def __init__(self, text: str, form: Form, *, special: Iterable[str] = (), vision: bool = False) -> None:
        """
        Args:
            special: The tokenizer's special tokens, which no message may contain.
        """
        from jinja2 import TemplateSyntaxError
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.filters["tojson"] = _to_json
        names: Any = environment.globals
        names.update(raise_exception=_refuse, strftime_now=_now)
        try:
            self._template = environment.from_string(_TRAINING.sub("", text))
        except TemplateSyntaxError as error:
            raise TemplateError(f"its chat template does not parse ({error}): fetch it again") from error
        self._form = form
        self._tools_in_message = bool(re.search(r"""(\[['"]tools['"]\]|\bmessage\.tools|\bitem\.tools)""", text))
        self._vision = vision
        words = sorted({*TAGS, *MARKS, *special}, key=len, reverse=True)
        self._forbidden = re.compile("|".join((_BARRED, *(re.escape(word) for word in words if len(word) > 2))))

    def render(self, request: ModelRequest, *, thinking: bool | None = None) -> str:
        """The prompt, up to where the model goes on.

        Args:
            thinking: False asks the template to leave thinking out, True to have it; None leaves it to the template.

        Raises:
            TemplateError: The template refuses the conversation.
        """
        from jinja2 import TemplateError as Refused

        tools = [_tool(tool) for tool in request.tools]
        messages = self._named(request.messages) if self._form == "name_line" else self._tagged(request.messages)
        if self._tools_in_message and tools:
            messages = _with_tools(messages, tools)
        asked = {} if thinking is None else {"enable_thinking": thinking}
        try:
            return self._template.render(
                messages=messages, tools=tools or None, add_generation_prompt=True, clear_thinking=False, **asked
            )
        except (Refused, TypeError, ValueError, KeyError) as error:
            raise TemplateError(f"its chat template cannot render this conversation ({error})") from error

    def tame(self, text: str) -> str:
        """`text` without anything that the tokenizer or the template's format would take for more than text."""
        return self._forbidden.sub(lambda found: found[0][0] + _BREAK + found[0][1:], text)

    def _tagged(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        return [self._turn(message) for message in messages]

    def _turn(self, message: Message) -> dict[str, Any]:
        turn: dict[str, Any] = {"role": message.role, "content": self._content(message)}
        if message.role == "tool":
            turn["tool_call_id"] = message.call_id
        if message.reasoning:
            turn["reasoning_content"] = self.tame(message.reasoning)
        if message.calls:
            turn["tool_calls"] = [self._call(call) for call in message.calls]
        return turn

    def _content(self, message: Message) -> Any:
        text = self.tame(message.content)
        if not (self._vision and message.images):
            return text
        return [*({"type": "image"} for _ in message.images), {"type": "text", "text": text}]

    def _call(self, call: FunctionCall) -> dict[str, Any]:
        arguments = {self.tame(k): self._value(v) for k, v in arguments_object(call.arguments).items()}
        return {"id": call.id, "type": "function", "function": {"name": self.tame(call.name), "arguments": arguments}}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.tame(value)
        return json.loads(self.tame(json.dumps(value, ensure_ascii=False)))

    def _named(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """Each call right before its own result, because this format knows one call at a time."""
        results = {m.call_id: m for m in messages if m.role == "tool"}
        turns: list[dict[str, Any]] = []
        for message in messages:
            if message.role == "tool":
                continue
            if message.content or not message.calls:
                turns.append({"role": message.role, "content": self._content(message), "metadata": ""})
            for call in message.calls:
                name, arguments = self.tame(call.name), self.tame(call.arguments)
                turns.append({"role": "assistant", "content": arguments, "metadata": name})
                if (result := results.get(call.id)) is not None:
                    turns.append({"role": "observation", "content": self._content(result), "metadata": ""})
        return turns


def _with_tools(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """GLM-4-Chat's first template looks for the tools in the first system message."""
    if messages and messages[0]["role"] == "system":
        return [{**messages[0], "tools": tools}, *messages[1:]]
    return [{"role": "system", "content": "", "tools": tools, "metadata": ""}, *messages]


def _tool(tool: ToolSchema) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _refuse(message: str) -> None:
    from jinja2 import TemplateError as Refused

    raise Refused(message)


def _now(form: str) -> str:
    return datetime.datetime.now().strftime(form)
