"""Requests beyond the first of a call, and what they may cost.

Above: the drivers that make such requests. Below: `ports`.
"""

from collections.abc import Callable
from typing import cast

from glmos.abi.budgets import NOTHING, Usage
from glmos.abi.messages import Delta, ModelReply, ModelRequest
from glmos.ports import Again, ModelDriver, RetryingDriver


async def unlimited(spent: Usage) -> bool:
    """An `Again` for callers that keep no budget."""
    return True


def worst_case(driver: ModelDriver, request: ModelRequest) -> Usage:
    """What one request may cost."""
    prompt = driver.estimate(request)
    usd = driver.price(prompt, 0, request.max_tokens)
    return Usage(usd=usd or NOTHING, prompt_tokens=prompt, completion_tokens=request.max_tokens, model_calls=1)


async def complete_within(
    driver: ModelDriver, request: ModelRequest, on_delta: Callable[[Delta], None] | None, again: Again
) -> ModelReply:
    """Call any driver so that it makes no request that `again` did not allow, beside the first."""
    if hasattr(driver, "complete_within"):  # what `isinstance` would find out too, a hundred times slower
        return await cast(RetryingDriver, driver).complete_within(request, on_delta, again)
    return await driver.complete(request, on_delta)
