"""Chance as a function of a seed and a place, so that leaving out one thing does not change the dice of the others.

That is what makes shrinking work: a scenario without its second goal throws the same dice for the first.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


def mix(*keys: int) -> int:
    """64 bits that depend on every key and on their order (two rounds of splitmix64 for each)."""
    h = 0x9E3779B97F4A7C15
    for key in keys:
        h = ((h ^ (key & _MASK)) * 0xBF58476D1CE4E5B9) & _MASK
        h = ((h ^ (h >> 31)) * 0x94D049BB133111EB) & _MASK
        h ^= h >> 29
    return h


class Dice:
    """The dice of one seed. Every throw names its place by numbers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def roll(self, *place: int) -> float:
        """From 0 up to but not including 1."""
        return (mix(self._seed, *place) >> 11) * (1.0 / (1 << 53))

    def chance(self, probability: float, *place: int) -> bool:
        return self.roll(*place) < probability

    def pick(self, options: Sequence[T], *place: int) -> T:
        return options[int(self.roll(*place) * len(options))]

    def between(self, low: float, high: float, *place: int) -> float:
        return low + (high - low) * self.roll(*place)
