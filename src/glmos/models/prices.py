"""What calls cost, from `prices.toml`, in US dollars for a million tokens.

An entry holds for a host and a list of model-name patterns, and names where the figure was read and when. No entry, no
price: then costs are 0.0 and the driver says it is not priced. A user's own entry in the configuration wins.
Above: `driver`, `routes`. Below: the data file.
"""

from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """Dollars for a million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Prompt tokens served from the prefix cache; None: as dear as others."""
    cache_write: float | None = None
    """Prompt tokens written to the cache, where that costs extra."""

    def of(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int, cache_writes: int = 0) -> float:
        """`prompt_tokens` includes the cached and the written ones."""
        plain = max(0, prompt_tokens - cached_tokens - cache_writes)
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_write is None else self.cache_write
        total = plain * self.input + cached_tokens * cached + cache_writes * written + completion_tokens * self.output
        return total / 1e6

    def worst(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        """Never less than the call will cost: every token not known to be cached is written to the cache."""
        writes = prompt_tokens - cached_tokens if (self.cache_write or 0) > self.input else 0
        return self.of(prompt_tokens, cached_tokens, completion_tokens, writes)


FREE = Price(input=0.0, output=0.0)
"""What a model on one's own machine costs."""


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    host: str
    models: tuple[str, ...]
    input: float
    output: float
    source: str
    checked: str
    cached: float | None = None
    cache_write: float | None = None


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    price: tuple[_Entry, ...]


@cache
def entries() -> tuple[_Entry, ...]:
    text = resources.files("glmos.models").joinpath("prices.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Table).price


def price_of(base_url: str, model: str) -> Price | None:
    """The price of a model at an address, if the table knows it."""
    host = (urlsplit(base_url).hostname or "").lower()
    for entry in entries():
        if entry.host == host and any(fnmatchcase(model.lower(), pattern) for pattern in entry.models):
            return Price(input=entry.input, output=entry.output, cached=entry.cached, cache_write=entry.cache_write)
    return None
