"""What daemon and client agree on beside the reports in `abi.api`: names, bodies of requests, lines of the stream.

Bodies are JSON over HTTP/1.1 on a Unix socket. The event stream is one JSON object per line; a client
that lost it asks again with `after` set to the last sequence number it saw.
"""

from typing import Literal

from msgspec import Struct

from glmos.abi.api import Problem, Progress
from glmos.abi.budgets import Limits
from glmos.abi.events import Entry
from glmos.abi.ids import Pid, Seq

SOCKET_NAME = "glmosd.sock"
"""In the home. It is always addressed as `/proc/self/fd/N/glmosd.sock`, N being the opened home, because a socket's
address holds 107 bytes and a home's path may be longer."""

LOG_NAME = "glmosd.log"
"""In the home: what the daemon has to say about itself."""

ENVIRONMENT_HEADER = "glmos-environment"
"""A JSON object of the environment variables of the caller that concern models. Never stored, never logged."""


class Hello(Struct, frozen=True):
    """Who answers on the socket."""

    version: str
    os_pid: int
    """The daemon's own, as the operating system counts."""


class Started(Struct, frozen=True):
    pid: Pid


class AnswerBody(Struct, frozen=True):
    text: str


class CorrectionBody(Struct, frozen=True):
    what: str
    text: str


class ApprovalBody(Struct, frozen=True):
    yes: bool


class SignalBody(Struct, frozen=True):
    signal: Literal["kill", "suspend", "resume"]


class AdjustBody(Struct, frozen=True, omit_defaults=True):
    limits: Limits | None = None
    model: str | None = None


class PriorityBody(Struct, frozen=True):
    priority: int


class ForkBody(Struct, frozen=True, omit_defaults=True):
    at: Seq | None = None


class UndoBody(Struct, frozen=True, omit_defaults=True):
    step: str | None = None


class ShutdownBody(Struct, frozen=True, omit_defaults=True):
    only_if_idle: bool = True


class ShutdownReply(Struct, frozen=True):
    stopping: bool
    """False: something is running, and the request was to stop only an idle daemon."""


class StreamLine(Struct, frozen=True, omit_defaults=True):
    """A line of the event stream; exactly one of the fields is set."""

    entry: Entry | None = None
    progress: Progress | None = None
    problem: Problem | None = None
    """The stream ends here, and why."""
