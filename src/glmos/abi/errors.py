"""Every exception GLM-OS raises on purpose. The class says who should act.

    GlmosError
    ├── RefusedError            the request cannot be granted as it stands: the caller acts
    │   ├── UsageError          the request itself makes no sense
    │   ├── NotFoundError       the thing named does not exist
    │   └── ConflictError       someone else owns it, or it is not in a state for this
    ├── DeviceError             something underneath broke: policy acts, then a person
    │   ├── StoreError          the journal could not be written or read
    │   ├── ModelError          a model endpoint failed (`kind`, `retryable`)
    │   ├── SandboxError        the sandbox cannot be set up
    │   └── WorkspaceError      the workspace could not be saved or restored
    ├── ReplayError             the journal and the code disagree: a developer acts
    └── KernelBug               an invariant broke: stop, keep the journal, report it

A tool that fails is not here: that is data for the model (`glmos.abi.tools.Failure`).
Every message names the thing and the way out.
"""

from glmos.abi.budgets import Usage
from glmos.abi.events import ModelFailureKind


class GlmosError(Exception):
    """Base of everything raised on purpose."""


class RefusedError(GlmosError):
    """The request cannot be granted as it stands."""


class UsageError(RefusedError):
    """The request itself makes no sense."""


class NotFoundError(RefusedError):
    """The thing named does not exist."""


class ConflictError(RefusedError):
    """Someone else owns it, or it is not in a state for this."""


class DeviceError(GlmosError):
    """Something underneath broke. The precise error is `__cause__`."""


class StoreError(DeviceError):
    """Nothing was recorded. The caller may append again."""


class ModelError(DeviceError):
    """A model endpoint failed."""

    def __init__(
        self,
        message: str,
        *,
        kind: ModelFailureKind,
        retryable: bool = False,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: ModelFailureKind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        """Seconds the provider asked us to wait."""
        self.usage = usage
        """What was used all the same, by every request that was made; None when nobody knows, and then all that was
        reserved counts."""


class SandboxError(DeviceError):
    """The sandbox cannot be set up. Nothing was run outside it."""


class WorkspaceError(DeviceError):
    """The workspace could not be saved or restored."""


class ReplayError(GlmosError):
    """An event in the journal means nothing to this code."""


class KernelBug(GlmosError):
    """An invariant broke. Please report it with the process's log (`glmos log PID --json`)."""
