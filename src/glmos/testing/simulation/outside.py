"""The outside world, which counts every start and every happening of an effect.

It believes nobody. Whether an effect may start again is decided by what was really said here: by a probe that answered,
or by a person.
"""

from collections.abc import Callable

from glmos.abi.ids import CallId, Pid
from glmos.abi.tools import EffectClass
from glmos.testing.simulation.dice import Dice
from glmos.testing.simulation.record import Record

Key = tuple[Pid, CallId]


class Effect:
    """One call of a tool, through all its attempts."""

    def __init__(self, key: Key, kind: EffectClass, number: int) -> None:
        self.key = key
        self.kind = kind
        self.number = number
        """Chosen by the model, unique to the call: by it the outside knows what was asked for."""
        self.starts = 0
        self.happened = 0
        self.running = 0
        self.returned: str | None = None
        """How the last attempt came back: `ok`, `failed`, or None when it never did."""
        self.denied = False
        """Since the last start a probe or a person said that it did not happen."""
        self.lied = False
        """A person said what is not so."""
        self.landing = False
        """Cut off, and may still take effect."""
        self.compensated = 0


class Outside:
    """One per world."""

    def __init__(self, record: Record, dice: Dice, land_later: Callable[[float, Callable[[], None]], None]) -> None:
        self._record = record
        self._dice = dice
        self._land_later = land_later
        self.effects: dict[Key, Effect] = {}

    def starts(self, key: Key, kind: EffectClass, number: int) -> Effect:
        """A tool is about to act."""
        effect = self.effects.get(key)
        if effect is None:
            effect = self.effects[key] = Effect(key, kind, number)
        elif kind != "pure" and not effect.denied:
            self._record.problem(
                f"{kind} call {key[1]} of process {key[0]} starts again and nobody said it did not happen"
            )
        if kind != "pure" and effect.running:
            self._record.problem(f"{kind} call {key[1]} of process {key[0]} starts while it is running")
        effect.starts += 1
        effect.running += 1
        effect.returned = None
        effect.denied = False
        return effect

    def inherit(self, source: Key, key: Key, kind: EffectClass, number: int, *, denied: bool) -> None:
        """A fork has the call in its log, begun by the process it was copied from; what that one did later is not its
        own."""
        effect = self.effects[key] = Effect(key, kind, number)
        effect.starts, effect.denied = 1, denied
        before = self.effects.get(source)
        if before is not None and not denied:
            effect.happened, effect.lied = before.happened, before.lied

    def happens(self, effect: Effect) -> None:
        effect.happened += 1
        effect.landing = False
        self._record.say(f"    ({effect.key[0]} {effect.key[1]} happens outside)")
        if effect.kind != "pure" and effect.happened > 1 and not effect.lied:
            self._record.problem(f"{effect.kind} call {effect.key[1]} of process {effect.key[0]} happened twice")

    def cut_off(self, effect: Effect) -> None:
        """A call that leaves the machine was cut off before it took effect: perhaps it arrives all the same."""
        roll = self._dice.roll(30, *effect.key[:1], effect.number, effect.starts)
        if roll < 0.4:
            effect.landing = True
            self._land_later(roll * 20, lambda: self._lands(effect))

    def _lands(self, effect: Effect) -> None:
        if effect.landing:
            self.happens(effect)

    def settled(self, effect: Effect) -> bool:
        """Whether it happened, from now on for good: whoever asks holds the far side still."""
        if effect.landing:
            effect.landing = False
            if self._dice.chance(0.5, 31, effect.number, effect.starts):
                self.happens(effect)
        return effect.happened > 0

    def find(self, pid: Pid, call: CallId, number: int) -> Effect | None:
        """The effect that a call stands for."""
        return self.effects.get((pid, call)) or next((x for x in self.effects.values() if x.number == number), None)
