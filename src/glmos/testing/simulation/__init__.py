"""Deterministic simulation: the real kernel and runtime in virtual time, in a world that is drawn from a seed.

    outcome = play(scenario_of(4711), traced=True)
    assert not outcome.problems, outcome.trace

`scenario` draws what will be tried, `run` plays it, `audit`, `outside`, `spending` and `rest` say what may not be, `shrink`
makes a failing scenario small, `campaign` runs many.
"""

from glmos.testing.simulation.campaign import Tally, run_campaign
from glmos.testing.simulation.day import day_of
from glmos.testing.simulation.run import Outcome, play
from glmos.testing.simulation.scenario import Scenario, scenario_of, with_corrections
from glmos.testing.simulation.shrink import described, shrink

__all__ = [
    "Outcome",
    "Scenario",
    "Tally",
    "day_of",
    "described",
    "play",
    "run_campaign",
    "scenario_of",
    "shrink",
    "with_corrections",
]
