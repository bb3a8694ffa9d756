"""A whole day in one scenario: hundreds of goals that arrive over 24 virtual hours, and a machine that is restarted."""

from random import Random

from msgspec.structs import replace

from glmos.testing.simulation.scenario import Event, Fault, Jump, Scenario, Trouble, scenario_of

HOURS = 24.0
SECONDS = HOURS * 3600.0
_TROUBLES: tuple[Trouble, ...] = (
    "append_fails",
    "append_slow",
    "read_fails",
    "workspace_fails",
    "stolen",
    "release_fails",
)


def day_of(seed: int, processes: int = 300) -> Scenario:
    """`processes` goals, a crash about every hour, a few of every other trouble, and the clock set twice."""
    r = Random(seed)
    drawn = [scenario_of(seed * 1_000 + i) for i in range(processes)]
    goals = [replace(s.goals[0], at=round(r.random() * SECONDS, 1)) for s in drawn]
    events: list[Event] = []
    for scenario in drawn:
        shift = r.random() * SECONDS
        events += [replace(x, at=round(x.at + shift, 1), target=r.randrange(processes)) for x in scenario.events]
    crashes = [Fault("crash", r.randrange(1, processes * 60)) for _ in range(24)]
    restarts = [Fault("restart", r.randrange(1, processes * 60)) for _ in range(3)]
    others = [Fault(r.choice(_TROUBLES), r.randrange(1, processes * 2)) for _ in range(24)]
    jumps = (Jump(SECONDS / 3, -3600.0), Jump(SECONDS / 2, 3600.0))
    return Scenario(
        seed, tuple(sorted(goals, key=lambda g: g.at)), tuple(sorted(events, key=lambda x: x.at)),
        (*crashes, *restarts, *others), jumps, models_at_once=4, tools_at_once=8,
    )  # fmt: skip
