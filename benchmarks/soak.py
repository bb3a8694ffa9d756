"""Let many clients write to one home for an hour, its daemon killed now and then, and look for the least damage.

    python benchmarks/soak.py                         # an hour; prints a Markdown report
    python benchmarks/soak.py --seconds 600
    python benchmarks/soak.py --record                # also writes benchmarks/results/soak-DATE.md

Ten clients start processes one after the other and see them through, undo, fork, suspend and kill some; two more
interfere with whatever runs and ask for what cannot be. Payloads are small and large (files of 1.5 MB, outputs of
600,000 characters), incompressible, texts partly Chinese. A daemon lives half a minute on average. Afterwards: SQLite's
own integrity check, every log folded again, every payload verified, every effect outside compared with the journal,
files and leftovers looked at.
Ends with status 1 when anything is wrong; the home is kept then.
"""

import argparse
import sqlite3
import sys
from contextlib import closing

from provenance import record
from storms import carry_out

from glmos.testing.crash.home import Home
from glmos.testing.crash.storm import Storm


def report(storm: Storm, stormy: Home) -> str:
    with closing(sqlite3.connect(stormy.path / "journal.db")) as db:
        events, processes = db.execute("SELECT count(*), count(DISTINCT pid) FROM events").fetchone()
    sizes = [x.stat().st_size for x in (stormy.path / "blobs").glob("??/*") if x.parent.name != "tmp"]
    happened = stormy.outside.happened()
    lines = [
        "| what | how much |",
        "|---|--:|",
        f"| time | {storm.seconds / 60:.1f} minutes |",
        f"| processes, children and forks included | {processes:,} |",
        *(
            f"| ... of those started by a person: {status} | {count:,} |"
            for status, count in sorted(storm.ends.items())
        ),
        *(f"| ... besides: {act} | {count:,} |" for act, count in sorted(storm.acts.items()) if act != "none"),
        f"| events | {events:,} |",
        f"| journal | {(stormy.path / 'journal.db').stat().st_size / 1e6:.1f} MB |",
        f"| payloads beside it | {len(sizes):,}, {sum(sizes) / 1e6:.1f} MB compressed |",
        f"| deaths of daemons by `kill -9` | {storm.killed} |",
        f"| effects outside, counted there | {len(happened):,} |",
        f"| questions answered | {storm.answers:,} |",
        f"| largest daemon | {storm.largest_daemon / 1e6:.0f} MB |",
        f"| **lost, doubled, left behind, damaged** | **{len(storm.faults)}** |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--seconds", type=float, default=3600.0, help="how long, before everything is let come to its end"
    )
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--longest", type=float, default=60.0, help="most seconds that a daemon lives")
    parser.add_argument("--record", action="store_true", help="write the report to benchmarks/results/")
    options = parser.parse_args()
    storm = Storm(
        seed=options.seed,
        lasts=options.seconds,
        at_once=options.clients,
        meddlers=2,
        heavy=True,
        longest=options.longest,
    )
    text = carry_out(storm, "soak", latency=0.02, report=report)
    if text is None:
        return 1
    if options.record:
        print(record("soak", f"{storm.seconds / 60:.0f} minutes of many writers", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
