"""Checking a submitted step by other means than its doer.

What text alone can decide is decided in the kernel (`verify`); what must be run is run in the sandbox in a fresh process
over a workspace it cannot write to; a critic is asked last. A check that cannot be carried out decides nothing: it is
`undecided`, never a pass.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
import msgspec

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi import plans as a
from glmos.abi.api import Progress
from glmos.abi.budgets import Usage
from glmos.abi.errors import GlmosError, ModelError, RefusedError
from glmos.abi.ids import CallId
from glmos.abi.messages import ModelRequest
from glmos.abi.tools import ToolCall
from glmos.context import critic
from glmos.kernel import verify
from glmos.kernel.process import Process
from glmos.kernel.report import check_kind
from glmos.kernel.verify import Verdict
from glmos.ports import Finished, SandboxLimits
from glmos.runtime.check_scripts import ASSERTION_SCRIPT, FORMAT_SCRIPT, PREVIEW_SCRIPT
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole, whole_data
from glmos.runtime.parts import Parts
from glmos.runtime.work_model import complete, reserve, time_left

SHOWN = 2_000
"""Characters of one observation or file that a critic is shown."""


async def run_check(log: ProcessLog, parts: Parts, effect: f.RunCheck) -> None:
    """Carry out `RunCheck`: `CheckStarted`, then exactly one `CheckFinished`; or a refusal by the budget."""
    p = log.state
    kind = check_kind(effect.check)
    parts.progress(Progress(p.pid, "phase", f"check {kind}", step=effect.step))
    if isinstance(effect.check, a.CriticCheck):
        await _criticise(log, parts, effect, effect.check)
        return
    log.note(e.CheckStarted(effect.step, effect.index))
    try:
        verdict = await _Check(log, parts, effect.step).run(effect.check)
    except GlmosError as error:
        verdict = Verdict("undecided", str(error))
    detail = _shorten(verdict.detail, SHOWN)
    log.note(e.CheckFinished(effect.step, effect.index, kind, verdict.outcome, detail))


def _shorten(text: str, size: int) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= size else f"{text[: size // 2]}\n[...]\n{text[-size // 2 :]}"


class _Check:
    """One check of one step."""

    def __init__(self, log: ProcessLog, parts: Parts, step: str) -> None:
        self.log = log
        self.parts = parts
        self.p: Process = log.state
        self.step = step
        self.state = self.p.steps[step]

    async def run(self, check: a.Check) -> Verdict:
        match check:
            case a.PatternCheck():
                where, text = await self._subject(check.path)
                return text if isinstance(text, Verdict) else verify.pattern(check, text, where)
            case a.SchemaCheck():
                where, text = await self._subject(check.path)
                return text if isinstance(text, Verdict) else verify.schema(check.schema, text, where)
            case a.FileCheck():
                return await self._file(check)
            case a.NumberCheck():
                return await self._number(check)
            case a.CitationCheck():
                return await self._citation()
            case a.QueryCheck():
                return await self._query(check)
            case a.PythonCheck():
                done = await self._sandboxed(["python", "-W", "ignore", "-c", ASSERTION_SCRIPT, check.code])
                return _by_status(done, 0, "the check's code")
            case a.CommandCheck():
                done = await self._sandboxed(["/bin/sh", "-c", check.command], check.timeout)
                return _by_status(done, check.exit_status, repr(check.command))
            case a.CriticCheck():
                raise AssertionError("a critic is asked in run_check")

    async def _sandboxed(self, argv: Sequence[str], seconds: float = 120.0) -> Finished:
        return await self.parts.sandbox.run(
            argv, pid=self.p.pid, workspace=self.parts.workspaces.path(self.p.pid), writable=False,
            limits=SandboxLimits(seconds=min(seconds, max(1.0, self.parts.ledger.room(self.p.pid, "seconds")))),
        )  # fmt: skip

    async def _subject(self, path: str) -> tuple[str, str | Verdict]:
        """The text a check is about, and how to call it."""
        if not path:
            return "the result", await whole(self.parts.store, self.state.result)
        done = await self._sandboxed(["cat", "--", path.removeprefix("/workspace/")])
        if done.status != 0:
            return path, Verdict("failed", f"the file {path!r} cannot be read: {_tail(done)}")
        return f"the file {path!r}", done.stdout.decode("utf-8", "replace")

    async def _file(self, check: a.FileCheck) -> Verdict:
        path = check.path.removeprefix("/workspace/")
        done = await self._sandboxed(["python", "-I", "-c", FORMAT_SCRIPT, path, check.format, str(check.min_bytes)])
        if done.status == 0:
            return Verdict("passed", done.stdout.decode("utf-8", "replace").strip())
        if done.status == 3:
            return Verdict("failed", done.stdout.decode("utf-8", "replace").strip())
        return Verdict("undecided", f"the file {check.path!r} could not be looked at: {_tail(done)}")

    async def _number(self, check: a.NumberCheck) -> Verdict:
        text = await whole(self.parts.store, self.state.result)
        if check.equals is not None:
            return verify.number(check, text, check.equals)
        if check.sql:
            rows = await self._rows(check.sql, "duckdb")
            if isinstance(rows, Verdict):
                return rows
            values = [v for row in rows for v in row if isinstance(v, int | float) and not isinstance(v, bool)]
            if len(values) != 1:
                return Verdict("failed", f"{check.sql!r} gives {len(values)} numbers where one is wanted")
            return verify.number(check, text, float(values[0]))
        done = await self._sandboxed(["python", "-c", f"print(float({check.python}))"])
        if done.status != 0:
            return Verdict("failed", f"{check.python!r} cannot be computed: {_tail(done)}")
        return verify.number(check, text, float(done.stdout.decode().split()[-1]))

    async def _citation(self) -> Verdict:
        observed = await observations(self.log, self.parts)
        mine = [c for c in observed if c in self.p.calls and self.p.calls[c].step == self.step]
        step = self.p.find(self.step)
        given = [self.p.goal, step.goal if step else "", *(f.name for f in self.p.files)]
        # What the person said needs no source.
        given += [
            x.event.text for x in self.log.entries if isinstance(x.event, e.CallAnswered) and x.event.name == "ask"
        ]
        # What a cited call was asked to do is as much on record as what it gave: a query's own dates and limits.
        cited = {c.call for c in self.state.claims}
        given += [msgspec.json.encode(c.arguments).decode() for c in self.p.calls.values() if c.call in cited]
        for need in step.needs if step else ():
            given.append(await whole(self.parts.store, self.p.steps[need].result))
        result = await whole(self.parts.store, self.state.result)
        return verify.citation(result, self.state.claims, observed, given, has_calls=bool(mine))

    async def _query(self, check: a.QueryCheck) -> Verdict:
        from glmos.tools.tables import same_rows

        if check.sql:
            return await self._query_equals(check.sql, check.equals)
        cited = [c for c in dict.fromkeys(x.call for x in self.state.claims) if self._is_query(c)]
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
        found = await tool.run(call, self.parts.context(self.p.pid))
        if found.failure is not None:
            outcome: Literal["undecided", "failed"] = "undecided" if found.failure.kind == "unavailable" else "failed"
            return Verdict(outcome, found.failure.message)
        return list(found.data.get("rows", []))


def _tail(done: Finished) -> str:
    if done.stopped_by:
        return f"stopped by its limit on {done.stopped_by}"
    text = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    return _shorten(text, 800) or f"exit status {done.status}"


def _by_status(done: Finished, wanted: int, what: str) -> Verdict:
    if done.stopped_by:
        return Verdict("failed", f"{what} was stopped by its limit on {done.stopped_by}")
    if done.status == wanted:
        return Verdict(
            "passed", f"{what} ran and found nothing wrong" if wanted == 0 else f"{what} ended with {wanted}"
        )
    return Verdict("failed", f"{what} ended with exit status {done.status}: {_tail(done)}")


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


# -- the critic -------------------------------------------------------------------------------------------------------


async def _criticise(log: ProcessLog, parts: Parts, effect: f.RunCheck, check: a.CriticCheck) -> None:
    p = log.state
    key = f"k{effect.step}/{effect.index}"
    try:
        driver = parts.models.driver(p.model, purpose="critic")
    except (RefusedError, ModelError) as error:
        _critic_says(log, effect, Verdict("undecided", f"no critic: {error}"), Usage())
        return
    if not driver.traits.can_criticise:
        _critic_says(log, effect, Verdict("undecided", f"{driver.traits.name} cannot criticise"), Usage())
        return
    case = await _case(log, parts, effect.step, check)
    request = ModelRequest(
        critic.messages(case), (critic.VERDICT,), purpose="critic", max_tokens=2_048, require_call=True,
        session=f"glmos-{p.root}-critic",
    )  # fmt: skip
    held = reserve(log, parts, driver, request, key=key, what="a critic")
    if held is None:
        return
    request, need = held
    try:
        log.note(e.CheckStarted(effect.step, effect.index, need))
    finally:
        parts.ledger.release(p.pid, key)
    await log.flush()
    left = time_left(log, parts)
    try:
        with anyio.fail_after(left if left != float("inf") else None):
            reply = await complete(parts, log.state, driver, request, show=False)
    except TimeoutError:
        _critic_says(log, effect, Verdict("undecided", "stopped: the time is over"), need, True)
        return
    except ModelError as error:
        _critic_says(log, effect, Verdict("undecided", f"the critic did not answer: {error}"), Usage(), True)
        return
    outcome, reason = critic.read_verdict(reply)
    usage = reply.usage if reply.usage.model_calls else reply.usage + Usage(model_calls=1)
    _critic_says(log, effect, Verdict(outcome, reason), usage, True)


def _critic_says(log: ProcessLog, effect: f.RunCheck, verdict: Verdict, usage: Usage, started: bool = False) -> None:
    before = [] if started else [e.CheckStarted(effect.step, effect.index)]
    detail = _shorten(verdict.detail, SHOWN)
    log.note(*before, e.CheckFinished(effect.step, effect.index, "critic", verdict.outcome, detail, usage))


async def _case(log: ProcessLog, parts: Parts, step: str, check: a.CriticCheck) -> critic.Case:
    p = log.state
    state, found = p.steps[step], p.find(step)
    assert found is not None
    observed = await observations(log, parts)
    cited = {c.call for c in state.claims}
    recent = set(list(observed)[-12:])
    shown = [
        (k, _shorten(v, SHOWN if k in cited else SHOWN // 4)) for k, v in observed.items() if k in cited or k in recent
    ]
    actions = [
        f"[{c.call}] {c.tool}.{c.action}({_shorten(msgspec.json.encode(c.arguments).decode(), 1_000)})"
        f" {'failed' if c.failed else 'ok'}"
        for c in p.calls.values()
        if not c.undone
    ]
    actions += [
        f"[{x.event.call}] the person was asked: {_shorten(x.event.question, 600)}"
        for x in log.entries
        if isinstance(x.event, e.PersonAsked)
    ]
    date = datetime.fromtimestamp(p.created, UTC).date()
    checks = [
        f"{s.id}: {check_kind(c)} {x.outcome}: {_shorten(x.detail, 300)}"
        for s in p.plan
        for c, x in zip(s.checks, p.steps[s.id].checks, strict=False)
        if x.outcome in ("passed", "failed", "undecided")
    ]
    return critic.Case(
        goal=f"{p.goal}\n(asked on {date.isoformat()})", step_goal=found.goal,
        rubric=check.rubric, result=await whole(parts.store, state.result),
        quotes=[(c.claim, c.call, c.quote) for c in state.claims], actions=actions[-40:], observations=shown,
        checks=checks, revisions=_revisions(log), files=await _result_files(log, parts),
    )  # fmt: skip


def _revisions(log: ProcessLog) -> list[str]:
    """How checks changed from plan to plan, and why: a check made easier must not pass unseen."""
    found: list[str] = []
    before: dict[str, a.Step] = {}
    failures = 0
    for entry in log.entries:
        if isinstance(entry.event, e.StepFailed):
            failures += 1
        if not isinstance(entry.event, e.PlanMade):
            continue
        plan = {s.id: s for s in entry.event.steps}
        if before:
            why = entry.event.reason or "no reason given"
            found.append(f"revision {entry.event.revision} after {failures} failed attempts: {_shorten(why, 500)}")
            for step in before.keys() | plan.keys():
                old = before[step].checks if step in before else ()
                new = plan[step].checks if step in plan else ()
                if old != new:
                    found.append(f"- {step}: was {_encoded(old)}; now {_encoded(new)}")
        before = (
            {} if entry.event.implied else plan
        )  # a plan that nobody wrote was not weakened by the first one written
    return found


def _encoded(checks: Sequence[a.Check]) -> str:
    return _shorten(msgspec.json.encode(checks).decode(), 1_200) if checks else "nothing"


async def _result_files(log: ProcessLog, parts: Parts) -> list[tuple[str, str]]:
    """The files made since the process began, each with its beginning."""
    p = log.state
    if not log.first_snapshot:
        return []
    changes = [c for c in await parts.workspaces.changes(p.pid, log.first_snapshot) if c.kind != "deleted"][:12]
    found: list[tuple[str, str]] = []
    for change in changes:
        done = await parts.sandbox.run(
            ["python", "-W", "ignore", "-I", "-c", PREVIEW_SCRIPT, change.path, str(SHOWN)],
            pid=p.pid, workspace=parts.workspaces.path(p.pid), writable=False,
        )  # fmt: skip
        text = done.stdout.decode("utf-8", "replace")
        found.append((f"{change.path} ({change.kind})", text or "(could not be looked at)"))
    return found
