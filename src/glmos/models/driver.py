"""One model behind one HTTP endpoint: requests out, streams in, failures understood.

    complete:  limits -> POST -> read the stream -> reply with usage and price
               failed and worth it: pause, again;  cut in the middle: once more, then the reply as far as it went
               refused for a parameter: without that parameter, again
               before each request but the first the caller is asked, who reserves its worst case

A request that was answered with an error cost a call and no tokens. One that was cut, or that nobody answered after it was
sent, has no bill: its worst case counts.

Implements `ports.RetryingDriver`. Above: `routes`, `fallback`, `recording`. Below: `http`, `wire`, `faults`, `retry`,
`limits`, `metering`, `profiles`, `prices`.
"""

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import anyio
import msgspec
from msgspec import Struct, field

from glmos.abi.budgets import NOTHING, Usage
from glmos.abi.errors import ModelError
from glmos.abi.messages import Delta, ModelReply, ModelRequest, ModelTraits
from glmos.models import tokens
from glmos.models.adapt import Adaptation
from glmos.models.discover import served_models
from glmos.models.faults import Place, read_refusal, refused
from glmos.models.http import Broken, Deadlines, HttpClient, Response, is_loopback
from glmos.models.keys import Key
from glmos.models.limits import Limiter, RateLimits, Slot
from glmos.models.metering import unlimited, worst_case
from glmos.models.prices import Price
from glmos.models.profiles import Profile
from glmos.models.redact import redact
from glmos.models.retry import RetryPolicy, retry_after
from glmos.models.wire.anthropic import AnthropicWire
from glmos.models.wire.draft import NOTES
from glmos.models.wire.foreign import NotJson, read_json
from glmos.models.wire.openai import OpenAIWire
from glmos.models.wire.protocol import ORIGIN, StreamFault, StreamParser, Wire
from glmos.models.wire.sse import EventParser, EventTooLong
from glmos.ports import Again

WIRES: Mapping[str, Wire] = {"openai": OpenAIWire(), "anthropic": AnthropicWire()}

_MOST_MARGIN = 500.0
"""Short prompts may really be that far off, by what a server adds to them. Beyond, its counting is wrong, and must not
make every later call unaffordable."""

_LARGEST = 1 << 20
_BYTES_PER_TOKEN = 1_000
"""Of a stream, with all that servers write around a token. What is longer has lost its way."""

OnDelta = Callable[[Delta], None]


class Endpoint(Struct, frozen=True):
    """Everything a driver must know about where its model is."""

    name: str
    """As a person calls it."""
    provider: str
    base_url: str
    model: str
    """Empty: ask the server what it serves, at the first call."""
    profile: Profile
    wire: str = "openai"
    key: Key = field(default_factory=Key)
    key_header: str = "bearer"
    headers: Mapping[str, str] = {}
    codes: Mapping[str, str] = {}
    price: Price | None = None
    deadlines: Deadlines | None = None
    """None: the HTTP client's."""


class Sent(NamedTuple):
    """What really went out, for tests and recordings. Without the key."""

    url: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class HttpDriver:
    """Implements `ports.RetryingDriver`."""

    def __init__(
        self,
        endpoint: Endpoint,
        client: HttpClient,
        *,
        limiter: Limiter | None = None,
        retry: RetryPolicy | None = None,
        on_request: Callable[[Sent], None] | None = None,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint = endpoint
        self.limiter = limiter or Limiter(RateLimits())
        self._client = client
        self._retry = retry or RetryPolicy()
        self._on_request = on_request
        self._pause = pause
        self._chance = chance
        self._wire = WIRES[endpoint.wire]
        self._model = endpoint.model
        self._profile = endpoint.profile
        self._traits = self._traits_now()
        self._adaptation = Adaptation()
        self._margin = 1.0
        """Raised when a provider counted more tokens than we estimated."""

    @property
    def traits(self) -> ModelTraits:
        return self._traits

    def _traits_now(self) -> ModelTraits:
        profile = self._profile
        return ModelTraits(
            name=self.endpoint.name,
            provider=self.endpoint.provider,
            context_tokens=profile.context_tokens,
            max_output_tokens=max(1, min(profile.max_output_tokens, profile.context_tokens // 2)),
            priced=self.endpoint.price is not None,
        )

    def estimate(self, request: ModelRequest) -> int:
        return int(tokens.request_tokens(request, self._profile.cjk_tokens) * self._margin) + 1

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        known = self.endpoint.price
        return known.worst(prompt_tokens, cached_tokens, completion_tokens) if known else 0.0

    async def aclose(self) -> None:
        """Nothing is held: the HTTP client belongs to the routes."""

    async def complete(self, request: ModelRequest, on_delta: OnDelta | None = None) -> ModelReply:
        """See `ports.ModelDriver`. A reply that was cut twice comes back as far as it went, with `finish` `cut`."""
        return await self.complete_within(request, on_delta, unlimited)

    async def complete_within(self, request: ModelRequest, on_delta: OnDelta | None, again: Again) -> ModelReply:
        """See `ports.RetryingDriver`."""
        self._require(request)
        tries, cuts, spent = 0, 0, Usage()
        estimate = self.estimate(request)
        partial: ModelReply | None = None
        while True:
            tries += 1
            try:
                reply = await self._attempt(request, estimate, on_delta, tries)
            except ModelError as error:
                spent += worst_case(self, request) if error.usage is None else error.usage
                adapted = self._adaptation.learn(error)
                tries -= adapted
                wait = 0.0 if adapted else self._wait(error, tries)
                if wait is None or not await again(spent):
                    if partial is not None:
                        return _with_usage(partial, spent)
                    error.usage = spent
                    raise
                if not adapted:
                    await self._pause(wait)
                continue
            spent += reply.usage
            cuts += reply.finish == "cut"
            if reply.finish == "cut" and cuts < self._retry.cut_tries and tries < self._retry.tries:
                partial = reply
                if await again(spent):
                    await self._pause(self._retry.pause(tries, self._chance, None) or 0.0)
                    continue
            return _with_usage(reply, spent)

    def _require(self, request: ModelRequest) -> None:
        """Raises: ModelError for what `traits` does not promise."""
        images = any(message.images for message in request.messages)
        if images or request.grammar or request.schema:
            what = "Images cannot be sent to" if images else "A grammar cannot be set for"
            raise ModelError(
                f"{what} {self.endpoint.provider!r} yet: use weights on this machine that can (-m PATH).",
                kind="bad_request", usage=Usage(),
            )  # fmt: skip

    def _wait(self, error: ModelError, tries: int) -> float | None:
        """Seconds until the next try; None when there is none."""
        if not error.retryable or tries >= self._retry.tries:
            return None
        return self._retry.pause(tries, self._chance, error.retry_after)

    # -- one attempt --------------------------------------------------------------------------------------------------

    async def _attempt(
        self, request: ModelRequest, estimate: int, on_delta: OnDelta | None, tries: int
    ) -> ModelReply:  # fmt: skip
        """Raises: ModelError when nothing usable came."""
        key = await self.endpoint.key.read()
        async with self.limiter.slot(estimate + request.max_tokens) as slot:
            if not self._model:
                await self._choose_model(key)
            url = self._wire.address(self.endpoint.base_url)
            sent = self._adaptation.apply(self._wire.build(request, self._model, self._profile, self._origin))
            if self._on_request is not None:
                self._on_request(Sent(url, dict(self.endpoint.headers), sent))
            fields, body = tuple(sent), [msgspec.json.encode(sent)]
            del sent  # this may take an hour, and there may be a thousand of them
            parser = self._wire.parser(self._profile)
            fault: ModelError | None = None
            try:
                async with self._client.request(
                    "POST",
                    url,
                    headers=self._headers(key),
                    body=body.pop(),
                    deadlines=self.endpoint.deadlines,
                ) as response:
                    await self._check(response, key, fields, tries)
                    await self._read(response, parser, on_delta or _ignore, key, tries, most=request.max_tokens)
            except Broken as broken:
                if not parser.draft.begun:
                    raise self._broken(broken, tries) from broken
            except ModelError as error:
                fault = error
            return self._finish(request, estimate, parser, slot, fault)

    def _finish(
        self, request: ModelRequest, estimate: int, parser: StreamParser, slot: Slot, fault: ModelError | None
    ) -> ModelReply:
        """The reply of an attempt: cut when it broke after it had begun; the fault itself when nothing had come."""
        draft = parser.draft
        if fault is not None:
            if not draft.begun or not fault.retryable:
                raise fault
            draft.finish = "cut"
        if not draft.begun and draft.finish in (None, "cut"):
            raise ModelError(
                f"{self.endpoint.provider!r} ended its answer for {self._model!r} before it had begun: try again or "
                "choose another model with -m.",
                kind="interrupted",
                retryable=True,
            )
        reply = draft.reply(taken={call.id for message in request.messages for call in message.calls})
        reply = self._settled(request, estimate, reply, parser)
        slot.settle(reply.usage.tokens)
        return reply

    async def _read(
        self, response: Response, parser: StreamParser, on_delta: OnDelta, key: str, tries: int, *, most: int
    ) -> None:  # fmt: skip
        """Read the answer to its end, or far beyond the `most` tokens it may have. Raises: Broken, ModelError."""
        try:
            if response.content_type == "application/json":
                for delta in parser.whole(_object(await response.body())):
                    on_delta(delta)
                return
            events = EventParser()
            head, heard, at = b"", 0, time.monotonic()
            while not parser.finished and (piece := await response.piece()):
                head = head or piece.lstrip()[:1]
                if head in (b"{", b"<"):
                    await self._not_a_stream(response, piece, parser, on_delta)
                    return
                for event in events.feed(piece):
                    at, heard = time.monotonic(), heard + len(event.data)
                    for delta in parser.feed(event):
                        on_delta(delta)
                if heard > _LARGEST + _BYTES_PER_TOKEN * most:
                    parser.draft.stop_at(most)
                    return
                if time.monotonic() - at > response.patience:
                    raise Broken("read", f"nothing but signs of life came for {response.patience:g} s")
            if parser.finished:
                await response.drain()
                return
            for event in events.close():
                for delta in parser.feed(event):
                    on_delta(delta)
        except EventTooLong as error:
            raise self._nonsense(str(error)) from error
        except StreamFault as error:
            if error.body:
                refusal = read_refusal(0, error.body, codes=self.endpoint.codes, secrets=[key])
                raise _refused(refused(refusal, 0, self._place(key), tries=tries)) from error
            raise self._nonsense(redact(str(error), [key])) from error

    async def _not_a_stream(
        self, response: Response, piece: bytes, parser: StreamParser, on_delta: OnDelta
    ) -> None:  # fmt: skip
        """Some servers send one JSON object whatever they call it; proxies send pages."""
        body = piece + await response.body()
        if body.lstrip()[:1] == b"<":
            raise StreamFault("an HTML page instead of a stream")
        for delta in parser.whole(_object(body)):
            on_delta(delta)

    async def _check(self, response: Response, key: str, fields: Sequence[str], tries: int) -> None:
        """Raises: ModelError for any status but success."""
        if response.status == 200:
            return
        try:
            text = (await response.body(1 << 20)).decode("utf-8", "replace")
        except Broken:
            text = ""
        refusal = read_refusal(response.status, text, codes=self.endpoint.codes, secrets=[key])
        wait = retry_after(response.headers)
        error = _refused(refused(refusal, response.status, self._place(key), tries=tries, wait=wait))
        self._adaptation.note(error, refusal.param, text, fields)
        raise error

    # -- what an attempt needs ----------------------------------------------------------------------------------------

    @property
    def _origin(self) -> str:
        return f"{self.endpoint.wire}/{self.endpoint.provider}"

    def _headers(self, key: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream", **self.endpoint.headers}
        if key and self.endpoint.key_header == "bearer":
            headers["Authorization"] = f"Bearer {key}"
        elif key and self.endpoint.key_header == "x-api-key":
            headers["x-api-key"] = key
        return headers

    async def _choose_model(self, key: str) -> None:
        """Ask the server what it serves and take the first. Raises: ModelError."""
        try:
            served = await served_models(
                self._client, self._wire.models_address(self.endpoint.base_url), headers=self._headers(key)
            )
        except Broken as broken:
            error = self._broken(broken, 1)
            error.usage = Usage()
            raise error from broken
        if not served:
            raise ModelError(
                f"The server at {self._address} does not say which models it serves: name one, as in "
                f"`-m {self._address}#MODEL`.",
                kind="unknown_model",
                usage=Usage(),
            )
        self._model = served[0].name
        if served[0].context_tokens:
            self._profile = msgspec.structs.replace(self._profile, context_tokens=served[0].context_tokens)
            self._traits = self._traits_now()

    def _settled(self, request: ModelRequest, estimate: int, reply: ModelReply, parser: StreamParser) -> ModelReply:
        """With usage (estimated where the server gave none, the worst case where it broke off), price and origin."""
        draft = parser.draft
        notes: dict[str, Any] = dict(reply.extra.get(NOTES, {}))
        if reply.reasoning or reply.extra:
            notes[ORIGIN] = self._origin  # what is returned to a provider must be its own
        usage = draft.usage or Usage()
        if not usage.prompt_tokens:
            notes["usage_estimated"] = True
            usage = msgspec.structs.replace(usage, prompt_tokens=estimate)
        elif usage.prompt_tokens > estimate:
            self._margin = min(self._margin * usage.prompt_tokens / estimate * 1.05, _MOST_MARGIN)
        written = tokens.reply_tokens(
            reply.content, reply.reasoning, tuple(c.arguments for c in reply.calls), self._profile.cjk_tokens
        )
        if not draft.usage or not usage.completion_tokens or (reply.finish == "cut" and draft.begun):
            notes["usage_estimated"] = True
            # How much the provider wrote on after the stream broke is not known.
            least = written if parser.finished or reply.finish != "cut" else max(written, request.max_tokens)
            usage = msgspec.structs.replace(usage, completion_tokens=max(usage.completion_tokens, least))
        price = self.endpoint.price
        usd = (
            price.of(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens, draft.cache_writes)
            if price
            else NOTHING
        )
        usage = msgspec.structs.replace(usage, usd=usd, model_calls=1)
        extra = {**reply.extra, NOTES: notes} if notes else reply.extra
        other = "" if reply.model == self._model else reply.model
        return msgspec.structs.replace(reply, usage=usage, model=other, extra=extra)

    # -- failures -----------------------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        return redact(self.endpoint.base_url)

    def _place(self, key: str) -> Place:
        return Place(self.endpoint.provider, self._model, self._address, self.endpoint.key.name, bool(key))

    def _broken(self, broken: Broken, tries: int) -> ModelError:
        again = f" after {tries} tries" if tries > 1 else ""
        if broken.stage == "connect":
            first = "start it" if is_loopback(self.endpoint.base_url) else "check the network"
            text = (
                f"No model server answers at {self._address} ({broken}){again}: {first}, check its address in "
                "`glmos config`, or choose another model with -m."
            )
            return ModelError(text, kind="unreachable", retryable=True, usage=Usage())
        text = (
            f"The model server at {self._address} broke off before it answered for {self._model!r} ({broken}){again}: "
            "try again or choose another model with -m."
        )
        return ModelError(text, kind="interrupted", retryable=True)

    def _nonsense(self, what: str) -> ModelError:
        return ModelError(
            f"The server at {self._address} answered for {self._model!r} with {what}: check that it is an address of a "
            f"model server in `glmos config` (it usually ends with /v1), or choose another model with -m.",
            kind="protocol",
            retryable=True,
        )


def _ignore(delta: Delta) -> None:
    """Nobody watches."""


def _refused(error: ModelError) -> ModelError:
    """The provider itself said that it gave no answer: that was a request, and no tokens."""
    error.usage = Usage(model_calls=1)
    return error


def _with_usage(reply: ModelReply, spent: Usage) -> ModelReply:
    return msgspec.structs.replace(reply, usage=spent)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body)
    except NotJson as error:
        raise StreamFault(f"an answer that is not JSON: {body[:80]!r}") from error
    if not isinstance(value, dict):
        raise StreamFault("an answer that is no object")
    return value
