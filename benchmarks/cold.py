"""How long a person waits for nothing: starting the command line, the daemon, and what the peers import.

    python benchmarks/cold.py                    # everything, in turns
    python benchmarks/cold.py --rounds 50 --no-peers
    python benchmarks/cold.py --record           # also writes benchmarks/results/cold-DATE.md

Each command is started anew as a person would, bytecode compiled and files in the page cache; wall time until it has
ended and its CPU time, medians. `ps, raw socket` is the least that anything written in Python needs for the question
that `glmos ps` asks. A daemon is started on a new home and stopped; its CPU is what it had used when it said `ready`.
Peers: importing what a program needs for one agent.

Goals: `glmos --help` within 3 times `python -c pass`; `glmos ps` with the daemon up within 0.15 s; daemon ready within
0.8 s of CPU.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from peers import rig
from peers.daemon import Daemon
from peers.driving import QUIET
from peers.setup import PEERS, python_of
from provenance import record

RAW = """\
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("glmosd.sock")
s.sendall(b"GET /processes HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n\\r\\n")
print(s.makefile("rb").read()[:0].decode(), end="")
"""


class Spent(NamedTuple):
    wall: float
    cpu: float


def started(words: Sequence[str | Path], environ: Mapping[str, str], place: Path) -> Spent:
    """Run a command to its end."""
    begun = time.perf_counter()
    child = subprocess.Popen(
        [*rig.pinned(0), *words], env=environ, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{words} ended with {child.returncode}")
    return Spent(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime)


def daemon_ready(home: Path) -> Spent:
    with Daemon(home) as daemon:
        return Spent(daemon.seconds, daemon.cpu())


def measure(rounds: int, slow: int, peers: bool) -> dict[str, list[Spent]]:
    found: dict[str, list[Spent]] = {}
    glmos = Path(sys.executable).with_name("glmos")
    with rig.folder() as place:
        homes = [place / name for name in ("up", "new")]
        for home in homes:
            home.mkdir()
        environ = {"PATH": os.environ["PATH"], "GLMOS_HOME": str(homes[0]), "HOME": str(place), **QUIET}

        def command(*words: str | Path) -> Callable[[], Spent]:
            return lambda: started(words, environ, homes[0])

        quick = {
            "python -c pass": command(sys.executable, "-c", "pass"),
            "glmos --help": command(glmos, "--help"),
            "glmos --version": command(glmos, "--version"),
            "glmos run --help": command(glmos, "run", "--help"),
            "ps, raw socket": command(sys.executable, "-c", RAW),
            "glmos ps": command(glmos, "ps"),
            "glmos ps --json": command(glmos, "ps", "--json"),
        }
        heavy = {
            "python -c 'import glmos; glmos.open'": command(sys.executable, "-c", "import glmos; glmos.open"),
            "daemon ready": lambda: daemon_ready(homes[1]),
        }
        if peers:
            for name, peer in PEERS.items():
                if python_of(name).exists():
                    heavy[f"import {name}"] = command(python_of(name), "-c", peer.imports)
        with Daemon(homes[0]):
            for turn in range(rounds + 1):
                for name, run in quick.items() if turn > slow else [*quick.items(), *heavy.items()]:
                    spent = run()
                    if turn:  # the first compiles, and fills the page cache
                        found.setdefault(name, []).append(spent)
    return found


def median(runs: Sequence[Spent]) -> Spent:
    return Spent(statistics.median(r.wall for r in runs), statistics.median(r.cpu for r in runs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--slow-rounds", type=int, default=5, help="for daemon and imports")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    found = measure(options.rounds, options.slow_rounds, not options.no_peers)
    floor = median(found["python -c pass"])
    rows = [
        [f"`{name}`", str(len(runs)), f"{m.wall * 1e3:.0f}", f"{m.cpu * 1e3:.0f}", f"{m.cpu / floor.cpu:.1f}"]
        for name, runs in found.items()
        for m in [median(runs)]
    ]
    told, asked, ready = (median(found[name]) for name in ("glmos --help", "glmos ps", "daemon ready"))
    parts = [
        rig.table(["command", "times", "wall ms", "CPU ms", "times `python -c pass` (CPU)"], rows),
        f"`glmos --help`: {told.wall / floor.wall:.1f} times `python -c pass` by wall, {told.cpu / floor.cpu:.1f} by CPU "
        "(goal: 3)",
        f"`glmos ps` with the daemon up: {asked.wall:.3f} s (goal: 0.15)",
        f"Daemon ready: {ready.cpu:.2f} s of CPU (goal: 0.8)",
        "" if options.no_peers else rig.set_ups(rig.installed()),
    ]
    text = "\n\n".join(part for part in parts if part)
    print(text)
    if options.record:
        print(record("cold", "Cold starts", text))


if __name__ == "__main__":
    main()
