"""Secrets do not get into messages, logs or transcripts.

Above: everything in `models` that turns foreign text into words for a person. Below: nothing.
"""

import re
from collections.abc import Iterable

# Keys as providers print them back when they refuse them, and credentials in addresses.
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|key)-[A-Za-z0-9_*.\-]{6,}|(?i:\bbearer)\s+[A-Za-z0-9_\-.~+/=]{8,}"
    r"|\b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b|(?<=://)[^/@\s]+@"
)
REMOVED = "[key removed]"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets and without what has the shape of one."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, REMOVED)
    return _SHAPES.sub(REMOVED, text)
