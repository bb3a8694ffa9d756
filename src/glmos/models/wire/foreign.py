"""JSON that somebody else wrote. Whatever is wrong with it is one kind of error.

Above: the parsers, `faults`, `discover`, `driver`. Below: nothing.
"""

from typing import Any

import msgspec


class NotJson(ValueError):
    """Bytes that no program should have sent as JSON: cut off, not UTF-8, nested without end, numbers out of range."""


def read_json(text: str | bytes) -> Any:
    """The value that `text` is.

    Raises: NotJson.
    """
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
        raise NotJson(str(error)) from error


MOST = 100_000_000
"""No call has that many tokens, and no model so large a window."""


def whole_number(value: Any) -> int:
    """A count; 0 for what is none, and for what no count can be."""
    return int(value) if isinstance(value, int | float) and 0 < value < MOST else 0
