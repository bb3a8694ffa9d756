"""Starting the daemon when it is not there. However many clients try at once, one daemon starts."""

import fcntl
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from glmos.abi.api import Problem
from glmos.abi.errors import DeviceError, UsageError
from glmos.abi.wire import LOG_NAME, Hello
from glmos.client.exchange import exchange
from glmos.client.problems import DaemonAbsent, DaemonGone, error_of

START_SECONDS = 60.0
"""A daemon that has not answered by then never will. A cold disk and a slow machine need several."""

MAX_LOG_BYTES = 4 << 20


async def hello(home: Path) -> Hello:
    """Who serves `home`. Raises: DaemonAbsent."""
    try:
        async with exchange(home, "GET", "/") as answer:
            return msgspec.json.decode(await answer.body(), type=Hello)
    except DaemonGone as error:  # caught in the act of stopping
        raise DaemonAbsent(str(error)) from error


async def ensure_daemon(home: Path, environ: Mapping[str, str], *, command: Sequence[str] | None = None) -> Hello:
    """Return when a daemon answers for `home`, starting it if need be.

    `environ` becomes the environment of a daemon that is started. `command` is what to start instead of this
    installation's daemon; `--home` and `--ready-fd` are added to it.

    Raises:
        UsageError: The home cannot be written.
        GlmosError: The daemon could not start; the message is the daemon's own.
    """
    try:
        return await hello(home)
    except DaemonAbsent:
        pass
    _make(home)
    async with _only_starter(home):
        try:
            return await hello(home)
        except DaemonAbsent:
            await _start(home, environ, command or (sys.executable, "-m", "glmos.daemon"))
            return await hello(home)


def _make(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (home / LOG_NAME).open("ab"):
            pass
    except OSError as error:
        raise UsageError(
            f"The home {str(home)!r} cannot be written ({error.strerror}): set GLMOS_HOME to a folder of your own."
        ) from error


@asynccontextmanager
async def _only_starter(home: Path) -> AsyncGenerator[None]:
    """One client at a time tries to start the daemon of `home`; the others wait here and then find it running."""
    with (home / "glmosd.start").open("ab") as file:
        await anyio.to_thread.run_sync(fcntl.flock, file, fcntl.LOCK_EX, abandon_on_cancel=True)
        yield


async def _start(home: Path, environ: Mapping[str, str], command: Sequence[str]) -> None:
    """Start a daemon that outlives us, and return when it has said it is ready."""
    log_path = home / LOG_NAME
    if log_path.stat().st_size > MAX_LOG_BYTES:
        log_path.replace(home / f"{LOG_NAME}.1")
    begin = log_path.stat().st_size if log_path.exists() else 0
    pipe = _spawn([*command, "--home", str(home)], home, environ)
    try:
        said = await _first_line(pipe)
    finally:
        os.close(pipe)
    if said != b"ready":
        raise error_of(msgspec.json.decode(said, type=Problem)) if said else _no_word(log_path, begin)


def _spawn(command: Sequence[str], home: Path, environ: Mapping[str, str]) -> int:
    """Start it in a session of its own; give the pipe on which it will say that it is ready."""
    ours, theirs = os.pipe()
    try:
        with (home / LOG_NAME).open("ab") as log:
            child = subprocess.Popen(
                [*command, "--ready-fd", str(theirs)], env=dict(environ), cwd=home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=(theirs,), start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        os.close(ours)
        raise DeviceError(f"The daemon cannot be started with {command[0]!r} ({error.strerror}).") from error
    finally:
        os.close(theirs)
    child.returncode = 0  # it outlives us on purpose: no warning about an unwaited child
    return ours


async def _first_line(pipe: int) -> bytes | None:
    """What the daemon says first; empty when it ended without a word, None when it says nothing in time."""
    said = b""
    with anyio.move_on_after(START_SECONDS):
        while not said.endswith(b"\n"):
            await anyio.wait_readable(pipe)
            chunk = os.read(pipe, 65536)
            if not chunk:
                break
            said += chunk
        return said.strip()
    return None


def _no_word(log_path: Path, begin: int) -> DeviceError:
    with log_path.open("rb") as log:
        log.seek(begin)
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    end = " / ".join(line.strip() for line in lines[-3:]) or "nothing"
    return DeviceError(f"The daemon did not start; the end of {str(log_path)!r} says: {end}")
