"""Runs one scenario: life after life of the real machine over one disk, until everything has come to rest.

The last life is calm: nothing breaks any more. At its end every process has ended or waits for something that can be
named, and what the journal says is what is in the workspaces and outside.
"""

from collections.abc import AsyncGenerator, Mapping
from random import Random
from typing import NamedTuple

import anyio

from glmos.abi.api import Finding
from glmos.abi.errors import StoreError
from glmos.abi.ids import CallId, Pid
from glmos.boot import assemble
from glmos.boot.settings import DEFAULTS, Settings
from glmos.boot.system import LocalSystem
from glmos.testing.simulation.audit import Book
from glmos.testing.simulation.loop import NothingToDo, Spinning, VirtualLoop
from glmos.testing.simulation.model import SimRoutes
from glmos.testing.simulation.person import Person
from glmos.testing.simulation.rest import look_at_memory, look_at_rest
from glmos.testing.simulation.sandbox import SimSandbox
from glmos.testing.simulation.scenario import Scenario
from glmos.testing.simulation.store import SimStore
from glmos.testing.simulation.tools import sim_tools
from glmos.testing.simulation.workspaces import SimWorkspaces
from glmos.testing.simulation.world import Crashed, Life, World

MOST_LIVES = 40
OVERSLEPT = 120.0
"""Seconds after which an alarm that has not rung will not ring any more."""


class Outcome(NamedTuple):
    """What came of a scenario."""

    problems: tuple[str, ...]
    trace: tuple[str, ...]
    events: int
    """In all logs together."""
    lives: int
    places: int
    ends: tuple[str, ...]
    """How each process stands at the end."""
    hits: Mapping[str, int]
    """What really went wrong."""
    judge: str
    """Who found the first problem: the name of a module."""


def play(scenario: Scenario, *, traced: bool = False) -> Outcome:
    """Run a scenario to its end. The same scenario always gives the same outcome, trace included."""
    loop = VirtualLoop(Random(scenario.seed) if scenario.shuffled else None)
    world = World(scenario, loop, traced=traced)
    game = _Game(world)
    try:
        loop.run(game.play())
    except (NothingToDo, Spinning) as error:
        world.problem(str(error))
    except Exception as error:
        world.problem(f"the machine itself went down: {_whole(error)}")
    logs = world.disk.logs
    return Outcome(
        tuple(world.problems), tuple(world.trace or ()), sum(map(len, logs.values())), game.lives, world.places,
        tuple(row.status for row in world.disk.rows.values()), world.hits, world.judge,
    )  # fmt: skip


def _whole(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


class _Game:
    def __init__(self, world: World) -> None:
        self.world = world
        self.person = Person(world)
        self.lives = 0
        self._life: Life | None = None
        self._system: LocalSystem | None = None
        self._started = False
        self._due: dict[tuple[Pid, CallId], float] = {}
        """Since when alarms should have rung."""
        world.loop.on_idle = self._idle
        for jump in world.scenario.jumps:
            world.loop.call_at(jump.at, self._jump, jump.by)

    async def play(self) -> None:
        """Live until nothing more goes on; then live once more, calmly."""
        while not self.world.problems:
            last = self.world.calm
            rested = await self._live()
            if last:
                return
            if rested or self.lives >= MOST_LIVES:
                self.world.calm = True
            await anyio.sleep(self.world.dice.pick((0.1, 30.0), 90, self.lives))

    async def _live(self) -> bool:
        """One life; True when it ended because everything had come to rest."""
        self.lives += 1
        self._started = False
        world = self.world
        life = self._life = world.life = Life(world, self.lives)
        world.say(f"=== the machine starts ({'calm, ' if world.calm else ''}life {self.lives})")
        try:
            await self._run(life)
        except* Crashed:
            pass
        except* StoreError as errors:
            if self._started:
                raise
            world.say(f"=== the machine does not start: {_whole(errors)}")
            life.dead = True
        life.dead = True
        self._system = None
        self._life = world.life = None
        return life.rested

    async def _run(self, life: Life) -> None:
        world, scenario = self.world, self.world.scenario
        values = DEFAULTS | {
            "limits.max_attempts": 2,
            "limits.max_revisions": 3,
            "limits.max_turns": 8,
            "runtime.model_calls_at_once": scenario.models_at_once,
            "runtime.tools_at_once": scenario.tools_at_once,
        }
        async with assemble(
            store=SimStore(life),
            workspaces=SimWorkspaces(life),
            sandbox=SimSandbox(life),
            tools=sim_tools(life),
            models=SimRoutes(life),
            settings=Settings(values, {}, {}),
            doctor=_healthy,
            clock=world,
        ) as system:
            self._system, self._started = system, True
            await self.person.attend(life, system)
            self._system = None
            if life.rested and not world.problems:
                calm, world.calm = world.calm, True
                await look_at_rest(world, system)
                world.calm = calm

    # -- what happens when nothing is ready ---------------------------------------------------------------------------

    def _idle(self, _: float | None) -> bool:
        """Is everything at rest? Then this life is over."""
        world, life, system = self.world, self._life, self._system
        if life is None or system is None or life.over.is_set():
            return False
        if world.problems:
            life.over.set()
            return True
        look_at_memory(world, system)
        if world.under_way or any(self._waits_for_time(book) for book in world.audit.books.values()):
            return False
        life.rested = True
        life.over.set()
        return True

    def _waits_for_time(self, book: Book) -> bool:
        """An alarm of the machine will ring for it."""
        waiting = book.waiting
        if waiting is None or not waiting.until or book.exit is not None or book.suspended or book.question is not None:
            return False
        if any(call.state != "closed" for call in book.calls.values()):
            return False
        if waiting.until > self.world.now():
            return True
        due = self._due.setdefault((book.pid, waiting.call), self.world.loop.time())
        return self.world.loop.time() - due < OVERSLEPT

    def _jump(self, by: float) -> None:
        self.world.offset += by
        self.world.stopwatch.clock_was_set()
        self.world.say(f"!!! the clock is set by {by:+.0f} s")


async def _healthy() -> AsyncGenerator[Finding]:
    yield Finding("simulation", True, "a simulated world")
