"""Carrying out model calls: prompt from the log, worst case reserved, call, receipt."""

from collections.abc import Sequence

from msgspec.structs import replace

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.api import Progress
from glmos.abi.budgets import NOTHING, Usage
from glmos.abi.errors import ModelError, RefusedError
from glmos.abi.messages import Delta, ModelReply, ModelRequest
from glmos.context.head import Front, front, head
from glmos.context.turns import Conversation
from glmos.context.window import fit
from glmos.kernel import syscalls
from glmos.kernel.process import Process
from glmos.models.metering import complete_within, worst_case
from glmos.ports import ModelDriver
from glmos.runtime.log import ProcessLog
from glmos.runtime.outputs import whole_data
from glmos.runtime.parts import Parts
from glmos.runtime.spending import Requests, reserve

LARGEST_REPLY = 16_384
MOST_CALLS = 128
"""Calls of one reply. A model in a loop writes thousands; the first ones and what comes of them are enough to go on."""


async def request_for(log: ProcessLog, parts: Parts, driver: ModelDriver, require_call: bool) -> ModelRequest:
    """The prompt of the process as it stands."""
    p, traits = log.state, driver.traits
    begin = log.front = log.front or _front(log, parts)
    if traits.can_plan:
        conversation = log.conversation
    else:  # only drivers inside this process read data instead of text
        finished = [x.event for x in log.entries if isinstance(x.event, e.ToolFinished)]
        data = {x.call: await whole_data(parts.store, x.data) for x in finished}
        conversation = Conversation(lambda x: data[x.call])
        conversation.read(log.entries)
    reply = min(traits.max_output_tokens, LARGEST_REPLY)
    # The estimate may be a fifth too low for a tokenizer we do not know.
    room = int((traits.context_tokens - reply) * 0.8) - begin.tokens
    return ModelRequest(
        (*begin.messages, *fit(conversation, max(room, 1_000))), begin.tools, max_tokens=reply,
        require_call=require_call, session=f"glmos-{p.root}-{p.pid}",
    )  # fmt: skip


def _front(log: ProcessLog, parts: Parts) -> Front:
    p, created = log.state, log.entries[0]
    assert isinstance(created.event, e.ProcessCreated)
    index = syscalls.index(p, parts.rules)
    if p.tools not in parts.offers:
        parts.offers[p.tools] = syscalls.offered(p, parts.rules)
    return front(head(created.event, created.at, index), parts.offers[p.tools])


async def complete(
    parts: Parts, p: Process, driver: ModelDriver, request: ModelRequest, requests: Requests, *, show: bool = True
) -> ModelReply | None:
    """Make the call, in its turn; None when the time was over before it had ended, or `requests` refused its beginning.
    What the reply does not say of its usage is filled in."""

    def told(delta: Delta) -> None:
        kind, text = ("delta", delta.content) if delta.content else ("reasoning", delta.reasoning)
        if delta.call:
            kind, text = "phase", delta.call
        if show:
            parts.progress(Progress(p.pid, kind, text, step=p.step or ""))  # type: ignore[arg-type]

    device = f"{driver.traits.provider}:{driver.traits.name}"
    with parts.timekeeper.limit(p.pid) as time:
        async with parts.scheduler.place(device, pid=p.pid, root=p.root, priority=p.priority):
            await time.check()
            if not requests.may_begin():
                return None
            reply = await complete_within(driver, request, told, requests.again)
            return replace(reply, usage=billed(driver, request, reply.usage))
    return None


def billed(driver: ModelDriver, request: ModelRequest, usage: Usage) -> Usage:
    """What counts for a call: as reported, and the worst case of what was not."""
    if usage.tokens <= 0:
        worst = worst_case(driver, request)
        usage = replace(usage, prompt_tokens=worst.prompt_tokens, completion_tokens=worst.completion_tokens)
    if driver.traits.priced and usage.usd <= 0:
        usage = replace(usage, usd=driver.price(usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens))
    return replace(usage, model_calls=max(usage.model_calls, 1), seconds=NOTHING)


async def call_model(log: ProcessLog, parts: Parts, effect: f.CallModel) -> None:
    """Carry out `CallModel`: exactly one `ModelCalled`, then one receipt; or one refusal."""
    p = log.state
    key = f"m{effect.number}"
    try:
        driver = parts.models.driver(p.model)
        request = await request_for(log, parts, driver, effect.require_call)
    except RefusedError as error:
        _fail(log, effect.number, "unknown_model", str(error))
        return
    except ModelError as error:
        _fail(log, effect.number, error.kind, str(error))
        return
    now = log.state
    if p.step is not None and (now.step != p.step or now.steps[p.step].started_at != p.steps[p.step].started_at):
        return  # the step was opened again meanwhile: the next call is for what comes now
    what = f"a call of {driver.traits.name}"
    held = reserve(log, parts, driver, request, key=key, what=what)
    if held is None:
        return
    request, need = held
    try:
        name = driver.traits.name
        log.note(e.ModelCalled(effect.number, effect.step, need, name if name != p.model else ""))
    finally:
        parts.ledger.release(p.pid, key)  # from here on the event itself reserves
    await log.flush()
    parts.crash_point("model.after_intent")
    requests = Requests(log, parts, need, lambda total: e.ModelRetried(effect.number, total), what)
    begun = parts.clock.monotonic()
    try:
        reply = await complete(parts, log.state, driver, request, requests)
    except ModelError as error:
        used = need if error.usage is None else error.usage
        refused = [requests.refused] if requests.refused is not None else []
        log.note(e.ModelFailed(effect.number, error.kind, str(error), used), *refused)
        return
    if reply is None and requests.refused is not None:
        log.note(
            e.ModelFailed(effect.number, "interrupted", "not asked: a limit was lowered", Usage()), requests.refused
        )
        return
    if reply is None:
        # Whether the provider bills what it had begun is not known, so it counts as spent.
        stopped = e.ModelFailed(effect.number, "interrupted", "stopped: the time is over", log.state.reserved[key])
        log.note(stopped, parts.timekeeper.refusal(p.pid, what))
        return
    parts.crash_point("model.before_receipt")
    log.note(e.ModelReplied(effect.number, _named(reply), round(parts.clock.monotonic() - begun, 6)))


def _fail(log: ProcessLog, number: int, kind: e.ModelFailureKind, message: str) -> None:
    log.note(e.ModelCalled(number, None), e.ModelFailed(number, kind, message))


def _named(reply: ModelReply) -> ModelReply:
    """The reply with call ids that are unique within it, and no more calls than can be dealt with."""
    reply = replace(reply, calls=reply.calls[:MOST_CALLS])
    ids: Sequence[str] = [c.id for c in reply.calls]
    if len(set(ids)) == len(ids) and all(ids):
        return reply
    calls = tuple(type(c)(f"call_{i}", c.name, c.arguments) for i, c in enumerate(reply.calls))
    return replace(reply, calls=calls)
