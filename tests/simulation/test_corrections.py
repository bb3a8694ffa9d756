"""A person who corrects calls and steps at any moment, among crashes, faults and signals: the promises hold as they did."""

from glmos.testing.simulation import play, scenario_of, with_corrections

SCHEDULES = 150


def test_corrections_at_any_moment_break_no_promise() -> None:
    acknowledged = reopened = 0
    for seed in range(SCHEDULES):
        outcome = play(with_corrections(scenario_of(seed)), traced=True)
        assert not outcome.problems, "\n".join([f"seed {seed}", *outcome.trace, *outcome.problems])
        acknowledged += sum("person: correct" in x and x.endswith("acknowledged") for x in outcome.trace)
        reopened += sum("StepReopened" in x or "step.reopened" in x for x in outcome.trace)
    assert acknowledged > SCHEDULES / 3
    assert reopened > SCHEDULES / 5


def test_the_schedule_of_a_seed_is_otherwise_what_it_was() -> None:
    for seed in range(100):
        scenario, corrected = scenario_of(seed), with_corrections(scenario_of(seed))
        assert all(x.deed != "correct" for x in scenario.events)
        assert tuple(x for x in corrected.events if x.deed != "correct") == scenario.events
