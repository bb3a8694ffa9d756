"""Kill the daemon of a home full of running processes with `kill -9`, hundreds of times, and audit what is left.

    python benchmarks/crashes.py --kills 500              # half an hour; prints a Markdown report
    python benchmarks/crashes.py --kills 500 --record     # also writes benchmarks/results/crashes-DATE.md
    python benchmarks/crashes.py --kills 20 --seed 7

Real daemons, store, sandbox and tools; a scripted model behind HTTP. A death comes at a random moment, at a named point
(between effect and receipt, within a commit, a save, a restore, an undo, ...), or while the daemon is coming back from the
last one. An append-only file and a counting server outside the home say what really happened. Ends with status 1 when
anything was lost, doubled or left behind; the home is kept then.
"""

import argparse
import os
import platform
import sys
from datetime import date
from pathlib import Path

from provenance import commit
from storms import carry_out

from glmos.testing.crash.home import Home
from glmos.testing.crash.storm import Storm


def report(storm: Storm, stormy: Home) -> str:
    happened, size = stormy.outside.happened(), (stormy.path / "journal.db").stat().st_size
    kinds = {kind: sum(x.kind == kind for x in happened) for kind in ("letter", "post", "book", "cancel", "ping")}
    lines = [
        "| what | how much |",
        "|---|--:|",
        f"| deaths by `kill -9` | {storm.killed} |",
        f"| ... at a random moment | {storm.deaths['blind']} |",
        f"| ... while starting | {storm.deaths['starting']} |",
        f"| ... at a named point | {storm.killed - storm.deaths['blind'] - storm.deaths['starting']} |",
        f"| processes, children not counted | {sum(storm.ends.values())} |",
        *(f"| ... ended {status} | {count} |" for status, count in sorted(storm.ends.items())),
        *(f"| ... besides: {act} | {count} |" for act, count in sorted(storm.acts.items()) if act != "none"),
        f"| requests with a digest in place of older turns | {stormy.endpoint.digests} |",
        f"| questions answered | {storm.answers} |",
        f"| letters in the append-only file | {kinds['letter']} |",
        f"| posts, bookings, cancellations at the server | {kinds['post']}, {kinds['book']}, {kinds['cancel']} |",
        f"| pings (pure, may be repeated) | {kinds['ping']} |",
        f"| journal | {size / 1e6:.1f} MB |",
        f"| slowest end of a killed daemon's programs | {storm.slowest_end * 1e3:.0f} ms |",
        f"| time | {storm.seconds / 60:.1f} minutes |",
        f"| **lost, doubled, left behind, damaged** | **{len(storm.faults)}** |",
    ]
    points = sorted((p, n) for p, n in storm.deaths.items() if p not in ("blind", "starting"))
    return "\n".join(lines) + "\n\nNamed points: " + ", ".join(f"{p} {n}" for p, n in points) + ".\n"


def record(text: str, arguments: str) -> Path:
    today = date.today().isoformat()
    path = Path(__file__).parent / "results" / f"crashes-{today}.md"
    machine = f"{os.cpu_count()} shared cores, Linux {platform.release()}, Python {platform.python_version()}"
    about = f"{machine}. Commit: {commit()}.\n\n    python benchmarks/crashes.py {arguments}"
    path.write_text(f"# Killed daemons, {today}\n\n{about}\n\n{text}", encoding="utf-8")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument(
        "--seed", type=int, default=20261123, help="of the programs, the kinds of death and their times"
    )
    parser.add_argument(
        "--at-once", type=int, default=8, help="processes running at the same time (children beside them)"
    )
    parser.add_argument("--longest", type=float, default=3.0, help="most seconds that a daemon lives once it is ready")
    parser.add_argument("--record", action="store_true", help="write the report to benchmarks/results/")
    options = parser.parse_args()
    storm = Storm(kills=options.kills, seed=options.seed, at_once=options.at_once, longest=options.longest)
    text = carry_out(storm, "crashes", latency=0.01, report=report)
    if text is None:
        return 1
    if options.record:
        print(record(text, f"--kills {options.kills} --seed {options.seed} --record"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
