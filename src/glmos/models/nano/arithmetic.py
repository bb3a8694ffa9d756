"""Arithmetic as people write and say it, in English and Chinese: from a text to a `formula.Term`.

A recursive descent over tokens, every character of which must be read: `parse` raises where anything is left. Products
bind tighter than sums, also in words ("三百二十加十五乘以二" is 350), and words for doing one thing after another
("then", "再乘") are not read, because they may mean the other order.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from glmos.abi import numerals
from glmos.models.nano import formula as f
from glmos.models.nano.formula import NotUnderstoodError, Term

_WORD = "|".join(sorted(numerals.ENGLISH, key=len, reverse=True))
SPOKEN_WORDS = _WORD
"""Words that a number in English words is made of, as alternatives of a pattern."""
SPOKEN = rf"(?:(?:a\s+)?(?:{_WORD})(?:(?:\s*-\s*|\s+(?:and\s+)?)(?:{_WORD}))*(?:\s+point(?:\s+(?:{_WORD}))+)?)(?![a-z])"
"""A number in English words."""
DIGITS = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
SCALE = r"(?:百万|千万|万|亿|百|千|(?:thousand|million|billion|k)(?![a-z]))"
CHINESE = f"[{numerals.CHINESE}]+"
NUMBER = rf"(?:(?:{DIGITS})(?:\s*{SCALE})?|{CHINESE}|{SPOKEN})"
"""Any number of the question; `number` reads it."""

_MONEY = {
    "$": "$", "€": "€", "£": "£", "¥": "¥", "元": "元", "块": "元", "块钱": "元", "人民币": "元", "rmb": "元", "cny": "元",
    "yuan": "元", "美元": "$", "欧元": "€", "英镑": "£", "usd": "$", "eur": "€", "gbp": "£", "dollar": "$", "dollars": "$",
    "euro": "€", "euros": "€", "日元": "日元", "yen": "日元", "jpy": "日元",
}  # fmt: skip
CURRENCY = "|".join(sorted((re.escape(w) + (r"(?![a-z])" if w.isascii() and w.isalpha() else "") for w in _MONEY), key=len,
                           reverse=True))  # fmt: skip

_FRACTIONS = {
    "half": 2,
    "halves": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "eighth": 8,
    "tenth": 10,
}
_PART = "|".join(f"{word}s?" for word in _FRACTIONS)
_TOKENS: list[tuple[str, str]] = [
    ("share", rf"(?P<many>a|an|one|two|three|four|five|seven)?\s*(?P<part>{_PART})\s+of(?![a-z])"),
    ("times", r"(?:double|twice|triple)(?![a-z])"),
    ("root", r"(?:the\s+)?square\s+root\s+of(?![a-z])|sqrt(?![a-z])(?:\s+of)?|√|根号"),
    ("chineseshare", rf"(?P<below>{DIGITS}|{CHINESE})分之(?P<above>{DIGITS}|{CHINESE})"),
    ("number", rf"(?P<before>[$€£¥])?\s*(?P<number>{NUMBER})\s*(?P<after>{CURRENCY})?"),
    ("^2", r"squared(?![a-z])|的平方(?!根)|平方(?!根)"),
    ("^3", r"cubed(?![a-z])|的立方(?!根)"),
    ("√", r"的平方根"),
    ("nth", rf"的(?P<nth>\d+|{CHINESE})次[方幂]"),
    ("half", r"的一半"),
    ("fold", rf"的(?P<fold>{DIGITS}|{CHINESE})倍"),
    ("^", r"\*\*|\^|(?:raised\s+)?to\s+the\s+power(?:\s+of)?(?![a-z])"),
    ("*", r"[*×·]|x(?![a-z])|times(?![a-z])|multiplied\s+by(?![a-z])|乘以|乘上|乘"),
    ("/", r"[/÷]|divided\s+by(?![a-z])|over(?![a-z])|除以"),
    ("+", r"\+|plus(?![a-z])|加上|加"),
    ("-", r"[-−–]|minus(?![a-z])|减去|减掉|减"),
    ("%", r"%|per\s?cent(?:age)?(?![a-z])|pct(?![a-z])"),
    ("(", r"\("),
    (")", r"\)"),
    ("of", r"of(?![a-z])|的"),
]
_PATTERNS = [(kind, re.compile(rf"\s*(?:{pattern})", re.IGNORECASE)) for kind, pattern in _TOKENS]
_DATES = re.compile(r"\d{4}\s?-\s?\d{1,2}\s?-\s?\d{1,2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d:\d")
_DEEPEST = 30


class _Token(NamedTuple):
    kind: str
    term: Term | None = None


def _shown(said: str, written: str, value: Fraction) -> str:
    """A number in words is shown in digits, so that a person sees how it was read."""
    return said if re.search(r"\d", written) else said.replace(" ".join(written.split()), f.spell(float(value), value))


def number(text: str) -> Fraction | None:
    """A number written in digits or words, with a scale ("12.5 万"); None when it is none, or not a well-formed one."""
    text = text.strip().lower()
    scaled = re.fullmatch(rf"({DIGITS})\s*({SCALE})", text)
    if scaled:
        value = numerals.digits(scaled[1])
        return None if value is None else value * numerals.SCALES[scaled[2]]
    if re.fullmatch(DIGITS, text):
        return numerals.digits(text)
    if re.fullmatch(CHINESE, text):
        return numerals.chinese(text)
    return numerals.english(re.split(r"[\s-]+", text))


def parse(text: str) -> Term:
    """The calculation that the whole of `text` is.

    Raises: NotUnderstoodError; UndefinedError for a division by zero and the like.
    """
    if _DATES.search(text) or len(text) > 300:
        raise NotUnderstoodError(text)
    return _Parser(list(_tokens(text))).whole()


def is_sum(term: Term) -> bool:
    """Whether there is anything to work out."""
    return term.joined and not term.percent


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    place = 0
    while text[place:].strip():
        for kind, pattern in _PATTERNS:
            match = pattern.match(text, place)
            if match:
                found.append(_token(kind, match))
                place = match.end()
                break
        else:
            raise NotUnderstoodError(text[place:])
    return found


def _token(kind: str, match: re.Match[str]) -> _Token:
    said = " ".join(match.group().split())
    match kind:
        case "share":
            part = next(n for word, n in _FRACTIONS.items() if match["part"].lower() in (word, f"{word}s"))
            many = (
                numerals.english([match["many"].lower()]) if match["many"] and match["many"].lower() not in "an" else 1
            )
            return _Token("share", f.said(Fraction(many or 1, part), said.removesuffix(" of")))
        case "times":
            many = 3 if said.lower() == "triple" else 2
            return _Token("times", f.said(Fraction(many), said))
        case "chineseshare":
            below, above = match["below"], number(match["above"])
            if above is None:
                raise NotUnderstoodError(said)
            if below == "百":
                return _Token("number", f.percent(f.said(above, _shown(match["above"], match["above"], above))))
            low = number(below)
            if not low:
                raise NotUnderstoodError(said)
            return _Token("number", f.said(above / low, said)._replace(percent=False))
        case "number":
            value = number(match["number"])
            if value is None or (match["before"] and match["after"]):
                raise NotUnderstoodError(said)
            money = _MONEY.get((match["before"] or match["after"] or "").lower(), "")
            return _Token("number", f.said(value, _shown(said, match["number"], value), money))
        case "nth" | "fold":
            value = number(match[kind])
            if value is None:
                raise NotUnderstoodError(said)
            return _Token(kind, f.said(value, _shown(match[kind], match[kind], value)))
        case "^2" | "^3":
            return _Token(kind, f.said(Fraction(int(kind[1])), f" {said}" if said.isascii() else said))
        case _:
            return _Token(kind)


class _Parser:
    """sum := product (+|- product)*; product := power (*|/ power)*; power := sign [^ power]; below that, one thing."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def whole(self) -> Term:
        term = self._sum()
        if self._place < len(self._tokens):
            raise NotUnderstoodError("something is left")
        return term

    def _next(self, *kinds: str) -> _Token | None:
        if self._place < len(self._tokens) and self._tokens[self._place].kind in kinds:
            self._place += 1
            return self._tokens[self._place - 1]
        return None

    def _sum(self) -> Term:
        left = self._product()
        while sign := self._next("+", "-"):
            right = self._product()
            if right.percent and not left.percent:
                if self._place < len(self._tokens) or left.level < 2:
                    raise NotUnderstoodError("a percentage of what")
                return f.change(left, right, up=sign.kind == "+")
            left = f.add(left, right) if sign.kind == "+" else f.subtract(left, right)
        return left

    def _product(self) -> Term:
        left = self._power()
        while sign := self._next("*", "/"):
            right = self._power()
            left = f.multiply(left, right) if sign.kind == "*" else f.divide(left, right)
        return left

    def _power(self) -> Term:
        base = self._signed()
        if not self._next("^"):
            return base
        exponent = self._signed()
        if self._next("^"):
            raise NotUnderstoodError("2^3^2 has two meanings")
        return f.power(base, exponent)

    def _signed(self) -> Term:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotUnderstoodError("too deeply nested")
        try:
            if self._next("-"):
                inner = self._signed()
                raised = self._place < len(self._tokens) and self._tokens[self._place].kind == "^"
                if raised or (inner.joined and inner.level == 3):
                    raise NotUnderstoodError("-2^2 has two meanings")
                return f.negative(inner)
            return self._behind(self._one())
        finally:
            self._depth -= 1

    def _one(self) -> Term:
        if self._next("("):
            inner = self._sum()
            if not self._next(")"):
                raise NotUnderstoodError("a bracket is open")
            return f.bracketed(inner)
        if self._next("root"):
            return f.root(self._signed())
        if found := self._next("share", "times"):
            assert found.term is not None
            return _part_of(found.term, self._signed(), "of" if found.kind == "share" else "")
        found = self._next("number")
        if found is None or found.term is None:
            raise NotUnderstoodError("a number is missing")
        return found.term

    def _behind(self, term: Term) -> Term:
        """`term` with what is said behind it."""
        after: dict[str, Callable[[Term], Term]] = {
            "%": f.percent,
            "√": f.root,
            "half": lambda x: f.multiply(x, f.said(Fraction(1, 2), "一半")),
        }
        while True:
            if found := self._next(*after):
                term = after[found.kind](term)
            elif (found := self._next("^2", "^3")) and found.term is not None:
                term = f.power(term, found.term)._replace(text=f.bracketed(term).text + found.term.text)
            elif found := self._next("nth"):
                term = f.power(term, found.term or term)
            elif found := self._next("fold"):
                term = f.multiply(term, found.term or term)
            elif self._next("of"):
                term = self._share(term)
            else:
                return term

    def _share(self, term: Term) -> Term:
        """ "15% of 240" and "240 的 15%"."""
        if term.percent:
            return _part_of(term, self._signed(), "of")
        right = self._one()
        right = f.percent(right) if self._next("%") else right
        if not right.percent and right.value.denominator == 1:
            raise NotUnderstoodError("a share is less than the whole")
        return f.multiply(term, right)._replace(text=f"{term.text} × {right.text}")


def _part_of(share: Term, whole: Term, word: str) -> Term:
    term = f.multiply(share._replace(percent=False), whole)
    return term._replace(text=" ".join(filter(None, (share.text, word, f.bracketed(whole).text))), percent=False)
