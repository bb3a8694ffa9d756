"""The operating-system process in which weights run: started with pipes and a small environment, heard line by line, ended.

It inherits no variable of the daemon's but those named here, because keys of model providers are among the others.
Above: `process`. Below: `protocol`, anyio.
"""

import signal
import sys
import tempfile
from collections.abc import Mapping
from typing import IO

import anyio
import anyio.abc
import msgspec
from anyio.streams.buffered import BufferedByteReceiveStream

from glmos.models.local.protocol import FromWorker, Load, ToWorker, encode, from_worker

PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "PYTORCH_ALLOC_CONF",
)  # fmt: skip
"""Where things lie, and which processors may be used."""
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
_LONGEST = 64 << 20
"""Bytes of a line."""


class Vanished(Exception):
    """The process is not there any more."""


class Garbled(Exception):
    """The process says what is not understood."""


def environment_of(environ: Mapping[str, str]) -> dict[str, str]:
    """What of a daemon's environment the process gets, and the switches that keep its libraries from any hub."""
    return {name: environ[name] for name in PASSED_ON if name in environ} | _OFFLINE


class Child:
    """One such process."""

    def __init__(self, process: anyio.abc.Process, errors: IO[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._errors = errors
        self._in, self._out = process.stdin, BufferedByteReceiveStream(process.stdout)

    @classmethod
    async def start(cls, load: Load, environment: Mapping[str, str]) -> "Child":
        """Have it loading. Raises: OSError, Vanished."""
        errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process)
        # -P: a folder in which somebody stands is no place for modules. The path is for those who list processes.
        command = [sys.executable, "-P", "-m", "glmos.models.local.worker", load.weights.path]
        try:
            process = await anyio.open_process(command, stderr=errors, env=environment, cwd="/", start_new_session=True)
        except BaseException:
            errors.close()
            raise
        child = cls(process, errors)
        try:
            await child.send(load)
        except BaseException:
            await child.end()
            raise
        return child

    @property
    def os_pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def send(self, what: ToWorker | Load) -> None:
        """Raises: Vanished."""
        try:
            await self._in.send(encode(what) + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise Vanished from error

    async def hear(self) -> FromWorker:
        """Raises: Vanished, Garbled."""
        try:
            return from_worker.decode(await self._out.receive_until(b"\n", _LONGEST))
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise Vanished from error
        except (anyio.DelimiterNotFound, msgspec.DecodeError) as error:
            raise Garbled from error

    async def status(self) -> int:
        """How it ended, once it has; negative: the signal that ended it."""
        return await self._process.wait()

    async def epitaph(self) -> str:
        """Why it ended, once it has, in words for a person."""
        status = await self.status()
        if status == -signal.SIGKILL:
            return (
                "ended from outside, most likely because memory ran out: close other programs or choose a smaller model"
            )
        return self._last_line() or (f"signal {-status}" if status < 0 else f"status {status}")

    async def end(self) -> None:
        """Returns when it is gone."""
        with anyio.CancelScope(shield=True):
            if self.alive:
                self._process.kill()
            await self._process.wait()
            await self._process.aclose()
        self._errors.close()

    def _last_line(self) -> str:
        """Of a traceback or of a log."""
        if self._errors.closed:
            return ""
        self._errors.seek(0, 2)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        lines = [line.strip() for line in self._errors.read().decode("utf-8", "replace").splitlines()]
        return next((line[:200] for line in reversed(lines) if line), "")
