"""One model with others behind it: when the first cannot answer for reasons of its own, the next is asked.

Unreachable, overloaded, over its rate, broken off, talking nonsense: the next. A refused key, an empty account, an unknown
model, a prompt too long, refused content, a malformed request: the error comes out, because another model would hide
what a person must know, or spend money they did not mean to spend.
Implements `ports.RetryingDriver`. Above: `routes`. Below: other drivers.
"""

from collections.abc import Callable, Sequence

import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, ModelReply, ModelRequest, ModelTraits
from glmos.models.metering import complete_within, unlimited, worst_case
from glmos.models.wire.draft import NOTES
from glmos.ports import Again, ModelDriver

PASSING = frozenset({"unreachable", "rate_limited", "overloaded", "protocol", "interrupted"})


class FallbackDriver:
    """Implements `ports.RetryingDriver`. Promises only what every driver behind it can keep."""

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
            vision=all(t.vision for t in every),
            grammar=all(t.grammar for t in every),
        )

    def estimate(self, request: ModelRequest) -> int:
        return max(driver.estimate(request) for driver in self._drivers)

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return max(driver.price(prompt_tokens, cached_tokens, completion_tokens) for driver in self._drivers)

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        return await self.complete_within(request, on_delta, unlimited)

    async def complete_within(
        self, request: ModelRequest, on_delta: Callable[[Delta], None] | None, again: Again
    ) -> ModelReply:
        """See `ports.RetryingDriver`. A fallback is not asked when there is no budget for it."""
        first: ModelError | None = None
        last: ModelError | None = None
        failed: list[str] = []
        spent = Usage()

        async def again_here(more: Usage) -> bool:
            return await again(spent + more)

        for driver in self._drivers:
            if last is not None and not await again(spent):
                break
            try:
                reply = await complete_within(driver, request, on_delta, again_here)
            except ModelError as error:
                spent += worst_case(driver, request) if error.usage is None else error.usage
                if error.kind not in PASSING:
                    raise _joined(first, driver.traits.name, error, spent) from error
                first = first or error
                failed.append(driver.traits.name)
                last = error
                continue
            return _noted(reply, driver.traits.name, failed, first, spent) if first is not None else reply
        assert first is not None and last is not None
        raise _joined(first if len(failed) > 1 else None, failed[-1], last, spent) from last

    async def aclose(self) -> None:
        for driver in self._drivers:
            await driver.aclose()


def _joined(first: ModelError | None, name: str, last: ModelError, spent: Usage) -> ModelError:
    """The first failure is the one to mend; the last says why the fallback did not help."""
    text = f"{first} Its fallback {name!r} did not help: {last}" if first is not None else str(last)
    why = first or last
    return ModelError(text, kind=why.kind, retryable=why.retryable, retry_after=why.retry_after, usage=spent)


def _noted(reply: ModelReply, name: str, failed: Sequence[str], why: ModelError, spent: Usage) -> ModelReply:
    notes = {**reply.extra.get(NOTES, {}), "fallback_from": list(failed), "because": str(why)}
    usage = spent + reply.usage
    return msgspec.structs.replace(
        reply, usage=usage, model=reply.model or name, extra={**reply.extra, NOTES: notes}
    )  # fmt: skip
