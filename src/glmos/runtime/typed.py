"""What the doer typed into calls, when, and the same in other words and numbers.

`provenance` asks which numbers and words of an output the doer had typed first; `control` makes calls again with what
was typed altered.
"""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from glmos.abi.ids import CallId, Seq
from glmos.kernel.citation import plain
from glmos.kernel.figures import Known, Number, numbers, says
from glmos.kernel.process import Call, Process


class Typed:
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
    return strings(call.arguments)


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


def strings(value: Any) -> str:
    """The text in arguments. A bare number is a setting, such as a first line or a time limit."""
    match value:
        case str():
            return value
        case dict():
            return "\n".join(map(strings, value.values()))
        case list() | tuple():
            return "\n".join(map(strings, value))
        case _:
            return ""


# -- altering ---------------------------------------------------------------------------------------------------------

_KEPT = frozenset(
    dir(builtins)
    + list(keyword.kwlist)
    + "echo cat printf grep awk sed head tail sort uniq cut tr wc ls find python python3 sh bash pd np read json csv".split()
)
"""Words that code needs to run at all."""


def words_of(quote: str) -> list[str]:
    return [w for w in re.findall(r"[A-Za-z]{3,}|[\u3400-\u9fff]+", quote) if w not in _KEPT]


def shifted(word: str) -> str:
    """Another word of the same form: each letter is the one after it."""
    return "".join(
        chr(ord(c) + 1) if "\u3400" <= c < "\u9fff" else c if not c.isascii() else
        ("a" if c == "z" else "A" if c == "Z" else chr(ord(c) + 1))
        for c in word
    )  # fmt: skip


def ascii_digits(text: str) -> str:
    """`text` with digits of every script and form (`５８`, `⑤`) as plain ones, and all else as it is."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() or not any(d.isdecimal() for d in _plain(c)) else _plain(c) for c in text)


def _plain(character: str) -> str:
    found = unicodedata.normalize("NFKC", character)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in found)


def other(number: Number) -> Number:
    """Another number of the same form."""
    whole, rest = re.match(r"([-+−]?[\d,]+)(.*)", number.text, re.DOTALL).groups()  # type: ignore[union-attr]
    sign = whole[:1] if whole[:1] in "+-−" else ""
    return _written(f"{sign}{int(whole.removeprefix(sign).replace(',', '')) * 3 + 17}{rest}", number)


def nearby(number: Number) -> Number:
    """Another number of the same form, one unit of its last digit away: a limit in the code rarely lies between."""
    mantissa = re.split("[eE]", number.text)[0]
    last = int(mantissa[-1])
    return _written(f"{mantissa[:-1]}{last + 1 if last < 9 else 8}{number.text[len(mantissa) :]}", number)


def _written(text: str, instead_of: Number) -> Number:
    """The number that `text` is where `instead_of` stood, before the same scale word if it had one."""
    found = numbers(text)[0]
    written = float(instead_of.text.replace(",", "").replace("−", "-"))
    scale = instead_of.value / written if written else 1.0
    return found._replace(value=found.value * scale, precision=found.precision * scale, unit=instead_of.unit)
