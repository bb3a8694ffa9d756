"""What of a conversation fits the model's window.

When it overflows, older turns are replaced once, at a boundary, by a digest of how things stood after them; the boundary
then stays until the window overflows again, so the prefix of the prompt changes as rarely as can be. Boundary and digest
are a function of the turns alone: folding the same log gives the same prompt.
"""

from glmos.abi.messages import Message
from glmos.context.digest import digest
from glmos.context.standing import Standing
from glmos.context.turns import Conversation

LEAST = 500
"""Tokens that a digest may have in a small window."""


def share(room: int) -> int:
    """How much of the room is the digest's at most: a fifth, in a small window up to a third."""
    return max(room // 5, min(room // 3, LEAST))


def fit(conversation: Conversation, room: int) -> tuple[Message, ...]:
    """The messages of a conversation, the older ones digested if all of them are more than `room` tokens."""
    turns = conversation.turns
    rest = room - share(room)
    start, held = 0, 0
    for place, turn in enumerate(turns):
        held += turn.tokens
        if held > (rest if start else room):
            # Fall to half, the digest counted, so that the boundary moves rarely; the newest turn always stays.
            while start < place and held > rest - room // 2:
                held -= turns[start].tokens
                start += 1
    kept = tuple(m for t in turns[start:] for m in t.messages)
    if not start:
        return kept
    known = conversation.digest
    if known is None or known[:2] != (start, room):
        now = Standing(x for t in turns[:start] for x in t.kept)
        known = conversation.digest = (start, room, Message("user", digest(now, share(room))))
    return (known[2], *kept)
