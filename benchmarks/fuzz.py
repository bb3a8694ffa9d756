"""Hostile data by the million at every door: crashes, hangs and memory, with hypothesis and with atheris.

    python benchmarks/fuzz.py                                  # 20,000 cases, a table on standard output
    python benchmarks/fuzz.py --cases 1000000 --record         # the long run, written to benchmarks/results/fuzz-DATE.md
    python benchmarks/fuzz.py --target openai --engine atheris # one door, guided by coverage

What is fuzzed and what must hold stands in `glmos.testing.fuzz.targets`. A case counts when its check was run. Anything
but a declared error is a crash; so is more than 3 s of CPU time for one case, and so is a program that takes more memory
than `--memory`. Each target runs with each engine in a program of its own, one after the other. Hypothesis makes cases
of a known form; atheris (libFuzzer) changes bytes and keeps what reaches new lines of the code, from the seeds of the
target on, and drives hypothesis where a target has no bytes. Atheris is needed for its share only:
`pip install -e '.[fuzz]'`.
"""

import argparse
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from provenance import record

BATCH = 2_000
"""Examples that hypothesis makes in one go: it remembers them, and that is its own memory, not ours."""
LONGEST_INPUT = 4096
GUIDED = {True: 0.7, False: 0.3}
"""Atheris' share of a target's cases, with seeds of bytes and without."""
Check = Callable[[Any], None]


class Ran(NamedTuple):
    """What became of one target with one engine."""

    target: str
    engine: str
    cases: int
    seconds: float
    """CPU time of the whole program."""
    slowest: float
    """CPU time of the dearest case, in seconds."""
    settled: int
    """Most memory after a tenth of the cases, in MB."""
    peak: int
    """Most memory at the end, in MB."""
    failure: str = ""


class Watch:
    """Counts the cases of a program and keeps what they cost; ends it when there were enough."""

    def __init__(self, check: Check, most: int) -> None:
        self._check = check
        self._most = most
        self.cases = 0
        self.slowest = 0.0
        self.settled = 0
        self.failure = ""

    @property
    def enough(self) -> bool:
        return self.cases >= self._most or bool(self.failure)

    def __call__(self, case: Any) -> None:
        from glmos.testing.fuzz.targets import guarded

        begun = time.process_time()
        try:
            guarded(self._check, case)  # hypothesis may stop a case that ran out of data: that is none
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"[:600] + f"\ncase: {case!r}"[:4_000]
            raise
        self.cases += 1
        self.slowest = max(self.slowest, time.process_time() - begun)
        if self.cases == max(1, self._most // 10):
            self.settled = peak_memory()

    def told(self, target: str, engine: str) -> Ran:
        spent = time.process_time()
        return Ran(target, engine, self.cases, spent, self.slowest, self.settled, peak_memory(), self.failure)


def peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


# -- in a program of its own ------------------------------------------------------------------------------------------


def by_hypothesis(name: str, cases: int, start: int) -> Ran:
    from hypothesis import HealthCheck, Phase, given, seed, settings

    from glmos.testing.fuzz.targets import TARGETS

    target = next(t for t in TARGETS if t.name == name)
    watch = Watch(target.check, cases)
    batch = 0
    while not watch.enough:
        size = min(BATCH, cases - watch.cases)

        @seed(start + batch)
        @settings(
            max_examples=size, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=cast("list[HealthCheck]", list(HealthCheck)),
        )  # fmt: skip
        @given(target.cases)
        def check(case: Any) -> None:
            if not watch.enough:
                watch(case)

        try:
            check()
        except Exception:
            if not watch.failure:
                raise
        batch += 1
    return watch.told(name, "hypothesis")


def by_atheris(name: str, cases: int, start: int) -> Ran:
    """Never returns to its caller: libFuzzer owns the program. The answer is printed here."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["glmos"], enable_loader_override=False):
        from glmos.testing.fuzz.targets import TARGETS
    from hypothesis import HealthCheck, given, settings

    target = next(t for t in TARGETS if t.name == name)
    watch = Watch(target.check, cases)

    @settings(deadline=None, database=None, suppress_health_check=cast("list[HealthCheck]", list(HealthCheck)))
    @given(target.cases)
    def check(case: Any) -> None:
        watch(case)

    run: Callable[[bytes], object] = watch if target.seeds else cast(Any, check).hypothesis.fuzz_one_input

    def one(data: bytes) -> None:
        try:
            run(data)
        except Exception:
            if not watch.failure:
                raise
        if watch.enough:
            print(json.dumps(watch.told(name, "atheris")), flush=True)
            os._exit(0)

    with tempfile.TemporaryDirectory() as folder:
        for place, data in enumerate(target.seeds):
            (Path(folder) / f"seed-{place}").write_bytes(data)
        words = ["fuzz", folder, f"-seed={start + 1}", f"-max_len={LONGEST_INPUT}", "-runs=-1", "-timeout=60"]
        atheris.Setup([*words, "-verbosity=0", "-print_final_stats=0"], one)
        atheris.Fuzz()
    raise AssertionError("libFuzzer came back")


def child(engine: str, name: str, cases: int, start: int, memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (memory << 20, memory << 20))
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=ResourceWarning)
    ran = (by_atheris if engine == "atheris" else by_hypothesis)(name, cases, start)
    print(json.dumps(ran), flush=True)


# -- all of them ------------------------------------------------------------------------------------------------------


def run(engine: str, name: str, cases: int, start: int, memory: int) -> Ran:
    words = [sys.executable, __file__, "--child", engine, name, str(cases), str(start), str(memory)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    if lines:
        return Ran(*json.loads(lines[-1]))
    last = " / ".join((done.stderr or done.stdout).strip().splitlines()[-6:])
    return Ran(name, engine, 0, 0.0, 0.0, 0, 0, f"the program ended with {done.returncode}: {last}")


def plan(cases: int, only: str, engine: str) -> list[tuple[str, str, int]]:
    """(engine, target, cases), by the weights of the targets."""
    from glmos.testing.fuzz.targets import TARGETS

    targets = [t for t in TARGETS if only in ("", t.name)]
    whole = sum(t.weight for t in targets)
    jobs: list[tuple[str, str, int]] = []
    for target in targets:
        share = -(-cases * target.weight // whole)
        guided = {"both": int(share * GUIDED[bool(target.seeds)]), "atheris": share}.get(engine, 0)
        jobs += [("atheris", target.name, guided), ("hypothesis", target.name, share - guided)]
    return [job for job in jobs if job[2]]


def table(found: Sequence[Ran]) -> str:
    lines = [
        "| target | engine | cases | per CPU second | dearest, ms CPU | MB after a tenth | MB at the end | crashes |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {r.target} | {r.engine} | {r.cases:,} | {r.cases / max(r.seconds, 1e-9):,.0f} | {r.slowest * 1e3:,.0f} | "
        f"{r.settled} | {r.peak} | {1 if r.failure else 0} |"
        for r in found
    ]
    cases, seconds = sum(r.cases for r in found), sum(r.seconds for r in found)
    crashes = sum(bool(r.failure) for r in found)
    slowest, peak = max(r.slowest for r in found) * 1e3, max(r.peak for r in found)
    rate = cases / max(seconds, 1e-9)
    lines.append(f"| **all** | | **{cases:,}** | {rate:,.0f} | {slowest:,.0f} | | {peak} | **{crashes}** |")
    return "\n".join(lines)


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        engine, name, *numbers = sys.argv[2:]
        child(engine, name, *map(int, numbers))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000, help="in all (default: %(default)s)")
    parser.add_argument("--target", default="", help="one target only")
    parser.add_argument("--engine", choices=["both", "hypothesis", "atheris"], default="both")
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--memory", type=int, default=1_500, help="MB that one program may take (default: %(default)s)")
    parser.add_argument("--record", action="store_true", help="write the table to benchmarks/results/")
    options = parser.parse_args()
    engine: str = options.engine
    if engine != "hypothesis" and importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: pip install -e '.[fuzz]'; its share goes to hypothesis", file=sys.stderr)
        engine = "hypothesis"
    found: list[Ran] = []
    for kind, name, cases in plan(options.cases, options.target, engine):
        found.append(run(kind, name, cases, options.seed, options.memory))
        print(f"{name} ({kind}): {found[-1].cases:,} cases{' FAILED' if found[-1].failure else ''}", file=sys.stderr)
        if found[-1].failure:
            print(found[-1].failure, file=sys.stderr)
    text = table(found)
    print(text)
    if options.record:
        print(record("fuzz", "Fuzzing", text))
    return 1 if any(r.failure for r in found) else 0


if __name__ == "__main__":
    sys.exit(main())
