"""Watchdogs: what no limit of the kernel covers is sampled, and a program that goes too far is stopped.

One thread looks after all programs of a sandbox, so that a busy event loop does not blind it. It bounds damage; it
cannot prevent it: between two looks a program may go somewhat over. Watched are the tree's memory, the machine's own
reserve of memory and disk, what was added to the workspace (bytes, files), and time.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from glmos.sandbox import tree
from glmos.sandbox.program import Program, children

TICK = 0.1
"""Seconds between two looks at a program's memory."""
_DISK_SHARE = 20
"""A look at the disk is taken at most this many times its own duration apart, so that it costs 5 % at most."""
_MEMORY_RESERVE = 0.05
"""Share of the machine's memory that must stay available."""
_DISK_RESERVE = 256 << 20
_NOTABLE = 64 << 20
"""A program that has not added this much is not to blame for a machine that runs full."""
_GIVING_BACK = 1.0
"""Seconds that a stopped program has to give its memory back before another one is suspected."""
_QUICK = 0.1
_TOO_MANY = 1 << 40
_PAGE = os.sysconf("SC_PAGE_SIZE")


class DiskUse(NamedTuple):
    bytes: int
    files: int


class Watched:
    """A program, and what is remembered of it between two looks."""

    def __init__(self, program: Program, disk_at_start: DiskUse | None, on_tick: Callable[[], None] | None) -> None:
        self.program = program
        self.on_tick = on_tick
        seconds = program.limits.seconds
        self.deadline = float("inf") if seconds is None else program.started + seconds
        self.available_at_start = available_memory()
        self.disk_at_start = disk_at_start
        self.next_disk_look = program.started

    def look(self, now: float) -> str:
        """The limit that was broken, or nothing."""
        if self.on_tick is not None:
            self.on_tick()
        if now >= self.deadline:
            return "timeout"
        if self._too_much_memory():
            return "memory"
        if now >= self.next_disk_look:
            broken = self._disk(now)
            self.next_disk_look = now + max(2 * TICK, (time.monotonic() - now) * _DISK_SHARE)
            return broken
        return ""

    def _too_much_memory(self) -> bool:
        limit, init = self.program.limits.memory_bytes, self.program.init_pid
        pids = descendants(init)
        in_files = tmpfs_use(init)
        return resident(pids) + in_files > limit and proportional(pids) + in_files > limit

    @property
    def memory(self) -> int:
        """What can be seen to be its own, in bytes. Buffers in the kernel cannot."""
        return resident(descendants(self.program.init_pid)) + tmpfs_use(self.program.init_pid)

    def may_starve_the_machine(self, available: int) -> bool:
        """The machine runs out of memory, and has lost some since this program began."""
        return available < memory_reserve() and self.available_at_start - available > _NOTABLE

    def _disk(self, now: float) -> str:
        use = use_of(self.program.places, give_up_at=now + 5)
        if self.disk_at_start is None:
            self.disk_at_start = use
        added = use.bytes - self.disk_at_start.bytes
        if added > self.program.limits.disk_bytes:
            return "disk"
        if use.files - self.disk_at_start.files > self.program.limits.files:
            return "files"
        if added > _NOTABLE and any(_free(place) < _DISK_RESERVE for place in self.program.places):
            return "disk"
        return ""


class Watch:
    """The thread. It runs while there is something to look at."""

    def __init__(self) -> None:
        self._watched: dict[Program, Watched] = {}
        self._changed = threading.Condition()
        """Guards `_watched` and `_thread`."""
        self._thread: threading.Thread | None = None
        self._next_reserve_look = 0.0

    def add(
        self, program: Program, *, disk_at_start: DiskUse | None = None, on_tick: Callable[[], None] | None = None
    ) -> None:
        """`disk_at_start`: what its places held before it began; what the first look finds when it is not known."""
        with self._changed:
            self._watched[program] = Watched(program, disk_at_start, on_tick)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-watch", daemon=True)
                self._thread.start()
            self._changed.notify()

    def remove(self, program: Program) -> None:
        with self._changed:
            self._watched.pop(program, None)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._watched:
                    self._changed.wait(10)
                if not self._watched:
                    self._thread = None
                    return
                due = list(self._watched.values())
            for watched in due:
                self._look(watched)
            self._keep_reserve(due)
            with self._changed:
                soonest = min((watched.deadline for watched in self._watched.values()), default=float("inf"))
                self._changed.wait(max(0.0, min(TICK, soonest - time.monotonic())))

    def _keep_reserve(self, due: Sequence[Watched]) -> None:
        """When the machine runs full, stop one program, the largest; at the next look perhaps another.

        Memory in kernel buffers belongs to no program that could be named, so the smaller ones are suspects too; but
        most often the largest is to blame, and the innocent beside it go on.
        """
        now = time.monotonic()
        if now < self._next_reserve_look:
            return
        available = available_memory()
        suspects = [w for w in due if w.program.alive and w.may_starve_the_machine(available)]
        if suspects:
            max(suspects, key=lambda w: w.memory).program.stop("memory")
            self._next_reserve_look = now + _GIVING_BACK

    def _look(self, watched: Watched) -> None:
        if not watched.program.alive:
            self.remove(watched.program)
            return
        reason = watched.look(time.monotonic())
        if reason:
            watched.program.stop(reason)


def descendants(pid: int) -> list[int]:
    """`pid` and everything below it, in a PID namespace complete: whoever loses its parent gets `pid` as one."""
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += children(current)
    return found


def resident(pids: list[int]) -> int:
    """Memory of all, in bytes; what they share is counted for each of them."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE


def proportional(pids: list[int]) -> int:
    """Memory of all, in bytes; what they share is divided among them. Dear: it walks page tables."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except ProcessLookupError:
            continue
        except OSError:
            total += resident([pid])
            continue
        total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    return total


def tmpfs_use(init_pid: int) -> int:
    """Bytes in the sandbox's file systems in memory."""
    total = 0
    root = f"/proc/{init_pid}/root"
    with contextlib.suppress(OSError):
        if os.path.samefile(root, "/"):  # noqa: PTH121 - it has not changed its root yet: that is the host's /tmp
            return 0
    for place in ("tmp", "dev/shm"):
        with contextlib.suppress(OSError):
            figures = os.statvfs(f"{root}/{place}")
            total += (figures.f_blocks - figures.f_bfree) * figures.f_frsize
    return total


def _meminfo(name: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) << 10
    return 1 << 62


def available_memory() -> int:
    return _meminfo("MemAvailable")


def memory_reserve() -> int:
    return int(_meminfo("MemTotal") * _MEMORY_RESERVE)


def use_of(places: Sequence[Path], *, give_up_at: float) -> DiskUse:
    found = [disk_use(place, give_up_at=give_up_at) for place in places]
    return DiskUse(sum(use.bytes for use in found), sum(use.files for use in found))


def quick_use_of(places: Sequence[Path]) -> DiskUse | None:
    """What lies in `places`, if that can be counted while nobody minds waiting."""
    deadline = time.monotonic() + _QUICK
    use = use_of(places, give_up_at=deadline)
    return use if time.monotonic() < deadline else None


def disk_use(folder: Path, *, give_up_at: float) -> DiskUse:
    """What lies in `folder`, links not followed; what was found until then when it takes too long.

    Folders nested too deep to be counted count as more files than any limit allows.
    """
    with contextlib.suppress(OSError), tree.opened(folder) as descriptor:
        return _use(descriptor, 0, give_up_at)
    return DiskUse(0, 0)


def _use(folder: int, depth: int, give_up_at: float) -> DiskUse:
    size, files = 0, 0
    for found in tree.listed(folder):
        files += 1
        size += found.status.st_blocks * 512
        if found.is_folder and depth == tree.MAX_DEPTH:
            return DiskUse(size, _TOO_MANY)
        if found.is_folder and time.monotonic() < give_up_at:
            with contextlib.suppress(OSError), tree.entered(folder, found.name) as inner:
                below = _use(inner, depth + 1, give_up_at)
                size, files = size + below.bytes, files + below.files
    return DiskUse(size, files)


def _free(folder: Path) -> int:
    try:
        figures = os.statvfs(folder)
    except OSError:
        return 1 << 62
    return figures.f_bavail * figures.f_frsize
