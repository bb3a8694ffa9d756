"""Asking the daemon one quick question without an event loop.

Importing asyncio, anyio and h11 takes longer than `glmos ps` may take. A question that is answered at once needs none of
them: a blocking socket, one request, and all that comes back until the daemon closes.
"""

import os
import socket
from pathlib import Path
from typing import TypeVar

import msgspec

from glmos.abi.api import Problem
from glmos.abi.errors import DeviceError
from glmos.abi.events import ProcessRow
from glmos.abi.wire import SOCKET_NAME
from glmos.client.problems import DaemonAbsent, DaemonGone, error_of

T = TypeVar("T")


def listing(*, live_only: bool = True, awake_only: bool = False, limit: int | None = None) -> str:
    """The target that asks for these rows of the listing."""
    asked = {"all": None if live_only else 1, "awake": 1 if awake_only else None, "limit": limit}
    return "/processes?" + "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)


def processes(home: Path, *, live_only: bool = True, limit: int | None = None) -> list[ProcessRow]:
    """As `RemoteSystem.processes`, of a daemon that is there. Raises: as `ask`."""
    return ask(home, listing(live_only=live_only, limit=limit), list[ProcessRow])


def ask(home: Path, target: str, kind: type[T]) -> T:
    """What the daemon of `home` answers to a GET that it answers at once.

    Raises:
        DaemonAbsent: Nothing was sent.
        DaemonGone: The daemon ended before it had answered.
        GlmosError: What the daemon answered instead of a success.
    """
    with _connect(home) as connection:
        try:
            connection.sendall(f"GET {target} HTTP/1.1\r\nhost: glmosd\r\nconnection: close\r\n\r\n".encode())
            with connection.makefile("rb") as answer:
                head, _, body = answer.read().partition(b"\r\n\r\n")
        except OSError as error:
            raise DaemonGone("The daemon ended before it had answered.") from error
    length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if length != [len(body)]:
        raise DaemonGone("The daemon ended before it had answered.")
    if head.split(b" ", 2)[1] != b"200":
        raise error_of(msgspec.json.decode(body, type=Problem))
    return msgspec.json.decode(body, type=kind)


def _connect(home: Path) -> socket.socket:
    try:
        directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise DaemonAbsent(f"The home {str(home)!r} cannot be opened ({error.strerror}).") from error
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{SOCKET_NAME}")
    except OSError as error:
        connection.close()
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            raise DaemonAbsent(f"No daemon serves {str(home)!r}.") from error
        raise DeviceError(f"The socket in {str(home)!r} cannot be opened ({error.strerror}).") from error
    finally:
        os.close(directory)
    return connection
