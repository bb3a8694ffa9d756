"""Reports that need more than the folded state: whole texts, files, the observation under each claim."""

from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.api import ClaimView, Explanation, Report, SourceView
from glmos.abi.plans import Claim
from glmos.kernel.report import report, step_view
from glmos.runtime.log import ProcessLog
from glmos.runtime.machine import Machine
from glmos.runtime.outputs import whole

AROUND = 100
"""Characters shown on each side of a quote."""


async def report_on(machine: Machine, pid: int) -> Report:
    log = await machine.log_of(pid)
    p = log.state
    path = machine.parts.workspaces.path(pid)
    answer = await whole(machine.parts.store, p.exit.answer) if p.exit is not None else ""
    files = [str(path / name) for name in await made_files(machine, log)] if p.exit is not None else []
    found = report(p, answer=answer, files=files, workspace=str(path))
    if pid in machine.broken:
        return replace(found, reason=machine.broken[pid])
    return found


async def made_files(machine: Machine, log: ProcessLog) -> list[str]:
    """The files the process made or changed, relative to its workspace."""
    if not log.first_snapshot or not log.touched:
        return []
    changes = await machine.parts.workspaces.changes(log.pid, log.first_snapshot)
    return [c.path for c in changes if c.kind != "deleted"]


async def explain(machine: Machine, pid: int) -> Explanation:
    """Why the answer should be believed: for each claim the observation it rests on, looked up again now."""
    log = await machine.log_of(pid)
    p = log.state
    ended = p.exit
    claims = ended.claims if ended is not None else ()
    steps = tuple(step_view(s, p.steps[s.id]) for s in p.plan)
    answer = await whole(machine.parts.store, ended.answer) if ended is not None else ""
    grouped: dict[str, list[Claim]] = {}
    for claim in claims:
        grouped.setdefault(claim.claim, []).append(claim)
    views: list[ClaimView] = []
    for text, group in grouped.items():
        sources = tuple([await _source(machine, log, c) for c in group])
        checks = steps[-1].checks if steps else ()
        views.append(ClaimView(text, sources, checks))
    return Explanation(pid, p.status, p.goal, answer, ended.reason if ended is not None else "", tuple(views), steps)


async def _source(machine: Machine, log: ProcessLog, claim: Claim) -> SourceView:
    call, corrected = log.state.calls.get(claim.call), log.state.corrected.get(f"call:{claim.call}", 0)
    if call is None or corrected:
        return await _answered(log, claim, corrected)
    entry = log.entries[call.finished_at - 1] if call.finished_at else log.entries[call.intended_at - 1]
    text, integrity = "", "untrusted"
    if isinstance(entry.event, e.ToolFinished):
        text, integrity = await whole(machine.parts.store, entry.event.output), entry.event.label.integrity
    events = tuple(s for s in (call.intended_at, call.finished_at) if s)
    return SourceView(
        call=claim.call, tool=call.tool, action=call.action, arguments=call.arguments, events=events, at=entry.at,
        quote=claim.quote, found=_found(claim.quote, text), excerpt=excerpt(text, claim.quote), integrity=integrity,
        step=call.step or "",
    )  # fmt: skip


async def _answered(log: ProcessLog, claim: Claim, corrected: int) -> SourceView:
    """What a person said, or children: an answer, or the correction of something at event `corrected`."""
    seq = corrected or log.state.answered.get(claim.call, 0)
    event = log.entries[seq - 1].event if seq else None
    text = event.text if isinstance(event, e.CallAnswered | e.FactCorrected) else ""
    name = event.name if isinstance(event, e.CallAnswered) else "correct" if corrected else "?"
    return SourceView(
        call=claim.call, tool=name, action="", arguments={}, events=(seq,) if seq else (),
        at=log.entries[seq - 1].at if seq else 0.0, quote=claim.quote, found=_found(claim.quote, text),
        excerpt=excerpt(text, claim.quote), integrity="trusted",
    )  # fmt: skip


def _found(quote: str, text: str) -> bool:
    return " ".join(quote.split()) in " ".join(text.split())


def excerpt(text: str, quote: str) -> str:
    """The quote with some of what surrounds it, white space folded."""
    flat, wanted = " ".join(text.split()), " ".join(quote.split())
    place = flat.find(wanted)
    if place < 0:
        return ""
    begin, end = max(0, place - AROUND), place + len(wanted) + AROUND
    return ("…" if begin else "") + flat[begin:end] + ("…" if end < len(flat) else "")
