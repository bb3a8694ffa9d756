"""What of a conversation fits the model's window.

When it overflows, older turns are replaced once, at a boundary, by a digest that names what it stands for; the boundary
then stays until the window overflows again, so the prefix of the prompt changes as rarely as can be. The boundary is a
function of the turns alone: folding the same log gives the same prompt.
"""

from collections.abc import Sequence

from glmos.abi.messages import Message
from glmos.context.sizes import approximate_tokens
from glmos.context.turns import Turn


def fit(turns: Sequence[Turn], room: int) -> tuple[Message, ...]:
    """The messages of `turns`, the older ones digested if all of them are more than `room` tokens."""
    sizes = [t.tokens for t in turns]
    start, held = 0, 0
    for place, size in enumerate(sizes):
        held += size
        if held > room:
            # Fall well below the limit, so that the boundary moves rarely; the newest turn always stays.
            while start < place and held > room // 2:
                held -= sizes[start]
                start += 1
    kept = tuple(m for t in turns[start:] for m in t.messages)
    return (_digest(turns[:start], room // 8), *kept) if start else kept


def _digest(turns: Sequence[Turn], room: int) -> Message:
    lines = [line for t in turns for line in t.digest]
    shown: list[str] = []
    for line in reversed(lines):
        room -= approximate_tokens(line)
        if room < 0:
            break
        shown.insert(0, line)
    left_out = f" ({len(lines) - len(shown)} earlier ones left out)" if len(shown) < len(lines) else ""
    return Message(
        "user",
        f"Earlier calls, in short{left_out}; `look` shows an output again, and it can still be quoted:\n"
        + "\n".join(shown),
    )
