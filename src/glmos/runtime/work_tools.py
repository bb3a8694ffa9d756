"""Carrying out tool calls: intent before, receipt after, and settling what was interrupted."""

from collections.abc import Sequence

import anyio
from msgspec.structs import replace

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.api import Progress
from glmos.abi.budgets import NOTHING, Usage
from glmos.abi.errors import DeviceError, NotFoundError, SandboxError
from glmos.abi.labels import Label, join
from glmos.abi.tools import LASTING, Failure, FailureKind, ProbeResult, ToolCall, ToolResult
from glmos.kernel.budget import Shortfall
from glmos.kernel.process import Process
from glmos.runtime.incoming import bring_again
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import keep, keep_data, printable
from glmos.runtime.parts import Parts
from glmos.runtime.spending import refusal, tool_call

GRACE = 10.0
"""Seconds a tool has beyond its own time limit before it is stopped from outside."""
LONGEST = 3_600.0


async def intend(log: ProcessLog, parts: Parts, effects: Sequence[f.RunTool]) -> list[f.RunTool]:
    """Reserve and journal the intents of `effects` in one append; give those that may now be made."""
    allowed: list[f.RunTool] = []
    refused: e.BudgetRefused | None = None
    for effect in effects:
        short = parts.ledger.hold(log.pid, effect.call, tool_call(parts, effect.tool))
        if short is not None:
            refused = refusal(short, f"a call of {effect.tool}")
            break
        allowed.append(effect)
    try:
        snapshot = ""
        if any(x.effect == "reversible" for x in allowed):
            snapshot = await parts.workspaces.save(log.pid)
        # Whose words the context holds. Which calls they came from stands in the log: all those before this event.
        context = replace(log.state.label, sources=())
        intents: list[e.Event] = [
            e.ToolIntended(
                call=x.call, tool=x.tool, action=x.action, arguments=x.arguments, effect=x.effect, step=x.step,
                number=x.number, index=x.index, attempt=x.attempt, label=context,
                snapshot=snapshot if x.effect == "reversible" else "", reserved=tool_call(parts, x.tool),
            )
            for x in allowed
        ]  # fmt: skip
        parts.crash_point("tool.before_intent")
        log.note(*intents, *([refused] if refused is not None else []))
    finally:
        for x in allowed:
            parts.ledger.release(log.pid, x.call)  # from here on the event itself reserves
    await log.flush()
    parts.crash_point("tool.after_intent")
    return allowed


async def run_tool(log: ProcessLog, parts: Parts, effect: f.RunTool) -> None:
    """Make a call whose intent stands in the journal, and journal its receipt."""
    p = log.state
    parts.progress(Progress(p.pid, "tool", effect.tool, step=effect.step or ""))
    call = ToolCall(p.pid, effect.call, effect.tool, effect.action, effect.arguments, effect.attempt)
    broken: SandboxError | None = None
    end: list[e.Event] = []
    begun = True
    try:
        result = await _run(p, parts, call)
    except SandboxError as error:
        broken = error
        result = ToolResult(failure=Failure("unavailable", str(error)))
    except _NotBegun as late:
        begun = False
        end = [late.refused]
        result = ToolResult(failure=late.failure)
    except _Stopped as stopped:
        result = ToolResult(failure=stopped.failure)
        end = [stopped.refused] if stopped.refused is not None else []
        if effect.effect in LASTING:
            found = await ask(parts, call)
            if found.outcome != "did_not_happen":  # then it is no failure, and must not be called one
                log.note(e.ToolUnknown(call.call, stopped.failure.message))
                if found.outcome == "happened":
                    log.note(e.ToolProbed(call.call, found.outcome, found.detail, found.compensation))
                log.note(*end)
                return
    receipt = await receipt_of(parts, p, call, result, begun=begun)
    if log.state.exit is not None:
        return  # another call has found that there is no sandbox; what this one gave serves nobody any more
    if broken is not None:
        # Without a sandbox nothing can be done in this home: the person must hear it, not the model.
        end = [e.ProcessExited("failed", str(broken))]
    parts.crash_point("tool.before_receipt")
    log.note(receipt, *end)


class _NotBegun(Exception):
    """A limit was reached, or lowered, before the call had its turn."""

    def __init__(self, call: ToolCall, why: str, refused: e.BudgetRefused) -> None:
        super().__init__(why)
        self.failure = Failure("limit", f"{call.tool} was not called: {why}")
        self.refused = refused


class _Stopped(Exception):
    """A call ended without a word of its tool on whether it took effect."""

    def __init__(self, kind: FailureKind, message: str, refused: e.BudgetRefused | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)
        self.refused = refused
        """It was stopped because a limit on time was reached."""


async def _run(p: Process, parts: Parts, call: ToolCall) -> ToolResult:
    try:
        tool = parts.tool(call.tool)
    except NotFoundError as error:
        return ToolResult(failure=Failure("unavailable", str(error)))
    asked = call.arguments.get("timeout")
    seconds = float(asked) if isinstance(asked, int | float) and asked > 0 else tool.spec.timeout
    seconds = min(seconds + GRACE, LONGEST)
    result: ToolResult | None = None
    short: Shortfall | None = None
    started = False
    try:
        with parts.timekeeper.limit(p.pid) as time:
            async with parts.scheduler.place("tools", pid=p.pid, root=p.root, priority=p.priority):
                await time.check()
                short = parts.ledger.overdrawn(p.pid, tool_call(parts, call.tool))
                if short is None:
                    started = True
                    parts.crash_point("tool.before_start")
                    with anyio.move_on_after(seconds):
                        result = await tool.run(call, parts.context(p.pid))
                    parts.crash_point("tool.after_end")
    except SandboxError:
        raise
    except DeviceError as error:
        raise _Stopped("unavailable", str(error)) from error
    except Exception as error:
        # A bug in a tool is the model's problem to route round, not a reason to lose the process.
        raise _Stopped("failed", f"{call.tool} broke: {type(error).__name__}: {error}") from error
    if result is not None:
        return result
    if short is not None:
        raise _NotBegun(call, "a limit was lowered", refusal(short, f"a call of {call.tool}"))
    if time.reached:
        refused = parts.timekeeper.refusal(p.pid, f"a call of {call.tool}")
        if not started:
            raise _NotBegun(call, "the time was over", refused)
        raise _Stopped("limit", f"{call.tool} was stopped: the time of the process was over", refused)
    raise _Stopped("timeout", f"{call.tool} was stopped after {seconds:.0f} s")


async def receipt_of(
    parts: Parts, p: Process, call: ToolCall, result: ToolResult, *, begun: bool = True
) -> e.ToolFinished:
    # That an output comes from its call goes without saying; only what else it comes from is written down.
    label = replace(result.label, sources=tuple(s for s in result.label.sources if s != f"call:{call.call}"))
    action = parts.tools[call.tool].spec.action(call.action) if call.tool in parts.tools else None
    reads_all = action is not None and "workspace" in action.reads
    if reads_all and not any(s.startswith("file:") for s in result.label.sources):
        label = join(label, Label(sources=("workspace",)))
    failure = result.failure
    if failure is not None:
        failure = Failure(failure.kind, printable(failure.message))
    return e.ToolFinished(
        call=call.call, output=await keep(parts.store, result.text), failure=failure,
        files=tuple(printable(x) for x in result.files), data=await keep_data(parts.store, result.data), label=label,
        compensation=result.compensation,
        usage=Usage(usd=_price(parts, call.tool, result.usd) or NOTHING, tool_calls=1) if begun else Usage(),
    )  # fmt: skip


def _price(parts: Parts, tool: str, said: float | None) -> float:
    """What a tool says it cost, if that is a price."""
    return said if said is not None and 0 <= said < float("inf") else tool_call(parts, tool).usd


async def probe(log: ProcessLog, parts: Parts, effect: f.ProbeTool) -> None:
    """Find out whether an interrupted call took effect, where its tool can."""
    found = await ask(parts, ToolCall(log.pid, effect.call, effect.tool, effect.action, effect.arguments))
    parts.crash_point("probe.before_receipt")
    log.note(e.ToolProbed(effect.call, found.outcome, found.detail, found.compensation))


async def ask(parts: Parts, call: ToolCall) -> ProbeResult:
    """What the tool finds out about a call that was cut off; in bounded time, and never an exception."""
    tool = parts.tools.get(call.tool)
    action = tool.spec.action(call.action) if tool is not None else None
    if tool is None or action is None or not action.can_probe:
        return ProbeResult("cannot_tell", f"{call.tool} cannot find out")
    try:
        with anyio.fail_after(tool.spec.timeout + GRACE):
            return await tool.probe(call, parts.context(call.pid))
    except TimeoutError:
        return ProbeResult("cannot_tell", f"{call.tool} could not find out in {tool.spec.timeout + GRACE:.0f} s")
    except Exception as error:  # the boundary to a tool's code
        return ProbeResult("cannot_tell", f"{call.tool} could not find out: {error or type(error).__name__}")


async def take_back(log: ProcessLog, parts: Parts, effect: f.TakeBack) -> None:
    """Undo whatever an interrupted call did to the workspace, so that it has not happened."""
    parts.crash_point("take_back.before_restore")
    await parts.workspaces.restore(log.pid, effect.snapshot)
    parts.crash_point("take_back.after_restore")
    await bring_again(parts.workspaces, log, log.state.calls[effect.call].intended_at)
    told = (
        "interrupted by a restart; whatever it had changed in the workspace was taken back, and Python variables are gone. "
        "Call it again if it is still needed"
    )
    receipt = await keep(parts.store, "")
    log.note(
        e.WorkspaceRestored(effect.snapshot, effect.step, effect.call),
        e.ToolFinished(effect.call, receipt, Failure("cancelled", told)),
    )
