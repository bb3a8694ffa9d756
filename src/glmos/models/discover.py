"""Which models a server serves, and which model servers run on this machine.

    GET {base}/models   {"data": [{"id", "owned_by", "max_model_len"?}]}

A server of this machine that is known by its answer is asked for more: see `offers`.
Above: `routes`, `driver`. Below: `http`, `profiles`, `offers`. Anything may listen on a port such as 8000: only an answer
of this form counts, and whoever gives none is asked nothing else.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import anyio

from glmos.models.http import Broken, Deadlines, HttpClient
from glmos.models.offers import QUICK, Offer, offer_of
from glmos.models.profiles import providers
from glmos.models.wire.foreign import NotJson, read_json, whole_number

_PATIENT = Deadlines(connect=5.0, first_byte=20.0, idle=20.0)
_MOST_ASKED = 32
_NOT_CHAT = ("embed", "rerank", "whisper", "tts", "moderation", "bge-")


class Served(NamedTuple):
    """A model a server offers."""

    name: str
    owner: str = ""
    context_tokens: int = 0
    """0: it does not say."""
    offer: Offer = Offer()
    """What else its server told."""


class LocalServer(NamedTuple):
    """A model server found on this machine."""

    provider: str
    base_url: str
    models: tuple[Served, ...]


async def served_models(
    client: HttpClient, address: str, *, headers: Mapping[str, str] | None = None, deadlines: Deadlines = _PATIENT
) -> tuple[Served, ...]:
    """The chat models listed at `address`, in the server's order; none when the answer is no such list.

    Raises:
        Broken: Nobody answers.
    """
    async with client.request("GET", address, headers=headers or {}, body=None, deadlines=deadlines) as response:
        if response.status != 200:
            return ()
        body = await response.body(4 << 20)
    try:
        listing = read_json(body)
    except NotJson:
        return ()
    rows = listing.get("data") if isinstance(listing, dict) else None
    found = [_served(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(s for s in found if s.name and not any(word in s.name.lower() for word in _NOT_CHAT))


def _served(row: Mapping[str, Any]) -> Served:
    name, owner = row.get("id"), row.get("owned_by")
    meta = row.get("meta")
    sizes = [row.get("max_model_len"), row.get("context_length"), meta.get("n_ctx") if isinstance(meta, dict) else None]
    context = next((found for size in sizes if (found := whole_number(size))), 0)
    return Served(name if isinstance(name, str) else "", owner if isinstance(owner, str) else "", context)


async def local_servers(
    client: HttpClient, addresses: Mapping[str, str] | None = None, *, deadlines: Deadlines = QUICK
) -> list[LocalServer]:
    """The model servers that answer on this machine now, in the order of the profile file.

    Args:
        addresses: Provider name to base address; the usual ports of the known local servers by default.
    """
    asked = addresses if addresses is not None else {n: p.base_url for n, p in providers().items() if p.local}
    found: dict[str, LocalServer] = {}

    async def ask(name: str, base_url: str) -> None:
        try:
            models = await served_models(client, f"{base_url}/models", deadlines=deadlines)
        except Broken:
            return
        if not models:
            return
        really = _really(name, models[0].owner)
        told = await _offered(client, really, base_url, models, deadlines)
        if told:
            found[name] = LocalServer(really, base_url, told)

    async with anyio.create_task_group() as group:
        for name, base_url in asked.items():
            group.start_soon(ask, name, base_url)
    return [found[name] for name in asked if name in found]


async def _offered(
    client: HttpClient, server: str, base_url: str, models: tuple[Served, ...], deadlines: Deadlines
) -> tuple[Served, ...]:
    """The models that can be talked to, with what the server tells of each; those known to have no tools come last."""
    told: dict[str, Served] = {}

    async def ask(model: Served) -> None:
        offer = await offer_of(client, server, base_url, model.name, deadlines)
        told[model.name] = model._replace(context_tokens=offer.context_tokens or model.context_tokens, offer=offer)

    async with anyio.create_task_group() as group:
        for model in models[:_MOST_ASKED]:
            group.start_soon(ask, model)
    known = [told.get(model.name, model) for model in models]
    return tuple(sorted((m for m in known if m.offer.chat), key=lambda m: m.offer.tools is False))


def _really(guess: str, owner: str) -> str:
    """The program that answers, by what it writes as its models' owner; by its port when that says nothing."""
    return next((name for name, entry in providers().items() if owner and owner in entry.owned_by), guess)
