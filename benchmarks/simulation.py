"""A million seeded schedules of crashes, faults, signals and bad replies against the real kernel and runtime.

    python benchmarks/simulation.py --schedules 1000000 --jobs 2     # the long run
    python benchmarks/simulation.py --seed 4711                      # one schedule, with its trace
    python benchmarks/simulation.py --replay '{"seed":4711,...}'     # one schedule as a failing run printed it
    python benchmarks/simulation.py --day 3                          # 24 hours of 300 processes in one schedule
    python benchmarks/simulation.py --planted                        # bugs planted on purpose: who finds them, and when

Measured is nothing but whether it holds: each schedule runs in virtual time on a simulated disk, models and tools, and
after every event the promises are looked at (see `design/08-simulation.md`). The first one that fails is made smaller,
printed with its trace, and ends the run with exit status 1. The table says what was tried, and where the power went.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec
from provenance import commit

from glmos.testing.simulation import Scenario, Tally, day_of, described, play, run_campaign, scenario_of, shrink
from glmos.testing.simulation.campaign import prepare

RESULTS = Path(__file__).parent / "results"
PLANTED = Path(__file__).parents[1] / "tests" / "simulation" / "planted.py"


def show(scenario: Scenario) -> int:
    """Run one schedule and print its trace."""
    prepare()
    outcome = play(scenario, traced=True)
    print("\n".join([*described(scenario), "", *outcome.trace]))
    for problem in outcome.problems:
        print(f"FAILED: {problem}")
    return 1 if outcome.problems else 0


def explain(seed: int) -> None:
    """Print the smallest failing form of a seed that failed."""
    prepare()
    print(f"\nSeed {seed} fails. Making it smaller ...", flush=True)
    smallest = shrink(scenario_of(seed))
    show(smallest)
    print(f"\nAgain:  python benchmarks/simulation.py --replay '{msgspec.json.encode(smallest).decode()}'")


def table(tally: Tally, seconds: float, jobs: int, first: int) -> str:
    crashes = sum(n for what, n in tally.hits.items() if what.startswith("crash"))
    each = tally.cpu / max(1, tally.schedules) * 1e3
    return "\n".join([
        f"# Simulated schedules, {date.today().isoformat()}", "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"{jobs} at once. Commit: {commit()}.", "",
        f"    python benchmarks/simulation.py --schedules {tally.schedules} --first-seed {first} --jobs {jobs}", "",
        "| what | number |", "|---|--:|",
        f"| schedules | {tally.schedules:,} |",
        f"| that failed | {len(tally.failed):,} |",
        f"| events in journals | {tally.events:,} |",
        f"| starts of the machine | {tally.lives:,} |",
        f"| crashes | {crashes:,} |",
        f"| places at which the power could have gone | {tally.places:,} |",
        f"| CPU per schedule, ms | {each:.2f} |",
        f"| wall, minutes | {seconds / 60:.1f} |", "",
        "How the processes stood at the end:", "", "| status | processes |", "|---|--:|",
        *rows(tally.ends), "",
        "What went wrong, and where the power went:", "", "| what | times |", "|---|--:|", *rows(tally.hits),
    ])  # fmt: skip


def rows(counts: "Counter[str]") -> list[str]:
    return [f"| {what} | {number:,} |" for what, number in sorted(counts.items(), key=lambda x: (-x[1], x[0]))]


def campaign(first: int, count: int, jobs: int, record: bool) -> int:
    begun = time.monotonic()
    told = [begun]

    def progress(tally: Tally) -> None:
        now = time.monotonic()
        if now - told[0] > 15 or tally.schedules >= count:
            told[0] = now
            rate = tally.schedules / (now - begun)
            print(
                f"{tally.schedules:>10,} schedules, {rate:.0f}/s, {tally.events:,} events", file=sys.stderr, flush=True
            )

    tally = run_campaign(first, count, jobs, progress)
    text = table(tally, time.monotonic() - begun, jobs, first)
    print(text)
    if record:
        (RESULTS / f"simulation-{date.today().isoformat()}.md").write_text(text + "\n", "utf-8")
    if tally.failed:
        explain(tally.failed[0].seed)
    return 1 if tally.failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=20_000, help="how many (default 20,000)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processors")
    parser.add_argument("--seed", type=int, help="run exactly this one and print its trace")
    parser.add_argument("--replay", help="run exactly this scenario, given as JSON, and print its trace")
    parser.add_argument("--shrink", type=int, metavar="SEED", help="make the scenario of a failing seed smaller")
    parser.add_argument("--day", type=int, metavar="SEED", help="24 virtual hours of 300 processes on one home")
    parser.add_argument("--planted", action="store_true", help="plant bugs in the kernel and runtime, one at a time")
    parser.add_argument("--record", action="store_true", help="write the table to benchmarks/results")
    given = parser.parse_args()
    if given.seed is not None:
        return show(scenario_of(given.seed))
    if given.replay is not None:
        return show(msgspec.json.decode(given.replay.encode(), type=Scenario))
    if given.day is not None:
        return show(day_of(given.day))
    if given.shrink is not None:
        explain(given.shrink)
        return 1
    if given.planted:
        return subprocess.run([sys.executable, str(PLANTED), "--table"], check=False).returncode
    return campaign(given.first_seed, given.schedules, given.jobs, given.record)


if __name__ == "__main__":
    sys.exit(main())
