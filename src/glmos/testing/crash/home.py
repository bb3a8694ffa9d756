"""A home, the daemons that serve it one after the other, and their deaths."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL

import anyio
from anyio.abc import Process

from glmos.client import RemoteSystem
from glmos.testing.crash.daemon import COMMAND
from glmos.testing.crash.model import Diligent, model
from glmos.testing.crash.outside import Outside, outside

START_SECONDS = 60.0
USUAL_START = 0.45
"""Seconds that a daemon takes to start on a machine with nothing else to do."""


class Daemon:
    """A running daemon that we started, and alone may end."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._memory = 0
        self.os_pid = process.pid

    @property
    def status(self) -> int | None:
        """Exit status; negative for a signal, None while it lives or nobody has waited for it."""
        return self._process.returncode

    @property
    def memory(self) -> int:
        """Most bytes it has taken, as last seen by `look`."""
        return self._memory

    def look(self) -> None:
        with suppress(OSError, IndexError, ValueError):
            status = Path(f"/proc/{self.os_pid}/status").read_text()
            self._memory = int(status.split("VmHWM:")[1].split()[0]) << 10

    async def ended(self) -> int:
        """Wait for its end."""
        return await self._process.wait()

    async def kill(self) -> None:
        """SIGKILL. Nothing it did after this is heard of."""
        self.look()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.ended()

    async def stop(self) -> int:
        """SIGTERM: an orderly end."""
        self.look()
        with suppress(ProcessLookupError):
            self._process.terminate()
        return await self.ended()


class Home:
    """One `GLMOS_HOME` and what is outside of it. Made by `home`."""

    def __init__(self, path: Path, outside: Outside, endpoint: Diligent, environ: Mapping[str, str]) -> None:
        """Keys of models are left out of `environ`."""
        self.path = path
        self._environ = {k: v for k, v in environ.items() if not k.endswith("_API_KEY") and not k.startswith("GLMOS_")}
        self.outside = outside
        self.endpoint = endpoint
        self.note = path.with_name(path.name + "-died-at")
        self.up = anyio.Event()
        """Set while a daemon is ready."""
        self.pace = 1.0
        """How many times as long as usual the last start took: a measure of how busy the machine is."""
        self.within: tuple[str, ...] = ()
        """What daemons are started through: a command that becomes the one it is given."""
        self.daemons: list[Daemon] = []
        """Every one there was."""
        self.source = path.with_name(path.name + "-表.csv")
        """A file of the person's, which every process is given."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.source.write_text("地区,金额\n华东,1250000\n" * 100, "utf-8")

    @property
    def model(self) -> str:
        """Address of the model that processes are given."""
        return self.endpoint.url

    @property
    def system(self) -> RemoteSystem:
        return RemoteSystem(self.path, {})

    def environ(self, die_at: str = "") -> dict[str, str]:
        """Of a daemon, or of a command line that may start one. `die_at`: a name of `POINTS`, perhaps with `:COUNT`."""
        orders = {"GLMOS_CRASH_AT": die_at, "GLMOS_CRASH_NOTE": str(self.note)} if die_at else {}
        where = {"GLMOS_CRASH_OUTSIDE": self.outside.url, "GLMOS_CRASH_LEDGER": str(self.outside.ledger)}
        return self._environ | orders | where | {"GLMOS_HOME": str(self.path), "PYTHONWARNINGS": "ignore"}

    async def start(self, die_at: str = "", *, until_ready: bool = True) -> Daemon:
        """Start a daemon. It may well die before it is ready; then `status` says so."""
        begun = anyio.current_time()
        ours, theirs = os.pipe()
        with (self.path / "glmosd.log").open("ab") as log:
            process = await anyio.open_process(
                [*self.within, *COMMAND, "--home", str(self.path), "--ready-fd", str(theirs)], env=self.environ(die_at),
                stdin=DEVNULL, stdout=log, stderr=log, pass_fds=(theirs,), start_new_session=True,
            )  # fmt: skip
        os.close(theirs)
        daemon = Daemon(process)
        self.daemons.append(daemon)
        try:
            if until_ready and await _said(ours) != b"ready\n":
                await daemon.ended()
        finally:
            os.close(ours)
        if daemon.status is None and until_ready:
            self.pace = max(1.0, (anyio.current_time() - begun) / USUAL_START)
            self.up.set()
        return daemon

    def down(self) -> None:
        """The daemon is dead or about to be: whoever wants something waits for the next."""
        if self.up.is_set():
            self.up = anyio.Event()

    def died_at(self) -> list[str]:
        """The points at which daemons have died as they were told."""
        return self.note.read_text().splitlines() if self.note.exists() else []

    @asynccontextmanager
    async def daemon(self, die_at: str = "") -> AsyncGenerator[Daemon]:
        """A daemon for the length of a block; what is left of it then ends in order."""
        daemon = await self.start(die_at)
        try:
            yield daemon
        finally:
            self.down()
            with anyio.CancelScope(shield=True):
                if daemon.status is None:
                    await daemon.stop()


@asynccontextmanager
async def home(folder: Path, environ: Mapping[str, str], *, latency: float = 0.0) -> AsyncGenerator[Home]:
    """A home in `folder`, its outside and its model, for the length of a block; no daemon of it is left afterwards.

    `environ`: what daemons and command lines find around them. `latency`: seconds that the model takes to answer.
    """
    with outside(folder / "ledger") as there, model(latency) as endpoint:
        made = Home(folder / "home", there, endpoint, environ)
        try:
            yield made
        finally:
            with anyio.CancelScope(shield=True):
                for daemon in made.daemons:
                    await daemon.kill()


async def _said(pipe: int) -> bytes:
    """The first line of a daemon; what there was of it when it died before."""
    said = b""
    with anyio.fail_after(START_SECONDS):
        while not said.endswith(b"\n"):
            await anyio.wait_readable(pipe)
            chunk = os.read(pipe, 65536)
            if not chunk:
                break
            said += chunk
    return said
