"""What can go wrong between client and daemon, as exceptions."""

from glmos.abi.api import Problem
from glmos.abi.errors import (
    ConflictError,
    DeviceError,
    GlmosError,
    KernelBug,
    NotFoundError,
    RefusedError,
    UsageError,
)

_ERRORS: dict[str, type[GlmosError]] = {
    "usage": UsageError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "refused": RefusedError,
    "device": DeviceError,
    "bug": KernelBug,
}


class DaemonAbsent(DeviceError):
    """Nobody listens on the socket."""


class DaemonGone(DeviceError):
    """The daemon ended before it had answered. Whether it carried the request out is in the journal."""


def error_of(problem: Problem) -> GlmosError:
    """The exception that the daemon turned into `problem`."""
    return _ERRORS[problem.kind](problem.error)
