"""Checking a submitted step by other means than its doer.

What text alone can decide is decided in the kernel (`verify`); what must be run is run in the sandbox in a fresh process
over a workspace it cannot write to; a critic is asked last. A check that cannot be carried out decides nothing: it is
`undecided`, never a pass.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Any, Literal

import anyio.to_thread
import msgspec

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi import plans as a
from glmos.abi.api import Progress
from glmos.abi.budgets import Usage
from glmos.abi.errors import GlmosError
from glmos.abi.ids import CallId
from glmos.abi.tools import ToolCall
from glmos.kernel import verify
from glmos.kernel.citation import Grounds, citation
from glmos.kernel.patterns import is_quick
from glmos.kernel.process import Process
from glmos.kernel.report import check_kind
from glmos.kernel.verify import Found, Verdict
from glmos.ports import Finished
from glmos.runtime.check_scripts import ASSERTION_SCRIPT, FORMAT_SCRIPT, SCHEMA_SCRIPT, SEARCH_SCRIPT
from glmos.runtime.clean_room import CleanRoom
from glmos.runtime.control import Control
from glmos.runtime.evidence import grounds
from glmos.runtime.given import judge_goal
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import shorten, whole, whole_data
from glmos.runtime.parts import Parts
from glmos.runtime.provenance import with_own_words
from glmos.runtime.spending import refusal, tool_call
from glmos.runtime.still import could_change_files, judge_still
from glmos.runtime.work_critic import criticise

SCHEMA_SECONDS = 20.0
SEARCH_SECONDS = 10.0
DETAIL = 2_000
"""Characters of what a check found that are kept."""


async def run_check(log: ProcessLog, parts: Parts, effect: f.RunCheck) -> None:
    """Carry out `RunCheck`: `CheckStarted`, then exactly one `CheckFinished`; or a refusal by the budget."""
    p = log.state
    kind = check_kind(effect.check)
    parts.progress(Progress(p.pid, "phase", f"check {kind}", step=effect.step))
    if isinstance(effect.check, a.CriticCheck):
        await criticise(log, parts, effect, effect.check)
        return
    check, key = _Check(log, parts, effect.step), f"k{effect.step}/{effect.index}"
    need = check.worst_case(effect.check)
    short = parts.ledger.hold(p.pid, key, need)
    if short is not None:
        log.note(refusal(short, f"a {kind} check"))
        return
    first = all(c.outcome == "open" for c in p.steps[effect.step].checks)
    try:
        snapshot = await parts.workspaces.save(p.pid) if first and could_change_files(p) else ""
        if log.state.steps.get(effect.step) is not p.steps[effect.step]:
            return  # opened again meanwhile: there is nothing to check
        log.note(e.CheckStarted(effect.step, effect.index, need, snapshot=snapshot))
    finally:
        parts.ledger.release(p.pid, key)  # from here on the event itself reserves
    if need != Usage():
        await log.flush()
    parts.crash_point("check.after_start")
    verdict: Verdict | None = None
    try:
        try:
            with parts.timekeeper.limit(p.pid):
                verdict = await check.run(effect.check)
        except GlmosError as error:
            verdict = Verdict("undecided", str(error))
        except Exception as error:
            # The boundary: a check that met a bug decides nothing, and the process is not lost for it.
            verdict = Verdict("undecided", f"the {kind} check broke: {type(error).__name__}: {error}")
        if verdict is None:
            log.note(parts.timekeeper.refusal(p.pid, f"a {kind} check"))  # it is run again if the process goes on
            return
        detail = shorten(verdict.detail, DETAIL)
        parts.crash_point("check.before_receipt")
        log.note(e.CheckFinished(effect.step, effect.index, kind, verdict.outcome, detail, check.used, verdict.blames))
    finally:
        check.control.release()  # what was repeated is booked by the receipt


LONG = 200_000
"""Characters of observations that are read in a thread, so that nobody else waits for it."""


class _Check:
    """One check of one step."""

    def __init__(self, log: ProcessLog, parts: Parts, step: str) -> None:
        self.log = log
        self.parts = parts
        self.p: Process = log.state
        self.step = step
        self.state = self.p.steps[step]
        self.room = CleanRoom(parts, self.p, log.first_snapshot)
        self.used = Usage()
        self.control = Control(log, parts)

    def worst_case(self, check: a.Check) -> Usage:
        """The calls of tools that it may make."""
        count = 0
        if isinstance(check, a.QueryCheck):
            count = 1 if check.sql else len(self._cited_queries())
        elif isinstance(check, a.NumberCheck):
            count = int(check.equals is None and bool(check.sql))
        each = tool_call(self.parts, "tables")
        return Usage(usd=each.usd * count, tool_calls=count)

    async def run(self, check: a.Check) -> Verdict:
        match check:
            case a.PatternCheck():
                where, text = await self._subject(check.path)
                found = text if isinstance(text, Verdict) else await self._search(check.pattern, text)
                return found if isinstance(found, Verdict) else verify.pattern(check, found, where)
            case a.SchemaCheck():
                where, text = await self._subject(check.path)
                return text if isinstance(text, Verdict) else await self._schema(check, text, where)
            case a.FileCheck():
                return await self._file(check)
            case a.NumberCheck():
                return await self._number(check)
            case a.CitationCheck():
                return await self._citation()
            case a.GoalCheck():
                return await judge_goal(self.log, self.parts, self.step)
            case a.QueryCheck():
                return await self._query(check)
            case a.PythonCheck():
                return await self._python(check.code)
            case a.CommandCheck():
                return await self._command(check)
            case a.StillCheck():
                return await judge_still(self.log, self.parts, self.step, self._rerun)
            case a.CriticCheck():
                raise AssertionError("a critic is asked in run_check")

    async def _rerun(self, step: str, check: a.Check) -> Verdict:
        return await _Check(self.log, self.parts, step).run(check)

    async def _python(self, code: str) -> Verdict:
        token = secrets.token_hex(16)

        def judge(done: Finished) -> Verdict:
            if done.status == 0 and not done.stdout.endswith(token.encode()):
                return Verdict("failed", "the check's code was ended from outside before it was through")
            return _by_status(done, 0, "the check's code")

        argv = ["python", "-P", "-W", "ignore", "-c", ASSERTION_SCRIPT, code]
        return await self.room.decide(argv, judge, stdin=token.encode())

    async def _command(self, check: a.CommandCheck) -> Verdict:
        def judge(done: Finished) -> Verdict:
            verdict = _by_status(done, check.exit_status, repr(check.command))
            if verdict.outcome == "passed" and check.exit_status == 0 and (why := _tested_nothing(check.command, done)):
                return Verdict("failed", f"{check.command!r} {why}")
            return verdict

        return await self.room.decide(["/bin/sh", "-c", check.command], judge, seconds=check.timeout)

    async def _subject(self, path: str) -> tuple[str, str | Verdict]:
        """The text a check is about, and how to call it."""
        if not path:
            return "the result", await whole(self.parts.store, self.state.result)
        return f"the file {path!r}", await anyio.to_thread.run_sync(self.room.text, path)

    async def _file(self, check: a.FileCheck) -> Verdict:
        path = check.path.removeprefix("/workspace/")
        done = await self.room.run(["python", "-I", "-c", FORMAT_SCRIPT, path, check.format, str(check.min_bytes)])
        if done.status == 0:
            return Verdict("passed", done.stdout.decode("utf-8", "replace").strip())
        if done.status == 3:
            return Verdict("failed", done.stdout.decode("utf-8", "replace").strip())
        return Verdict("undecided", f"the file {check.path!r} could not be looked at: {_tail(done)}")

    async def _search(self, pattern: str, text: str) -> Found | Verdict:
        """The first match; in the sandbox when time and memory have to be bounded from outside."""
        if is_quick(pattern, text):
            return verify.search(pattern, text)
        given = msgspec.json.encode({"pattern": pattern, "text": text, "seconds": verify.PATIENCE})
        done = await self.room.run(["python", "-I", "-c", SEARCH_SCRIPT], stdin=given, seconds=SEARCH_SECONDS)
        if done.status == 3 or done.stopped_by:
            return verify.too_slow(pattern)
        if done.status != 0:
            return Verdict("undecided", f"the pattern {pattern[:200]!r} could not be applied: {_last_line(done)}")
        return Found(msgspec.json.decode(done.stdout, type=str | None))

    async def _schema(self, check: a.SchemaCheck, text: str, where: str) -> Verdict:
        """In the sandbox: a schema may refer to other addresses, loop, or hold patterns without end."""
        given = msgspec.json.encode({"schema": check.schema, "text": text})
        done = await self.room.run(["python", "-I", "-c", SCHEMA_SCRIPT], stdin=given, seconds=SCHEMA_SECONDS)
        said = done.stdout.decode("utf-8", "replace").strip()
        if done.status == 0:
            return Verdict("passed", f"{where} fits the schema")
        if done.status == 3:
            return Verdict("failed", f"{where}: {said}")
        return Verdict("undecided", f"the schema could not be applied to {where}: {_last_line(done)}")

    async def _number(self, check: a.NumberCheck) -> Verdict:
        text = await whole(self.parts.store, self.state.result)
        found = await self._search(check.pattern, text) if check.pattern else Found(text)
        if isinstance(found, Verdict):
            return found
        if check.equals is not None:
            return verify.number(check, found, check.equals)
        if check.sql:
            rows = await self._rows(check.sql, "duckdb")
            if isinstance(rows, Verdict):
                return rows
            values = [v for row in rows for v in row if isinstance(v, int | float) and not isinstance(v, bool)]
            if len(values) != 1:
                return Verdict("failed", f"{check.sql!r} gives {len(values)} numbers where one is wanted")
            return verify.number(check, found, float(values[0]))
        return await self._computed(check, found)

    async def _computed(self, check: a.NumberCheck, found: Found) -> Verdict:
        def judge(done: Finished) -> Verdict:
            printed = done.stdout.decode("utf-8", "replace").split()
            if done.status != 0 or not printed:
                return Verdict("failed", f"{check.python!r} cannot be computed: {_tail(done)}")
            try:
                return verify.number(check, found, float(printed[-1]))
            except ValueError:
                return Verdict("failed", f"{check.python!r} gives no number: {_tail(done)}")

        argv = ["python", "-P", "-W", "ignore", "-c", f"print(float({check.python}))"]
        return await self.room.decide(argv, judge)

    async def _citation(self) -> Verdict:
        result, claims = await whole(self.parts.store, self.state.result), self.state.claims
        found = await grounds(self.log, self.parts, self.step)
        verdict = await _cited(result, claims, found)
        if verdict.outcome != "passed":
            return verdict
        found = await with_own_words(self.control, result, claims, found)
        self.used += Usage(tool_calls=self.control.made)
        return await _cited(result, claims, found)

    async def _query(self, check: a.QueryCheck) -> Verdict:
        from glmos.tools.tables import same_rows

        if check.sql:
            return await self._query_equals(check.sql, check.equals)
        cited = self._cited_queries()
        if not cited:
            return Verdict("failed", "the result cites no query of `tables`, so there is none to run again")
        rows: list[list[list[Any]]] = []
        for call in cited:
            verdict = await self._again(call, rows)
            if verdict.outcome != "passed":
                return verdict
        if check.agree and any(not same_rows(rows[0], other, ordered=False) for other in rows[1:]):
            return Verdict(
                "undecided",
                f"the question can be read in {len(cited)} ways that give different rows: {', '.join(cited)}",
            )
        return Verdict("passed", f"a second engine gave the same rows for {', '.join(cited)}")

    def _cited_queries(self) -> list[CallId]:
        return [c for c in dict.fromkeys(x.call for x in self.state.claims) if self._is_query(c)]

    def _is_query(self, call: CallId) -> bool:
        found = self.p.calls.get(call)
        return found is not None and found.tool == "tables" and found.action == "query"

    async def _again(self, call: CallId, given: list[list[list[Any]]]) -> Verdict:
        """Run a cited query by the other engine and compare the rows, which are added to `given`."""
        from glmos.tools.tables import same_rows

        receipt = next(
            x.event for x in reversed(self.log.entries) if isinstance(x.event, e.ToolFinished) and x.event.call == call
        )
        data = await whole_data(self.parts.store, receipt.data)
        sql = str(self.p.calls[call].arguments.get("sql", ""))
        rows = await self._rows(sql, "sqlite")
        if isinstance(rows, Verdict):
            return rows
        given.append(rows)
        if same_rows(data.get("rows", []), rows, ordered=data.get("ordered", False)):
            return Verdict("passed", f"a second engine gave the same {len(rows)} rows for {call}")
        return Verdict(
            "failed", f"a second engine gave other rows for {call}: {msgspec.json.encode(rows[:5]).decode()}"
        )

    async def _query_equals(self, sql: str, equals: tuple[tuple[Any, ...], ...] | None) -> Verdict:
        from glmos.tools.tables import same_rows

        rows = await self._rows(sql, "duckdb")
        if isinstance(rows, Verdict):
            return rows
        shown = msgspec.json.encode(rows[:5]).decode()
        if equals is None:
            # One cell that says no is a no: `SELECT count(*) = 12` gives a row either way.
            no = not rows or (len(rows) == 1 and len(rows[0]) == 1 and not rows[0][0])
            return Verdict("failed" if no else "passed", f"{sql!r} gives {len(rows)} rows: {shown}")
        same = same_rows([list(x) for x in equals], rows, ordered="order by" in sql.lower())
        return Verdict("passed" if same else "failed", f"{sql!r} gives {shown}")

    async def _rows(self, sql: str, engine: str) -> list[list[Any]] | Verdict:
        tool = self.parts.tool("tables")
        arguments: dict[str, Any] = {"action": "query", "sql": sql, "engine": engine}
        call = ToolCall(self.p.pid, "c0", "tables", "query", arguments)
        self.used += tool_call(self.parts, "tables")
        found = await tool.run(call, self.parts.context(self.p.pid))
        if found.failure is not None:
            outcome: Literal["undecided", "failed"] = "undecided" if found.failure.kind == "unavailable" else "failed"
            return Verdict(outcome, found.failure.message)
        return list(found.data.get("rows", []))


async def _cited(result: str, claims: Sequence[a.Claim], found: Grounds) -> Verdict:
    if sum(map(len, found.observed.values())) < LONG:
        return citation(result, claims, found)
    return await anyio.to_thread.run_sync(citation, result, claims, found)


def _tail(done: Finished) -> str:
    if done.stopped_by:
        return f"stopped by its limit on {done.stopped_by}"
    text = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    return shorten(text, 800) or f"exit status {done.status}"


def _last_line(done: Finished) -> str:
    return _tail(done).rpartition("\n")[2]


def _by_status(done: Finished, wanted: int, what: str) -> Verdict:
    if done.stopped_by:
        return Verdict("failed", f"{what} was stopped by its limit on {done.stopped_by}")
    if done.status == wanted:
        return Verdict(
            "passed", f"{what} ran and found nothing wrong" if wanted == 0 else f"{what} ended with {wanted}"
        )
    return Verdict("failed", f"{what} ended with exit status {done.status}: {_tail(done)}")


_EMPTY_RUN = re.compile(r"no tests ran|collected 0 items|\bran 0 tests", re.IGNORECASE)


def _tested_nothing(command: str, done: Finished) -> str:
    """Why a test run that ended well shows nothing; empty when it does."""
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    if _EMPTY_RUN.search(said):
        return "ran no test"
    if re.search(r"\b(?:pytest|py\.test)\b", command) and not re.search(r"-qq|terminal|\d+ passed", command + said):
        return "ended without saying that any test passed"
    return ""
