"""Runs systems beside each other: the mock server on one core, whatever is measured on another.

    with mock_server() as url:
        figures = work(System("floor", "raw"), "loop", url, reps=3)

Above: the benchmark commands. Below: `mock_server`, `worker`, `setup` (environments of the peers).
"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from peers.setup import PEERS, python_of, versions

HERE = Path(__file__).parent
ERROR = re.compile(r"[\w.]*(Error|Exception|Exit|Found)\b.*: |the task did not|a task ended")


_NAMES = {"glmos_system": "GLM-OS", "glmos_daemon": "GLM-OS daemon"}


class System(NamedTuple):
    """A system in one of its set-ups."""

    driver: str
    variant: str
    peer: str = ""
    """Its environment; empty for what runs in this one."""

    @property
    def name(self) -> str:
        return f"{self.peer or _NAMES.get(self.driver, self.driver)} {self.variant}"

    @property
    def python(self) -> str:
        return str(python_of(self.peer)) if self.peer else sys.executable


FLOORS = tuple(
    System("floor", v) for v in ("raw", "raw-log-2", "raw-group-2", "aiohttp", "aiohttp-sqlite-2", "aiohttp-sqlite-4")
)


def installed(*, fleeting: bool = False) -> list[System]:
    """The durable set-ups of the peers that `setup.py` has installed; with `fleeting`, the others that they offer too."""
    return [
        System(f"drivers.{peer.driver}", variant, name)
        for name, peer in PEERS.items()
        if python_of(name).exists()
        for variant in peer.durable + (peer.fleeting if fleeting else ())
    ]


def missing() -> list[str]:
    return [name for name in PEERS if not python_of(name).exists()]


def chosen(names: Sequence[str], systems: Sequence[System]) -> list[System]:
    """Those whose name begins with one of `names`; all without any."""
    return [s for s in systems if not names or any(s.name.lower().startswith(n.lower()) for n in names)]


def set_ups(systems: Sequence[System]) -> str:
    """The peers among `systems`, with their versions and set-ups, as lines."""
    names = dict.fromkeys(s.peer for s in systems if s.peer)
    return "\n".join(f"- {name}: {PEERS[name].setup}. {versions(name)}." for name in names)


def pinned(core: int) -> list[str]:
    """What puts a command on one core, where there are several."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)])] if len(cores) > 1 and shutil.which("taskset") else []


@contextmanager
def mock_server() -> Generator[str]:
    """The mock server on the last core; gives its address."""
    server = subprocess.Popen([*pinned(-1), sys.executable, HERE / "mock_server.py"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
    finally:
        server.kill()
        server.wait()


def tell(url: str, path: str, value: Any = None) -> Any:
    """A word with the mock server: `/record` or `/count`."""
    data = None if value is None else json.dumps(value).encode()
    with urllib.request.urlopen(url.removesuffix("/v1") + path, data=data, timeout=10) as answer:
        return json.loads(answer.read())


@contextmanager
def folder(where: Path | None = None) -> Generator[Path]:
    """An empty folder on the disk to measure, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="glmos-bench-", dir=where, ignore_cleanup_errors=True) as name:
        yield Path(name)


def command(system: System, mode: str, url: str, place: Path, **options: Any) -> list[str]:
    """The command that runs `system` in `mode` on the first core."""
    words = [system.python, "-m", "peers.worker", system.driver, system.variant, mode]
    more = [str(x) for k, v in options.items() for x in (f"--{k.replace('_', '-')}", v)]
    return [*pinned(0), *words, "--url", url, "--folder", str(place), *more]


def environment() -> dict[str, str]:
    """For `command`: where the worker and its drivers are found."""
    return {**os.environ, "PYTHONPATH": str(HERE.parent)}


class Failed(Exception):
    """A system did not do its task."""

    @property
    def reason(self) -> str:
        """What it said, without its name and in short."""
        return str(self).partition(": ")[2][:100]


def said(output: str) -> str:
    """The line of `output` that tells why a program ended: the last error that is not one of its shutting down."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line) and "shutting down" not in line]
    return (errors or lines or [""])[-1]


def work(
    system: System,
    mode: str,
    url: str,
    *,
    place: Path | None = None,
    disk: Path | None = None,
    limit: float = 600,
    **options: Any,
) -> dict[str, Any]:
    """Run one worker to its end and give its figures.

    Args:
        place: Where its state is and stays; without it a folder that is gone afterwards.
        disk: Where that folder is made.
        limit: Seconds.

    Raises: Failed, with the end of what it said.
    """
    if place is None:
        with folder(disk) as made:
            return work(system, mode, url, place=made, limit=limit, **options)
    try:
        done = subprocess.run(
            command(system, mode, url, place, **options),
            capture_output=True, text=True, timeout=limit, check=False, env=environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Failed(f"{system.name}: not done after {limit:.0f} s") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Failed(f"{system.name}: {said(done.stderr) or said(done.stdout) or f'exit status {done.returncode}'}")
    return json.loads(lines[-1])


@contextmanager
def running(system: System, mode: str, url: str, place: Path, **options: Any) -> Generator[subprocess.Popen[bytes]]:
    """A worker that is not waited for; whatever of it is left at the end is killed, its children too."""
    worker = subprocess.Popen(
        command(system, mode, url, place, **options),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(), start_new_session=True,
    )  # fmt: skip
    try:
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


class Synced(NamedTuple):
    """A worker in the mode `loop` over a disk in memory whose every sync takes the same time."""

    figures: dict[str, Any]
    syncs: int
    """How often it had the disk synced, start and end included."""


def steady_disk(system: System, url: str, *, milliseconds: float, **options: Any) -> Synced | None:
    """Run `system` there; None without strace, which counts the syncs and makes each of them take so long."""
    memory = Path("/dev/shm")
    if shutil.which("strace") is None or not memory.is_dir():
        return None
    with folder() as place, folder(memory) as state:
        trace, delay = place / "trace", f"inject=fsync,fdatasync:delay_exit={milliseconds * 1000:.0f}"
        words = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync", "-e", delay, "-o", str(trace)]
        done = subprocess.run(
            [*words, *command(system, "loop", url, state, **options)],
            capture_output=True, text=True, check=False, env=environment(), timeout=600,
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            return None
        return Synced(json.loads(lines[-1]), trace.read_text(encoding="utf-8").count("sync("))


def sync_time(where: Path | None = None) -> float:
    """Median seconds of a sync on the disk to measure, at this moment."""
    with folder(where) as place:
        fd = os.open(place / "file", os.O_CREAT | os.O_WRONLY)
        seconds: list[float] = []
        for _ in range(50):
            os.write(fd, bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(fd)
            seconds.append(time.perf_counter() - begun)
        os.close(fd)
        return statistics.median(seconds)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is words, the others are figures."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
