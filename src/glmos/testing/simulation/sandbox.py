"""The sandbox of the simulation: it understands the few commands that simulated plans use in their checks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from glmos.abi.errors import SandboxError
from glmos.abi.ids import Pid
from glmos.ports import Finished, SandboxLimits, SandboxSession
from glmos.testing.simulation.world import Life


class SimSandbox:
    """Implements `ports.Sandbox`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._count = 0

    async def require(self) -> None:
        return None

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
        life, world = self._life, self._life.world
        life.reach("a program starts", pid)
        self._count += 1
        calm = world.scenario.calm or world.calm
        roll = 0.9 if calm else world.dice.roll(20, pid, life.number, self._count)
        life.programs[pid] += 1
        try:
            seconds = limits.seconds or 0.0
            if roll < 0.03:
                await world.sleep(seconds)
                return Finished(None, b"", b"", "timeout", seconds)
            await world.sleep(1.5 if roll < 0.1 else 0.01)
            if roll > 0.98:
                raise SandboxError("The sandbox cannot be set up: bwrap was refused; run `glmos doctor`.")
            return self._result(argv, pid, roll)
        finally:
            life.programs[pid] -= 1

    def _result(self, argv: Sequence[str], pid: Pid, roll: float) -> Finished:
        """`cat FILE`, `test FILE`, `true`, `maybe`; a look at a file for a preview or a format."""
        files = self._life.world.disk.workspaces.get(pid, {})
        if argv[0] == "cat":
            text = files.get(argv[-1])
            return Finished(1, b"", b"no such file") if text is None else Finished(0, text.encode(), b"")
        if argv[0] == "/bin/sh":
            command, _, name = argv[2].partition(" ")
            good = {"true": True, "maybe": roll > 0.5, "test": name in files}.get(command, False)
            return Finished(0 if good else 1, b"", b"" if good else b"no")
        return Finished(0, b"looked at", b"")

    async def open(
        self,
        argv: Sequence[str],
        *,
        pid: Pid,
        workspace: Path,
        env: Mapping[str, str] | None = None,
        limits: SandboxLimits = SandboxLimits(seconds=None),
    ) -> SandboxSession:
        raise SandboxError("The simulated sandbox has no sessions; use `run`.")

    async def kill(self, pid: Pid) -> int:
        self._life.reach("programs are ended", pid)
        await self._life.pause(21)
        return 0

    async def aclose(self) -> None:
        return None
