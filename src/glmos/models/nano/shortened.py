"""Columns whose names are shortened words: `dep_delay`, `lifeExp`, `dest`, `gdpPercap`.

Below the linker. A part of a name stands for the word it begins, where nothing else in the table could be meant.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from glmos.models.nano.text import Token, stem


class Spanned(Protocol):
    """Anything that covers tokens [begin, end)."""

    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...


def shortened_names(
    found: Sequence[Token], names: Sequence[tuple[str, ...]], taken: Iterable[Spanned]
) -> list[tuple[int, int, int]]:
    """(begin, end, column) of every phrase that a column shortens; `taken` are phrases that name a column in full."""
    said = {i for c in taken for i in range(c.begin, c.end)}
    solid = [i for i, token in enumerate(found) if token.kind == "word"]
    links: list[tuple[int, int, int]] = []
    for place in range(len(solid)):
        hits: list[tuple[int, int]] = []
        for column, name in enumerate(names):
            phrase = solid[place : place + len(name)]
            if not name or len(phrase) < len(name) or phrase[-1] - phrase[0] != len(name) - 1 or said & set(phrase):
                continue
            if all(
                _shortens(part, stem(found[i].text), alone=len(name) == 1) for part, i in zip(name, phrase, strict=True)
            ):
                hits.append((len(name), column))
        hits = hits or _cut_short(found, solid[place : place + 4], names, said)
        best = max((length for length, _ in hits), default=0)
        fitting = [column for length, column in hits if length == best]
        if len(fitting) == 1:
            begin = solid[place]
            said |= set(range(begin, begin + best))
            links.append((begin, begin + best, fitting[0]))
    return links


def _cut_short(
    found: Sequence[Token], phrase: list[int], names: Sequence[tuple[str, ...]], said: set[int]
) -> list[tuple[int, int]]:
    """The columns whose name is a phrase without its end, "GDP per capita" for `gdpPercap`, with its tokens' number."""
    hits: list[tuple[int, int]] = []
    for length in range(2, len(phrase) + 1):
        part = phrase[:length]
        if part[-1] - part[0] != length - 1 or said & set(part):
            break
        whole = "".join(found[i].text for i in part)
        least = len(whole) - len(found[part[-1]].text) + 3
        hits += [
            (length, c)
            for c, name in enumerate(names)
            if least <= len("".join(name)) and whole.startswith("".join(name))
        ]
    return hits


def _shortens(part: str, said: str, *, alone: bool) -> bool:
    """True when a part of a column's name is the word said, or its beginning; `alone`, the word must be much longer."""
    if part == said:
        return not alone
    return 3 <= len(part) <= 5 and said.startswith(part) and len(said) >= len(part) + (4 if alone else 2)
