"""A few lines at the bottom of the terminal that are drawn over and over, with lasting lines above them."""

from collections.abc import Sequence

from glmos.cli.terminal import Terminal
from glmos.cli.text import paragraph

_CLEAR_LINE = "\r\x1b[2K"
_UP = "\x1b[1A"


class Region:
    """Draws only when a person looks at standard error; for a program it writes nothing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._height = 0
        self.paused = False
        """While something is asked; lasting lines are then still written, the region is not."""

    @property
    def live(self) -> bool:
        return self._terminal.err_is_person

    @property
    def columns(self) -> int:
        """One less than the window, so that a terminal never wraps, and room for the `^C` it echoes."""
        return self._terminal.columns - 3

    def draw(self, lines: Sequence[str]) -> None:
        if not self.live or self.paused:
            return
        shown = [lines[0], *(self._terminal.dim(text) for text in lines[1:])]
        self._terminal.write(self._erased() + "\n".join(shown))
        self._height = len(lines)

    def clear(self) -> None:
        if self._height:
            self._terminal.write(self._erased())
            self._height = 0

    def note(self, text: str) -> None:
        """A lasting line above the region."""
        self.clear()
        self._terminal.say(paragraph(text, columns=self._terminal.columns if self.live else None, rest="    "))

    def _erased(self) -> str:
        if not self._height:
            return ""
        return _CLEAR_LINE + (_UP + _CLEAR_LINE) * (self._height - 1)
