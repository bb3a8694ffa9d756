"""What rests on what, and so what must be done again when something turns out wrong.

A step rests on the steps it needs, on the calls that were made for it and those its claims cite, on the files these calls
read, and so on the steps that made a cited call or last wrote such a file. A program may have read any file: it rests on
every file of the person's (`file:*`), and of other steps on those alone that its own step needs.

What was made in a life of a step that was cut off by its being reopened counts for nothing after. `fold` keeps what steps
record, `plans` and `runtime` ask here what to reopen, and `design/10-selective-reopening.md` says where this is exact.
"""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from glmos.abi import events as e
from glmos.abi.errors import NotFoundError
from glmos.abi.ids import CallId, Seq, StepId
from glmos.abi.plans import Step
from glmos.kernel.process import Call, Child, Process

ANY_FILE = "file:*"


def used(p: Process, step: Step) -> tuple[str, ...]:
    """What a step rests on as far as it has got: `step:ID`, `call:cN`, `file:NAME`, `file:*` when a program ran."""
    own, cited = _own(p, step.id), _cited(p, step.id)
    calls = [p.calls[name] for name in (*own, *cited) if name in p.calls and f"call:{name}" not in p.corrected]
    lent = _lent(p, step.id)
    files = sorted({s if s != "workspace" else ANY_FILE for c in (*calls, *lent) for s in c.sources if _is_file(s)})
    seen = [
        s.removeprefix("call:") for c in calls for s in c.sources if s.startswith("call:") and s != f"call:{c.call}"
    ]
    looked = [c for c in dict.fromkeys((*cited, *seen)) if c not in own]
    written = _written(p)
    makers = [_maker(p, c) for c in looked]
    makers += [x for c in calls for s in c.sources for x in _writers(written.get(_name(s), []), c.intended_at)]
    for child in lent:
        inside = [made for name, made in written.items() if any(reads(f"file:{name}", _name(s)) for s in child.sources)]
        makers += [x for made in inside for x in _writers(made, child.begun)]
    steps = dict.fromkeys((*step.needs, *(m for m in makers if m and m != step.id and m in p.steps)))
    return (*(f"step:{x}" for x in steps), *(f"call:{c}" for c in (*own, *looked)), *files)


def dependants(p: Process, plan: Iterable[Step], roots: Iterable[StepId]) -> dict[StepId, StepId]:
    """Every step of `plan` that rests on one of `roots`, directly or not, each with the step through which it does."""
    return _reached({s.id: _links(p, s) for s in plan}, roots)


def voided(p: Process, plan: Sequence[Step]) -> set[StepId]:
    """The steps of a new `plan` that rest on a step which it changes or leaves out, whether or not they change themselves."""
    gone = {s.id for s in p.plan} - {s.id for s in plan}
    wrong = {s.id for s in plan if p.find(s.id) not in (None, s)} | gone
    wrong |= set(dependants(p, plan, wrong))
    return {s.id for s in plan if not wrong.isdisjoint(_links(p, s))}


def needing(plan: Iterable[Step], root: StepId) -> Collection[StepId]:
    """Every step of `plan` that needs `root` as the plan has it, directly or not."""
    return _reached({s.id: s.needs for s in plan}, [root])


def reopening(p: Process, roots: Mapping[StepId, str]) -> tuple[e.StepReopened, ...]:
    """The steps to be done again: `roots`, each with its reason, and what rests on them. In the order of the plan."""
    through = dependants(p, p.plan, roots)
    why = {s: f"it rests on step {x!r}, which is done again" for s, x in through.items()} | dict(roots)
    return tuple(e.StepReopened(s.id, why[s.id]) for s in p.plan if s.id in why and begun(p, s.id))


def resting_on(p: Process, source: str) -> list[StepId]:
    """The steps begun that rest on `source` themselves: `file:NAME`, `call:cN`, `step:ID`.

    An answer that the person gave outside of any step is part of the goal: all steps begun after it rest on it.
    """
    if source.startswith("step:"):
        return [s.id for s in p.plan if f"step:{s.id}" == source and begun(p, s.id)]
    call = source.removeprefix("call:")
    told = p.answered[call] if p.answered_in.get(call) == "" else sys.maxsize
    return [s.id for s in p.plan if begun(p, s.id) and (told < p.steps[s.id].started_at or _goes_by(p, s, source))]


def reads(source: str, name: str) -> bool:
    """Whether what came from `source` rests on the person's file or folder `name`."""
    return source in ("workspace", ANY_FILE, f"file:{name}") or source.startswith(f"file:{name}/")


def given_to(child: Child) -> tuple[str, ...]:
    """The files a child was given, as sources."""
    return tuple(f"file:{PurePosixPath(x)}" for x in child.spawned.files if x != ".") or ("workspace",)


def correctable(p: Process, what: str) -> str:
    """What a person means by `cN` or the name of a step: `call:cN` or `step:ID`.

    Raises: NotFoundError when the process has neither.
    """
    kind, _, name = what.rpartition(":")
    if kind in ("", "call") and (name in p.calls or name in p.answered_in):
        return f"call:{name}"
    if kind in ("", "step") and p.find(name) is not None:
        return f"step:{name}"
    steps = ", ".join(s.id for s in p.plan) or "none yet"
    raise NotFoundError(
        f"process {p.pid} has no call and no step {what!r}; `glmos log {p.pid}` shows its calls, its steps are: {steps}"
    )


def unsettled(p: Process, step: Step) -> StepId:
    """A step that `step` rests on and that was opened again while it was being done; empty when there is none.

    Only one that comes before it in the plan: that is done first, so `step` is put off once for each time, and not for ever.
    """
    waiting = [s.id for s in p.plan[: p.plan.index(step)] if not begun(p, s.id)]
    rests_on = used(p, step) if waiting else ()
    return next((s for s in waiting if f"step:{s}" in rests_on), "")


def begun(p: Process, step: StepId) -> bool:
    return p.steps[step].status != "waiting"


def outdated(p: Process, call: CallId) -> str:
    """Why what a call gave counts no more; empty when it does. A correction by the person counts in its place."""
    step = _maker(p, call)
    made = p.calls[call].intended_at if call in p.calls else p.answered.get(call, 0)
    if step in p.steps and made < p.steps[step].reopened_at and f"call:{call}" not in p.corrected:
        return f"step {step!r} was opened again after it: call again"
    return ""


# -- inside -----------------------------------------------------------------------------------------------------------


def _reached(links: Mapping[StepId, Sequence[StepId]], roots: Iterable[StepId]) -> dict[StepId, StepId]:
    found = dict.fromkeys(roots, "")
    grown = True
    while grown:
        new = {s: n for s, needs in links.items() if s not in found for n in needs[::-1] if n in found}
        found |= new
        grown = bool(new)
    return {s: through for s, through in found.items() if through}


def _recorded(p: Process, step: Step) -> tuple[str, ...]:
    """What it rests on: as recorded when it passed, or so far."""
    state = p.steps[step.id]
    return state.used if state.status in ("passed", "unverified") else used(p, step)


def _goes_by(p: Process, step: Step, source: str) -> bool:
    """Whether it rests on `source` itself, not through another step."""
    return any(reads(x, _name(source)) if _is_file(source) else x == source for x in _recorded(p, step))


def _links(p: Process, step: Step) -> tuple[StepId, ...]:
    if step.id not in p.steps or not begun(p, step.id):
        return step.needs
    return (*step.needs, *(x.removeprefix("step:") for x in _recorded(p, step) if x.startswith("step:")))


def _own(p: Process, step: StepId) -> list[CallId]:
    """The calls made for a step in its present life, and those of an earlier one in whose place the person's word counts."""
    since = p.steps[step].reopened_at
    made = {c.call: c.intended_at for c in p.calls.values() if c.step == step and _counts(c)}
    made |= {c: p.answered[c] for c, where in p.answered_in.items() if where == step}
    return [c for c, at in made.items() if at > since or f"call:{c}" in p.corrected]


class _Lent(NamedTuple):
    """Files that a child was given."""

    begun: Seq
    sources: tuple[str, ...]


def _lent(p: Process, step: StepId) -> list[_Lent]:
    """What children were given to go by: those of a step in its present life, and those from before there was a step."""
    state = p.steps[step]
    children = [c for c in p.children.values() if not c.undone and c.spawned_at > state.reopened_at]
    mine = [
        c for c in children if c.spawned.step == step or (c.spawned.step is None and c.spawned_at < state.started_at)
    ]
    return [_Lent(c.spawned_at, given_to(c)) for c in mine]


def _cited(p: Process, step: StepId) -> list[CallId]:
    names = dict.fromkeys(x.call for x in p.steps[step].claims)
    return [c for c in names if (c in p.calls and _counts(p.calls[c])) or c in p.answered_in]


def _counts(call: Call) -> bool:
    return not call.failed and not call.undone


def _maker(p: Process, call: CallId) -> StepId:
    """The step for which a call was made; empty for one made before there was a plan."""
    return (p.calls[call].step or "") if call in p.calls else p.answered_in.get(call, "")


def _written(p: Process) -> Mapping[str, Sequence[Call]]:
    """By name, the calls that wrote a file."""
    found: defaultdict[str, list[Call]] = defaultdict(list)
    for c in p.calls.values():
        for name in c.files if _counts(c) else ():
            found[name].append(c)
    return found


def _writers(calls: Sequence[Call], at: Seq) -> list[StepId]:
    """The step that had last written a file when it was read, if any had."""
    earlier = [c for c in calls if c.finished_at < at]
    return [max(earlier, key=lambda c: c.finished_at).step or ""] if earlier else []


def _name(source: str) -> str:
    return source.removeprefix("file:")


def _is_file(source: str) -> bool:
    return source == "workspace" or source.startswith("file:")
