"""What rests on what, and so what must be done again when something turns out wrong.

A step rests on the steps it needs, on the calls that were made for it and those its claims cite, on the files these calls
read, and so on the steps that made a cited call or last wrote such a file. A program may have read any file: it rests on
every file of the person's (`file:*`), and of other steps on those alone that its own step needs.

What was made in a life of a step that was cut off by its being reopened counts for nothing after. `fold` keeps what steps
record, `plans` and `runtime` ask here what to reopen, and `design/10-selective-reopening.md` says where this is exact.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from glmos.abi import events as e
from glmos.abi.errors import NotFoundError
from glmos.abi.ids import CallId, StepId
from glmos.abi.plans import Step
from glmos.kernel.process import Call, Process

ANY_FILE = "file:*"


def used(p: Process, step: Step) -> tuple[str, ...]:
    """What a step rests on as far as it has got: `step:ID`, `call:cN`, `file:NAME`, `file:*` when a program ran."""
    own, cited = _own(p, step.id), _cited(p, step.id)
    calls = [p.calls[name] for name in (*own, *cited) if name in p.calls]
    files = sorted({s if s != "workspace" else ANY_FILE for c in calls for s in c.sources if _is_file(s)})
    seen = [
        s.removeprefix("call:") for c in calls for s in c.sources if s.startswith("call:") and s != f"call:{c.call}"
    ]
    looked = [c for c in dict.fromkeys((*cited, *seen)) if c not in own]
    makers = [*(_maker(p, c) for c in looked), *(_writer(p, c, s) for c in calls for s in c.sources)]
    steps = dict.fromkeys((*step.needs, *(m for m in makers if m and m != step.id and m in p.steps)))
    return (*(f"step:{x}" for x in steps), *(f"call:{c}" for c in (*own, *looked)), *files)


def dependants(p: Process, plan: Iterable[Step], roots: Iterable[StepId]) -> dict[StepId, StepId]:
    """Every step of `plan` that rests on one of `roots`, directly or not, each with the step through which it does."""
    return _reached({s.id: _links(p, s) for s in plan}, roots)


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

    An answer that the person gave before there was a plan is part of the goal: all steps rest on it.
    """
    if source.startswith("step:"):
        return [s.id for s in p.plan if f"step:{s.id}" == source and begun(p, s.id)]
    wanted = {source, ANY_FILE} if _is_file(source) else {source}
    everybody = p.answered_in.get(source.removeprefix("call:")) == ""
    return [s.id for s in p.plan if begun(p, s.id) and (everybody or not wanted.isdisjoint(_recorded(p, s)))]


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
    before = [s.id for s in p.plan[: p.plan.index(step)]]
    return next((s for s in before if not begun(p, s) and f"step:{s}" in used(p, step)), "")


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


def _links(p: Process, step: Step) -> tuple[StepId, ...]:
    if step.id not in p.steps or not begun(p, step.id):
        return step.needs
    return (*step.needs, *(x.removeprefix("step:") for x in _recorded(p, step) if x.startswith("step:")))


def _own(p: Process, step: StepId) -> list[CallId]:
    """The calls made for a step in its present life."""
    since = p.steps[step].reopened_at
    calls = [c.call for c in p.calls.values() if c.step == step and _counts(c) and c.intended_at > since]
    return calls + [c for c, where in p.answered_in.items() if where == step and p.answered[c] > since]


def _cited(p: Process, step: StepId) -> list[CallId]:
    names = dict.fromkeys(x.call for x in p.steps[step].claims)
    return [c for c in names if (c in p.calls and _counts(p.calls[c])) or c in p.answered_in]


def _counts(call: Call) -> bool:
    return not call.failed and not call.undone


def _maker(p: Process, call: CallId) -> StepId:
    """The step for which a call was made; empty for one made before there was a plan."""
    return (p.calls[call].step or "") if call in p.calls else p.answered_in.get(call, "")


def _writer(p: Process, reader: Call, source: str) -> StepId:
    """The step that had last written a file when a call read it, if any has."""
    name = source.removeprefix("file:")
    if not _is_file(source) or source == ANY_FILE:
        return ""
    earlier = [c for c in p.calls.values() if name in c.files and _counts(c) and c.finished_at < reader.intended_at]
    return (max(earlier, key=lambda c: c.finished_at).step or "") if earlier else ""


def _is_file(source: str) -> bool:
    return source == "workspace" or source.startswith("file:")
