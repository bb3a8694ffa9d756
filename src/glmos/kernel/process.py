"""A process as the kernel knows it: frozen data, so that it can be saved as a snapshot and compared.

`fold` makes it from events, `cycle` decides on it, `report` shows it.
"""

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import Struct

from glmos.abi import events as e
from glmos.abi.budgets import Limits, Usage
from glmos.abi.grants import Grant
from glmos.abi.ids import CallId, Pid, Seq, SnapshotId, StepId
from glmos.abi.labels import Label
from glmos.abi.messages import FunctionCall
from glmos.abi.plans import Claim, Step
from glmos.abi.tools import EffectClass, Output

STATE_VERSION = "9"
"""Of the layout of `Process`. Raise it with any change here: snapshots of another version are ignored."""


class Call(Struct, frozen=True, gc=False):
    """A tool call the process has asked for."""

    call: CallId
    tool: str
    action: str
    arguments: dict[str, Any]
    effect: EffectClass
    step: StepId | None
    number: int
    index: int
    attempt: int
    intended_at: Seq
    state: Literal["open", "again", "unknown", "cannot_tell", "asked", "closed"] = "open"
    """`again`: to be run once more. `unknown`: interrupted; not yet settled."""
    finished_at: Seq = 0
    failed: bool = False
    snapshot: SnapshotId = ""
    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Those it wrote, as far as its tool says."""
    compensation: dict[str, Any] | None = None
    failure: str = ""
    """What kind of failure it was, if it failed."""
    compensated: Literal["", "begun", "done", "failed"] = ""
    """`begun`: the call that undoes it was begun, and nobody knows how it ended."""
    undone: bool = False
    """The process went back behind it: it no longer counts, whether or not its effect could be taken back."""


class CheckState(Struct, frozen=True, gc=False):
    outcome: Literal["open", "running", "passed", "failed", "undecided"] = "open"
    detail: str = ""
    blames: StepId = ""
    """The earlier step that no longer holds, if that is what was found."""


class StepState(Struct, frozen=True, gc=False):
    """Where a step of the plan stands."""

    status: Literal["waiting", "running", "submitted", "passed", "unverified", "failed"] = "waiting"
    attempts: int = 0
    turns: int = 0
    """Model calls in this attempt."""
    snapshot: SnapshotId = ""
    """The workspace when the step first began."""
    first_at: Seq = 0
    """Where it first began: the place that belongs to `snapshot`."""
    started_at: Seq = 0
    passed_at: Seq = 0
    result: Output | None = None
    claims: tuple[Claim, ...] = ()
    used: tuple[str, ...] = ()
    checks: tuple[CheckState, ...] = ()
    reason: str = ""
    """Why the last attempt failed or the step was reopened."""
    same_failures: int = 0
    """How many attempts in a row failed for that very reason."""
    reopened_at: Seq = 0
    """Where its present life began, if something it rested on turned out wrong. What was seen for it before is void."""
    again: str = ""
    """Why it was last opened again."""


class Reply(Struct, frozen=True, gc=False):
    """The model's last reply and how far the kernel has dealt with it."""

    number: int
    content: str
    calls: tuple[FunctionCall, ...]
    finish: str
    handled: int = 0
    """How many of `calls` have been recorded as refused, answered or intended."""
    settled: bool = False
    """A reply without calls has been dealt with by rule."""


class Child(Struct, frozen=True, gc=False):
    pid: Pid
    call: CallId
    spawned: e.ChildSpawned
    exited: e.ChildExited | None = None
    spawned_at: Seq = 0
    exited_at: Seq = 0
    undone: bool = False
    """The process went back behind its beginning."""


class Process(Struct, frozen=True, gc=False):
    """Everything the kernel knows of a process."""

    pid: Pid
    root: Pid
    goal: str
    seq: Seq = 0
    at: float = 0.0
    created: float = 0.0
    parent: Pid | None = None
    files: tuple[e.InputFile, ...] = ()
    agent: str = ""
    model: str = ""
    limits: Limits = Limits()
    priority: int = 0
    grants: tuple[Grant, ...] = ()
    approve_all: bool = False
    tools: tuple[str, ...] = ()

    exit: e.ProcessExited | None = None
    killed: bool = False
    suspended: bool = False
    undoing: e.UndoStarted | None = None
    """An undo was begun and has not come to its end."""
    forked_from: Pid | None = None
    forked_at: Seq = 0
    """What stands before this is another process's past."""

    plan: tuple[Step, ...] = ()
    revision: int = 0
    implied: bool = False
    steps: dict[StepId, StepState] = {}
    step: StepId | None = None
    """The step being done."""
    setback: str = ""
    """The last check that failed: which step, and what was found."""
    replan_due: bool = False
    """The model must revise the plan before anything else."""

    numbers: int = 0
    """Model calls made so far."""
    loose_turns: int = 0
    """Model calls in a row without a step being done: before a plan, or while it is revised."""
    model_call: e.ModelCalled | None = None
    """In flight."""
    reply: Reply | None = None
    model_failure: e.ModelFailed | None = None
    budget_refusal: e.BudgetRefused | None = None

    call_count: int = 0
    calls: dict[CallId, Call] = {}
    answered: dict[CallId, Seq] = {}
    """Calls carried out by the kernel, and where their text stands."""
    answered_in: dict[CallId, StepId] = {}
    """Of those that told something (a person's answer, the end of children), for which step; empty: before there was one."""
    corrected: dict[str, Seq] = {}
    """What a person said was wrong (`call:cN`, `step:ID`), and where."""
    void: int = 0
    """The reply to this model call, and to those before, serves nobody: what it was asked for is done anew."""
    reminded: dict[CallId, int] = {}
    """Lasting calls that were written again, word for word, and after which reply the model was told that they stand."""
    signatures: dict[str, int] = {}
    """How often each call was made, with nothing changed between, in this attempt."""
    rules: dict[str, int] = {}
    """How often each rule has spoken since the last sound call."""
    refusals: int = 0
    """Refused calls since the last sound one."""

    children: dict[Pid, Child] = {}
    question: e.PersonAsked | None = None
    verdicts: dict[CallId, e.PersonAnswered] = {}
    """What a person said to a question or an approval, by the call it was about."""
    waiting: e.WaitStarted | None = None
    paused: bool = False
    """All it waits for stands still."""

    label: Label = Label(sources=("person",))
    """Of everything the context has read."""
    usage: Usage = Usage()
    reserved: dict[str, Usage] = {}
    """By model call number, check or tool call, what was reserved and not yet settled."""

    # -- views ------------------------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """As `glmos ps` shows it."""
        if self.exit is not None:
            return self.exit.status
        if self.killed:
            return "running"  # its end is under way, whatever it was doing
        if self.suspended:
            return "suspended"
        if self.question is not None or (self.waiting is not None and not self.open_calls):
            return "waiting"
        return "running"

    @property
    def ticking(self) -> bool:
        """Its running time passes."""
        waits_for_people = self.question is not None or (self.waiting is not None and self.paused)
        return self.exit is None and not self.suspended and not waits_for_people

    @property
    def open_calls(self) -> tuple[Call, ...]:
        return tuple(c for c in self.calls.values() if c.state != "closed")

    @property
    def current(self) -> Step | None:
        return self.find(self.step) if self.step is not None else None

    def find(self, step: StepId) -> Step | None:
        return next((s for s in self.plan if s.id == step), None)

    @property
    def final(self) -> Step | None:
        """The step whose result is the answer."""
        return self.plan[-1] if self.plan else None

    @property
    def phase(self) -> str:
        if self.exit is not None:
            return self.exit.status
        if self.question is not None:
            return "asking"
        if self.step is not None and self.steps[self.step].status == "submitted":
            return "check"
        return "do" if self.plan and not self.replan_due else "plan"

    def next_call(self, offset: int = 0) -> CallId:
        return f"c{self.call_count + 1 + offset}"


def signature(tool: str, arguments: dict[str, Any]) -> str:
    """A short name for a call with these arguments."""
    data = msgspec.json.encode((tool, arguments), order="deterministic")
    return hashlib.sha256(data).hexdigest()[:16]
