"""From the name a process has for its model to a driver that answers, and why that one.

A name is, in this order,

    nano                       the bundled model
    NAME                       a `[models.NAME]` table of the configuration
    http://host:port/v1        an OpenAI-compatible server; `#MODEL` at the end names one of its models
    provider:MODEL             zai:glm-5.3, ollama:qwen3:8b; `provider` alone means its default model
    replay:FILE                a recorded transcript
    /path, ~/path, x.gguf      GLM weights on this machine's disk; `local:ORG/NAME` those that `glmos models pull` fetched
    (nothing)                  GLMOS_MODEL, then `default_model`, then a key in the environment (z.ai, OpenAI or
                               OPENAI_BASE_URL, Anthropic), then a server running on this machine, then nano

A key goes only to the host it belongs to: a bare URL gets OPENAI_API_KEY only if it is OPENAI_BASE_URL.
Implements `ports.ModelRoutes`. Above: `boot`, which passes configuration, environment and nano. Below: the drivers.
"""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from glmos.abi.api import ModelView
from glmos.abi.errors import NotFoundError, UsageError
from glmos.models.config import NANO, ModelsConfig, ModelSettings, normal_url, read_config
from glmos.models.discover import LocalServer, local_servers
from glmos.models.driver import Endpoint, HttpDriver, Sent
from glmos.models.fallback import FallbackDriver
from glmos.models.http import PATIENT, Deadlines, HttpClient, is_loopback
from glmos.models.keys import Key
from glmos.models.limits import Limiter
from glmos.models.local import describe as weights
from glmos.models.local.driver import LocalDriver, Shelf, require_packages
from glmos.models.local.memory import total_memory
from glmos.models.offers import QUICK
from glmos.models.prices import FREE, price_of
from glmos.models.profiles import family_of, profile_for, provider, provider_of, providers
from glmos.models.recording import RecordingDriver
from glmos.models.redact import redact
from glmos.models.replay import ReplayDriver
from glmos.models.surroundings import Surroundings
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
        local_deadlines: Deadlines = QUICK,
        record_to: Path | None = None,
        weights_home: Path | None = None,
        on_request: Callable[[Sent], None] | None = None,
    ) -> None:
        """
        Args:
            table: The parsed configuration; see `config`.
            local_addresses: Where to look for servers of this machine; the usual ports by default.
            local_deadlines: How long they may take to answer.
            record_to: Write every call of every model to this file.
            weights_home: Where `glmos models pull` puts what it fetches.

        Raises:
            UsageError: The configuration makes no sense.
        """
        self._config: ModelsConfig = read_config(table)
        self._around = Surroundings()
        self._nano_factory = nano_factory
        self._client = client or HttpClient()
        self._local_addresses = local_addresses
        self._local_deadlines = local_deadlines
        self._record_to = record_to
        self._weights_home = weights_home
        self._shelf = Shelf(environ)
        self._on_request = on_request
        self._local: list[LocalServer] = []
        self._drivers: dict[str, ModelDriver] = {}
        self._limiters: dict[str, Limiter] = {}
        self._building: list[str] = []
        self.use_environment(environ)

    # -- ports.ModelRoutes --------------------------------------------------------------------------------------------

    def use_environment(self, environment: Mapping[str, str]) -> None:
        """See `ports.ModelRoutes`. What is chosen by default follows the newest environment; keys of earlier ones stay
        usable for the processes that were started with them."""
        changed = self._around.replace(environment)
        self._client.proxies = self._around.proxies()
        if changed:
            kept = {n: d for n, d in self._drivers.items() if n == NANO or n.startswith("replay:")}
            self._drivers = kept

    async def refresh(self) -> None:
        """See `ports.ModelRoutes`."""
        self._local = await local_servers(self._client, self._local_addresses, deadlines=self._local_deadlines)

    def choose(self, name: str) -> str:
        """See `ports.ModelRoutes`. `openai` is replaced by the address OPENAI_BASE_URL gives, so that the process keeps
        it whoever asks next."""
        name = name or self.default().name
        head, _, model = name.partition(":")
        if head == "openai" and name not in self._config.models and (url := self._around.now("OPENAI_BASE_URL")):
            name = normal_url(url) + (f"#{model}" if model else "")
        self.driver(name)
        return name

    def driver(self, name: str, *, purpose: str = "work") -> ModelDriver:
        """See `ports.ModelRoutes`. The same name gives the same driver."""
        if purpose == "critic" and self._config.critic_model:
            name = self._config.critic_model
        name = name or self.default().name
        if name not in self._drivers:
            self._drivers[name] = self._recorded(self._build(name))
        return self._drivers[name]

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
                offer = model.offer._replace(context_tokens=model.context_tokens).words()
                detail = f"runs at {server.base_url}{f'; {offer}' if offer else ''}"
                views.append(ModelView(name, server.provider, model.name, True, detail=detail))
        views += self._fetched_views()
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
        await self._shelf.aclose()
        await self._client.aclose()

    # -- the default --------------------------------------------------------------------------------------------------

    def default(self) -> Choice:
        """Which model is used when none is named, and why."""
        if name := self._around.now("GLMOS_MODEL"):
            return Choice(name, "GLMOS_MODEL says so")
        if self._config.default_model:
            return Choice(self._config.default_model, "`default_model` in the configuration says so")
        for name in KEYED:
            entry = provider(name)
            variable = next((v for v in entry.key_env if self._around.now(v)), "")
            if name == "openai" and (url := self._around.now("OPENAI_BASE_URL")):
                named = self._around.now("OPENAI_MODEL")
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
        if (path := self._path(name)) is not None:
            return self._shelf.driver(name, path)
        if head in providers() and (not colon or rest):
            return self._at_provider(name, head, rest)
        raise NotFoundError(self._unknown(name))

    def _configured(self, name: str, settings: ModelSettings) -> ModelDriver:
        first: ModelDriver = self._on_disk(name, settings) if settings.path else self._http(name, settings)
        if settings.record:
            first = RecordingDriver(first, Path(settings.record).expanduser(), secrets=self._around.secrets)
        if not settings.fallback:
            return first
        return FallbackDriver([first, *(self._build(other) for other in settings.fallback)])

    def _path(self, name: str) -> Path | None:
        """Where the weights lie that a name means; None when it means something else. Raises: UsageError."""
        if name.startswith("local:") and self._weights_home is not None:
            return self._weights_home / name.removeprefix("local:")
        return absolute(name) if weights.is_path(name) else None

    def _on_disk(self, name: str, settings: ModelSettings) -> LocalDriver:
        return self._shelf.driver(
            name, absolute(settings.path), context_tokens=settings.context_tokens,
            max_output_tokens=settings.max_output_tokens, keep_seconds=settings.keep_seconds,
            thinking=settings.thinking, threads=settings.threads,
        )  # fmt: skip

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
        base_url = self._home(head)
        return self._http(
            name, ModelSettings(provider=head, base_url=base_url, model=model or provider(head).default_model)
        )

    def _home(self, name: str) -> str:
        """A provider's address, or where the environment has moved it.

        Raises: UsageError when it has none.
        """
        entry = provider(name)
        # What OPENAI_BASE_URL names may be anything: `choose` has put that address in the name.
        moved = self._around.known(entry.base_url_env) if entry.base_url_env and name != "openai" else ""
        if not moved and not entry.base_url:
            raise UsageError(f"The provider {name!r} has no address of its own: give one, as in http://host:port/v1.")
        return normal_url(moved) if moved else entry.base_url

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
            price=settings.price or (FREE if entry.local else price_of(base_url, model)),
            deadlines=settings.deadlines or (PATIENT if is_loopback(base_url) else None),
        )  # fmt: skip
        limiter = self._limiters.setdefault(name, Limiter(settings.limits))
        return HttpDriver(endpoint, self._client, limiter=limiter, retry=settings.retry, on_request=self._on_request)

    def _where(self, settings: ModelSettings) -> tuple[str, str]:
        """Provider and address of an entry."""
        if settings.base_url:
            known = settings.base_url == (provider(settings.provider).base_url if settings.provider else "")
            url = settings.base_url if known else normal_url(settings.base_url)
            return settings.provider or provider_of(url), url
        if not settings.provider:
            raise UsageError("A model in the configuration needs `provider` or `base_url`: see `glmos config`.")
        return settings.provider, self._home(settings.provider)

    def _key(self, who: str, base_url: str, settings: ModelSettings) -> Key:
        if settings.key_command:
            return Key(settings.key_env, command=settings.key_command)
        if settings.key_env:
            return Key(settings.key_env, self._around.known(settings.key_env))
        return self._around.key(provider(who).key_env, base_url)

    def _recorded(self, driver: ModelDriver) -> ModelDriver:
        if self._record_to is None or isinstance(driver, ReplayDriver):
            return driver
        return RecordingDriver(driver, self._record_to, secrets=self._around.secrets)

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
            f"({', '.join(self._config.models) or 'none yet'}), PROVIDER:MODEL with one of {', '.join(providers())}, an "
            "address like http://127.0.0.1:8000/v1, or the path of GLM weights on this machine."
        )

    def _fetched_views(self) -> list[ModelView]:
        """What `glmos models pull` has put in its folder."""
        home = self._weights_home
        if home is None:
            return []
        found = [path.parent for path in sorted(home.glob("*/*/config.json"))]
        found += [path for path in sorted(home.glob("*/*/**/*.gguf")) if weights.is_first_part(path)]
        return [self._disk_view(f"local:{path.relative_to(home)}", path) for path in found]

    def _disk_view(self, name: str, path: str | Path, context_tokens: int | None = None) -> ModelView:
        short = Path(path).name
        try:
            found = weights.describe(absolute(str(path)))
            require_packages(found)
        except (UsageError, NotFoundError) as error:
            return ModelView(name, "local", short, False, detail=str(error))
        context = min(context_tokens or found.context(total_memory()), found.trained_tokens)
        return ModelView(name, "local", short, True, detail=found.sentence(context))

    def _configured_view(self, name: str, settings: ModelSettings) -> ModelView:
        if settings.path:
            return self._disk_view(name, settings.path, settings.context_tokens)
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
        if weights.is_path(name):
            return self._disk_view(name, name)
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


def absolute(path: str) -> Path:
    """A path of weights as it stands in a name. Raises: UsageError."""
    try:
        found = Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"The path {path!r} cannot be followed ({error}).") from error
    if not found.is_absolute():
        raise UsageError(f"The path {path!r} of weights depends on where one stands: write it from / or ~ on.")
    return found
