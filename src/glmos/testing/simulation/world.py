"""The world around a simulated machine: time, what can break, the trace, and everything that outlives a crash.

A `Life` is one start of the machine up to its crash or shutdown. Every port is given its life and asks it at each place
where a power cut could come (`reach`). A dead life reaches nothing any more: whatever of it still runs on stops at its
next step towards the outside.
"""

from collections import Counter
from collections.abc import Callable

import anyio
import anyio.lowlevel

from glmos.abi.events import Entry, ProcessRow
from glmos.abi.ids import Pid
from glmos.testing.simulation.audit import Audit
from glmos.testing.simulation.dice import Dice
from glmos.testing.simulation.disk import Disk
from glmos.testing.simulation.loop import VirtualLoop
from glmos.testing.simulation.outside import Outside
from glmos.testing.simulation.record import Record, shown
from glmos.testing.simulation.scenario import Scenario, Trouble
from glmos.testing.simulation.spending import Spending
from glmos.testing.simulation.stopwatch import Stopwatch

WALL = 1_780_000_000.0
"""Unix time at which every simulation begins."""
MOST_PLACES = 20_000
"""Places that a run may reach for each of its goals. More means that it goes round in circles."""


class Crashed(BaseException):
    """The power went out. Not an `Exception`: no boundary in the code under test may catch it."""


class World(Record):
    """One per run."""

    def __init__(self, scenario: Scenario, loop: VirtualLoop, *, traced: bool = False) -> None:
        super().__init__(loop, traced=traced)
        self.scenario = scenario
        self.dice = Dice(scenario.seed)
        self.disk = Disk()
        self.outside = Outside(self, self.dice, self.land_later)
        self.audit = Audit(self, self.outside)
        self.audit.running = lambda pid: self.life.programs[pid] if self.life is not None else 0
        self.spending = Spending(self, self.audit)
        self.stopwatch = Stopwatch(self, self.audit)
        self.audit.on_event = self.stopwatch.committed
        self.life: Life | None = None
        """The one that is on."""
        self.offset = WALL
        self.under_way = 0
        """How much will go on by itself: sleeps, hanging calls, effects still to land."""
        self.calm = False
        """Nothing breaks any more: this is the last life, or somebody is looking."""
        self._places = 0
        self._seen: Counter[Trouble] = Counter()
        self._planned: dict[Trouble, set[int]] = {}
        self.hits: Counter[str] = Counter()
        """What really went wrong, and where the power went."""
        for fault in scenario.faults:
            self._planned.setdefault(fault.trouble, set()).add(fault.nth)

    # -- time ---------------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Unix time by the wall clock, which may be set."""
        return self.loop.time() + self.offset

    def monotonic(self) -> float:
        return self.loop.time()

    async def sleep(self, seconds: float) -> None:
        self.under_way += 1
        try:
            await anyio.sleep(seconds)
        finally:
            self.under_way -= 1

    def land_later(self, seconds: float, land: Callable[[], None]) -> None:
        """Something outside that goes on whether the machine lives or not."""
        self.under_way += 1
        self.loop.call_later(seconds, self._land, land)

    def _land(self, land: Callable[[], None]) -> None:
        self.under_way -= 1
        land()

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    def goes_wrong(self, trouble: Trouble) -> bool:
        """Does `trouble` come now, this being one more time it could?"""
        if self.calm:
            return False
        planned = self._planned.get(trouble)
        if planned is None:
            return False
        self._seen[trouble] += 1
        if self._seen[trouble] not in planned:
            return False
        if trouble not in ("crash", "crash_in_effect"):
            self.hits[trouble.replace("_", " ")] += 1
        return True

    def place(self, what: str, *, effect: bool) -> bool:
        """One more place where the power could go; True when it goes here."""
        self._places += 1
        most = MOST_PLACES * (1 + len(self.scenario.goals))
        if self._places == most:
            self.problem("it does not come to rest")
        if self._places > most + 100:
            return True
        return (effect and self.goes_wrong("crash_in_effect")) or self.goes_wrong("crash")

    @property
    def places(self) -> int:
        return self._places

    def committed(self, pid: Pid, entries: list[Entry], row: ProcessRow | None) -> None:
        """The only way onto the disk: a batch is there, all of it."""
        self.disk.commit(pid, entries, row)
        if self.trace is not None:
            for entry in entries:
                self.say(f"    {pid}.{entry.seq} {shown(entry.event)}")
        self.audit.committed(pid, entries)


class Life:
    """One start of the machine."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.dead = False
        self.over = anyio.Event()
        self.rested = False
        """It came to an end because nothing was left to do."""
        self.programs: Counter[Pid] = Counter()
        """Sandboxed programs and tool calls that run for a process."""

    def reach(self, what: str, pid: Pid = 0, *, effect: bool = False) -> None:
        """The machine is at a place where the power could go. `effect`: in the middle of acting on the outside.

        Raises:
            Crashed: It went, here or before.
        """
        if self.dead:
            raise Crashed
        world = self.world
        if world.place(what, effect=effect):
            world.hits[f"crash: {what}"] += 1
            world.say(f"!!! the power goes at place {world.places}: {what} (process {pid})")
            self.dead = True
            self.over.set()
            raise Crashed
        if world.goes_wrong("restart"):
            world.say("!!! the machine is shut down")
            self.over.set()

    async def pause(self, *place: int) -> None:
        """Let others run; now and then for a while."""
        world = self.world
        roll = world.dice.roll(world.places, *place)
        if roll < 0.8:
            await anyio.lowlevel.checkpoint()
        else:
            await world.sleep((roll - 0.8) * 0.1)
        if self.dead:
            raise Crashed
