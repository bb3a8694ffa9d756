"""The `shell` tool: a command in the sandbox. Every call is a new shell; only the files of the workspace last."""

from glmos.abi.tools import Failure, ToolCall, ToolResult
from glmos.ports import SandboxLimits, ToolContext
from glmos.tools.declare import ActionTool, ToolFailed, action, untrusted
from glmos.tools.encoding import decode
from glmos.tools.terminal import bounded, clean

MAX_SECONDS = 600.0
_BASH = 'if command -v bash >/dev/null 2>&1; then exec bash -c "$1"; else exec sh -c "$1"; fi'


class Shell(ActionTool, name="shell", resident=True, timeout=MAX_SECONDS + 30):
    """Run a shell command.

    It works in /workspace. Exit status, stdout and stderr come back. No network, no input; only files last from call to
    call.
    """

    @action(effect="reversible", reads=("workspace",), writes=("workspace",))
    async def run_(self, call: ToolCall, context: ToolContext, command: str, timeout: float = 120.0) -> ToolResult:
        """
        Args:
            timeout: Seconds.
        """
        if "\0" in command or not command.strip():
            raise ToolFailed("bad_arguments", "The command is empty or holds a NUL character.")
        if not 0 < timeout <= MAX_SECONDS:
            raise ToolFailed("bad_arguments", f"The timeout must be between 0 and {MAX_SECONDS:g} seconds.")
        if len(command.encode()) > 100_000:
            raise ToolFailed("too_large", "The command is longer than 100 kB: write it to a file and run that.")
        finished = await context.sandbox.run(
            ["sh", "-c", _BASH, "sh", command],
            pid=call.pid,
            workspace=context.workspace,
            limits=SandboxLimits(seconds=timeout),
        )
        stdout, stderr = (_text(stream) for stream in (finished.stdout, finished.stderr))
        parts = [bounded(stdout.rstrip("\n")), f"[stderr]\n{bounded(stderr.rstrip())}" if stderr.strip() else ""]
        if finished.truncated:
            parts.append("[output beyond the limit was cut]")
        parts.append(f"[exit status {finished.status}]" if finished.status is not None else "")
        text = "\n".join(part for part in parts if part)
        data = {"status": finished.status, "stopped_by": finished.stopped_by, "seconds": round(finished.seconds, 3)}
        return ToolResult(text=text, failure=_failure(finished.stopped_by, timeout), data=data, label=untrusted(call))


def _text(stream: bytes) -> str:
    try:
        return clean(stream.decode())
    except UnicodeDecodeError:
        # A command may print names in UTF-8 and then a file in something else: each line for itself.
        return clean("".join(_line(line) for line in stream.splitlines(keepends=True)))


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        decoded = decode(line)
        return decoded.text if decoded.encoding else line.decode(errors="replace")


def _failure(stopped_by: str, timeout: float) -> Failure | None:
    """Only a command that was stopped has failed; what an exit status means, its reader decides."""
    match stopped_by:
        case "":
            return None
        case "timeout":
            message = f"The command was stopped after {timeout:g} seconds: give a longer timeout, or do less at once."
            return Failure("timeout", message)
        case "cancelled":
            return Failure("cancelled", "The command was stopped because the process was.")
        case _:
            return Failure("limit", f"The command was stopped: it used more {stopped_by} than it may.")
