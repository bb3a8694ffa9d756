"""What the kernel asks of the outside. The runtime carries effects out and appends what came of them."""

from typing import Any

from msgspec import Struct

from glmos.abi.events import Event
from glmos.abi.ids import CallId, Pid, SnapshotId, StepId
from glmos.abi.plans import Check
from glmos.abi.tools import EffectClass


class _Effect(Struct, frozen=True, gc=False, tag_field="type"):
    pass


class Record(_Effect, frozen=True):
    """Write down what the kernel decided."""

    events: tuple[Event, ...]


class CallModel(_Effect, frozen=True):
    """Send the process's context to its model."""

    number: int
    step: StepId | None
    require_call: bool = False


class RunTool(_Effect, frozen=True):
    """Journal the intent, make the call, journal the receipt."""

    call: CallId
    tool: str
    action: str
    arguments: dict[str, Any]
    effect: EffectClass
    step: StepId | None
    number: int
    index: int
    attempt: int = 1


class ProbeTool(_Effect, frozen=True):
    """Find out whether an interrupted call took effect."""

    call: CallId
    tool: str
    action: str
    arguments: dict[str, Any]


class TakeBack(_Effect, frozen=True):
    """Put the workspace back to what it was before an interrupted call."""

    call: CallId
    snapshot: SnapshotId
    step: StepId | None


class RunCheck(_Effect, frozen=True):
    """Check the result of a step by other means than its doer."""

    step: StepId
    index: int
    check: Check


class StartStep(_Effect, frozen=True):
    """Save the workspace, then journal that the step begins."""

    step: StepId
    attempt: int


class SpawnChild(_Effect, frozen=True):
    """Create a process below this one. The runtime chooses its pid and journals it here first."""

    call: CallId
    goal: str
    number: int
    index: int
    model: str = ""
    files: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    tokens: int | None = None
    step: StepId | None = None


class CreateChild(_Effect, frozen=True):
    """A child that was decided on may not exist yet (a crash came between): create it if so."""

    child: Pid


class Sleep(_Effect, frozen=True):
    """Wake the process at a time."""

    call: CallId
    until: float


class KillAll(_Effect, frozen=True):
    """End every operating-system process and every child of this process, then journal the exit."""

    reason: str


Effect = (
    Record
    | CallModel
    | RunTool
    | ProbeTool
    | TakeBack
    | RunCheck
    | StartStep
    | SpawnChild
    | CreateChild
    | Sleep
    | KillAll
)
