"""A hotel for scenarios of undo: rooms can be booked and cancelled, letters cannot be unsent. It outlives the system."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from glmos.abi.tools import Action, Failure, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext


class Hotel(Struct):
    """What stands in its book. `log` counts every act, so that nothing doubled stays hidden."""

    rooms: list[str] = []
    letters: list[str] = []
    log: list[str] = []


async def _at_once(act: str) -> None:
    """Nothing holds it up."""


class Desk:
    """The tool: `book` (undone by `cancel`) and `send`."""

    def __init__(
        self,
        hotel: Hotel,
        *,
        probes: bool = True,
        before: Callable[[str], Awaitable[None]] = _at_once,
        after: Callable[[str], Awaitable[None]] = _at_once,
        closed: bool = False,
        seconds: float = 120.0,
    ) -> None:
        """`before` and `after` each act are told its name, such as `cancel 海景`; `closed`: it cancels nothing."""
        self.hotel = hotel
        self.probes = probes
        self.before = before
        self.after = after
        self.closed = closed
        self.seconds = seconds

    @property
    def spec(self) -> ToolSpec:
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ["book", "cancel", "send"]},
                "text": {"type": "string"},
            },
            "required": ["action", "text"],
        }
        actions = (
            Action("book", "compensable", writes=("network",), compensated_by="cancel", can_probe=self.probes),
            Action("cancel", "compensable", writes=("network",), compensated_by="book", can_probe=self.probes),
            Action("send", "irreversible", writes=("network",), can_probe=self.probes),
        )
        return ToolSpec("desk", "Desk.", "Book, cancel, or send.", parameters, actions, True, self.seconds)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        text = call.arguments["text"]
        act = f"{call.action} {text}"
        await self.before(act)
        if call.action == "cancel" and self.closed:
            return ToolResult(failure=Failure("unavailable", "the hotel does not answer"))
        self.hotel.log.append(act)
        if call.action == "send":
            self.hotel.letters.append(text)
        elif call.action == "book":
            self.hotel.rooms.append(text)
        else:
            self.hotel.rooms.remove(text)
        await self.after(act)
        compensation = {"action": "cancel", "text": text} if call.action == "book" else None
        return ToolResult(text=f"{call.action}: {text}", compensation=compensation)

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        text = call.arguments["text"]
        happened = {
            "book": text in self.hotel.rooms,
            "cancel": text not in self.hotel.rooms,
            "send": text in self.hotel.letters,
        }[call.action]
        compensation = {"action": "cancel", "text": text} if call.action == "book" and happened else None
        return ProbeResult("happened" if happened else "did_not_happen", "asked the hotel", compensation)

    async def release(self, pid: int) -> None:
        return None
