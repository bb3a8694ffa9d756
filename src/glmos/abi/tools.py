"""What a tool declares about itself, what it is given, and what it gives back."""

from typing import Any, Literal

from msgspec import Struct

from glmos.abi.ids import BlobRef, CallId, Pid
from glmos.abi.labels import Label

EffectClass = Literal["pure", "reversible", "compensable", "irreversible"]
"""`pure`: may be repeated at will. `reversible`: the workspace or a transaction can take it back.
`compensable`: another call undoes it. `irreversible`: cannot be taken back."""

LASTING: frozenset[EffectClass] = frozenset(("compensable", "irreversible"))
"""What stays when files are put back."""

FailureKind = Literal[
    "failed", "timeout", "not_found", "bad_arguments", "denied", "too_large", "cancelled", "unavailable", "limit"
]  # fmt: skip


class Action(Struct, frozen=True, omit_defaults=True):
    """One thing a tool can do. A tool without actions of its own has a single one named `run`."""

    name: str
    effect: EffectClass
    reads: tuple[str, ...] = ()
    """Where data flows in from: `workspace`, `network`, `person`."""
    writes: tuple[str, ...] = ()
    """Where data flows out to."""
    compensated_by: str = ""
    """Compensable only: the action of the same tool that undoes it."""
    can_probe: bool = False
    """The tool can find out afterwards whether an interrupted call took effect."""


class ToolSpec(Struct, frozen=True, omit_defaults=True):
    """A tool as the rest of the system sees it."""

    name: str
    summary: str
    """One line for the index; always in the prompt."""
    description: str
    """What the model reads when the tool is disclosed."""
    parameters: dict[str, Any]
    """JSON Schema of the arguments. Tools with several actions have a property `action` with an enum."""
    actions: tuple[Action, ...]
    resident: bool = False
    """True: the full schema is offered from the first call on. Otherwise it is disclosed on demand."""
    timeout: float = 120.0
    """Seconds after which a call is stopped."""
    usd: float = 0.0
    """Worst-case price of one call."""

    def action(self, name: str) -> Action | None:
        return next((a for a in self.actions if a.name == name), None)


class Output(Struct, frozen=True, gc=False, omit_defaults=True):
    """Text that may be long. The journal keeps the beginning and the end; the whole is a blob."""

    text: str
    """The whole when `blob` is None; otherwise head and tail with a line between that says what was left out."""
    blob: BlobRef | None = None
    size: int = 0
    """Characters of the whole."""


class Failure(Struct, frozen=True, gc=False, omit_defaults=True):
    """A tool failed. This is data for the model, not an exception."""

    kind: FailureKind
    message: str
    """Names the thing and the way out."""


class ToolCall(Struct, frozen=True, gc=False, omit_defaults=True):
    """A validated call, as given to a tool."""

    pid: Pid
    call: CallId
    tool: str
    action: str
    arguments: dict[str, Any]
    attempt: int = 1


class ToolResult(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a call gave. Tools return `text` unbounded; the runtime moves long text to a blob."""

    text: str = ""
    failure: Failure | None = None
    files: tuple[str, ...] = ()
    """Workspace-relative paths written or changed, figures included."""
    data: dict[str, Any] = {}
    """Small structured facts for checks and views (a query's SQL and rows, an exit status). JSON only."""
    label: Label = Label(integrity="untrusted")
    compensation: dict[str, Any] | None = None
    """Compensable only: the arguments of the call that undoes this one."""
    usd: float | None = None
    """What the call cost; None: the price the tool declares, which is also what a call that was stopped or broke costs."""


class ProbeResult(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a tool found out about an interrupted call."""

    outcome: Literal["happened", "did_not_happen", "cannot_tell"]
    detail: str = ""
    compensation: dict[str, Any] | None = None
    """Of a compensable call that happened: the arguments of the call that undoes it."""
