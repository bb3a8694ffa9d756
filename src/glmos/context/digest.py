"""The words that stand for turns which no longer fit: how things stood after them, the most important kept longest.

    deeds         calls by which steps not yet passed have changed something, what must not be done twice: first those
                  that no restored file takes back, all of them if the shortest words allow it
    the plan      whole, with its checks, so that a revision can repeat it; then goals alone; then names; then a count
    the person    answers and corrections, newest first; then what was undone and which files changed
    children      those that still run, then the newest
    other calls   the newest; `look` has the rest

Each part may take a share of the room that is left; what it does not need goes to the next. However long the
conversation was, the digest is no larger than its room, or about 70 tokens where that is less.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from glmos.abi import plans as a
from glmos.abi.ids import StepId
from glmos.abi.tools import LASTING
from glmos.context.sizes import approximate_tokens
from glmos.context.standing import Made, Said, Standing

HEAD = "Earlier turns, in short, and how things stood after them."
CALLS = "`look` shows an output again, and it can still be quoted"
LONGEST = 500
"""Tokens of one thing that was said."""
LONGEST_CALL = 60
SHORTEST_CALL = 15
NAME = 40
"""Characters of a step's id: the most that a plan may have. Old logs may hold longer ones."""


def digest(now: Standing, room: int) -> str:
    """At most about `room` tokens."""
    left = max(0, room - 60)  # the head and the headings
    every = [(place, _call(now, x)) for place, x in enumerate(now.calls.values())]
    fresh = {place for place, x in enumerate(now.calls.values()) if _is_deed(now, x)}
    # What of these is forgotten may be done twice.
    lasting = {place for place, x in enumerate(now.calls.values()) if place in fresh and x.effect in LASTING}
    deeds = _all([x for x in every if x[0] in lasting], left // 2)
    deeds += _newest(
        [x for x in every if x[0] in fresh - lasting], left // 2 - _size([x for _, x in deeds]), LONGEST_CALL
    )
    left -= _size([x for _, x in deeds])
    plan = _plan(now, left // 2)
    left -= _size(plan)
    said, undone = _said(now), _undone(now)
    person = _newest(said, left // 2, LONGEST)
    left -= _size([x for _, x in person])
    fate = _newest(undone, left // 3, LONGEST)
    left -= _size([x for _, x in fate])
    born = _newest(_children(now), left // 3, LONGEST)
    left -= _size([x for _, x in born])
    calls = deeds + _newest([x for x in every if x[0] not in fresh], left, LONGEST_CALL)
    parts = [
        _part("The person", [x for _, x in sorted(person + fate)], len(said) + len(undone) - len(person) - len(fate)),
        _part("Children", [x for _, x in born], len(now.children) - len(born)),
        _part(f"Calls; {CALLS}", [x for _, x in sorted(calls)], len(now.calls) - len(calls)),
        _part("The plan now", plan, 0),  # last: what an undo took back may have been done again since
    ]
    return "\n".join([HEAD, *(line for part in parts for line in part)])


def _part(name: str, lines: Sequence[str], missing: int) -> list[str]:
    if not lines and not missing:
        return []
    left_out = f" ({missing} more left out)" if missing else ""
    return [f"{name}{left_out}:", *lines]


def _size(lines: Iterable[str]) -> int:
    return sum(approximate_tokens(x) for x in lines)


def _newest(lines: Sequence[tuple[int, str]], room: int, longest: int) -> list[tuple[int, str]]:
    """The last of `lines` that fit, in order; each at most half the room, so that one does not drive out the rest."""
    found: list[tuple[int, str]] = []
    longest = min(longest, max(room // 2, 30))
    for place, line in reversed(lines):
        short = _shortened(line, longest)
        room -= approximate_tokens(short)
        if room < 0:
            break
        found.append((place, short))
    return found[::-1]


def _all(lines: Sequence[tuple[int, str]], room: int) -> list[tuple[int, str]]:
    """All of `lines`, shorter if need be; the last that fit where even the shortest are too many."""
    for longest in (LONGEST_CALL, LONGEST_CALL // 2, SHORTEST_CALL):
        found = _newest(lines, room, longest)
        if len(found) == len(lines):
            return found
    return _newest(lines, room, SHORTEST_CALL)


def _shortened(text: str, tokens: int) -> str:
    """One line of at most about so many tokens."""
    text = " ".join(text[: tokens * 8].split()) + (" [...]" if len(text) > tokens * 8 else "")
    size = approximate_tokens(text)
    return text if size <= tokens else f"{text[: len(text) * tokens // size]} [...]"


# -- the plan ---------------------------------------------------------------------------------------------------------


def _plan(now: Standing, room: int) -> list[str]:
    trouble = [f"Last: {_shortened(now.trouble, max(room // 3, 30))}"] if now.trouble else []
    if now.implied or not now.plan:
        return [f"to be done again: {_shortened(x, LONGEST)}" for x in now.again.values()][:1] + trouble
    room -= _size(trouble)
    ways: tuple[Callable[[Standing], list[str]], ...] = (_whole, _goals, _names, _count)
    written: list[str] = []
    for way in ways:
        written = way(now)
        if _size(written) <= room:
            break
    return written + trouble


def _whole(now: Standing) -> list[str]:
    """As the model wrote it: a revision that repeats a step unchanged leaves it passed."""
    last = now.plan[-1]
    return [f"- {_state(now, s.id)}: {msgspec.json.encode(_written(s, last=s is last)).decode()}" for s in now.plan]


def _written(step: a.Step, *, last: bool) -> a.Step:
    """Without the checks that the kernel adds by itself."""
    own: tuple[a.Check, ...] = (a.GoalCheck(), a.StillCheck())
    own = (*own, a.CitationCheck(), a.CriticCheck()) if last else own
    return replace(step, checks=tuple(c for c in step.checks if c not in own))


def _goals(now: Standing) -> list[str]:
    return [f"- {s.id[:NAME]} {_state(now, s.id)}: {_shortened(s.goal, 60)}" for s in now.plan]


def _names(now: Standing) -> list[str]:
    """Names alone of what has passed, and beginnings of goals of what is to come."""
    passed = [s.id[:NAME] for s in now.plan if s.id in now.passed]
    rest = [
        f"- {s.id[:NAME]} {_state(now, s.id, 20)}: {_shortened(s.goal, 15)}" for s in now.plan if s.id not in now.passed
    ]
    return ([f"- passed: {', '.join(passed)}"] if passed else []) + rest


def _count(now: Standing) -> list[str]:
    current = next((s for s in now.plan if s.id == now.step), None)
    doing = f"; being done: {current.id[:NAME]}: {_shortened(current.goal, 30)}" if current is not None else ""
    again = [s.id[:NAME] for s in now.plan if s.id in now.again]
    more = f"; to be done again: {_shortened(', '.join(again), 20)}" if again else ""
    return [f"- {len(now.passed)} of {len(now.plan)} steps have passed{doing}{more}"]


def _state(now: Standing, step: StepId, tokens: int = 60) -> str:
    if step in now.passed:
        return "passed" if now.passed[step] else "done, could not be verified"
    again = f"to be done again ({_shortened(now.again[step], tokens)})" if step in now.again else ""
    if step == now.step:
        return f"being done, {again}" if again else "being done"
    return again or "to do"


# -- what else is kept ------------------------------------------------------------------------------------------------


def _said(now: Standing) -> list[tuple[int, str]]:
    return [(seq, f"- {fact.text}") for seq, fact in now.said.values() if isinstance(fact, Said)]


def _undone(now: Standing) -> list[tuple[int, str]]:
    """Taking back what was taken back before says nothing new, but for what could not be."""
    lines: dict[str, int] = {}
    for seq, event in now.undone:
        left = [x for x in event.left if x.partition(":")[0] not in now.left]
        line = f"- undid everything since the beginning of step {event.step!r}."
        line += f" Not taken back: {'; '.join(left)}." if left else ""
        lines.pop(line, None)
        lines[line] = seq
    changed = [(seq, f"- the file {name!r} was changed") for name, seq in now.changed.items()]
    return sorted([*((seq, line) for line, seq in lines.items()), *changed])


def _children(now: Standing) -> list[tuple[int, str]]:
    """Those that still run count as the newest."""
    ended = [(pid, x) for pid, x in now.children.items() if x.end is not None]
    running = [(pid, x) for pid, x in now.children.items() if x.end is None]
    lines: list[str] = []
    for pid, child in (*ended, *running):
        goal = _shortened(child.goal, 25)
        if child.end is None:
            lines.append(f"- {pid} ({goal}): started")
            continue
        files = f" Files: {', '.join(child.end.files)}." if child.end.files else ""
        lines.append(f"- {pid} ({goal}): ended {child.end.status}: {child.end.answer or child.end.reason}{files}")
    return list(enumerate(lines))


def _is_deed(now: Standing, made: Made) -> bool:
    """What failed is none: a call that is cut off again and again must not drive out what was done."""
    return made.effect != "pure" and not made.failed and made.step not in now.passed


def _call(now: Standing, made: Made) -> str:
    if made.call in now.left:
        return made.line.replace(made.call, f"{made.call} (not taken back)", 1)
    if made.begun < now.reopened.get(made.step, 0):
        return made.line.replace(made.call, f"{made.call} (counts no more)", 1)
    return made.line
