"""Plan, do, check, act: what should happen next.

`decide` looks at the state alone. It answers with effects for the outside and with decisions to write down; it is asked
again after every event. The order of its questions is the order of importance: signals, limits, what is in flight, what
is unknown, then the cycle itself.
"""

from collections.abc import Sequence

import msgspec

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.ids import CallId, StepId
from glmos.abi.messages import FunctionCall
from glmos.abi.plans import Step
from glmos.abi.tools import LASTING, Output
from glmos.kernel import plans, syscalls
from glmos.kernel.dependence import reopening, unsettled, used
from glmos.kernel.effects import in_doubt
from glmos.kernel.process import Call, Process, StepState, signature
from glmos.kernel.report import check_kind
from glmos.kernel.rules import Rules


def decide(p: Process, rules: Rules) -> list[f.Effect]:
    """What should happen next; empty when the process has ended, is suspended, or waits for something in flight."""
    if p.exit is not None:
        return []
    if p.killed:
        return [f.KillAll("killed by a signal")]
    if p.suspended or p.model_call is not None or any(c.state == "open" for c in p.open_calls):
        return []
    if p.budget_refusal is not None:
        return _exit("refused", _over_budget(p, p.budget_refusal))
    if p.model_failure is not None:
        return _model_failed(p, p.model_failure)
    open_calls = p.open_calls
    if open_calls:
        return [x for c in open_calls for x in _settle(p, c)]
    if p.question is not None:
        return []
    births: list[f.Effect] = [f.CreateChild(c.pid) for c in p.children.values() if c.exited is None]
    if p.waiting is not None:
        return births + _wait(p, p.waiting)
    return births + _cycle(p, rules)


def _cycle(p: Process, rules: Rules) -> list[f.Effect]:
    step = p.current
    state = p.steps[step.id] if step is not None else None
    if step is not None and state is not None and state.status == "submitted":
        return _check(p, step, state)
    if step is not None and state is not None and state.status == "failed":
        return _act(p, step, state, rules)
    if p.plan and step is None and not p.replan_due:
        return _next_step(p)
    reply = p.reply
    if reply is not None and reply.handled < len(reply.calls):
        return _handle(p, reply.calls[reply.handled :], rules)
    if reply is not None and not reply.calls and not reply.settled:
        return _no_call(p, reply.content, reply.finish, rules)
    if p.refusals >= rules.max_refusals:
        return _stuck(p, f"the model sent {p.refusals} calls in a row that could not be carried out")
    if state is not None and step is not None and state.turns >= rules.max_turns:
        return _stuck(p, f"{state.turns} model calls did not reach it")
    if p.loose_turns >= rules.max_turns:
        return _stuck(p, f"{p.loose_turns} model calls did not bring it about")
    return [f.CallModel(p.numbers + 1, p.step, require_call=bool(p.rules.get("prose") or p.rules.get("empty")))]


# -- do ---------------------------------------------------------------------------------------------------------------


def _handle(p: Process, calls: tuple[FunctionCall, ...], rules: Rules) -> list[f.Effect]:
    """Deal with the next call of a reply; with several at once when all are pure."""
    first = syscalls.read_call(calls[0], p, rules)
    if isinstance(first, syscalls.Nonsense):
        return _refuse(p, calls[0].name, first.problem)
    if isinstance(first, syscalls.DeviceCall):
        return _devices(p, calls, first, rules)
    return _system(p, first, rules)


def _devices(p: Process, calls: tuple[FunctionCall, ...], first: syscalls.DeviceCall, rules: Rules) -> list[f.Effect]:
    if p.replan_due and first.effect != "pure":
        return _refuse(p, first.tool, "the plan must be revised first: call `plan`, `ask` or `give_up`")
    if not p.plan:
        return _imply(p, rules)
    if first.effect in LASTING and (made := _stands(p, first)) is not None:
        return _refuse(
            p, first.tool, f"{made} was this very call, and what it did stands. If it is to be done once more, make the "
            "call again; else go on", repeats=made,
        )  # fmt: skip
    if first.effect == "irreversible" and (asked := _approval(p, first)) is not None:
        return asked
    if p.signatures.get(signature(first.tool, first.arguments), 0) >= rules.max_repeats:
        return _refuse(
            p, first.tool, f"this exact call was made {rules.max_repeats} times and nothing has changed since: "
            "use what it gave, or do something else",
        )  # fmt: skip
    effects: list[f.Effect] = [_run(p, first, 0)]
    if first.effect == "pure":
        for offset, call in enumerate(calls[1:], 1):
            read = syscalls.read_call(call, p, rules)
            again = isinstance(read, syscalls.DeviceCall) and signature(read.tool, read.arguments) in p.signatures
            if not isinstance(read, syscalls.DeviceCall) or read.effect != "pure" or again:
                break
            effects.append(_run(p, read, offset))
    return effects


def _run(p: Process, call: syscalls.DeviceCall, offset: int) -> f.RunTool:
    assert p.reply is not None
    return f.RunTool(
        call=p.next_call(offset), tool=call.tool, action=call.action, arguments=call.arguments, effect=call.effect,
        step=p.step, number=p.reply.number, index=p.reply.handled + offset,
    )  # fmt: skip


def _stands(p: Process, call: syscalls.DeviceCall) -> CallId | None:
    """An earlier call, the same word for word, that took effect and was not compensated, and of which the model was not
    reminded by the reply before.

    What was done long ago may have left its window, above all when an undo could not take it back.
    """
    assert p.reply is not None
    same = (
        c for c in p.calls.values()
        if c.tool == call.tool and c.state == "closed" and not c.failed and c.compensated != "done"
        and c.effect in LASTING and c.arguments == call.arguments
    )  # fmt: skip
    last = max(same, key=lambda c: c.intended_at, default=None)
    return last.call if last is not None and p.reminded.get(last.call) != p.reply.number - 1 else None


def _approval(p: Process, call: syscalls.DeviceCall) -> list[f.Effect] | None:
    """What to do before an action that cannot be taken back; None when it may go ahead."""
    said = p.verdicts.get(p.next_call())
    if said is not None and said.verdict == "no":
        return _refuse(p, call.tool, f"the person said no{': ' + said.text if said.text else ''}")
    granted = any(g.tool == call.tool and g.action in ("*", call.action) and not g.where for g in p.grants)
    if said is not None or p.approve_all or granted:
        return None
    arguments = msgspec.json.encode(call.arguments).decode()
    question = f"May {call.tool}.{call.action} be run with {arguments}? It cannot be taken back."
    return [f.Record((e.PersonAsked(question, "approval", p.next_call(), ("yes", "no")),))]


def _system(p: Process, call: syscalls.SystemCall, rules: Rules) -> list[f.Effect]:
    match call:
        case syscalls.Plan():
            return _plan(p, call, rules)
        case syscalls.Finish():
            return _finish(p, call, rules)
        case syscalls.GiveUp():
            return [f.Record((_answer(p, "give_up"), e.ProcessExited("failed", call.reason)))]
        case syscalls.Ask():
            said = p.verdicts.get(p.next_call())
            if said is None:
                return [f.Record((e.PersonAsked(call.question, "question", p.next_call(), call.options),))]
            return [f.Record((_answer(p, "ask", f"The person answered: {said.text or said.verdict}"),))]
        case syscalls.Spawn():
            return [
                f.SpawnChild(
                    p.next_call(),
                    call.goal,
                    number=p.reply.number if p.reply else 0,
                    index=p.reply.handled if p.reply else 0,
                    model=call.model,
                    files=call.files,
                    tokens=call.max_tokens,
                    step=p.step,
                )
            ]
        case syscalls.Wait():
            return _start_wait(p, call)
        case syscalls.Use():
            return _describe(p, call.tool, rules)


def _describe(p: Process, name: str, rules: Rules) -> list[f.Effect]:
    tool = syscalls.usable(p, rules).get(name)
    if name not in syscalls.SYSCALLS and tool is None:
        return _refuse(p, "use", f"there is no tool {name!r}")
    schema = syscalls.SYSCALLS[name][1] if name in syscalls.SYSCALLS else tool
    assert schema is not None
    arguments = msgspec.json.encode(schema.parameters).decode()
    return [f.Record((_answer(p, "use", f"{name}: {schema.description}\nArguments: {arguments}"),))]


def _answer(p: Process, name: str, text: str = "") -> e.CallAnswered:
    assert p.reply is not None
    return e.CallAnswered(p.next_call(), p.reply.number, p.reply.handled, name, text)


LONGEST_REFUSAL = 2_000
"""Characters of a refusal. What was wrong may quote what the model wrote, however long that was."""


def _refuse(p: Process, name: str, problem: str, *, repeats: CallId = "") -> list[f.Effect]:
    assert p.reply is not None
    problem = problem if len(problem) <= LONGEST_REFUSAL else f"{problem[:LONGEST_REFUSAL]} [...]"
    return [f.Record((e.CallRefused(p.next_call(), p.reply.number, p.reply.handled, name[:100], problem, repeats),))]


def _no_call(p: Process, text: str, finish: str, rules: Rules) -> list[f.Effect]:
    """The model stopped, or wrote prose where a call was due: the kernel drives on."""
    if finish == "length" or finish in ("cut", "unknown"):
        rule, words = "cut", "Your reply was cut off before it ended. Go on with a shorter reply that makes a call."
    elif finish == "filtered":
        return _exit("failed", "the provider's content filter stopped the reply; try another model with -m")
    elif not text.strip():
        rule, words = "empty", "Your reply was empty. Make a call: a tool, or `finish` when the step is reached."
    else:
        rule = "prose"
        words = (
            "Nothing is done by prose. Make a call: a tool to go on, `ask` to ask the person, or `finish` with your "
            "result and its claims."
        )
    count = p.rules.get(rule, 0)
    if rule == "prose" and count >= rules.max_prose:
        return _take_prose(p, text, rules)
    if rule != "prose" and count >= rules.max_empty:
        return _exit(
            "failed", f"the model stopped answering: {count + 1} replies in a row were {rule}; try another with -m"
        )
    return [f.Record((e.KernelSpoke(rule, words),))]


def _take_prose(p: Process, text: str, rules: Rules) -> list[f.Effect]:
    """A model that cannot make calls may still have answered: its text is checked like any result, uncited."""
    if not p.plan:
        return _imply(p, rules)
    if p.step is None:
        return _exit("failed", "the model answered in prose where the plan had to be revised; try another with -m")
    return [f.Record((e.StepSubmitted(p.step, Output(text, size=len(text))),))]


# -- plan -------------------------------------------------------------------------------------------------------------


def _imply(p: Process, rules: Rules) -> list[f.Effect]:
    return [f.Record((e.PlanMade(p.revision + 1, plans.implied(p, rules), implied=True),))]


def _plan(p: Process, call: syscalls.Plan, rules: Rules) -> list[f.Effect]:
    found = plans.faults(call.steps, rules)
    if found:
        return _refuse(p, "plan", "the plan cannot be followed: " + "; ".join(found))
    if p.revision >= rules.max_revisions:
        return _exit("failed", f"the plan was revised {p.revision} times without reaching the goal; it is given up")
    steps = plans.adopt(p, call.steps, rules)
    again = plans.reopened(p, steps)
    text = "The plan stands." + (f" To be done again: {', '.join(again)}." if again else "")
    return [f.Record((_answer(p, "plan", text), e.PlanMade(p.revision + 1, steps, reason=call.reason, reopened=again)))]


def _next_step(p: Process) -> list[f.Effect]:
    if any(key.startswith("k") for key in p.reserved):
        return []  # a check of a step that was opened again is still under way
    step = plans.ready(p)
    if step is not None:
        return [f.StartStep(step.id, p.steps[step.id].attempts + 1)]
    last = p.steps[p.plan[-1].id]
    loose = [s.id for s in p.plan if p.steps[s.id].status == "unverified"]
    if not loose:
        return [f.Record((e.ProcessExited("done", "", last.result, last.claims),))]
    undecided = [c.detail for s in loose for c in p.steps[s].checks if c.outcome == "undecided"]
    reason = f"step {', '.join(loose)} could not be verified: {'; '.join(undecided) or 'no check could decide'}"
    return [f.Record((e.ProcessExited("unverified", reason, last.result, last.claims),))]


# -- check ------------------------------------------------------------------------------------------------------------


def _finish(p: Process, call: syscalls.Finish, rules: Rules) -> list[f.Effect]:
    if p.replan_due:
        return _refuse(p, "finish", "the plan must be revised first: call `plan`, `ask` or `give_up`")
    if not p.plan:
        return _imply(p, rules)
    if p.step is None:
        return _refuse(p, "finish", "no step is being done")
    if not call.result.strip():
        return _refuse(p, "finish", "the result is empty: say what was found or made")
    if len(call.result) > rules.max_result:
        return _refuse(
            p, "finish", f"the result has {len(call.result)} characters, at most {rules.max_result} are taken: say the "
            "essence, and put the rest into a file",
        )  # fmt: skip
    live = [str(c.pid) for c in p.children.values() if c.exited is None]
    if live and p.final is not None and p.step == p.final.id:
        return _refuse(p, "finish", f"child process {', '.join(live)} is still running: `wait` for it first")
    submitted = e.StepSubmitted(p.step, Output(call.result, size=len(call.result)), call.claims, call.files)
    rest: list[e.Event] = [_answer(p, "finish", "Submitted for checking."), submitted]
    assert p.reply is not None
    for offset, late in enumerate(p.reply.calls[p.reply.handled + 1 :], 1):
        # A reply ends with `finish`: what follows was written before the checks were known.
        rest.append(
            e.CallRefused(
                p.next_call(offset),
                p.reply.number,
                p.reply.handled + offset,
                late.name[:100],
                "not run: the step had been submitted by the call before it",
            )
        )
    return [f.Record(tuple(rest))]


def _check(p: Process, step: Step, state: StepState) -> list[f.Effect]:
    """Run the next check; neither a critic nor what comes after it is troubled with what has failed already."""
    if all(s.outcome == "open" for s in state.checks) and (earlier := unsettled(p, step)):
        return [f.Record(reopening(p, {step.id: f"it went by step {earlier!r}, which is done again"}))]
    failed = [(c, s) for c, s in zip(step.checks, state.checks, strict=True) if s.outcome == "failed"]
    for place, (check, found) in enumerate(zip(step.checks, state.checks, strict=True)):
        if found.outcome == "running":
            return []
        if found.outcome == "open" and not (failed and check_kind(check) in ("critic", "still")):
            return [f.RunCheck(step.id, place, check)]
    if failed:
        reason = "; ".join(f"{check_kind(c)}: {s.detail}" for c, s in failed)
        return [f.Record((e.StepFailed(step.id, state.attempts, reason),))]
    verified = bool(state.checks) and all(s.outcome == "passed" for s in state.checks)
    return [f.Record((e.StepPassed(step.id, verified, used(p, step)),))]


# -- act --------------------------------------------------------------------------------------------------------------


def _act(p: Process, step: Step, state: StepState, rules: Rules) -> list[f.Effect]:
    """A step failed: mend it, plan anew, or give up, by counts and not by hope."""
    hopeless = state.same_failures > 1
    if state.attempts < rules.max_attempts and not hopeless:
        blamed = [s.blames for s in state.checks if s.blames and plans.has_passed(p, s.blames)]
        if blamed:
            return [f.Record(_late(p, step, state, blamed))]
        if p.rules.get("check_failed", 0) < state.attempts:
            left = rules.max_attempts - state.attempts
            words = (
                f"Step {step.id!r} is not reached. {state.reason}\nIf the work is wrong, mend it and submit again "
                f"({left} more attempt{'s' if left > 1 else ''}). If no right result could meet the check, do not bend the "
                "work to it: show that from an output and revise the plan with a reason."
            )
            return [f.Record((e.KernelSpoke("check_failed", words),))]
        return [f.StartStep(step.id, state.attempts + 1)]
    if p.revision >= rules.max_revisions:
        return _exit("failed", f"step {step.id!r} was not reached in {state.attempts} attempts: {state.reason}")
    words = (
        f"Step {step.id!r} failed {state.attempts} times{' in the same way' if hopeless else ''}: {state.reason}\n"
        "Revise the plan with `plan` (another way, or smaller steps; passed steps may stay; a check that was wrong is "
        "replaced by one at least as strict), or `give_up`."
    )
    return [f.Record((e.KernelSpoke("replan", words),))]


def _late(p: Process, step: Step, state: StepState, blamed: Sequence[StepId]) -> tuple[e.Event, ...]:
    """A check found that earlier steps no longer hold: they and what rests on them are done again, and then this one."""
    found = f"a check of step {step.id!r} failed: {state.reason}"
    roots = dict.fromkeys(blamed, found) | {step.id: found}
    return reopening(p, roots)


def _stuck(p: Process, reason: str) -> list[f.Effect]:
    if p.step is None:
        return _exit("failed", f"no plan that could be followed came about: {reason}; try another model with -m")
    state = p.steps[p.step]
    return [f.Record((e.StepFailed(p.step, state.attempts, reason),))]


def _exit(status: e.ExitStatus, reason: str) -> list[f.Effect]:
    return [f.Record((e.ProcessExited(status, reason),))]


def _over_budget(p: Process, refused: e.BudgetRefused) -> str:
    unit = {"usd": "dollars"}.get(refused.limit, refused.limit.replace("_", " "))
    option = {"usd": "cost"}.get(refused.limit, refused.limit.replace("_", "-"))
    own = refused.holder == p.pid
    whose = "" if own else f" of process {refused.holder}, which holds for its children,"
    need = (
        f", and {refused.what} needs up to {refused.needed:.10g}"
        if refused.needed
        else f" when it came to {refused.what}"
    )
    then = "" if own else f", then `glmos resume {p.pid}`"
    doubt = in_doubt(p.open_calls)
    doubt = f"; {doubt}" if doubt else ""
    return (
        f"the limit of {refused.allowed:.10g} {unit}{whose} is reached: {refused.used:.10g} used or reserved{need}; raise it "
        f"with `glmos resume {refused.holder} --max-{option} N`{then}{doubt}"
    )


def _model_failed(p: Process, failure: e.ModelFailed) -> list[f.Effect]:
    return _exit("failed", f"{failure.message.rstrip('.')}; nothing is lost, `glmos resume {p.pid}` goes on from here")


# -- effects that were in flight, children, time -----------------------------------------------------------------------


def _settle(p: Process, call: Call) -> list[f.Effect]:
    """Bring a call without a receipt to an end, never by guessing."""
    match call.state:
        case "again":
            return [
                f.RunTool(
                    call=call.call,
                    tool=call.tool,
                    action=call.action,
                    arguments=call.arguments,
                    effect=call.effect,
                    step=call.step,
                    number=call.number,
                    index=call.index,
                    attempt=call.attempt + 1,
                )
            ]
        case "unknown" if call.effect == "reversible" and call.snapshot:
            return [f.TakeBack(call.call, call.snapshot, call.step)]
        case "unknown":
            return [f.ProbeTool(call.call, call.tool, call.action, call.arguments)]
        case "cannot_tell" | "asked" if p.question is None:
            # `asked` without a question: it was asked before, and fell away with a fork or an end.
            arguments = msgspec.json.encode(call.arguments).decode()
            question = (
                f"{call.tool}.{call.action} with {arguments} was interrupted and nobody knows whether it took effect. "
                "Did it? (yes: it is taken for done; no: it is run again)"
            )
            return [f.Record((e.PersonAsked(question, "unknown_effect", call.call, ("yes", "no")),))]
        case _:
            return []


def _start_wait(p: Process, call: syscalls.Wait) -> list[f.Effect]:
    unknown = [c for c in call.children if c not in p.children]
    if unknown:
        return _refuse(
            p, "wait", f"there is no child {unknown[0]}; children: {', '.join(map(str, p.children)) or 'none'}"
        )
    assert p.reply is not None
    until = p.at + min(call.seconds, 7 * 86400) if call.seconds > 0 else 0.0
    children = call.children or (() if until else tuple(c.pid for c in p.children.values() if not c.undone))
    started = e.WaitStarted(p.next_call(), p.reply.number, p.reply.handled, until, children)
    return [f.Record((started,))]


def _wait(p: Process, waiting: e.WaitStarted) -> list[f.Effect]:
    """End the wait when every child it names has ended; otherwise leave it to the clock."""
    over = all(p.children[c].exited is not None for c in waiting.children)
    if over and (waiting.children or not waiting.until):
        lines = [
            f"Child {c.pid} ended {c.exited.status}: {c.exited.answer or c.exited.reason}"
            for c in (p.children[pid] for pid in waiting.children)
            if c.exited is not None
        ]
        text = "\n".join(lines) or "There was nothing to wait for."
        answer = e.CallAnswered(waiting.call, waiting.number, waiting.index, "wait", text)
        return [f.Record((e.WaitEnded(waiting.call, "children"), answer))]
    return [f.Sleep(waiting.call, waiting.until)] if waiting.until else []
