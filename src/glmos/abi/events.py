"""What can happen to a process. A process *is* the fold of these, in order.

Rules for this file: an event states a fact about the past; fields are only ever added, with a default;
a tag never changes its meaning. Old journals must load for ever (golden journals in the tests).
The time stands in the `Entry` around an event, never in the event.
"""

from typing import Any, Literal

from msgspec import Struct

from glmos.abi.budgets import Limits, Usage
from glmos.abi.grants import Grant
from glmos.abi.ids import BlobRef, CallId, Pid, Seq, SnapshotId, StepId
from glmos.abi.labels import Label
from glmos.abi.messages import ModelReply
from glmos.abi.plans import Claim, Step
from glmos.abi.tools import EffectClass, Failure, Output

ExitStatus = Literal["done", "unverified", "failed", "refused", "killed"]
ModelFailureKind = Literal[
    "unreachable", "denied", "unknown_model", "rate_limited", "overloaded", "bad_request", "too_long", "filtered",
    "protocol", "interrupted",
]  # fmt: skip


class _Event(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="type", forbid_unknown_fields=True):
    pass


# -- a process's life -------------------------------------------------------------------------------------------------


class InputFile(Struct, frozen=True, gc=False, omit_defaults=True):
    """A file the person gave, copied into the workspace under `name`."""

    name: str
    source: str
    """Absolute path it was copied from."""
    size: int
    digest: str
    """SHA-256 of its content when it was copied; of a folder, of its listing."""


class ProcessCreated(_Event, frozen=True, tag="process.created"):
    """Somebody stated a goal."""

    goal: str
    root: Pid
    """The topmost ancestor; its own pid for a process without a parent."""
    parent: Pid | None = None
    files: tuple[InputFile, ...] = ()
    agent: str = ""
    model: str = ""
    limits: Limits = Limits()
    priority: int = 0
    """Higher runs first. From -20 to 19."""
    grants: tuple[Grant, ...] = ()
    approve_all: bool = False
    """The person said yes in advance to every approval."""
    tools: tuple[str, ...] = ()
    """Names of the tools it may use; empty for all."""


class ProcessForked(_Event, frozen=True, tag="process.forked"):
    """This log began as a copy of another's first `at` events. What was in flight there is not in flight here."""

    source: Pid
    at: Seq


class ProcessRecovered(_Event, frozen=True, tag="process.recovered"):
    """The runtime came back and found the process unfinished: whatever had no receipt is now unknown."""

    reason: str = ""
    seconds: float = 0.0
    """How long it may have been running after its last event, until the runtime ended."""


class ProcessExited(_Event, frozen=True, tag="process.exited"):
    """The process came to an end. It may still be reopened by a person."""

    status: ExitStatus
    reason: str = ""
    """Why, for a person: one sentence; for anything but `done`, with what is missing and the way out."""
    answer: Output | None = None
    claims: tuple[Claim, ...] = ()


class ProcessReopened(_Event, frozen=True, tag="process.reopened"):
    """A person told an ended process to go on."""

    reason: str = ""


class SignalReceived(_Event, frozen=True, tag="signal.received"):
    signal: Literal["kill", "suspend", "resume"]
    by: str = "person"


class ProcessReniced(_Event, frozen=True, tag="process.reniced"):
    priority: int


class LimitsChanged(_Event, frozen=True, tag="limits.changed"):
    limits: Limits


class ModelChanged(_Event, frozen=True, tag="model.changed"):
    model: str


# -- the processor ----------------------------------------------------------------------------------------------------


class ModelCalled(_Event, frozen=True, tag="model.called"):
    """A model call is about to be made, its worst case reserved."""

    number: int
    """1, 2, ... within the process."""
    step: StepId | None = None
    reserved: Usage = Usage()
    model: str = ""
    """Where it is not the process's own name for it."""


class ModelRetried(_Event, frozen=True, tag="model.retried"):
    """Another request of a call under way is about to be made, by the same route or another."""

    number: int
    reserved: Usage = Usage()
    """In place of what was reserved before: what the earlier requests used or may have used, and this one's worst
    case."""


class ModelReplied(_Event, frozen=True, tag="model.replied"):
    """Tokens were spent. Recorded even when the reply makes no sense."""

    number: int
    reply: ModelReply
    seconds: float = 0.0


class ModelFailed(_Event, frozen=True, tag="model.failed"):
    """A call ended without a reply, the driver's own retries and fallbacks exhausted."""

    number: int
    kind: ModelFailureKind
    message: str
    usage: Usage = Usage()


class KernelSpoke(_Event, frozen=True, tag="kernel.spoke"):
    """By rule, the kernel told the model something, and the rule's count rose."""

    rule: str
    """`prose`, `empty`, `cut`, `check_failed`, `replan`."""
    text: str


class CallRefused(_Event, frozen=True, tag="call.refused"):
    """A call the model wrote was malformed, unknown, or not permitted; the model is told what was wrong."""

    call: CallId
    number: int
    index: int
    """Its place in the reply `number`."""
    name: str
    problem: str
    repeats: CallId = ""
    """It was written once more after it had been made, and the model was reminded of that: this call."""


class CallAnswered(_Event, frozen=True, tag="call.answered"):
    """A system call was carried out by the kernel itself (plan, finish, use, ...)."""

    call: CallId
    number: int
    index: int
    name: str
    text: str = ""


# -- plan and check ---------------------------------------------------------------------------------------------------


class PlanMade(_Event, frozen=True, tag="plan.made"):
    """The plan now reads so, the kernel's own checks included."""

    revision: int
    steps: tuple[Step, ...]
    implied: bool = False
    reason: str = ""
    reopened: tuple[StepId, ...] = ()
    """Steps that had begun, most of them passed, and must be done again under this revision."""


class StepStarted(_Event, frozen=True, tag="step.started"):
    step: StepId
    attempt: int
    snapshot: SnapshotId = ""
    """The workspace as it was when the step began."""


class StepSubmitted(_Event, frozen=True, tag="step.submitted"):
    """The doer says it is there. Nothing is believed yet."""

    step: StepId
    result: Output
    claims: tuple[Claim, ...] = ()
    files: tuple[str, ...] = ()


class CheckStarted(_Event, frozen=True, tag="check.started"):
    step: StepId
    index: int
    """Its place in the step's checks."""
    reserved: Usage = Usage()
    snapshot: SnapshotId = ""
    """Of the first check after a submission: the files as they were then, if any call could have changed them."""


class CheckFinished(_Event, frozen=True, tag="check.finished"):
    step: StepId
    index: int
    kind: str
    outcome: Literal["passed", "failed", "undecided"]
    detail: str = ""
    """What was found, in words a model can act on."""
    usage: Usage = Usage()
    blames: StepId = ""
    """The earlier step that no longer holds, if that is what was found."""


class StepPassed(_Event, frozen=True, tag="step.passed"):
    step: StepId
    verified: bool = True
    """False: nothing failed, but something could not be decided."""
    used: tuple[str, ...] = ()
    """What the result was derived from: `step:ID`, `call:cN`, `file:NAME`."""


class StepFailed(_Event, frozen=True, tag="step.failed"):
    """An attempt at a step came to nothing."""

    step: StepId
    attempt: int
    reason: str


class StepReopened(_Event, frozen=True, tag="step.reopened"):
    """Something the step rested on turned out wrong."""

    step: StepId
    cause: str


class SourceChanged(_Event, frozen=True, tag="source.changed"):
    """A file the person gave has changed since it was copied; the workspace has the new content."""

    name: str
    digest: str
    size: int
    before: SnapshotId = ""
    """The workspace as it was just before."""


class FactCorrected(_Event, frozen=True, tag="fact.corrected"):
    """A person said that something the process goes by is wrong."""

    what: str
    """`call:cN`: what that call told reads `text` instead. `step:ID`: the result of that step is wrong, as `text` says."""
    text: str


# -- effects on the world ---------------------------------------------------------------------------------------------


class ToolIntended(_Event, frozen=True, tag="tool.intended"):
    """The call is about to be made. Without a receipt after a crash, its effect is unknown."""

    call: CallId
    tool: str
    action: str
    arguments: dict[str, Any]
    effect: EffectClass
    step: StepId | None = None
    number: int = 0
    """The model reply it came from, and its place there."""
    index: int = 0
    attempt: int = 1
    label: Label = Label()
    """Integrity and readers of everything the context had read when the call was asked for. Without sources: those are
    the calls before this event."""
    snapshot: SnapshotId = ""
    """Reversible only: the workspace as it was just before, so that an interrupted call can be taken back."""
    reserved: Usage = Usage()
    """The worst case of this attempt."""


class ToolFinished(_Event, frozen=True, tag="tool.finished"):
    """The receipt."""

    call: CallId
    output: Output
    failure: Failure | None = None
    files: tuple[str, ...] = ()
    data: dict[str, Any] = {}
    label: Label = Label()
    """Of the output. That it comes from this call goes without saying."""
    compensation: dict[str, Any] | None = None
    usage: Usage = Usage()


class ToolUnknown(_Event, frozen=True, tag="tool.unknown"):
    """The call was interrupted and nobody knows whether it took effect."""

    call: CallId
    detail: str = ""


class ToolProbed(_Event, frozen=True, tag="tool.probed"):
    call: CallId
    outcome: Literal["happened", "did_not_happen", "cannot_tell"]
    detail: str = ""
    compensation: dict[str, Any] | None = None
    """Of a compensable call that happened: the arguments of the call that undoes it."""


class UndoStarted(_Event, frozen=True, tag="undo.started"):
    """The process is being taken back to the beginning of a step; until `Undone` follows, it is on the way there."""

    step: StepId
    snapshot: SnapshotId = ""
    since: Seq = 0
    """Everything from this event on is to be taken back."""
    before: SnapshotId = ""
    """The workspace as it was just before."""


class CompensationIntended(_Event, frozen=True, tag="compensation.intended"):
    """The call that undoes `call` is about to be made. Without a receipt after a crash, nobody knows whether it was."""

    call: CallId


class CompensationFinished(_Event, frozen=True, tag="compensation.finished"):
    call: CallId
    outcome: Literal["done", "failed", "unknown"] = "done"
    detail: str = ""


class Undone(_Event, frozen=True, tag="process.undone"):
    """The process was taken back to the beginning of a step."""

    step: StepId
    snapshot: SnapshotId = ""
    compensated: tuple[CallId, ...] = ()
    """Latest first; `7/c3` is a call of child process 7."""
    left: tuple[str, ...] = ()
    """What could not be taken back, one sentence each."""
    since: Seq = 0
    """Everything from this event on was taken back; 0 in old logs, where it was everything since the step began."""


class WorkspaceRestored(_Event, frozen=True, tag="workspace.restored"):
    """The files are again as in `snapshot`: an interrupted call or a failed attempt was taken back."""

    snapshot: SnapshotId
    step: StepId | None = None
    call: CallId = ""
    """The interrupted call whose effect is thereby gone."""


class BudgetRefused(_Event, frozen=True, tag="budget.refused"):
    """A call was not made, because its worst case does not fit what is left."""

    limit: Literal["usd", "tokens", "seconds", "model_calls", "tool_calls"]
    holder: Pid
    """The process whose limit it is: this one or an ancestor."""
    allowed: float
    used: float
    needed: float
    what: str = ""
    """The call, in words."""


# -- people, children, time -------------------------------------------------------------------------------------------


class PersonAsked(_Event, frozen=True, tag="person.asked"):
    question: str
    kind: Literal["question", "approval", "unknown_effect"] = "question"
    call: CallId = ""
    options: tuple[str, ...] = ()


class PersonAnswered(_Event, frozen=True, tag="person.answered"):
    """For an approval and an unknown effect, `verdict` counts; for a question, `text`."""

    text: str = ""
    verdict: Literal["yes", "no", ""] = ""


class ChildSpawned(_Event, frozen=True, tag="child.spawned"):
    """A child was decided on. It is created from this event, after a crash too, so never twice."""

    child: Pid
    call: CallId
    goal: str
    model: str = ""
    limits: Limits = Limits()
    files: tuple[str, ...] = ()
    """Workspace-relative paths it gets a copy of; empty for all."""
    tools: tuple[str, ...] = ()
    step: StepId | None = None


class ChildExited(_Event, frozen=True, tag="child.exited"):
    child: Pid
    status: ExitStatus
    answer: str = ""
    reason: str = ""
    files: tuple[str, ...] = ()
    """Paths brought back into this workspace, under `children/PID/`."""
    before: SnapshotId = ""
    """The workspace as it was just before they were."""


class WaitStarted(_Event, frozen=True, tag="wait.started"):
    call: CallId
    number: int = 0
    index: int = 0
    until: float = 0.0
    """Unix time in seconds; 0 when only children are waited for."""
    children: tuple[Pid, ...] = ()


class WaitPaused(_Event, frozen=True, tag="wait.paused"):
    """Every child that is waited for waits for a person or is suspended: no running time passes meanwhile."""

    call: CallId


class WaitContinued(_Event, frozen=True, tag="wait.continued"):
    """A child that is waited for runs again."""

    call: CallId


class WaitEnded(_Event, frozen=True, tag="wait.ended"):
    call: CallId
    reason: Literal["time", "children", "cancelled"] = "time"


Event = (
    ProcessCreated
    | ProcessForked
    | ProcessRecovered
    | ProcessExited
    | ProcessReopened
    | SignalReceived
    | ProcessReniced
    | LimitsChanged
    | ModelChanged
    | ModelCalled
    | ModelRetried
    | ModelReplied
    | ModelFailed
    | KernelSpoke
    | CallRefused
    | CallAnswered
    | PlanMade
    | StepStarted
    | StepSubmitted
    | CheckStarted
    | CheckFinished
    | StepPassed
    | StepFailed
    | StepReopened
    | SourceChanged
    | FactCorrected
    | ToolIntended
    | ToolFinished
    | ToolUnknown
    | ToolProbed
    | UndoStarted
    | CompensationIntended
    | CompensationFinished
    | Undone
    | WorkspaceRestored
    | BudgetRefused
    | PersonAsked
    | PersonAnswered
    | ChildSpawned
    | ChildExited
    | WaitStarted
    | WaitPaused
    | WaitContinued
    | WaitEnded
)


class Entry(Struct, frozen=True, gc=False):
    """An event in its place in the journal."""

    pid: Pid
    seq: Seq
    at: float
    """Unix time in seconds at which it was appended."""
    event: Event


class ProcessRow(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a listing shows of a process. Written with every append; can be rebuilt from the log."""

    pid: Pid
    root: Pid
    parent: Pid | None
    status: str
    """`ready`, `running`, `waiting`, `suspended`, or an `ExitStatus`."""
    goal: str
    phase: str = ""
    waits_for: str = ""
    """For `waiting`: a person (with the question), `time`, `children`."""
    wake_at: float = 0.0
    priority: int = 0
    model: str = ""
    usage: Usage = Usage()
    reserved: Usage = Usage()
    """For calls under way: spent, if nothing more is heard of them."""
    limits: Limits = Limits()
    created: float = 0.0
    updated: float = 0.0
    seq: Seq = 0
    ticking: bool = False
    """Its running time has gone on since `updated`."""

    @property
    def resting(self) -> bool:
        """Nothing happens to it before a person acts."""
        waits = self.status == "waiting" and not self.wake_at and self.waits_for != "children"
        return waits or self.status == "suspended"


class Blob(Struct, frozen=True, gc=False):
    """A payload beside the journal."""

    ref: BlobRef
    size: int
