"""What a phrase of the `phrasebook` comes to: its parts read, and put together as a calculation.

A part of a phrase is named by a letter: a and b are amounts, p a percentage, n a whole number of things, l a list, r a ratio,
q and s quantities, u a unit, d and e days, c and k times of day, x words for a thing, z what 打…折 has.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from typing import Any, NamedTuple

from glmos.abi import numerals
from glmos.models.nano import arithmetic, moments, units
from glmos.models.nano import formula as f
from glmos.models.nano.formula import NotUnderstoodError, Term, UndefinedError


class Column(NamedTuple):
    """One number that is worked out, or one day."""

    name: str
    sql: str
    exact: Fraction | str
    places: int | None = None


class Calculation(NamedTuple):
    """A sum that was understood."""

    columns: tuple[Column, ...]
    read_as: str
    say: str
    """The answer, with `{0}`, `{1}` for what the columns give; `{n0}` is the bare number, `{a0}` its "about"."""
    chinese: bool


Parts = Mapping[str, Any]
Build = Callable[[Parts, bool], Calculation]


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    thing = r"(?P<x>(?!each|per\b|pair|dozen|every)[a-z]+(?: [a-z]+)?)"
    chinese_thing = r"(?P<y>[^\d一二两三四五六七八九十百千万打满每减再买,，%]{0,6}?)"
    pattern = pattern.replace("{x}", thing).replace("{y}", chinese_thing)
    for letters, form in _FORMS.items():
        pattern = re.sub(rf"\{{([{letters}])\}}", rf"(?P<\1>{form.replace(chr(92), chr(92) * 2)})", pattern)
    return re.compile(pattern, re.IGNORECASE)


_BEGINS = (
    rf"[\d.$€£¥(√+−-]|[{numerals.CHINESE}半对]|根号|"
    rf"(?:{arithmetic.SPOKEN_WORDS}|half|an?|one|double|twice|triple|square|sqrt|the) ?"
)
_FORMS = {
    "abpqsrl": rf"(?={_BEGINS}|华氏|摄氏).+?(?:(?<!\d)|(?![\d.,]*\d))",
    "n": rf"\d[\d,]*|[{numerals.CHINESE}]+|{arithmetic.SPOKEN}",
    "a-z": r".+?",
}
"""What a part may look like; whether it is one is found when it is read."""


def read_part(name: str, said: str) -> Any:
    """What a part of a phrase is. Raises: NotUnderstoodError, UndefinedError."""
    match name:
        case "a" | "b":
            return _amount(said)
        case "p":
            term = arithmetic.parse(said)
            if not term.percent:
                raise NotUnderstoodError(said)
            return term
        case "n":
            return _count(said)
        case "l":
            return _list(said)
        case "r":
            return [_amount(x) for x in re.split(r"\s*(?::|：| to |比)\s*", said)]
        case "q" | "s":
            return units.quantity(said)
        case "u":
            return units.unit_of(said)
        case "d" | "e":
            return moments.day(said)
        case "c" | "k":
            return moments.clock(said)
        case "z":
            return _discount(said)
        case _:
            return said


def _amount(said: str) -> Term:
    term = arithmetic.parse(said)
    if term.percent:
        raise NotUnderstoodError(said)
    return term


def _count(said: str) -> Term:
    value = arithmetic.number(said)
    if value is None or value.denominator != 1 or value < 1:
        raise NotUnderstoodError(said)
    return f.said(value, said if said.isdigit() else f.spell(float(value), value))


_GAP = re.compile(r"\s*(?:, and |,and |, |; | and |、|，|和|与|以及| & )\s*", re.IGNORECASE)


def _list(said: str) -> list[Term]:
    if re.fullmatch(r"\d{1,2}(?:,\d{1,2})+", said):  # "4,8,15": no thousands
        return [_amount(x) for x in said.split(",")]
    if re.fullmatch(r"[\d.]+(?: [\d.]+)+", said):
        return [_amount(x) for x in said.split()]
    try:
        found = [_amount(x) for x in _GAP.split(said)]
    except NotUnderstoodError:
        if not re.fullmatch(r"[\d.]+(?:\s*,\s*[\d.]+)+(?: and [\d.]+|和[\d.]+)?", said) or re.search(
            r"\d,\d{3}(?!\d)", said
        ):
            raise
        found = [_amount(x) for x in re.split(r"\s*,\s*| and |和", said)]
    if len(found) < 2 or any(term.level < 3 for term in found):  # "the sum of 3 and 4 times 5" has two meanings
        raise NotUnderstoodError(said)
    return found


def _discount(said: str) -> Term:
    """八 and 8 are eight tenths, 八五 and 85 are 85 hundredths, 对 is half. Shown as it was said."""
    if said == "对":
        return Term(Fraction(1, 2), "(5e0 / 10e0)", "对")
    value = arithmetic.number(said)
    if value is None or not 0 < value < 100 or value == 10 or (value.denominator != 1 and value > 10):
        raise NotUnderstoodError(said)
    tenths = value < 10
    return Term(value / (10 if tenths else 100), f"({f.literal(value)} / {10 if tenths else 100}e0)", said)


def is_chinese(text: str) -> bool:
    return re.search("[\u3400-\u9fff]", text) is not None


# -- calculations -----------------------------------------------------------------------------------------------------


def plain(term: Term, read_as: str, chinese: bool, *, unit: str = "", places: int | None = None) -> Calculation:
    """One number. Raises: UndefinedError where it is too large to be exact."""
    f.check_size(term.value)
    places = 2 if term.label and places is None else places
    column = Column("result", term.sql, term.value, places)
    label = term.label

    before = label in ("$", "€", "£", "¥") and term.value >= 0
    say = f"{{a0}}{label}{{n0}}{unit}" if before else f"{{0}}{' ' + label if label else ''}{unit}"
    return Calculation((column,), read_as, say, chinese)


def arithmetic_alone(parts: Parts, chinese: bool) -> Calculation:
    term: Term = parts["a"]
    if not arithmetic.is_sum(term):
        raise NotUnderstoodError("nothing to work out")
    return plain(term, term.text, chinese)


def of_terms(
    build: Callable[..., Term], letters: str, english: str, chinese_text: str, unit: tuple[str, str] = ("", "")
) -> Build:
    """A calculation of the parts named by `letters`; `{0}` in the texts is how the first of them is shown."""

    def made(parts: Parts, chinese: bool) -> Calculation:
        terms = [parts[letter] for letter in letters]
        text = (chinese_text if chinese else english).format(*(t.text for t in terms))
        return plain(build(*terms), text, chinese, unit=unit[chinese])

    return made


def hundred(term: Term) -> Term:
    return f.multiply(term, Term(Fraction(100), "100e0", "100"))


def share_of(a: Term, b: Term) -> Term:
    """`a` in per cent of `b`."""
    return hundred(f.divide(a, b))


def risen(a: Term, b: Term) -> Term:
    """The change from `a` to `b` in per cent."""
    if a.value <= 0:
        raise UndefinedError("a percentage of zero or less says nothing")
    return hundred(f.divide(f.subtract(b, a), a))


def grown(a: Term, b: Term) -> Term:
    if b.value < a.value:
        raise NotUnderstoodError("it fell")
    return risen(a, b)


def tenths(a: Term, discount: Term) -> Term:
    return f.multiply(a, discount)


def split_with_tip(a: Term, p: Term, n: Term) -> Term:
    return f.divide(with_share(a, p), n)


def fallen(a: Term, b: Term) -> Term:
    if b.value > a.value:
        raise NotUnderstoodError("it rose")
    return hundred(f.divide(f.subtract(a, b), a)) if a.value > 0 else risen(a, b)


def with_share(a: Term, p: Term) -> Term:
    return f.change(a, p, up=True)


def less_share(a: Term, p: Term) -> Term:
    if p.value > 1:
        raise UndefinedError("more than everything cannot be taken off")
    return f.change(a, p, up=False)


def part(p: Term, a: Term) -> Term:
    return f.multiply(p._replace(percent=False), a)


def before_tax(a: Term, p: Term) -> Term:
    """What `a` was before `p` was put on it."""
    return Term(a.value / (1 + p.value), f"({a.sql} / (1e0 + {p.sql}))", f"{a.text} ÷ (1 + {p.text})", 2, a.label)


def tax_in(a: Term, p: Term) -> Term:
    net = before_tax(a, p)
    return Term(a.value - net.value, f"({a.sql} - {net.sql})", a.text, 1, a.label)


def of_list(join: Callable[[Sequence[Term]], Term], english: str, chinese_text: str) -> Build:
    def made(parts: Parts, chinese: bool) -> Calculation:
        terms: list[Term] = parts["l"]
        between = "、" if chinese else ", "
        text = (chinese_text if chinese else english).format(between.join(t.text for t in terms))
        return plain(join(terms), text, chinese)

    return made


def total(terms: Sequence[Term]) -> Term:
    made = terms[0]
    for term in terms[1:]:
        made = f.add(made, term)
    return made


def product(terms: Sequence[Term]) -> Term:
    made = terms[0]
    for term in terms[1:]:
        made = f.multiply(made, term)
    return made


def mean(terms: Sequence[Term]) -> Term:
    return f.divide(total(terms), f.said(Fraction(len(terms)), str(len(terms))))


def ratio(parts: Parts, chinese: bool) -> Calculation:
    """In lowest terms, and as one number."""
    a, b = parts["a"], parts["b"]
    quotient = f.divide(a, b)
    if a.value <= 0 or b.value <= 0:
        raise NotUnderstoodError("a ratio of amounts")
    scale = lcm(a.value.denominator, b.value.denominator)
    common = Fraction(gcd(int(a.value * scale), int(b.value * scale)), scale)
    columns = (
        Column("first", f"({a.sql} / {f.literal(common)})", a.value / common),
        Column("second", f"({b.sql} / {f.literal(common)})", b.value / common),
        Column("quotient", quotient.sql, quotient.value),
    )
    text = f"{a.text} 与 {b.text} 的比" if chinese else f"the ratio of {a.text} to {b.text}"
    return Calculation(columns, text, "{0} : {1}" + ("（{2}）" if chinese else " ({2})"), chinese)


def shared_in_ratio(parts: Parts, chinese: bool) -> Calculation:
    a, shares = parts["a"], parts["r"]
    if not 2 <= len(shares) <= 5 or any(s.value <= 0 for s in shares):
        raise NotUnderstoodError("shares")
    whole = total(shares)
    each = [f.multiply(a, f.divide(s, f.bracketed(whole))) for s in shares]
    columns = tuple(Column(f"part {i}", t.sql, t.value, 2 if a.label else None) for i, t in enumerate(each, 1))
    said = " : ".join(s.text for s in shares)
    text = f"{a.text} 按 {said} 分" if chinese else f"{a.text} in the ratio {said}"
    between = "、" if chinese else ", "
    label = f" {a.label}" if a.label else ""
    say = between.join(f"{{{i}}}{label}" for i in range(len(columns)))
    return Calculation(columns, text, say, chinese)


def conversion(parts: Parts, chinese: bool) -> Calculation:
    quantity: units.Quantity = parts["q"]
    made = units.convert(quantity, parts["u"])
    several = len(made) > 1
    for found in made:
        f.check_size(found.term.value)
    names = [m.unit.chinese if chinese else units.counted(m.unit.name, m.term.value) for m in made]
    columns = tuple(Column(m.unit.name if not several else f"{m.unit.name} {i}", m.term.sql, m.term.value)
                    for i, m in enumerate(made, 1))  # fmt: skip
    sources = [m.of.chinese if chinese else m.of.name for m in made]

    each = [f"{{{i}}}{'' if n.startswith('°') and chinese else ' '}{n}" for i, n in enumerate(names)]
    if several:
        told = zip(each, _kinds(sources, names), strict=True)
        each = [f"{e}（{kind}）" if chinese else f"{e} ({kind})" for e, kind in told]
    full = dict.fromkeys(m.unit.chinese if chinese else m.unit.name for m in made)
    wanted = ("、" if chinese else " or ").join(full)
    text = f"{quantity.text} 换算成{wanted}" if chinese else f"{quantity.text} in {wanted}"
    return Calculation(columns, text, ("；或 " if chinese else ", or ").join(each), chinese)


def _kinds(sources: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    return sources if len(set(sources)) > 1 else names


def spans_together(parts: Parts, chinese: bool) -> Calculation:
    """Two quantities added or taken away, in the unit of the first or the one asked for."""
    one, other = parts["q"], parts["s"]
    minus = parts.get("minus") is not None
    if any(len(m) > 1 or m[0].name.startswith(("°", "kelvin")) for q in (one, other) for _, m in q.parts):
        raise NotUnderstoodError("units of several meanings")
    wanted = parts.get("u") or one.parts[-1][1]
    first, second = units.convert(one, wanted)[0], units.convert(other, wanted)[0]
    term = f.subtract(first.term, second.term) if minus else f.add(first.term, second.term)
    f.check_size(term.value)
    name = first.unit.chinese if chinese else units.counted(first.unit.name, term.value)
    sign = "−" if minus else "+"
    text = f"{one.text} {sign} {other.text}" + (f"，换算成{name}" if chinese else f" in {name}")
    return Calculation((Column("result", term.sql, term.value),), text, f"{{0}} {name}", chinese)


def clock_and_span(parts: Parts, chinese: bool) -> Calculation:
    clock: moments.Clock = parts["c"]
    span = moments.span(parts["t"])
    minus = parts.get("minus") is not None
    at = clock.minutes + (-span.minutes if minus else span.minutes)
    sql = f"({clock.sql} {'-' if minus else '+'} {span.sql})"
    days, rest = divmod(at, 1440)
    columns = (
        Column("hour", f"(FLOOR({sql} / 60e0) - 24e0 * FLOOR({sql} / 1440e0))", Fraction(rest // 60)),
        Column("minute", f"({sql} - 60e0 * FLOOR({sql} / 60e0))", Fraction(rest % 60)),
        Column("days later", f"FLOOR({sql} / 1440e0)", Fraction(days)),
    )
    shift = _shift(days, chinese=chinese)
    shown = f"{clock.hour}:{clock.minute:02d}"
    text = f"{shown} {'−' if minus else '+'} {parts['t']}"
    return Calculation(columns, text, f"{{0}}:{{1:>02}}{shift}", chinese)


def _shift(days: int, *, chinese: bool) -> str:
    known = {0: ("", ""), 1: (" the next day", "（第二天）"), -1: (" the day before", "（前一天）")}
    if days not in known:
        raise NotUnderstoodError("many days")
    return known[days][chinese]


def between_clocks(parts: Parts, chinese: bool) -> Calculation:
    start, end = parts["c"], parts["k"]
    over = end.minutes <= start.minutes
    if over and parts.get("between"):
        raise NotUnderstoodError("which of them is first")
    sql = f"({end.sql} - {start.sql}{' + 1440e0' if over else ''})"
    minutes = end.minutes - start.minutes + (1440 if over else 0)
    columns = (
        Column("hours", f"FLOOR({sql} / 60e0)", Fraction(minutes // 60)),
        Column("minutes", f"({sql} - 60e0 * FLOOR({sql} / 60e0))", Fraction(minutes % 60)),
        Column("all minutes", sql, Fraction(minutes)),
    )
    one, other = f"{start.hour}:{start.minute:02d}", f"{end.hour}:{end.minute:02d}"
    if chinese:
        text = f"{one} 到{'第二天 ' if over else ' '}{other}"
        return Calculation(columns, text, "{0} 小时 {1} 分钟（共 {2} 分钟）", chinese)
    text = f"from {one} to {other}{' the next day' if over else ''}"
    return Calculation(columns, text, "{0} h {1} min ({2} minutes in all)", chinese)


def between_days(parts: Parts, chinese: bool) -> Calculation:
    start, end = sorted((parts["d"], parts["e"]))
    weeks = parts.get("weeks") is not None
    sql = f"(DATE '{end}' - DATE '{start}')"
    exact = Fraction((end - start).days, 7 if weeks else 1)
    column = Column("weeks" if weeks else "days", f"({sql} / 7e0)" if weeks else sql, exact)
    one, other = (moments.shown(x, chinese=chinese) for x in (start, end))
    if chinese:
        return Calculation((column,), f"从{one}到{other}，不算头一天", "{0} 周" if weeks else "{0} 天", chinese)
    text = f"from {one} to {other}, the first day not counted"
    return Calculation((column,), text, "{0} weeks" if weeks else "{0} days", chinese)


def day_and_span(parts: Parts, chinese: bool) -> Calculation:
    start, count = parts["d"], int(parts["n"].value)
    weeks, back = parts.get("weeks") is not None, parts.get("minus") is not None
    days = count * (7 if weeks else 1) * (-1 if back else 1)
    if abs(days) > 10**6:
        raise UndefinedError("that is beyond the calendar")
    found = moments.later(start, days)
    column = Column("day", f"DATE '{start}' {'-' if back else '+'} {abs(days)}", found.isoformat())
    shown = moments.shown(start, chinese=chinese)
    if chinese:
        text = f"{shown} {'−' if back else '+'} {count} {'周' if weeks else '天'}"
    else:
        text = f"{shown} {'−' if back else '+'} {count} {'weeks' if weeks else 'days'}"
    return Calculation((column,), text, "{0}", chinese)
