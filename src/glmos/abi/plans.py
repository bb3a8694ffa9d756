"""Plans: steps, what each must fulfil, and how that is checked.

A check is fixed before the doing starts. The union `Check` is ordered here from cheap to dear,
which is the order the kernel runs them in.
"""

from typing import Any

from msgspec import Struct

from glmos.abi.grants import Grant
from glmos.abi.ids import CallId, StepId


class _Check(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", kw_only=True):
    pass


class PatternCheck(_Check, frozen=True, tag="pattern"):
    """The text of a file, or else the step's result, matches a regular expression (searched, not anchored)."""

    pattern: str
    path: str = ""
    absent: bool = False
    """True: the pattern must not occur."""


class FileCheck(_Check, frozen=True, tag="file"):
    """A file stands in the workspace and, if a format is named, parses as it."""

    path: str
    format: str = ""
    """`json`, `csv`, `xlsx`, `parquet`, `sqlite`, `png`, `pdf`, `python` (compiles), `text` (UTF-8), or empty."""
    min_bytes: int = 1


class SchemaCheck(_Check, frozen=True, tag="schema"):
    """A JSON file, or else the step's result, satisfies a JSON Schema (draft 2020-12)."""

    schema: dict[str, Any]
    path: str = ""


class NumberCheck(_Check, frozen=True, tag="number"):
    """A number within a tolerance. It is found in the step's result by `pattern` (first group, or first number),
    and compared with `equals`, or with what the SQL `sql` or the Python expression `python` gives."""

    pattern: str = ""
    equals: float | None = None
    sql: str = ""
    python: str = ""
    tolerance: float = 1e-6
    """Allowed relative difference."""


class CitationCheck(_Check, frozen=True, tag="citation"):
    """Every claim's quote really stands in the observation it names, and every number and every
    quoted name in the result is found in a cited observation or in the goal."""


class GoalCheck(_Check, frozen=True, tag="goal"):
    """What the goal itself says of files holds: those it asks for were made, and those that were given are as given
    unless it asks for a change of them. Added by the kernel; the doer has no say in it."""


class QueryCheck(_Check, frozen=True, tag="query"):
    """A query over the workspace's tables, run by a second engine.

    With `sql`, its rows must equal `equals`, or be non-empty when `equals` is None. Without `sql`, every `tables`
    query the result cites is run again by the other engine and must give the rows that were observed."""

    sql: str = ""
    equals: tuple[tuple[Any, ...], ...] | None = None
    agree: bool = False
    """Without `sql`: the cited queries are readings of one question. If they give different rows, which one was meant
    cannot be decided here."""


class PythonCheck(_Check, frozen=True, tag="python"):
    """Python code that ends without an exception, in a fresh sandboxed interpreter with the workspace as its folder."""

    code: str


class CommandCheck(_Check, frozen=True, tag="command"):
    """A shell command in the sandbox that exits with `exit_status`."""

    command: str
    exit_status: int = 0
    timeout: float = 120.0


class CriticCheck(_Check, frozen=True, tag="critic"):
    """A fresh model context judges result and evidence against a rubric, without the doer's reasoning. Run last."""

    rubric: str = ""


class StillCheck(_Check, frozen=True, tag="still"):
    """With every program of the process ended, the files are as the checks saw them, and what the checks of earlier steps
    found still holds. Added by the kernel; run after everything else."""


Check = (
    PatternCheck
    | FileCheck
    | SchemaCheck
    | NumberCheck
    | CitationCheck
    | GoalCheck
    | QueryCheck
    | PythonCheck
    | CommandCheck
    | CriticCheck
    | StillCheck
)

CHECK_ORDER: tuple[type[Check], ...] = (
    PatternCheck, FileCheck, SchemaCheck, NumberCheck, CitationCheck, GoalCheck, QueryCheck, PythonCheck, CommandCheck,
    CriticCheck, StillCheck,
)  # fmt: skip
"""From cheap to dear."""


class Step(Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing to achieve, what it needs, and how it will be known to be achieved."""

    id: StepId
    goal: str
    needs: tuple[StepId, ...] = ()
    checks: tuple[Check, ...] = ()
    grants: tuple[Grant, ...] = ()


class Claim(Struct, frozen=True, gc=False, omit_defaults=True):
    """A statement in a result, bound to the observation it rests on."""

    claim: str
    call: CallId
    quote: str
    """Text that stands word for word in the output of `call`."""
