"""Words that say what to do with a column: how to compare, what to compute, how to order.

English and Chinese word lists, and the small searches over a linked question that rules and ranking share.
"""

import re
from typing import NamedTuple

from glmos.models.nano.linker import Links
from glmos.models.nano.query import Aggregate, Operator

MOST = frozenset(
    "highest most largest greatest biggest top best maximum max strongest longest heaviest tallest".split()
)
LEAST = frozenset("lowest least smallest fewest minimum min worst weakest shortest lightest".split())
DIMENSIONS = frozenset("longest heaviest tallest shortest lightest strongest weakest".split())
"""Superlatives that say of what: they never stand for a column that is not named."""
LATE = frozenset("latest newest last recent".split())
EARLY = frozenset("earliest oldest first".split())
EACH = ("grouped by", "for each", "in each", "for every", "of each", "per", "each", "by", "every")

_COMPARE: list[tuple[Operator, str]] = [
    (">=", r"at least|no less than|not less than|no fewer than|minimum of|>=|不少于|至少|不低于"),
    ("<=", r"at most|no more than|not more than|up to|maximum of|<=|不超过|至多|最多"),
    (
        ">",
        r"(?:more|greater|larger|higher|bigger|later|older|longer|taller|better|farther|heavier) (?:in \w+ )?than|"
        r"exceed\w*|over|above|after|beyond|>|超过|大于|高于|多于",
    ),
    (
        "<",
        r"(?:less|fewer|smaller|lower|earlier|younger|shorter|lighter) (?:in \w+ )?than|"
        r"under|below|before|beneath|prior to|<|低于|小于|少于",
    ),
    ("!=", r"not|except|excluding|other than|isn t|without|不是|除了|不包括"),
]
_COMPARE_BEHIND: list[tuple[Operator, str]] = [
    (">=", r"or (?:more|above|higher|greater|later|over)|and (?:above|over)|以上"),
    ("<=", r"or (?:less|fewer|below|lower|under|earlier)|and below|以下"),
]
_PERIOD: list[tuple[Operator, str]] = [
    (">=", r"since|starting|自从"),
    ("<", r"before|prior to|until the start of"),
    (">", r"after"),
    ("<=", r"until|through|up to"),
    ("!=", r"not in|excluding|except"),
]
_AGGREGATES: list[tuple[Aggregate, str]] = [
    (
        "distinct",
        r"how many (?:different|distinct|unique|kinds of|types of)|(?:number|count) of (?:different|distinct|unique)|"
        r"多少种|几种|多少个不同",
    ),
    ("count", r"how many|number of|count|总共有多少|多少个|几个|多少条|有多少"),
    ("avg", r"average|mean|avg|平均"),
    ("sum", r"sum|total|combined|altogether|overall|in all|how much|总|合计|一共|共"),
    ("max", r"highest|maximum|max|most|largest|greatest|biggest|latest|longest|heaviest|tallest|最高|最大|最多|最晚"),
    ("min", r"lowest|minimum|min|least|smallest|fewest|earliest|shortest|lightest|最低|最小|最少|最早"),
]


class Said(NamedTuple):
    """A computation that the question names, and the token where it is named."""

    aggregate: Aggregate
    place: int


def spoken(links: Links, begin: int = 0, end: int | None = None) -> str:
    """Tokens [begin, end) as one string, marks kept, one space between (none between CJK characters)."""
    text = " ".join(token.text for token in links.tokens[max(begin, 0) : end])
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", text)


def has_superlative(links: Links) -> bool:
    """True when some word asks for the most or least of something."""
    return any(token.text in MOST or token.text in LEAST for token in links.tokens)


def operator_at(links: Links, place: int) -> Operator:
    """How value number `place` is compared, from the words around it."""
    value = links.values[place]
    before = links.values[place - 1].end if place else 0
    after = links.values[place + 1].begin if place + 1 < len(links.values) else len(links.tokens)
    ahead = spoken(links, max(before, value.begin - 5), value.begin)
    behind = spoken(links, value.end, min(after, value.end + 3))
    if value.period is not None:
        return _search(_PERIOD, spoken(links, max(before, value.begin - 3), value.begin), near=24) or "="
    if value.number is not None:
        return _search(_COMPARE_BEHIND, behind, near=12, start=True) or _search(_COMPARE, ahead, near=32) or "="
    return "!=" if _search(_COMPARE[-1:], ahead, near=16) else "="


def _search(options: list[tuple[Operator, str]], text: str, *, near: int, start: bool = False) -> Operator | None:
    """The operator whose wording stands nearest to the value."""
    found: list[tuple[int, int, Operator]] = []
    for i, (operator, pattern) in enumerate(options):
        bounded = rf"(?<![a-z])(?:{pattern})(?![a-z])"
        for match in re.finditer(bounded, text):
            distance = match.start() if start else len(text) - match.end()
            if distance <= near:
                found.append((distance, i, operator))
    return min(found)[2] if found else None


def aggregates(links: Links) -> list[Said]:
    """The computations named outside of values and column names, in order of place."""
    covered = {i for v in links.values for i in range(v.begin, v.end)}
    covered |= {i for c in links.columns if c.whole for i in range(c.begin, c.end)}
    text, places = "", list[int]()
    for i, token in enumerate(links.tokens):
        word = "·" if i in covered else token.text
        gap = "" if token.kind == "cjk" and i and links.tokens[i - 1].kind == "cjk" else " "
        places += [i] * len(gap + word)
        text += gap + word
    found: list[Said] = []
    taken: list[range] = []
    for aggregate, pattern in _AGGREGATES:
        for match in re.finditer(rf"(?<![a-z])(?:{pattern})(?![a-z])", text):
            if not any(match.start() in span or match.end() - 1 in span for span in taken):
                taken.append(range(match.start(), match.end()))
                found.append(Said(aggregate, places[match.end() - 1]))
    return sorted(found, key=lambda said: said.place)
