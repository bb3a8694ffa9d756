"""The tools of the simulation: one of every effect class, with and without a probe.

Each call names a number; the outside world knows the effect by it. A call takes a while to take effect and a while to
come back, may fail, break, hang, or be cut off anywhere, and what leaves the machine may arrive although it was cut off.
"""

from collections.abc import Mapping
from typing import Any

from glmos.abi.budgets import Usage
from glmos.abi.errors import DeviceError, SandboxError
from glmos.abi.tools import Action, Failure, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext
from glmos.testing.simulation.outside import Effect
from glmos.testing.simulation.world import Crashed, Life

TIMEOUT = 20.0
PRICE = 0.001
"""Dollars, of a call of `shout`."""
GOOD = "已办妥"
"""Stands in every observation that can be cited."""


def _spec(name: str, *actions: Action, usd: float = 0.0, resident: bool = True) -> ToolSpec:
    properties: dict[str, Any] = {"n": {"type": "integer"}}
    if len(actions) > 1:
        properties["action"] = {"type": "string", "enum": [a.name for a in actions]}
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "required": ["n"]}
    return ToolSpec(name, name, f"Simulated {name}.", parameters, actions, resident, TIMEOUT, usd)


SPECS: dict[str, ToolSpec] = {
    "look_at": _spec("look_at", Action("run", "pure", reads=("workspace",))),
    "note": _spec("note", Action("run", "reversible", writes=("workspace",))),
    "book": _spec(
        "book",
        Action("book", "compensable", compensated_by="cancel", can_probe=True),
        Action("cancel", "compensable", can_probe=True),
    ),
    "order": _spec("order", Action("order", "compensable", compensated_by="cancel"), Action("cancel", "compensable")),
    "mail": _spec("mail", Action("run", "irreversible", can_probe=True), resident=False),
    "shout": _spec("shout", Action("run", "irreversible"), usd=PRICE),
}


def arguments_of(tool: str, number: int) -> dict[str, Any]:
    """What a model writes to call it."""
    first = SPECS[tool].actions[0].name
    return {"n": number} if first == "run" else {"n": number, "action": first}


class SimTool:
    """Implements `ports.Tool`."""

    def __init__(self, spec: ToolSpec, life: Life) -> None:
        self._spec = spec
        self._life = life
        self._world = life.world

    @property
    def spec(self) -> ToolSpec:
        return self._spec

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        life, world = self._life, self._world
        number = int(call.arguments["n"])
        life.reach(f"{call.tool} is about to start", call.pid, effect=True)
        if call.action == "cancel":
            return await self._cancel(call, number)
        action = self._spec.action(call.action)
        assert action is not None
        effect = world.outside.starts((call.pid, call.call), action.effect, number)
        world.say(f"    {call.pid} {call.call} {call.tool}({number}) starts, attempt {effect.starts}")
        world.audit.tool_started(call.pid, call.call)
        world.spending.pays(call.pid, Usage(usd=self._spec.usd, tool_calls=1), f"tool call {call.call}")
        world.stopwatch.look(call.pid, world.now(), "a tool call")
        life.programs[call.pid] += 1
        try:
            result = await self._act(call, effect)
        except BaseException as error:
            if isinstance(error, SandboxError):
                effect.returned = "failed"  # which says that nothing was run
            if not isinstance(error, Exception):
                world.say(f"    {call.pid} {call.call} is cut off")
            raise
        finally:
            effect.running -= 1
            life.programs[call.pid] -= 1
        effect.returned = "failed" if result.failure is not None else "ok"
        return result

    async def _act(self, call: ToolCall, effect: Effect) -> ToolResult:
        life, world = self._life, self._world
        calm = world.scenario.calm or world.calm
        roll = 0.5 if calm else world.dice.roll(40, effect.number, effect.starts)
        seconds = world.dice.between(0.0, 2.0, 41, effect.number, effect.starts)
        try:
            await world.sleep(seconds if not 0.02 < roll < 0.04 else 500.0)
            _breaks(roll, 0.04)
            if roll > 0.93:
                return ToolResult(failure=Failure("failed", "it could not be done"), usd=self._spec.usd)
            life.reach(f"{call.tool} is about to happen", call.pid, effect=True)
        except BaseException as error:
            if not isinstance(error, SandboxError):
                self._cut_off(call, effect)
            raise
        self._happen(call, effect)
        life.reach(f"{call.tool} has happened", call.pid, effect=True)
        await world.sleep(seconds / 2 if not 0.0 < roll < 0.02 else 500.0)
        _breaks(roll, 0.07)
        world.stopwatch.look(call.pid, world.now(), "a tool call")
        life.reach(f"{call.tool} comes back", call.pid, effect=True)
        compensation = {"n": effect.number, "action": "cancel"} if effect.kind == "compensable" else None
        text = f"{GOOD} {call.tool} {call.call}"
        if not calm and effect.kind == "pure" and world.dice.chance(0.05, 47, effect.number):
            text += "\n" + "很长的一行。" * 2_000  # goes beside the journal
        return ToolResult(text, compensation=compensation, usd=self._spec.usd)

    def _happen(self, call: ToolCall, effect: Effect) -> None:
        self._world.outside.happens(effect)
        if effect.kind == "reversible":
            self._world.disk.workspaces[call.pid][mark(effect.number)] = call.call

    def _cut_off(self, call: ToolCall, effect: Effect) -> None:
        if effect.kind == "reversible":
            # Its program ends with the machine; what it has written by then, it has written.
            if self._world.dice.chance(0.3, 42, effect.number, effect.starts):
                self._happen(call, effect)
        elif effect.kind != "pure":
            self._world.outside.cut_off(effect)

    async def _cancel(self, call: ToolCall, number: int) -> ToolResult:
        world = self._world
        effect = world.outside.find(call.pid, call.call, number)
        if effect is None:
            return ToolResult(failure=Failure("not_found", "nothing was booked"))
        await world.sleep(world.dice.between(0.0, 1.0, 43, number))
        if not world.scenario.calm and world.dice.chance(0.1, 44, number, effect.compensated):
            return ToolResult(failure=Failure("failed", "it cannot be cancelled any more"))
        effect.compensated += 1
        world.say(f"    ({effect.key[0]} {effect.key[1]} is cancelled outside)")
        if effect.compensated > 1:
            world.problem(f"call {call.call} of process {call.pid} was compensated twice")
        self._life.reach(f"{call.tool} was compensated", call.pid, effect=True)
        return ToolResult(f"{GOOD} cancel")

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        life, world = self._life, self._world
        life.reach(f"probe of {call.tool}", call.pid, effect=True)
        number = int(call.arguments["n"])
        await world.sleep(world.dice.between(0.0, 1.0, 45, number, world.places))
        effect = world.outside.find(call.pid, call.call, number)
        roll = 0.5 if world.calm else world.dice.roll(46, number, world.places)
        if roll < 0.05:
            raise RuntimeError("the probe broke")
        if roll < 0.2:
            return ProbeResult("cannot_tell", "the far side does not answer")
        if call.action == "cancel":
            return ProbeResult("happened" if effect is not None and effect.compensated else "did_not_happen")
        happened = effect is not None and world.outside.settled(effect)
        if effect is not None and not happened and effect.key == (call.pid, call.call):
            effect.denied = True  # that of a fork with the same number is the fork's to ask about
        outcome = "happened" if happened else "did_not_happen"
        world.say(f"    {call.pid} {call.call}: the probe says {outcome}")
        life.reach(f"probe of {call.tool} answers", call.pid, effect=True)
        compensation = {"n": number, "action": "cancel"} if happened and call.tool in ("book", "order") else None
        return ProbeResult(outcome, f"{GOOD} {outcome}", compensation)

    async def release(self, pid: int) -> None:
        if self._world.goes_wrong("release_fails"):
            self._world.say(f"!!! {self._spec.name} cannot be released for {pid}")
            raise RuntimeError("the kernel does not answer")
        if self._life.dead:
            raise Crashed


def _breaks(roll: float, start: float) -> None:
    """A bug in the tool, or something under it, at one of two places."""
    if start <= roll < start + 0.015:
        raise RuntimeError("broken pipe")
    if start + 0.015 <= roll < start + 0.025:
        raise DeviceError("The far side is gone; try again later.")
    if start == 0.04 and 0.065 <= roll < 0.068:
        raise SandboxError("The sandbox cannot be set up: bwrap was refused; run `glmos doctor`.")


def mark(number: int) -> str:
    """The file that a reversible call leaves."""
    return f"n{number}.txt"


def sim_tools(life: Life) -> Mapping[str, SimTool]:
    return {name: SimTool(spec, life) for name, spec in SPECS.items()}
