"""What was worked out about a frozen thing, remembered for as long as the thing lives.

A prompt grows at its end: call k+1 has the very messages of call k, which are frozen. So each is looked at once, and a
call costs in proportion to what is new. Above: `tokens`, `driver`, `wire`. Below: nothing.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class _Known(weakref.ref[K], Generic[K, T]):
    """One thing and what is known of it. Small: there are as many as messages in all live prompts."""

    __slots__ = ("key", "place", "value")
    place: int
    key: Hashable
    value: T


class Memo(Generic[K, T]):
    """Values by the identity of what they are about. What else a value depends on is its key; the last one asked for is
    kept."""

    def __init__(self) -> None:
        self._known: dict[int, _Known[K, T]] = {}

    def get(self, thing: K, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives for this thing and key. The value is shared: nobody may change it."""
        known = self._known.get(id(thing))
        if known is None:
            known = _Known[K, T](thing, self._forget)  # type: ignore[arg-type]  (called with the reference itself)
            known.place = id(thing)
            self._known[known.place] = known
        elif known.key == key:
            return known.value
        known.key, known.value = key, make()
        return known.value

    def _forget(self, known: _Known[K, T]) -> None:
        self._known.pop(known.place, None)  # nothing else is named here: the program may be ending

    def __len__(self) -> int:
        return len(self._known)
