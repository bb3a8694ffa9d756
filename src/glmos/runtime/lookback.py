"""The tool `look`: shows an earlier output of the same process again, whole or in part."""

from typing import Any

from glmos.abi.events import ToolFinished
from glmos.abi.labels import Label
from glmos.abi.tools import Action, Failure, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import Store, ToolContext
from glmos.runtime.outputs import whole

PAGE = 5_000


class Look:
    """Pages the journal back into the context."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def spec(self) -> ToolSpec:
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": {
                "call": {"type": "string", "description": "such as c3"},
                "start": {"type": "integer", "minimum": 0, "description": "character to begin at"},
                "text": {"type": "string", "description": "begin at the first place with this text instead"},
            },
            "required": ["call"],
            "additionalProperties": False,
        }
        return ToolSpec(
            "look", "show an earlier output again, where it was shortened", "Show an earlier output, in whole or in part.",
            parameters, (Action("run", "pure", reads=("journal",)),), timeout=30.0,
        )  # fmt: skip

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        wanted = str(call.arguments["call"])
        receipts = (x.event for x in await self._store.read(call.pid))
        found = [x for x in receipts if isinstance(x, ToolFinished) and x.call == wanted]
        if not found:
            return ToolResult(failure=Failure("not_found", f"there is no output {wanted!r}"))
        text = await whole(self._store, found[-1].output)
        start = int(call.arguments.get("start", 0))
        needle = str(call.arguments.get("text", ""))
        if needle:
            start = text.find(needle)
            if start < 0:
                return ToolResult(failure=Failure("not_found", f"{needle!r} does not stand in {wanted}"))
        end = min(len(text), start + PAGE)
        head = f"characters {start} to {end} of {len(text)} of {wanted}:\n"
        label = Label(found[-1].label.integrity, (f"call:{wanted}", *found[-1].label.sources), found[-1].label.readers)
        return ToolResult(text=head + text[start:end], label=label)

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        return ProbeResult("did_not_happen", "reading changes nothing")

    async def release(self, pid: int) -> None:
        return None
