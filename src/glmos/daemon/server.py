"""Serving an application on the home's socket until the lifetime ends."""

import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import anyio
import uvicorn

from glmos.abi.errors import DeviceError
from glmos.abi.wire import SOCKET_NAME
from glmos.daemon.app import create_app
from glmos.daemon.lifetime import Lifetime
from glmos.ports import System


@contextmanager
def listening(home: Path, lifetime: Lifetime) -> Generator[socket.socket]:
    """A socket in `home` that only its owner can open. The caller owns the home: what lies there is stale.

    Its name goes as soon as `lifetime` stops, so that nobody is sent to a daemon that is about to end.

    Raises: DeviceError when the folder cannot hold a socket.
    """
    directory = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    address = f"/proc/self/fd/{directory}/{SOCKET_NAME}"

    def remove() -> None:
        with suppress(FileNotFoundError):
            os.unlink(SOCKET_NAME, dir_fd=directory)

    try:
        remove()
        before = os.umask(0o177)
        try:
            listener.bind(address)
        except OSError as error:
            raise DeviceError(
                f"The home {str(home)!r} cannot hold a socket ({error.strerror}): set GLMOS_HOME to a local folder."
            ) from error
        finally:
            os.umask(before)
        listener.listen(128)
        lifetime.on_stop = remove
        yield listener
    finally:
        listener.close()
        remove()
        lifetime.on_stop = lambda: None
        os.close(directory)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, and telling when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    def capture_signals(self) -> nullcontext[None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def serve(system: System, home: Path, lifetime: Lifetime, *, ready: Callable[[], None] = lambda: None) -> None:
    """Serve `system` on the socket of `home`. Returns after `lifetime.stopping`, when every answer has been sent."""
    with listening(home, lifetime) as listener:
        config = uvicorn.Config(
            create_app(system, lifetime), log_config=None, access_log=False, http="h11", lifespan="off", ws="none",
            server_header=False, date_header=False, timeout_graceful_shutdown=10,
        )  # fmt: skip
        server = _Server(config, ready)
        async with anyio.create_task_group() as group:
            group.start_soon(lifetime.watch, system)

            async def stop_server() -> None:
                await lifetime.stopping.wait()
                server.should_exit = True

            group.start_soon(stop_server)
            await server.serve(sockets=[listener])
            lifetime.stop()
