"""What a driver of a system is given and must do. For the peers' environments too, so: standard library alone."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Protocol

FINAL = "All steps are done"
INSTRUCTIONS = "You are a worker. Call the tool `step` again and again until you are told that all steps are done."

QUIET = {
    "OPENAI_API_KEY": "sk-mock", "OPENAI_AGENTS_DISABLE_TRACING": "1", "AGNO_TELEMETRY": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LANGSMITH_TRACING": "false", "DO_NOT_TRACK": "1",
    "OPENHANDS_SUPPRESS_BANNER": "1", "OTEL_SDK_DISABLED": "true",
}  # fmt: skip
"""Nothing is traced or reported home; no peer is charged for that."""


class Setting(NamedTuple):
    """What a driver is given."""

    variant: str
    url: str
    """Ends in /v1."""
    model: str
    """The script; see `mock_server`."""
    folder: Path
    """Where its state belongs."""
    step: Callable[[int], Awaitable[str]]
    """The tool."""
    blocking_step: Callable[[int], str]
    """The same for systems whose tools are not async."""
    tasks: int = 1
    """How many at once."""
    ledger: Path | None = None
    """The file in which the tool notes its starts and ends, if it does."""

    def goal(self, task: str) -> str:
        return f"Task {task}: do all the steps."


class Driving(Protocol):
    """What a driver does."""

    async def start(self) -> None:
        """Make everything that a program makes once."""
        ...

    async def run(self, task: str) -> str:
        """Do a task from its beginning; give the final text."""
        ...

    async def resume(self, task: str) -> str:
        """Go on with a task that a crash interrupted."""
        ...

    async def stop(self) -> None: ...


class Tool:
    """The one tool. It does nothing, counts, and in a crash run notes each start and end in a file."""

    def __init__(self, ledger: Path | None, crash_at: int) -> None:
        self.calls = 0
        self._ledger = ledger
        self._crash_at = crash_at

    def _note(self, word: str, i: int) -> None:
        if self._ledger is not None:
            fd = os.open(self._ledger, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.write(fd, f"{word} {i} {os.getpid()}\n".encode())
            os.close(fd)

    async def step(self, i: int) -> str:
        """Do step i and report its result.

        Args:
            i: The number of the step.
        """
        self.calls += 1
        self._note("start", i)
        if i == self._crash_at:
            await asyncio.sleep(3_600)
        self._note("end", i)
        return f"receipt-{i}"

    def blocking_step(self, i: int) -> str:
        """Do step i and report its result.

        Args:
            i: The number of the step.
        """
        self.calls += 1
        self._note("start", i)
        if i == self._crash_at:
            time.sleep(3_600)
        self._note("end", i)
        return f"receipt-{i}"

    def functions(self) -> tuple[Callable[[int], Awaitable[str]], Callable[[int], str]]:
        """As plain functions, because some systems look at a function's name and attributes."""

        async def step(i: int) -> str:
            return await self.step(i)

        def blocking(i: int) -> str:
            return self.blocking_step(i)

        step.__doc__ = blocking.__doc__ = self.step.__doc__
        blocking.__name__ = blocking.__qualname__ = step.__qualname__ = "step"
        return step, blocking
