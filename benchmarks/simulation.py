"""A million seeded schedules of crashes, faults, signals and bad replies against the real kernel and runtime.

    python benchmarks/simulation.py --schedules 1000000 --jobs 2 --keep FILE    # the long run; again after it was stopped
    python benchmarks/simulation.py --seed 4711                      # one schedule, with its trace
    python benchmarks/simulation.py --replay '{"seed":4711,...}'     # one schedule as a failing run printed it
    python benchmarks/simulation.py --day 3                          # 24 hours of 300 processes in one schedule
    python benchmarks/simulation.py --days 100 --jobs 2              # a hundred such days
    python benchmarks/simulation.py --planted                        # bugs planted on purpose: who finds them, and when

Measured is nothing but whether it holds: each schedule runs in virtual time on a simulated disk, models and tools, and
after every event the promises are looked at (see `design/08-simulation.md`). The first one that fails is made smaller,
printed with its trace, and ends the run with exit status 1. The table says what was tried, and where the power went.

With `--keep FILE` what was run is kept in FILE, a line for every 5,000 schedules with the commit they ran at, and is not run
again. A portion in which a schedule failed counts for nothing until it has been run once more, on mended code.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
from provenance import commit

from glmos.testing.simulation import Scenario, Tally, day_of, described, play, run_campaign, scenario_of, shrink
from glmos.testing.simulation.campaign import prepare

RESULTS = Path(__file__).parent / "results"
PORTION = 5_000
"""Schedules in a line of a kept run."""
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


class Portion(msgspec.Struct, frozen=True):
    """A line of a kept run."""

    first: int
    commit: str
    tally: Tally
    seconds: float


def table(portions: Sequence[Portion], title: str, command: str, jobs: int) -> str:
    good = [p for p in portions if not p.tally.failed]
    tally = sum_of(good)
    crashes = sum(n for what, n in tally.hits.items() if what.startswith("crash"))
    each = tally.cpu / max(1, tally.schedules) * 1e3
    lines = [
        f"# {title}, {date.today().isoformat()}", "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"{jobs} at once. Commit: {', '.join(dict.fromkeys(p.commit for p in good))}.", "",
        f"    python benchmarks/simulation.py {command}", "",
        "| what | number |", "|---|--:|",
        f"| schedules | {tally.schedules:,} |",
        f"| that failed | {sum(len(p.tally.failed) for p in portions):,} |",
        f"| events in journals | {tally.events:,} |",
        f"| starts of the machine | {tally.lives:,} |",
        f"| crashes | {crashes:,} |",
        f"| places at which the power could have gone | {tally.places:,} |",
        f"| CPU per schedule, ms | {each:.2f} |",
        f"| wall, minutes | {sum(p.seconds for p in portions) / 60:.1f} |", "",
    ]  # fmt: skip
    if len({p.commit for p in good}) > 1:
        run_at = Counter[str]()
        for p in good:
            run_at[p.commit] += p.tally.schedules
        lines += ["Run while the system was being mended:", "", "| commit | schedules |", "|---|--:|"]
        lines += [*(f"| {at} | {n:,} |" for at, n in run_at.items()), ""]
    failed = [(p.commit, f) for p in portions for f in p.tally.failed]
    if failed:
        lines += ["Failed, by the commit it failed at:", "", "| commit | seed | judge | what |", "|---|--:|---|---|"]
        lines += [*(f"| {at} | {f.seed} | `{f.judge}` | {f.problem} |" for at, f in failed), ""]
    lines += ["How the processes stood at the end:", "", "| status | processes |", "|---|--:|", *rows(tally.ends), ""]
    lines += ["What went wrong, and where the power went:", "", "| what | times |", "|---|--:|", *rows(tally.hits)]
    return "\n".join(lines)


def read(kept: Path) -> list[Portion]:
    """What was kept of a run."""

    def counted(_: type, counts: dict[str, int]) -> Counter[str]:
        return Counter(counts)

    return [msgspec.json.decode(x, type=Portion, dec_hook=counted) for x in kept.read_bytes().splitlines()]


def sum_of(portions: Sequence[Portion]) -> Tally:
    tally = Tally()
    for p in portions:
        tally = tally.plus(p.tally)
    return tally


def rows(counts: "Counter[str]") -> list[str]:
    return [f"| {what} | {number:,} |" for what, number in sorted(counts.items(), key=lambda x: (-x[1], x[0]))]


def campaign(first: int, count: int, jobs: int, *, keep: Path | None, record: bool) -> int:
    kept = read(keep) if keep is not None and keep.exists() else []
    kept = [p for p in kept if first <= p.first < first + count]
    size = PORTION if keep is not None else count
    for at in range(first, first + count, size):
        if any(p.first == at and not p.tally.failed for p in kept):
            continue
        begun = time.monotonic()
        tally = run_campaign(at, min(size, first + count - at), jobs, Progress(at - first, count))
        kept.append(Portion(at, commit(), tally, time.monotonic() - begun))
        if keep is not None:
            with keep.open("ab") as file:
                file.write(msgspec.json.encode(kept[-1]) + b"\n")
        if tally.failed:
            explain(tally.failed[0].seed)
            return 1
    given = f"--schedules {count} --first-seed {first} --jobs {jobs}" + (" --keep FILE" if keep else "")
    text = table(kept, "Simulated schedules", given, jobs)
    print(text)
    if record:
        (RESULTS / f"simulation-{date.today().isoformat()}.md").write_text(text + "\n", "utf-8")
    return 0


class Progress:
    """Says now and then how far a run is."""

    def __init__(self, before: int, count: int) -> None:
        self._before = before
        self._count = count
        self._begun = self._told = time.monotonic()

    def __call__(self, tally: Tally) -> None:
        now, done = time.monotonic(), self._before + tally.schedules
        if now - self._told > 15 or done >= self._count:
            self._told = now
            rate = tally.schedules / (now - self._begun)
            print(f"{done:>10,} schedules, {rate:.0f}/s, {tally.events:,} events", file=sys.stderr, flush=True)


def days(first: int, count: int, jobs: int) -> int:
    """Whole days, one after another."""
    begun = time.monotonic()
    tally = run_campaign(first, count, jobs, Progress(0, count), scenario=day_of, chunk=1)
    given = f"--days {count} --first-seed {first} --jobs {jobs}"
    print(table([Portion(first, commit(), tally, time.monotonic() - begun)], "Simulated days", given, jobs))
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
    parser.add_argument("--days", type=int, metavar="N", help="N such days")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where to keep what was run, to go on from there")
    parser.add_argument("--planted", action="store_true", help="plant bugs in the kernel and runtime, one at a time")
    parser.add_argument("--record", action="store_true", help="write the table to benchmarks/results")
    given = parser.parse_args()
    if given.seed is not None:
        return show(scenario_of(given.seed))
    if given.replay is not None:
        return show(msgspec.json.decode(given.replay.encode(), type=Scenario))
    if given.day is not None:
        return show(day_of(given.day))
    if given.days is not None:
        return days(given.first_seed, given.days, given.jobs)
    if given.shrink is not None:
        explain(given.shrink)
        return 1
    if given.planted:
        return subprocess.run([sys.executable, str(PLANTED), "--table"], check=False).returncode
    return campaign(given.first_seed, given.schedules, given.jobs, keep=given.keep, record=given.record)


if __name__ == "__main__":
    sys.exit(main())
