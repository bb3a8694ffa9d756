"""Where data came from and who may read it. Labels travel in events and join when data is combined."""

from typing import Literal

from msgspec import Struct


class Label(Struct, frozen=True, gc=False, omit_defaults=True):
    """The origin of a piece of data."""

    integrity: Literal["trusted", "untrusted"] = "trusted"
    """`trusted`: written by the person or computed from what they wrote. `untrusted`: somebody else
    may have chosen the words (a file's content, a web page, a tool's output about the world)."""
    sources: tuple[str, ...] = ()
    """What it came from, most specific first: `file:sales.csv`, `call:c3`, `person`."""
    readers: Literal["public", "private"] = "private"
    """`private`: must not leave the machine without a grant. `public`: anyone may read it."""


def join(*labels: Label) -> Label:
    """The label of data made from all of `labels`: as untrusted and as private as the worst of them."""
    sources: dict[str, None] = {}
    for label in labels:
        sources.update(dict.fromkeys(label.sources))
    return Label(
        integrity="untrusted" if any(x.integrity == "untrusted" for x in labels) else "trusted",
        sources=tuple(sources),
        readers="private" if any(x.readers == "private" for x in labels) or not labels else "public",
    )
