"""The table of system calls: the only door out of a process.

A model's reply holds calls as text. `read_call` says what each one is: a system call that the kernel carries out
itself, a call of a tool, or nonsense, with an explanation the model can act on. Nothing passes this door unread, so
this is where the policy that refuses by label and grant stands.
"""

from functools import lru_cache
from typing import Annotated, Any

import jsonschema
import msgspec
from msgspec import Struct

from glmos.abi.messages import FunctionCall, ToolSchema
from glmos.abi.plans import Claim, Step
from glmos.abi.tools import EffectClass, ToolSpec
from glmos.kernel.process import Process
from glmos.kernel.rules import Rules


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    steps: tuple[Step, ...]
    reason: str = ""


class Finish(Struct, frozen=True, forbid_unknown_fields=True):
    result: str
    claims: tuple[Claim, ...] = ()
    files: tuple[str, ...] = ()


class GiveUp(Struct, frozen=True, forbid_unknown_fields=True):
    reason: str


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    question: str
    options: tuple[str, ...] = ()


class Spawn(Struct, frozen=True, forbid_unknown_fields=True):
    goal: str
    files: tuple[str, ...] = ()
    model: str = ""
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=1 << 53)] | None = None


class Wait(Struct, frozen=True, forbid_unknown_fields=True):
    children: tuple[int, ...] = ()
    seconds: float = 0.0


class Use(Struct, frozen=True, forbid_unknown_fields=True):
    """Without arguments: how the tool is called. With arguments it is the call itself and never gets this far."""

    tool: str
    arguments: dict[str, Any] | None = None


SystemCall = Plan | Finish | GiveUp | Ask | Spawn | Wait | Use


class DeviceCall(Struct, frozen=True, gc=False):
    """A call of a tool, its arguments valid against the tool's schema."""

    tool: str
    action: str
    arguments: dict[str, Any]
    effect: EffectClass


class Nonsense(Struct, frozen=True):
    """A call that cannot be carried out, and why, in words for the model."""

    problem: str


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}


def _schema(name: str, description: str, required: list[str], **properties: Any) -> ToolSchema:
    # Unknown arguments are refused when the call is read; saying so here as well would cost tokens in every request.
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    return ToolSchema(name, description, parameters | ({"required": required} if required else {}))


_CHECKS = (
    "How a program will know, without your word; each must fail while the step is not done. pattern{pattern,path?,absent?} "
    "file{path,format?} schema{schema,path?} number{pattern?,equals|sql|python,tolerance?} query{sql,equals?} "
    "python{code: asserts with messages} command{command,exit_status?} critic{rubric}. Without `path` the step's result "
    "is checked. Every step but the last needs one (looking is no step); the last also gets citation and critic."
)

SYSCALLS: dict[str, tuple[type[SystemCall], ToolSchema]] = {
    "plan": (
        Plan,
        _schema(
            "plan",
            "State or revise the plan. Steps are done in order; the last one's result is the answer. Passed steps that you "
            "repeat unchanged stay passed.",
            ["steps"],
            steps={
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "id": _TEXT,
                        "goal": _TEXT,
                        "needs": _TEXTS,
                        "checks": {
                            "type": "array",
                            "description": _CHECKS,
                            "items": {"type": "object", "properties": {"kind": _TEXT}, "required": ["kind"]},
                        },
                    },
                    "required": ["id", "goal"],
                },
            },
            reason={"type": "string", "description": "Why it is revised."},
        ),
    ),
    "finish": (
        Finish,
        _schema(
            "finish",
            "Submit the result of the current step for checking; the last call of a reply. Claims bind its facts and numbers "
            "to quotes copied word for word from outputs or from the person's answers (26,923.20 counts as 26923.2).",
            ["result"],
            result={"type": "string", "description": "For a person, complete and short."},
            claims={
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "claim": _TEXT,
                        "call": {"type": "string", "description": "such as c3"},
                        "quote": _TEXT,
                    },
                    "required": ["claim", "call", "quote"],
                },
            },
            files=_TEXTS,
        ),
    ),
    "ask": (
        Ask,
        _schema(
            "ask",
            "Ask the person something only they can know.",
            ["question"],
            question=_TEXT,
            options=_TEXTS,
        ),
    ),
    "give_up": (
        GiveUp,
        _schema(
            "give_up",
            "The goal cannot be reached: say why and what would help. Better than an invented answer.",
            ["reason"],
            reason=_TEXT,
        ),
    ),
    "spawn": (
        Spawn,
        _schema(
            "spawn",
            "Start a child process for an independent part. It sees only this goal and copies of `files`.",
            ["goal"],
            goal=_TEXT,
            files=_TEXTS,
            model=_TEXT,
            max_tokens={"type": "integer"},
        ),
    ),
    "wait": (
        Wait,
        _schema(
            "wait",
            "Wait until children have ended (all of them when none are named), or for some seconds.",
            [],
            children={"type": "array", "items": {"type": "integer"}},
            seconds={"type": "number"},
        ),
    ),
    "use": (
        Use,
        _schema(
            "use",
            "Call a tool of the index; without arguments, learn how it is called.",
            ["tool"],
            tool=_TEXT,
            arguments={"type": "object"},
        ),
    ),
}
"""Name to its argument type and what the model sees."""

ON_DEMAND = {"spawn": "start a child process for an independent part", "wait": "wait for children or for a time"}
"""System calls that stand in the index instead of in every request."""


def usable(p: Process, rules: Rules) -> dict[str, ToolSpec]:
    """The tools this process may use."""
    return {n: t for n, t in rules.tools.items() if not p.tools or n in p.tools}


def offered(p: Process, rules: Rules) -> tuple[ToolSchema, ...]:
    """The functions in every request of this process. They never change during its life, so neither does the prefix."""
    fixed = [schema for name, (_, schema) in SYSCALLS.items() if name not in ON_DEMAND]
    resident = [
        ToolSchema(t.name, t.description, _short(t.parameters)) for t in usable(p, rules).values() if t.resident
    ]
    return (*fixed, *resident)


def _short(parameters: dict[str, Any]) -> dict[str, Any]:
    """A schema without its defaults, which the tool knows and every request would pay for."""
    properties = {
        name: {k: v for k, v in each.items() if k != "default"}
        for name, each in parameters.get("properties", {}).items()
    }
    return parameters | {"properties": properties}


def index(p: Process, rules: Rules) -> tuple[tuple[str, str], ...]:
    """(name, summary) of what is disclosed on demand."""
    return (*ON_DEMAND.items(), *((t.name, t.summary) for t in usable(p, rules).values() if not t.resident))


def read_call(call: FunctionCall, p: Process, rules: Rules) -> SystemCall | DeviceCall | Nonsense:
    """What a call in a reply asks for."""
    arguments = _arguments(call)
    if isinstance(arguments, Nonsense):
        return arguments
    name = call.name
    if name == "use" and arguments.get("arguments") is not None:
        inner = arguments["arguments"]
        name = str(arguments.get("tool", ""))
        arguments = inner if isinstance(inner, dict) else {}
    if name in SYSCALLS:
        return _system_call(name, arguments)
    tools = usable(p, rules)
    if name not in tools:
        names = ", ".join([*SYSCALLS, *tools])
        return Nonsense(f"there is no function {name!r}; there are: {names}")
    return _device_call(tools[name], arguments)


def _arguments(call: FunctionCall) -> dict[str, Any] | Nonsense:
    text = call.arguments.strip() or "{}"
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
        if isinstance(value, str):  # some servers encode the object twice
            value = msgspec.json.decode(value.encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
        return Nonsense(f"the arguments of {call.name!r} are not valid JSON ({error}); send the whole call again")
    if not isinstance(value, dict):
        return Nonsense(f"the arguments of {call.name!r} must be a JSON object")
    return value


def _system_call(name: str, arguments: dict[str, Any]) -> SystemCall | Nonsense:
    kind, _ = SYSCALLS[name]
    try:
        read = msgspec.convert(arguments, kind, strict=False)
    except msgspec.ValidationError as error:
        return Nonsense(f"the arguments of {name!r} do not fit: {error}")
    try:
        lasting = msgspec.json.decode(msgspec.json.encode(read), type=kind) == read
    except msgspec.ValidationError:
        lasting = False
    # "nan" and "inf" in quotes pass for numbers, and no journal could give them back.
    return read if lasting else Nonsense(f"the arguments of {name!r} hold a number that is none")


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema.Draft202012Validator:
    """One for each schema: making one costs more than using it."""
    return jsonschema.Draft202012Validator(msgspec.json.decode(schema))


def _device_call(tool: ToolSpec, arguments: dict[str, Any]) -> DeviceCall | Nonsense:
    validator = _validator(msgspec.json.encode(tool.parameters))
    faults = [
        f"{'.'.join(map(str, f.absolute_path)) or 'arguments'}: {f.message[:200]}"
        for f in validator.iter_errors(arguments)
    ]
    if faults:
        return Nonsense(f"the arguments of {tool.name!r} do not fit: " + "; ".join(faults[:5]))
    only = tool.actions[0].name
    name = str(arguments.get("action", only)) if len(tool.actions) > 1 else only
    action = tool.action(name)
    if action is None:
        return Nonsense(f"{tool.name!r} has no action {name!r}; it has: {', '.join(x.name for x in tool.actions)}")
    return DeviceCall(tool.name, action.name, arguments, action.effect)
