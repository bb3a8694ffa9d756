"""The daemon as a program: open the home, serve it, and close it in order."""

import argparse
import fcntl
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

import anyio
import msgspec

import glmos
from glmos.abi.errors import ConflictError, UsageError
from glmos.abi.wire import SOCKET_NAME
from glmos.daemon.lifetime import DEFAULT_IDLE_SECONDS, Lifetime
from glmos.daemon.server import serve
from glmos.daemon.serving import problem_of
from glmos.ports import System

log = logging.getLogger("glmosd")

_POLL = 0.05
"""Seconds between two looks at whether another daemon has ended or answers."""
_PATIENCE = 10.0
"""Seconds that a busy daemon may take to answer."""


class Starter:
    """Whoever started the daemon and waits on a pipe: one line `ready`, or a `Problem`."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def tell(self, line: bytes) -> None:
        """Only the first line is sent."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(BrokenPipeError):  # it has stopped waiting
                os.write(descriptor, line + b"\n")
            os.close(descriptor)


OpenSystem = Callable[[Path, Mapping[str, str]], AbstractAsyncContextManager[System]]


async def run(home: Path, lifetime: Lifetime, starter: Starter, open_system: OpenSystem) -> None:
    async with open_system(home, os.environ) as system, anyio.create_task_group() as group:
        group.start_soon(_stop_on_signal, lifetime)

        def ready() -> None:
            log.info("glmosd %s serves %s as process %d", glmos.__version__, home, os.getpid())
            starter.tell(b"ready")

        await serve(system, home, lifetime, ready=ready)
        group.cancel_scope.cancel()
    log.info("glmosd stopped")


async def _stop_on_signal(lifetime: Lifetime) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            log.info("%s: stopping", signal.Signals(number).name)
            lifetime.stop()


def main(argv: Sequence[str] | None = None, *, open_system: OpenSystem | None = None) -> int:
    """Serve a home until told to stop; `open_system` is `boot.open_system` unless a test brings its own."""
    parser = argparse.ArgumentParser(prog="glmosd", description="Serve one GLM-OS home until told to stop.")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("GLMOS_HOME") or "~/.glmos"))
    parser.add_argument(
        "--idle-exit", type=float, default=DEFAULT_IDLE_SECONDS, metavar="SECONDS",
        help="stop after this long without requests and running processes (default: %(default)g; 0: never)",
    )  # fmt: skip
    parser.add_argument("--ready-fd", type=int, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    starter = Starter(options.ready_fd)
    home: Path = options.home.expanduser().absolute()
    try:
        _make(home)
        with only_daemon(home):
            if open_system is None:
                from glmos import boot

                open_system = boot.open_system
            anyio.run(run, home, Lifetime(idle_seconds=options.idle_exit or None), starter, open_system)
    except Exception as error:
        problem = problem_of(_first(error))
        starter.tell(msgspec.json.encode(problem))
        print(f"glmosd: {problem.error}", file=sys.stderr)
        return 1
    return 0


def _make(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The home {str(home)!r} cannot be made ({error.strerror}): set GLMOS_HOME to a folder you may write."
        ) from error


@contextmanager
def only_daemon(home: Path) -> Generator[None]:
    """One daemon at a time. One that does not answer is waited for: it is starting, putting its things away, or dying.

    Raises: ConflictError when another daemon serves the home; UsageError when the home cannot be written.
    """
    try:
        lock = (home / "glmosd.lock").open("ab")
    except OSError as error:
        raise UsageError(
            f"The home {str(home)!r} cannot be written ({error.strerror}): set GLMOS_HOME to a folder you may write."
        ) from error
    with lock as file:
        if not _taken(file):
            log.info("waiting for another daemon to be ready or to end")
            while not _taken(file):
                if _answers(home):
                    raise ConflictError(f"Another daemon serves {str(home)!r} already.")
                time.sleep(_POLL)
        yield


def _taken(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answers(home: Path) -> bool:
    """Whether a daemon serves the home. One that was just killed still takes connections, so only an answer counts."""
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE)
            connection.connect(f"/proc/self/fd/{directory}/{SOCKET_NAME}")
            connection.sendall(b"GET / HTTP/1.1\r\nhost: glmosd\r\nconnection: close\r\n\r\n")
            return bool(connection.recv(1))
    except OSError:
        return False
    finally:
        os.close(directory)


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
