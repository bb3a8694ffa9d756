"""Questions that are answered without linking words to tables: sums, and questions about the files themselves.

The driver asks here first. A reply is a list of calls, as the driver's are; None leaves the question to the tables.
"""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from glmos.models.nano import answer, files, sums

Calls = list[tuple[str, dict[str, Any]]]


class Exchange(Protocol):
    """A call made earlier in the conversation and what it gave."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> dict[str, Any]: ...
    @property
    def turn(self) -> int: ...


def reply(goal: str, past: Sequence[Exchange], *, empty: bool, again_after: int) -> Calls | None:
    """The next calls. `empty`: no file was given. Queries before turn `again_after` do not count: the person said go on."""
    read = sums.read(goal, alone=empty)
    if read is None:
        return None
    if isinstance(read, sums.Declined):
        return [("give_up", {"reason": f"the bundled nano model cannot answer this: {read.reason}"})]
    asked = sums.sql(read)
    ran = next((x for x in reversed(past) if _sql(x) == asked and x.turn >= again_after), None)
    if ran is None:
        return [*_plan(goal, past), ("tables", {"action": "query", "sql": asked})]
    if any(x.name == "finish" and x.turn > ran.turn for x in past):
        return [("give_up", {"reason": "the sum did not pass the checks"})]
    rows = ran.data.get("rows")
    if not rows:
        return [("give_up", {"reason": f"the sum could not be worked out: {ran.text.partition('] ')[2]}"})]
    worded = sums.word(read, rows[0])
    if worded is None:
        return [("give_up", {"reason": "the engine works the sum out to something else than it comes to"})]
    seen = answer.Observed(ran.text.partition("] ")[0].lstrip("["), ran.text.partition("] ")[2], [], rows)
    claim = {"claim": worded.splitlines()[0], "call": seen.call, "quote": answer.quoted(seen, 0).strip()}
    return [("finish", {"result": worded, "claims": [claim]})]


def about_files(goal: str, found: Exchange, past: Sequence[Exchange], *, again_after: int) -> Calls | None:
    """The next calls once `tables.find` told of the files in `found`; None when the goal asks nothing of them."""
    listing = found.data.get("listing")
    read = files.read(goal, listing, found.data.get("tables", [])) if listing else None
    if read is None and listing and not found.data.get("tables"):
        why = "it is not sure what is asked of the files (put words to search for in quotation marks), and no file is a table"
        return [("give_up", {"reason": f"the bundled nano model cannot answer this: {why}"})]
    if read is None:
        return None
    if isinstance(read, files.Declined):
        return [("give_up", {"reason": f"the bundled nano model cannot answer this: {read.reason}"})]
    ran = next((x for x in reversed(past) if _sql(x) == read.sql and x.turn >= again_after), None)
    if ran is None:
        return [("tables", {"action": "query", "sql": read.sql})]
    if any(x.name == "finish" and x.turn > ran.turn for x in past):
        return [("give_up", {"reason": "the answer did not pass the checks"})]
    if "rows" not in ran.data:
        return [("give_up", {"reason": f"the files could not be listed: {ran.text.partition('] ')[2]}"})]
    seen = answer.Observed(ran.text.partition("] ")[0].lstrip("["), ran.text.partition("] ")[2], [], ran.data["rows"])
    worded = files.word(read, goal, seen.rows, ran.data.get("left_out", {}))
    claims = [
        {
            "claim": line,
            "call": seen.call,
            "quote": _note(seen) if place is None else answer.quoted(seen, place).strip(),
        }
        for line, place in worded.lines
    ]
    return [("finish", {"result": worded.text, "claims": claims})]


def _note(seen: answer.Observed) -> str:
    """What the output says of what was left out, or how many rows there are."""
    lines = seen.text.splitlines()
    return next((line for line in reversed(lines) if line.startswith(("Note on ", "("))), seen.text[:200])


def _plan(goal: str, past: Sequence[Exchange]) -> Calls:
    """One step, whose checks are fixed before anything is looked at; nothing when it stands already."""
    if any(x.name == "plan" for x in past):
        return []
    checks = [{"kind": "query", "agree": True}, {"kind": "pattern", "pattern": r"\d"}]
    return [("plan", {"steps": [{"id": "answer", "goal": goal, "checks": checks}]})]


def _sql(exchange: Exchange) -> str:
    if exchange.name != "tables" or '"query"' not in exchange.arguments:
        return ""
    return str(json.loads(exchange.arguments).get("sql", ""))
