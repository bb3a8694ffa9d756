"""About how large a piece of a prompt is, for deciding what fits. Budgets reserve by the driver's own upper bound."""

from collections.abc import Iterable

from glmos.abi.messages import Message, ToolSchema

_CJK_FROM = 0x2E80


def approximate_tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its characters, one for each CJK character."""
    wide = sum(1 for c in text if ord(c) >= _CJK_FROM) if not text.isascii() else 0
    return (len(text) - wide) // 4 + wide + 1


def message_tokens(message: Message) -> int:
    calls = sum(approximate_tokens(c.name + c.arguments) + 8 for c in message.calls)
    return approximate_tokens(message.content) + approximate_tokens(message.reasoning) + calls + 4


def schema_tokens(schemas: Iterable[ToolSchema]) -> int:
    return sum(approximate_tokens(s.name + s.description + str(s.parameters)) for s in schemas)
