"""What is seen in a run: the trace, line by line, and the problems, which should stay empty."""

import sys
from typing import Any

from glmos.testing.simulation.loop import VirtualLoop

MOST_PROBLEMS = 20


class Record:
    """One per run."""

    def __init__(self, loop: VirtualLoop, *, traced: bool) -> None:
        self.loop = loop
        self.problems: list[str] = []
        self.judge = ""
        """Who found the first: the name of a module."""
        self.trace: list[str] | None = [] if traced else None

    def say(self, text: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.loop.time():10.3f}  {text}")

    def problem(self, text: str) -> None:
        """Something that may not be."""
        if not self.problems:
            self.judge = str(sys._getframe(1).f_globals["__name__"]).rpartition(".")[2]  # pyright: ignore[reportPrivateUsage]
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(text)
            self.say(f"*** {text}")


def shown(event: Any) -> str:
    """An event in one line."""
    fields = [f"{n}={_short(getattr(event, n))}" for n in event.__struct_fields__ if getattr(event, n)]
    return f"{event.__struct_config__.tag} {' '.join(fields)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 90 else text[:87] + "..."
