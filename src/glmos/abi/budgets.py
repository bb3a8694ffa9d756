"""Limits on a process tree, and what has been used of them."""

from msgspec import Struct


class Limits(Struct, frozen=True, gc=False, omit_defaults=True):
    """Upper bounds for a process and everything below it. `None` means no limit of that kind."""

    usd: float | None = None
    tokens: int | None = None
    """Prompt plus completion tokens, cached ones included."""
    seconds: float | None = None
    """Time in which the process is running. Waiting for a person or being suspended does not count, nor does waiting for
    children that all do. What runs when the time is over is stopped."""
    model_calls: int | None = None
    """Requests made to models: retries, other routes and critics included."""
    tool_calls: int | None = None
    """Calls of tools: those of checks and those made again after a crash included."""


def stricter(one: Limits, other: Limits) -> Limits:
    """The lower of the two bounds of each kind."""
    kinds = ((getattr(one, kind), getattr(other, kind)) for kind in Limits.__struct_fields__)
    return Limits(*(min((x for x in pair if x is not None), default=None) for pair in kinds))


NOTHING = 0.0
"""Of dollars or seconds. Written this way it is known for the default, and left out of the journal."""


class Usage(Struct, frozen=True, gc=False, omit_defaults=True):
    """What was used. Also the form in which the worst case of a call is reserved beforehand."""

    usd: float = NOTHING
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """The part of `prompt_tokens` that the provider served from its prefix cache."""
    completion_tokens: int = 0
    seconds: float = NOTHING
    model_calls: int = 0
    tool_calls: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.usd + other.usd or NOTHING,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds or NOTHING,
            self.model_calls + other.model_calls,
            self.tool_calls + other.tool_calls,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, f) - getattr(other, f) for f in self.__struct_fields__))
