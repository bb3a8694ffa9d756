"""A sandbox that isolates nothing, for tests of what stands above a sandbox on machines without a real one."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import anyio
from anyio.abc import Process

from glmos.abi.ids import Pid
from glmos.ports import Finished, SandboxLimits

NOTICE = "BareSandbox: programs run WITHOUT ANY ISOLATION, as this user, with network. For tests only."
_POLL = 0.02


class BareSandbox:
    """Runs programs as they are. It says so on standard error, and `boot` never chooses it.

    `/run/glmos` and `/workspace` in arguments and variables are replaced by the folders they stand for. Programs that
    leave their process group are not found again.
    """

    def __init__(self, *, nothing_is_isolated: bool) -> None:
        if not nothing_is_isolated:
            raise ValueError(f"{NOTICE} Say `nothing_is_isolated=True` if that is what you want.")
        print(NOTICE, file=sys.stderr)
        self._running: dict[Pid, set[BareSession]] = {}

    async def require(self) -> None:
        return

    async def run(
        self,
        argv: Sequence[str],
        *,
        pid: Pid,
        workspace: Path,
        writable: bool = True,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        limits: SandboxLimits = SandboxLimits(),
    ) -> Finished:
        session = await self.open(argv, pid=pid, workspace=workspace, env=env, limits=limits, stdin=stdin)
        try:
            return await session.wait()
        finally:
            await session.kill()

    async def open(
        self,
        argv: Sequence[str],
        *,
        pid: Pid,
        workspace: Path,
        env: Mapping[str, str] | None = None,
        limits: SandboxLimits = SandboxLimits(seconds=None),
        stdin: bytes | None = None,
    ) -> "BareSession":
        place = Path(tempfile.mkdtemp(prefix="bare-", dir="/tmp"))
        sockets, programs = place / "sockets", place / "bin"
        sockets.mkdir(mode=0o700)
        programs.mkdir()
        for name in ("python", "python3"):
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            (programs / name).chmod(0o755)
        stdout, stderr, given = (tempfile.TemporaryFile() for _ in range(3))  # noqa: SIM115 - the session owns them
        given.write(stdin or b"")
        given.seek(0)

        def here(text: str) -> str:
            return text.replace("/run/glmos", str(sockets)).replace("/workspace", str(workspace))

        command = [sys.executable if argv[0] == "python" else argv[0], *map(here, argv[1:])]
        process = await anyio.open_process(
            # By way of a shell, which turns a program that does not exist into a status; and of env, because a test run
            # in the background hands down that SIGINT is ignored.
            ["/usr/bin/env", "--default-signal=INT,QUIT", "/bin/sh", "-c", 'exec "$@"', "sh", *command],
            stdin=given,
            stdout=stdout,
            stderr=stderr,
            cwd=workspace,
            env={
                "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
                "PYTHONPATH": ":".join(entry for entry in sys.path if entry),
                "TMPDIR": "/tmp",
                "PYTHONDONTWRITEBYTECODE": "1",
                "HOME": str(workspace),
                **{name: here(value) for name, value in (env or {}).items()},
            },
            start_new_session=True,
        )
        given.close()
        session = BareSession(process, sockets, (stdout, stderr), limits)
        running = self._running.setdefault(pid, set())
        running.add(session)
        session.on_end = lambda: running.discard(session)
        return session

    async def kill(self, pid: Pid) -> int:
        sessions = [session for session in self._running.get(pid, ()) if session.alive]
        for session in sessions:
            await session.kill()
        return len(sessions)

    async def aclose(self) -> None:
        for pid in list(self._running):
            await self.kill(pid)


class BareSession:
    """A program in a process group of its own, its output in files."""

    def __init__(
        self, process: Process, sockets: Path, outputs: tuple[IO[bytes], IO[bytes]], limits: SandboxLimits
    ) -> None:
        self._process = process
        self._sockets = sockets
        self._outputs = outputs
        self._limits = limits
        self._started = time.monotonic()
        self._stopped_by = ""
        self._finished: Finished | None = None
        self.on_end: Callable[[], None] = lambda: None

    @property
    def socket_dir(self) -> Path:
        return self._sockets

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def interrupt(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGINT)

    async def kill(self) -> None:
        self._stop("cancelled")
        with anyio.CancelScope(shield=True):
            await self.wait()

    def _stop(self, reason: str) -> None:
        if self.alive:
            self._stopped_by = self._stopped_by or reason
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def wait(self) -> Finished:
        while self.alive:
            self._look()
            with anyio.move_on_after(_POLL):
                await self._process.wait()
        if self._finished is None:
            self._finished = self._settle()
        return self._finished

    def _look(self) -> None:
        if self._limits.seconds is None:
            return  # long-lived: its output may grow
        if time.monotonic() - self._started > self._limits.seconds:
            self._stop("timeout")
        elif sum(os.fstat(output.fileno()).st_size for output in self._outputs) > self._limits.output_bytes:
            self._stop("output")

    def _settle(self) -> Finished:
        status = self._process.returncode
        assert status is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        limit = self._limits.output_bytes
        texts: list[bytes] = []
        truncated = False
        for output in self._outputs:
            output.seek(0)
            text = output.read()
            truncated |= len(text) > limit
            texts.append(text[:limit] if self._limits.seconds is not None else text[-limit:])
            output.close()
        shutil.rmtree(self._sockets.parent, ignore_errors=True)
        self.on_end()
        return Finished(
            status=None if self._stopped_by else 128 - status if status < 0 else status,
            stdout=texts[0],
            stderr=texts[1],
            stopped_by=self._stopped_by,
            seconds=time.monotonic() - self._started,
            truncated=truncated,
        )
