"""The body of a request, let go of once it is written: a thousand waiting calls do not keep a thousand prompts.

Above: `http`. Below: aiohttp, so this module is imported only where a request is made.
"""

from aiohttp import Payload
from aiohttp.abc import AbstractStreamWriter


class OneTimeBody(Payload):
    """Bytes that can be sent once: we follow no redirects and retry with a request of our own."""

    _autoclose = True

    def __init__(self, data: bytes) -> None:
        super().__init__(data, content_type="application/json")
        self._size = len(data)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """What is still to be sent."""
        return bytes(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        data, self._value, self._consumed = self._value, b"", True
        await writer.write(data)
