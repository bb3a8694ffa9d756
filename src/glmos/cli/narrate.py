"""An event as one readable line: what a person wants to know of it, without its kind and time."""

import json
from collections.abc import Mapping
from typing import Any, assert_never

from glmos.abi import events as e
from glmos.abi.budgets import Limits, Usage
from glmos.abi.messages import ModelReply
from glmos.cli.text import count, duration, line, money, plural

MAX = 400
"""Characters of a text that was chosen by others; the whole is in `glmos log --json`."""


def kind(event: e.Event) -> str:
    """The event's dotted name."""
    return str(type(event).__struct_config__.tag)


def arguments(values: Mapping[str, Any]) -> str:
    """`sql="select 1" limit=5`."""
    parts = (f"{name}={_value(value)}" for name, value in values.items() if name != "action")
    return _short(" ".join(parts))


def essentials(event: e.Event) -> str:
    """What there is to say beside the kind."""
    match event:
        case e.ProcessCreated(goal=goal, parent=parent, files=files, model=model):
            below = f" below {parent}" if parent else ""
            given = f", files: {', '.join(f.name for f in files)}" if files else ""
            return f"{_quoted(goal)}{below}{f', model {model}' if model else ''}{given}"
        case e.ProcessForked(source=source, at=at):
            return f"from process {source} after its event {at}"
        case e.ProcessRecovered(reason=reason):
            return line(reason)
        case e.ProcessExited(status=status, reason=reason, answer=answer):
            said = f": {_quoted(answer.text)}" if answer else ""
            return f"{status}{said}{f' ({line(reason)})' if reason else ''}"
        case e.ProcessReopened(reason=reason):
            return line(reason)
        case e.SignalReceived(signal=signal, by=by):
            return f"{signal} by {by}"
        case e.ProcessReniced(priority=priority):
            return f"priority {priority}"
        case e.LimitsChanged(limits=limits):
            return _limits(limits)
        case e.ModelChanged(model=model):
            return model
        case e.ModelCalled(number=number, step=step, model=model):
            return f"call {number}{_of(step)}{f' to {model}' if model else ''}"
        case e.ModelRetried(number=number):
            return f"call {number}, another request"
        case e.ModelReplied(number=number, reply=reply, seconds=seconds):
            return f"call {number}: {_reply(reply)} ({_usage(reply.usage)}, {duration(seconds)})"
        case e.ModelFailed(number=number, kind=why, message=message):
            return f"call {number}: {why}: {_short(message)}"
        case e.KernelSpoke(rule=rule, text=text):
            return f"{rule}: {_short(text)}"
        case e.CallRefused(call=call, name=name, problem=problem):
            return f"{call} {name}: {_short(problem)}"
        case e.CallAnswered(call=call, name=name, text=text):
            return f"{call} {name}{f': {_short(text)}' if text else ''}"
        case e.PlanMade(revision=revision, steps=steps, implied=implied, reason=reason, reopened=reopened):
            plan = "; ".join(f"{s.id} {_short(s.goal, 80)} [{', '.join(_checks(s))}]" for s in steps)
            again = f", again: {', '.join(reopened)}" if reopened else ""
            why = f" ({line(reason)})" if reason else ""
            return f"{'implied, ' if implied else ''}revision {revision}{why}{again}: {plan}"
        case e.StepStarted(step=step, attempt=attempt):
            return f"{step}, attempt {attempt}"
        case e.StepSubmitted(step=step, result=result, claims=claims, files=files):
            made = f", files: {', '.join(files)}" if files else ""
            return f"{step}: {_quoted(result.text)} ({plural(len(claims), 'claim')}{made})"
        case e.CheckStarted(step=step, index=index):
            return f"{step}, check {index + 1}"
        case e.CheckFinished(step=step, kind=check, outcome=outcome, detail=detail):
            return f"{step} {check}: {outcome}{f' ({_short(detail)})' if detail else ''}"
        case e.StepPassed(step=step, verified=verified):
            return f"{step}{'' if verified else ', unverified'}"
        case e.StepFailed(step=step, attempt=attempt, reason=reason):
            return f"{step}, attempt {attempt}: {_short(reason)}"
        case e.StepReopened(step=step, cause=cause):
            return f"{step}: {_short(cause)}"
        case e.SourceChanged(name=name):
            return line(name)
        case e.FactCorrected(what=what, text=text):
            return f"{what}: {_short(text)}"
        case e.ToolIntended(call=call, tool=tool, action=action, arguments=values, effect=effect, attempt=attempt):
            again = f", attempt {attempt}" if attempt > 1 else ""
            return f"{call} {tool}.{action} {arguments(values)} ({effect}{again})"
        case e.ToolFinished(call=call, output=output, failure=failure, files=files):
            made = f", files: {', '.join(files)}" if files else ""
            if failure is not None:
                return f"{call}: {failure.kind}: {_short(failure.message)}{made}"
            return f"{call}: {_short(output.text)}{made}"
        case e.ToolUnknown(call=call, detail=detail):
            return f"{call}: {_short(detail) or 'nobody knows whether it took effect'}"
        case e.ToolProbed(call=call, outcome=outcome, detail=detail):
            return f"{call}: {outcome.replace('_', ' ')}{f' ({_short(detail)})' if detail else ''}"
        case e.UndoStarted(step=step):
            return f"to the beginning of {step}"
        case e.CompensationIntended(call=call):
            return f"of {call}"
        case e.CompensationFinished(call=call, outcome=outcome, detail=detail):
            return f"of {call}: {outcome}{f' ({_short(detail)})' if detail else ''}"
        case e.Undone(step=step, left=left):
            remains = f"; left: {_short(' '.join(left))}" if left else ""
            return f"back to the beginning of {step}{remains}"
        case e.WorkspaceRestored(step=step, call=call):
            return f"files as they were before {call or step}"
        case e.BudgetRefused(limit=limit, holder=holder, allowed=allowed, used=used, needed=needed, what=what):
            asked = f"{what or 'a call'} needs up to {needed:g}"
            return f"{limit} of process {holder}: {used:g} of {allowed:g} used, {asked}"
        case e.PersonAsked(question=question, kind=what, options=options):
            choice = f" [{' / '.join(options)}]" if options else ""
            return f"{what.replace('_', ' ')}: {_short(question)}{choice}"
        case e.PersonAnswered(text=text, verdict=verdict):
            return _short(text) or verdict
        case e.ChildSpawned(child=child, goal=goal):
            return f"process {child}: {_quoted(goal)}"
        case e.ChildExited(child=child, status=status, answer=answer):
            return f"process {child} {status}{f': {_quoted(answer)}' if answer else ''}"
        case e.WaitStarted(children=children):
            return f"for {plural(len(children), 'child')}" if children else "for a time"
        case e.WaitPaused(call=call):
            return f"{call}: all it waits for waits for a person"
        case e.WaitContinued(call=call):
            return call
        case e.WaitEnded(reason=reason):
            return reason
        case _:
            assert_never(event)


def _short(text: str, limit: int = MAX) -> str:
    text = line(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _quoted(text: str) -> str:
    return f"“{_short(text)}”"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _of(step: str | None) -> str:
    return f" for {step}" if step else ""


def _checks(step: Any) -> list[str]:
    return [str(type(check).__struct_config__.tag) for check in step.checks] or ["no checks"]


def _usage(usage: Usage) -> str:
    tokens = f"{count(usage.prompt_tokens)}+{count(usage.completion_tokens)} tokens"
    return f"{tokens}, {money(usage.usd)}" if usage.usd else tokens


def _reply(reply: ModelReply) -> str:
    calls = ", ".join(f"{call.name} {_short(_readable(call.arguments), 120)}" for call in reply.calls)
    said = _quoted(reply.content) if reply.content.strip() else ""
    return "; ".join(part for part in (said, calls) if part) or "nothing"


def _limits(limits: Limits) -> str:
    named = ((name, getattr(limits, name)) for name in limits.__struct_fields__)
    return ", ".join(f"{name} {value:g}" for name, value in named if value is not None) or "none"


def _readable(arguments: str) -> str:
    """Arguments as a model wrote them, with `\\uXXXX` escapes read; unchanged when they are not JSON."""
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False)
    except ValueError:
        return arguments
