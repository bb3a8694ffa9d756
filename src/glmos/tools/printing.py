"""What a Python kernel in the sandbox prints, in messages of bounded size and of bounded number.

A kernel publishes all that was printed in the last fifth of a second as one message. One larger than the receiver takes
ends the connection for good, and what is published faster than it is read is dropped, the end of the execution included:
either way nobody would hear of the execution again. So a print beyond the limit is an error in the code that made it.
"""

import threading
from typing import Any

from ipykernel.iostream import OutStream

PIECE = 1_000_000
"""Characters published at once; each may take six bytes."""
MOST = 16_000_000
"""Characters that one execution may print."""


class PrintedTooMuch(OSError):
    """Raised in the code that prints."""


class BoundedStream(OutStream):
    """Standard output or standard error of the kernel."""

    _execution: Any = None
    _printed = 0
    _waiting = 0

    def write(self, string: Any) -> int | None:
        execution = self.parent_header.get("msg_id")
        if execution != self._execution:
            self._execution, self._printed = execution, 0
        length = len(string) if isinstance(string, str) else 0  # anything else is refused below
        if self._printed + length > MOST:
            if threading.current_thread() is not threading.main_thread():
                return length  # what programs print is read by a thread that must go on
            raise PrintedTooMuch(f"more than {MOST // 1_000_000} MB were printed: print less, or write it to a file")
        self._printed += length
        for start in range(0, max(length, 1), PIECE):
            super().write(string[start : start + PIECE] if length > PIECE else string)
            self._waiting += min(length - start, PIECE)
            if self._waiting >= PIECE:
                self._waiting = 0
                self.flush()
        return length
