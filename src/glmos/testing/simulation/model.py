"""The model of the simulation: it follows its acts, and when they are used up it brings the work to an end.

It reads the prompt as a real one would: which call was answered with what, whether a plan is due, whether children are
still running. Replies may be nonsense, late beyond their cancellation, or not come at all.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import msgspec

from glmos.abi.api import ModelView
from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.ids import Pid
from glmos.abi.messages import Delta, FunctionCall, ModelReply, ModelRequest, ModelTraits
from glmos.models.metering import unlimited
from glmos.ports import Again, ModelDriver
from glmos.testing.simulation.scenario import Act
from glmos.testing.simulation.tools import GOOD, SPECS, arguments_of
from glmos.testing.simulation.world import Life, World

LONGEST_REPLY = 400
PRICE = 1e-6
"""Dollars a token."""
_SESSION = re.compile(r"glmos-\d+-(\d+)")
_GOAL = re.compile(r"目标 ([\d.]+)")
_GOOD = re.compile(rf"^\[(c\d+)\] ({GOOD}[^\n]*)")
_RUNNING = "still running"
_REPLAN = "Revise the plan with"
_CLOSING = Act("finish", seconds=0.1)


class Facts:
    """What a model knows from its prompt."""

    def __init__(self, request: ModelRequest) -> None:
        self.good: list[tuple[str, str]] = []
        """Observations that can be cited: call and text."""
        for message in request.messages[2:]:
            found = _GOOD.match(message.content) if message.role == "tool" else None
            if found is not None:
                self.good.append((found.group(1), found.group(2)))
        tail = "\n".join(m.content for m in request.messages[-3:])
        self.replan = _REPLAN in tail
        self.children = _RUNNING in tail


class SimModel:
    """Implements `ports.RetryingDriver`, as worker or as critic."""

    def __init__(self, life: Life, purpose: str, *, name: str = "sim", priced: bool = True) -> None:
        self._life = life
        self._world = life.world
        self._purpose = purpose
        self._traits = ModelTraits(name, "simulated", max_output_tokens=LONGEST_REPLY, priced=priced)

    @property
    def traits(self) -> ModelTraits:
        return self._traits

    def estimate(self, request: ModelRequest) -> int:
        return 10 + sum(len(m.content) + 30 * len(m.calls) for m in request.messages) // 4

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens + completion_tokens) * PRICE

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        return await self.complete_within(request, on_delta, unlimited)

    async def complete_within(
        self, request: ModelRequest, on_delta: Callable[[Delta], None] | None, again: Again
    ) -> ModelReply:
        if self._purpose == "critic":
            return await self._criticise(request)
        world = self._world
        session = _SESSION.fullmatch(request.session)
        assert session is not None, request.session
        pid = int(session.group(1))
        count = world.audit.asked(pid)
        act = self._act(request, count)
        self._life.reach("a model is asked", pid)
        calls, content = render(act, Facts(request), pid, count, world)
        finish: Any = {"cut": "length", "filtered": "filtered"}.get(act.kind, "calls" if calls else "stop")
        world.say(f"    {pid} asks the model: {act.kind} {' '.join(c.name for c in calls)}")
        world.audit.model_asked(pid)
        usage = await self._first_requests(request, pid, count, again)
        usage += self._pays(request, pid, count, act)
        await self._wait(act, pid)
        if act.kind == "unreachable":
            raise ModelError("The model cannot be reached; look at the network.", kind="unreachable", usage=usage)
        if not act.late:  # else the driver did not notice that it was stopped
            world.stopwatch.look(pid, world.now(), "a model call")
        self._life.reach("a reply arrives", pid)
        return ModelReply(content, calls=calls, finish=finish, usage=usage, model=self._traits.name)

    async def _first_requests(self, request: ModelRequest, pid: Pid, count: int, again: Again) -> Usage:
        """Now and then some requests come to nothing before one is answered; they are billed all the same."""
        used, roll = Usage(), 1.0 if self._world.calm else self._world.dice.roll(51, pid, count)
        for _ in range(2 if roll < 0.04 else 1 if roll < 0.1 else 0):
            used += self._pays(request, pid, count, None)
            await self._world.sleep(0.5)
            if not await again(used):
                raise ModelError(
                    "The model is overloaded, and no budget is left for another try.", kind="overloaded", usage=used
                )
            self._life.reach("a request is made again", pid)
        return used

    def _pays(self, request: ModelRequest, pid: Pid, count: int, act: Act | None) -> Usage:
        if act is not None and act.kind == "unreachable":
            return Usage(model_calls=1)
        usage = self._usage(request, count)
        self._world.spending.pays(pid, usage, f"model call {count}")
        self._world.stopwatch.look(pid, self._world.now(), "a model call")
        return usage

    def _act(self, request: ModelRequest, count: int) -> Act:
        goal = _GOAL.search(request.messages[1].content)
        acts = acts_of(self._world, goal.group(1) if goal is not None else "0")
        return acts[count - 1] if count <= len(acts) and not self._world.calm else _CLOSING

    def _usage(self, request: ModelRequest, count: int) -> Usage:
        prompt = self.estimate(request)
        written = min(request.max_tokens, 20 + self._world.dice.pick((0, 60, LONGEST_REPLY), 50, count, prompt))
        return Usage(self.price(prompt, 0, written), prompt, 0, written, model_calls=1)

    async def _wait(self, act: Act, pid: Pid) -> None:
        try:
            await self._world.sleep(act.seconds)
        except anyio.get_cancelled_exc_class():
            if not act.late or self._life.dead:
                raise
            with anyio.CancelScope(shield=True):
                await self._world.sleep(act.late)
            self._world.say(f"    {pid}: a reply arrives although the call was cancelled")
            # The driver did not notice: the reply is returned as if nothing had been.

    async def _criticise(self, request: ModelRequest) -> ModelReply:
        world = self._world
        root = int(request.session.split("-")[1])
        self._life.reach("a critic is asked", root)
        place = (60, root, world.places)
        usage = self._usage(request, world.places)
        world.spending.pays(world.audit.critic_of(root), usage, "a critic")
        roll = 0.5 if world.scenario.calm or world.calm else world.dice.roll(*place)
        await world.sleep(0.3 if roll > 0.1 else 8.0)
        world.stopwatch.look(world.audit.critic_of(root), world.now(), "a critic")
        if roll < 0.04:
            raise ModelError("The critic cannot be reached.", kind="unreachable")
        self._life.reach("a verdict arrives", root)
        if roll > 0.93:
            return ModelReply("Looks nice.", usage=usage)
        outcome = "passed" if roll < 0.75 else "failed" if roll < 0.87 else "undecided"
        world.say(f"    the critic says {outcome}")
        call = FunctionCall("v", "verdict", f'{{"outcome": "{outcome}", "reason": "{outcome}"}}')
        return ModelReply(calls=(call,), finish="calls", usage=usage)

    async def aclose(self) -> None:
        return None


def acts_of(world: World, path: str) -> tuple[Act, ...]:
    """The acts for a goal by its number; `2.1` is the second goal's first child."""
    first, *rest = (int(x) for x in path.rstrip(".").split("."))
    if first >= len(world.scenario.goals):
        return ()
    goal = world.scenario.goals[first]
    if not rest:
        return goal.acts
    return goal.children[sum(rest) % len(goal.children)] if goal.children else ()


def render(act: Act, facts: Facts, pid: Pid, count: int, world: World) -> tuple[tuple[FunctionCall, ...], str]:
    """The calls and the text of a reply."""
    number = pid * 100_000 + count * 10
    words = {"prose": "我觉得已经完成了。", "cut": "正在想", "empty": "", "filtered": "", "unreachable": ""}
    if act.kind in words:
        return (), words[act.kind]
    wanted = _wanted(act, facts, number, pid, world)
    return tuple(FunctionCall(f"r{i}", name, text) for i, (name, text) in enumerate(wanted)), ""


def _wanted(act: Act, facts: Facts, number: int, pid: Pid, world: World) -> list[tuple[str, str]]:
    tools = {"look": "look_at", "note": "note", "book": "book", "order": "order", "mail": "mail", "shout": "shout"}
    match act.kind:
        case "look" | "note" | "book" | "order" | "mail" | "shout":
            size = act.size if act.kind == "look" else 1
            return [(tools[act.kind], _json(arguments_of(tools[act.kind], number + i))) for i in range(size)]
        case "mixed":
            names = [world.dice.pick(list(SPECS), 70, number + i) for i in range(act.size + 1)]
            calls = [(name, _json(arguments_of(name, number + i))) for i, name in enumerate(names)]
            return [*calls, _finish(facts)] if world.dice.chance(0.4, 71, number) else calls
        case "plan":
            return [("plan", _json(plan_of(world, act.size, number)))]
        case "finish":
            if facts.children:
                return [("wait", "{}")]
            if facts.replan:
                return [("plan", _json(plan_of(world, 1, number)))]
            return [_finish(facts)]
        case "false":
            return [("finish", _json({"result": "一共 987654 元", "claims": []}))]
        case "ask":
            return [("ask", _json({"question": "哪一个？", "options": ["甲", "乙"]}))]
        case "give_up":
            return [("give_up", _json({"reason": "no way"}))]
        case "spawn":
            path = f"{world.audit.goal(pid)}.{number % 7}"
            budget = {"max_tokens": 3_000} if world.dice.chance(0.2, 72, number) else {}
            return [("spawn", _json({"goal": f"目标 {path}", **budget}))]
        case "wait":
            return [("wait", "{}")]
        case "rest":
            return [("wait", _json({"seconds": world.dice.pick((0.5, 5.0, 400.0), 73, number)}))]
        case "learn":
            return [("use", _json({"tool": "mail"}))]
        case "use":
            return [("use", _json({"tool": "mail", "arguments": arguments_of("mail", number)}))]
        case "garbage":
            return [("shout", '{"n": '), ("note", _json({"m": 1}))]
        case "unknown":
            return [("teleport", "{}")]
        case "repeat":
            return [("shout" if act.size == 1 else "look_at", _json({"n": pid * 100_000}))] * act.size
        case _:
            raise AssertionError(act.kind)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _finish(facts: Facts) -> tuple[str, str]:
    claims = [{"claim": "it is done", "call": c, "quote": q} for c, q in facts.good[-1:]]
    return ("finish", _json({"result": "好了，办妥了。", "claims": claims}))


CHECKS: tuple[dict[str, str], ...] = (
    {"kind": "command", "command": "true"},
    {"kind": "command", "command": "maybe"},
    {"kind": "pattern", "pattern": "好"},
    {"kind": "pattern", "pattern": "坏"},
    {"kind": "critic"},
)


def plan_of(world: World, size: int, number: int) -> dict[str, Any]:
    """A plan of so many steps, each with a check or two."""
    steps: list[dict[str, Any]] = []
    for i in range(size):
        checks = [world.dice.pick(CHECKS[:1] if world.scenario.calm else CHECKS, 74, number, i)]
        needs = [steps[-1]["id"]] if steps and world.dice.chance(0.5, 75, number, i) else []
        steps.append({"id": "abcd"[i], "goal": "一步", "needs": needs, "checks": checks})
    return {"steps": steps}


class SimRoutes:
    """Implements `ports.ModelRoutes`: two models, one priced and one not, each with a critic."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._drivers: dict[tuple[str, str], SimModel] = {}

    def driver(self, name: str, *, purpose: str = "work") -> ModelDriver:
        key = (name, purpose)
        if key not in self._drivers:
            self._drivers[key] = SimModel(self._life, purpose, name=name or "sim")
        return self._drivers[key]

    def choose(self, name: str) -> str:
        return name or "sim"

    def use_environment(self, environment: Mapping[str, str]) -> None:
        return None

    async def refresh(self) -> None:
        return None

    def describe(self) -> list[ModelView]:
        return []

    async def aclose(self) -> None:
        return None
