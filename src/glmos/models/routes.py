"""From the name a process has for its model to a driver that answers, and why that one.

A name is, in this order,

    nano                       the bundled model
    NAME                       a `[models.NAME]` table of the configuration
    http://host:port/v1        an OpenAI-compatible server; `#MODEL` at the end names one of its models
    provider:MODEL             zai:glm-5.3, ollama:qwen3:8b; `provider` alone means its default model
    replay:FILE                a recorded transcript
    (nothing)                  GLMOS_MODEL, then `default_model`, then a key in the environment (z.ai, OpenAI or
                               OPENAI_BASE_URL, Anthropic), then a server running on this machine, then nano

A key goes only to the host it belongs to: a bare URL gets OPENAI_API_KEY only if it is OPENAI_BASE_URL.
Implements `ports.ModelRoutes`. Above: `boot`, which passes configuration, environment and nano. Below: the drivers.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from glmos.abi.api import ModelView
from glmos.abi.errors import NotFoundError, UsageError
from glmos.models.config import NANO, ModelsConfig, ModelSettings, normal_url, read_config
from glmos.models.discover import LocalServer, local_servers
from glmos.models.driver import Endpoint, HttpDriver, Sent
from glmos.models.fallback import FallbackDriver
from glmos.models.http import PATIENT, HttpClient, is_loopback
from glmos.models.keys import Key
from glmos.models.limits import Limiter
from glmos.models.prices import price_of
from glmos.models.profiles import family_of, profile_for, provider, provider_of, providers
from glmos.models.recording import RecordingDriver
from glmos.models.redact import redact
from glmos.models.replay import ReplayDriver
from glmos.ports import ModelDriver

KEYED = ("zai", "openai", "anthropic")
"""Providers whose key in the environment chooses them when nobody says otherwise, in this order."""


class Choice(NamedTuple):
    """The default model and what made it so."""

    name: str
    why: str


class Routes:
    """Implements `ports.ModelRoutes`."""

    def __init__(
        self,
        table: Mapping[str, Any],
        environ: Mapping[str, str],
        nano_factory: Callable[[], ModelDriver],
        *,
        client: HttpClient | None = None,
        local_addresses: Mapping[str, str] | None = None,
        record_to: Path | None = None,
        on_request: Callable[[Sent], None] | None = None,
    ) -> None:
        """
        Args:
            table: The parsed configuration; see `config`.
            local_addresses: Where to look for servers of this machine; the usual ports by default.
            record_to: Write every call of every model to this file.

        Raises:
            UsageError: The configuration makes no sense.
        """
        self._config: ModelsConfig = read_config(table)
        self._environ = environ
        self._nano_factory = nano_factory
        self._client = client or HttpClient(proxies=_proxies(environ))
        self._local_addresses = local_addresses
        self._record_to = record_to
        self._on_request = on_request
        self._local: list[LocalServer] = []
        self._drivers: dict[str, ModelDriver] = {}
        self._limiters: dict[str, Limiter] = {}
        self._building: list[str] = []

    async def refresh(self) -> None:
        """Look for model servers on this machine. Call it at the start, and again before showing or choosing."""
        self._local = await local_servers(self._client, self._local_addresses)

    # -- ports.ModelRoutes --------------------------------------------------------------------------------------------

    def driver(self, name: str, *, purpose: str = "work") -> ModelDriver:
        """See `ports.ModelRoutes`. The same name gives the same driver."""
        if purpose == "critic" and self._config.critic_model:
            name = self._config.critic_model
        name = name or self.default().name
        if name not in self._drivers:
            self._drivers[name] = self._recorded(self._build(name))
        return self._drivers[name]

    def choose(self, name: str) -> str:
        """See `ports.ModelRoutes`."""
        chosen = name or self.default().name
        self.driver(chosen)
        return chosen

    def use_environment(self, environment: Mapping[str, str]) -> None:
        """Keys and addresses of whoever asks next. Drivers made with others are forgotten."""
        if dict(environment) != dict(self._environ):
            self._environ = dict(environment)
            self._drivers.clear()

    def describe(self) -> list[ModelView]:
        """The configured models, the providers with or without a key, what runs on this machine, and nano."""
        default = self.default()
        views = [self._configured_view(name, settings) for name, settings in self._config.models.items()]
        views += [
            self._provider_view(name) for name in providers() if not provider(name).local and name != "compatible"
        ]
        for server in self._local:
            for model in server.models:
                name = f"{server.provider}:{model.name}"
                views.append(ModelView(name, server.provider, model.name, True, detail=f"runs at {server.base_url}"))
        detail = "bundled; questions over tables only"
        views.append(ModelView(NANO, "glmos", NANO, True, detail=detail))
        if default.name not in {view.name for view in views}:
            views.insert(0, self._default_view(default.name))
        shown = redact(default.name)
        return [
            ModelView(v.name, v.provider, v.model, v.available, True, f"{default.why}; {v.detail}".removesuffix("; "))
            if v.name == shown
            else v
            for v in views
        ]

    async def aclose(self) -> None:
        for driver in self._drivers.values():
            await driver.aclose()
        await self._client.aclose()

    # -- the default --------------------------------------------------------------------------------------------------

    def default(self) -> Choice:
        """Which model is used when none is named, and why."""
        env = self._environ
        if name := env.get("GLMOS_MODEL", "").strip():
            return Choice(name, "GLMOS_MODEL says so")
        if self._config.default_model:
            return Choice(self._config.default_model, "`default_model` in the configuration says so")
        for name in KEYED:
            entry = provider(name)
            variable = next((v for v in entry.key_env if env.get(v, "").strip()), "")
            if name == "openai" and (url := env.get("OPENAI_BASE_URL", "").strip()):
                named = env.get("OPENAI_MODEL", "").strip()
                return Choice(f"{normal_url(url)}{f'#{named}' if named else ''}", "OPENAI_BASE_URL is set")
            if variable:
                return Choice(f"{name}:{entry.default_model}", f"{variable} is set")
        if self._local:
            server = self._local[0]
            name = f"{server.provider}:{server.models[0].name}"
            return Choice(name, f"a model server runs at {server.base_url} and no key is set")
        return Choice(NANO, "no key is set and no model server runs on this machine")

    def limiter(self, name: str) -> Limiter | None:
        """The limits a name's calls are under; None when it has none of its own (nano, transcripts)."""
        self.driver(name)
        return self._limiters.get(name or self.default().name)

    # -- building -----------------------------------------------------------------------------------------------------

    def _build(self, name: str) -> ModelDriver:
        if name in self._building:
            loop = " -> ".join([*self._building[self._building.index(name) :], name])
            raise UsageError(f"The fallbacks in the configuration run in a circle ({loop}): take one out.")
        self._building.append(name)
        try:
            return self._choose(name)
        finally:
            self._building.pop()

    def _choose(self, name: str) -> ModelDriver:
        if name == NANO:
            return self._nano_factory()
        if settings := self._config.models.get(name):
            return self._configured(name, settings)
        if name.startswith(("http://", "https://")):
            return self._at_url(name)
        head, colon, rest = name.partition(":")
        if head == "replay" and rest:
            return ReplayDriver(Path(rest))
        if head in providers() and (not colon or rest):
            return self._at_provider(name, head, rest)
        raise NotFoundError(self._unknown(name))

    def _configured(self, name: str, settings: ModelSettings) -> ModelDriver:
        first: ModelDriver = self._http(name, settings)
        if settings.record:
            first = RecordingDriver(first, Path(settings.record).expanduser(), secrets=self._secrets)
        if not settings.fallback:
            return first
        return FallbackDriver([first, *(self._build(other) for other in settings.fallback)])

    def _at_url(self, name: str) -> ModelDriver:
        address, _, model = name.partition("#")
        return self._http(name, ModelSettings(base_url=address, model=model))

    def _at_provider(self, name: str, head: str, model: str) -> ModelDriver:
        if running := next((s for s in self._local if s.provider == head), None):
            served = next((m for m in running.models if m.name == model), running.models[0])
            context = served.context_tokens if served.name == model or not model else 0
            return self._http(
                name,
                ModelSettings(
                    provider=head, base_url=running.base_url, model=model or served.name, context_tokens=context or None
                ),
            )
        who, base_url = self._home(head)
        default = provider(head).default_model if who == head else ""
        return self._http(name, ModelSettings(provider=who, base_url=base_url, model=model or default))

    def _home(self, name: str) -> tuple[str, str]:
        """A provider's address, where the environment has moved it, and who is to be expected there.

        Raises: UsageError when it has none.
        """
        entry = provider(name)
        moved = self._environ.get(entry.base_url_env, "").strip() if entry.base_url_env else ""
        if moved:
            url = normal_url(moved)
            # Behind OPENAI_BASE_URL may be anything that speaks the protocol.
            return (provider_of(url) if name == "openai" else name), url
        if not entry.base_url:
            raise UsageError(f"The provider {name!r} has no address of its own: give one, as in http://host:port/v1.")
        return name, entry.base_url

    def _http(self, name: str, settings: ModelSettings) -> HttpDriver:
        who, base_url = self._where(settings)
        entry = provider(who)
        model = settings.model or (entry.default_model if urlsplit(base_url).hostname in entry.hosts else "")
        overrides = dict(settings.profile_fields)
        for field in ("context_tokens", "max_output_tokens"):
            if (value := getattr(settings, field)) is not None:
                overrides[field] = value
        if settings.body:
            overrides["body"] = settings.body
        profile = profile_for(who, model, family=settings.profile, overrides=overrides)
        endpoint = Endpoint(
            name=redact(name), provider=who, base_url=base_url, model=model, profile=profile, wire=entry.wire,
            key=self._key(who, base_url, settings), key_header=entry.key_header,
            headers={**entry.headers, **settings.headers}, codes=entry.codes,
            price=settings.price or price_of(base_url, model),
            deadlines=settings.deadlines or (PATIENT if is_loopback(base_url) else None),
        )  # fmt: skip
        limiter = self._limiters[name] = Limiter(settings.limits)
        return HttpDriver(endpoint, self._client, limiter=limiter, retry=settings.retry, on_request=self._on_request)

    def _where(self, settings: ModelSettings) -> tuple[str, str]:
        """Provider and address of an entry."""
        if settings.base_url:
            known = settings.base_url == (provider(settings.provider).base_url if settings.provider else "")
            url = settings.base_url if known else normal_url(settings.base_url)
            return settings.provider or provider_of(url), url
        if not settings.provider:
            raise UsageError("A model in the configuration needs `provider` or `base_url`: see `glmos config`.")
        return self._home(settings.provider)

    def _key(self, who: str, base_url: str, settings: ModelSettings) -> Key:
        if settings.key_command:
            return Key(settings.key_env, command=settings.key_command)
        if settings.key_env:
            return Key(settings.key_env, self._environ.get(settings.key_env, "").strip())
        names = provider(who).key_env
        if _same_origin(base_url, self._environ.get("OPENAI_BASE_URL", "")):
            names = ("OPENAI_API_KEY", *names)
        found = next((n for n in names if self._environ.get(n, "").strip()), names[0] if names else "")
        return Key(found, self._environ.get(found, "").strip())

    def _secrets(self) -> Sequence[str]:
        """Values in the environment that look like keys, so that no transcript holds one."""
        return [v for k, v in self._environ.items() if k.endswith(("_KEY", "_TOKEN", "_SECRET")) and len(v) >= 8]

    def _recorded(self, driver: ModelDriver) -> ModelDriver:
        if self._record_to is None or isinstance(driver, ReplayDriver):
            return driver
        return RecordingDriver(driver, self._record_to, secrets=self._secrets)

    # -- words --------------------------------------------------------------------------------------------------------

    def _unknown(self, name: str) -> str:
        names = [NANO, *self._config.models, *providers()]
        near = difflib.get_close_matches(name, names, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        if not hint and (family := family_of(name)):
            likely = next((p for p in (*KEYED, "deepseek", "qwen") if family[:3] in provider(p).default_model), "")
            hint = f" Did you mean {f'{likely}:{name}'!r}?" if likely else ""
        return (
            f"No model is called {name!r}:{hint} -m takes nano, a name from the configuration "
            f"({', '.join(self._config.models) or 'none yet'}), PROVIDER:MODEL with one of {', '.join(providers())}, or an "
            "address like http://127.0.0.1:8000/v1."
        )

    def _configured_view(self, name: str, settings: ModelSettings) -> ModelView:
        try:
            who, base_url = self._where(settings)
            key = self._key(who, base_url, settings)
            profile_for(who, settings.model, family=settings.profile, overrides=settings.profile_fields)
        except (UsageError, NotFoundError) as error:
            return ModelView(name, settings.provider, settings.model, False, detail=str(error))
        missing = bool(key.name) and not key.known
        detail = f"set {key.name}" if missing else f"configured, at {redact(base_url)}"
        return ModelView(name, who, settings.model or provider(who).default_model, not missing, detail=detail)

    def _default_view(self, name: str) -> ModelView:
        """A default that is none of the listed: an address, another model of a provider, or a mistake."""
        try:
            traits = self.driver(name).traits
        except (UsageError, NotFoundError) as error:
            return ModelView(redact(name), "", "", False, detail=str(error))
        return ModelView(redact(name), traits.provider, name.partition(":")[2] if "//" not in name else "", True)

    def _provider_view(self, name: str) -> ModelView:
        entry = provider(name)
        key = self._key(name, entry.base_url, ModelSettings())
        detail = f"{key.name} is set" if key.known else f"set {' or '.join(entry.key_env)}"
        return ModelView(f"{name}:{entry.default_model}", name, entry.default_model, key.known, detail=detail)


def _same_origin(a: str, b: str) -> bool:
    x, y = urlsplit(a), urlsplit(b)
    return bool(b) and (x.scheme, x.hostname, x.port) == (y.scheme, y.hostname, y.port)


def _proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """The customary proxy variables, in either case."""
    found = {
        scheme: environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY") or ""
        for scheme in ("http", "https", "no")
    }
    return {k: v for k, v in found.items() if v} if found["http"] or found["https"] else {}
