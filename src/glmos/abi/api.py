"""What goes over the daemon's socket and out of the Python API: requests in, reports out.

`Report` is the object that `glmos run --json` and `glmos show --json` print.
"""

from typing import Any, Literal

from msgspec import Struct

from glmos.abi.budgets import Limits
from glmos.abi.events import ExitStatus, ProcessRow, Usage
from glmos.abi.ids import CallId, Pid, Seq, StepId


class RunRequest(Struct, frozen=True, omit_defaults=True):
    """Start a process."""

    goal: str
    files: tuple[str, ...] = ()
    """Absolute paths."""
    agent: str = ""
    model: str = ""
    limits: Limits = Limits()
    approve_all: bool = False
    priority: int = 0
    tools: tuple[str, ...] = ()


class EvidenceView(Struct, frozen=True):
    """A claim of the answer and what it rests on."""

    claim: str
    events: tuple[Seq, ...]
    """The observation's receipt and its intent, in the process's log."""
    quote: str


class CheckView(Struct, frozen=True):
    kind: str
    passed: bool | None
    """None: not run, or it could not be decided."""
    detail: str = ""


class StepView(Struct, frozen=True):
    id: StepId
    goal: str
    status: Literal["waiting", "running", "checking", "passed", "unverified", "failed"]
    checks: tuple[CheckView, ...] = ()
    needs: tuple[StepId, ...] = ()
    attempts: int = 0
    again: str = ""
    """Why it was last opened again; empty if it never was."""


class CostView(Struct, frozen=True):
    usd: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0


class Report(Struct, frozen=True):
    """A process as a person asks about it."""

    pid: Pid
    status: str
    """`ready`, `running`, `waiting`, `suspended`, or an `ExitStatus`."""
    answer: str
    evidence: tuple[EvidenceView, ...]
    steps: tuple[StepView, ...]
    files: tuple[str, ...]
    """Absolute paths of what it made or changed in its workspace."""
    cost: CostView
    seconds: float
    """Time it was running."""
    goal: str = ""
    reason: str = ""
    """Why it ended as it did, or what it waits for."""
    question: str = ""
    """What a person is asked, when it waits for one."""
    question_kind: str = ""
    options: tuple[str, ...] = ()
    model: str = ""
    parent: Pid | None = None
    children: tuple[Pid, ...] = ()
    workspace: str = ""
    phase: str = ""
    """What it is doing now, in one or two words."""


class SourceView(Struct, frozen=True):
    """The observation under a claim."""

    call: CallId
    tool: str
    action: str
    arguments: dict[str, Any]
    events: tuple[Seq, ...]
    at: float
    quote: str
    found: bool
    """The quote stands in the observation (looked up again just now)."""
    excerpt: str
    """The quote with some of what surrounds it."""
    integrity: str
    step: StepId = ""


class ClaimView(Struct, frozen=True):
    claim: str
    sources: tuple[SourceView, ...]
    checks: tuple[CheckView, ...]
    """The checks that passed or failed on the step the claim comes from."""


class Explanation(Struct, frozen=True):
    """Why the answer should be believed, claim by claim."""

    pid: Pid
    status: str
    goal: str
    answer: str
    reason: str
    claims: tuple[ClaimView, ...]
    steps: tuple[StepView, ...]


class UndoReport(Struct, frozen=True):
    pid: Pid
    step: StepId
    restored: bool
    compensated: tuple[str, ...]
    """Calls that were undone by other calls, latest first: `c3`, or `7/c3` of child process 7."""
    left: tuple[str, ...]
    """What could not be taken back, one sentence each."""
    seen: tuple[str, ...] = ()
    """What was taken back after others could see it."""


class Progress(Struct, frozen=True, gc=False, omit_defaults=True):
    """A passing sign of life for a terminal. Never stored; nothing is decided from it."""

    pid: Pid
    kind: Literal["delta", "reasoning", "tool", "phase", "entry", "end"]
    text: str = ""
    step: StepId = ""
    tokens: int = 0
    usd: float = 0.0
    status: str = ""
    """Only with `end`."""


class ModelView(Struct, frozen=True, omit_defaults=True):
    """A line of `glmos models`."""

    name: str
    provider: str
    model: str
    available: bool
    default: bool = False
    detail: str = ""
    """Why it is or is not available, or how to connect it."""


class ToolView(Struct, frozen=True, omit_defaults=True):
    name: str
    summary: str
    actions: tuple[tuple[str, str], ...]
    """(action, effect class)."""
    resident: bool = False


class Finding(Struct, frozen=True, omit_defaults=True):
    """A line of `glmos doctor`."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""
    """A command that mends it."""


class SalvagedProcess(Struct, frozen=True):
    """A process in a damaged home, and what is left of it."""

    pid: Pid
    goal: str
    status: str
    """In the new home; `lost` when nothing could be saved."""
    events: int
    """Saved."""
    of: int
    """The last event that was seen."""
    why: str
    """Why it goes no further; empty when its log is whole."""


class Salvage(Struct, frozen=True):
    """What `glmos doctor --salvage` saved, or could save."""

    home: str
    into: str
    """Empty: nothing was written."""
    processes: tuple[SalvagedProcess, ...]
    blobs: int
    """Payloads that the saved logs name and that are whole."""
    lost_blobs: tuple[str, ...]
    problems: tuple[str, ...]
    more_problems: int = 0

    @property
    def whole(self) -> int:
        return sum(1 for p in self.processes if p.events and not p.why)

    def summary(self) -> str:
        """In one line."""
        part = sum(1 for p in self.processes if p.events and p.why)
        lost = sum(1 for p in self.processes if not p.events)
        payloads = f"{self.blobs} payloads, {len(self.lost_blobs)} lost"
        return f"{self.whole} processes whole, {part} in part, {lost} lost; {payloads}"


class SettingView(Struct, frozen=True):
    """A line of `glmos config`."""

    name: str
    value: str
    origin: str
    """`default`, `glmos.toml`, `GLMOS_...`, `flag`."""


class Problem(Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: str
    """One sentence that names the thing and the way out."""
    kind: Literal["usage", "not_found", "conflict", "refused", "device", "bug"]


__all__ = [
    "CheckView", "ClaimView", "CostView", "EvidenceView", "ExitStatus", "Explanation", "Finding", "Limits", "ModelView",
    "Problem", "ProcessRow", "Progress", "Report", "RunRequest", "Salvage", "SalvagedProcess",
    "SettingView", "SourceView", "StepView", "ToolView",
    "UndoReport", "Usage",
]  # fmt: skip
