"""What a wire protocol is to the driver: three pure functions and a parser.

Above: `driver`. Implemented by `wire.openai` and `wire.anthropic`.
"""

import re
from typing import Any, Protocol

from glmos.abi.messages import Delta, Message, ModelRequest
from glmos.models.profiles import Profile
from glmos.models.wire.draft import NOTES, Draft
from glmos.models.wire.foreign import NotJson, read_json
from glmos.models.wire.sse import Event

ORIGIN = "from"
"""Among the notes: which provider a turn came from. Its private fields go back to that one only."""


class StreamFault(Exception):
    """The provider reported an error inside the stream, or sent what is no event of this protocol."""

    def __init__(self, text: str, *, body: str = "") -> None:
        super().__init__(text)
        self.body = body
        """The error object as JSON when the provider sent one; empty when it sent nonsense."""


class StreamParser(Protocol):
    """Reads one reply."""

    @property
    def draft(self) -> Draft: ...

    @property
    def finished(self) -> bool:
        """The provider said that this was all."""
        ...

    def feed(self, event: Event) -> list[Delta]:
        """Raises: StreamFault."""
        ...

    def whole(self, body: dict[str, Any]) -> list[Delta]:
        """Read an answer that came in one piece although a stream was asked for. Raises: StreamFault."""
        ...


class Wire(Protocol):
    """One family of HTTP endpoints."""

    def address(self, base_url: str) -> str:
        """Where completions are asked for."""
        ...

    def models_address(self, base_url: str) -> str:
        """Where the served models are listed."""
        ...

    def build(self, request: ModelRequest, model: str, profile: Profile, origin: str) -> dict[str, Any]:
        """The body to send. The same request gives the same bytes."""
        ...

    def parser(self, profile: Profile) -> StreamParser: ...


def is_own(message: Message, origin: str) -> bool:
    """The turn came from this provider, or nothing is known about where it came from."""
    notes = message.extra.get(NOTES)
    return not isinstance(notes, dict) or notes.get(ORIGIN, origin) == origin


def safe_name(name: str) -> str:
    """A function name providers accept in the history, whatever the model wrote."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unknown"


def decode(data: str) -> Any:
    """Raises: StreamFault when it is not JSON."""
    try:
        return read_json(data)
    except NotJson as error:
        raise StreamFault(f"an event that is not JSON: {data[:80]!r}") from error
