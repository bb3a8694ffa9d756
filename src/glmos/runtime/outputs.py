"""Long texts: the journal keeps head and tail, a blob the whole."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from glmos.abi.tools import Output
from glmos.ports import Store

HEAD, TAIL = 5_000, 2_000
AROUND = 300
"""Characters shown on each side of a quote in a long text."""
DATA_INLINE = 16_000
"""Bytes of structured data kept in the event itself."""


def printable(text: str) -> str:
    """Lone surrogates cannot be written as UTF-8; they become question marks."""
    return text.encode("utf-8", "replace").decode()


def shorten(text: str, size: int) -> str:
    """`text`, or its beginning and its end in about `size` characters."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= size else f"{text[: size // 2]}\n[...]\n{text[-size // 2 :]}"


def around(text: str, quotes: Sequence[str], size: int) -> str:
    """`text` in about `size` characters for its beginning and end, and besides what stands around each of `quotes`."""
    if len(text) <= size:
        return shorten(text, size)
    spans = [(0, size // 2), (len(text) - size // 2, len(text))]
    for quote in quotes:
        words = r"\s+".join(map(re.escape, quote.split()))
        if found := re.search(words, text) if words else None:
            spans.append((max(0, found.start() - AROUND), min(len(text), found.end() + AROUND)))
    shown, end = "", 0
    for start, stop in sorted(spans):
        if start > end:
            shown += "\n[...]\n"
        shown += text[max(start, end) : stop]
        end = max(end, stop)
    return printable(shown)


async def keep(store: Store, text: str) -> Output:
    """`text` as it goes into an event."""
    text = printable(text)
    if len(text) <= HEAD + TAIL + 500:
        return Output(text, size=len(text))
    blob = await store.put_blob(text.encode())
    left_out = len(text) - HEAD - TAIL
    middle = f"\n[... {left_out} of {len(text)} characters left out here; `look` shows them ...]\n"
    return Output(text[:HEAD] + middle + text[-TAIL:], blob, len(text))


async def whole(store: Store, output: Output | None) -> str:
    """The text of an output, all of it."""
    if output is None:
        return ""
    return (await store.get_blob(output.blob)).decode() if output.blob is not None else output.text


async def keep_data(store: Store, data: dict[str, Any]) -> dict[str, Any]:
    """Structured data as it goes into an event: large data becomes a reference."""
    encoded = msgspec.json.encode(data)
    return data if len(encoded) <= DATA_INLINE else {"$blob": await store.put_blob(encoded)}


async def whole_data(store: Store, data: dict[str, Any]) -> dict[str, Any]:
    ref = data.get("$blob")
    return msgspec.json.decode(await store.get_blob(ref)) if isinstance(ref, str) else data
