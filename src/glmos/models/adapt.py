"""Servers refuse parameters their profile says nothing about: leave those out and ask again, once each.

    400  "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."

Only what is optional is left out; never the messages, the model, the tools or the stream.
Above: `driver`. Below: `abi.errors`.
"""

import re
from collections.abc import Sequence
from typing import Any

from glmos.abi.errors import ModelError

_OPTIONAL = frozenset({
    "stream_options", "tool_choice", "temperature", "prompt_cache_key", "thinking", "tool_stream", "reasoning_effort",
    "chat_template_kwargs", "parallel_tool_calls",
})  # fmt: skip
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_REFUSES = re.compile(
    r"unsupported|not supported|unrecognized|unknown|unexpected|extra (?:inputs|fields)|not permitted|not allowed"
    r"|does not support|deprecated|invalid (?:parameter|argument|field)",
    re.IGNORECASE,
)


class Adaptation:
    """What one endpoint has been found not to take."""

    def __init__(self) -> None:
        self._without: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._lesson: tuple[ModelError, str] | None = None

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as this endpoint takes it."""
        return {self._renamed.get(k, k): v for k, v in body.items() if k not in self._without}

    def note(self, error: ModelError, param: str, text: str, fields: Sequence[str]) -> None:
        """Remember, for `learn`, which of the body's fields a refusal is about."""
        self._lesson = None
        if error.kind != "bad_request" or not _REFUSES.search(text):
            return
        named = [param] if param in fields else [k for k in fields if re.search(rf"\b{re.escape(k)}\b", text)]
        for field in named:
            if field in _OPTIONAL or (field in _RENAMED and field not in self._renamed.values()):
                self._lesson = (error, field)
                return

    def learn(self, error: ModelError) -> bool:
        """Whether the next attempt will be different because of what `error` said."""
        if self._lesson is None or self._lesson[0] is not error:
            return False
        field, self._lesson = self._lesson[1], None
        if field in _RENAMED:
            self._renamed[field] = _RENAMED[field]
        else:
            self._without.add(field)
        return True
