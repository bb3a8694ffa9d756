"""Does what a result says stand where it says?

A claim binds a statement to a quote. The quote must stand in the observation it names, and whatever the result states as
a number, or names from a row of a table, must stand in a quote: an observation may hold a thousand numbers, and all but
one of them would be wrong. What was read is a necessary ground for a result, not yet a sufficient one: whether the right
rows were added up is for other checks (see design/09-verified-done.md).
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from glmos.abi.ids import CallId
from glmos.abi.plans import Claim
from glmos.kernel.figures import Known, Number, in_words, numbers
from glmos.kernel.verify import Verdict


class Grounds(NamedTuple):
    """What a result may rest on."""

    observed: Mapping[CallId, str]
    """The whole text of each observation of this process."""
    given: Sequence[str] = ()
    """What the person said: it needs no source."""
    lent: Sequence[Claim] = ()
    """Claims of the steps that this one needs: their results are the doer's words, what they quote was read."""
    bounds: Sequence[str] = ()
    """Conditions of the queries that are cited: a result may say within which bounds its figures hold."""
    withdrawn: Mapping[CallId, str] = {}
    """Why nothing more, or nothing at all, may be quoted from a call: it failed, it was undone, its child is not done."""
    own: Mapping[CallId, Mapping[float, str]] = {}
    """Numbers of an observation that the doer had put there itself, and how that shows: said by it, not seen."""
    echoes: Mapping[tuple[CallId, str], str] = {}
    """Quotes, plain, in which the doer only hears itself, and how that shows."""
    unsure: Sequence[str] = ()
    """What could not be found out about what is quoted: it decides nothing against the result, and nothing for it."""
    has_calls: bool = False
    """Observations were made for this step, so a result without claims is not enough."""


def plain(text: str) -> str:
    """For comparing: one form for each character, white space folded, letter case kept."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def citation(result: str, claims: Sequence[Claim], grounds: Grounds) -> Verdict:
    """Check the claims, then the result against them; the detail says what to mend."""
    observed = {call: plain(text) for call, text in grounds.observed.items()}
    faults = [fault for claim in claims if (fault := _claim_fault(claim, observed, grounds))]
    if not claims and grounds.has_calls:
        faults.append("the result cites nothing: add claims, each with a call and a quote from its output")
    sound = [c for c in (*claims, *grounds.lent) if not _claim_fault(c, observed, grounds)]
    text = plain(_without_list_numbers(result))
    faults += _number_faults(text, sound, observed, grounds)
    faults += _name_faults(text, sound, grounds)
    if faults:
        return Verdict("failed", "; ".join(faults))
    if grounds.unsure:
        return Verdict("undecided", "; ".join(grounds.unsure[:5]))
    if not claims:
        return Verdict("passed", "the result states no number and rests on no observation")
    return Verdict(
        "passed", f"{len(claims)} quote{'s' if len(claims) > 1 else ''} found word for word, numbers accounted for"
    )


# -- quotes -----------------------------------------------------------------------------------------------------------


def _claim_fault(claim: Claim, observed: Mapping[CallId, str], grounds: Grounds) -> str:
    """What is wrong with a claim; empty when its quote stands."""
    quote, why = plain(claim.quote), grounds.withdrawn.get(claim.call, "")
    if claim.call not in observed:
        known = ", ".join(list(observed)[-8:]) or "none"
        return f"nothing can be quoted from {claim.call}: {why}" if why else (
            f"there is no observation {claim.call!r} (there are: {known})"
        )  # fmt: skip
    if not re.search(r"\w", quote):
        return f"the claim {claim.claim[:80]!r} has an empty quote"
    if not stands(quote, observed[claim.call]):
        return f"{claim.quote[:120]!r} does not stand in {claim.call}{f' ({why})' if why else ''}"
    if why := grounds.echoes.get((claim.call, quote)):
        return f"{claim.quote[:120]!r} in {claim.call} is your own wording ({why}): quote what a file or a program says"
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
_SPOKEN = 120
"""Characters before a number in which such words stand."""


def _number_faults(text: str, claims: Sequence[Claim], observed: Mapping[CallId, str], grounds: Grounds) -> list[str]:
    """The numbers of the result that no source has, and where they stand instead."""
    said = [(c.call, n) for c in claims for n in numbers(plain(c.quote))]
    seen = [(call, n) for call, n in said if n.value not in grounds.own.get(call, ())]
    given = [("", n) for s in grounds.given for n in (*numbers(plain(s)), *in_words(s))]
    quoted, known = Known(said), Known([*seen, *given])
    bounds = Known(("", n) for s in grounds.bounds for n in numbers(plain(s)))
    elsewhere: Known | None = None  # a whole observation may be long, and is read only when something is missing
    nowhere, loose, own = list[str](), list[str](), list[str]()
    for n in numbers(text):
        before = text[max(0, n.start - _SPOKEN) : n.start]
        if known.where(n) is not None or (bounds.where(n) is not None and _BOUND.search(before)):
            continue
        if elsewhere is None:
            elsewhere = Known((c, x) for c in dict.fromkeys(c.call for c in claims) for x in numbers(observed[c]))
        if call := quoted.where(n):
            own.append(f"{n.text} ({call}: {_why(n, grounds.own[call])})")
        elif call := elsewhere.where(n):
            loose.append(f"{n.text} ({call})")
        else:
            nowhere.append(n.text)
    faults: list[str] = []
    if nowhere:
        faults.append(f"the result has {_some(nowhere)}, which no cited observation has")
    if loose:
        faults.append(f"the result has {_some(loose)}, which no quote has: quote the line it rests on")
    if own:
        faults.append(f"the result has {_some(own)}, which was not read: {OWN_WORDS}")
    return faults


OWN_WORDS = "have it come out of a call that reads what was given and does not itself contain it"


def _why(stated: Number, own: Mapping[float, str]) -> str:
    return next((why for value, why in own.items() if abs(value - stated.value) <= abs(value)), "your own words")


def _some(found: Sequence[str]) -> str:
    return ", ".join(list(dict.fromkeys(found))[:5])


# -- names ------------------------------------------------------------------------------------------------------------

_CELLS = re.compile(r"\s*\|\s*|\t+|,(?! )|[,;]\s(?=\S)| {2,}")
_NAME = re.compile(r"(?=.*(?:[A-Z]|[\u3400-\u9fff]{2}))[^\W\d_].{1,58}")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def _name_faults(text: str, claims: Sequence[Claim], grounds: Grounds) -> list[str]:
    """Names that the result took from rows of a table it cites without quoting those rows.

    A row is a line of several cells with a number among them. `West 37972.4` quoted does not carry a sentence on South.
    """
    quoted = " ".join(map(plain, (*(c.quote for c in claims), *grounds.given)))
    found: dict[str, CallId] = {}
    for call in dict.fromkeys(c.call for c in claims):
        for name in _row_names(grounds.observed[call]):
            if name not in found and _named(name, text) and not _named(name, quoted):
                found[name] = call
    if not found:
        return []
    shown = _some([f"{name!r} ({call})" for name, call in found.items()])
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
    if name not in text or _CHINESE.search(name):
        return name in text
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text) is not None
