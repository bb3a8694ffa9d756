"""What was worked out about a message, remembered for as long as the message lives.

A prompt grows at its end: call k+1 has the very messages of call k, which are frozen. So each is looked at once, and a
call costs in proportion to what is new. Above: `tokens`, `wire`. Below: `abi.messages`.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from glmos.abi.messages import Message

T = TypeVar("T")


class _Known(weakref.ref[Message], Generic[T]):
    """One message and what is known of it. Small: there are as many as messages in all live prompts."""

    __slots__ = ("key", "place", "value")
    place: int
    key: Hashable
    value: T


class PerMessage(Generic[T]):
    """A memo by the identity of messages. What else a value depends on is its key; the last one asked for is kept."""

    def __init__(self) -> None:
        self._known: dict[int, _Known[T]] = {}

    def get(self, message: Message, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives for this message and key. The value is shared: nobody may change it."""
        known = self._known.get(id(message))
        if known is None:
            known = _Known[T](message, self._forget)  # type: ignore[arg-type]  (called with the reference itself)
            known.place = id(message)
            self._known[known.place] = known
        elif known.key == key:
            return known.value
        known.key, known.value = key, make()
        return known.value

    def _forget(self, known: _Known[T]) -> None:
        self._known.pop(known.place, None)  # nothing else is named here: the program may be ending

    def __len__(self) -> int:
        return len(self._known)
