"""The sandbox: programs run inside bubblewrap or not at all. Implements `ports.Sandbox`.

identity     as whom          profile   what the inside looks like     launcher   gives up root's uid
seccomp      forbidden calls  limits    per program, by the kernel     watch      per tree, by sampling
program      one that runs    session   one that lives on              host       what is missing here
"""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL

import anyio
import anyio.to_thread
from anyio.abc import ByteReceiveStream, ByteSendStream

from glmos.abi.errors import ConflictError, SandboxError, UsageError
from glmos.abi.ids import Pid
from glmos.ports import Finished, SandboxLimits
from glmos.sandbox import profile, program
from glmos.sandbox.host import Bubblewrap, explain_failure, find_bubblewrap
from glmos.sandbox.identity import adopt, can_mount, foreign_identity
from glmos.sandbox.interpreter import current_interpreter
from glmos.sandbox.program import Channels, Program
from glmos.sandbox.session import BubblewrapSession, Output, make_socket_dir, remove_stale_socket_dirs
from glmos.sandbox.watch import DiskUse, Watch, quick_use_of

_LONGEST_WORD = 128 << 10
_LONGEST_COMMAND = 1 << 20


class _Slot:
    """A program of a process, from before it starts until nothing is left of it."""

    def __init__(self) -> None:
        self.program: Program | None = None
        self.session: BubblewrapSession | None = None
        self.disk_at_start: DiskUse | None = None
        self.unwanted = False
        self.gone = anyio.Event()

    def stop(self) -> None:
        self.unwanted = True
        if self.program is not None:
            self.program.stop("cancelled")


class BubblewrapSandbox:
    """Runs programs of GLM-OS's processes. Needs no closing order: what it runs ends with it."""

    def __init__(self, bwrap: str = "bwrap") -> None:
        self._bwrap = bwrap
        self._found: Bubblewrap | None = None
        self._tried = False
        self._slots: dict[Pid, set[_Slot]] = {}
        self._watch = Watch()

    async def sweep(self) -> None:
        """Remove what owners that were killed have left behind."""
        await anyio.to_thread.run_sync(remove_stale_socket_dirs, foreign_identity())

    async def require(self) -> None:
        """Tries it, once: only a program that ran shows that programs run."""
        if self._tried:
            return
        bubblewrap = await self._bubblewrap()
        folder = make_socket_dir(foreign_identity())
        try:
            finished = await self.run(["python", "-I", "-c", "pass"], pid=0, workspace=folder)
        finally:
            folder.rmdir()
        if finished.status != 0:
            said = finished.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise SandboxError(
                f"Python does not run inside {bubblewrap.path!r} ({said[-1]}); "
                "make its installation readable for others or install GLM-OS in another virtual environment."
            )
        self._tried = True

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
        if problem := _not_executable(argv):
            return Finished(status=126, stdout=b"", stderr=f"{argv[0]}: {problem}\n".encode(errors="replace"))
        slot = self._enter(pid)
        inside = profile.Inside(argv, workspace, writable, None, env or {}, limits)
        try:
            started = await self._start(slot, inside, program.PIPES)
            self._watch.add(started, disk_at_start=slot.disk_at_start)
            try:
                return await self._converse(started, argv, stdin, limits)
            finally:
                with anyio.CancelScope(shield=True):
                    started.stop("cancelled")
                    await started.wait_gone()
                    self._watch.remove(started)
                    started.close()
                    await started.process.aclose()
        finally:
            self._leave(pid, slot)

    async def open(
        self,
        argv: Sequence[str],
        *,
        pid: Pid,
        workspace: Path,
        env: Mapping[str, str] | None = None,
        limits: SandboxLimits = SandboxLimits(seconds=None),
    ) -> BubblewrapSession:
        if problem := _not_executable(argv):
            raise UsageError(f"The program {argv[0]!r} cannot be started: {problem}.")
        slot = self._enter(pid)
        with ExitStack() as undo:
            undo.callback(self._leave, pid, slot)
            sockets = make_socket_dir(foreign_identity())
            undo.callback(shutil.rmtree, sockets, ignore_errors=True)
            outputs = Output("stdout", limits.output_bytes), Output("stderr", limits.output_bytes)
            for output in outputs:
                undo.callback(output.close)
            inside = profile.Inside(argv, workspace, True, sockets, env or {}, limits)
            started = await self._start(slot, inside, Channels(DEVNULL, outputs[0].writer, outputs[1].writer))
            undo.pop_all()

        def on_end() -> None:
            self._watch.remove(started)
            self._leave(pid, slot)

        slot.session = BubblewrapSession(started, sockets, outputs, on_end)
        self._watch.add(started, disk_at_start=slot.disk_at_start, on_tick=slot.session.trim)
        if slot.unwanted:
            await slot.session.kill()
            raise ConflictError(f"Process {pid} was killed while {argv[0]!r} was being started for it.")
        return slot.session

    async def kill(self, pid: Pid) -> int:
        slots = list(self._slots.get(pid, ()))
        ended = sum(slot.program is None or slot.program.alive for slot in slots)
        for slot in slots:
            slot.stop()
        for slot in slots:
            if slot.session is not None:
                await slot.session.wait()
            await slot.gone.wait()
        return ended

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            for pid in list(self._slots):
                await self.kill(pid)

    # -- one program --------------------------------------------------------------------------------------------------

    def _enter(self, pid: Pid) -> _Slot:
        slot = _Slot()
        self._slots.setdefault(pid, set()).add(slot)
        return slot

    def _leave(self, pid: Pid, slot: _Slot) -> None:
        slots = self._slots.get(pid, set())
        slots.discard(slot)
        if not slots:
            self._slots.pop(pid, None)
        slot.gone.set()

    async def _bubblewrap(self) -> Bubblewrap:
        if self._found is None:
            self._found = await anyio.to_thread.run_sync(find_bubblewrap, self._bwrap)
        return self._found

    async def _start(self, slot: _Slot, inside: profile.Inside, channels: Channels) -> Program:
        bubblewrap = await self._bubblewrap()
        identity = foreign_identity()
        inside = inside._replace(workspace=await anyio.to_thread.run_sync(inside.workspace.resolve))
        places = [inside.workspace] if inside.writable else []
        if inside.sockets is not None:
            places.append(inside.sockets)
        try:
            slot.disk_at_start = await anyio.to_thread.run_sync(_prepare, inside.workspace, places)
            staged = identity is not None and can_mount()
            made = profile.build(inside, current_interpreter(), staged=staged, features=bubblewrap.features)
            slot.program = await program.start(
                bubblewrap, made, identity=identity, limits=inside.limits, places=places, channels=channels
            )
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            raise SandboxError(f"No program could be started in the sandbox: {error.strerror}{where}.") from error
        if slot.unwanted:
            slot.program.stop("cancelled")
        return slot.program

    async def _converse(self, started: Program, argv: Sequence[str], stdin: bytes, limits: SandboxLimits) -> Finished:
        """Feed it, listen to it, wait for it."""
        heard = _Heard(started, limits.output_bytes)
        process = started.process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_feed, process.stdin, stdin)
            tasks.start_soon(heard.listen, process.stdout, heard.stdout)
            tasks.start_soon(heard.listen, process.stderr, heard.stderr)
            await started.wait_gone()
        status = started.exit_status()
        stderr = bytes(heard.stderr)
        if status is None and not started.stopped_by:
            raise explain_failure(stderr.decode(errors="replace"))
        return Finished(
            status=status,
            stdout=bytes(heard.stdout),
            stderr=stderr,
            stopped_by=started.stopped_by,
            seconds=time.monotonic() - started.started,
            truncated=heard.full,
        )


class _Heard:
    """What a program said, up to a limit for both streams together; one that says more is stopped."""

    def __init__(self, started: Program, limit: int) -> None:
        self.stdout, self.stderr = bytearray(), bytearray()
        self.full = False
        self._started = started
        self._limit = limit

    async def listen(self, stream: ByteReceiveStream, into: bytearray) -> None:
        async for piece in stream:
            room = self._limit - len(self.stdout) - len(self.stderr)
            into += piece[: max(0, room)]
            if len(piece) > room:
                self.full = True
                self._started.stop("output")


async def _feed(stream: ByteSendStream, data: bytes) -> None:
    try:
        async with stream:
            if data:
                await stream.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # it does not want to read that


def _not_executable(argv: Sequence[str]) -> str:
    """What Linux does not take as a command, whoever calls it."""
    if any("\0" in word for word in argv):
        return "an argument contains a NUL character"
    sizes = [len(os.fsencode(word)) for word in argv]
    if max(sizes) >= _LONGEST_WORD or sum(sizes) > _LONGEST_COMMAND:
        return "the arguments are too long; put them into a file or feed them as input"
    return ""


def _prepare(workspace: Path, places: Sequence[Path]) -> DiskUse | None:
    """Raises: SandboxError when `workspace` is not a folder that programs may be given."""
    if not workspace.is_dir():
        raise SandboxError(f"The workspace {str(workspace)!r} is not a folder.")
    if len(workspace.resolve().parts) < 3:
        raise SandboxError(f"The folder {str(workspace)!r} is too much of the system to be a workspace.")
    adopt(workspace, foreign_identity())
    return quick_use_of(places)
