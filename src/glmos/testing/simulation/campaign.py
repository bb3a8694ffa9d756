"""Many scenarios, one seed after another, on several processors; up to the first that fails."""

import gc
import logging
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from typing import NamedTuple

from glmos.testing.simulation.run import play
from glmos.testing.simulation.scenario import Scenario, scenario_of

CHUNK = 250
"""Scenarios handed to a processor at a time."""


Chunk = tuple[int, int, Callable[[int], Scenario]]
"""The first seed, how many, and what a seed stands for."""


class Failed(NamedTuple):
    seed: int
    problem: str
    judge: str


class Tally(NamedTuple):
    """What was run so far."""

    schedules: int = 0
    events: int = 0
    lives: int = 0
    places: int = 0
    cpu: float = 0.0
    """Seconds."""
    ends: "Counter[str]" = Counter()  # noqa: RUF012 - never changed, only added
    hits: "Counter[str]" = Counter()  # noqa: RUF012
    failed: tuple[Failed, ...] = ()

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            self.schedules + other.schedules, self.events + other.events, self.lives + other.lives,
            self.places + other.places, self.cpu + other.cpu, self.ends + other.ends, self.hits + other.hits,
            self.failed + other.failed,
        )  # fmt: skip


def run_seeds(first: int, count: int, scenario: Callable[[int], Scenario] = scenario_of) -> Tally:
    """Run the scenarios of `count` seeds in this process; stop at the first that fails."""
    begun = time.process_time()
    tally = Tally()
    for seed in range(first, first + count):
        outcome = play(scenario(seed))
        failed = (Failed(seed, outcome.problems[0], outcome.judge),) if outcome.problems else ()
        tally = tally.plus(
            Tally(
                1,
                outcome.events,
                outcome.lives,
                outcome.places,
                0.0,
                Counter(outcome.ends),
                Counter(outcome.hits),
                failed,
            )
        )
        if failed:
            break
    return tally._replace(cpu=time.process_time() - begun)


def prepare() -> None:
    """Make this process a quick and quiet one for simulations."""
    # What a machine says of processes it lets go of is what is being tried here, thousands of times.
    logging.getLogger("glmos").setLevel(logging.CRITICAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def run_campaign(
    first: int, count: int, jobs: int, progress: Callable[[Tally], None] = lambda _: None, *,
    scenario: Callable[[int], Scenario] = scenario_of, chunk: int = CHUNK,
) -> Tally:  # fmt: skip
    """Run `count` scenarios from seed `first` on; after a failure no more are begun."""
    chunks = iter([(at, min(chunk, first + count - at), scenario) for at in range(first, first + count, chunk)])
    tally = Tally()
    for part in _alone(chunks) if jobs == 1 else _spread(chunks, jobs):
        tally = tally.plus(part)
        progress(tally)
        if tally.failed:
            break
    return tally


def _alone(chunks: Iterator[Chunk]) -> Iterator[Tally]:
    prepare()
    for chunk in chunks:
        yield run_seeds(*chunk)


def _spread(chunks: Iterator[Chunk], jobs: int) -> Iterator[Tally]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=prepare) as pool:
        running: set[Future[Tally]] = set()
        try:
            for chunk in chunks:
                running.add(pool.submit(run_seeds, *chunk))
                if len(running) > jobs:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (x.result() for x in done)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (x.result() for x in done)
        finally:
            for future in running:
                future.cancel()
