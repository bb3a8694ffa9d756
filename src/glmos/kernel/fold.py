"""What has happened: a process, folded from its events.

`fold` is total over the events of `abi`: every kind is matched, and an event that makes no sense where it stands is a
`ReplayError`, never a guess. The state it makes is in `process`.
"""

from collections.abc import Iterable
from typing import Any, assert_never

from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.budgets import Usage
from glmos.abi.errors import ReplayError
from glmos.abi.ids import CallId, StepId
from glmos.abi.labels import join
from glmos.abi.plans import Step
from glmos.kernel.dependence import dependants, voided
from glmos.kernel.process import Call, CheckState, Child, Process, Reply, StepState, signature

TELLING = ("ask", "wait")
"""Calls of the kernel that tell what a result may rest on: what a person answered, how children ended."""


def fold_all(entries: Iterable[e.Entry], state: Process | None = None) -> Process:
    """Fold a log from its beginning, or on from `state`.

    Raises:
        ReplayError: The log is empty, has a gap, or does not begin with its creation.
    """
    for entry in entries:
        state = fold(state, entry)
    if state is None:
        raise ReplayError("an empty log is no process")
    return state


def fold(state: Process | None, entry: e.Entry) -> Process:
    """What has happened, one event later.

    Raises:
        ReplayError: The event cannot stand here.
    """
    event = entry.event
    if state is None:
        if not isinstance(event, e.ProcessCreated) or entry.seq != 1:
            raise ReplayError(f"the log of process {entry.pid} begins with {type(event).__name__} at {entry.seq}")
        return _created(entry, event)
    if entry.seq != state.seq + 1:
        raise ReplayError(f"the log of process {entry.pid} goes from {state.seq} to {entry.seq}")
    elapsed = entry.at - state.at if _time_counts(state, event) else 0.0
    usage = replace(state.usage, seconds=state.usage.seconds + elapsed) if elapsed > 0 else state.usage
    try:
        return _apply(replace(state, seq=entry.seq, at=entry.at, usage=usage), event)
    except (KeyError, IndexError, ValueError, AttributeError) as problem:  # it names what this process does not have
        what = f"{type(event).__name__} at {entry.seq}"
        raise ReplayError(f"{what} cannot stand in the log of process {entry.pid}: {problem!r}") from problem


def _time_counts(p: Process, event: e.Event) -> bool:
    return p.ticking and not isinstance(event, e.ProcessRecovered | e.ProcessForked)


def _created(entry: e.Entry, event: e.ProcessCreated) -> Process:
    return Process(
        pid=entry.pid, root=event.root, goal=event.goal, seq=1, at=entry.at, created=entry.at, parent=event.parent,
        files=event.files, agent=event.agent, model=event.model, limits=event.limits, priority=event.priority,
        grants=event.grants, approve_all=event.approve_all, tools=event.tools,
    )  # fmt: skip


def _apply(p: Process, event: e.Event) -> Process:
    match event:
        case e.ProcessCreated():
            # The first event of a forked log, already folded, or a broken log.
            raise ReplayError(f"process {p.pid} is created twice")
        case e.ProcessForked():
            p = replace(p, killed=False, suspended=False, exit=None, question=None, undoing=None)
            return _interrupted(replace(p, forked_from=event.source, forked_at=p.seq))
        case e.ProcessRecovered(seconds=seconds):
            return _interrupted(replace(p, usage=replace(p.usage, seconds=p.usage.seconds + seconds)))
        case e.ProcessExited():
            return _interrupted(replace(p, exit=event, question=None, waiting=None))
        case e.ProcessReopened():
            return _reopened(p)
        case e.SignalReceived(signal=signal):
            return replace(p, killed=p.killed or signal == "kill", suspended=_suspended(p, signal))
        case e.ProcessReniced(priority=priority):
            return replace(p, priority=priority)
        case e.LimitsChanged(limits=limits):
            return replace(p, limits=limits)
        case e.ModelChanged(model=model):
            return replace(p, model=model)
        case e.ModelCalled():
            reserved = p.reserved | {f"m{event.number}": event.reserved}
            p = replace(p, model_call=event, numbers=event.number, reply=None, reserved=reserved)
            if p.step is None:
                return replace(p, loose_turns=p.loose_turns + 1)
            return _step(replace(p, loose_turns=0), p.step, turns=p.steps[p.step].turns + 1)
        case e.ModelRetried():
            return replace(p, reserved=p.reserved | {f"m{event.number}": event.reserved})
        case e.ModelReplied():
            return _replied(p, event)
        case e.ModelFailed():
            p = _settle(p, f"m{event.number}", event.usage)
            return replace(p, model_call=None, model_failure=event)
        case e.KernelSpoke(rule=rule):
            reply = replace(p.reply, settled=True) if p.reply is not None else None
            p = replace(p, reply=reply, rules=p.rules | {rule: p.rules.get(rule, 0) + 1})
            return replace(p, replan_due=True, step=None) if rule == "replan" else p
        case e.CallRefused():
            reminded = p.reminded
            if event.repeats:
                reminded = {k: n for k, n in reminded.items() if n == event.number} | {event.repeats: event.number}
            return _handled(replace(p, refusals=p.refusals + 1, reminded=reminded), event.call, event.number)
        case e.CallAnswered():
            p = replace(p, refusals=0, rules=_without(p.rules, "prose", "empty", "cut"))
            waiting = None if p.waiting is not None and p.waiting.call == event.call else p.waiting
            first = event.call not in p.answered and (p.waiting is None or p.waiting.call != event.call)
            p = replace(p, answered=p.answered | {event.call: p.seq}, waiting=waiting)
            if event.name in TELLING:
                p = replace(p, answered_in=p.answered_in | {event.call: p.step or ""})
            return _handled(p, event.call, event.number) if first else p
        case e.PlanMade():
            return _planned(p, event)
        case e.StepStarted():
            return _started(p, event)
        case e.StepSubmitted(step=step):
            count = len(_need_step(p, step).checks)
            reply = replace(p.reply, settled=True) if p.reply is not None else None
            return _step(
                replace(p, reply=reply), step, status="submitted", result=event.result, claims=event.claims,
                checks=(CheckState(),) * count,
            )  # fmt: skip
        case e.CheckStarted(step=step, index=index):
            p = replace(p, reserved=p.reserved | {f"k{step}/{index}": event.reserved})
            return _check(p, step, index, CheckState("running"))
        case e.CheckFinished(step=step, index=index):
            p = _settle(p, f"k{step}/{index}", event.usage)
            return _check(p, step, index, CheckState(event.outcome, event.detail, event.blames))
        case e.StepPassed(step=step):
            status = "passed" if event.verified else "unverified"
            p = _step(p, step, status=status, used=event.used, passed_at=p.seq)
            return replace(p, step=None, signatures={}, rules={}, refusals=0)
        case e.StepFailed(step=step):
            same = p.steps[step].same_failures + 1 if p.steps[step].reason == event.reason else 1
            p = replace(p, signatures={}, setback=f"step {step!r}: {event.reason}")
            return _step(p, step, status="failed", reason=event.reason, same_failures=same)
        case e.StepReopened(step=step):
            return _reopen_step(p, step, event.cause)
        case e.SourceChanged():
            files = tuple(
                replace(f, digest=event.digest, size=event.size) if f.name == event.name else f for f in p.files
            )
            return replace(p, files=files)
        case e.FactCorrected(what=what):
            return replace(p, corrected=p.corrected | {what: p.seq})
        case e.ToolIntended():
            return _intended(p, event)
        case e.ToolFinished():
            return _finished(p, event)
        case e.ToolUnknown(call=call):
            return _call(_settle(p, call, _begun(p, call)), call, state="unknown")
        case e.ToolProbed(call=call, outcome=outcome):
            states = {"happened": "closed", "did_not_happen": "again", "cannot_tell": "cannot_tell"}
            known = {"finished_at": p.seq, "compensation": event.compensation} if outcome == "happened" else {}
            return _call(p, call, state=states[outcome], **known)
        case e.UndoStarted():
            return replace(p, undoing=event, suspended=True, exit=None, killed=False)  # what was killed was ended
        case e.CompensationIntended(call=call):
            return _call(p, call, compensated="begun")
        case e.CompensationFinished(call=call, outcome=outcome):
            return _call(p, call, compensated="begun" if outcome == "unknown" else outcome)
        case e.Undone():
            return _undone(p, event)
        case e.WorkspaceRestored(call=call):
            return _not_made(p, call) if call else p
        case e.BudgetRefused():
            return replace(p, budget_refusal=event)
        case e.PersonAsked():
            calls = p.calls
            if event.kind == "unknown_effect":
                calls = calls | {event.call: replace(calls[event.call], state="asked")}
            return replace(p, question=event, calls=calls)
        case e.PersonAnswered():
            return _answered(p, event)
        case e.ChildSpawned(child=pid):
            children = p.children | {pid: Child(pid, event.call, event, spawned_at=p.seq)}
            return replace(p, children=children)
        case e.ChildExited(child=pid):
            if pid not in p.children:
                raise ReplayError(f"process {p.pid} has no child {pid}")
            return replace(p, children=p.children | {pid: replace(p.children[pid], exited=event, exited_at=p.seq)})
        case e.WaitStarted():
            if unknown := set(event.children) - p.children.keys():
                raise ReplayError(f"process {p.pid} waits for {unknown}, which are no children of it")
            return _handled(replace(p, waiting=event, paused=False), event.call, event.number)
        case e.WaitPaused():
            return replace(p, paused=True)
        case e.WaitContinued():
            return replace(p, paused=False)
        case e.WaitEnded():
            return p
        case _:
            assert_never(event)


def _suspended(p: Process, signal: str) -> bool:
    return {"suspend": True, "resume": False}.get(signal, p.suspended)


def _without(counts: dict[str, int], *names: str) -> dict[str, int]:
    return {k: v for k, v in counts.items() if k not in names} if counts else counts


def _need_step(p: Process, step: StepId) -> Step:
    found = p.find(step)
    if found is None:
        raise ReplayError(f"process {p.pid} has no step {step!r}")
    return found


def _step(p: Process, step: StepId, **changes: Any) -> Process:
    _need_step(p, step)
    return replace(p, steps=p.steps | {step: replace(p.steps[step], **changes)})


def _check(p: Process, step: StepId, index: int, state: CheckState) -> Process:
    if not p.steps[step].checks and p.steps[step].reopened_at:
        return p  # it was opened again while the check was under way
    checks = list(p.steps[step].checks)
    if not 0 <= index < len(checks):
        raise ReplayError(f"step {step!r} of process {p.pid} has no check {index}")
    checks[index] = state
    return _step(p, step, checks=tuple(checks))


def _call(p: Process, call: CallId, **changes: Any) -> Process:
    if call not in p.calls:
        raise ReplayError(f"process {p.pid} has no call {call!r}")
    return replace(p, calls=p.calls | {call: replace(p.calls[call], **changes)})


def _begun(p: Process, call: CallId) -> Usage:
    """What counts for a call that was begun and whose bill will never come; nothing if it was counted before."""
    open_now = call in p.calls and p.calls[call].state == "open"
    return p.reserved.get(call, Usage(tool_calls=1)) if open_now else Usage()


def _settle(p: Process, key: str, usage: Usage) -> Process:
    """What was reserved under `key` turned out to be `usage`."""
    reserved = {k: v for k, v in p.reserved.items() if k != key}
    return replace(p, reserved=reserved, usage=p.usage + replace(usage, seconds=0.0))


def _handled(p: Process, call: CallId, number: int) -> Process:
    """One more call of the reply is dealt with; call names count up in the order they are used."""
    p = replace(p, call_count=max(p.call_count, int(call[1:])))
    if p.reply is None or p.reply.number != number:
        return p
    return replace(p, reply=replace(p.reply, handled=p.reply.handled + 1))


def _replied(p: Process, event: e.ModelReplied) -> Process:
    usage = event.reply.usage
    if usage.model_calls == 0:
        usage = replace(usage, model_calls=1)
    p = _settle(p, f"m{event.number}", usage)
    reply = Reply(event.number, event.reply.content, event.reply.calls, event.reply.finish)
    return replace(p, model_call=None, model_failure=None, reply=reply if event.number > p.void else None)


def _planned(p: Process, event: e.PlanMade) -> Process:
    known = {s.id for s in event.steps}
    if unknown := {n for s in event.steps for n in s.needs} - known:
        raise ReplayError(f"plan {event.revision} of process {p.pid} needs {unknown}, which it does not have")
    steps: dict[StepId, StepState] = {}
    void = voided(p, event.steps)
    for step in event.steps:
        old = p.steps.get(step.id)
        same = old is not None and p.find(step.id) == step and step.id not in event.reopened
        steps[step.id] = old if old is not None and same else StepState()
        if not same and old is not None:
            rests = step.id in void or p.find(step.id) == step  # what it rests on does not stay as it was planned
            steps[step.id] = replace(
                _not_begun(old), reason=old.reason, reopened_at=p.seq if rests else old.reopened_at,
                again=_revised(event) if step.id in event.reopened else old.again,
            )  # fmt: skip
    current = p.step
    if current is not None:
        # The step being done goes on only if the revision left it and what it rests on alone.
        needs = next((x.needs for x in event.steps if x.id == current), None)
        stands = needs is not None and all(steps[n].status in ("passed", "unverified") for n in needs)
        if not stands or steps[current].status != "running":
            if current in steps:
                steps[current] = _not_begun(steps[current])
            current = None
    return replace(
        p, plan=event.steps, revision=event.revision, implied=event.implied, steps=steps, step=current,
        replan_due=False, signatures={}, rules=p.rules if event.implied else {}, refusals=0,
    )  # fmt: skip


def _started(p: Process, event: e.StepStarted) -> Process:
    old = p.steps[event.step]
    p = _step(
        p, event.step, status="running", attempts=event.attempt, turns=0, snapshot=old.snapshot or event.snapshot,
        first_at=old.first_at or p.seq, started_at=p.seq, result=None, claims=(), checks=(),
    )  # fmt: skip
    return replace(p, step=event.step, signatures={}, replan_due=False, refusals=0)


def _revised(event: e.PlanMade) -> str:
    return f"the plan was revised{f': {event.reason}' if event.reason else ''}"


def _reopen_step(p: Process, step: StepId, cause: str) -> Process:
    fresh = replace(_anew(p.steps[step], cause), reopened_at=p.seq, again=cause)
    p = replace(p, steps=p.steps | {step: fresh})
    if p.step == step:
        return _halted(p)
    if p.step is not None and p.step in dependants(p, p.plan, {step}):
        return _halted(replace(p, steps=p.steps | {p.step: _anew(p.steps[p.step], cause)}))
    return p


def _not_begun(old: StepState) -> StepState:
    """As it was before its beginning, in the same life."""
    return StepState(snapshot=old.snapshot, first_at=old.first_at, reopened_at=old.reopened_at, again=old.again)


def _anew(old: StepState, cause: str) -> StepState:
    """Back before its beginning. One that had failed keeps the count of its attempts, so that a circle comes to an end."""
    fresh = replace(_not_begun(old), reason=cause)
    if old.attempts and old.status in ("failed", "waiting"):  # one that waits with attempts had failed
        return replace(fresh, attempts=old.attempts, same_failures=old.same_failures, reason=old.reason)
    return fresh


def _halted(p: Process) -> Process:
    """Nothing goes on with the step that was being done: what the model said, or is about to say, was for what is void."""
    question = p.question if p.question is not None and p.question.kind == "unknown_effect" else None
    void = p.numbers if p.model_call is not None else p.void
    return replace(
        p, step=None, reply=None, void=void, question=question, waiting=None, paused=False, verdicts=_used_verdicts(p)
    )  # fmt: skip


def _used_verdicts(p: Process) -> dict[CallId, e.PersonAnswered]:
    """Without what a person said to a call that will not be made: the next call of that name is another one."""
    return {call: said for call, said in p.verdicts.items() if int(call[1:]) <= p.call_count}


def _intended(p: Process, event: e.ToolIntended) -> Process:
    first = event.call not in p.calls
    call = Call(
        call=event.call, tool=event.tool, action=event.action, arguments=event.arguments, effect=event.effect,
        step=event.step, number=event.number, index=event.index, attempt=event.attempt, intended_at=p.seq,
        snapshot=event.snapshot,
    )  # fmt: skip
    p = replace(p, calls=p.calls | {event.call: call}, refusals=0, rules=_without(p.rules, "prose", "empty", "cut"))
    if event.reserved != Usage():
        p = replace(p, reserved=p.reserved | {event.call: event.reserved})
    if not first:
        return p
    key = signature(event.tool, event.arguments)
    signatures = {} if event.effect != "pure" and key not in p.signatures else p.signatures
    p = replace(p, signatures=signatures | {key: p.signatures.get(key, 0) + 1})
    return _handled(p, event.call, event.number)


def _not_made(p: Process, call: CallId) -> Process:
    """A call that was taken back, or never begun, does not count as made: it may be made as often as before."""
    made = p.calls[call]
    key = signature(made.tool, made.arguments)
    left = p.signatures.get(key, 0) - 1
    return replace(p, signatures=p.signatures | {key: left}) if left >= 0 else p


def _finished(p: Process, event: e.ToolFinished) -> Process:
    usage = event.usage
    if event.failure is not None and event.failure.kind == "limit" and usage == Usage():  # refused when its turn came
        p = _not_made(p, event.call) if event.call in p.calls else p
    elif event.call in p.calls and p.calls[event.call].state == "open":  # one that was interrupted has been counted
        usage = replace(usage, tool_calls=max(1, usage.tool_calls))
    p = _settle(p, event.call, usage)
    p = _call(
        p, event.call, state="closed", finished_at=p.seq, failed=event.failure is not None,
        failure=event.failure.kind if event.failure is not None else "", sources=event.label.sources,
        files=event.files, compensation=event.compensation,
    )  # fmt: skip
    seen = replace(event.label, sources=(f"call:{event.call}", *event.label.sources))
    return replace(p, label=join(p.label, seen))


def _interrupted(p: Process) -> Process:
    """Nothing is in flight any more. What may have happened counts as if it had cost all that was reserved."""
    unreserved = [_begun(p, c.call) for c in p.calls.values() if c.call not in p.reserved]
    for usage in (*p.reserved.values(), *unreserved):
        p = replace(p, usage=p.usage + replace(usage, seconds=0.0))
    lost = ("open", "asked") if p.question is None else ("open",)  # a question that is gone cannot be answered
    calls = {
        k: replace(c, state="again" if c.effect == "pure" else "unknown") if c.state in lost else c
        for k, c in p.calls.items()
    }
    steps = {
        k: replace(s, checks=tuple(CheckState() if c.outcome == "running" else c for c in s.checks))
        for k, s in p.steps.items()
    }
    return replace(p, reserved={}, model_call=None, calls=calls, steps=steps)


def _reopened(p: Process) -> Process:
    """Ready to go on from where it ended. A step that had failed for good gets its attempts anew."""
    steps = {
        k: replace(s, attempts=0, same_failures=0, status="waiting") if s.status == "failed" else s
        for k, s in p.steps.items()
    }
    step = p.step if p.step is not None and steps[p.step].status in ("running", "submitted") else None
    loose = [k for k, s in steps.items() if s.status == "unverified"]
    if len(loose) == 1 and p.exit is not None and p.exit.status == "unverified":
        # What could not be decided then may be decided now: a critic that answers, a person's correction.
        step = loose[0]
        checks = tuple(CheckState() if c.outcome == "undecided" else c for c in steps[step].checks)
        steps[step] = replace(steps[step], status="submitted", checks=checks)
    return replace(
        p, exit=None, killed=False, suspended=False, model_failure=None, budget_refusal=None, steps=steps, step=step,
        refusals=0, rules={}, signatures={}, replan_due=False, loose_turns=0,
    )  # fmt: skip


def _answered(p: Process, event: e.PersonAnswered) -> Process:
    asked = p.question
    if asked is None:
        raise ReplayError(f"process {p.pid} was answered without having asked")
    p = replace(p, question=None)
    if asked.kind == "unknown_effect":
        happened = event.verdict != "no"
        return _call(p, asked.call, state="closed" if happened else "again", finished_at=p.seq if happened else 0)
    return replace(p, verdicts=p.verdicts | {asked.call: event})


def _undone(p: Process, event: e.Undone) -> Process:
    """Back at the beginning of a step: it, everything begun since and everything that rests on that is to be done again.

    What began before and went on since keeps its beginning.
    """
    since = event.since or p.steps[event.step].first_at
    moved = {s.id for s in p.plan if max(p.steps[s.id].started_at, p.steps[s.id].passed_at) >= since}
    again = {event.step} | moved | set(dependants(p, p.plan, {event.step} | moved))
    steps: dict[StepId, StepState] = {}
    for name, state in p.steps.items():
        kept = name == event.step or 0 < state.first_at < since
        steps[name] = replace(_not_begun(state) if kept else StepState(), reason="undone") if name in again else state
    calls = {k: replace(c, state="closed", undone=True) if c.intended_at >= since else c for k, c in p.calls.items()}
    children = {
        k: replace(c, undone=True, exited=c.exited or e.ChildExited(k, "killed", reason="undone"))
        if c.spawned_at >= since else c
        for k, c in p.children.items()
    }  # fmt: skip
    return replace(
        p, steps=steps, step=None, calls=calls, children=children, exit=None, killed=False, suspended=True, undoing=None,
        reply=None, model_call=None, question=None, waiting=None, model_failure=None, budget_refusal=None,
        replan_due=False, rules={}, refusals=0, signatures={}, verdicts=_used_verdicts(p),
    )  # fmt: skip
