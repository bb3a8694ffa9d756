"""One owner per home: two programs must not run the same processes.

Above: `boot` takes the lock before it opens the store. The lock is the operating system's (`flock`), so it ends with
its owner however that ends; the file only says who the owner is and is never removed, because removing it would race.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from glmos.abi.errors import ConflictError
from glmos.journal.failures import store_error


class HomeLock:
    """Exclusive ownership of a home folder, from `acquire` (or `with`) to `release`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._fd: int | None = None

    @property
    def path(self) -> Path:
        return self._home / "owner.lock"

    def acquire(self) -> None:
        """Own the home, making the folder if need be. Does not wait.

        Raises:
            ConflictError: Another owner is alive; the message names it.
            StoreError: The folder cannot be written.
        """
        if self._fd is not None:
            return
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise store_error(self._home, problem) from problem
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "another program"
            os.close(fd)
            raise ConflictError(
                f"The home {str(self._home)!r} is in use by process {owner} of this machine; "
                "talk to that one, end it, or choose another home with GLMOS_HOME."
            ) from None
        except OSError as problem:
            os.close(fd)
            raise store_error(self.path, problem) from problem
        self._fd = fd

    def release(self) -> None:
        """Let others own the home. Harmless when it is not owned."""
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)  # closing alone would leave it to a child that was just forked
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
