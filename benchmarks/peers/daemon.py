"""A daemon of GLM-OS over a home, measured from outside."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from peers.rig import pinned


class Daemon:
    """Started by `with`, and ready then; stopped in order at its end, unless it was killed."""

    def __init__(self, home: Path, *, environ: dict[str, str] | None = None, core: int | None = 0) -> None:
        """`core` is where it runs; None: where this program runs."""
        self.home = home
        self._pin = [] if core is None else pinned(core)
        self.seconds = 0.0
        """Until it said that it was ready."""
        self._environ = {"PATH": os.environ["PATH"], **(environ or {})}

    def __enter__(self) -> Self:
        ours, theirs = os.pipe()
        words = [sys.executable, "-m", "glmos.daemon", "--home", str(self.home), "--ready-fd", str(theirs)]
        begun = time.perf_counter()
        with (self.home / "glmosd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._pin, *words], pass_fds=[theirs], env=self._environ, stdout=log, stderr=log
            )
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            said = pipe.readline().strip()
        self.seconds = time.perf_counter() - begun
        if said != "ready":
            self._process.wait()
            raise RuntimeError(f"the daemon did not start: {said}")
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu(self) -> float:
        """CPU seconds so far, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # ticks of 10 ms

    def resident(self) -> int:
        """Bytes of memory in use."""
        return int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        """As a crash."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=60)
