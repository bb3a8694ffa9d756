"""One model with others behind it: when the first cannot answer for reasons of its own, the next is asked.

Unreachable, overloaded, over its rate, broken off, talking nonsense: the next. A refused key, an empty account, an unknown
model, a prompt too long, refused content, a malformed request: the error comes out, because another model would hide
what a person must know, or spend money they did not mean to spend.
Implements `ports.ModelDriver`. Above: `routes`. Below: other drivers.
"""

from collections.abc import Callable, Sequence

import msgspec

from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, ModelReply, ModelRequest, ModelTraits
from glmos.models.wire.draft import NOTES
from glmos.ports import ModelDriver

PASSING = frozenset({"unreachable", "rate_limited", "overloaded", "protocol", "interrupted"})


class FallbackDriver:
    """Implements `ports.ModelDriver`. Promises only what every driver behind it can keep."""

    def __init__(self, drivers: Sequence[ModelDriver]) -> None:
        if not drivers:
            raise ValueError("a route needs at least one driver")
        self._drivers = tuple(drivers)

    @property
    def traits(self) -> ModelTraits:
        first, *others = (driver.traits for driver in self._drivers)
        every = [first, *others]
        return msgspec.structs.replace(
            first,
            context_tokens=min(t.context_tokens for t in every),
            max_output_tokens=min(t.max_output_tokens for t in every),
            can_plan=all(t.can_plan for t in every),
            can_criticise=all(t.can_criticise for t in every),
            priced=all(t.priced for t in every),
        )

    def estimate(self, request: ModelRequest) -> int:
        return max(driver.estimate(request) for driver in self._drivers)

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return max(driver.price(prompt_tokens, cached_tokens, completion_tokens) for driver in self._drivers)

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        first: ModelError | None = None
        last: ModelError | None = None
        failed: list[str] = []
        for driver in self._drivers:
            try:
                reply = await driver.complete(request, on_delta)
            except ModelError as error:
                if error.kind not in PASSING:
                    if first is None:
                        raise
                    raise _joined(first, driver.traits.name, error) from error
                first = first or error
                failed.append(driver.traits.name)
                last = error
                continue
            return _noted(reply, failed, first) if first is not None else reply
        assert first is not None and last is not None
        if len(failed) == 1:
            raise first
        raise _joined(first, failed[-1], last) from last

    async def aclose(self) -> None:
        for driver in self._drivers:
            await driver.aclose()


def _joined(first: ModelError, name: str, last: ModelError) -> ModelError:
    """The first failure is the one to mend; the last says why the fallback did not help."""
    text = f"{first} Its fallback {name!r} did not help: {last}"
    return ModelError(text, kind=first.kind, retryable=first.retryable, retry_after=first.retry_after)


def _noted(reply: ModelReply, failed: Sequence[str], why: ModelError) -> ModelReply:
    notes = {**reply.extra.get(NOTES, {}), "fallback_from": list(failed), "because": str(why)}
    return msgspec.structs.replace(reply, extra={**reply.extra, NOTES: notes})
