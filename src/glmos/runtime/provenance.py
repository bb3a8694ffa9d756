"""Whether what is quoted was seen by the doer, or said by it.

`echo 42` makes 42 stand in an output, and `print("the tests pass")` a sentence. Neither was observed: the doer typed it,
perhaps into a file or a variable first. A figure that stood in an output before the doer ever typed it was seen. For the
rest a control run (see `control`) decides: with the doer's number altered, an echo comes out altered; with every given
file empty, a figure that still comes out was not read from them, unless it was worked out from figures that had been seen.

What no control run can show is a figure worked out by a detour from constants that do occur in the data. The code that
does so stands in the log, and a critic is shown it.
"""

import builtins
import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from glmos.abi.ids import CallId, Seq
from glmos.abi.plans import Claim
from glmos.kernel.citation import Grounds, plain, stands
from glmos.kernel.figures import Known, Number, in_words, numbers, replaced, says
from glmos.kernel.process import Call, Process
from glmos.kernel.wishes import only_asks
from glmos.runtime.control import Control, repeatable, runs_code
from glmos.runtime.evidence import shown_again

_TRIVIAL = frozenset({0.0, 1.0, 2.0, 100.0})
"""Numbers that working something out may always use."""
_SMALL = 1_000
"""Below it, a whole number in a goal that has something made may be a count of what was made."""
_TYPED = "it stands in what you typed"
_ALTERED = "with the number you typed altered, it comes out altered"
NOT_TRIED = "its calls take too long, or the limit on tool calls leaves no room"
_EMPTY = "it comes out as well when every given file is empty"


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
        self.typed = _Typed(self.p, grounds.observed)
        given = Known(("", n) for s in grounds.given for n in (*numbers(plain(s)), *in_words(s)))
        self.given = given
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
        altered = await self._altered([d for d in typed if d.number is not None], self._other_numbers)
        emptied = await self._emptied([*read, *wordings])
        reworded = await self._altered([d for d in wordings if d.call not in emptied], self._other_words)
        own: dict[CallId, dict[float, str]] = {c: dict(v) for c, v in self.grounds.own.items()}
        echoes: dict[tuple[CallId, str], str] = {}
        unsure: dict[str, None] = {}
        for doubt in dict.fromkeys([*typed, *read]):
            if doubt.number is None:
                why = self._only_wording(doubt, reworded, emptied)
                echoes |= {(doubt.cited, doubt.quote): why} if why else {}
                continue
            number = doubt.number
            why = self._own_number(doubt, number, altered) if doubt in typed else ""
            why = why or (self._unread(doubt, number, emptied) if doubt in read else "")
            if why:
                own.setdefault(doubt.cited, {})[number.value] = why
            elif (doubt in typed and self._wanting(doubt, altered)) or (
                doubt in read and self._wanting(doubt, emptied)
            ):
                unsure[f"whether {number.text} was read by {doubt.call} could not be tried out: {NOT_TRIED}"] = None
        return self.grounds._replace(own=own, echoes=echoes, unsure=tuple(unsure))

    def _wanting(self, doubt: Doubt, run: Mapping[CallId, str]) -> bool:
        """Whether a control run that could be made of this call was not."""
        return doubt.call not in run and repeatable(self.parts, self.p.calls[doubt.call])

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

    def _other_numbers(self, text: str) -> str:
        """`text` with every number in doubt replaced by another."""
        wanted = [d.number for d in self.doubts if d.number is not None]
        return replaced(text, lambda n: _other(n) if any(says(w, n) for w in wanted) else None)

    def _other_words(self, text: str) -> str:
        """`text` with every word of a quote in doubt replaced by another."""
        for word in {w for d in self.doubts if d.number is None for w in _words(d.quote)}:
            text = re.sub(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", _shifted(word), text)
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
        words = _words(doubt.quote)
        if doubt.call in reworded and words:
            altered = all(_shifted(w) in reworded[doubt.call] for w in words)
            return "with your words altered, it comes out altered" if altered else ""
        return _TYPED if self.typed.has_words(doubt.quote, self.p.calls[doubt.call], own_only=True) else ""

    def _own_number(self, doubt: Doubt, number: Number, altered: Mapping[CallId, str]) -> str:
        call = self.p.calls[doubt.call]
        if doubt.call in altered:
            out, others = plain(altered[doubt.call]), self._others(number, call)
            instead = [
                f"{doubt.quote[: number.start]}{o.text}{doubt.quote[number.start + len(number.text) :]}" for o in others
            ]
            printed = numbers(plain(_without_errors(altered[doubt.call])))
            if any(stands(q, out) for q in instead) or any(says(n, o) for n in printed for o in others):
                return _ALTERED
            if stands(doubt.quote, out):
                return ""
        elif not repeatable(self.parts, call):
            return "" if self.typed.beside_arguments(number, call) else _TYPED
        return _TYPED if self.typed.has(number, call, own_only=True) else ""

    def _unread(self, doubt: Doubt, number: Number, emptied: Mapping[CallId, str]) -> str:
        if doubt.call not in emptied or not self._comes_out(number, doubt.quote, emptied[doubt.call]):
            return ""
        return "" if self._worked_out(self.p.calls[doubt.call], emptied) else _EMPTY

    def _others(self, number: Number, call: Call) -> list[Number]:
        """What the typed forms of `number` are in the altered run."""
        return [n for t in self.typed.forms(number, call) for n in numbers(_other(t))]

    def _comes_out(self, number: Number, quote: str, text: str) -> bool:
        """A small number stands somewhere in most outputs, so with it the word before it must stand there too."""
        text = plain(text)
        if not any(n.value == number.value for n in numbers(text)):
            return False
        if abs(number.value) >= 10 or number.value != int(number.value):
            return True
        before = quote[: number.start].split()[-1:]
        return stands(" ".join([*before, number.text]), text)

    def _worked_out(self, call: Call, emptied: Mapping[CallId, str]) -> bool:
        """Whether every number in the code of a call was given or had been read: then so was what it works out."""
        literals = [n for n in numbers(_strings(call.arguments)) if n.value not in _TRIVIAL]
        return bool(literals) and all(self.given.where(n) is not None or self._read(n, call, emptied) for n in literals)

    def _read(self, number: Number, call: Call, emptied: Mapping[CallId, str]) -> bool:
        first = self.typed.shown_before(number, call)
        if first is None:
            return False
        code = runs_code(self.parts, self.p.calls[first])
        return not code or (first in emptied and all(n.value != number.value for n in numbers(plain(emptied[first]))))


def _without_errors(text: str) -> str:
    """What a program printed, without what it said when it failed: that repeats its code."""
    return text.partition("[stderr]")[0].partition("Traceback (most recent call last)")[0]


# -- what was typed, and when -----------------------------------------------------------------------------------------


class _Typed:
    """What the doer typed into calls, and what stood in outputs, in the order in which it happened."""

    def __init__(self, p: Process, observed: Mapping[CallId, str]) -> None:
        self.calls = sorted((c for c in p.calls.values() if not c.undone), key=lambda c: c.intended_at)
        self._texts = {c.call: _typed_text(c) for c in self.calls}
        self._typed = {c: numbers(plain(t)) for c, t in self._texts.items()}
        self._observed = observed
        self._seen: dict[CallId, Known] = {}

    def _before(self, call: Call, *, own_only: bool) -> list[Call]:
        """The calls whose text may have reached the output of `call`: itself, and all before it that could leave a trace."""
        if own_only:
            return [call]
        return [c for c in self.calls if c is call or (c.intended_at < call.intended_at and c.effect != "pure")]

    def forms(self, number: Number, call: Call, *, own_only: bool = False) -> list[Number]:
        """How `number` was typed."""
        return [t for c in self._before(call, own_only=own_only) for t in self._typed[c.call] if says(number, t)]

    def has(self, number: Number, call: Call, *, own_only: bool = False) -> bool:
        return bool(self.forms(number, call, own_only=own_only))

    def has_words(self, quote: str, call: Call, *, own_only: bool = False) -> bool:
        """Whether every word of the quote was typed."""
        typed = " ".join(self._texts[c.call] for c in self._before(call, own_only=own_only))
        return all(w in typed for w in re.findall(r"[^\W_]+", quote))

    def beside_arguments(self, number: Number, call: Call) -> bool:
        """Whether an output has `number` elsewhere than where it repeats what it was asked."""
        text = plain(self._observed.get(call.call, ""))
        for argument in self._texts[call.call].splitlines():
            text = text.replace(plain(argument), " ") if argument.strip() else text
        return Known(("", n) for n in numbers(text)).where(number) is not None

    def shown_before(self, number: Number, call: Call) -> CallId | None:
        """The call whose output had `number` first, if it did before anything that was typed had it."""
        typed_at = [c.intended_at for c in self.calls if any(says(number, t) for t in self._typed[c.call])]
        first: Seq = min([*typed_at, call.intended_at])
        earlier = (c for c in self.calls if c.finished_at and c.finished_at < first and self._shows(number, c))
        return next((c.call for c in earlier), None)

    def _shows(self, number: Number, call: Call) -> bool:
        if call.call not in self._observed:
            return False
        if call.call not in self._seen:
            self._seen[call.call] = Known(("", n) for n in numbers(plain(self._observed[call.call])))
        return self._seen[call.call].where(number) is not None


def _typed_text(call: Call) -> str:
    """Of a query only what it selects: what it compares with does not come out of it."""
    if call.tool == "tables" and call.action == "query":
        return _selected(str(call.arguments.get("sql", "")))
    return _strings(call.arguments)


def _selected(sql: str) -> str:
    """The literals in what a statement selects or makes up, outside of functions over columns."""
    import sqlglot
    from sqlglot import errors, exp

    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except (errors.SqlglotError, RecursionError):
        return sql
    made = [x for select in tree.find_all(exp.Select) for x in select.expressions if x.find(exp.Column) is None]
    made += list(tree.find_all(exp.Values))
    return " ".join(y.name for x in made for y in x.find_all(exp.Literal))


def _strings(value: Any) -> str:
    """The text in arguments. A bare number is a setting, such as a first line or a time limit."""
    match value:
        case str():
            return value
        case dict():
            return "\n".join(map(_strings, value.values()))
        case list() | tuple():
            return "\n".join(map(_strings, value))
        case _:
            return ""


# -- altering ---------------------------------------------------------------------------------------------------------

_KEPT = frozenset(
    dir(builtins)
    + list(keyword.kwlist)
    + "echo cat printf grep awk sed head tail sort uniq cut tr wc ls find python python3 sh bash pd np read json csv".split()
)
"""Words that code needs to run at all."""


def _words(quote: str) -> list[str]:
    return [w for w in re.findall(r"[A-Za-z]{3,}|[\u3400-\u9fff]+", quote) if w not in _KEPT]


def _shifted(word: str) -> str:
    """Another word of the same form: each letter is the one after it."""
    return "".join(
        chr(ord(c) + 1) if "\u3400" <= c < "\u9fff" else c if not c.isascii() else
        ("a" if c == "z" else "A" if c == "Z" else chr(ord(c) + 1))
        for c in word
    )  # fmt: skip


def _other(number: Number) -> str:
    """Another number of the same form."""
    digits = number.text.replace(",", "").replace("−", "-")
    whole, point, rest = digits.partition(".")
    sign = whole[:1] if whole[:1] in "+-" else ""
    changed = str(int(whole.removeprefix(sign)) * 3 + 17)
    return f"{sign}{changed}{point}{rest}"
