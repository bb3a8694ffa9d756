"""The person at the simulated machine: states goals, answers late, wrongly or never, and sends signals at any time.

What the system acknowledged to the person must be so afterwards: that is looked up in the journal at once.
"""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import PurePosixPath

import anyio

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.abi.errors import DeviceError, RefusedError
from glmos.abi.ids import Pid, Seq
from glmos.boot.system import LocalSystem
from glmos.testing.simulation.scenario import Event, Goal
from glmos.testing.simulation.world import Life, World


class Person:
    """One per world. What is to be done and has not been done in one life is done in the next."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = world.dice
        self.goals = list(enumerate(world.scenario.goals))
        """Not yet stated."""
        self.events = list(enumerate(world.scenario.events))
        """Not yet done."""
        self._answered: set[tuple[Pid, Seq]] = set()
        self.busy = 0
        """How many requests are under way."""

    async def attend(self, life: Life, system: LocalSystem) -> None:
        """Do what there is to do in this life."""
        async with anyio.create_task_group() as tasks:
            for place, goal in tuple(self.goals):
                tasks.start_soon(self._at, goal.at, self._state, life, system, place, goal)
            for place, event in tuple(self.events):
                tasks.start_soon(self._at, event.at, self._do, life, system, place, event)

            def asked(pid: Pid, seq: Seq) -> None:
                if (pid, seq) not in self._answered:
                    tasks.start_soon(self._answer, life, system, pid, seq)

            self._world.audit.on_question = asked
            for pid, book in self._world.audit.books.items():
                if book.question is not None:
                    asked(pid, self._question_at(pid))
            await life.over.wait()
            self._world.audit.on_question = _nobody
            tasks.cancel_scope.cancel()

    def _question_at(self, pid: Pid) -> Seq:
        log = self._world.disk.logs[pid]
        return next(x.seq for x in reversed(log) if isinstance(x.event, e.PersonAsked))

    async def _at(self, at: float, do: Callable[..., Awaitable[None]], *arguments: object) -> None:
        await self._world.sleep(max(0.0, at - self._world.loop.time()))
        await do(*arguments)

    async def _request(self, life: Life, what: str, make: Callable[[], Awaitable[object]]) -> bool:
        """Make a request; False when it was refused or broke. Nothing but the errors of the system's own may come."""
        world = self._world
        world.say(f"person: {what}")
        self.busy += 1
        try:
            await make()
        except RefusedError as error:
            world.say(f"person: {what}: refused: {error}")
            return False
        except DeviceError as error:
            world.say(f"person: {what}: broke: {error}")
            return False
        except Exception as error:
            world.problem(f"{what} raised {type(error).__name__}: {error}")
            return False
        finally:
            self.busy -= 1
        world.say(f"person: {what}: acknowledged")
        return not life.dead

    # -- goals --------------------------------------------------------------------------------------------------------

    async def _state(self, life: Life, system: LocalSystem, place: int, goal: Goal) -> None:
        files = [f"/home/person/{place}-{i}.csv" for i in range(goal.files)]
        for name in files:
            self._world.disk.given.setdefault(name, f"version 1 of {PurePosixPath(name).name}")
        request = RunRequest(
            f"目标 {place}", tuple(files), limits=goal.limits, priority=goal.priority, approve_all=goal.approve_all
        )
        pids: list[Pid] = []

        async def start() -> None:
            pids.append(await system.start(request))

        known = set(self._world.audit.books)
        if await self._request(life, f"state goal {place}", start):
            if pids[0] not in self._world.audit.books:
                self._world.problem(f"process {pids[0]} was acknowledged and is not in the journal")
            self.goals.remove((place, goal))
            await self._request(life, f"wait for {pids[0]}", lambda: system.wait(pids[0]))
        elif not life.dead and self._world.audit.books.keys() - known:
            self.goals.remove((place, goal))

    # -- answers ------------------------------------------------------------------------------------------------------

    async def _answer(self, life: Life, system: LocalSystem, pid: Pid, seq: Seq) -> None:
        roll = self._dice.roll(80, pid, seq)
        if roll < 0.12:
            return  # never
        await self._world.sleep(roll * 20 if roll < 0.8 else 300.0)
        book = self._world.audit.books[pid]
        asked = book.question
        if asked is None or self._question_at(pid) != seq:
            return
        if asked.kind == "question":
            text = self._dice.pick(("甲", "乙", "不知道"), 81, pid, seq)
            done = await self._request(life, f"answer {pid}", lambda: system.answer(pid, text))
        else:
            yes = self._verdict(pid, seq, asked)
            done = await self._request(life, f"tell {pid} {'yes' if yes else 'no'}", lambda: system.approve(pid, yes))
        if done:
            self._answered.add((pid, seq))
            answers = [x for x in self._world.disk.logs[pid] if isinstance(x.event, e.PersonAnswered) and x.seq > seq]
            if not answers:
                self._world.problem(f"the answer to process {pid} was acknowledged and is not in the journal")

    def _verdict(self, pid: Pid, seq: Seq, asked: e.PersonAsked) -> bool:
        if asked.kind != "unknown_effect":
            return self._dice.chance(0.7, 82, pid, seq)
        call = self._world.audit.books[pid].calls[asked.call]
        effect = self._world.outside.find(pid, asked.call, int(call.intended.arguments["n"]))
        truth = effect is not None and self._world.outside.settled(effect)
        if self._dice.chance(0.1, 83, pid, seq):
            if effect is not None:
                effect.lied = True
            self._world.say(f"person: does not tell {pid} the truth")
            return not truth
        return truth

    # -- signals ------------------------------------------------------------------------------------------------------

    async def _do(self, life: Life, system: LocalSystem, place: int, event: Event) -> None:
        self.events.remove((place, event))
        pids = sorted(self._world.disk.rows)
        if not pids:
            return
        pid = pids[event.target % len(pids)]
        what = f"{event.deed} {pid}"
        make, holds = self._deed(system, pid, event)
        stops = event.deed in ("suspend", "undo", "kill")
        with self._world.stopwatch.may_stop(pid, self._world.now()) if stops else nullcontext():
            done = await self._request(life, what, make)
        if done and not holds():
            self._world.problem(f"{what} was acknowledged and is not in the journal")

    def _deed(
        self, system: LocalSystem, pid: Pid, event: Event
    ) -> tuple[Callable[[], Awaitable[object]], Callable[[], bool]]:
        log = self._world.disk.logs[pid]
        before = len(log)

        def has(*kinds: type[e.Event]) -> Callable[[], bool]:
            return lambda: any(isinstance(x.event, kinds) for x in log[before:])

        match event.deed:
            case "kill":
                return lambda: system.signal(pid, "kill"), has(e.ProcessExited)
            case "suspend":
                return lambda: system.signal(pid, "suspend"), has(e.SignalReceived)
            case "resume":
                return lambda: system.signal(pid, "resume"), has(e.SignalReceived, e.ProcessReopened, e.SourceChanged)
            case "renice":
                return lambda: system.renice(pid, event.number % 20), has(e.ProcessReniced)
            case "raise":
                return lambda: system.adjust(pid, limits=_scaled(log, 3.0)), has(e.LimitsChanged)
            case "lower":
                return lambda: system.adjust(pid, limits=_scaled(log, 0.5)), has(e.LimitsChanged)
            case "model":
                return lambda: system.adjust(pid, model=f"sim{event.number % 3}"), has(e.ModelChanged)
            case "undo":
                return lambda: system.undo(pid), has(e.Undone)
            case "fork":
                at = event.number % len(log) + 1 if event.number % 3 else None
                return lambda: system.fork(pid, at), lambda: True
            case "answer":
                return lambda: system.answer(pid, "是" if event.number % 2 else "也许"), has(e.PersonAnswered)
            case "correct":
                what = _something(log, event.number)
                return lambda: system.correct(pid, what, f"应是 {event.number}"), has(e.FactCorrected)
            case "look_up":
                return lambda: system.explain(pid), lambda: True
            case "edit":
                return self._edit, lambda: True
            case "wait":
                return lambda: system.wait(pid), lambda: True

    async def _edit(self) -> None:
        for name in self._world.disk.given:
            self._world.disk.given[name] += ", changed"


def _something(log: list[e.Entry], number: int) -> str:
    """A call that was made, or a step of the latest plan; now and then one that is not there."""
    calls = [x.event.call for x in log if isinstance(x.event, e.ToolIntended)]
    plans = [x.event.steps for x in log if isinstance(x.event, e.PlanMade)]
    names = [*dict.fromkeys(calls), *(s.id for s in (plans[-1] if plans else ())), "c99"]
    return names[number % len(names)]


def _nobody(pid: Pid, seq: Seq) -> None:
    """The machine is not running."""


def _scaled(log: list[e.Entry], by: float) -> Limits:
    """Other limits: a multiple of the ones it was created with, or some where it had none."""
    created = log[0].event
    assert isinstance(created, e.ProcessCreated)
    old = created.limits
    scaled = {k: type(x)(x * by) for k in Limits.__struct_fields__ if (x := getattr(old, k)) is not None}
    return Limits(**scaled) if scaled else Limits(tool_calls=int(4 * by), model_calls=int(8 * by))
