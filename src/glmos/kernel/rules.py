"""The constants of one process's kernel: the tools there are, and how long patience lasts.

Rules are given to `decide` beside the state. They are not in the journal, so they may differ after an upgrade; whatever
was decided under them is.
"""

from msgspec import Struct

from glmos.abi.tools import ToolSpec


class Rules(Struct, frozen=True):
    tools: dict[str, ToolSpec] = {}
    critic: bool = True
    """A critic can be called: the kernel adds one to the step whose result is the answer."""
    max_attempts: int = 3
    """Attempts at one step before the plan must change."""
    max_revisions: int = 5
    """Plans in all before the process gives up."""
    max_turns: int = 40
    """Model calls in one attempt at a step."""
    max_prose: int = 2
    """Replies without a call before the text is taken for the result."""
    max_empty: int = 3
    """Empty or cut replies in a row."""
    max_refusals: int = 6
    """Calls in a row that could not be carried out."""
    max_repeats: int = 3
    """Equal calls with nothing changed between."""
    max_steps: int = 30
    max_result: int = 20_000
    """Characters of a result: it is read by a person and, whole, by a critic."""
    max_checks: int = 20
    """Checks of one step."""
    max_depth: int = 4
    """Generations of children."""
