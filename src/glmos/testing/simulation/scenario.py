"""What will be tried: goals, what the model does about them, what a person does meanwhile, and what goes wrong when.

A scenario is plain data drawn from a seed. Everything that can be left out without changing the rest is an item of a
tuple, so that a failing one can be made smaller; the finer dice (how long, how it turns out) are thrown by place
(`dice`).
"""

from random import Random
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from glmos.abi.budgets import Limits

Reply = Literal[
    "look", "note", "book", "order", "mail", "shout", "mixed", "plan", "finish", "false", "ask", "give_up", "spawn", "wait",
    "rest", "learn", "use", "prose", "empty", "cut", "garbage", "unknown", "repeat", "filtered", "unreachable",
]  # fmt: skip
"""What a model may answer. `mixed` is several calls of any kind; `false` a result with an invented number."""

Deed = Literal[
    "kill", "suspend", "resume", "renice", "raise", "lower", "model", "undo", "fork", "answer", "look_up", "edit", "wait",
    "correct",
]  # fmt: skip
"""What a person may do unasked."""

Trouble = Literal[
    "crash", "crash_in_effect", "append_fails", "append_slow", "stolen", "read_fails", "workspace_fails", "blob_fails",
    "release_fails", "restart",
]  # fmt: skip
"""What may go wrong at a place that can be counted. `crash_in_effect`: while a tool, a probe or a restore is at work.
`stolen`: somebody else wrote to the log just before."""


class Act(Struct, frozen=True):
    """One reply of a model."""

    kind: Reply
    size: int = 1
    """How many calls or steps, where that applies."""
    seconds: float = 1.0
    late: float = 0.0
    """For how long the driver goes on after it was cancelled."""


class Goal(Struct, frozen=True):
    """A process to be, and its model's replies; when they are used up, the model brings the work to an end."""

    at: float
    acts: tuple[Act, ...]
    children: tuple[tuple[Act, ...], ...] = ()
    """The replies in the children it may spawn."""
    limits: Limits = Limits()
    priority: int = 0
    approve_all: bool = True
    files: int = 0


class Event(Struct, frozen=True):
    """Something a person does."""

    at: float
    deed: Deed
    target: int
    """Which process, counted through those there are."""
    number: int = 0


class Fault(Struct, frozen=True):
    """Something that goes wrong the `nth` time it could."""

    trouble: Trouble
    nth: int


class Jump(Struct, frozen=True):
    """The wall clock is set by so many seconds."""

    at: float
    by: float


class Scenario(Struct, frozen=True):
    """Everything that one run depends on."""

    seed: int
    goals: tuple[Goal, ...]
    events: tuple[Event, ...] = ()
    faults: tuple[Fault, ...] = ()
    jumps: tuple[Jump, ...] = ()
    shuffled: bool = True
    """Ready tasks run in a drawn order."""
    codec: bool = False
    """The store writes events out and reads them back, as a disk would."""
    models_at_once: int = 64
    tools_at_once: int = 8
    calm: bool = False
    """Tools and critics do what they are asked, at once."""


REPLIES: tuple[Reply, ...] = get_args(Reply)
_WORK: tuple[Reply, ...] = ("look", "note", "book", "order", "mail", "shout", "mixed", "finish")
_DEEDS: tuple[Deed, ...] = tuple(deed for deed in get_args(Deed) if deed != "correct")
"""Those a seed draws. `correct` came later and is put in by `with_corrections`, so that each seed is what it was."""
_TROUBLES: tuple[Trouble, ...] = get_args(Trouble)
_MOST: dict[Trouble, int] = {
    "crash": 200, "crash_in_effect": 30, "append_fails": 50, "append_slow": 50, "stolen": 50, "restart": 100,
}  # fmt: skip
"""About how many places there are for it in a run."""


def scenario_of(seed: int) -> Scenario:
    """The scenario of a seed. Each seed draws which kinds of things happen at all, and then how often."""
    r = Random(seed)
    replies: list[Reply] = [k for k in REPLIES if r.random() < 0.4] or ["look"]
    work: list[Reply] = [k for k in _WORK if r.random() < 0.6] or ["mail"]
    goals = tuple(_goal(r, i, replies, work) for i in range(r.choice((1, 1, 1, 1, 2, 2, 3))))
    span = r.choice((3.0, 10.0, 60.0))
    deeds: list[Deed] = [k for k in _DEEDS if r.random() < 0.35]
    count = r.choice((0, 0, 1, 2, 4)) if deeds else 0
    events = [Event(_moment(r, span), r.choice(deeds), r.randrange(6), r.randrange(100)) for _ in range(count)]
    # Who was refused, or cut off, tries again.
    events += [replace(x, at=x.at + 40.0) for x in events if x.deed in ("undo", "kill") and r.random() < 0.6]
    jumps = [Jump(round(r.random() * span, 2), r.choice((-3600.0, -20.0, 20.0, 3600.0)))] if r.random() < 0.08 else []
    return Scenario(
        seed, goals, tuple(sorted(events, key=_time)), _faults(r), tuple(jumps), r.random() < 0.8, r.random() < 0.12,
        r.choice((1, 2, 64)), r.choice((1, 2, 8)), r.random() < 0.3,
    )  # fmt: skip


def with_corrections(scenario: Scenario) -> Scenario:
    """The same, with a person who also says up to three times that a call or a step told something wrong."""
    r = Random(f"correct {scenario.seed}")
    span = max([10.0, *(x.at for x in scenario.events)])
    said = [Event(_moment(r, span), "correct", r.randrange(6), r.randrange(100)) for _ in range(r.randint(1, 3))]
    return replace(scenario, events=tuple(sorted((*scenario.events, *said), key=_time)))


def _moment(r: Random, span: float) -> float:
    """Some time; now and then while the first processes are being created."""
    return round(r.random() * span, 2) if r.random() < 0.8 else round(r.random() * 0.05, 3)


def _time(event: Event) -> float:
    return event.at


def _acts(r: Random, replies: list[Reply], work: list[Reply], most: int) -> tuple[Act, ...]:
    found: list[Act] = []
    for _ in range(r.randint(1, most)):
        kind = r.choice(work) if r.random() < 0.7 else r.choice(replies)
        late = 5.0 if r.random() < 0.04 else 0.0
        found.append(Act(kind, r.randint(1, 3), r.choice((0.0, 0.2, 1.0, 4.0)), late))
    return tuple(found)


def _goal(r: Random, place: int, replies: list[Reply], work: list[Reply]) -> Goal:
    children: tuple[tuple[Act, ...], ...] = ()
    acts = _acts(r, replies, work, 6)
    if r.random() < 0.3:
        children = tuple(_acts(r, replies, work, 3) for _ in range(r.randint(1, 2)))
        acts = (acts[0], *(Act("spawn", seconds=0.2) for _ in children), *acts[1:])
    limits = _limits(r) if r.random() < 0.3 else Limits()
    at = 0.0 if place == 0 else r.choice((0.0, 0.5, 5.0))
    return Goal(at, acts, children, limits, r.choice((0, 0, 5, -5)), r.random() < 0.7, int(r.random() < 0.15))


def _limits(r: Random) -> Limits:
    match r.randrange(5):
        case 0:
            return Limits(tokens=r.choice((1_500, 4_000, 8_000, 20_000)))
        case 1:
            return Limits(model_calls=r.randint(1, 8))
        case 2:
            return Limits(tool_calls=r.randint(0, 5))
        case 3:
            return Limits(usd=r.choice((0.002, 0.01, 0.03)))
        case _:
            return Limits(seconds=r.choice((0.5, 3.0, 12.0)))


def _faults(r: Random) -> tuple[Fault, ...]:
    """Up to a few; a crash is the likeliest. Where: evenly, or evenly in the logarithm, as the beginning is reached more
    often than the end."""
    found: list[Fault] = []
    for _ in range(r.choice((0, 1, 1, 2, 2, 3, 5))):
        roll = r.random()
        trouble: Trouble = "crash" if roll < 0.45 else "crash_in_effect" if roll < 0.65 else r.choice(_TROUBLES)
        most = _MOST.get(trouble, 6)
        found.append(Fault(trouble, int(most ** r.random()) if r.random() < 0.5 else r.randint(1, most)))
    return tuple(found)
