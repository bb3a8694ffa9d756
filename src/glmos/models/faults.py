"""What a provider's refusal means: from a status and a body to a kind of failure and one sentence for a person.

Bodies come in many shapes: `{"error": {"message", "code", "type", "param"}}`, `{"error": "text"}`, `{"detail": ...}`,
`{"object": "error", "message": ...}`, `{"type": "error", "error": {...}}`, HTML from a proxy, or nothing.
Above: `driver`. Below: `abi.errors`, `redact`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from glmos.abi.errors import ModelError
from glmos.abi.events import ModelFailureKind
from glmos.models.redact import redact
from glmos.models.wire.foreign import NotJson, read_json

_TOO_LONG = re.compile(
    r"context[_ ]length|context[_ ]window|maximum context|context size|exceed_context|prompt is too long"
    r"|input is too long|too many tokens|longer than the model|max_model_len|maximum (?:prompt|input) length"
    r"|range of input length|input length|request_too_large|prompt[^.]{0,40}exceeds|[Pp]rompt ?超长|上下文.{0,8}(?:超|过长)",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model[_ ]not[_ ](?:found|exist)|(?:no such|unknown|invalid) model|not_found_error"
    r"|model.{0,80}?(?:does not exist|not found|not exist|is not (?:available|supported|loaded|served)|no longer)"
    r"|模型不存在",
    re.IGNORECASE | re.DOTALL,
)
_BILLING = re.compile(
    r"insufficient[_ ](?:quota|balance|credit|funds)|credit balance|billing|out of credits|payment|arrear|余额|欠费",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content[_ ](?:filter|policy)|sensitive|data_inspection|safety|敏感", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|capacity|访问量过大|负载", re.IGNORECASE)
_RATE = re.compile(r"rate[_ ]limit|too many requests|频率|并发", re.IGNORECASE)
_SAID = 240


class Refusal(NamedTuple):
    """A provider's error, read."""

    kind: ModelFailureKind
    billing: bool
    """The account has no money or quota left: waiting does not help."""
    said: str
    """The provider's own words, shortened, without secrets."""
    param: str
    """The body field it complains about, when it names one."""

    @property
    def retryable(self) -> bool:
        return self.kind in ("rate_limited", "overloaded", "interrupted", "unreachable") and not self.billing


def read_refusal(status: int, body: str, *, codes: Mapping[str, str], secrets: Sequence[str] = ()) -> Refusal:
    """Understand an error answer. `status` 0 for an error inside a stream that carries no status."""
    error = _error_object(body)
    words = _words(error, body)
    labels = [str(error[k]) for k in ("code", "type", "status") if error.get(k) not in (None, "")]
    status = status or next((int(x) for x in labels if x.isdecimal() and len(x) == 3), 0)
    said = redact(" ".join(words.split()), secrets)
    said = said if len(said) <= _SAID else said[: _SAID - 1] + "…"
    param = error.get("param")
    kind, billing = _kind(status, [*labels, words], codes)
    return Refusal(kind, billing, said, param if isinstance(param, str) else "")


def _error_object(body: str) -> dict[str, Any]:
    try:
        value = read_json(body)
    except NotJson:
        return {}
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    inner = value.get("error")
    if isinstance(inner, dict):
        return inner
    return {**value, "message": inner} if isinstance(inner, str) else value


def _words(error: Mapping[str, Any], body: str) -> str:
    for key in ("message", "msg", "detail", "error_msg"):
        value = error.get(key)
        if value:
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if re.match(r"\s*<", body):
        title = re.search(r"<title[^>]*>(.*?)</title>", body, re.IGNORECASE | re.DOTALL)
        return f"an HTML page{f' titled {title[1].strip()!r}' if title else ''}"
    return body if not error else json.dumps(dict(error), ensure_ascii=False)


def _kind(status: int, texts: Sequence[str], codes: Mapping[str, str]) -> tuple[ModelFailureKind, bool]:
    for label in texts[:-1]:
        known = codes.get(label)
        if known == "billing":
            return "denied", True
        if known:
            return known, False  # pyright: ignore[reportReturnType] - checked by a test over profiles.toml
    text = " ".join(texts)
    if status == 402 or (status in (0, 400, 403, 429) and _BILLING.search(text)):
        return "denied", True
    if status in (400, 404, 413, 422, 500, 0) and _TOO_LONG.search(text):
        return "too_long", False
    if status == 413:
        return "too_long", False
    if status in (400, 403, 404, 422, 0) and _NO_MODEL.search(text):
        return "unknown_model", False
    if status in (401, 403):
        return ("filtered" if status == 403 and _FILTERED.search(text) else "denied"), False
    if status in (400, 422, 451, 0) and _FILTERED.search(text):
        return "filtered", False
    if status == 429 or (status == 0 and _RATE.search(text)):
        return "rate_limited", False
    if status in (408, 409, 425) or status >= 500 or (status == 0 and _OVERLOADED.search(text)):
        return "overloaded", False
    if status == 0:
        return "interrupted", False
    if 300 <= status < 400 or status in (404, 405):
        return "protocol", False
    return "bad_request", False


class Place(NamedTuple):
    """Which model where, as a sentence about a failure names it."""

    provider: str
    model: str
    address: str
    """Without credentials."""
    key_name: str
    """The environment variable that holds the key; empty when none is needed."""
    had_key: bool


def refused(refusal: Refusal, status: int, place: Place, *, tries: int = 1, wait: float | None = None) -> ModelError:
    """The error for a person: what failed, where, in the provider's words, and the way out."""
    tail = f" It said: {refusal.said}" if refusal.said else ""
    sentence = _sentence(refusal, status, place, tries, wait)
    return ModelError(sentence + tail, kind=refusal.kind, retryable=refusal.retryable, retry_after=wait)


def _sentence(refusal: Refusal, status: int, place: Place, tries: int, wait: float | None) -> str:
    code = f" ({status})" if status else ""
    where = f"{place.provider!r}"
    again = f" after {tries} tries" if tries > 1 else ""
    way = f"set {place.key_name} or run `glmos config`" if place.key_name else "run `glmos config`"
    match refusal.kind:
        case "denied" if refusal.billing:
            return (
                f"The account at {where} has no credit or quota left{code}: top it up, or choose another model with -m."
            )
        case "denied" if not place.had_key:
            return f"{where} wants a key and none was given{code}: {way}."
        case "denied":
            return f"The key for {where} was refused{code}: {way}."
        case "unknown_model":
            return f"{where} has no model {place.model!r}{code}: `glmos models` lists what there is; name one with -m."
        case "rate_limited":
            later = f"in {wait:.0f} s" if wait else "later"
            return (
                f"{where} takes no more requests for {place.model!r} now{code}{again}: try again {later}, set "
                f"`limits` for it in `glmos config`, or choose another model with -m."
            )
        case "overloaded":
            return (
                f"{where} cannot answer for {place.model!r} now{code}{again}: try again later or choose another "
                f"model with -m."
            )
        case "too_long":
            return (
                f"The prompt is longer than {place.model!r} at {where} takes{code}: set `context_tokens` for it in "
                f"`glmos config`, or choose a model with a larger window with -m."
            )
        case "filtered":
            return f"{where} refused the content of the request{code}: word it differently or choose another model with -m."
        case "interrupted":
            return f"{where} broke off while answering for {place.model!r}{again}: try again or choose another model with -m."
        case "protocol":
            return (
                f"There is no chat completions endpoint at {place.address}{code}: check its address in "
                "`glmos config` (it usually ends with /v1)."
            )
        case _:
            return (
                f"{where} refused the request for {place.model!r} as malformed{code}: check its `profile` in "
                "`glmos config`."
            )
