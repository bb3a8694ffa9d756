"""Whether limits hold: everything that runs away, against every kind of limit, with somebody outside who counts.

    python benchmarks/budgets.py                   # prints a Markdown table
    python benchmarks/budgets.py --record          # also writes benchmarks/results/budgets-DATE.md
    python benchmarks/budgets.py --trees 500       # so many random trees of racing children as well

The model, the tools and the clock count what was really asked of them. A row is one runaway; a cell shows how much of a
limit was really used, and how the process ended when that was not by the limit. `over` marks what exceeded it: only a
provider that bills more than the worst case it was asked for can do that, by one call.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import anyio
from provenance import record

from glmos.testing.runaways import KINDS, SCRIPTS, Outcome, run
from glmos.testing.runaways.trees import run_tree


def cell(outcome: Outcome) -> str:
    allowed = outcome.allowed * outcome.trees
    over = " **over**" if outcome.used > allowed + 1e-9 else ""
    of_trees = f" ({outcome.trees} trees)" if outcome.trees > 1 else ""
    ended = "" if outcome.status == "refused" else f", {outcome.status}"
    return f"{outcome.used:.4g} of {allowed:.4g}{of_trees}{over}{ended}"


def verdict(outcome: Outcome) -> str:
    over = outcome.used - outcome.allowed * outcome.trees
    if over <= 1e-9:
        return "held"
    return "exceeded, by no more than one bill was beyond its worst case" if over <= outcome.excess else "exceeded"


async def runaways() -> list[str]:
    """A table: runaways by kinds of limits."""
    lines = [f"| runaway | what | {' | '.join(KINDS)} |", f"|---|---|{'--:|' * len(KINDS)}"]
    held: Counter[str] = Counter()
    for script in SCRIPTS:
        cells: list[str] = []
        for kind in KINDS:
            with tempfile.TemporaryDirectory(prefix="glmos-budgets-") as folder:
                outcome = await run(script, kind, Path(folder))
            cells.append(cell(outcome))
            held[verdict(outcome)] += 1
        lines.append(f"| {script.name} | {script.about} | {' | '.join(cells)} |")
    counts = ", ".join(f"{n} {what}" for what, n in held.items())
    return [*lines, "", f"{sum(held.values())} runs: {counts}."]


async def trees(count: int) -> list[str]:
    """Random trees, summed up."""
    found: Counter[str] = Counter()
    processes = 0
    for seed in range(count):
        with tempfile.TemporaryDirectory(prefix="glmos-budgets-") as folder:
            tree = await run_tree(seed, Path(folder))
        found[tree.status] += 1
        processes += tree.processes
        found["exceeded"] += bool(tree.exceeded)
    ends = ", ".join(f"{n} {what}" for what, n in sorted(found.items()) if what != "exceeded")
    return [
        f"{count} random trees of {processes} processes with random limits on roots and children, failing calls, retries and "
        f"resumes: roots ended {ends}; {found['exceeded']} exceeded a limit."
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the result to benchmarks/results/")
    parser.add_argument("--trees", type=int, default=0, metavar="N", help="run N random trees as well")
    options = parser.parse_args()
    random.seed(0)
    begun = time.perf_counter()

    async def all_of_it() -> list[str]:
        return [*await runaways(), "", *(await trees(options.trees) if options.trees else [])]

    text = "\n".join([*anyio.run(all_of_it), "", f"Took {time.perf_counter() - begun:.0f} s."])
    print(text)
    if options.record:
        print(record("budgets", "Limits against what runs away", text))


if __name__ == "__main__":
    main()
