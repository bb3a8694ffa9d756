"""What a process has observed, and so may cite."""

from glmos.abi import events as e
from glmos.abi.ids import CallId
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole
from glmos.runtime.parts import Parts


async def observations(log: ProcessLog, parts: Parts) -> dict[CallId, str]:
    """The whole text of everything the process has observed and may cite; what was undone is not among it."""
    found: dict[CallId, str] = {}
    for entry in log.entries:
        event = entry.event
        if isinstance(event, e.ToolFinished) and event.failure is None and not log.state.calls[event.call].undone:
            files = f"\nfiles: {', '.join(event.files)}" if event.files else ""
            found[event.call] = await whole(parts.store, event.output) + files
        elif isinstance(event, e.ToolProbed) and event.outcome == "happened":
            found[event.call] = f"interrupted, but it took effect: {event.detail}"
        elif isinstance(event, e.CallAnswered) and event.name in ("ask", "wait"):
            found[event.call] = event.text
    return found
