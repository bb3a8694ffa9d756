"""The tool `look`: shows an earlier output of the same process again, or finds one by its text.

An output that no longer stands in the prompt is not gone: its number or some of its words bring it back.
"""

from typing import Any

from glmos.abi.events import ToolFinished
from glmos.abi.labels import Label, join
from glmos.abi.tools import Action, Failure, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import Store, ToolContext
from glmos.runtime.outputs import whole

PAGE = 5_000
FOUND = 20
"""Outputs that a search shows, the newest of them."""
AROUND = 80
"""Characters shown on each side of what was searched for."""


class Look:
    """Pages the journal back into the context."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def spec(self) -> ToolSpec:
        parameters: dict[str, Any] = {
            "type": "object",
            "properties": {
                "call": {"type": "string", "description": "such as c3; without it all outputs are searched for `text`"},
                "start": {"type": "integer", "minimum": 0, "description": "character to begin at"},
                "text": {"type": "string", "description": "begin at the first place with this text instead"},
            },
            "additionalProperties": False,
        }
        return ToolSpec(
            "look", "show an earlier output again, or find one by its text",
            "Show an earlier output, in whole or in part, or find outputs by some of their text.",
            parameters, (Action("run", "pure", reads=("journal",)),), timeout=30.0,
        )  # fmt: skip

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        wanted, needle = str(call.arguments.get("call", "")), str(call.arguments.get("text", ""))
        receipts = [x.event for x in await self._store.read(call.pid) if isinstance(x.event, ToolFinished)]
        if not wanted:
            return await self._search(receipts, needle)
        found = [x for x in receipts if x.call == wanted]
        if not found:
            return ToolResult(failure=Failure("not_found", f"there is no output {wanted!r}"))
        text = await whole(self._store, found[-1].output)
        start = int(call.arguments.get("start", 0))
        if needle:
            start = text.find(needle)
            if start < 0:
                return ToolResult(failure=Failure("not_found", f"{needle!r} does not stand in {wanted}"))
        end = min(len(text), start + PAGE)
        head = f"characters {start} to {end} of {len(text)} of {wanted}:\n"
        label = Label(found[-1].label.integrity, (f"call:{wanted}", *found[-1].label.sources), found[-1].label.readers)
        return ToolResult(text=head + text[start:end], label=label)

    async def _search(self, receipts: list[ToolFinished], needle: str) -> ToolResult:
        """A line for each output that has the text, in order; the newest where they are too many."""
        if not needle:
            return ToolResult(failure=Failure("bad_arguments", "give `call`, `text`, or both"))
        lines: list[str] = []
        labels: list[Label] = []
        for receipt in reversed(receipts):
            text = await whole(self._store, receipt.output)
            place = text.casefold().find(needle.casefold())
            if place < 0:
                continue
            if len(lines) == FOUND:
                lines.append("(older ones are not shown: search for more of the text)")
                break
            excerpt = " ".join(text[max(0, place - AROUND) : place + len(needle) + AROUND].split())
            lines.append(f"{receipt.call}, character {place}: {excerpt}")
            labels.append(join(Label(sources=(f"call:{receipt.call}",)), receipt.label))
        if not lines:
            return ToolResult(failure=Failure("not_found", f"{needle!r} stands in no output"))
        return ToolResult(text="\n".join(reversed(lines)), label=join(*labels))

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        return ProbeResult("did_not_happen", "reading changes nothing")

    async def release(self, pid: int) -> None:
        return None
