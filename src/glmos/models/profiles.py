"""What model families and the servers in front of them can and cannot do, read from `profiles.toml`.

A profile is looked up for a pair (provider, model name); later entries win:

    defaults  <  family (by the model's name)  <  provider (who hosts it)  <  the family at that provider  <  the user

A family states what is true of the weights and their chat template, a provider what is true of its HTTP endpoint.
Above: `driver`, `wire`, `routes`. Below: the data file.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from glmos.abi.errors import NotFoundError, UsageError


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """How to talk to one model behind one endpoint."""

    context_tokens: int = 32_768
    max_output_tokens: int = 8_192
    max_tokens_field: str = "max_tokens"
    reasoning_fields: tuple[str, ...] = ("reasoning_content", "reasoning")
    """Where reasoning may come in, the first that is there counts. The first is also the one it goes back in, when
    nothing tells which one it came in."""
    return_reasoning: Literal["always", "calls", "never"] = "always"
    """Which assistant turns go back with their reasoning: all, those with calls, none."""
    empty_reasoning: bool = False
    """Send the field even when it is empty, with the turns that need it: the provider insists on its presence."""
    return_extra: bool = True
    """Send unknown assistant fields back as they came."""
    stream_usage: bool = True
    """Knows `stream_options.include_usage`."""
    tool_choice_required: bool = False
    """Can be made to call a tool."""
    temperature: tuple[float, float] | None = (0.0, 2.0)
    """The range it accepts; None: the parameter must not be sent."""
    session_field: str = ""
    """A body field that routes calls of one session to the same cache."""
    system_role: Literal["system", "developer", "user"] = "system"
    late_system_role: Literal["system", "user"] = "system"
    """The role of system messages after the first turn; templates of some families allow none there."""
    cjk_tokens: float = 1.6
    """Tokens for a Chinese character at most, on average (see `tokens`)."""
    drop: tuple[str, ...] = ()
    """Body fields it refuses."""
    body: dict[str, Any] = {}
    """Fields sent with every request."""
    body_with_tools: dict[str, Any] = {}
    """Fields sent when tools are offered."""


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """Who hosts models, or which program serves them."""

    wire: Literal["openai", "anthropic"] = "openai"
    like: str = ""
    """Another provider whose profile, error codes and family differences hold here too, unless said otherwise."""
    base_url: str = ""
    base_url_env: str = ""
    """An environment variable that moves it."""
    hosts: tuple[str, ...] = ()
    """Host names by which a bare URL is recognised as this provider's."""
    key_env: tuple[str, ...] = ()
    """Environment variables that may hold the key."""
    key_header: Literal["bearer", "x-api-key", "none"] = "bearer"
    default_model: str = ""
    local: bool = False
    """A program on the user's own machine: no key needed, no price."""
    port: int = 0
    """Where a local server listens by default."""
    owned_by: tuple[str, ...] = ()
    """What a local server writes as the owner of its models."""
    headers: dict[str, str] = {}
    codes: dict[str, str] = {}
    """Error codes in a body, to a `ModelFailureKind` or `billing`."""
    profile: dict[str, Any] = {}


class Family(Struct, frozen=True, forbid_unknown_fields=True):
    """Models that share weights' ancestry and a chat template."""

    match: tuple[str, ...]
    """Patterns over the lower-case model name without an organisation before a slash."""
    profile: dict[str, Any] = {}
    at: dict[str, dict[str, Any]] = {}
    """What is different about it at a provider."""


class _Tables(Struct, frozen=True, forbid_unknown_fields=True):
    provider: dict[str, Provider]
    family: dict[str, Family]


@cache
def tables() -> _Tables:
    text = resources.files("glmos.models").joinpath("profiles.toml").read_bytes()
    read = msgspec.toml.decode(text, type=_Tables)
    return msgspec.structs.replace(read, provider={n: _inherit(p, read.provider) for n, p in read.provider.items()})


def _inherit(entry: Provider, known: Mapping[str, Provider]) -> Provider:
    if not entry.like:
        return entry
    model = known[entry.like]
    profile = {**model.profile, **entry.profile}
    return msgspec.structs.replace(entry, profile=profile, codes={**model.codes, **entry.codes})


def providers() -> Mapping[str, Provider]:
    """Every provider by name, in the order of the file."""
    return tables().provider


def provider(name: str) -> Provider:
    """Raises: NotFoundError that lists the names."""
    found = providers().get(name)
    if found is None:
        raise NotFoundError(f"There is no model provider {name!r}: known are {', '.join(providers())}.")
    return found


def provider_of(base_url: str) -> str:
    """The provider behind an address: by host, on this machine by port, otherwise `compatible`."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    for name, entry in providers().items():
        if host in entry.hosts:
            return name
        if entry.local and entry.port and entry.port == parts.port and host in ("127.0.0.1", "localhost", "::1"):
            return name
    return "compatible"


def families() -> Mapping[str, Family]:
    return tables().family


def family_of(model: str) -> str:
    """The first family whose pattern fits the model's name, or nothing."""
    name = model.lower().rsplit("/", 1)[-1]
    for family, entry in families().items():
        if any(fnmatchcase(name, pattern) for pattern in entry.match):
            return family
    return ""


def profile_for(
    provider_name: str, model: str, *, family: str = "", overrides: Mapping[str, Any] | None = None
) -> Profile:
    """The profile of a model at a provider.

    Args:
        family: Use this family whatever the model's name says.
        overrides: Profile fields that win over everything.

    Raises:
        NotFoundError: No such provider or family.
        UsageError: An override is no field of a profile, or of the wrong type.
    """
    entry = provider(provider_name)
    merged: dict[str, Any] = {}
    chosen = family or family_of(model)
    if chosen:
        found = families().get(chosen)
        if found is None:
            raise NotFoundError(f"There is no model profile {chosen!r}: known are {', '.join(families())}.")
        _merge(merged, found.profile)
        _merge(merged, entry.profile)
        if entry.like:
            _merge(merged, found.at.get(entry.like, {}))
        _merge(merged, found.at.get(provider_name, {}))
    else:
        _merge(merged, entry.profile)
    _merge(merged, overrides or {})
    try:
        return msgspec.convert(merged, Profile)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"`profile_fields` for the model {model!r}: {error}. See the fields in profiles.py."
        ) from error


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    """Tables are merged, everything else is replaced; `"none"` for a temperature means it must not be sent."""
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            into[key] = {**into[key], **value}
        elif key == "temperature" and value == "none":
            into[key] = None
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
