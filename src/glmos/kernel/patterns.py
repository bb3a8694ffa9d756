r"""Patterns and schemas that a model wrote: whether they may be tried, and where.

A pattern of thirty characters, `((((a?){99}){99}){99}){99}`, asks for more memory than there is already when it is compiled.
So it is looked at as text first. What is refused here is never compiled; what is `simple` may be searched for in this
process; the rest is applied in the sandbox, where time and memory are bounded.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import jsonschema
import regex

LONGEST = 2_000
"""Characters of a pattern."""
LARGEST = 10_000
"""Elements of a pattern with every counted repetition written out."""
SHORT_TEXT = 10_000
"""Characters of a text in which even a clumsy simple pattern is found or not within a moment."""
MOST_SCHEMA = 1_000
"""Values in a schema: to compare them all with each other must stay cheap."""
DEEPEST_SCHEMA = 40


class Shape(NamedTuple):
    """A pattern, looked at as text."""

    size: int
    """Elements, every counted repetition written out."""
    simple: bool
    """No repeated group, nothing that looks around, back, or at itself, and at most one repetition without a bound."""


_ATOM = re.compile(
    r"\\(?:[pPNxuU]\{[^}]*\}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<least>\d*)(?P<to>,?)(?P<most>\d*)\}|(?P<other>.)",
    re.DOTALL,
)
_RECURSIVE = re.compile(r"\(\?(?:R\)|\d+\)|[+-]\d+\)|&|P>)")
_SPECIAL = re.compile(r"\(\?(?!:)|\\[1-9gkKLGXR]|\[\[|\(\*|(?<!\\[pPNxuU])\{[^}\d,]")


def shape(pattern: str) -> Shape:
    """Sizes are upper bounds; what is not understood is not simple."""
    groups: list[float] = [0.0]
    last, unbounded, repeated = 0.0, 0, False
    closed = False  # the last element was a group
    for found in _ATOM.finditer(pattern):
        token = found["other"]
        if found["least"] is not None and (found["least"] or found["most"]):
            most = found["most"] or (found["least"] if not found["to"] else "")
            unbounded += not most
            times = float((most or found["least"] or "1")[:12])
            groups[-1] += last * max(times - 1.0, 0.0)
            last *= max(times, 1.0)
            repeated |= closed
        elif token in ("*", "+", "?"):
            unbounded += token != "?"
            repeated |= closed
        elif token == "(":
            groups.append(0.0)
            closed = False
        elif token == ")" and len(groups) > 1:
            last = groups.pop() + 1.0
            groups[-1] += last
            closed = True
        else:
            last, closed = 1.0, False
            groups[-1] += 1.0
    size = int(min(sum(groups), 1e15))
    return Shape(size, not repeated and unbounded <= 1 and _SPECIAL.search(pattern) is None)


def pattern_fault(pattern: str) -> str:
    """Why a pattern is refused; empty when it is a regular expression that may be tried."""
    if len(pattern) > LONGEST:
        return f"the pattern is longer than {LONGEST} characters"
    if _RECURSIVE.search(pattern):
        return f"the pattern {pattern[:200]!r} refers to itself"
    if shape(pattern).size > LARGEST:
        return f"the pattern {pattern[:200]!r} repeats too much: written out it has more than {LARGEST:,} elements"
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        return f"the pattern {pattern[:200]!r} is not a regular expression ({error})"
    return ""


def is_quick(pattern: str, text: str) -> bool:
    """It may be searched for in this process."""
    return len(text) <= SHORT_TEXT and shape(pattern).simple


def schema_fault(schema: dict[str, Any]) -> str:
    """Why a schema is refused; empty when it is a JSON Schema that may be tried (never in this process)."""
    for count, depth in enumerate(_depths(schema, 1)):
        if count >= MOST_SCHEMA or depth > DEEPEST_SCHEMA:
            return f"the schema has more than {MOST_SCHEMA:,} values or is nested deeper than {DEEPEST_SCHEMA}"
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return f"the schema is not a JSON Schema ({error.message[:200]})"
    return ""


def _depths(value: Any, depth: int) -> Iterator[int]:
    """How deep each value in `value` lies; it ends below `DEEPEST_SCHEMA`."""
    yield depth
    if depth > DEEPEST_SCHEMA:
        return
    inner = cast("list[Any]", list(value.values()) if isinstance(value, dict) else value)
    for each in inner if isinstance(value, dict | list) else ():
        yield from _depths(each, depth + 1)
