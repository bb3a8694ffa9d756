"""The head of a GGUF file: its metadata, without its tensors.

    magic "GGUF", version, tensor count, entry count; then per entry: key, type, value
    (specification: ggml-org/ggml, docs/gguf.md, versions 2 and 3)

Read here and not with the `gguf` package, because a listing must not need the extra, and because that package maps all
tensors first. Long arrays (a vocabulary) are stepped over; only their length is kept.
Above: `describe`. Below: nothing.
"""

import struct
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

_SCALARS = {0: "B", 1: "b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_LONG_ARRAY = 64
_LARGEST_TEXT = 1 << 24
_LARGEST_SKIP = 1 << 32
_MOST_ENTRIES = 100_000


class NotGguf(ValueError):
    """The file is none, or its head is damaged."""


class Head(NamedTuple):
    """What a GGUF file says of itself."""

    values: dict[str, Any]
    """Scalars, texts and short arrays by key."""
    lengths: dict[str, int]
    """Of all arrays."""
    tensors: int
    least_size: int
    """Bytes a whole file has at least: up to where its last tensor begins."""


def read_head(path: Path) -> Head:
    """Raises: NotGguf, OSError."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise NotGguf("it does not begin as a GGUF file does")
        return _head(file)


def _head(file: BufferedReader) -> Head:
    version = _number(file, "<I")
    if version not in (2, 3):
        raise NotGguf(f"it has version {version}, and only 2 and 3 are known")
    tensors, entries = _number(file, "<Q"), _number(file, "<Q")
    if entries > _MOST_ENTRIES:
        raise NotGguf("its head is damaged")
    values: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    for _ in range(entries):
        key = _text(file)
        kind = _number(file, "<I")
        if kind == _ARRAY:
            lengths[key], array = _array(file)
            if array is not None:
                values[key] = array
        else:
            values[key] = _value(file, kind)
    begins = [_tensor_offset(file) for _ in range(min(tensors, _MOST_ENTRIES))]
    return Head(values, lengths, tensors, file.tell() + max(begins, default=0))


def _tensor_offset(file: BufferedReader) -> int:
    _text(file)
    _skip(file, 8 * _number(file, "<I"))  # its dimensions
    _number(file, "<I")  # its type
    return _number(file, "<Q")


def _array(file: BufferedReader) -> tuple[int, list[Any] | None]:
    """Its length, and its values when they are few."""
    kind, length = _number(file, "<I"), _number(file, "<Q")
    if length <= _LONG_ARRAY:
        return length, [_value(file, kind) for _ in range(length)]
    if kind in _SCALARS:
        _skip(file, length * struct.calcsize(_SCALARS[kind]))
        return length, None
    for _ in range(length):
        if kind != _STRING:
            raise NotGguf("its head has an array of arrays")
        _skip(file, _number(file, "<Q"))
    return length, None


def _value(file: BufferedReader, kind: int) -> Any:
    if kind == _STRING:
        return _text(file)
    if kind not in _SCALARS:
        raise NotGguf(f"its head has a value of the unknown type {kind}")
    return _number(file, _SCALARS[kind])


def _skip(file: BufferedReader, size: int) -> None:
    if size > _LARGEST_SKIP:
        raise NotGguf("its head is damaged")
    file.seek(size, 1)


def _text(file: BufferedReader) -> str:
    length = _number(file, "<Q")
    if length > _LARGEST_TEXT:
        raise NotGguf("its head is damaged")
    data = file.read(length)
    if len(data) < length:
        raise NotGguf("it ends in the middle of its head")
    return data.decode("utf-8", "replace")


def _number(file: BufferedReader, form: str) -> Any:
    size = struct.calcsize(form)
    data = file.read(size)
    if len(data) < size:
        raise NotGguf("it ends in the middle of its head")
    return struct.unpack(form, data)[0]
