"""Everything the daemon can be asked, on one page. Command line, Python client and web page share this table."""

import os
from collections.abc import AsyncIterator

import glmos
from glmos.abi.api import Report, RunRequest
from glmos.abi.events import Entry
from glmos.abi.wire import (
    AdjustBody,
    AnswerBody,
    ApprovalBody,
    CorrectionBody,
    ForkBody,
    Hello,
    PriorityBody,
    ShutdownBody,
    ShutdownReply,
    SignalBody,
    Started,
    StreamLine,
    UndoBody,
)
from glmos.daemon.serving import Ask, Call, Endpoint, Stream, Wait


async def hello(call: Call) -> Hello:
    return Hello(version=glmos.__version__, os_pid=os.getpid())


async def start(call: Call) -> Started:
    return Started(await call.system.start(call.body(RunRequest)))


async def processes(call: Call) -> object:
    asked = call.request.query_params
    return await call.system.processes(
        live_only="all" not in asked, awake_only="awake" in asked, limit=call.number("limit")
    )


async def report(call: Call) -> Report:
    return await call.system.report(call.pid)


async def wait(call: Call) -> Report:
    return await call.system.wait(call.pid)


async def log(call: Call) -> list[Entry]:
    return await call.system.log(call.pid, after=call.after)


async def events(call: Call) -> AsyncIterator[StreamLine]:
    async with call.system.follow(call.pid, after=call.after) as items:
        async for item in items:
            yield StreamLine(entry=item) if isinstance(item, Entry) else StreamLine(progress=item)


async def explanation(call: Call) -> object:
    return await call.system.explain(call.pid)


async def answer(call: Call) -> None:
    await call.system.answer(call.pid, call.body(AnswerBody).text)


async def approval(call: Call) -> None:
    await call.system.approve(call.pid, call.body(ApprovalBody).yes)


async def correction(call: Call) -> None:
    body = call.body(CorrectionBody)
    await call.system.correct(call.pid, body.what, body.text)


async def signal(call: Call) -> None:
    await call.system.signal(call.pid, call.body(SignalBody).signal)


async def adjust(call: Call) -> None:
    body = call.body(AdjustBody)
    await call.system.adjust(call.pid, limits=body.limits, model=body.model)


async def priority(call: Call) -> None:
    await call.system.renice(call.pid, call.body(PriorityBody).priority)


async def fork(call: Call) -> Started:
    return Started(await call.system.fork(call.pid, call.body(ForkBody).at))


async def undo(call: Call) -> object:
    return await call.system.undo(call.pid, call.body(UndoBody).step)


async def models(call: Call) -> object:
    return await call.system.models()


async def tools(call: Call) -> object:
    return await call.system.tools()


async def doctor(call: Call) -> object:
    return await call.system.doctor()


async def settings(call: Call) -> object:
    return await call.system.settings()


async def shutdown(call: Call) -> ShutdownReply:
    if call.body(ShutdownBody).only_if_idle and await call.lifetime.busy(call.system, besides=1):
        return ShutdownReply(stopping=False)
    call.lifetime.stop()
    return ShutdownReply(stopping=True)


ROUTES: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/", Ask(hello)),
    ("POST", "/processes", Ask(start)),
    ("GET", "/processes", Ask(processes)),
    ("GET", "/processes/{pid}", Ask(report)),
    ("GET", "/processes/{pid}/wait", Wait(wait)),
    ("GET", "/processes/{pid}/log", Ask(log)),
    ("GET", "/processes/{pid}/events", Stream(events)),
    ("GET", "/processes/{pid}/explanation", Ask(explanation)),
    ("POST", "/processes/{pid}/answer", Ask(answer)),
    ("POST", "/processes/{pid}/approval", Ask(approval)),
    ("POST", "/processes/{pid}/correction", Ask(correction)),
    ("POST", "/processes/{pid}/signal", Ask(signal)),
    ("POST", "/processes/{pid}/adjust", Ask(adjust)),
    ("POST", "/processes/{pid}/priority", Ask(priority)),
    ("POST", "/processes/{pid}/fork", Ask(fork)),
    ("POST", "/processes/{pid}/undo", Ask(undo)),
    ("GET", "/models", Ask(models)),
    ("GET", "/tools", Ask(tools)),
    ("GET", "/doctor", Ask(doctor)),
    ("GET", "/settings", Ask(settings)),
    ("POST", "/shutdown", Ask(shutdown)),
)
