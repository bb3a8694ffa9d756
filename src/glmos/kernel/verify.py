"""Checks that need nothing but text: patterns, schemas, numbers. Citations have a file of their own.

Each answers with an outcome and a sentence that says what was found, so that a failed check tells the doer what to
mend.
"""

from typing import Any, Literal, NamedTuple

import jsonschema
import msgspec
import regex

from glmos.abi.plans import NumberCheck, PatternCheck
from glmos.kernel.figures import numbers

PATIENCE = 2.0
"""Seconds that a pattern may take."""


class Verdict(NamedTuple):
    outcome: Literal["passed", "failed", "undecided"]
    detail: str = ""


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
