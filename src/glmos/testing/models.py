"""A model whose replies a test writes: an ordinary driver, for scenarios, plugin authors and examples.

    model = ScriptedModel([call("tables", action="query", sql="SELECT 1"), say("The answer is 1.")])
    model = ScriptedModel(lambda request: say(request.messages[-1].content.upper()))
    model = ScriptedModel([fail("rate_limited"), pause(gate), say("late")])

Every request is kept in `model.requests`. Implements `ports.ModelDriver`.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import anyio
import anyio.lowlevel
import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.events import ModelFailureKind
from glmos.abi.messages import Delta, FunctionCall, ModelReply, ModelRequest, ModelTraits


class Fail(NamedTuple):
    """A call that ends without a reply."""

    kind: ModelFailureKind
    message: str
    retryable: bool
    retry_after: float | None
    usage: Usage | None


class Pause(NamedTuple):
    """Wait until the gate opens, then go on with the next reply. `reached` is set when the waiting begins."""

    gate: anyio.Event
    reached: anyio.Event


Act: TypeAlias = ModelReply | Fail | Pause
Script: TypeAlias = Iterable[Act] | Callable[[ModelRequest], Act | Awaitable[Act]]


def say(text: str, *, reasoning: str = "", finish: Any = "stop") -> ModelReply:
    """A reply in words."""
    return ModelReply(content=text, reasoning=reasoning, finish=finish)


def call(tool: str, /, **arguments: Any) -> ModelReply:
    """A reply that calls one tool."""
    return calls((tool, arguments))


def calls(*wanted: tuple[str, dict[str, Any] | str], text: str = "", reasoning: str = "") -> ModelReply:
    """A reply with several calls; arguments given as text go out as they are, malformed or not."""
    made = tuple(
        FunctionCall(id="", name=tool, arguments=a if isinstance(a, str) else json.dumps(a, ensure_ascii=False))
        for tool, a in wanted
    )
    return ModelReply(content=text, reasoning=reasoning, calls=made, finish="calls")


def fail(
    kind: ModelFailureKind,
    message: str = "",
    *,
    retryable: bool = False,
    retry_after: float | None = None,
    usage: Usage | None = Usage(model_calls=1),  # noqa: B008 - frozen data
) -> Fail:
    """A failure, as a driver reports it when its own retries are exhausted. `usage`: None when nobody knows."""
    text = message or f"The scripted model failed as the test wished ({kind}): nothing is to be done."
    return Fail(kind, text, retryable, retry_after, usage)


def pause(gate: anyio.Event, reached: anyio.Event | None = None) -> Pause:
    """Hold the next reply back until `gate` is set: for tests that cancel, suspend or kill in the middle."""
    return Pause(gate, reached or anyio.Event())


class ScriptExhausted(AssertionError):
    """More was asked of a scripted model than its script has."""


class ScriptedModel:
    """Implements `ports.ModelDriver`."""

    def __init__(
        self,
        script: Script,
        *,
        traits: ModelTraits | None = None,
        usd_per_million: float = 0.0,
        tokens_per_character: float = 0.25,
    ) -> None:
        """
        Args:
            script: Replies in order, or a function from request to reply.
            usd_per_million: Price of a token of either kind; above 0 the model counts as priced.
        """
        self._function = script if callable(script) else None
        self._acts = iter(() if callable(script) else script)
        self._price = usd_per_million / 1e6
        self._per_character = tokens_per_character
        self._traits = traits or ModelTraits(name="scripted", provider="testing", priced=usd_per_million > 0)
        self._made = 0
        self.requests: list[ModelRequest] = []
        self.running = 0
        """Calls under way."""
        self.most_running = 0
        """The highest `running` has been."""
        self.cancelled = 0
        """Calls that were cancelled while they waited."""
        self.closed = False

    @property
    def traits(self) -> ModelTraits:
        return self._traits

    def estimate(self, request: ModelRequest) -> int:
        return self._tokens(*(m.content + "".join(c.arguments for c in m.calls) for m in request.messages))

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens + completion_tokens) * self._price

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        self.requests.append(request)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            await anyio.lowlevel.checkpoint()
            reply = await self._next(request)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return self._finished(request, reply, on_delta)

    async def aclose(self) -> None:
        self.closed = True

    async def _next(self, request: ModelRequest) -> ModelReply:
        while True:
            act = await self._act(request)
            match act:
                case Pause(gate, reached):
                    reached.set()
                    await gate.wait()
                case Fail():
                    raise ModelError(
                        act.message, kind=act.kind, retryable=act.retryable, retry_after=act.retry_after,
                        usage=act.usage,
                    )  # fmt: skip
                case ModelReply():
                    return act

    async def _act(self, request: ModelRequest) -> Act:
        if self._function is not None:
            result = self._function(request)
            return await result if isinstance(result, Awaitable) else result
        try:
            return next(self._acts)
        except StopIteration:
            last = request.messages[-1] if request.messages else None
            raise ScriptExhausted(
                f"The script has no reply for request {len(self.requests)}, which ends with {last!r}."
            ) from None

    def _finished(
        self, request: ModelRequest, reply: ModelReply, on_delta: Callable[[Delta], None] | None
    ) -> ModelReply:  # fmt: skip
        """With ids, usage and price where the script gave none."""
        made: list[FunctionCall] = []
        for each in reply.calls:
            self._made += 1
            made.append(each if each.id else msgspec.structs.replace(each, id=f"call_{self._made}"))
        usage = reply.usage
        if usage == Usage():
            prompt = self.estimate(request)
            written = self._tokens(reply.content, reply.reasoning, *(c.arguments for c in reply.calls))
            usd = self.price(prompt, 0, written)
            usage = Usage(prompt_tokens=prompt, completion_tokens=written, usd=usd, model_calls=1)
        if on_delta is not None:
            for delta in (Delta(reasoning=reply.reasoning), Delta(content=reply.content)):
                if delta != Delta():
                    on_delta(delta)
            for each in made:
                on_delta(Delta(call=each.name))
        return msgspec.structs.replace(reply, calls=tuple(made), usage=usage)

    def _tokens(self, *texts: str) -> int:
        return max(1, int(sum(map(len, texts)) * self._per_character))
