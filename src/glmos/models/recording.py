"""Write down every call to a model and what came of it, so that it can be read, checked and replayed.

Implements `ports.RetryingDriver` around another. Above: `routes`. Below: `transcript`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from glmos.abi.errors import ModelError, UsageError
from glmos.abi.messages import Delta, ModelReply, ModelRequest, ModelTraits
from glmos.models.metering import complete_within, unlimited
from glmos.models.redact import REMOVED
from glmos.models.transcript import Failed, Section
from glmos.ports import Again, ModelDriver


def _no_secrets() -> Iterable[str]:
    return ()


class RecordingDriver:
    """Implements `ports.RetryingDriver`. A line is written when its call has ended; cancelled calls leave none."""

    def __init__(
        self, inner: ModelDriver, path: Path, *, secrets: Callable[[], Iterable[str]] = _no_secrets
    ) -> None:  # fmt: skip
        """
        Args:
            path: Appended to; readable by its owner only, because prompts hold private things.
            secrets: What must not appear in the file, asked for at every call.
        """
        self._inner = inner
        self._path = path
        self._secrets = secrets
        self._section = Section()
        self._begun = False

    @property
    def traits(self) -> ModelTraits:
        return self._inner.traits

    def estimate(self, request: ModelRequest) -> int:
        return self._inner.estimate(request)

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return self._inner.price(prompt_tokens, cached_tokens, completion_tokens)

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        return await self.complete_within(request, on_delta, unlimited)

    async def complete_within(
        self, request: ModelRequest, on_delta: Callable[[Delta], None] | None, again: Again
    ) -> ModelReply:
        try:
            reply = await complete_within(self._inner, request, on_delta, again)
        except ModelError as error:
            self._write(self._section.line(request, None, Failed(error.kind, str(error), error.retryable)))
            raise
        self._write(self._section.line(request, reply, None))
        return reply

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _write(self, line: bytes) -> None:
        lines = [line] if self._begun else [self._section.header(self.traits), line]
        data = b"".join(each + b"\n" for each in lines)
        for secret in self._secrets():
            if len(secret) >= 4:
                data = data.replace(secret.encode(), REMOVED.encode())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                self._path.touch(mode=0o600)
            with self._path.open("ab") as file:
                file.write(data)
        except OSError as error:
            raise UsageError(
                f"The transcript {str(self._path)!r} cannot be written ({error.strerror}): change `record`."
            ) from error
        self._begun = True
