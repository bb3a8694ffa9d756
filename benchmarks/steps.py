"""What one durable step costs: a loop of 50 tool calls against a model that answers at once.

    python benchmarks/steps.py                          # floor, GLM-OS and every installed peer
    python benchmarks/steps.py --only floor glm-os      # by the beginning of the name
    python benchmarks/steps.py --record                 # also writes benchmarks/results/steps-DATE.md

Every system runs the same task, one after the other and in turns, each in a fresh process on one core, the mock server
on another. Figures are medians over all repetitions, divided by the number of steps: wall time; CPU time of all
processes and threads of the system; and what a run leaves on disk (whole blocks, after an orderly end, without what an
empty home takes). GLM-OS's run has one model call more than the others', the critic's.

A disk's syncs take 0.2 ms at one moment and 10 at another. So wall time is measured twice: on the disk that is there, two
systems being compared by the median of the rounds' own ratios; and, where there is strace, on a disk in memory whose every
sync takes 4 ms (`--sync`), in runs of their own, which also count the syncs.

Goals: CPU at most 4 ms and at most a quarter of the best durable peer's; wall at most 1.4 times the floor of the same
durability; at most 60 KB on disk beyond the payloads.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from peers import rig
from provenance import record

OURS = (
    rig.System("glmos_system", "pure"), rig.System("glmos_system", "irreversible"), rig.System("glmos_daemon", "pure")
)  # fmt: skip
SAME_DURABILITY = "floor aiohttp-sqlite-2"


def payload(steps: int) -> int:
    """Bytes of what was really said: goal, arguments, outputs, answer."""
    said = sum(len(f'{{"i":{i}}}receipt-{i}') for i in range(steps))
    return said + len("Task w0: do all the steps.") + len("All steps are done.")


class Figures:
    """What was measured of one system."""

    def __init__(self) -> None:
        self.walls: list[float] = []
        self.cpus: list[float] = []
        self.state: list[float] = []
        self.rounds: dict[int, float] = {}
        """The median wall time of each round."""
        self.syncs: float | None = None
        self.steady: float | None = None
        """Wall ms of a step where every sync takes the same time."""
        self.empty = 0.0
        self.fault = ""

    def add(self, turn: int, figures: dict[str, Any], steps: int) -> None:
        self.rounds[turn] = statistics.median(figures["walls"])
        self.walls += [x / steps * 1e3 for x in figures["walls"]]
        self.cpus += [x / steps * 1e3 for x in figures["cpus"]]
        self.state.append((figures["bytes"] - self.empty) / figures["runs"] / 1024)

    def against(self, other: "Figures") -> float:
        """Wall time as a multiple of another's."""
        return statistics.median(
            wall / other.rounds[turn] for turn, wall in self.rounds.items() if turn in other.rounds
        )

    @property
    def wall(self) -> float:
        return statistics.median(self.walls)

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpus)


def measure(
    systems: list[rig.System], *, steps: int, rounds: int, reps: int, disk: Path | None, sync: float
) -> dict[str, Figures]:
    measured = {s.name: Figures() for s in systems}
    with rig.mock_server() as url:
        for turn in range(rounds):
            for system in systems:
                found = measured[system.name]
                try:
                    if turn == 0:
                        found.empty = rig.work(system, "empty", url, disk=disk)["bytes"]
                    found.add(turn, rig.work(system, "loop", url, disk=disk, steps=steps, reps=reps), steps)
                except rig.Failed as failed:
                    found.fault = failed.reason
                    print(failed, file=sys.stderr)
        for system in systems if sync else []:
            runs = [rig.steady_disk(system, url, milliseconds=sync, steps=steps, reps=reps) for reps in (1, 4)]
            if runs[0] is not None and runs[1] is not None:
                found = measured[system.name]
                found.syncs = (runs[1].syncs - runs[0].syncs) / 3 / steps
                found.steady = statistics.median(runs[1].figures["walls"]) / steps * 1e3
    return measured


def rows(measured: dict[str, Figures]) -> list[list[str]]:
    lines: list[list[str]] = []
    for name, found in measured.items():
        if not found.walls:
            lines.append([name, f"failed: {found.fault}", "", "", "", ""])
            continue
        spread = f"{min(found.cpus):.2f}-{max(found.cpus):.2f}"
        kept = f"{statistics.median(found.state):,.0f}"
        synced = "" if found.syncs is None else f"{found.syncs:.1f}"
        steady = "" if found.steady is None else f"{found.steady:.1f}"
        lines.append(
            [name, f"{found.wall:.2f}", steady, synced, f"{found.cpu:.2f}", spread, kept, str(len(found.walls))]
        )
    return lines


def verdicts(measured: dict[str, Figures], steps: int) -> list[str]:
    """The goals, met or not."""
    ours = measured.get("GLM-OS pure")
    if ours is None or not ours.walls:
        return []
    kept = statistics.median(ours.state) - payload(steps) / 1024
    said = [
        f"CPU of a step: {ours.cpu:.2f} ms (goal: at most 4.00)",
        f"On disk beyond the payloads ({payload(steps) / 1024:.1f} KB): {kept:.0f} KB (goal: at most 60)",
    ]
    peers = {s.name: measured[s.name] for s in rig.installed() if s.name in measured and measured[s.name].walls}
    if peers:
        best = min(peers, key=lambda name: peers[name].cpu)
        ratio = ours.cpu / peers[best].cpu
        said.append(
            f"CPU against the best durable peer ({best}, {peers[best].cpu:.2f} ms): {ratio:.2f} (goal: at most 0.25)"
        )
    floor = measured.get(SAME_DURABILITY)
    if floor is not None and floor.walls:
        said.append(
            f"Wall against {SAME_DURABILITY}, on this disk: {ours.against(floor):.2f} times (goal: at most 1.4)"
        )
        if ours.steady is not None and floor.steady is not None:
            ratio = ours.steady / floor.steady
            said.append(f"Wall against {SAME_DURABILITY}, every sync taking the same time: {ratio:.2f} times")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=6, help="how often everything is measured in turn")
    parser.add_argument("--reps", type=int, default=2, help="runs of each system in a round")
    parser.add_argument("--sync", type=float, default=4.0, metavar="MS", help="0: without the steady disk")
    parser.add_argument("--disk", type=Path, help="an existing folder on the disk to measure")
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    systems = rig.chosen(options.only, [*rig.FLOORS, *OURS, *rig.installed(fleeting=True)])
    measured = measure(
        systems,
        steps=options.steps,
        rounds=options.rounds,
        reps=options.reps,
        disk=options.disk,
        sync=options.sync,
    )
    head = [
        f"{options.steps} steps", "wall ms", f"wall ms, {options.sync:g} ms a sync", "syncs", "CPU ms",
        "CPU ms, least to most", "KB on disk", "runs",
    ]  # fmt: skip
    disk = f"A sync of the disk that was there took {rig.sync_time(options.disk) * 1e3:.2f} ms at the end."
    parts = [rig.table(head, rows(measured)), disk, *verdicts(measured, options.steps), rig.set_ups(systems)]
    if not options.only and rig.missing():
        parts.append(f"Not installed, so not measured: {', '.join(rig.missing())}.")
    text = "\n\n".join(part for part in parts if part)
    print(text)
    if options.record:
        print(record("steps", "A durable step", text))


if __name__ == "__main__":
    main()
