"""How much of a model may be used at once: concurrency, requests a minute, tokens a minute.

First come, first served. Requests and tokens are buckets that fill evenly over a minute; a call larger than the whole
token bucket waits until it is full and then goes into debt. Tokens are taken by estimate and settled when known.
Above: `driver` (every attempt takes a slot) and, through `routes.limiter`, whoever wants to know before it asks.
Below: nothing.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Self

import anyio
from msgspec import Struct


class RateLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """None: no limit of that kind."""

    concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


class _Bucket:
    """Fills with `per_minute` in a minute, holds no more than that, and may be overdrawn by one taker."""

    def __init__(self, per_minute: float | None, now: float) -> None:
        self._rate = per_minute
        self._level = per_minute or 0.0
        self._at = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until `amount` (or the whole, if that is less) is there."""
        if self._rate is None:
            return 0.0
        self._fill(now)
        return max(0.0, (min(amount, self._rate) - self._level) * 60 / self._rate)

    def take(self, amount: float, now: float) -> None:
        if self._rate is not None:
            self._fill(now)
            self._level = min(self._level - amount, self._rate)

    def _fill(self, now: float) -> None:
        if self._rate is not None:
            self._level = min(self._rate, self._level + max(0.0, now - self._at) * self._rate / 60)
            self._at = now


class Slot:
    """A call: waits for its place when it is entered, and holds it inside. Made by `Limiter.slot`."""

    def __init__(self, limiter: "Limiter", tokens: float) -> None:
        self._limiter = limiter
        self._taken = tokens

    async def __aenter__(self) -> Self:
        await self._limiter.enter(self._taken)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._limiter.leave()

    def settle(self, tokens: float) -> None:
        """Correct the estimate by what was really used."""
        self._limiter.take(tokens - self._taken)
        self._taken = tokens


class Limiter:
    """The limits of one endpoint, shared by all its users in this program."""

    def __init__(
        self,
        limits: RateLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._pause = pause
        self._requests = _Bucket(limits.requests_per_minute, clock())
        self._tokens = _Bucket(limits.tokens_per_minute, clock())
        self._running = 0
        self._room = anyio.Semaphore(limits.concurrency) if limits.concurrency else None
        # Held while waiting for the buckets, so that callers go in the order in which they came.
        self._turn = anyio.Lock(fast_acquire=True)

    @property
    def running(self) -> int:
        """Calls under way."""
        return self._running

    def wait_seconds(self, tokens: float = 0.0) -> float:
        """How long a call with these tokens would wait for the rates, were it next; concurrency aside."""
        now = self._clock()
        return max(self._requests.wait(1, now), self._tokens.wait(tokens, now))

    def slot(self, tokens: float = 0.0) -> Slot:
        """A place for a call of about so many tokens, to be entered."""
        return Slot(self, tokens)

    async def enter(self, tokens: float) -> None:
        """Wait for a place and take it. Cancelling while waiting takes nothing."""
        if self._room is not None:
            await self._room.acquire()
        try:
            async with self._turn:
                while (seconds := self.wait_seconds(tokens)) > 1e-6:
                    await self._pause(seconds)
                self._requests.take(1, self._clock())
                self.take(tokens)
        except BaseException:
            if self._room is not None:
                self._room.release()
            raise
        self._running += 1

    def leave(self) -> None:
        """Give the place back."""
        self._running -= 1
        if self._room is not None:
            self._room.release()

    def take(self, tokens: float) -> None:
        """Count tokens against their rate; negative ones are given back."""
        self._tokens.take(tokens, self._clock())
