"""Words to numbers and back: greedy longest match over a fixed list of pieces.

A word is encoded alone, its first piece marked with "▁", so "▁sales" and "sales" differ. The list of pieces is
learned by BPE in training; matching needs only the list, so nothing has to be installed to use it.
Characters outside the list become `<unk>`.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from glmos.models.nano.pointer import SPECIAL


class Tokenizer:
    """Pieces by number; the first `len(SPECIAL)` are the pointers and marks of the format."""

    def __init__(self, pieces: Sequence[str]) -> None:
        """`pieces` without the special ones; their order is their number."""
        self.pieces = [*SPECIAL, *pieces]
        self.number = {piece: i for i, piece in enumerate(self.pieces)}
        self._longest = max(map(len, self.pieces))
        self._words: dict[str, tuple[int, ...]] = {piece: (i,) for i, piece in enumerate(SPECIAL)}

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read the list that `save` wrote."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Write the learned pieces as a JSON list."""
        path.write_text(json.dumps(self.pieces[len(SPECIAL) :], ensure_ascii=False), encoding="utf-8")

    def encode(self, pieces: Iterable[str]) -> list[int]:
        """The numbers of pointers, marks and words."""
        numbers: list[int] = []
        for piece in pieces:
            known = self._words.get(piece)
            if known is None:
                known = tuple(self._split("▁" + piece))
                if len(self._words) < 100_000:
                    self._words[piece] = known
            numbers += known
        return numbers

    def _split(self, word: str) -> Iterable[int]:
        place = 0
        while place < len(word):
            for end in range(min(len(word), place + self._longest), place, -1):
                found = self.number.get(word[place:end])
                if found is not None:
                    yield found
                    place = end
                    break
            else:
                yield self.number["<unk>"]
                place += 1
