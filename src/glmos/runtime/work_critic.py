"""Asking a critic: a fresh model context that sees goal, result and evidence, never the doer's reasoning."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi import plans as a
from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError, RefusedError
from glmos.abi.ids import Pid
from glmos.abi.messages import ModelRequest
from glmos.context import critic
from glmos.kernel.verify import Verdict
from glmos.runtime.check_scripts import PREVIEW_SCRIPT
from glmos.runtime.evidence import observations
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import around, shorten, whole
from glmos.runtime.parts import Parts
from glmos.runtime.spending import Requests, reserve
from glmos.runtime.work_model import complete

SHOWN = 2_000
"""Characters of one observation or file that a critic is shown."""
ACTIONS = 24_000
"""Characters of all calls together."""
FILES = 16
"""Files of which a critic is shown the beginning."""


async def criticise(log: ProcessLog, parts: Parts, effect: f.RunCheck, check: a.CriticCheck) -> None:
    """Carry out `RunCheck` for a critic. Without an answer nothing is decided."""
    p = log.state
    key = f"k{effect.step}/{effect.index}"
    try:
        driver = parts.models.driver(p.model, purpose="critic")
    except (RefusedError, ModelError) as error:
        _critic_says(log, effect, Verdict("undecided", f"no critic: {error}"), Usage())
        return
    if not driver.traits.can_criticise:
        _critic_says(log, effect, Verdict("undecided", f"{driver.traits.name} cannot criticise"), Usage())
        return
    case = await _case(log, parts, effect.step, check)
    if log.state.steps.get(effect.step) is not p.steps[effect.step]:
        return  # opened again meanwhile: there is nothing to criticise
    request = ModelRequest(
        critic.messages(case), (critic.VERDICT,), purpose="critic", max_tokens=2_048, require_call=True,
        session=f"glmos-{p.root}-critic",
    )  # fmt: skip
    held = reserve(log, parts, driver, request, key=key, what="a critic")
    if held is None:
        return
    request, need = held
    try:
        log.note(e.CheckStarted(effect.step, effect.index, need))
    finally:
        parts.ledger.release(p.pid, key)
    await log.flush()
    requests = Requests(log, parts, need, lambda total: e.CheckStarted(effect.step, effect.index, total), "a critic")
    try:
        reply = await complete(parts, log.state, driver, request, requests, show=False)
    except ModelError as error:
        used = need if error.usage is None else error.usage
        _critic_says(log, effect, Verdict("undecided", f"the critic did not answer: {error}"), used, True)
        return
    if reply is None:
        log.note(
            requests.refused or parts.timekeeper.refusal(p.pid, "a critic")
        )  # it is asked again if the process goes on
        return
    outcome, reason = critic.read_verdict(reply)
    _critic_says(log, effect, Verdict(outcome, reason), reply.usage, True)


def _critic_says(log: ProcessLog, effect: f.RunCheck, verdict: Verdict, usage: Usage, started: bool = False) -> None:
    before = [] if started else [e.CheckStarted(effect.step, effect.index)]
    detail = shorten(verdict.detail, SHOWN)
    log.note(*before, e.CheckFinished(effect.step, effect.index, "critic", verdict.outcome, detail, usage))


async def _case(log: ProcessLog, parts: Parts, step: str, check: a.CriticCheck) -> critic.Case:
    p = log.state
    state, found = p.steps[step], p.find(step)
    assert found is not None
    date = datetime.fromtimestamp(p.created, UTC).date()
    checks = [
        f"{s.id}: {_encoded([c], 400)} {x.outcome}: {shorten(x.detail, 300)}"
        for s in p.plan
        for c, x in zip(s.checks, p.steps[s.id].checks, strict=False)
        if x.outcome in ("passed", "failed", "undecided")
    ]
    return critic.Case(
        goal=f"{p.goal}\n(asked on {date.isoformat()})", step_goal=found.goal,
        rubric=check.rubric, result=await whole(parts.store, state.result),
        quotes=[(c.claim, c.call, c.quote) for c in state.claims], actions=_actions(log, step),
        observations=await _observations(log, parts, state.claims), checks=checks, revisions=_revisions(log),
        files=await _result_files(log, parts),
    )  # fmt: skip


def _actions(log: ProcessLog, step: str) -> list[str]:
    """Every call, however many: what was done in the middle must not hide between harmless calls."""
    calls = [c for c in log.state.calls.values() if not c.undone]
    size = max(120, min(1_000, ACTIONS // max(1, len(calls))))
    cited = {c.call for c in log.state.steps[step].claims}
    shown = [
        f"[{c.call}] {c.tool}.{c.action}("
        f"{shorten(msgspec.json.encode(c.arguments).decode(), 4 * SHOWN if c.call in cited else size)})"
        f" {'failed' if c.failed else 'ok'}"
        for c in calls
    ]
    asked = [x.event for x in log.entries if isinstance(x.event, e.PersonAsked)]
    return shown + [f"[{x.call}] the person was asked: {shorten(x.question, 600)}" for x in asked]


async def _observations(log: ProcessLog, parts: Parts, claims: Sequence[a.Claim]) -> list[tuple[str, str]]:
    """What is cited, each quote with what stands around it, and in short what else was seen lately."""
    observed = await observations(log, parts)
    quotes: dict[str, list[str]] = {}
    for claim in claims:
        quotes.setdefault(claim.call, []).append(claim.quote)
    recent = set(list(observed)[-12:])
    return [
        (k, around(v, quotes[k], SHOWN) if k in quotes else shorten(v, SHOWN // 4))
        for k, v in observed.items()
        if k in quotes or k in recent
    ]


def _revisions(log: ProcessLog) -> list[str]:
    """How checks changed from plan to plan, and why: a check made easier must not pass unseen."""
    found: list[str] = []
    before: dict[str, a.Step] = {}
    failures = 0
    for entry in log.entries:
        if isinstance(entry.event, e.StepFailed):
            failures += 1
        if not isinstance(entry.event, e.PlanMade):
            continue
        plan = {s.id: s for s in entry.event.steps}
        if before:
            why = entry.event.reason or "no reason given"
            found.append(f"revision {entry.event.revision} after {failures} failed attempts: {shorten(why, 500)}")
            for step in before.keys() | plan.keys():
                old = before[step].checks if step in before else ()
                new = plan[step].checks if step in plan else ()
                if old != new:
                    found.append(f"- {step}: was {_encoded(old)}; now {_encoded(new)}")
        before = (
            {} if entry.event.implied else plan
        )  # a plan that nobody wrote was not weakened by the first one written
    return found


def _encoded(checks: Sequence[a.Check], size: int = 1_200) -> str:
    return shorten(msgspec.json.encode(checks).decode(), size) if checks else "nothing"


async def _result_files(log: ProcessLog, parts: Parts) -> list[tuple[str, str]]:
    """The files made or changed since the process began, each with its beginning; first what became of the given ones."""
    p = log.state
    if not log.first_snapshot or not log.touched:
        return []
    changes = await parts.workspaces.changes(p.pid, log.first_snapshot)
    changes = sorted(changes, key=lambda c: (c.kind == "added", c.path))
    found: list[tuple[str, str]] = []
    for change in changes[:FILES]:
        given = "" if change.kind == "added" else "; it was there when the process began"
        text = "" if change.kind == "deleted" else await _preview(p.pid, parts, change.path)
        found.append((f"{change.path} ({change.kind}{given})", text))
    if len(changes) > FILES:
        names = ", ".join(f"{c.path} ({c.kind})" for c in changes[FILES:])
        found.append((f"{len(changes) - FILES} more, not shown", shorten(names, SHOWN)))
    return found


async def _preview(pid: Pid, parts: Parts, path: str) -> str:
    done = await parts.sandbox.run(
        ["python", "-W", "ignore", "-I", "-c", PREVIEW_SCRIPT, path, str(SHOWN)],
        pid=pid, workspace=parts.workspaces.path(pid), writable=False,
    )  # fmt: skip
    return done.stdout.decode("utf-8", "replace") or "(could not be looked at)"
