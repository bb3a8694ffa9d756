"""The process of the weights, as the daemon sees it: started when it is asked, one question at a time, gone when idle.

    cancelled     it is told to stop; when it does not within a moment it is ended, and loaded again for the next question
    idle          it ends itself after `keep_seconds`; the next question loads it again
    crashed       the question fails, saying so; the next loads it again

Above: `driver`. Below: `child`, `protocol`.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import anyio

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.events import ModelFailureKind
from glmos.abi.messages import Delta, ModelReply, ModelRequest
from glmos.models.local.child import Child, Garbled, Vanished
from glmos.models.local.protocol import Ask, Done, Failed, Load, Piece, Ready, Stop

GRACE = 5.0
"""Seconds in which a stopped generation must end: one chunk of a prompt, or one token."""


class NotLoaded(Exception):
    """The process had ended before it can have heard the question."""


class WeightsProcess:
    """Weights that are loaded when they are needed."""

    def __init__(self, load: Load, environment: Mapping[str, str], *, grace: float = GRACE) -> None:
        """
        Args:
            environment: All that the process gets of it; see `child.environment_of`.
        """
        self.load = load
        self.last_used = -math.inf
        self._environment = environment
        self._grace = grace
        self._turn = anyio.Lock()
        self._child: Child | None = None
        self._number = 0
        self.loads = 0
        """How often the weights were loaded."""

    @property
    def os_pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._child.os_pid if self._child is not None and self._child.alive else None

    @property
    def busy(self) -> bool:
        return self._turn.statistics().locked

    @property
    def needs(self) -> int:
        """Bytes of memory that it takes; an upper estimate."""
        return self.load.weights.needs(self.load.context)

    async def ready(self) -> None:
        """Have the weights loaded. Raises: ModelError."""
        async with self._turn:
            if self.os_pid is None:
                await self._end()
                await self._load()

    async def ask(self, request: ModelRequest, on_delta: Callable[[Delta], None]) -> ModelReply:
        """Have it answered, in its turn.

        Raises:
            NotLoaded: Nothing has heard the question; have it `ready` and ask again.
            ModelError: It was heard, and there is no answer.
        """
        async with self._turn:
            child = self._child
            if child is None:
                raise NotLoaded
            self._number += 1
            n = self._number
            try:
                return await self._answer(child, n, request, on_delta)
            except anyio.get_cancelled_exc_class():
                with anyio.CancelScope(shield=True):
                    await self._stop(child, n)
                raise
            finally:
                self.last_used = anyio.current_time()

    async def rest(self) -> None:
        """Give the memory back, after the question that is being answered."""
        async with self._turn:
            await self._end()

    async def aclose(self) -> None:
        """End it at once. Returns when it is gone."""
        await self._end()

    # -- its life -----------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        try:
            self._child = child = await Child.start(self.load, self._environment)
        except OSError as error:
            raise self._error("overloaded", f"cannot be started ({error.strerror}): close other programs") from error
        except Vanished as error:
            raise self._error("interrupted", "ended while it was being started: try again") from error
        self.loads += 1
        try:
            said = await child.hear()
        except Vanished:
            raise await self._crashed(child, "while its weights were being loaded") from None
        except Garbled:
            raise await self._garbled(child) from None
        except BaseException:  # cancelled: half-loaded weights are of no use
            await self._end()
            raise
        if isinstance(said, Failed):
            await self._end()
            raise self._error(said.kind, f"cannot be loaded: {said.text}")
        assert isinstance(said, Ready)

    async def _stop(self, child: Child, n: int) -> None:
        """Have it leave question `n`, or end it."""
        with anyio.move_on_after(self._grace):
            try:
                await child.send(Stop(n))
                while True:
                    heard = await child.hear()
                    if isinstance(heard, Done | Failed) and heard.n == n:
                        return
            except (Vanished, Garbled):
                pass
        await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    # -- one question -------------------------------------------------------------------------------------------------

    async def _answer(
        self, child: Child, n: int, request: ModelRequest, on_delta: Callable[[Delta], None]
    ) -> ModelReply:
        """Raises: NotLoaded, ModelError."""
        heard = False
        try:
            await child.send(Ask(n, request))
            while True:
                said = await child.hear()
                heard = True
                match said:
                    case Piece() if said.n == n:
                        on_delta(said.delta)
                    case Done() if said.n == n:
                        return said.reply
                    case Failed() if said.n == n:
                        raise self._error(said.kind, f"gave no answer: {said.text}", said.usage)
                    case _:
                        continue
        except Vanished:
            if not heard and await child.status() == 0:  # it ended for want of questions just when this one came
                await self._end()
                raise NotLoaded from None
            raise await self._crashed(child, "while it was answering") from None
        except Garbled:
            raise await self._garbled(child) from None

    async def _crashed(self, child: Child, when: str) -> ModelError:
        why = await child.epitaph()
        await self._end()
        return self._error("interrupted", f"broke off {when} ({why})", usage=None)

    async def _garbled(self, child: Child) -> ModelError:
        await self._end()
        return self._error("protocol", "said what is not understood: ask again, or choose another model with -m", None)

    def _error(self, kind: ModelFailureKind, what: str, usage: Usage | None = Usage()) -> ModelError:  # noqa: B008
        text = f"The model at {self.load.weights.path!r} {what.rstrip('.')}."
        return ModelError(text, kind=kind, usage=usage)


async def make_room(needed: int, free: int, others: Iterable[WeightsProcess]) -> None:
    """Have others give their memory back until `needed` bytes should be free: those unused for longest first, those that
    are answering last, and after their answer. None of them where all together would not do.

    Args:
        free: Bytes; 0 when it is not known.
    """
    loaded = [process for process in others if process.os_pid is not None]
    if not free or needed > free + sum(process.needs for process in loaded):
        return
    for other in sorted(loaded, key=lambda process: (process.busy, process.last_used)):
        if needed <= free:
            return
        await other.rest()
        free += other.needs
