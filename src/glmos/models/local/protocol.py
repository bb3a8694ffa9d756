"""What the daemon and the process of the weights say to each other: one JSON object a line, over the process's pipes.

    to it      load, once; then ask, stop
    from it    ready; then piece, done, failed

One question at a time; `stop` names the question it means, so that a late one stops nothing else.
Above: `child`, `process`, `worker`. Below: `describe`, `abi`.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from glmos.abi.budgets import Usage
from glmos.abi.events import ModelFailureKind
from glmos.abi.messages import Delta, ModelReply, ModelRequest
from glmos.models.local.describe import Weights


class Load(Struct, frozen=True):
    """The first line: what to load, and how."""

    weights: Weights
    context: int
    keep_seconds: float
    """It ends, and its memory is given back, when nothing was asked for so long."""
    thinking: bool | None = None
    """False: ask the template to leave it out; None: leave it to the template."""
    threads: int = 0
    """Processor threads; 0: as the library thinks."""


class Ask(Struct, frozen=True, tag="ask"):
    n: int
    request: ModelRequest


class Stop(Struct, frozen=True, tag="stop"):
    n: int


class Ready(Struct, frozen=True, tag="ready"):
    """The weights are loaded."""

    seconds: float
    device: str


class Piece(Struct, frozen=True, tag="piece"):
    n: int
    delta: Delta


class Done(Struct, frozen=True, tag="done"):
    n: int
    reply: ModelReply
    stopped: bool = False


class Failed(Struct, frozen=True, tag="failed"):
    n: int
    """0: loading."""
    kind: ModelFailureKind
    text: str
    usage: Usage = Usage()


Finish: TypeAlias = Literal["stop", "length", "stopped"]
ToWorker: TypeAlias = Ask | Stop
FromWorker: TypeAlias = Ready | Piece | Done | Failed

load_line = msgspec.json.Decoder(Load)
to_worker = msgspec.json.Decoder(ToWorker)
from_worker = msgspec.json.Decoder(FromWorker)
encode = msgspec.json.encode
