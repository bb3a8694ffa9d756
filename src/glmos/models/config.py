"""The part of `glmos.toml` that is about models.

    default_model = "work"
    critic_model = "careful"

    [models.work]
    provider = "zai"                     # or base_url = "http://host:port/v1"
    model = "glm-5.3"
    key_env = "ZAI_API_KEY"              # or key_command = "pass show zai"
    limits = { concurrency = 8, requests_per_minute = 60, tokens_per_minute = 500000 }
    price = { input = 1.4, cached = 0.26, output = 4.4 }
    fallback = ["local"]

    [models.local]
    provider = "vllm"
    base_url = "http://gpu-box:8000/v1"
    context_tokens = 65536

    [models.disk]
    path = "~/weights/GLM-4-9B-0414"     # or a .gguf file; see design/15-local-weights.md
    keep_seconds = 600

Above: `routes`. Below: `profiles`, `prices`, `limits`, `retry`.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from glmos.abi.errors import UsageError
from glmos.models.http import Deadlines
from glmos.models.limits import RateLimits
from glmos.models.prices import Price
from glmos.models.retry import RetryPolicy

NANO = "nano"


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A `[models.NAME]` table."""

    provider: str = ""
    """Empty: found out from `base_url`."""
    base_url: str = ""
    """Empty: the provider's."""
    path: str = ""
    """Weights on this machine's disk: the folder of a model, or a .gguf file. Then neither provider nor address."""
    keep_seconds: Annotated[float, Meta(ge=0, le=1e8)] | None = None
    """With `path`: how long the weights stay in memory unused."""
    thinking: bool | None = None
    """With `path`: False has the template leave thinking out; by default the template decides."""
    threads: Annotated[int, Meta(ge=0)] = 0
    """With `path`: processor threads; 0: as the library thinks."""
    model: str = ""
    """Empty: the provider's default, or whatever a server at `base_url` says it serves."""
    key_env: str = ""
    """Empty: the provider's."""
    key_command: str = ""
    profile: str = ""
    """A family in `profiles.toml`; empty: found by the model's name."""
    profile_fields: dict[str, Any] = {}
    """Single fields of the profile that are different."""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price | None = None
    limits: RateLimits = RateLimits()
    retry: RetryPolicy = RetryPolicy()
    deadlines: Deadlines | None = None
    """Seconds to connect, to the first byte, between two pieces; None: longer for servers on this machine."""
    fallback: tuple[str, ...] = ()
    """Names asked in turn when this one is unreachable, overloaded or over its rate; never when a key, the account or
    the request is the trouble."""
    body: dict[str, Any] = {}
    """More fields of the request body, such as `reasoning_effort`."""
    headers: dict[str, str] = {}
    record: str = ""
    """A file that every request and reply is written to."""


class ModelsConfig(Struct, frozen=True):
    models: dict[str, ModelSettings] = {}
    default_model: str = ""
    critic_model: str = ""
    """Judges in the Check phase, when another than the doer's is wanted."""


def read_config(table: Mapping[str, Any]) -> ModelsConfig:
    """The models part of a parsed `glmos.toml`; other keys are somebody else's.

    Raises: UsageError that names the entry.
    """
    models: dict[str, ModelSettings] = {}
    entries = table.get("models", {})
    if not isinstance(entries, Mapping):
        raise UsageError("`models` in the configuration must be tables: write `[models.NAME]`.")
    for name, entry in entries.items():
        if name == NANO:
            raise UsageError("`[models.nano]` cannot be configured: nano is the bundled model; use another name.")
        try:
            models[name] = msgspec.convert(entry, ModelSettings)
        except msgspec.ValidationError as error:
            raise UsageError(f"`[models.{name}]` in the configuration: {_plain(error)}.") from error
        if models[name].base_url:
            normal_url(models[name].base_url)
        _require_one_place(name, models[name])
    names = {key: table.get(key, "") for key in ("default_model", "critic_model")}
    for key, value in names.items():
        if not isinstance(value, str):
            raise UsageError(f"`{key}` in the configuration must be a name in quotes, not {value!r}.")
    return ModelsConfig(models=models, **names)


def _require_one_place(name: str, settings: ModelSettings) -> None:
    """Raises: UsageError for settings that could have no effect."""
    if settings.path and (settings.base_url or settings.provider):
        raise UsageError(f"`[models.{name}]` has `path` and an address or provider: weights on disk need no other.")
    given = {"keep_seconds": settings.keep_seconds, "thinking": settings.thinking, "threads": settings.threads or None}
    idle = next((word for word, value in given.items() if value is not None), "")
    if idle and not settings.path:
        raise UsageError(f"`[models.{name}]` has `{idle}`, which is for weights on disk: give their `path`.")


def _plain(error: msgspec.ValidationError) -> str:
    return str(error).replace("Object contains unknown field", "there is no setting").replace(" - at `$.", ", in `")


def normal_url(text: str) -> str:
    """A base address as the drivers want it: no slash at the end, `/v1` where there is no path at all.

    Raises: UsageError.
    """
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no address of a model server ({error}).") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{text!r} is no address of a model server: write it like http://127.0.0.1:8000/v1.")
    url = parts._replace(fragment="", query="").geturl().rstrip("/")
    for tail in ("/chat/completions", "/messages", "/models"):
        url = url.removesuffix(tail)
    return url if urlsplit(url).path else f"{url}/v1"
