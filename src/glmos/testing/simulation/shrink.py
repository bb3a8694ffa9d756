"""Makes a failing scenario smaller while it still fails in the same way: fewer faults, goals, deeds and replies.

What is left out moves the place at which the power goes; so where leaving something out alone does not fail any more, the
faults are tried a little earlier as well.
"""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from glmos.abi.budgets import Limits
from glmos.testing.simulation.run import Outcome, play
from glmos.testing.simulation.scenario import Act, Fault, Goal, Scenario

MOST_RUNS = 1_500
EARLIER = 60
"""How far a fault is moved towards the beginning."""


def kind_of(problem: str) -> str:
    """What a problem is about, whichever process and event it is."""
    return re.sub(r"\d+", "N", problem)


class _Shrinking:
    def __init__(self, outcome: Outcome) -> None:
        self.kind = kind_of(outcome.problems[0])
        self.left = MOST_RUNS

    def fails(self, scenario: Scenario) -> bool:
        self.left -= 1
        problems = play(scenario).problems
        return bool(problems) and kind_of(problems[0]) == self.kind


def shrink(scenario: Scenario) -> Scenario:
    """The smallest scenario found that fails as `scenario` does.

    Raises:
        ValueError: It does not fail.
    """
    outcome = play(scenario)
    if not outcome.problems:
        raise ValueError(f"the scenario of seed {scenario.seed} does not fail, so it cannot be made smaller")
    work = _Shrinking(outcome)
    while work.left > 0:
        smaller = next((x for x in _smaller(scenario) if work.left > 0 and work.fails(x)), None)
        if smaller is None:
            smaller = next((x for x in _smaller_and_earlier(scenario) if work.left > 0 and work.fails(x)), None)
        if smaller is None:
            return scenario
        scenario = smaller
    return scenario


def _smaller(s: Scenario) -> Iterator[Scenario]:
    """With one thing less, the largest things first."""
    for i in range(len(s.goals)):
        if len(s.goals) > 1:
            yield replace(s, goals=s.goals[:i] + s.goals[i + 1 :])
    for i in range(len(s.faults)):
        yield replace(s, faults=s.faults[:i] + s.faults[i + 1 :])
    for i in range(len(s.events)):
        yield replace(s, events=s.events[:i] + s.events[i + 1 :])
    for i in range(len(s.jumps)):
        yield replace(s, jumps=s.jumps[:i] + s.jumps[i + 1 :])
    for i, goal in enumerate(s.goals):
        for smaller in _smaller_goals(goal):
            yield replace(s, goals=(*s.goals[:i], smaller, *s.goals[i + 1 :]))
    plain = replace(s, shuffled=False), replace(s, codec=False), replace(s, calm=True)
    places = replace(s, models_at_once=64), replace(s, tools_at_once=8)
    yield from (x for x in (*plain, *places) if x != s)


def _smaller_goals(goal: Goal) -> Iterator[Goal]:
    for i in range(len(goal.acts)):
        yield replace(goal, acts=goal.acts[:i] + goal.acts[i + 1 :])
    for i in range(len(goal.children)):
        yield replace(goal, children=goal.children[:i] + goal.children[i + 1 :])
        for j in range(len(goal.children[i])):
            child = goal.children[i][:j] + goal.children[i][j + 1 :]
            yield replace(goal, children=(*goal.children[:i], child, *goal.children[i + 1 :]))
    plain = replace(goal, limits=Limits()), replace(goal, priority=0), replace(goal, files=0), replace(goal, at=0.0)
    yield from (x for x in plain if x != goal)
    for i, act in enumerate(goal.acts):
        for smaller in (replace(act, size=1), replace(act, late=0.0), replace(act, seconds=0.0)):
            if smaller != act:
                yield replace(goal, acts=(*goal.acts[:i], smaller, *goal.acts[i + 1 :]))


def _smaller_and_earlier(s: Scenario) -> Iterator[Scenario]:
    for smaller in _smaller(s):
        for i, fault in enumerate(smaller.faults):
            for nth in range(fault.nth - 1, max(0, fault.nth - EARLIER), -1):
                earlier = (*smaller.faults[:i], Fault(fault.trouble, nth), *smaller.faults[i + 1 :])
                yield replace(smaller, faults=earlier)


def described(s: Scenario) -> list[str]:
    """The scenario in readable lines."""
    lines = [f"seed {s.seed}: ready tasks in {'a drawn order' if s.shuffled else 'order of age'}"]
    if s.codec:
        lines.append("the store writes events out and reads them back")
    for i, goal in enumerate(s.goals):
        limits = {k: x for k in Limits.__struct_fields__ if (x := getattr(goal.limits, k)) is not None}
        extra = f", limits {limits}" if limits else ""
        extra += "" if goal.approve_all else ", a person approves what cannot be taken back"
        lines.append(f"goal {i} at {goal.at:g} s{extra}: {_acts(goal.acts)}")
        lines += [f"    its child {j}: {_acts(acts)}" for j, acts in enumerate(goal.children)]
    lines += [f"at {x.at:g} s a person does: {x.deed} ({x.target}, {x.number})" for x in s.events]
    lines += [f"at {x.at:g} s the clock is set by {x.by:+g} s" for x in s.jumps]
    lines += [f"goes wrong: {x.trouble.replace('_', ' ')}, the {x.nth}. time it can" for x in s.faults]
    return lines


def _acts(acts: tuple[Act, ...]) -> str:
    return ", ".join(f"{a.kind}{f'×{a.size}' if a.size > 1 else ''}" for a in acts) or "ends at once"
