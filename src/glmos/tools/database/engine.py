"""What a database engine does for the tool, and the thread that it does it in.

Engines block. `in_thread` runs them beside the event loop and interrupts what the database is doing when the time is
over or the call is cancelled; either way the thread has ended when it returns. Implemented by `sqlite` and `postgresql`.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

import anyio
import anyio.to_thread

from glmos.tools.declare import ToolFailed

T = TypeVar("T")

MAX_ROWS = 200
"""Rows that an answer holds."""
MAX_CELL = 10_000
"""Characters of one value."""
MAX_CHANGES = 100_000
"""Rows that one transaction may change and still be taken back."""
MAX_IMAGE_BYTES = 64 << 20
"""What may be kept for taking one transaction back."""
MAX_CONFLICTS = 20


class Mark(NamedTuple):
    """Which call a transaction belongs to: written in the same transaction, so that it is certain whether it happened."""

    home: str
    """Two homes may use one database."""
    pid: int
    call: str
    digest: str
    """Of what was asked for."""


class Rows(NamedTuple):
    columns: list[str]
    rows: list[tuple[Any, ...]]
    more: bool = False
    """There are more rows than an answer holds."""


class Done(NamedTuple):
    """What came of one statement."""

    verb: str
    changed: int
    """Rows."""
    rows: Rows | None = None


class Changed(NamedTuple):
    """What came of a transaction."""

    tables: dict[str, int]
    """Rows that are not as before, by table."""
    statements: tuple[Done, ...] = ()
    again: bool = False
    """It had happened already; nothing was done now."""


class Column(NamedTuple):
    name: str
    type: str
    notes: str = ""
    """`key`, `not null`, `-> table(column)`."""


class Table(NamedTuple):
    name: str
    kind: str
    rows: int
    """About so many; -1 where nobody has counted."""
    columns: list[Column]


class Watch:
    """Between the thread that waits for a database and whoever wants it to stop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], object] | None = None
        self.stopped = False

    def over(self, interrupt: Callable[[], object] | None) -> None:
        """What to call to stop what the database is doing from now on.

        Raises: ToolFailed when it is to stop already.
        """
        with self._lock:
            if self.stopped and interrupt is not None:
                raise ToolFailed("cancelled", "The call was stopped before it began.")
            self._interrupt = interrupt

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            interrupt = self._interrupt
        if interrupt is not None:
            with suppress(Exception):  # whatever it was doing has just ended by itself
                interrupt()


class Engine(Protocol):
    """One database. Methods block, may be called from any thread, and raise ToolFailed for what a model should know.

    Raises: DeviceError when nobody knows whether a transaction happened.
    """

    def schema(self, watch: Watch, table: str) -> list[Table]: ...

    def query(self, watch: Watch, sql: str) -> Rows: ...

    def execute(self, watch: Watch, statements: Sequence[str], mark: Mark, *, structure: bool) -> Changed:
        """All statements in one transaction, with `mark`. Unless `structure`, it can be taken back later."""
        ...

    def revert(self, watch: Watch, call: str, mark: Mark | None, *, home: str, pid: int) -> Changed:
        """Take back what `call` did, in one transaction, with `mark` if this is a call of its own.

        Raises: ToolFailed that lists the rows which have changed since; nothing is done then.
        """
        ...

    def happened(self, watch: Watch, mark: Mark) -> bool:
        """For certain: a transaction with this mark that is still under way is waited for."""
        ...

    def reverted(self, watch: Watch, call: str, *, home: str, pid: int) -> bool: ...


async def in_thread(seconds: float, work: Callable[[Watch], T]) -> T:
    """Run `work` in a thread.

    Raises: what it raises; ToolFailed when it is stopped after `seconds`.
    """
    watch, ended = Watch(), anyio.Event()
    out_of_time = False

    async def stop_in_time() -> None:
        nonlocal out_of_time
        try:
            with anyio.move_on_after(seconds):
                await ended.wait()
                return
            out_of_time = True
        finally:
            if not ended.is_set():
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(watch.stop)

    outcomes: list[T] = []
    errors: list[BaseException] = []

    def caught() -> None:
        try:
            outcomes.append(work(watch))
        except BaseException as error:  # carried over to the caller: a task group would wrap it
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_in_time)
        try:
            await anyio.to_thread.run_sync(caught)
        finally:
            ended.set()
    if errors and out_of_time and isinstance(errors[0], ToolFailed):
        raise ToolFailed("timeout", f"The database took longer than {seconds:g} seconds, and was stopped.") from None
    if errors:
        raise errors[0]
    return outcomes[0]
