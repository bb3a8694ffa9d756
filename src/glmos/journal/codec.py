"""Events to JSON and back. The JSON is the contract; msgspec is how it is written today.

Above: the stores. Below: `glmos.abi`. Two things are odd on purpose:

- Text with lone surrogates (file names that are not UTF-8, halves of an emoji from a careless provider) is legal in
  Python and in JSON escapes but not in UTF-8. Such an event is written in pure ASCII with `\\udcff` escapes, and comes
  back the same.
- What is to be appended is encoded and decoded again first. An event that could not be read back would make its
  process unreadable for ever, so it is refused at the door.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar, get_args

import msgspec

from glmos.abi.errors import ReplayError, UsageError
from glmos.abi.events import Event, ProcessRow
from glmos.abi.ids import Pid, Seq

ENDED: frozenset[str] = frozenset({"done", "unverified", "failed", "refused", "killed"})
"""The statuses of a process that has exited."""

T = TypeVar("T")


class _Tag(msgspec.Struct):
    type: str


_encoder = msgspec.json.Encoder()
_event_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_row_decoder = msgspec.json.Decoder(ProcessRow)
_tag_decoder = msgspec.json.Decoder(_Tag)


_TAGS: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
EVENT_TYPES: frozenset[str] = frozenset(_TAGS.values())
"""The tags this version knows."""


def event_type(event: Event) -> str:
    """The tag of an event's kind, such as `process.exited`."""
    return _TAGS[type(event)]


def encode_event(event: Event) -> bytes:
    """The event as JSON in UTF-8.

    Raises:
        UsageError: It holds something JSON has no word for.
    """
    return _encode(event)


def decode_event(body: bytes) -> Event:
    """The event that `body` is.

    Raises:
        ReplayError: It is not JSON, of a kind this version does not know, or not of the form its kind has.
    """
    try:
        return _decode(_event_decoder, Event, body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise ReplayError(_misfit(body, problem)) from problem


def encode_row(row: ProcessRow) -> bytes:
    """Raises: UsageError as `encode_event`."""
    return _encode(row)


def decode_row(body: bytes) -> ProcessRow:
    """Raises: ReplayError as `decode_event`."""
    try:
        return _decode(_row_decoder, ProcessRow, body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise ReplayError(
            f"A listing row of the journal cannot be read ({problem}); it was written by another version or is damaged."
        ) from problem


class Record(NamedTuple):
    """An event ready to be written."""

    body: bytes
    event: Event
    """As it will be read back, which may differ from what was given in tuples and lists."""


class Batch(NamedTuple):
    """The arguments of an append, checked and encoded."""

    pid: Pid
    expected_seq: Seq
    records: tuple[Record, ...]
    times: tuple[float, ...]
    row: bytes | None
    root: Pid
    ended: bool
    resting: bool


def prepare(
    pid: Pid, expected_seq: Seq, events: Sequence[Event], at: float | Sequence[float], row: ProcessRow | None
) -> Batch:
    """Check and encode an append, so that every store refuses the same things with the same words.

    Raises:
        UsageError: It could not be read back, or names no process.
    """
    if not 1 <= pid < 1 << 63:
        raise UsageError(f"Process {pid!r} cannot have a log: pids count up from 1.")
    times = tuple(at) if isinstance(at, Sequence) else (at,) * len(events)
    if len(times) != len(events) or not all(map(math.isfinite, (*times, 0.0 if isinstance(at, Sequence) else at))):
        raise UsageError(f"Events of process {pid} cannot be appended at {at!r}: a time is a finite number of seconds.")
    if row is not None and row.pid != pid:
        raise UsageError(f"The row of process {row.pid!r} cannot be written with events of process {pid!r}.")
    records = tuple(_record(event) for event in events)
    body = None
    if row is not None:
        body = encode_row(row)
        _read_back(decode_row, body, row)
    if row is None:
        return Batch(pid, expected_seq, records, times, body, 0, False, False)
    return Batch(pid, expected_seq, records, times, body, row.root, row.status in ENDED, row.resting)


def conflict(pid: Pid, expected_seq: Seq, head: Seq) -> str:
    """What a writer is told whose log has moved on."""
    return (
        f"The log of process {pid} ends at event {head}, not at {expected_seq}: somebody else wrote to it. "
        "Read it again and decide anew."
    )


def _record(event: Event) -> Record:
    body = encode_event(event)
    return Record(body, _read_back(decode_event, body, event))


def _what(value: Event | ProcessRow) -> str:
    """How a person is told of it."""
    if isinstance(value, ProcessRow):
        return f"The listing row of process {value.pid!r}"
    return f"An event of kind {event_type(value)!r}"


def _read_back(decode: Any, body: bytes, what: Event | ProcessRow) -> Any:
    try:
        return decode(body)
    except ReplayError as problem:
        raise UsageError(f"{_what(what)} cannot be recorded, because it could not be read back: {problem}") from problem


def _encode(value: Event | ProcessRow) -> bytes:
    try:
        try:
            return _encoder.encode(value)
        except UnicodeEncodeError:
            plain = _without_nan(msgspec.to_builtins(value, str_keys=True))
            return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as problem:
        raise UsageError(f"{_what(value)} cannot be recorded as JSON: {problem}.") from problem


def _without_nan(value: Any) -> Any:
    """As msgspec writes them: numbers that JSON does not know become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value


def _decode(decoder: "msgspec.json.Decoder[T]", kind: Any, body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if b"\\ud" not in body and b"\\uD" not in body:
            raise
        return msgspec.convert(json.loads(body), kind)


def _misfit(body: bytes, problem: Exception) -> str:
    try:
        tag = _decode(_tag_decoder, _Tag, body).type
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return f"An event is not readable JSON ({problem}): the journal is damaged here, restore it from a backup."
    if tag not in EVENT_TYPES:
        return (
            f"An event of kind {tag!r} means nothing to this version of GLM-OS; "
            "open the journal with the version that wrote it, or with a newer one."
        )
    return (
        f"An event of kind {tag!r} does not have the form this version of GLM-OS knows ({problem}); "
        "open the journal with the version that wrote it, or with a newer one."
    )
