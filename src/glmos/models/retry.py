"""When and after how long a failed call is made again.

Full jitter: a random time between nothing and a bound that doubles. What the provider asks for in Retry-After is a lower
bound; when it asks for more than we are willing to wait, the call fails now and says how long.
Above: `driver`. Below: nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct


class RetryPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    tries: int = 5
    """Attempts in all."""
    cut_tries: int = 2
    """Attempts in all when answers are cut in the middle, each of which was probably billed."""
    first: float = 0.5
    """Seconds: the bound of the first pause."""
    longest: float = 30.0
    patience: float = 90.0
    """The longest Retry-After that is waited for."""

    def pause(self, attempt: int, chance: Callable[[], float], retry_after: float | None) -> float | None:
        """Seconds to wait after the `attempt`th failure (from 1); None: do not wait, give up."""
        if retry_after is not None and retry_after > self.patience:
            return None
        jitter = chance() * min(self.longest, self.first * 2 ** (attempt - 1))
        return (retry_after or 0.0) + jitter


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds the provider asks us to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date)."""
    lower = {k.lower(): v.strip() for k, v in headers.items()}
    if (text := lower.get("retry-after-ms")) is not None and (value := _number(text)) is not None:
        return value / 1000
    text = lower.get("retry-after")
    if text is None:
        return None
    if (value := _number(text)) is not None:
        return value
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now()).total_seconds())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None
