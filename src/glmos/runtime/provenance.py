"""Whether what is quoted was seen by the doer, or said by it.

`echo 42` makes 42 stand in an output, and `print("the tests pass")` a sentence. Neither was observed: the doer typed it,
perhaps into a file or a variable first. A figure that stood in an output before the doer ever typed it was seen. For the
rest a control run (see `control`) decides: with the doer's number altered, an echo comes out altered; with every given
file empty, a figure that still comes out was not read from them, unless it was worked out from figures that had been seen,
or is a fact of the machine or of what was made. Where nothing was given, only echoes are told.

What no control run can show is a figure worked out by a detour from constants that do occur in the data. The code that
does so stands in the log, and a critic is shown it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from glmos.abi.ids import CallId
from glmos.abi.plans import Claim
from glmos.kernel.citation import Grounds, plain, stands
from glmos.kernel.figures import Known, Number, in_words, numbers, replaced, says
from glmos.kernel.process import Call, Process
from glmos.kernel.wishes import only_asks
from glmos.runtime.control import Control, repeatable, runs_code
from glmos.runtime.evidence import shown_again
from glmos.runtime.typed import Typed, ascii_digits, nearby, other, shifted, strings, words_of

_TRIVIAL = frozenset(map(float, (0, 1, 2, 7, 10, 12, 24, 60, 100, 365, 1000, 3600)))
"""Numbers that working something out from others may always use: shares, and units of time and measure."""
_SMALL = 1_000
"""Below it, a whole number in a goal that has something made may be a count of what was made."""
_TYPED = "it stands in what you typed"
_ALTERED = "with the number you typed altered, it comes out altered"
NOT_TRIED = "its calls take too long, or the limit on tool calls leaves no room"
_EMPTY = "it comes out as well when every given file is empty"
_MACHINE = re.compile(
    r"[A-Za-z_][\w./-]{0,40}(?: (?:--?[A-Za-z][A-Za-z-]{0,20}|\.|\+[%A-Za-z:-]{1,20})){0,4}", re.ASCII
)
"""A program with nothing but options, such as `nproc` and `python --version`: what it says is a fact of the machine."""


class Doubt(NamedTuple):
    """A number, or for `number` None the wording of a whole quote, that may be the doer's own."""

    cited: CallId
    call: CallId
    """Where it comes from: another than `cited` when that showed an earlier output again."""
    quote: str
    number: Number | None


async def with_own_words(control: Control, result: str, claims: Sequence[Claim], grounds: Grounds) -> Grounds:
    """`grounds` with what the doer only says itself marked as its own. Every quote of `claims` stands where it says."""
    return await _Inquiry(control, result, [*claims, *grounds.lent], grounds).settled()


class _Inquiry:
    def __init__(self, control: Control, result: str, claims: Sequence[Claim], grounds: Grounds) -> None:
        self.control = control
        self.parts = control.parts
        self.p: Process = control.log.state
        self.grounds = grounds
        self.asks = only_asks(self.p.goal)
        self.typed = Typed(self.p, grounds.observed)
        given = self.given = Known(("", n) for s in grounds.given for n in (*numbers(plain(s)), *in_words(s)))
        stated = [n for n in numbers(plain(result)) if given.where(n) is None]
        self.doubts = list(self._doubts(claims, stated))

    def _doubts(self, claims: Iterable[Claim], stated: Sequence[Number]) -> Iterable[Doubt]:
        for claim in claims:
            quote = plain(claim.quote)
            for call in self._origins(claim.call, quote):
                found = [n for n in numbers(quote) if any(says(s, n) for s in stated)]
                for n in found:
                    first = self.typed.shown_before(n, self.p.calls[call])
                    yield Doubt(claim.call, first or call, quote, n)
                if not found and self.asks and not any(f.name in quote for f in self.p.files):
                    yield Doubt(claim.call, call, quote, None)

    def _origins(self, call: CallId, quote: str) -> list[CallId]:
        if call not in self.p.calls or call not in self.grounds.observed:
            return []
        shown = shown_again(self.p, call)
        if shown is None:
            return [call]
        live = [c for c in shown if c in self.p.calls and c in self.grounds.observed]
        return [c for c in live if stands(quote, plain(self.grounds.observed[c]))] or live

    async def settled(self) -> Grounds:
        typed = [d for d in self.doubts if self._was_typed(d)]
        read = [d for d in self.doubts if self._should_be_read(d)]
        wordings = [d for d in typed if d.number is None]
        figures = [d for d in typed if d.number is not None]
        altered = [await self._altered(figures, partial(self._other_numbers, instead=other))]
        open_ones = [d for d in figures if self._echoes(d, altered) is None]
        altered.append(await self._altered(open_ones, partial(self._other_numbers, instead=nearby)))
        open_ones = [d for d in open_ones if self._echoes(d, altered) is None]
        emptied = await self._emptied([*read, *wordings, *open_ones])
        reworded = await self._altered([d for d in wordings if d.call not in emptied], self._other_words)
        own: dict[CallId, dict[float, str]] = {c: dict(v) for c, v in self.grounds.own.items()}
        echoes: dict[tuple[CallId, str], str] = {}
        unsure: dict[str, None] = {}
        for doubt in dict.fromkeys([*typed, *read]):
            number = doubt.number
            if number is None:
                why = self._only_wording(doubt, reworded, emptied)
                echoes |= {(doubt.cited, doubt.quote): why} if why else {}
                continue
            why = self._own_number(doubt, number, altered) if doubt in figures else ""
            why = why or (self._unread(doubt, number, emptied) if doubt in read or doubt in open_ones else "")
            tried = [*altered, emptied] if doubt in figures else [emptied]
            if why:
                own.setdefault(doubt.cited, {})[number.value] = why
            elif self._wanting(doubt, tried):
                unsure[f"whether {number.text} was read by {doubt.call} could not be tried out: {NOT_TRIED}"] = None
        return self.grounds._replace(own=own, echoes=echoes, unsure=tuple(unsure))

    def _wanting(self, doubt: Doubt, tried: Sequence[Mapping[CallId, str]]) -> bool:
        """Whether a control run of this call could be made, and was needed, and none was."""
        needed = (self._given and not self.control.nothing_given) or self._was_typed(doubt)
        return needed and not any(doubt.call in x for x in tried) and repeatable(self.parts, self.p.calls[doubt.call])

    # -- suspicion ----------------------------------------------------------------------------------------------------

    def _was_typed(self, doubt: Doubt) -> bool:
        call = self.p.calls[doubt.call]
        if doubt.number is None:
            return self.typed.has_words(doubt.quote, call)
        return self.typed.has(doubt.number, call)

    def _should_be_read(self, doubt: Doubt) -> bool:
        """Whether the number comes out of the doer's own code, in a process that was given something to read."""
        if doubt.number is None or doubt.number.value == 0 or not self._given:
            return False
        count = doubt.number.value == int(doubt.number.value) and abs(doubt.number.value) < _SMALL
        if count and not self.asks:
            return False
        return runs_code(self.parts, self.p.calls[doubt.call])

    # -- control runs -------------------------------------------------------------------------------------------------

    async def _altered(self, doubts: Sequence[Doubt], reword: Callable[[str], str]) -> Mapping[CallId, str]:
        return await self.control.repeat(self._repeatable(doubts), reword=reword)

    def _other_numbers(self, text: str, instead: Callable[[Number], Number]) -> str:
        """`text` with every number in doubt replaced by another."""
        wanted = [d.number for d in self.doubts if d.number is not None]
        text = ascii_digits(text)
        return replaced(text, lambda n: instead(n).text if any(says(w, n) for w in wanted) else None)

    def _other_words(self, text: str) -> str:
        """`text` with every word of a quote in doubt replaced by another."""
        for word in {w for d in self.doubts if d.number is None for w in words_of(d.quote)}:
            text = re.sub(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", shifted(word), text)
        return text

    async def _emptied(self, doubts: Sequence[Doubt]) -> Mapping[CallId, str]:
        return await self.control.repeat(self._repeatable(doubts), emptied=True) if self._given else {}

    @property
    def _given(self) -> bool:
        """Whether the process was given files, or began with a copy of its parent's."""
        return bool(self.p.files) or self.p.parent is not None

    def _repeatable(self, doubts: Sequence[Doubt]) -> list[CallId]:
        return list(dict.fromkeys(d.call for d in doubts if repeatable(self.parts, self.p.calls[d.call])))

    # -- judgement: how it shows that something is the doer's own; empty when it does not -------------------------------

    def _only_wording(self, doubt: Doubt, reworded: Mapping[CallId, str], emptied: Mapping[CallId, str]) -> str:
        """A sentence that a program chose by what it read is an observation; one that it says whatever it reads is none."""
        if doubt.call in emptied:
            return _EMPTY if stands(doubt.quote, plain(emptied[doubt.call])) else ""
        words = words_of(doubt.quote)
        if doubt.call in reworded and words:
            altered = all(shifted(w) in reworded[doubt.call] for w in words)
            return "with your words altered, it comes out altered" if altered else ""
        return _TYPED if self.typed.has_words(doubt.quote, self.p.calls[doubt.call], own_only=True) else ""

    def _own_number(self, doubt: Doubt, number: Number, altered: Sequence[Mapping[CallId, str]]) -> str:
        if not repeatable(self.parts, self.p.calls[doubt.call]):
            return "" if self.typed.beside_arguments(number, self.p.calls[doubt.call]) else _TYPED
        return _ALTERED if self._echoes(doubt, altered) else ""

    def _echoes(self, doubt: Doubt, altered: Sequence[Mapping[CallId, str]]) -> bool | None:
        """Whether the number comes out altered where it stood; None when it neither does nor comes out as it was.

        The other number may have led the program elsewhere, as it does in `head -2 | tail -1`.
        """
        runs = zip(altered, (other, nearby), strict=False)
        found = [self._echo(doubt, run[doubt.call], instead) for run, instead in runs if doubt.call in run]
        return True if True in found else False if False in found else None

    def _echo(self, doubt: Doubt, text: str, instead: Callable[[Number], Number]) -> bool | None:
        number, out = doubt.number, self._said(doubt, text)
        assert number is not None
        forms = [instead(t) for t in self.typed.forms(number, self.p.calls[doubt.call])]
        if any(says(n, o) for n in _in_its_place(number, doubt.quote, out) for o in forms):
            return True
        return False if stands(doubt.quote, plain(out)) else None

    def _said(self, doubt: Doubt, text: str) -> str:
        """What a repeated call printed; what it said when it failed only where that is what was quoted."""
        printed = plain(_without_errors(self.grounds.observed[doubt.call]))
        return _without_errors(text) if stands(doubt.quote, printed) else text

    def _unread(self, doubt: Doubt, number: Number, emptied: Mapping[CallId, str]) -> str:
        if doubt.call not in emptied:
            return ""
        if not self._comes_out(number, doubt.quote, self._said(doubt, emptied[doubt.call])):
            return ""
        return "" if self._known_otherwise(doubt, number, emptied) else _EMPTY

    def _known_otherwise(self, doubt: Doubt, number: Number, emptied: Mapping[CallId, str]) -> bool:
        """Whether a number that was not read from what was given was found out all the same."""
        call = self.p.calls[doubt.call]
        literals = [n for n in numbers(strings(call.arguments)) if n.value not in _TRIVIAL]
        if literals:
            return all(self.given.where(n) is not None or self._read(n, call, emptied) for n in literals)
        if self._is_today(number, doubt.quote) or _MACHINE.fullmatch(strings(call.arguments).strip()):
            return True
        return not self.asks and number.value == int(number.value)  # the measure of something that was made

    def _is_today(self, number: Number, quote: str) -> bool:
        day = datetime.fromtimestamp(self.p.created, UTC)
        found = {n.value for n in numbers(quote)}
        return number.value in (day.year, day.month, day.day) and {float(day.year), float(day.day)} <= found

    def _comes_out(self, number: Number, quote: str, text: str) -> bool:
        """A small number stands somewhere in most outputs, so with it the word before it must stand there too."""
        text = plain(text)
        if not any(n.value == number.value for n in numbers(text)):
            return False
        if abs(number.value) >= 10 or number.value != int(number.value):
            return True
        before = quote[: number.start].split()[-1:]
        return stands(" ".join([*before, number.text]), text)

    def _read(self, number: Number, call: Call, emptied: Mapping[CallId, str]) -> bool:
        first = self.typed.shown_before(number, call)
        if first is None:
            return False
        code = runs_code(self.parts, self.p.calls[first])
        return not code or (first in emptied and all(n.value != number.value for n in numbers(plain(emptied[first]))))


def _without_errors(text: str) -> str:
    """What a program printed, without what it said when it failed: that repeats its code."""
    return text.partition("[stderr]")[0].partition("Traceback (most recent call last)")[0]


_ANY_NUMBER = r"[-+−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?"


def _in_its_place(number: Number, quote: str, text: str) -> list[Number]:
    """The numbers that stand in `text` between the words next to `number` in `quote`, or anywhere if it has no neighbours."""
    ahead, behind = quote[: number.start], quote[number.start + len(number.text) :]
    left = "" if ahead[-1:].strip() else r"\s*"
    right = "" if behind[:1].strip() else r"\s*"
    pattern = f"{_shape(ahead.split()[-1:])}{left}({_ANY_NUMBER}){right}{_shape(behind.split()[:1])}"
    text = plain(text)
    places = [match.span(1) for match in re.finditer(pattern, text)]
    return [n for n in numbers(text) if any(start <= n.start < end for start, end in places)] if places else []


def _shape(words: Sequence[str]) -> str:
    """A pattern for `words` with any number in the place of each of theirs."""
    return "".join(_ANY_NUMBER.join(re.escape(x) for x in re.split(_ANY_NUMBER, w)) for w in words)
