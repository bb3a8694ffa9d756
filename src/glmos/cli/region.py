"""A few lines at the bottom of the terminal that are drawn over and over, with lasting lines above them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from glmos.cli.terminal import Terminal
from glmos.cli.text import paragraph

_CLEAR_LINE = "\r\x1b[2K"
_UP = "\x1b[1A"


class Region:
    """Draws only when a person looks at standard error; for a program it writes nothing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._height = 0
        self._held: list[str] | None = None
        """Lasting lines that wait, because something is being asked."""

    @property
    def live(self) -> bool:
        return self._terminal.err_is_person

    @property
    def columns(self) -> int:
        """One less than the window, so that a terminal never wraps, and room for the `^C` it echoes."""
        return self._terminal.columns - 3

    def draw(self, lines: Sequence[str]) -> None:
        if not self.live or self._held is not None:
            return
        shown = [lines[0], *(self._terminal.dim(text) for text in lines[1:])]
        self._terminal.write(self._erased() + "\n".join(shown))
        self._height = len(lines)

    def clear(self) -> None:
        if self._height:
            self._terminal.write(self._erased())
            self._height = 0

    @contextmanager
    def paused(self) -> Generator[None]:
        """Nothing is drawn inside, so that something can be asked; lasting lines come afterwards."""
        self.clear()
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for text in held:
                self.note(text)

    def note(self, text: str) -> None:
        """A lasting line above the region."""
        if self._held is not None:
            self._held.append(text)
            return
        self.clear()
        self._terminal.say(paragraph(text, columns=self._terminal.columns if self.live else None, rest="    "))

    def _erased(self) -> str:
        if not self._height:
            return ""
        return _CLEAR_LINE + (_UP + _CLEAR_LINE) * (self._height - 1)
