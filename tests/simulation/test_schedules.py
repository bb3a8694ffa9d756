"""Seeded schedules of crashes, faults, signals and bad replies: after every event the promises hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glmos.testing.simulation import Outcome, Scenario, day_of, described, play, run_campaign, scenario_of, shrink
from glmos.testing.simulation.scenario import Act, Event, Fault, Goal, Jump

SCHEDULES = 20_000

TRACES = """
import hashlib, sys
from glmos.testing.simulation import play, scenario_of
for seed in range(int(sys.argv[1]), int(sys.argv[2])):
    outcome = play(scenario_of(seed), traced=True)
    print(seed, hashlib.sha256("\\n".join(outcome.trace).encode()).hexdigest())
"""


def plainly(outcome: Outcome, scenario: Scenario) -> str:
    return "\n".join([*described(scenario), *outcome.trace, *outcome.problems])


def assert_holds(scenario: Scenario) -> Outcome:
    outcome = play(scenario, traced=True)
    assert not outcome.problems, plainly(outcome, scenario)
    return outcome


@pytest.mark.timeout(900)
def test_twenty_thousand_schedules_hold() -> None:
    tally = run_campaign(0, SCHEDULES, jobs=min(2, os.cpu_count() or 1))
    if tally.failed:
        smallest = shrink(scenario_of(tally.failed[0].seed))
        pytest.fail(f"seed {tally.failed[0].seed}:\n{plainly(play(smallest, traced=True), smallest)}")
    assert tally.schedules == SCHEDULES
    reached = {what.partition(":")[0] for what in tally.hits}
    assert {"crash", "append fails", "append slow", "stolen", "restart", "read fails", "workspace fails"} <= reached
    assert {"done", "unverified", "failed", "refused", "killed", "suspended", "waiting"} <= tally.ends.keys()


PLAIN = (Act("look", 2), Act("note"), Act("mail"), Act("spawn"), Act("plan", 2), Act("note"))


def test_the_power_may_go_at_every_single_place_of_a_run() -> None:
    goal = Goal(0.0, PLAIN, ((Act("order"),),))
    whole = Scenario(7, (goal,), shuffled=False, calm=True)
    places = assert_holds(whole).places
    assert places > 100
    for place in range(1, places):
        outcome = assert_holds(Scenario(7, (goal,), faults=(Fault("crash", place),), shuffled=False, calm=True))
        assert outcome.lives > 1
        assert "done" in outcome.ends or "waiting" in outcome.ends


def test_the_power_may_go_twice_inside_effects() -> None:
    goal = Goal(0.0, (Act("note"), Act("book"), Act("mail")))
    for first in range(1, 14):
        for second in range(first + 1, 16):
            faults = (Fault("crash_in_effect", first), Fault("crash_in_effect", second))
            assert_holds(Scenario(3, (goal,), faults=faults, shuffled=False, calm=True))


def test_an_undo_may_be_cut_off_at_every_single_place() -> None:
    goal = Goal(0.0, (Act("note"), Act("book"), Act("order"), Act("spawn"), Act("ask")), ((Act("book"), Act("ask")),))
    undo = Event(30.0, "undo", 0)
    whole = Scenario(11, (goal,), (undo, Event(60.0, "undo", 0)), shuffled=False, calm=True)
    for place in range(60, assert_holds(whole).places):
        again = (undo, Event(60.0, "undo", 0), Event(300.0, "resume", 0))
        assert_holds(Scenario(11, (goal,), again, (Fault("crash", place),), shuffled=False, calm=True))


def test_a_child_whose_parent_has_ended_goes_on_when_a_person_takes_it_back_and_resumes_it() -> None:
    goal = Goal(0.0, (Act("spawn"), Act("wait"), Act("finish")), ((Act("finish"),),))
    deeds = (Event(60.0, "undo", 1), Event(90.0, "resume", 1))
    outcome = assert_holds(Scenario(5, (goal,), deeds, shuffled=False, calm=True))
    assert outcome.ends == ("done", "done")
    assert "process.undone" in " ".join(outcome.trace)
    assert "killed" not in " ".join(outcome.trace)


def test_a_wait_is_over_soon_after_the_clock_was_set_forward() -> None:
    goal = Goal(0.0, (Act("rest"), Act("rest"), Act("rest")))
    seed = next(s for s in range(100) if "wait.started" in " ".join(play(Scenario(s, (goal,)), traced=True).trace))
    outcome = assert_holds(Scenario(seed, (goal,), jumps=(Jump(1.5, 86_400.0),)))
    waits = [float(line.split()[0]) for line in outcome.trace if "wait.started" in line or "wait.ended" in line]
    assert waits and waits[1] - waits[0] < 70


def test_the_same_seed_gives_the_same_trace_in_every_interpreter() -> None:
    def traces(hash_seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", TRACES, "1000", "1060"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    first = traces("1")
    assert len(first.splitlines()) == 60
    assert first == traces("2")
    assert first == traces("random")


@pytest.mark.timeout(300)
def test_a_day_of_three_hundred_processes_and_a_crash_every_hour_holds() -> None:
    scenario = day_of(1)
    outcome = play(scenario, traced=True)
    assert not outcome.problems, "\n".join([*outcome.problems, *outcome.trace[-200:]])
    assert outcome.lives > 20
    assert len(outcome.ends) >= 300
    assert float(outcome.trace[-1].split()[0]) > 80_000


def test_a_command_prints_the_trace_of_one_seed() -> None:
    command = Path(__file__).parents[2] / "benchmarks" / "simulation.py"
    done = subprocess.run([sys.executable, str(command), "--seed", "12"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("seed 12:")
    assert "process.created" in done.stdout


def test_what_does_not_fail_cannot_be_made_smaller() -> None:
    with pytest.raises(ValueError, match="does not fail"):
        shrink(scenario_of(12))
