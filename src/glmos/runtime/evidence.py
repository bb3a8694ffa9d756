"""What a process has observed, and so may cite."""

from collections.abc import Mapping, Sequence

from glmos.abi import events as e
from glmos.abi.ids import CallId, StepId
from glmos.abi.plans import Claim
from glmos.kernel.citation import Grounds, plain
from glmos.kernel.dependence import given_to, outdated, reads
from glmos.kernel.figures import numbers
from glmos.kernel.process import Child, Process
from glmos.runtime.given import altered_then, told_by_person
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole
from glmos.runtime.parts import Parts


async def observations(log: ProcessLog, parts: Parts) -> dict[CallId, str]:
    """The whole text of everything the process has observed and may cite.

    What failed or was undone is not among it, nor what was seen for a step before it was opened again, nor what a child
    said that did not end done: its own checks have not vouched for it. What the person corrected reads as corrected.
    """
    found: dict[CallId, str] = {}
    void, corrected = _outdated(log), _corrected(log)
    for entry in log.entries:
        event = entry.event
        if isinstance(event, e.ToolFinished) and event.failure is None and not log.state.calls[event.call].undone:
            files = f"\nfiles: {', '.join(event.files)}" if event.files else ""
            found[event.call] = await whole(parts.store, event.output) + files
            if (shown := shown_again(log.state, event.call)) is not None:
                again = [
                    corrected.get(c) or found[c] for c in shown if c in corrected or (c in found and c not in void)
                ]
                found[event.call] = "\n".join([found[event.call], *again] if len(again) == len(shown) else again)
        elif isinstance(event, e.ToolProbed) and event.outcome == "happened":
            found[event.call] = f"interrupted, but it took effect: {event.detail}"
        elif isinstance(event, e.CallAnswered) and event.name == "ask":
            found[event.call] = event.text
    for call, children in _waits(log).items():
        said = [
            f"Child {c.pid} ended done: {c.exited.answer}" for c in children if c.exited and c.exited.status == "done"
        ]
        if said:
            found[call] = "\n".join(said)
    return {call: text for call, text in found.items() if call not in void} | corrected


def _corrected(log: ProcessLog) -> dict[CallId, str]:
    """By call, what the person said it should have told."""
    said = [x.event for x in log.entries if isinstance(x.event, e.FactCorrected) and x.event.what.startswith("call:")]
    return {x.what.removeprefix("call:"): f"The person corrected this: {x.text}" for x in said}


def _outdated(log: ProcessLog) -> dict[CallId, str]:
    """Why what calls gave counts no more: their step was opened again, or they read a file that has changed since."""
    p = log.state
    found = {call: why for call in (*p.calls, *p.answered_in) if (why := outdated(p, call))}
    waits = _waits(log)
    for entry in log.entries:
        if not isinstance(entry.event, e.SourceChanged):
            continue
        name = entry.event.name
        old = [c.call for c in p.calls.values() if c.intended_at < entry.seq and any(reads(s, name) for s in c.sources)]
        for call, children in waits.items():
            if any(c.spawned_at < entry.seq and any(reads(s, name) for s in given_to(c)) for c in children):
                old.append(call)
        found |= dict.fromkeys(old, f"the file {name!r} has changed since: call again")
    return found


def shown_again(p: Process, call: CallId) -> list[CallId] | None:
    """The calls whose output a call of `look` showed; None for any other call. What they gave is what may be cited."""
    if p.calls[call].tool != "look":
        return None
    return [s.removeprefix("call:") for s in p.calls[call].sources if s.startswith("call:") and s != f"call:{call}"]


def _waits(log: ProcessLog) -> dict[CallId, list[Child]]:
    """The children that each finished wait was for."""
    started = {x.event.call: x.event for x in log.entries if isinstance(x.event, e.WaitStarted)}
    answered = [x.event.call for x in log.entries if isinstance(x.event, e.CallAnswered) and x.event.name == "wait"]
    return {c: [log.state.children[pid] for pid in started[c].children] for c in answered if c in started}


async def grounds(log: ProcessLog, parts: Parts, step: StepId) -> Grounds:
    """What the result of `step` may rest on."""
    p = log.state
    observed = await observations(log, parts)
    waits = _waits(log)
    withdrawn = _withdrawn(p, waits)
    lent = _lent(p, step)
    withdrawn |= {call: why for call, why in _outdated(log).items() if call not in observed}
    cited = [c for c in dict.fromkeys(x.call for x in (*p.steps[step].claims, *lent)) if c in p.calls and c in observed]
    for call, files in (await altered_then(log, parts, cited)).items():
        withdrawn[call] = f"{', '.join(files[:3])} was not as given when it ran: put it back, and call again"
        del observed[call]
    return Grounds(
        observed=observed,
        given=[p.goal, *(f.name for f in p.files), *told_by_person(log)],
        lent=lent,
        bounds=[*_conditions(p, p.steps[step].claims), *(c.spawned.goal for c in p.children.values())],
        withdrawn=withdrawn,
        own={call: _told(children) for call, children in waits.items()},
        has_calls=any(c.step == step and c.call in observed for c in p.calls.values()),
    )


def _withdrawn(p: Process, waits: Mapping[CallId, Sequence[Child]]) -> dict[CallId, str]:
    found = {c.call: "it was undone" if c.undone else "it failed" for c in p.calls.values() if c.undone or c.failed}
    for call, children in waits.items():
        loose = [c for c in children if c.exited is not None and c.exited.status != "done"]
        if loose:
            found[call] = "; ".join(
                f"child {c.pid} ended {c.exited.status}: what it says was not verified" for c in loose if c.exited
            )
    return found


def _told(children: Sequence[Child]) -> dict[float, str]:
    """The numbers children had in their goals: a child that repeats them has seen nothing."""
    return {
        n.value: "you had put it into the goal of the child" for c in children for n in numbers(plain(c.spawned.goal))
    }


def _lent(p: Process, step: StepId) -> list[Claim]:
    """The claims of the steps that `step` needs."""
    found = p.find(step)
    return [c for need in (found.needs if found else ()) for c in p.steps[need].claims]


def _conditions(p: Process, claims: Sequence[Claim]) -> list[str]:
    """What the cited queries compare columns with."""
    calls = [p.calls[c] for c in dict.fromkeys(x.call for x in claims) if c in p.calls]
    queries = [str(c.arguments.get("sql", "")) for c in calls if c.tool == "tables" and c.action == "query"]
    return [text for sql in queries for text in _compared(sql)]


def _compared(sql: str) -> list[str]:
    """The literals that a statement compares columns with, and its limit; nothing of what it selects."""
    import sqlglot
    from sqlglot import errors, exp

    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except (errors.SqlglotError, RecursionError):
        return []
    found: list[str] = []
    for test in tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In):
        if test.find(exp.Column) is not None and test.find_ancestor(exp.Where, exp.Having, exp.Join, exp.Filter):
            found += [x.name for x in test.find_all(exp.Literal)]
    return found + [x.expression.name for x in tree.find_all(exp.Limit) if isinstance(x.expression, exp.Literal)]
