"""Does what a result says stand where it says?

A claim binds a statement to a quote. The quote must stand in the observation it names, and whatever the result states as
a number, or names from a row of a table, must stand in a quote: an observation may hold a thousand numbers, and all but
one of them would be wrong. What was read is a necessary ground for a result, not yet a sufficient one: whether the right
rows were added up is for other checks (see design/09-verified-done.md).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from glmos.abi.ids import CallId
from glmos.abi.plans import Claim
from glmos.kernel.figures import Number, in_words, numbers, says
from glmos.kernel.verify import Verdict


class Grounds(NamedTuple):
    """What a result may rest on."""

    observed: Mapping[CallId, str]
    """The whole text of each observation of this process."""
    given: Sequence[str] = ()
    """What the person said: it needs no source."""
    lent: Sequence[str] = ()
    """Quotes of the steps that this one needs."""
    bounds: Sequence[str] = ()
    """Conditions of the queries that are cited: a result may say within which bounds its figures hold."""
    has_calls: bool = False
    """Observations were made for this step, so a result without claims is not enough."""


def plain(text: str) -> str:
    """For comparing: one form for each character, white space folded, letter case kept."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def citation(result: str, claims: Sequence[Claim], grounds: Grounds) -> Verdict:
    """Check the claims, then the result against them; the detail says what to mend."""
    observed = {call: plain(text) for call, text in grounds.observed.items()}
    faults = [fault for claim in claims if (fault := _claim_fault(claim, observed))]
    if not claims and grounds.has_calls:
        faults.append("the result cites nothing: add claims, each with a call and a quote from its output")
    quotes = [plain(c.quote) for c in claims if not _claim_fault(c, observed)]
    cited = {c.call: observed[c.call] for c in claims if c.call in observed}
    text = plain(_without_list_numbers(result))
    sources = [*quotes, *map(plain, grounds.lent), *map(plain, grounds.given)]
    faults += _unfounded_numbers(text, sources, grounds, cited)
    faults += _unquoted_names(text, sources, {c: grounds.observed[c] for c in cited})
    if faults:
        return Verdict("failed", "; ".join(faults))
    if not claims:
        return Verdict("passed", "the result states no number and rests on no observation")
    return Verdict(
        "passed", f"{len(claims)} quote{'s' if len(claims) > 1 else ''} found word for word, numbers accounted for"
    )


# -- quotes -----------------------------------------------------------------------------------------------------------


def _claim_fault(claim: Claim, observed: Mapping[CallId, str]) -> str:
    """What is wrong with a claim; empty when its quote stands."""
    quote = plain(claim.quote)
    if claim.call not in observed:
        known = ", ".join(list(observed)[-8:]) or "none"
        return f"there is no observation {claim.call!r} (there are: {known})"
    if not re.search(r"\w", quote):
        return f"the claim {claim.claim[:80]!r} has an empty quote"
    if not stands(quote, observed[claim.call]):
        return f"{claim.quote[:120]!r} does not stand in {claim.call}"
    return ""


def stands(quote: str, text: str) -> bool:
    """Whether `quote` stands in `text`, both plain, and not as a piece cut out of a number or a word."""
    place = text.find(quote)
    while place >= 0:
        if _whole(text, place, place + len(quote)):
            return True
        place = text.find(quote, place + 1)
    return False


_CUT_BEFORE = re.compile(r"(?:[\d_]|\d[.,]|(?<!\w)[-−])$")
"""What must not stand before a quote that begins with a digit: it would be the rest of a number, or one without its sign."""
_CUT_AFTER = re.compile(r"[\d_]|[.,]\d|\s?[万亿%]|[eE][-+]?\d")
_LETTER = re.compile(r"[A-Za-z]")


def _whole(text: str, start: int, end: int) -> bool:
    before, after, quote = text[max(0, start - 3) : start], text[end : end + 3], text[start:end]
    if quote[0].isdigit() and _CUT_BEFORE.search(before):
        return False
    if quote[-1].isdigit() and _CUT_AFTER.match(after):
        return False
    cut_word = bool(before) and _LETTER.match(quote) and _LETTER.match(before[-1])
    cut_word = cut_word or (bool(after) and _LETTER.match(quote[-1]) and _LETTER.match(after))
    return not (cut_word and len(quote) < 12)


# -- numbers ----------------------------------------------------------------------------------------------------------


def _without_list_numbers(result: str) -> str:
    """The text without the numbers that only number its lines: 1., 2., 3. in a row."""
    expected, lines = 1, list[str]()
    for line in result.splitlines():
        marker = re.match(r"\s*(\d{1,2})[.)]\s", line)
        if marker and int(marker[1]) in (1, expected):
            expected = int(marker[1]) + 1
            line = line[marker.end() :]  # noqa: PLW2901 - the line without its marker
        lines.append(line)
    return "\n".join(lines)


_BOUND = re.compile(
    r"(?:\b(?:in|from|to|until|till|through|before|after|over|under|above|below|between|and|since|than|least|most|where|first|"
    r"top|limit|on)|[至到从自在前大小晚早多少为]|不小于|不大于|条件|[-–=<>≤≥/])[^.;。；!?\d]{0,25}(?:\d{1,4}[-/年月])*$",
    re.IGNORECASE,
)
"""Words before a number that make it a bound of what is spoken of."""


def _unfounded_numbers(text: str, sources: Sequence[str], grounds: Grounds, cited: Mapping[CallId, str]) -> list[str]:
    """The numbers of the result that no source has."""
    known = [n for s in sources for n in numbers(s)] + [n for s in grounds.given for n in in_words(s)]
    bounds = [n for s in grounds.bounds for n in numbers(plain(s))]
    missing = [
        n for n in numbers(text)
        if not _among(n, known) and not (_BOUND.search(text[: n.start]) and _among(n, bounds))
    ]  # fmt: skip
    unquoted = {n.text: next((c for c, t in cited.items() if _among(n, numbers(t))), "") for n in missing}
    faults: list[str] = []
    nowhere = [n for n, call in unquoted.items() if not call]
    if nowhere:
        faults.append(f"the result has {', '.join(nowhere[:5])}, which no cited observation has")
    loose = [f"{n} ({call})" for n, call in unquoted.items() if call]
    if loose:
        faults.append(f"the result has {', '.join(loose[:5])}, which no quote has: quote the line it rests on")
    return faults


def _among(stated: Number, known: Iterable[Number]) -> bool:
    return any(says(stated, k) for k in known)


# -- names ------------------------------------------------------------------------------------------------------------

_CELLS = re.compile(r"\s*\|\s*|\t+|,(?! )|[,;]\s(?=\S)| {2,}")
_NAME = re.compile(r"(?=.*(?:[A-Z]|[\u3400-\u9fff]{2}))[^\W\d_].{1,58}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def _unquoted_names(text: str, sources: Sequence[str], cited: Mapping[CallId, str]) -> list[str]:
    """Names that the result took from rows of a table it cites without quoting those rows.

    A row is a line of several cells with a number among them. `West 37972.4` quoted does not carry a sentence on South.
    """
    quoted = " ".join(sources)
    found: dict[str, CallId] = {}
    for call, observation in cited.items():
        for name in _row_names(observation):
            if name not in found and _named(name, text) and not _named(name, quoted):
                found[name] = call
    if not found:
        return []
    shown = ", ".join(f"{name!r} ({call})" for name, call in list(found.items())[:5])
    return [f"the result names {shown}, which no quote has: quote the line it rests on"]


def _row_names(observation: str) -> list[str]:
    names: dict[str, None] = {}
    for line in unicodedata.normalize("NFKC", observation).splitlines():
        cells = [c.strip() for c in _CELLS.split(line.strip())]
        if len([c for c in cells if c]) < 2 or not any(re.fullmatch(r"[-+−]?[\d,.]+%?", c) for c in cells):
            continue
        names.update(dict.fromkeys(c for c in cells if _NAME.fullmatch(c)))
    return list(names)


def _named(name: str, text: str) -> bool:
    """Whether `name` stands in `text` as a word of its own."""
    name = plain(name)
    if _CHINESE.search(name):
        return name in text
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text) is not None
