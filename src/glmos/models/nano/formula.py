"""A calculation as it is built: its exact value, the SQL that works it out, and how it is shown.

Every part is a `Term`, and the functions here join terms. Values are exact fractions (roots and odd powers the nearest
double), so what an engine gives can be held against them. A literal is written as a double (`240e0`): two engines then
calculate alike, and a product of whole numbers cannot overflow.
"""

import math
from fractions import Fraction
from typing import NamedTuple

LARGEST = 10**15
"""Beyond it a double does not hold every whole number."""


class NotUnderstoodError(Exception):
    """This reading does not hold: parts that do not go together."""


class UndefinedError(Exception):
    """It is understood, and has no answer; the message says why, as part of a sentence."""


class Term(NamedTuple):
    """A part of a calculation."""

    value: Fraction
    sql: str
    text: str
    level: int = 9
    """How tightly it holds together: 1 sums, 2 products, 3 powers, 9 what needs no brackets."""
    label: str = ""
    """The currency it is an amount of."""
    percent: bool = False
    joined: bool = True
    """False for a number as it was said."""


def literal(value: Fraction) -> str:
    """`value` as SQL."""
    if 10**12 % value.denominator == 0:
        return f"{_decimal(value)}e0"
    return f"({value.numerator}e0 / {value.denominator}e0)"


def said(value: Fraction, text: str, label: str = "") -> Term:
    """A number of the question, in its own words."""
    return Term(value, literal(value), text, label=label, joined=False)


def percent(term: Term) -> Term:
    """`term` per cent."""
    return Term(term.value / 100, f"({term.sql} / 100e0)", f"{_in(term, 3)} %", percent=True, joined=term.joined)


def add(a: Term, b: Term) -> Term:
    return Term(a.value + b.value, f"({a.sql} + {b.sql})", f"{a.text} + {_in(b, 2)}", 1, _same(a, b))


def subtract(a: Term, b: Term) -> Term:
    return Term(a.value - b.value, f"({a.sql} - {b.sql})", f"{a.text} − {_in(b, 2)}", 1, _same(a, b))


def multiply(a: Term, b: Term) -> Term:
    if a.label and b.label:
        raise NotUnderstoodError("an amount of money times an amount of money")
    return Term(a.value * b.value, f"({a.sql} * {b.sql})", f"{_in(a, 2)} × {_in(b, 3)}", 2, a.label or b.label)


def divide(a: Term, b: Term) -> Term:
    if b.label and a.label != b.label:
        raise NotUnderstoodError("divided by an amount of money of another kind")
    if b.value == 0:
        raise UndefinedError("nothing can be divided by zero")
    label = "" if b.label else a.label
    return Term(a.value / b.value, f"({a.sql} / {b.sql})", f"{_in(a, 2)} ÷ {_in(b, 3)}", 2, label)


def power(a: Term, b: Term) -> Term:
    if a.label or b.label:
        raise NotUnderstoodError("a power of an amount of money")
    if b.value.denominator != 1 and a.value < 0:
        raise UndefinedError("a negative number has no such power among the real numbers")
    if a.value == 0 and b.value <= 0:
        raise UndefinedError("zero has no power of zero or less")
    if a.value and abs(float(b.value) * math.log(abs(float(a.value)))) > 80:
        raise UndefinedError("the result is too large or too small to be worked out exactly")
    value = a.value**b.value if b.value.denominator == 1 else Fraction(float(a.value) ** float(b.value))
    return Term(Fraction(value), f"POWER({a.sql}, {b.sql})", f"{_in(a, 9)} ^ {_in(b, 9)}", 3)


def negative(a: Term) -> Term:
    return Term(-a.value, f"(0e0 - {a.sql})", f"-{_in(a, 9)}", 2, a.label, joined=a.joined)


def root(a: Term) -> Term:
    """The square root."""
    if a.label:
        raise NotUnderstoodError("the root of an amount of money")
    if a.value < 0:
        raise UndefinedError("a negative number has no square root among the real numbers")
    top, bottom = math.isqrt(a.value.numerator), math.isqrt(a.value.denominator)
    whole = Fraction(top, bottom)
    value = whole if whole**2 == a.value else Fraction(math.sqrt(a.value))
    return Term(value, f"SQRT({a.sql})", f"√{_in(a, 9)}")


def change(a: Term, share: Term, *, up: bool) -> Term:
    """`a` with a percentage of itself added or taken off."""
    if not share.percent:
        raise NotUnderstoodError("a share is given in per cent")
    sign, shown = ("+", "+") if up else ("-", "−")
    value = a.value * (1 + share.value if up else 1 - share.value)
    return Term(value, f"({a.sql} * (1e0 {sign} {share.sql}))", f"{_in(a, 2)} {shown} {share.text}", 1, a.label)


def bracketed(a: Term) -> Term:
    """`a` as one thing."""
    return a._replace(text=_in(a, 9), level=9)


def difference(a: Term, b: Term) -> Term:
    low = subtract(a, b)
    return low._replace(value=abs(low.value), sql=f"ABS({low.sql})")


def spell(value: float, exact: Fraction, *, places: int | None = None) -> str:
    """A result for people: whole when it is short, else rounded; `places` are those of money."""
    if places is not None and exact.denominator != 1:
        return f"{value:,.{places}f}"
    short = _decimal(exact) if 10**12 % exact.denominator == 0 else ""
    if short and len(short.replace(".", "").replace("-", "").lstrip("0")) <= 12:
        whole, point, rest = short.partition(".")
        sign = "-" if whole.startswith("-") else ""
        return f"{sign}{abs(int(whole)):,}{point}{rest}"
    if abs(value) >= 1:
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:.{max(4, 3 - math.floor(math.log10(abs(value))))}f}" if value else "0"


def is_rounded(exact: Fraction, spelled: str) -> bool:
    return Fraction(spelled.replace(",", "")) != exact


def check_size(value: Fraction) -> None:
    """Raises: UndefinedError where doubles would no longer be exact enough to vouch for."""
    if abs(value) >= LARGEST or (value and abs(value) < Fraction(1, 10**9)):
        raise UndefinedError("the result is too large or too small to be worked out exactly")


def _in(term: Term, level: int) -> str:
    return term.text if term.level >= level else f"({term.text})"


def _same(a: Term, b: Term) -> str:
    if a.percent or b.percent:
        raise NotUnderstoodError("a percentage of what")
    if a.label != b.label and a.label and b.label:
        raise NotUnderstoodError("amounts of different currencies")
    return a.label or b.label


def _decimal(value: Fraction) -> str:
    """A fraction that ends, in digits."""
    digits, rest = 0, value
    while rest.denominator != 1:
        digits, rest = digits + 1, rest * 10
    sign, whole = ("-", -rest.numerator) if rest < 0 else ("", rest.numerator)
    text = str(whole).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"
