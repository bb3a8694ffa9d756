"""Checks that need nothing but text: patterns, schemas, numbers, citations.

Each answers with an outcome and a sentence that says what was found, so that a failed check tells the doer what to
mend.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jsonschema
import msgspec
import regex

from glmos.abi.ids import CallId
from glmos.abi.plans import Claim, NumberCheck, PatternCheck

PATIENCE = 2.0
"""Seconds that a pattern may take."""


class Verdict(NamedTuple):
    outcome: Literal["passed", "failed", "undecided"]
    detail: str = ""


_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?:(?<!\w)[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+(?![A-Za-z]))?"
)
"""A number; not the digits of a name such as `c3` or `Q4`."""
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9, "万": 1e4, "亿": 1e8}
_SCALED = re.compile(r"\s*(k|thousand|million|m|billion|bn|万|亿)(?![a-z])", re.IGNORECASE)


_LIST_MARKER = re.compile(r"(?m)^\s*\d{1,2}[.)]\s")
"""`1. `, `2) ` at the beginning of a line number the lines; they claim nothing."""


class Number(NamedTuple):
    """A number as written."""

    text: str
    value: float
    """With a following scale word applied."""
    precision: float
    """Half a unit of the last digit written, scaled: how far the true value may be off."""


def numbers(text: str) -> list[Number]:
    """The numbers in a text, thousands separators and scale words (`1.2 million`, `3万`) understood."""
    found: list[Number] = []
    for match in _NUMBER.finditer(text):
        written = match.group().replace(",", "").replace("−", "-")
        scale_word = _SCALED.match(text, match.end())
        scale = _SCALES[scale_word.group(1).lower()] if scale_word else 1.0
        mantissa = re.split("[eE]", written)[0]
        digits = len(mantissa.partition(".")[2])
        exponent = float("1" + written[len(mantissa) :]) if len(mantissa) < len(written) else 1.0
        found.append(Number(match.group(), float(written) * scale, 0.5 * 10.0**-digits * scale * exponent))
    return found


def _plain(text: str) -> str:
    """For comparing quotes: one form for each character, white space folded, letter case kept."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _search(wanted: str, text: str) -> regex.Match[str] | Verdict | None:
    """The first match. A pattern that a model wrote may take for ever, so it gets a bounded time."""
    try:
        return regex.search(wanted, text, regex.MULTILINE, timeout=PATIENCE)
    except TimeoutError:
        return Verdict("undecided", f"the pattern {wanted!r} takes longer than {PATIENCE:g} s: write a simpler one")


def pattern(check: PatternCheck, text: str, where: str) -> Verdict:
    found = _search(check.pattern, text)
    if isinstance(found, Verdict):
        return found
    if (found is not None) != check.absent:
        return Verdict("passed", f"{where} {'does not match' if check.absent else 'matches'} {check.pattern!r}")
    return Verdict("failed", f"{where} {'matches' if check.absent else 'does not match'} {check.pattern!r}")


def schema(wanted: dict[str, Any], text: str, where: str) -> Verdict:
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except msgspec.DecodeError as error:
        return Verdict("failed", f"{where} is not JSON: {error}")
    faults = [f"{f.json_path}: {f.message[:200]}" for f in jsonschema.Draft202012Validator(wanted).iter_errors(value)]
    return Verdict("failed", f"{where}: " + "; ".join(faults[:5])) if faults else Verdict("passed", f"{where} fits")


def number_in(check: NumberCheck, text: str) -> float | Verdict:
    """The number a check speaks of, or why there is none."""
    if check.pattern:
        match = _search(check.pattern, text)
        if isinstance(match, Verdict):
            return match
        if match is None:
            return Verdict("failed", f"the result has nothing that matches {check.pattern!r}")
        text = (match.group(1) or "") if match.re.groups else match.group()
    found = numbers(text)
    return found[0].value if found else Verdict("failed", f"there is no number in {text[:100]!r}")


def number(check: NumberCheck, text: str, expected: float) -> Verdict:
    value = number_in(check, text)
    if isinstance(value, Verdict):
        return value
    if abs(value - expected) <= check.tolerance * max(1.0, abs(expected)):
        return Verdict("passed", f"{value:g} is {expected:g} within {check.tolerance:g}")
    return Verdict("failed", f"the result says {value:g}, it should be {expected:g} within {check.tolerance:g}")


def citation(
    result: str, claims: Sequence[Claim], observed: Mapping[CallId, str], given: Iterable[str], *, has_calls: bool
) -> Verdict:
    """Does what the result says stand where it says?

    `observed`: the whole text of each observation of this process. `given`: what needs no source (the goal, results of
    steps already checked). `has_calls`: observations were made for this step, so a result without claims is not enough.
    """
    plain = {call: _plain(text) for call, text in observed.items()}
    faults: list[str] = []
    for claim in claims:
        if claim.call not in observed:
            known = ", ".join(list(observed)[-8:]) or "none"
            faults.append(f"there is no observation {claim.call!r} (there are: {known})")
        elif not _plain(claim.quote):
            faults.append(f"the claim {claim.claim[:80]!r} has an empty quote")
        elif _plain(claim.quote) not in plain[claim.call]:
            faults.append(f"{claim.quote[:120]!r} does not stand in {claim.call}")
    if not claims and has_calls:
        faults.append("the result cites nothing: add claims, each with a call and a quote from its output")
    sources = [plain[c.call] for c in claims if c.call in plain] + [_plain(g) for g in given]
    unfounded = _unfounded(_plain(_LIST_MARKER.sub("", result)), sources)
    if unfounded:
        faults.append(f"the result has {', '.join(unfounded[:5])}, which no cited observation has")
    if faults:
        return Verdict("failed", "; ".join(faults))
    if not claims:
        return Verdict("passed", "the result states no number and rests on no observation")
    return Verdict(
        "passed", f"{len(claims)} quote{'s' if len(claims) > 1 else ''} found word for word, numbers accounted for"
    )


def _unfounded(result: str, sources: Sequence[str]) -> list[str]:
    """The numbers of the result that none of the sources has, rounding and percent allowed."""
    known = [n.value for s in sources for n in numbers(s)]
    missing: list[str] = []
    for found in numbers(result):
        near = max(found.precision, abs(found.value) * 1e-9) * (1 + 1e-9)
        percent = any(abs(100 * k - found.value) <= near for k in known)
        if not percent and not any(abs(k - found.value) <= near or abs(-k - found.value) <= near for k in known):
            missing.append(found.text)
    return missing
