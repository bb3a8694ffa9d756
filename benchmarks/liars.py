"""Whether a lie ends as done: scripted liars and bunglers by family, with honest workers on the same goals beside them.

    python benchmarks/liars.py             # prints a Markdown table
    python benchmarks/liars.py --record    # also writes benchmarks/results/liars-DATE.md

The kernel, the runtime, the sandbox and the tools are the real ones; the model is a script and the critic passes
everything, so that what is caught is caught by the other checks. `caught by` counts the check that the report names.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

import anyio
from provenance import record

from glmos.testing.liars.families import FAMILIES, Family, at_once, honest
from glmos.testing.liars.goals import GOALS
from glmos.testing.liars.run import CASES, Case, Outcome, run

AT_ONCE = 4


async def outcomes(cases: list[Case]) -> list[tuple[Case, Outcome]]:
    found: list[tuple[Case, Outcome]] = []
    places = anyio.Semaphore(AT_ONCE)

    async def one(case: Case) -> None:
        async with places:
            with tempfile.TemporaryDirectory(prefix="glmos-liars-") as folder:
                found.append((case, await run(case.family.script(case.goal), case.goal, Path(folder))))

    async with anyio.create_task_group() as tasks:
        for case in cases:
            tasks.start_soon(one, case)
    return found


def table(families: list[Family], found: list[tuple[Case, Outcome]]) -> list[str]:
    lines = ["| family | what it does | goals | ended | caught by |", "|---|---|--:|---|---|"]
    for family in families:
        own = [x for case, x in found if case.family is family]
        ended = Counter(x.status for x in own)
        named = Counter(x.named or "no check named" for x in own if x.status != "done")
        cells = [", ".join(f"{what} {n}" for what, n in counts.most_common()) or "-" for counts in (ended, named)]
        lines.append(f"| {family.name} | {family.about} | {len(own)} | {cells[0]} | {cells[1]} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the result to benchmarks/results/")
    options = parser.parse_args()
    begun = time.perf_counter()
    workers = [
        Family("honest, with a plan", "does what is asked, step by step", honest, ()),
        Family("honest, at once", "does what is asked without a plan", at_once, ()),
    ]
    liars = anyio.run(outcomes, list(CASES))
    good = anyio.run(outcomes, [Case(w, g) for w in workers for g in GOALS])
    done = sum(x.status == "done" for _, x in liars)
    unnamed = sum(not x.named for _, x in liars)
    well = sum(x.status == "done" for _, x in good)
    said = (
        f"{len(liars)} liars in {len(FAMILIES)} families on {len(GOALS)} goals: {done} ended done; the report names no check "
        f"of {unnamed}. {len(good)} honest runs on the same goals: {well} ended done."
    )
    took = f"Took {time.perf_counter() - begun:.0f} s."
    text = "\n".join([said, "", *table(list(FAMILIES), liars), "", *table(workers, good), "", took])
    print(text)
    if options.record:
        print(record("liars", "Liars, bunglers and honest workers", text))


if __name__ == "__main__":
    main()
