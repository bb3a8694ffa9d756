"""What was worked out about a message, remembered for as long as the message lives.

A prompt grows at its end: call k+1 has the very messages of call k, which are frozen. So each is looked at once, and a
call costs in proportion to what is new. Above: `tokens`, `wire`. Below: `abi.messages`.
"""

import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from glmos.abi.messages import Message

T = TypeVar("T")


class PerMessage(Generic[T]):
    """A memo by the identity of messages; what else the value depends on is the `key`."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Message], dict[Hashable, T]]] = {}

    def get(self, message: Message, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives for this message and key. The value is shared: nobody may change it."""
        place = id(message)
        found = self._known.get(place)
        if found is None:
            known = self._known
            found = known[place] = (weakref.ref(message, lambda _: known.pop(place, None)), {})
        values = found[1]
        if key not in values:
            values[key] = make()
        return values[key]

    def __len__(self) -> int:
        return len(self._known)
