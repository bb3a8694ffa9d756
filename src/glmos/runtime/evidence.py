"""What a process has observed, and so may cite."""

from collections.abc import Sequence

from glmos.abi import events as e
from glmos.abi.ids import CallId, StepId
from glmos.abi.plans import Claim
from glmos.kernel.citation import Grounds, plain, stands
from glmos.kernel.process import Process
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole
from glmos.runtime.parts import Parts


async def observations(log: ProcessLog, parts: Parts) -> dict[CallId, str]:
    """The whole text of everything the process has observed and may cite; what was undone is not among it."""
    found: dict[CallId, str] = {}
    for entry in log.entries:
        event = entry.event
        if isinstance(event, e.ToolFinished) and event.failure is None and not log.state.calls[event.call].undone:
            files = f"\nfiles: {', '.join(event.files)}" if event.files else ""
            found[event.call] = await whole(parts.store, event.output) + files
        elif isinstance(event, e.ToolProbed) and event.outcome == "happened":
            found[event.call] = f"interrupted, but it took effect: {event.detail}"
        elif isinstance(event, e.CallAnswered) and event.name in ("ask", "wait"):
            found[event.call] = event.text
    return found


async def grounds(log: ProcessLog, parts: Parts, step: StepId) -> Grounds:
    """What the result of `step` may rest on."""
    p = log.state
    observed = await observations(log, parts)
    return Grounds(
        observed=observed,
        given=[p.goal, *(f.name for f in p.files), *_answers(log)],
        lent=[
            c.quote for c in _lent(p, step) if c.call in observed and stands(plain(c.quote), plain(observed[c.call]))
        ],
        bounds=_conditions(p, p.steps[step].claims),
        has_calls=any(c.step == step and c.call in observed for c in p.calls.values()),
    )


def _answers(log: ProcessLog) -> list[str]:
    """What the person said when asked."""
    return [x.event.text for x in log.entries if isinstance(x.event, e.CallAnswered) and x.event.name == "ask"]


def _lent(p: Process, step: StepId) -> list[Claim]:
    """The claims of the steps that `step` needs. Their results are the doer's words; what they quote was read."""
    found = p.find(step)
    return [c for need in (found.needs if found else ()) for c in p.steps[need].claims]


def _conditions(p: Process, claims: Sequence[Claim]) -> list[str]:
    """What the cited queries compare columns with."""
    calls = [p.calls[c] for c in dict.fromkeys(x.call for x in claims) if c in p.calls]
    queries = [str(c.arguments.get("sql", "")) for c in calls if c.tool == "tables" and c.action == "query"]
    return [text for sql in queries for text in _compared(sql)]


def _compared(sql: str) -> list[str]:
    """The literals that a statement compares columns with, and its limit; nothing of what it selects."""
    import sqlglot
    from sqlglot import errors, exp

    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except (errors.SqlglotError, RecursionError):
        return []
    found: list[str] = []
    for test in tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In):
        if test.find(exp.Column) is not None and test.find_ancestor(exp.Where, exp.Having, exp.Join, exp.Filter):
            found += [x.name for x in test.find_all(exp.Literal)]
    return found + [x.expression.name for x in tree.find_all(exp.Limit) if isinstance(x.expression, exp.Literal)]
