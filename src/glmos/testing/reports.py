"""A report from a log, for the scripted system. The real one is made from the kernel's fold."""

from collections.abc import Sequence

from msgspec.structs import replace

from glmos.abi.api import CheckView, CostView, EvidenceView, Report, StepView
from glmos.abi.budgets import Usage
from glmos.abi.events import (
    CheckFinished,
    Entry,
    ModelCalled,
    ModelChanged,
    ModelReplied,
    PersonAnswered,
    PersonAsked,
    PlanMade,
    ProcessCreated,
    ProcessExited,
    StepFailed,
    StepPassed,
    StepStarted,
    ToolFinished,
    ToolIntended,
)
from glmos.abi.ids import Pid


def report_of(pid: Pid, entries: Sequence[Entry], *, status: str) -> Report:
    """What a person would see of the process with these entries."""
    steps: dict[str, StepView] = {}
    calls: dict[str, tuple[int, ...]] = {}
    usage = Usage()
    report = Report(pid, status, answer="", evidence=(), steps=(), files=(), cost=CostView(), seconds=0.0)
    for entry in entries:
        match entry.event:
            case ProcessCreated(goal=goal, model=model):
                report = replace(report, goal=goal, model=model)
            case ModelCalled(model=model) if model:
                report = replace(report, model=model)
            case ModelChanged(model=model):
                report = replace(report, model=model)
            case PlanMade(steps=planned):
                steps = {s.id: steps.get(s.id, StepView(s.id, s.goal, "waiting", needs=s.needs)) for s in planned}
            case StepStarted(step=step, attempt=attempt):
                steps[step] = replace(steps[step], status="running", attempts=attempt, checks=())
            case CheckFinished(step=step, kind=kind, outcome=outcome, detail=detail):
                passed = {"passed": True, "failed": False, "undecided": None}[outcome]
                checks = (*steps[step].checks, CheckView(kind, passed, detail))
                steps[step] = replace(steps[step], checks=checks)
            case StepPassed(step=step, verified=verified):
                steps[step] = replace(steps[step], status="passed" if verified else "unverified")
            case StepFailed(step=step):
                steps[step] = replace(steps[step], status="failed")
            case ModelReplied(reply=reply):
                usage += reply.usage
            case ToolIntended(call=call):
                calls[call] = (entry.seq,)
            case ToolFinished(call=call, files=files):
                calls[call] = (*calls[call], entry.seq)
                report = replace(report, files=(*report.files, *files))
            case PersonAsked(question=question, kind=kind, options=options):
                report = replace(report, question=question, question_kind=kind, options=options)
            case PersonAnswered():
                report = replace(report, question="", question_kind="", options=())
            case ProcessExited(reason=reason, answer=answer, claims=claims):
                evidence = tuple(EvidenceView(c.claim, calls[c.call], c.quote) for c in claims)
                report = replace(report, reason=reason, answer=answer.text if answer else "", evidence=evidence)
            case _:
                pass
    cost = CostView(
        usage.usd, usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, usage.model_calls, len(calls)
    )
    seconds = entries[-1].at - entries[0].at if entries else 0.0
    return replace(report, steps=tuple(steps.values()), cost=cost, seconds=seconds)
