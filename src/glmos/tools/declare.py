"""How a tool is declared: a typed function with a docstring, or a class with several actions.

    @tool(effect="pure")
    def rate(currency: str, day: str = "") -> float:
        \"\"\"The exchange rate to the euro.

        Args:
            currency: ISO code, such as "CNY".
            day: YYYY-MM-DD; today when empty.
        \"\"\"

The declaration is the only source of schema, effect class, flows and cost. The standard tools are declared here, and
so are a user's own functions. Above: `registry`; below: `signature`.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple, ParamSpec, TypeVar

import anyio.to_thread
import msgspec

from glmos.abi.errors import DeviceError, UsageError
from glmos.abi.ids import Pid
from glmos.abi.labels import Label
from glmos.abi.tools import Action, EffectClass, Failure, FailureKind, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext
from glmos.tools.signature import Signature, bind, json_schema, read_docstring, read_signature

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

Probe = Callable[[ToolCall, ToolContext], Awaitable[ProbeResult]]


class ToolFailed(Exception):
    """Raised inside a tool to end a call with a `Failure`; never leaves the tool."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)


class FunctionTool(Generic[P, R]):
    """A function that is also a tool. Calling it calls the function."""

    def __init__(self, function: Callable[P, R], spec: ToolSpec, signature: Signature, probe: Probe | None) -> None:
        self.spec = spec
        self._function = function
        self._signature = signature
        self._probe = probe
        self.__doc__ = function.__doc__
        self.__name__ = spec.name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run the function, a synchronous one in a thread. What it raises becomes a `Failure`.

        A cancelled call returns at once; the thread of a synchronous function goes on until it notices nothing more
        is wanted of it, because Python cannot stop a thread.
        """
        bound = bind(self._signature, call.arguments, title=self.spec.name, call=call, context=context)
        if bound.failure is not None:
            return ToolResult(failure=bound.failure)
        try:
            value = await _invoke(self._function, bound.values, abandon=True)
        except DeviceError:
            raise
        except ToolFailed as failed:
            return ToolResult(failure=failed.failure)
        except Exception as error:
            return ToolResult(failure=Failure("failed", f"{type(error).__name__}: {error}"))
        return as_result(value, call)

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        if self._probe is None:
            return ProbeResult("cannot_tell", f"{self.spec.name!r} offers no probe.")
        return await self._probe(call, context)

    async def release(self, pid: Pid) -> None:
        """A function holds nothing."""


def tool(
    *,
    effect: EffectClass,
    name: str = "",
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
    resident: bool = False,
    timeout: float = 120.0,
    usd: float = 0.0,
    probe: Probe | None = None,
    hidden: Sequence[str] = (),
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a tool of a function. Parameters typed `ToolCall` or `ToolContext` are filled in by the system.

    Args:
        effect: What it means to run it twice, and whether it can be taken back. Say it truthfully: after a crash, only
            a `pure` call is repeated.
        name: Defaults to the function's own.
        reads: Where data flows in from: `workspace`, `network`, `person`.
        writes: Where data flows out to.
        resident: Offer the full schema from the first call on.
        timeout: Seconds after which a call is stopped.
        usd: Worst-case price of one call.
        probe: Finds out after a crash whether an interrupted call took effect.
        hidden: Arguments that are accepted but not shown to a model.

    Raises: UsageError when there is no docstring or a parameter has a type that JSON cannot carry.
    """

    def declare(function: Callable[P, R]) -> FunctionTool[P, R]:
        signature = read_signature(function, hidden=hidden)
        if not signature.doc.summary:
            raise UsageError(f"The tool {signature.name!r} needs a docstring: it is all a model knows about it.")
        action = Action("run", effect, tuple(reads), tuple(writes), can_probe=probe is not None)
        spec = ToolSpec(
            name=name or signature.name,
            summary=signature.doc.summary,
            description=signature.doc.body,
            parameters=json_schema(signature),
            actions=(action,),
            resident=resident,
            timeout=timeout,
            usd=usd,
        )
        return FunctionTool(function, spec, signature, probe)

    return declare


class _Declared(NamedTuple):
    action: Action
    hidden: tuple[str, ...]


_DECLARED = "__glmos_action__"


def action(
    *,
    effect: EffectClass,
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
    compensated_by: str = "",
    can_probe: bool = False,
    hidden: Sequence[str] = (),
) -> Callable[[F], F]:
    """Mark a method of an `ActionTool` as one of its actions; a trailing `_` in its name is dropped."""

    def mark(method: F) -> F:
        name = method.__name__.rstrip("_")
        declared = Action(name, effect, tuple(reads), tuple(writes), compensated_by, can_probe)
        setattr(method, _DECLARED, _Declared(declared, tuple(hidden)))
        return method

    return mark


class ActionTool:
    """A tool with state or with several actions. A single action named `run` needs no `action` argument.

    The class docstring is what the model reads; each action adds one line of it, and each argument is described where
    its first action describes it. Methods may raise `ToolFailed`; other exceptions are bugs or broken devices. A method
    that is not `async` runs in a thread and is waited for even when cancelled, so that nothing goes on behind a kill:
    a long one calls `anyio.from_thread.check_cancelled()` now and then.
    """

    spec: ToolSpec
    _signatures: ClassVar[dict[str, tuple[str, Signature]]]

    def __init_subclass__(
        cls, *, name: str, resident: bool = False, timeout: float = 120.0, usd: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        actions: list[Action] = []
        signatures: dict[str, tuple[str, Signature]] = {}
        for attribute, member in vars(cls).items():
            declared: _Declared | None = getattr(member, _DECLARED, None)
            if declared is not None:
                actions.append(declared.action)
                signatures[declared.action.name] = (attribute, read_signature(member, hidden=declared.hidden))
        doc = read_docstring(cls.__doc__)
        if not actions or not doc.summary:
            raise UsageError(f"The tool {name!r} needs a docstring and at least one action.")
        cls._signatures = signatures
        cls.spec = ToolSpec(
            name=name,
            summary=doc.summary,
            description=_describe(doc.body, {key: sig for key, (_, sig) in signatures.items()}),
            parameters=_merge({key: sig for key, (_, sig) in signatures.items()}),
            actions=tuple(actions),
            resident=resident,
            timeout=timeout,
            usd=usd,
        )

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Carry out one action. Arguments of other actions are ignored, unknown ones refused."""
        found = self._signatures.get(call.action)
        if found is None:
            names = ", ".join(self._signatures)
            message = f"{self.spec.name!r} has no action {call.action!r}: it has {names}."
            return ToolResult(failure=Failure("bad_arguments", message))
        attribute, signature = found
        several = len(self._signatures) > 1
        others = ["action", *(n for _, s in self._signatures.values() for n in s.names)] if several else []
        title = f"{self.spec.name} {call.action}" if several else self.spec.name
        bound = bind(signature, call.arguments, title=title, ignored=others, call=call, context=context)
        if bound.failure is not None:
            return ToolResult(failure=bound.failure)
        try:
            value = await _invoke(getattr(self, attribute), bound.values, abandon=False)
        except ToolFailed as failed:
            value = failed.failure
        return as_result(value, call)

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        return ProbeResult("cannot_tell", f"{self.spec.name!r} offers no probe.")

    async def release(self, pid: Pid) -> None:
        """Let go of what is held for the process; nothing by default."""


def as_result(value: Any, call: ToolCall) -> ToolResult:
    """What a function returned, as a result: text as it is, other values as JSON, always encodable."""
    if isinstance(value, ToolResult):
        result = value
    elif isinstance(value, Failure):
        result = ToolResult(failure=value)
    elif value is None or isinstance(value, str):
        result = ToolResult(text=value or "")
    else:
        try:
            plain = msgspec.to_builtins(value, str_keys=True)
            text = msgspec.json.format(msgspec.json.encode(plain), indent=1 if isinstance(plain, (dict, list)) else 0)
            result = ToolResult(text=text.decode(), data={"value": plain})
        except (TypeError, ValueError, RecursionError):
            result = ToolResult(text=repr(value))
    label = result.label if result.label.sources else msgspec.structs.replace(result.label, sources=_source(call))
    text = result.text.encode("utf-8", "replace").decode()
    return msgspec.structs.replace(result, text=text, label=label)


MOST_NAMED = 20
"""Files that a label names. A call that read more names none: it is taken to have read all there are."""


def untrusted(call: ToolCall, *files: str) -> Label:
    """The label of words somebody else may have chosen: a file's, or those of code that ran."""
    files = files if len(files) <= MOST_NAMED else ()
    return Label(integrity="untrusted", sources=(*(f"file:{name}" for name in files), *_source(call)))


def _source(call: ToolCall) -> tuple[str, ...]:
    return (f"call:{call.call}",)


async def _invoke(function: Callable[..., Any], values: dict[str, Any], *, abandon: bool) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**values)
    value = await anyio.to_thread.run_sync(lambda: function(**values), abandon_on_cancel=abandon)
    return await value if inspect.isawaitable(value) else value


def _describe(body: str, signatures: dict[str, Signature]) -> str:
    """The description, and for several actions a line each, such as `read(path, start?): a text file`."""
    body = "\n".join(" ".join(paragraph.split()) for paragraph in body.split("\n\n"))
    if len(signatures) == 1:
        return body
    lines: list[str] = []
    for name, signature in signatures.items():
        takes = ", ".join(n if n in signature.required else f"{n}?" for n in signature.visible)
        lines.append(f"{name}({takes}): {signature.doc.summary}".rstrip(": "))
    return "\n".join([body, *lines])


def _merge(signatures: dict[str, Signature]) -> dict[str, Any]:
    """One schema for all actions. What is required by every action is required."""
    if len(signatures) == 1:
        return json_schema(next(iter(signatures.values())))
    properties: dict[str, Any] = {"action": {"type": "string", "enum": list(signatures)}}
    definitions: dict[str, Any] = {}
    for signature in signatures.values():
        schema = json_schema(signature)
        definitions.update(schema.get("$defs", {}))
        for name, described in schema["properties"].items():
            if name not in properties or ("description" in described and "description" not in properties[name]):
                properties[name] = described
    required = ["action", *(n for n in properties if all(n in s.required for s in signatures.values()))]
    merged: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if definitions:
        merged["$defs"] = definitions
    return merged
