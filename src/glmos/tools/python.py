"""The `python` tool: code in a persistent IPython kernel inside the sandbox, one for each process.

Variables, imports and open files last from call to call, until the kernel dies, is killed or is released; what was
lost is said. Above: `registry`. Below: `jupyter`, which speaks to the kernel, and `beneath`, which saves its figures.
"""

import re

import anyio.to_thread

from glmos.abi.ids import Pid
from glmos.abi.tools import Failure, ToolCall, ToolResult
from glmos.ports import ToolContext
from glmos.tools.beneath import Workspace
from glmos.tools.declare import ActionTool, ToolFailed, action, untrusted
from glmos.tools.jupyter import LIMITS, Executed, Kernel
from glmos.tools.sessions import Sessions
from glmos.tools.terminal import clean

MAX_SECONDS = 600.0
_LOST = "its variables are gone, and the next call starts a new session"


class Python(ActionTool, name="python", resident=True, timeout=MAX_SECONDS + 60):
    """Run Python in a session that keeps variables between calls (lost while waiting for a person).

    It works in /workspace. Printed output, the last expression's value and tracebacks come back; figures are saved as
    PNG files. pandas, numpy, matplotlib and duckdb are installed. No network.
    """

    def __init__(self) -> None:
        self._sessions = Sessions(Kernel.start)

    @action(effect="reversible", reads=("workspace",), writes=("workspace",))
    async def run_(self, call: ToolCall, context: ToolContext, code: str, timeout: float = 120.0) -> ToolResult:
        """
        Args:
            timeout: Seconds.
        """
        if not code.strip():
            raise ToolFailed("bad_arguments", "There is no code to run.")
        if not 0 < timeout <= MAX_SECONDS:
            raise ToolFailed("bad_arguments", f"The timeout must be between 0 and {MAX_SECONDS:g} seconds.")
        async with self._sessions.use(call.pid, context) as use:
            executed = await use.resident.execute(code, timeout, context.progress)
        figures, trouble = await anyio.to_thread.run_sync(_save, context, executed.figures)
        parts = [
            "[a new Python session: variables of earlier calls are gone]" if use.again else "",
            executed.output.rstrip("\n"),
            executed.value,
            *(f"[figure saved as {name}]" for name in figures),
            trouble,
            _traceback(executed.error[2]) if executed.error is not None else "",
        ]
        return ToolResult(
            text="\n".join(part for part in parts if part),
            failure=_failure(executed, timeout),
            files=figures,
            data={"ended": executed.ended, "value": executed.value[:2000]},
            label=untrusted(call),
        )

    async def release(self, pid: Pid) -> None:
        await self._sessions.release(pid)


def _failure(executed: Executed, timeout: float) -> Failure | None:
    finished = executed.finished
    match executed.ended:
        case "killed":
            message = (
                f"The code ran longer than {timeout:g} s and ignored the interrupt: the session was ended; {_LOST}."
            )
            return Failure("timeout", message)
        case "interrupted":
            return Failure("timeout", f"The code was interrupted after {timeout:g} s; variables are kept.")
        case "died" if finished is not None and finished.stopped_by == "cancelled":
            return Failure("cancelled", f"The Python session was ended: {_LOST}.")
        case "died" if finished is not None and finished.stopped_by:
            amount = f" ({LIMITS.memory_bytes >> 30} GB)" if finished.stopped_by == "memory" else ""
            what = finished.stopped_by
            return Failure("limit", f"The Python session used more {what} than it may{amount} and was ended: {_LOST}.")
        case "died":
            status = finished.status if finished is not None else None
            return Failure("failed", f"The Python session ended by itself (exit status {status}): {_LOST}.")
        case _:
            pass
    if executed.error is not None:
        name, message, _ = executed.error
        return Failure("failed", f"{name}: {message}" if message else name)
    return None


def _save(context: ToolContext, figures: tuple[bytes, ...]) -> tuple[tuple[str, ...], str]:
    """Write figures under the next free numbers; give their names, and what went wrong."""
    names: list[str] = []
    if not figures:
        return (), ""
    with Workspace(context.workspace) as workspace:
        taken = 0
        try:
            for item in workspace.walk("figures"):
                if found := re.fullmatch(r"figures/figure-(\d{1,6})\.png", item.path):
                    taken = max(taken, int(found[1]))
        except ToolFailed:  # there is no such folder yet
            pass
        try:
            for number, figure in enumerate(figures, taken + 1):
                name = f"figures/figure-{number}.png"
                workspace.write(name, figure)
                names.append(name)
        except ToolFailed as failed:
            return tuple(names), f"[a figure could not be saved: {failed}]"
    return tuple(names), ""


_FRAME = re.compile(r"^  (File |Cell )", re.MULTILINE)
_OWN = re.compile(r"  (Cell In|File /workspace/|File <string>|File \"?<)")


def _traceback(text: str) -> str:
    """The user's frames, and the innermost one; those of libraries between are counted."""
    text = re.sub(r"\n\n(?=  |\S)", "\n", clean(text).strip())
    text = re.sub(r"^  File \S*-packages/", "  File ", text, flags=re.MULTILINE)
    starts = [match.start() for match in _FRAME.finditer(text)]
    if len(starts) <= 4:
        return text
    frames = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    kept: list[str] = []
    left_out = 0
    for position, frame in enumerate(frames):
        if _OWN.match(frame) or position == len(frames) - 1:
            if left_out:
                kept.append(f"  [... {left_out} frames of libraries ...]\n")
                left_out = 0
            kept.append(frame)
        else:
            left_out += 1
    if len(kept) > 24:  # endless recursion in the user's own code
        kept = [*kept[:6], f"  [... {len(kept) - 12} frames ...]\n", *kept[-6:]]
    return text[: starts[0]] + "".join(kept)
