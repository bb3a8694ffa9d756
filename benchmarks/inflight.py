"""A crash inside a tool: what runs twice, what is lost, and who decides.

    python benchmarks/inflight.py                        # floor, GLM-OS and every installed peer
    python benchmarks/inflight.py --only glm-os langgraph --rounds 3
    python benchmarks/inflight.py --record               # also writes benchmarks/results/inflight-DATE.md

Each system does ten steps of one tool. The tool notes every start in a file outside the system, which stands for the
world: a message sent, a payment made. While step 5 hangs, after its effect and before its answer, the system is killed
with SIGKILL. It is then taken up again by its own documented means, in a new process, and the starts of each step are
counted.

The tool is opaque to the peers, who have no word for what repeating it means. GLM-OS is shown with each of its words:
`pure` (to be repeated), `reversible` (what it did to the workspace is taken back before it is done again), `probed` (the tool
finds out from outside) and `irreversible` (a person is asked, and says here that it took effect).
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from peers import rig
from provenance import record

OURS = tuple(rig.System("glmos_system", v) for v in ("irreversible", "probed", "reversible", "pure"))
FLOORS = (rig.System("floor", "raw-log-2"), rig.System("floor", "aiohttp-sqlite-2"))
STEPS, CRASH = 10, 5
SETTLE = 1.0
"""Seconds after the effect before the kill: time for what a system still writes behind."""


def noted(ledger: Path) -> list[tuple[str, int]]:
    """(start or end, step), in order."""
    lines = ledger.read_text(encoding="ascii").splitlines() if ledger.exists() else []
    return [(word, int(step)) for word, step, _ in map(str.split, lines)]


def crash(system: rig.System, url: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]], dict[str, Any]]:
    """What the ledger says before the kill and after it, and how the second life ended."""
    with rig.folder() as place:
        ledger, state = place / "ledger", place / "state"
        state.mkdir()
        with rig.running(system, "start", url, state, ledger=ledger, steps=STEPS, crash_at=CRASH) as worker:
            begun = time.monotonic()
            while ("start", CRASH) not in noted(ledger):
                if worker.poll() is not None or time.monotonic() - begun > 120:
                    raise rig.Failed(f"{system.name}: it did not come to step {CRASH}")
                time.sleep(0.05)
            time.sleep(SETTLE)
        before = noted(ledger)
        try:
            ended = rig.work(system, "resume", url, place=state, ledger=ledger, steps=STEPS, limit=120)
        except rig.Failed as failed:
            ended = {"text": "", "fault": failed.reason}
        return before, noted(ledger)[len(before) :], ended


def judged(before: list[tuple[str, int]], after: list[tuple[str, int]], ended: dict[str, Any]) -> list[str]:
    """A row: starts of the step in flight, finished steps that ran again, steps that never ran, who decided, the end."""
    starts = Counter(step for word, step in before + after if word == "start")
    finished = {step for word, step in before if word == "end"}
    again = sorted(step for word, step in after if word == "start" and step in finished)
    never = [step for step in range(STEPS) if step not in starts]
    notes = ended.get("notes") or {}
    decided = "nobody"
    if notes.get("asked"):
        decided = "a person was asked"
    elif notes.get("taken_back"):
        decided = f"taken back first; the file has {len(notes.get('written') or [])} lines"
    elif notes.get("probed"):
        decided = "a probe"
    end = "finished" if "All steps are done" in ended["text"] else ended.get("fault", ended["text"])
    return [str(starts[CRASH]), str(len(again)), ", ".join(map(str, never)) or "0", decided, end[:100]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    systems = rig.chosen(options.only, [*FLOORS, *OURS, *rig.installed(fleeting=True)])
    rows: list[list[str]] = []
    with rig.mock_server() as url:
        for system in systems:
            seen: Counter[tuple[str, ...]] = Counter()
            for _ in range(options.rounds):
                try:
                    seen[tuple(judged(*crash(system, url)))] += 1
                except rig.Failed as failed:
                    print(failed, file=sys.stderr)
                    seen[("", "", "", "", str(failed))] += 1
            rows += [[system.name, *found, str(times)] for found, times in seen.items()]
    head = [
        f"killed inside step {CRASH} of {STEPS}", "starts of that step", "finished steps run again", "steps never run",
        "who decided", "the end", "times",
    ]  # fmt: skip
    text = "\n\n".join([rig.table(head, rows), rig.set_ups(systems)])
    print(text)
    if options.record:
        print(record("inflight", "A crash inside a tool", text))


if __name__ == "__main__":
    main()
