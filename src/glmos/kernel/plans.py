"""Plans: whether one can be followed, what a revision keeps, and what must be done again.

A plan is refused as a whole, with every reason at once, so that the model can mend it in one go.
"""

import re
from collections.abc import Sequence

from glmos.abi import plans as a
from glmos.abi.ids import StepId
from glmos.kernel.dependence import begun, voided
from glmos.kernel.patterns import pattern_fault, schema_fault
from glmos.kernel.process import Process
from glmos.kernel.rules import Rules
from glmos.kernel.syscalls import usable
from glmos.kernel.wishes import wanted_files

IMPLIED = "goal"
"""The step of a plan that nobody wrote."""


def implied(p: Process, rules: Rules) -> tuple[a.Step, ...]:
    """The one-step plan of a goal that is acted on at once."""
    return adopt(p, (a.Step(id=IMPLIED, goal=p.goal),), rules)


def adopt(p: Process, steps: Sequence[a.Step], rules: Rules) -> tuple[a.Step, ...]:
    """The plan with checks in the order they will be run, and the kernel's own checks added: those a doer cannot choose."""
    given = bool(p.files) or p.parent is not None
    each: list[a.Check] = [a.GoalCheck()] if given else []
    last: list[a.Check] = [a.CitationCheck()]
    if given or wanted_files(p.goal):
        last.append(a.GoalCheck())
    if rules.critic:
        last.append(a.CriticCheck())
    if any(x.effect != "pure" for t in usable(p, rules).values() for x in t.actions):
        last.append(a.StillCheck())
    return (*(_with(s, each) for s in steps[:-1]), _with(steps[-1], last))


def _with(step: a.Step, own: Sequence[a.Check]) -> a.Step:
    """`step` with those of `own` that it has none of its kind of, in the order of `CHECK_ORDER`."""
    checks = (*step.checks, *(c for c in own if not _has(step, type(c))))
    ordered = tuple(sorted(checks, key=lambda c: a.CHECK_ORDER.index(type(c))))
    return a.Step(step.id, step.goal, step.needs, ordered, step.grants)


def _has(step: a.Step, kind: type[a.Check]) -> bool:
    return any(isinstance(c, kind) for c in step.checks)


def faults(steps: Sequence[a.Step], rules: Rules) -> list[str]:
    """Why these steps cannot be a plan; empty when they can."""
    found: list[str] = []
    if not steps:
        return ["a plan needs at least one step"]
    if len(steps) > rules.max_steps:
        return [f"a plan has at most {rules.max_steps} steps, this one has {len(steps)}"]
    ids = [s.id for s in steps]
    found += [f"step id {i!r} is used twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    for place, step in enumerate(steps):
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", step.id):
            found.append(f"step id {step.id!r} is not 1 to 40 letters, digits, '_', '-' or '.'")
        if not step.goal.strip():
            found.append(f"step {step.id!r} has no goal")
        found += [
            f"step {step.id!r} needs {n!r}, which is not an earlier step" for n in step.needs if n not in ids[:place]
        ]
        if not step.checks and place < len(steps) - 1:
            found.append(f"step {step.id!r} has no check: say how it will be known that it is reached")
        if len(step.checks) > rules.max_checks:
            found.append(f"step {step.id!r} has {len(step.checks)} checks, at most {rules.max_checks} are run")
        for check in step.checks[: rules.max_checks]:
            found += [f"step {step.id!r}: {fault}" for fault in _check_faults(check)]
    return found


def _check_faults(check: a.Check) -> list[str]:
    fault = ""
    if isinstance(check, a.PatternCheck | a.NumberCheck):
        fault = pattern_fault(check.pattern)
    elif isinstance(check, a.SchemaCheck):
        fault = schema_fault(check.schema)
    if fault:
        return [fault]
    if isinstance(check, a.NumberCheck) and check.equals is None and not check.sql and not check.python:
        return ["a number check needs one of equals, sql, python"]
    if isinstance(check, a.CommandCheck | a.PythonCheck):
        text = check.command if isinstance(check, a.CommandCheck) else check.code
        return (
            [] if text.strip() else [f"a {'command' if isinstance(check, a.CommandCheck) else 'python'} check is empty"]
        )
    return []


def reopened(p: Process, steps: Sequence[a.Step]) -> tuple[StepId, ...]:
    """The steps that a revision makes void: those that had passed and that it changed, and whatever was begun that rests on
    a changed step or on one it left out."""
    changed = {s.id for s in steps if p.find(s.id) not in (None, s)}
    void = {s for s in changed if has_passed(p, s)} | {s for s in voided(p, steps) if s in p.steps and begun(p, s)}
    return tuple(s.id for s in steps if s.id in void)


def has_passed(p: Process, step: StepId) -> bool:
    """Verified or not: what needs it may begin."""
    return p.steps[step].status in ("passed", "unverified")


def ready(p: Process) -> a.Step | None:
    """The next step to do: the first one not passed whose needs have passed."""
    for step in p.plan:
        if not has_passed(p, step.id) and all(has_passed(p, n) for n in step.needs):
            return step
    return None
