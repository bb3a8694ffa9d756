"""What the worker needs of a library that generates: `torch` and `llama` implement it.

Above: `worker`. Below: `protocol`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from glmos.models.local.protocol import Finish


class Sampling(NamedTuple):
    """How to generate."""

    most: int
    """New tokens."""
    temperature: float | None
    """0: always the likeliest; None: as the checkpoint's own settings say."""
    grammar: str = ""
    schema: Mapping[str, Any] = {}
    begins: Sequence[str] = ()
    """The reply begins with one of these, where there are any."""


class Generated(NamedTuple):
    """What it took."""

    prompt_tokens: int
    cached_tokens: int
    """Of the prompt, those that had not to be computed again."""
    completion_tokens: int
    finish: Finish


class TooLong(Exception):
    """The prompt does not fit the context."""

    def __init__(self, tokens: int) -> None:
        super().__init__(f"the prompt has {tokens:,} tokens")
        self.tokens = tokens


class CannotLoad(Exception):
    """The weights cannot be loaded; the message says why."""


class NoRoom(CannotLoad):
    """There is not enough memory for them now."""


class Engine(Protocol):
    """Loaded weights."""

    device: str
    special: Sequence[str]
    """Texts that the tokenizer takes for single tokens with a meaning of their own."""

    def generate(
        self,
        prompt: str,
        images: Sequence[bytes],
        sampling: Sampling,
        on_text: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> Generated:
        """Go on from `prompt`, telling each piece of text; end as soon as `stopped()`.

        Raises: TooLong.
        """
        ...
