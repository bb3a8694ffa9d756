"""`LocalDriver`: weights on this machine's disk as a driver that answers.

Its context is what the machine's memory can hold of what the weights were made for; a quarter of the memory for the
key-value cache at most, unless the configuration says otherwise.
Above: `routes`. Below: `describe`, `process`.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import anyio
import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError, UsageError
from glmos.abi.messages import Delta, ModelReply, ModelRequest, ModelTraits
from glmos.models import tokens
from glmos.models.local.child import environment_of
from glmos.models.local.describe import Weights, describe
from glmos.models.local.memory import free_memory, total_memory
from glmos.models.local.process import NotLoaded, WeightsProcess, make_room
from glmos.models.local.protocol import Load

KEEP_SECONDS = 300.0
MOST_OUTPUT = 16_384
MOST_IMAGE_TOKENS = 6_144
"""Of one picture, by the settings that GLM-4.1V to 4.6V come with."""
INSTALL = "pip install 'glmos[local]'"
_PACKAGES = {"transformers": ("torch", "transformers", "jinja2"), "gguf": ("xllamacpp", "jinja2")}
_SMALL_VOCABULARY = 30_000
"""Below it, words are cut so small that only their bytes are an upper bound."""
_MOST_MARGIN = 50.0


class LocalDriver:
    """Implements `ports.ModelDriver`."""

    def __init__(
        self, name: str, process: WeightsProcess, shelf: "Shelf", *, max_output_tokens: int | None = None
    ) -> None:
        self._process = process
        self._shelf = shelf
        self._weights = process.load.weights
        self._margin = 1.0
        context = process.load.context
        self._traits = ModelTraits(
            name=name, provider="local", context_tokens=context,
            max_output_tokens=max(1, min(max_output_tokens or MOST_OUTPUT, context // 2)), priced=True,
            vision=self._weights.vision, grammar=self._weights.kind == "gguf",
        )  # fmt: skip

    @property
    def traits(self) -> ModelTraits:
        return self._traits

    @property
    def process(self) -> WeightsProcess:
        return self._process

    def estimate(self, request: ModelRequest) -> int:
        images = sum(len(message.images) for message in request.messages)
        if self._weights.vocabulary < _SMALL_VOCABULARY:
            blind = [msgspec.structs.replace(message, images=()) for message in request.messages]
            bound = len(msgspec.json.encode((blind, request.tools))) + tokens.TOOLS_PREAMBLE * 4
        else:
            bound = tokens.request_tokens(request, 1.0)
        return int(bound * self._margin) + images * MOST_IMAGE_TOKENS + 1

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return 0.0

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        """See `ports.ModelDriver`. Calls wait for each other: the weights do one thing at a time."""
        self._require(request)
        estimate = self.estimate(request)
        while True:
            await self._shelf.load(self._process)
            try:
                reply = await self._process.ask(request, on_delta or _ignore)
                break
            except NotLoaded:  # others needed its memory, or it had just ended for want of questions
                continue
        if reply.usage.prompt_tokens > estimate:
            self._margin = min(self._margin * reply.usage.prompt_tokens / estimate * 1.05, _MOST_MARGIN)
        return reply

    async def aclose(self) -> None:
        """The weights belong to the shelf."""

    def _require(self, request: ModelRequest) -> None:
        """Raises: ModelError for what these weights cannot do."""
        if not self._weights.vision and any(message.images for message in request.messages):
            raise self._cannot("cannot look at images: choose one with `vision_config`, such as GLM-4.6V")
        if self._weights.form == "none" and request.tools:
            raise self._cannot("has a chat template without tools: choose one whose template offers them")
        if not self._traits.grammar and (request.grammar or request.schema):
            raise self._cannot("cannot be held to a grammar through transformers: use a .gguf file of it")

    def _cannot(self, what: str) -> ModelError:
        return ModelError(f"The model at {self._weights.path!r} {what}.", kind="bad_request", usage=Usage())


class Shelf:
    """All weights of this machine that are in use. The same path with the same settings is loaded once, whatever it
    is called."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """
        Args:
            environ: Of this program; the processes get the harmless part of it.
        """
        self._environment = environment_of(environ)
        self._processes: dict[bytes, WeightsProcess] = {}
        self._loading = anyio.Lock()
        """Held by who looks for room and loads. Whoever has a process's turn must not want it."""

    def driver(
        self, name: str, path: Path, *, context_tokens: int | None = None, max_output_tokens: int | None = None,
        keep_seconds: float | None = None, thinking: bool | None = None, threads: int = 0,
    ) -> LocalDriver:  # fmt: skip
        """A driver for the weights at `path`; nothing is loaded yet.

        Raises:
            NotFoundError: There are none.
            UsageError: They cannot be run; what they need is not installed.
        """
        weights = describe(path)
        require_packages(weights)
        context = min(context_tokens or weights.context(total_memory()), weights.trained_tokens)
        load = Load(weights, context, KEEP_SECONDS if keep_seconds is None else keep_seconds, thinking, threads)
        known = self._processes.setdefault(msgspec.json.encode(load), WeightsProcess(load, self._environment))
        return LocalDriver(name, known, self, max_output_tokens=max_output_tokens)

    async def load(self, wanted: WeightsProcess) -> None:
        """Have weights loaded; others give their memory back where both would not fit. Raises: ModelError."""
        if wanted.os_pid is not None:
            return
        async with self._loading:
            if wanted.os_pid is not None:  # somebody else has asked for them meanwhile
                return
            others = [process for process in self._processes.values() if process is not wanted]
            await make_room(wanted.needs, free_memory(), others)
            await wanted.ready()

    async def aclose(self) -> None:
        for process in self._processes.values():
            await process.aclose()


def require_packages(weights: Weights, there: Callable[[str], object | None] = find_spec) -> None:
    """Raises: UsageError with the command that installs what is missing."""
    packages: Mapping[str, tuple[str, ...]] = _PACKAGES
    missing = [name for name in packages[weights.kind] if there(name) is None]
    if missing:
        raise UsageError(
            f"The weights at {weights.path!r} need {' and '.join(missing)}, not installed here: `{INSTALL}` brings all that "
            "local weights need."
        )


def _ignore(delta: Delta) -> None:
    """Nobody watches."""
