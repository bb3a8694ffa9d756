"""A process as a person asks about it: views over state and log, nothing decided."""

from collections.abc import Sequence

from glmos.abi import events as e
from glmos.abi.api import CheckView, CostView, EvidenceView, Report, StepView
from glmos.abi.budgets import Usage
from glmos.abi.plans import Claim, Step
from glmos.kernel.process import Process, StepState

_STEP_STATUS = {"submitted": "checking"}


def check_kind(check: object) -> str:
    """`citation`, `query`, ...: the name a check has in a plan."""
    return type(check).__name__.removesuffix("Check").lower()


def step_view(step: Step, state: StepState) -> StepView:
    outcome = {"passed": True, "failed": False}
    found = state.checks or ()
    checks = tuple(
        CheckView(
            check_kind(check),
            outcome.get(found[i].outcome) if i < len(found) else None,
            found[i].detail if i < len(found) else "",
        )
        for i, check in enumerate(step.checks)
    )
    status = _STEP_STATUS.get(state.status, state.status)
    return StepView(step.id, step.goal, status, checks, step.needs, state.attempts, state.again)  # type: ignore[arg-type]


def evidence(p: Process, claims: Sequence[Claim]) -> tuple[EvidenceView, ...]:
    found: list[EvidenceView] = []
    for claim in claims:
        call = p.calls.get(claim.call)
        events = (call.intended_at, call.finished_at) if call else (p.answered.get(claim.call, 0),)
        if corrected := p.corrected.get(f"call:{claim.call}"):
            events = (*events, corrected)
        found.append(EvidenceView(claim.claim, tuple(s for s in events if s), claim.quote))
    return tuple(found)


def cost(p: Process) -> CostView:
    u = p.usage
    return CostView(round(u.usd, 6), u.prompt_tokens, u.cached_tokens, u.completion_tokens, u.model_calls, u.tool_calls)


def report(p: Process, *, answer: str, files: Sequence[str], workspace: str) -> Report:
    """The report; `answer` is the whole text of the answer, `files` absolute paths."""
    ended: e.ProcessExited | None = p.exit
    claims = ended.claims if ended is not None else ()
    waits = f"waits for children {', '.join(map(str, p.waiting.children))}" if p.waiting is not None else ""
    if p.undoing is not None:
        step = p.undoing.step
        waits = (
            f"an undo to the beginning of step {step!r} was interrupted; `glmos undo {p.pid} --to {step}` finishes it"
        )
    return Report(
        pid=p.pid, status=p.status, answer=answer, evidence=evidence(p, claims),
        steps=tuple(step_view(s, p.steps[s.id]) for s in p.plan), files=tuple(files), cost=cost(p),
        seconds=round(p.usage.seconds, 3), goal=p.goal, reason=_reason(p, ended) if ended is not None else waits,
        question=p.question.question if p.question else "", question_kind=p.question.kind if p.question else "",
        options=p.question.options if p.question else (), model=p.model, parent=p.parent, children=tuple(p.children),
        workspace=workspace, phase=p.phase,
    )  # fmt: skip


def _reason(p: Process, ended: e.ProcessExited) -> str:
    """Why it ended; for one that failed, with the check that failed last."""
    if ended.status != "failed" or not p.setback or p.setback.partition(": ")[2] in ended.reason:
        return ended.reason
    return f"{ended.reason.rstrip('.')}; the last check to fail was that of {p.setback}"


def row(p: Process) -> e.ProcessRow:
    """The line a listing shows."""
    waits = p.question.question if p.question else ("children" if p.waiting and p.waiting.children else "time")
    return e.ProcessRow(
        pid=p.pid, root=p.root, parent=p.parent, status=p.status, goal=p.goal, phase=p.phase,
        waits_for=waits if p.status == "waiting" else "", wake_at=p.waiting.until if p.waiting else 0.0,
        priority=p.priority, model=p.model, usage=p.usage, limits=p.limits,
        reserved=sum(p.reserved.values(), Usage()), created=p.created, updated=p.at, seq=p.seq, ticking=p.ticking,
    )  # fmt: skip
