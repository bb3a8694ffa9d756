"""The three streams, and what is at their other end: a person or a program."""

import os
import sys
from typing import TextIO

from glmos.cli.text import clean


def _make_safe(stream: TextIO) -> None:
    """A character that the stream's encoding lacks must not end the program."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


class Terminal:
    """Results go out on standard output, everything said to a person on standard error."""

    def __init__(self) -> None:
        _make_safe(sys.stdout)
        _make_safe(sys.stderr)
        self.out_is_person = sys.stdout.isatty()
        self.err_is_person = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.can_ask = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
        self.colour = self.err_is_person and not os.environ.get("NO_COLOR")

    @property
    def columns(self) -> int:
        """Of the person's window."""
        import shutil

        return max(shutil.get_terminal_size((80, 24)).columns, 20)

    @property
    def out_columns(self) -> int | None:
        """What a result should be fitted to; None for a program, which wants everything."""
        return self.columns if self.out_is_person else None

    def result(self, text: str) -> None:
        """The result, as it is for a program, harmless for a person."""
        sys.stdout.write((clean(text) if self.out_is_person else text) + "\n")
        sys.stdout.flush()

    def json(self, value: object) -> None:
        """The result as one JSON text: on one line for a program, indented for a person."""
        import msgspec

        data = msgspec.json.encode(value)
        self.result((msgspec.json.format(data, indent=2) if self.out_is_person else data).decode())

    def say(self, text: str) -> None:
        """Tell a person something that is not the result."""
        sys.stderr.write(clean(text) + "\n")
        sys.stderr.flush()

    def write(self, text: str) -> None:
        """Raw, for what this package itself draws."""
        sys.stderr.write(text)
        sys.stderr.flush()

    def dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.colour else text

    async def read_line(self, prompt: str) -> str | None:
        """What the person types, without the line's end; None when they end the input. Can be cancelled."""
        import anyio

        self.write(clean(prompt))
        descriptor = sys.stdin.fileno()
        await anyio.wait_readable(descriptor)  # the terminal hands over whole lines
        data = os.read(descriptor, 65536)
        return data.decode("utf-8", "replace").strip() if data else None
