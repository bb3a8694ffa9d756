"""What goes to a model and what comes back, independent of any provider's wire format."""

from typing import Any, Literal

from msgspec import Struct

from glmos.abi.budgets import Usage


class FunctionCall(Struct, frozen=True, gc=False, omit_defaults=True):
    """A call as the model wrote it. Nothing is known yet about whether it makes sense."""

    id: str
    """Unique and non-empty within its reply; drivers supply one when the provider does not."""
    name: str
    arguments: str
    """The JSON text, exactly as received, possibly malformed."""


class Message(Struct, frozen=True, omit_defaults=True, weakref=True):
    """One turn."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    calls: tuple[FunctionCall, ...] = ()
    """Assistant only."""
    call_id: str = ""
    """Tool only: the `FunctionCall.id` this answers."""
    reasoning: str = ""
    """Assistant only: returned to the provider unmodified where its profile asks for that."""
    extra: dict[str, Any] = {}
    """Assistant: further provider fields to return unmodified (signatures, encrypted reasoning). Tool: under `data`,
    the structured part of the result, for drivers inside this process; it is never sent over a wire."""
    images: tuple[bytes, ...] = ()
    """User and tool: PNG or JPEG files that belong to it, for models with `ModelTraits.vision`."""


class ToolSchema(Struct, frozen=True, gc=False, omit_defaults=True):
    """A callable offered to the model."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments object."""


class ModelRequest(Struct, frozen=True, omit_defaults=True, weakref=True):
    """Everything a driver needs for one call."""

    messages: tuple[Message, ...]
    tools: tuple[ToolSchema, ...] = ()
    purpose: Literal["work", "critic", "other"] = "work"
    max_tokens: int = 4096
    temperature: float | None = None
    require_call: bool = False
    """Ask the provider to insist on a tool call, where it can."""
    session: str = ""
    """Stable for the calls of one process: providers use it to route to a warm prefix cache."""
    grammar: str = ""
    """GBNF that the whole reply must follow, for models with `ModelTraits.grammar`."""
    schema: dict[str, Any] = {}
    """JSON Schema that the whole reply must follow, for models with `ModelTraits.grammar`."""


class ModelReply(Struct, frozen=True, gc=False, omit_defaults=True):
    """A finished reply."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[FunctionCall, ...] = ()
    finish: Literal["stop", "calls", "length", "filtered", "cut", "unknown"] = "stop"
    """`cut`: the stream ended before the provider said why. `unknown`: a reason we do not know, never success."""
    usage: Usage = Usage()
    """Tokens and, where the price is known, dollars. `model_calls` counts retries that were billed."""
    model: str = ""
    """As the provider names what answered; empty when it is what was asked."""
    extra: dict[str, Any] = {}


class Delta(Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of a reply while it streams. For display only: nothing is decided from it."""

    content: str = ""
    reasoning: str = ""
    call: str = ""
    """Name of a call that has begun."""


class ModelTraits(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the kernel must know about a model before it uses it."""

    name: str
    provider: str
    context_tokens: int = 128_000
    max_output_tokens: int = 8_192
    can_plan: bool = True
    """Follows the kernel's calls. False: only the kernel's fixed forms (nano)."""
    can_criticise: bool = True
    priced: bool = False
    vision: bool = False
    """Looks at `Message.images`; a request with images to a model without it is refused."""
    grammar: bool = False
    """Can be held to `ModelRequest.grammar` and `ModelRequest.schema`."""
