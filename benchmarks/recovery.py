"""A daemon comes back to a home full of interrupted processes: how soon is it ready, and is anything lost or doubled?

    python benchmarks/recovery.py                        # 1,000 processes
    python benchmarks/recovery.py --processes 100 --rounds 1
    python benchmarks/recovery.py --record               # also writes benchmarks/results/recovery-DATE.md

A real daemon is given processes of five steps: a third waits for a reply of the model, a third is inside a pure tool, a
third inside one that cannot be taken back, when the daemon is killed with SIGKILL. Then it is started again on the same
home. Measured: wall and CPU time until it says that it is ready, until `glmos ps` has answered, and until every process
has ended or asks its person. Every tool call notes its start in a file outside the home. The floor is the same daemon on
an empty home.

Goals: ready within 3 s; none lost; no irreversible call made twice.
"""

import argparse
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import anyio
from peers import plugin, rig
from peers.daemon import Daemon
from peers.glmos_system import SETTINGS
from provenance import record

from glmos.abi.api import RunRequest
from glmos.client import RemoteSystem, direct

STEPS, HANG = 5, 2
SCRIPTS = {
    "asking": f"steps-{STEPS}_end-finish",
    "stepping": f"steps-{STEPS}_end-finish",
    "sending": f"steps-{STEPS}_tool-send_end-finish",
}
"""Model to script, as it is after the crash. Before it, `asking` gets no answer once two steps are done."""


class Measured(NamedTuple):
    ready: float
    ready_cpu: float
    listed: float
    """Seconds until `ps` had answered, from the start."""
    settled: float
    statuses: Counter[str]
    lost: int
    doubled: int


def configure(home: Path, url: str, *, answering: bool) -> None:
    text = SETTINGS.format(url=url, model=SCRIPTS["stepping"])
    for name, script in SCRIPTS.items():
        model = script if answering or name != "asking" else f"{script}_hang-{HANG}"
        text += f'\n[models.{name}]\nprovider = "compatible"\nbase_url = "{url}"\nmodel = "{model}"\n'
    (home / "glmos.toml").write_text(text, encoding="utf-8")


def starts(ledger: Path) -> Counter[tuple[str, int, int]]:
    """(tool, step, pid) to how often it was begun."""
    lines = ledger.read_text(encoding="ascii").splitlines() if ledger.exists() else []
    return Counter((tool, int(step), int(pid)) for tool, step, pid in map(str.split, lines))


async def begin(home: Path, count: int) -> list[int]:
    """Start the processes, a third of each kind."""
    system = RemoteSystem(home)
    pids: list[int] = []
    for number in range(count):
        name = list(SCRIPTS)[number % 3]
        request = RunRequest(f"任务 {number}: do all the steps.", model=name, approve_all=True)
        pids.append(await system.start(request))
    return pids


def interrupted(home: Path, ledger: Path, url: str, count: int) -> bool:
    """Every process is where it is to be interrupted."""
    begun = starts(ledger)
    inside = sum(1 for _, step, _ in begun if step == HANG)
    asked = sum(1 for tool, step, _ in begun if tool == "step" and step == HANG - 1)
    thirds = [len(range(kind, count, 3)) for kind in range(3)]
    # Those that wait for the model have done as many steps as the others but not begun the next.
    return (
        inside == thirds[1] + thirds[2]
        and asked == thirds[0] + thirds[1]
        and rig.tell(url, "/count")["requests"] >= 3 * count
    )


def once(count: int, url: str) -> Measured:
    with rig.folder() as place:
        home, ledger = place / "home", place / "ledger"
        home.mkdir()
        configure(home, url, answering=False)
        rig.tell(url, "/reset", {})
        with Daemon(home, environ=plugin.installed(place / "plugin", ledger=ledger, hang=HANG)) as daemon:
            pids = anyio.run(begin, home, count)
            deadline = time.monotonic() + 300
            while count and not interrupted(home, ledger, url, count):
                if time.monotonic() > deadline:
                    raise SystemExit(f"the processes did not come to step {HANG}: {len(starts(ledger))} starts")
                time.sleep(0.1)
            daemon.kill()
        configure(home, url, answering=True)
        begun = time.perf_counter()
        with Daemon(home, environ=plugin.installed(place / "plugin", ledger=ledger)) as daemon:
            ready, ready_cpu = daemon.seconds, daemon.cpu()
            rows = direct.processes(home, live_only=False)
            listed = time.perf_counter() - begun
            lost = len(set(pids) - {row.pid for row in rows})
            deadline = time.monotonic() + 600
            while any(row.status not in ("done", "waiting") for row in rows) and time.monotonic() < deadline:
                time.sleep(0.25)
                rows = direct.processes(home, live_only=False)
            settled = time.perf_counter() - begun
        doubled = sum(times - 1 for (tool, _, _), times in starts(ledger).items() if tool == "send")
        statuses = Counter(row.status for row in rows)
        return Measured(ready, ready_cpu, listed, settled, statuses, lost, doubled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    rows: list[list[str]] = []
    with rig.mock_server() as url:
        for count in (0, options.processes):
            runs = [once(count, url) for _ in range(options.rounds)]
            ready, cpu, listed, settled = (
                statistics.median(getattr(run, field) for run in runs)
                for field in ("ready", "ready_cpu", "listed", "settled")
            )
            ended = ", ".join(f"{number} {status}" for status, number in sorted(runs[-1].statuses.items())) or "-"
            lost, doubled = (sum(getattr(run, field) for run in runs) for field in ("lost", "doubled"))
            rows.append(
                [
                    f"{count:,}",
                    f"{ready:.2f}",
                    f"{cpu:.2f}",
                    f"{listed:.2f}",
                    f"{settled:.1f}",
                    str(lost),
                    str(doubled),
                    ended,
                ]
            )
    head = [
        "interrupted processes", "ready: s", "ready: CPU s", "ps answered: s", "all at rest: s", "lost",
        "irreversible calls twice", "in the end",
    ]  # fmt: skip
    text = rig.table(head, rows) + (
        f"\n\n{options.rounds} rounds each; `waiting` is the third that was inside an irreversible tool and asks its person "
        "whether it took effect."
    )
    print(text)
    if options.record:
        print(record("recovery", "Coming back to interrupted processes", text))


if __name__ == "__main__":
    main()
