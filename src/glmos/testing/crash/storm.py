"""Many processes at once in one home, whose daemon is killed again and again until it was killed often enough.

A death comes at a random moment, at a named point, or while the daemon is still coming back from the last one. Between
two deaths the processes get a little further. People meanwhile undo, fork, suspend and kill some of them.
"""

import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from msgspec import Struct, field

from glmos.abi.errors import ConflictError, RefusedError
from glmos.abi.ids import Pid
from glmos.client import DaemonAbsent, DaemonGone, RemoteSystem
from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Daemon, Home
from glmos.testing.crash.orphans import living_in, namespaces
from glmos.testing.crash.person import Person
from glmos.testing.crash.points import POINTS
from glmos.testing.crash.programs import Program, random_program

CALM_SECONDS = 120.0
"""How long the last daemon, which nobody kills, may take to bring everything to its end."""
ORPHAN_SECONDS = 10.0
"""After which a program that outlived its daemon counts as left behind."""
RARE = ("start", "fork", "undo", "kill", "snapshot", "recover")
"""Points of these kinds are aimed at less often, because few daemons come to them."""
ACTS = ("", "", "", "", "undo", "fork", "suspend", "kill")
"""What a person does to a process besides seeing it through."""


class Storm(Struct):
    """What is to happen, and what came of it."""

    seed: int
    kills: int = 0
    """At least so many deaths."""
    lasts: float = 0.0
    """At least so many seconds before the calm."""
    at_once: int = 8
    meddlers: int = 0
    """Clients that interfere with whatever runs, and ask for what cannot be."""
    heavy: bool = False
    """Large payloads more often."""
    longest: float = 3.0
    """Most seconds that a daemon lives once it is ready, on a machine with nothing else to do; on a busy one longer."""
    deaths: Counter[str] = field(default_factory=Counter[str])
    """By kind: `blind`, `starting`, or the point."""
    ends: Counter[str] = field(default_factory=Counter[str])
    """Processes by how they ended, children left out."""
    acts: Counter[str] = field(default_factory=Counter[str])
    answers: int = 0
    faults: list[str] = field(default_factory=list[str])
    seconds: float = 0.0
    largest_daemon: int = 0
    """Most bytes of memory that a daemon took."""
    slowest_end: float = 0.0
    """Seconds until the last program of a killed daemon was gone."""

    @property
    def killed(self) -> int:
        return sum(self.deaths.values())


async def rage(home: Home, storm: Storm, told: Callable[[str], None] = lambda _: None) -> None:
    """Carry it out in `home`, and audit the home when everything has ended."""
    begun = time.monotonic()
    rng = random.Random(storm.seed)
    wanted: list[Program] = []
    doomed: list[Program] = []
    over, calm_again = anyio.Event(), anyio.Event()

    async def live() -> None:
        while not over.is_set():
            program = random_program(rng, f"k{len(wanted) + len(doomed)}", heavy=storm.heavy)
            act = rng.choice(ACTS)
            (doomed if act == "kill" else wanted).append(program)
            await _live(home, storm, program, act)

    with anyio.move_on_after(None) as calm:
        async with anyio.create_task_group() as others:
            others.start_soon(Person(home).look_after_children, calm_again)
            for number in range(storm.meddlers):
                others.start_soon(meddle, home, storm.seed + number, doomed, calm_again)
            async with anyio.create_task_group() as workers:
                for _ in range(storm.at_once):
                    workers.start_soon(live)
                await _kill_again_and_again(home, storm, rng, told)
                over.set()
                await home.start()
                calm.deadline = anyio.current_time() + CALM_SECONDS
            calm_again.set()
    if calm.cancelled_caught:
        storm.faults.append(f"not everything came to its end within {CALM_SECONDS:.0f} s of calm")
    home.down()
    if (status := await home.daemons[-1].stop()) != 0:
        storm.faults.append(f"the last daemon ended with status {status}")
    storm.faults += await audit(home, wanted, killed=doomed)
    storm.seconds = time.monotonic() - begun


# -- processes --------------------------------------------------------------------------------------------------------


async def _live(home: Home, storm: Storm, program: Program, act: str) -> None:
    """One process, and what a person does to it."""
    person = Person(home)
    rng = random.Random(f"{storm.seed}/{program.name}")
    pid = await person.start(program)
    if act in ("suspend", "kill"):
        await anyio.sleep(rng.uniform(0.0, 2.0))
        if act == "kill":
            await person.kill(pid)
        else:
            with suppress(ConflictError):
                await person.once(lambda: person.system.signal(pid, "suspend"))
    report = await person.see_through(pid)
    if act == "undo":
        await person.undo(pid, f"S{rng.randrange(len(program.steps))}")
        report = await person.see_through(pid)
    elif act == "fork":
        events = len(await person.insist(lambda: person.system.log(pid)))
        forked = await person.fork(pid, program, rng.randint(1, events))
        storm.ends[(await person.see_through(forked)).status] += 1
    storm.ends[report.status] += 1
    storm.acts[act or "none"] += 1
    storm.answers += person.answers


async def meddle(home: Home, seed: int, spared: list[Program], over: anyio.Event) -> None:
    """Interfere with whatever runs, and ask for what cannot be: that is refused, and nothing comes of it.

    `spared`: not resumed, which would have them go on after they were killed.
    """
    rng, person = random.Random(seed), Person(home)
    system = person.system
    while not over.is_set():
        goals = {program.goal for program in spared}
        for row in await person.insist(system.processes):
            with suppress(ConflictError):
                await person.once(lambda pid=row.pid: system.renice(pid, rng.randint(-20, 19)))
                if rng.random() < 0.2 and row.goal not in goals:
                    await person.once(lambda pid=row.pid: system.signal(pid, "suspend"))
                    await person.once(lambda pid=row.pid: system.signal(pid, "resume"))
            await _ask_for_nothing(system, rng, row.pid)
        await anyio.sleep(0.05)


async def _ask_for_nothing(system: RemoteSystem, rng: random.Random, pid: Pid) -> None:
    """Ask for something that cannot be; anything but a refusal is a fault."""
    asks: list[Callable[[], Awaitable[object]]] = [
        lambda: system.signal(10**9, "kill"),
        lambda: system.answer(10**9, "是"),
        lambda: system.undo(pid, "没有这一步"),
        lambda: system.fork(pid, 10**9),
    ]
    with suppress(RefusedError, DaemonAbsent, DaemonGone):
        done = await rng.choice(asks)()
        raise AssertionError(f"a request that cannot be carried out was answered with {done!r}")


# -- deaths -----------------------------------------------------------------------------------------------------------


async def _kill_again_and_again(home: Home, storm: Storm, rng: random.Random, told: Callable[[str], None]) -> None:
    begun = time.monotonic()
    while storm.killed < storm.kills or time.monotonic() - begun < storm.lasts:
        match rng.choices(["blind", "aimed", "starting", "stopped"], [45, 40, 10, 5])[0]:
            case "starting":
                daemon = await home.start(until_ready=False)
                await _lives(daemon, rng.uniform(0.0, 0.8))
                await _kill(home, storm, daemon, "starting")
            case "aimed":
                weights = [1 if point.startswith(RARE) else 4 for point in POINTS]
                point = rng.choices(list(POINTS), weights)[0]
                daemon = await home.start(f"{point}:{rng.choice([1, 1, 2, 3])}")
                await _lives(daemon, storm.longest * home.pace)
                await _kill(home, storm, daemon, point)
            case "blind":
                daemon = await home.start()
                await _lives(daemon, rng.uniform(0.0, storm.longest * home.pace))
                await _kill(home, storm, daemon, "blind")
            case _:
                daemon = await home.start()
                await _lives(daemon, rng.uniform(0.0, storm.longest * home.pace))
                home.down()
                if (status := await daemon.stop()) != 0:
                    storm.faults.append(f"a daemon that was told to stop ended with status {status}")
        storm.largest_daemon = max(storm.largest_daemon, daemon.memory)
        told(f"{storm.killed} kills in {time.monotonic() - begun:.0f} s, {sum(storm.ends.values())} processes ended")


async def _lives(daemon: Daemon, seconds: float) -> None:
    """Let it live so long; it may die before."""
    with anyio.move_on_after(seconds):
        await daemon.ended()


async def _kill(home: Home, storm: Storm, daemon: Daemon, kind: str) -> None:
    """Make sure that it is dead by SIGKILL, and with it everything that it had started."""
    if daemon.status is None:
        kind = kind if kind == "starting" else "blind"
        spaces = namespaces(daemon.os_pid)
        await daemon.kill()
        await _gone(storm, spaces)
    home.down()
    if daemon.status == -9:
        storm.deaths[kind] += 1
    else:
        storm.faults.append(f"a daemon ended by itself with status {daemon.status}")


async def _gone(storm: Storm, spaces: set[str]) -> None:
    begun = time.monotonic()
    while left := living_in(spaces):
        if time.monotonic() - begun > ORPHAN_SECONDS:
            storm.faults.append(f"still alive {ORPHAN_SECONDS:.0f} s after the death of their daemon: {left}")
            return
        await anyio.sleep(0.005)
    storm.slowest_end = max(storm.slowest_end, time.monotonic() - begun)
