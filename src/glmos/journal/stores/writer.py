"""The one thread that writes to the database, and commits in groups.

Above: `SqliteStore` hands it pieces of work and waits. Below: SQLite. One synced commit costs milliseconds however much
is in it, so whatever arrives while the disk is busy goes into the next commit together.

    BEGIN ─ SAVEPOINT work₁ RELEASE ─ SAVEPOINT work₂ ROLLBACK (conflict) ─ ... ─ COMMIT ─ everybody is told

Work that refuses itself (a conflict) is rolled back alone. If the group as a whole fails, each piece is tried alone, so
that the one at fault does not take the others with it.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

from glmos.abi.errors import GlmosError, StoreError
from glmos.journal.failures import is_locked, store_error
from glmos.journal.stores.feed import Wake
from glmos.journal.stores.queries import queries

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
GROUP = 256
"""Most pieces of work in one commit."""


def wake_here() -> Wake:
    """How any thread can have a function run in the event loop that runs now, without waiting for it."""
    loop: Any = anyio.lowlevel.current_token().native_token
    post = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon

    def wake(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            post(function)

    return wake


class _Request:
    """A piece of work on its way through the thread."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.value: Any = None
        self.error: BaseException | None = None
        self.finished = anyio.Event()


class Writer:
    """Owns the writing connection. Made in an event loop, used from there."""

    def __init__(
        self,
        db: sqlite3.Connection,
        path: Path,
        *,
        crash_points: Callable[[str], None],
        committed: Callable[[list[Any]], None],
    ) -> None:
        """`committed` is called in the thread after each commit, with what the pieces of work returned."""
        self._wake = wake_here()
        self._db = db
        self._path = path
        self._crash_point = crash_points
        self._committed = committed
        self._queue: SimpleQueue[_Request | None] = SimpleQueue()
        self._committing = False
        self._open = True
        self._gate = threading.Lock()  # nothing enters the queue behind the end marker
        self._thread = threading.Thread(target=self._main, name="glmos-journal", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a transaction and return its value when it is durable.

        A caller that is cancelled waits for the commit all the same: otherwise it could not know what was recorded.

        Raises:
            StoreError: Nothing was recorded.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        request = _Request(work)
        self._put(request)
        with anyio.CancelScope(shield=True):
            await request.finished.wait()
        if request.error is not None:
            raise request.error
        return cast(T, request.value)

    async def aclose(self) -> None:
        """Finish what was asked for and close the connection."""
        with self._gate:
            if self._open:
                self._open = False
                self._queue.put(None)
        await anyio.to_thread.run_sync(self._thread.join)

    def _put(self, request: _Request) -> None:
        with self._gate:
            if not self._open:
                raise self._closed()
            self._queue.put(request)

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _main(self) -> None:
        try:
            while group := self._next_group():
                self._commit(group)
        finally:
            self._refuse_the_rest()
            self._db.close()

    def _refuse_the_rest(self) -> None:
        """Nobody may wait for a thread that has ended, whatever ended it."""
        with self._gate:
            self._open = False
        with suppress(Empty):
            while True:
                request = self._queue.get_nowait()
                if request is not None:
                    request.error = self._closed()
                    self._finish([request])

    def _closed(self) -> StoreError:
        return StoreError(f"The journal {str(self._path)!r} is closed; open it again to go on.")

    def _next_group(self) -> list[_Request]:
        """Wait for work; empty at the end."""
        group: list[_Request] = []
        request = self._queue.get()
        while request is not None:
            group.append(request)
            if len(group) == GROUP:
                return group
            try:
                request = self._queue.get_nowait()
            except Empty:
                return group
        if group:
            self._queue.put(None)  # the end marker was behind this last group
        return group

    def _commit(self, group: list[_Request]) -> None:
        self._committing = False
        try:
            self._transact(group)
        except Exception as problem:
            self._roll_back()
            if len(group) > 1 and not is_locked(problem):
                for request in group:
                    self._commit([request])
            else:
                self._fail(group, problem)
            return
        try:
            self._crash_point("append.after_commit")
            self._committed([request.value for request in group if request.error is None])
        finally:
            self._finish(group)

    def _finish(self, group: list[_Request]) -> None:
        """Tell all who wait, in one go: waking the event loop costs more than what it then does."""

        def tell() -> None:
            for request in group:
                request.finished.set()

        self._wake(tell)

    def _transact(self, group: list[_Request]) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        self._crash_point("append.before_insert")
        for request in group:
            request.error = None
            alone = len(group) == 1  # then a refusal rolls back the whole, which is itself
            if not alone:
                db.execute("SAVEPOINT work")
            try:
                request.value = request.work(db)
            except GlmosError as refusal:
                if alone:
                    raise
                request.error = refusal
                db.execute("ROLLBACK TO work")
            if not alone:
                db.execute("RELEASE work")
        self._crash_point("append.before_commit")
        self._committing = True
        db.execute("COMMIT")

    def _roll_back(self) -> None:
        """Make sure that what failed is not there, now or after a crash.

        A commit whose sync fails leaves its pages in the write-ahead log, where a recovery would find them. The small
        commit here is written over them, and that holds even if its own sync fails too.
        """
        self._end_transaction()
        if self._committing:
            with suppress(sqlite3.Error):
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute(queries("sqlite")["note_failed_commit"])
                self._db.execute("COMMIT")
            self._end_transaction()

    def _end_transaction(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _fail(self, group: list[_Request], problem: Exception) -> None:
        for request in group:
            error = problem if isinstance(problem, GlmosError) else store_error(self._path, problem)
            error.__cause__ = None if error is problem else problem
            request.error = error
        self._finish(group)
