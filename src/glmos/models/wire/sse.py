"""Server-sent events, from bytes in any pieces to whole events.

    data: {"choices": ...}\n      one or more fields, lines ended by LF, CRLF or CR
    : keep-alive\n                a comment, dropped
    \n                            an empty line ends the event

Bytes are decoded event by event, so a character cut in two by the network comes out whole.
Above: the wire parsers. Below: nothing.
"""

from typing import NamedTuple

MAX_EVENT = 16 << 20
"""Bytes an unfinished event may have. A server that sends more is broken."""


class Event(NamedTuple):
    name: str
    """The `event:` field, empty when there is none."""
    data: str


class EventTooLong(ValueError):
    """An event did not end within `MAX_EVENT` bytes."""


class EventParser:
    """Feed it what the socket gave; it gives the events that are complete."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._size = 0
        self._name = ""
        self._data: list[str] = []
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """Raises: EventTooLong."""
        if b"\n" not in data and b"\r" not in data and not self._ends_in_cr():
            self._hold(data)
            return []
        text = b"".join([*self._pending, data])
        self._pending, self._size = [], 0
        if self._first:
            text, self._first = text.removeprefix(b"\xef\xbb\xbf"), False
        lines = text.splitlines(keepends=True)
        # A CR at the very end may be the first half of a CRLF: the line is finished when we know.
        if lines and not lines[-1].endswith(b"\n"):
            self._hold(lines.pop())
        return [event for line in lines if (event := self._line(line)) is not None]

    def close(self) -> list[Event]:
        """The stream has ended: an event without its empty line counts too."""
        rest = b"".join(self._pending)
        self._pending, self._size = [], 0
        events = [self._line(line) for line in rest.splitlines()]
        return [event for event in [*events, self._line(b"")] if event is not None]

    def _ends_in_cr(self) -> bool:
        return bool(self._pending) and self._pending[-1].endswith(b"\r")

    def _hold(self, data: bytes) -> None:
        self._pending.append(data)
        self._size += len(data)
        if self._size + sum(map(len, self._data)) > MAX_EVENT:
            raise EventTooLong(f"an event of more than {MAX_EVENT >> 20} MiB")

    def _line(self, raw: bytes) -> Event | None:
        line = raw.rstrip(b"\r\n")
        if not line:
            name, data = self._name, self._data
            self._name, self._data = "", []
            return Event(name, "\n".join(data)) if data else None
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return None
