"""Tools for scenarios: small devices whose effects can be counted from outside."""

from pathlib import Path

import anyio

from glmos.abi.labels import Label
from glmos.abi.tools import Action, Failure, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext

TEXT = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


class Echo:
    """Pure: says what it is told."""

    def __init__(self) -> None:
        self.ran = 0

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec("echo", "Echo.", "Echo a text.", TEXT, (Action("run", "pure"),), resident=True)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.ran += 1
        return ToolResult(text=f"heard: {call.arguments['text']}", label=Label("untrusted"))

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        return ProbeResult("did_not_happen")

    async def release(self, pid: int) -> None:
        return None


class Note(Echo):
    """Reversible: appends a line to a file of the workspace. Can be held up in the middle."""

    def __init__(self, reached: anyio.Event | None = None, gate: anyio.Event | None = None) -> None:
        super().__init__()
        self.reached = reached
        self.gate = gate

    @property
    def spec(self) -> ToolSpec:
        action = Action("run", "reversible", reads=("workspace",), writes=("workspace",))
        return ToolSpec("note", "Note.", "Append a line to notes.txt.", TEXT, (action,), resident=True)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.ran += 1
        with Path(context.workspace / "notes.txt").open("a", encoding="utf-8") as file:
            file.write(f"{call.arguments['text']}\n")
        if self.gate is not None:
            if self.reached is not None:
                self.reached.set()
            await self.gate.wait()
        return ToolResult(text=f"noted: {call.arguments['text']}", files=("notes.txt",))


class Letter(Echo):
    """Irreversible: what is sent is sent. Can find out whether it was."""

    def __init__(self, sent: list[str], *, can_probe: bool = False, gate: anyio.Event | None = None) -> None:
        super().__init__()
        self.sent = sent
        self.can_probe = can_probe
        self.gate = gate
        self.reached = anyio.Event()

    @property
    def spec(self) -> ToolSpec:
        action = Action("run", "irreversible", writes=("network",), can_probe=self.can_probe)
        return ToolSpec("letter", "Letter.", "Send a letter.", TEXT, (action,), resident=True)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.sent.append(call.arguments["text"])
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        return ToolResult(text=f"sent: {call.arguments['text']}")

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        happened = call.arguments["text"] in self.sent
        return ProbeResult("happened" if happened else "did_not_happen", "looked into the letter box")


class Booking(Echo):
    """Compensable: a booking that can be cancelled."""

    def __init__(self, booked: list[str], *, stubborn: bool = False) -> None:
        super().__init__()
        self.booked = booked
        self.stubborn = stubborn

    @property
    def spec(self) -> ToolSpec:
        parameters = {
            "type": "object",
            "properties": {"action": {"type": "string", "enum": ["book", "cancel"]}, "text": {"type": "string"}},
            "required": ["action", "text"],
        }
        actions = (Action("book", "compensable", compensated_by="cancel"), Action("cancel", "compensable"))
        return ToolSpec("booking", "Book.", "Book or cancel.", parameters, actions, resident=True)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        text = call.arguments["text"]
        if call.action == "cancel":
            if self.stubborn:
                return ToolResult(failure=Failure("denied", "the hotel does not answer"))
            self.booked.remove(text)
            return ToolResult(text=f"cancelled: {text}")
        self.booked.append(text)
        return ToolResult(text=f"booked: {text}", compensation={"action": "cancel", "text": text})
