"""Checks that need nothing but text: patterns, numbers. Citations have a file of their own.

Each answers with an outcome and a sentence that says what was found, so that a failed check tells the doer what to
mend.
"""

from typing import Literal, NamedTuple

import regex

from glmos.abi.ids import StepId
from glmos.abi.plans import NumberCheck, PatternCheck
from glmos.kernel.figures import numbers

PATIENCE = 2.0
"""Seconds that a pattern may take."""


class Verdict(NamedTuple):
    outcome: Literal["passed", "failed", "undecided"]
    detail: str = ""
    blames: StepId = ""
    """The earlier step that no longer holds, if that is what was found."""


class Found(NamedTuple):
    """What a search for a pattern gave."""

    text: str | None
    """The first group, or what matched when there is none; None: nothing matches."""


def search(pattern: str, text: str) -> Found | Verdict:
    """The first match, of a pattern that `patterns.is_quick`. It gets a bounded time all the same."""
    try:
        match = regex.search(pattern, text, regex.MULTILINE, timeout=PATIENCE)
    except TimeoutError:
        return too_slow(pattern)
    if match is None:
        return Found(None)
    return Found((match.group(1) or "") if match.re.groups else match.group())


def too_slow(pattern: str) -> Verdict:
    return Verdict("undecided", f"the pattern {pattern[:200]!r} takes too long or too much memory: write a simpler one")


def pattern(check: PatternCheck, found: Found, where: str) -> Verdict:
    if (found.text is not None) != check.absent:
        return Verdict("passed", f"{where} {'does not match' if check.absent else 'matches'} {check.pattern!r}")
    return Verdict("failed", f"{where} {'matches' if check.absent else 'does not match'} {check.pattern!r}")


def number(check: NumberCheck, found: Found, expected: float) -> Verdict:
    """`found`: what the check's pattern matches, or the whole result when it has none."""
    if found.text is None:
        return Verdict("failed", f"the result has nothing that matches {check.pattern!r}")
    said = numbers(found.text)
    if not said:
        return Verdict("failed", f"there is no number in {found.text[:100]!r}")
    value = said[0].value
    if abs(value - expected) <= check.tolerance * max(1.0, abs(expected)):
        return Verdict("passed", f"{value:g} is {expected:g} within {check.tolerance:g}")
    return Verdict("failed", f"the result says {value:g}, it should be {expected:g} within {check.tolerance:g}")
