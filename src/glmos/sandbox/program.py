"""One running program of the sandbox: started, limited, stopped as a tree.

    GLM-OS ── supervisor (`launcher`) ── bubblewrap ── first process of the PID namespace ── the program ── ...

Everything inside lives in one PID namespace, whose first process is held here by a file descriptor. When that one
ends, the kernel ends all others, whatever sessions they opened or signals they ignore. The program waits at a gate
until we hold that descriptor. The supervisor ends last, when nothing is left; and it ends everything when GLM-OS ends.
Above: `bubblewrap`, `session`.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple, Self

import anyio
from anyio.abc import Process

from glmos.ports import SandboxLimits
from glmos.sandbox import launcher
from glmos.sandbox.host import Bubblewrap, explain_failure
from glmos.sandbox.identity import Identity
from glmos.sandbox.limits import GATE, launcher_words
from glmos.sandbox.profile import Profile

_KILLED = 128 + signal.SIGKILL
_START_SECONDS = 60.0
"""More than any start takes on a machine that still works."""


class Channels(NamedTuple):
    """Where the program's standard streams go."""

    stdin: int
    stdout: int | IO[bytes]
    stderr: int | IO[bytes]


PIPES = Channels(subprocess.PIPE, subprocess.PIPE, subprocess.PIPE)


class Program:
    """What runs. `stop` may be called from any thread, any number of times, before and after the end."""

    def __init__(
        self,
        process: Process,
        *,
        init_pid: int,
        descriptors: tuple[int, int, int],
        limits: SandboxLimits,
        places: Sequence[Path],
    ) -> None:
        """`descriptors`: of the namespace's first process, of bubblewrap's reports, of the supervisor's lifeline."""
        self.process = process
        self.init_pid = init_pid
        """Host pid of the namespace's first process."""
        self.limits = limits
        self.places = tuple(places)
        """Folders of the host that the program can fill."""
        self.started = time.monotonic()
        self.stopped_by = ""
        self._oom_kills = oom_kills()
        """Before it began."""
        self._init, self._status, self._lifeline = descriptors
        self._status_text = b""
        self._lock = threading.Lock()
        """Guards the descriptors against being closed while another thread uses them."""
        self._closed = False

    @property
    def alive(self) -> bool:
        """Something of it is left."""
        with self._lock:
            return not self._closed and not _readable(self._init)

    def stop(self, reason: str) -> None:
        """End the whole tree now. The first reason given is the one that counts; none counts after the end."""
        if not self.alive:
            return
        self.stopped_by = self.stopped_by or reason
        with self._lock, contextlib.suppress(ProcessLookupError):
            if not self._closed:
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def interrupt(self) -> bool:
        """SIGINT to the program itself; False when it has not started yet or is gone."""
        pid = self._program_pid()
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGINT)
        except ProcessLookupError:
            return False
        return True

    def _program_pid(self) -> int | None:
        """It is process 2 of its namespace; the host knows it by another number."""
        for child in children(self.init_pid):
            try:
                status = Path(f"/proc/{child}/status").read_text()
            except OSError:
                continue
            if any(line.startswith("NSpid:") and line.split()[-1] == "2" for line in status.splitlines()):
                return child
        return None

    async def wait_gone(self) -> None:
        """Return when nothing is left of it."""
        await self.process.wait()
        with self._lock:
            init = None if self._closed else os.dup(self._init)
        if init is not None:
            try:
                await anyio.wait_readable(init)  # at once, unless somebody killed the supervisor
            finally:
                os.close(init)

    def exit_status(self) -> int | None:
        """The program's own status once it is gone; None when it was not its own end, or it never began."""
        status = None if self.stopped_by else self._own_status()
        if status in (None, _KILLED) and not self.stopped_by and oom_kills() > self._oom_kills:
            self.stopped_by = "memory"  # a limit outside of ours, or the machine's own end of memory
            return None
        return status

    def _own_status(self) -> int | None:
        with self._lock:
            if not self._closed:
                self.read_status(_drain(self._status))
        for line in self._status_text.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                code = json.loads(line).get("exit-code")
                if code is not None:
                    return int(code)
        return None

    def read_status(self, text: bytes) -> None:
        self._status_text += text

    def close(self) -> None:
        """Let go of the descriptors. Only when it is gone."""
        with self._lock:
            if not self._closed:
                self.read_status(_drain(self._status))
                self._closed = True
                for descriptor in (self._init, self._status, self._lifeline):
                    os.close(descriptor)


def _readable(descriptor: int) -> bool:
    poll = select.poll()  # unlike select, it takes descriptors of any number
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def children(pid: int) -> list[int]:
    """Host pids of the direct children of every thread of `pid`."""
    if not _kernel_lists_children():
        return [child for child, parent in _parents().items() if parent == pid]
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


@cache
def _kernel_lists_children() -> bool:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").exists()


def _parents() -> dict[int, int]:
    """The parent of every process on the machine."""
    found: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name before it, in parentheses, may contain anything.
            found[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return found


async def start(
    bubblewrap: Bubblewrap,
    profile: Profile,
    *,
    identity: Identity | None,
    limits: SandboxLimits,
    places: Sequence[Path],
    channels: Channels = PIPES,
) -> Program:
    """Start a program within its limits; takes over the profile's descriptors.

    Cancelling has no effect until it has started, so that there is always somebody who knows what to end.

    Raises: SandboxError. Nothing was run.
    """
    program: Program | None = None
    with _Descriptors(profile.descriptors) as held, anyio.CancelScope(shield=True):
        status_read, status_write = held.pipe()
        gate_read, gate_write = held.pipe()
        lifeline_read, lifeline_write = held.pipe()
        process = await anyio.open_process(
            [
                *_launch(identity, limits, profile.sources, lifeline=lifeline_read, gate=gate_read),
                *[bubblewrap.path, "--json-status-fd", str(status_write), *profile.arguments],
            ],
            stdin=channels.stdin,
            stdout=channels.stdout,
            stderr=channels.stderr,
            cwd="/",
            env={},
            start_new_session=True,
            pass_fds=[status_write, gate_read, lifeline_read, *profile.descriptors],
        )
        for descriptor in (status_write, gate_read, lifeline_read):
            held.close(descriptor)
        try:
            with anyio.fail_after(_START_SECONDS):
                init_pid, rest = await _first_process(status_read)
            init = held.own(os.pidfd_open(init_pid))
            os.write(gate_write, b"\n")
        except (TimeoutError, EOFError, ProcessLookupError, BrokenPipeError) as error:
            held.close(lifeline_write)
            raise explain_failure(await _last_words(process, channels)) from error
        program = Program(
            process,
            init_pid=init_pid,
            descriptors=(held.release(init), held.release(status_read), held.release(lifeline_write)),
            limits=limits,
            places=places,
        )
        program.read_status(rest)
    assert program is not None, "a shielded scope drops nothing"
    return program


class _Descriptors:
    """Open files that are closed at the end of a block, unless they were released to a new owner."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        self._open = set(descriptors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in list(self._open):
            self.close(descriptor)

    def own(self, descriptor: int) -> int:
        self._open.add(descriptor)
        return descriptor

    def pipe(self) -> tuple[int, int]:
        """Both ends above `GATE`, which is for the program inside."""
        low = os.pipe()
        read, write = (self.own(fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, GATE + 1)) for descriptor in low)
        for descriptor in low:
            os.close(descriptor)
        return read, write

    def close(self, descriptor: int) -> None:
        self._open.discard(descriptor)
        os.close(descriptor)

    def release(self, descriptor: int) -> int:
        self._open.discard(descriptor)
        return descriptor


def _launch(
    identity: Identity | None, limits: SandboxLimits, sources: Sequence[Path], *, lifeline: int, gate: int
) -> list[str]:
    uid, gid = identity or (-1, -1)
    words = [uid, gid, lifeline, gate, GATE, *launcher_words(limits), "--", *sources, "--"]
    return [sys.executable, "-I", "-S", launcher.__file__, *map(str, words)]


async def _first_process(status: int) -> tuple[int, bytes]:
    """The namespace's first process, and what bubblewrap said after naming it.

    Raises: EOFError when bubblewrap gave up before.
    """
    os.set_blocking(status, False)
    text = b""
    while b"\n" not in text:
        await anyio.wait_readable(status)
        piece = os.read(status, 4096)
        if not piece:
            raise EOFError("bubblewrap ended before it had made a sandbox")
        text += piece
    line, _, rest = text.partition(b"\n")
    return int(json.loads(line)["child-pid"]), rest


def _drain(descriptor: int) -> bytes:
    text = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(descriptor, 4096):
            text += piece
    return text


async def _last_words(process: Process, channels: Channels) -> str:
    """What a bubblewrap that gave up wrote to standard error."""
    said = b""
    with contextlib.suppress(anyio.EndOfStream, anyio.ClosedResourceError):
        while process.stderr is not None and len(said) < 65536:
            said += await process.stderr.receive()
    await process.wait()
    if process.stderr is None and not isinstance(channels.stderr, int):
        said = os.pread(channels.stderr.fileno(), 65536, 0)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            await stream.aclose()
    return said.decode(errors="replace")


def oom_kills() -> int:
    """How many programs the kernel has ended on this machine because there was no memory for them, in whatever group."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
