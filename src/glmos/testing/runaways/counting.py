"""What was really asked of the model and the tools, counted by themselves, and a clock that only they move."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import msgspec

from glmos.abi.budgets import Usage
from glmos.abi.errors import ModelError
from glmos.abi.events import ModelFailureKind
from glmos.abi.ids import Pid
from glmos.abi.messages import Delta, FunctionCall, ModelReply, ModelRequest, ModelTraits
from glmos.abi.tools import Action, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import Again, ToolContext

USD_PER_TOKEN = 1e-5
LONGEST_REPLY = 1_024
TICK, GLANCE = 1.0, 1e-5
"""Seconds that a call takes, and a look at the clock."""


class Bill:
    """What the world outside has been asked for."""

    def __init__(self) -> None:
        self.total = Usage()
        self.excess = Usage()
        """The most that one call cost beyond its worst case, each kind by itself."""
        self.by: dict[Pid, Usage] = {}
        """For each process by itself; 0 for critics."""
        self.now = 1_000_000.0
        self.began = self.now
        self.last_call = 0.0
        """Running time at which the last call began."""

    def enter(self) -> None:
        """A call begins."""
        self.last_call = self.now - self.began

    def book(self, pid: Pid, used: Usage, worst: Usage | None = None) -> None:
        """A call for `pid` costs this, where it should cost no more than `worst`."""
        self.by[pid] = self.by.get(pid, Usage()) + used
        self.total += used
        self.now += TICK
        over = used - (worst or used)
        self.excess = Usage(*(max(getattr(over, f), getattr(self.excess, f)) for f in Usage.__struct_fields__))

    def used(self, limit: str) -> float:
        return self.last_call if limit == "seconds" else float(getattr(self.total, limit))


class BillClock:
    """Implements `ports.Clock`. Time passes by the calls that are made, and a very little whenever it is looked at."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill

    def now(self) -> float:
        self._bill.now += GLANCE
        return self._bill.now

    def monotonic(self) -> float:
        return self._bill.now


class Fault(NamedTuple):
    """A request that ends without a reply."""

    kind: ModelFailureKind
    billed: bool
    """In full, and nobody says so."""


Answer = ModelReply | Fault
Answers = Callable[[ModelRequest], Answer | Awaitable[Answer]]


def honest(request: ModelRequest, true: Usage) -> Usage:
    return true


class CountedModel:
    """Implements `ports.RetryingDriver`. A fault is asked for again for as long as that is allowed, at most `tries` times."""

    def __init__(
        self,
        bill: Bill,
        answers: Answers,
        *,
        report: Callable[[ModelRequest, Usage], Usage] = honest,
        prompt_factor: float = 1.0,
        reply_factor: float = 0.0,
        tries: int = 1,
    ) -> None:
        """
        Args:
            report: What the reply says was used, where it differs from what was.
            prompt_factor: How many times the estimate the prompt really is.
            reply_factor: How many times the longest reply that was asked for every reply is; 0: as long as it reads.
        """
        self._bill = bill
        self._answers = answers
        self._report = report
        self._prompt_factor = prompt_factor
        self._reply_factor = reply_factor
        self._tries = tries
        self.running = 0

    @property
    def traits(self) -> ModelTraits:
        return ModelTraits(
            "counted", "testing", context_tokens=2_000_000, max_output_tokens=LONGEST_REPLY, priced=True
        )  # fmt: skip

    def estimate(self, request: ModelRequest) -> int:
        return 1 + sum(len(m.content) + sum(len(c.arguments) for c in m.calls) for m in request.messages) // 4

    def price(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        return (prompt_tokens + completion_tokens) * USD_PER_TOKEN

    async def complete(self, request: ModelRequest, on_delta: Callable[[Delta], None] | None = None) -> ModelReply:
        async def always(spent: Usage) -> bool:
            return True

        return await self.complete_within(request, on_delta, always)

    async def complete_within(
        self, request: ModelRequest, on_delta: Callable[[Delta], None] | None, again: Again
    ) -> ModelReply:
        spent = Usage()
        for tried in range(1, self._tries + 1):
            answer = await self._ask(request)
            if isinstance(answer, ModelReply):
                return msgspec.structs.replace(answer, usage=spent + answer.usage)
            spent += self._worst(request) if answer.billed else Usage(model_calls=1)
            if tried == self._tries or not await again(spent):
                unknown = answer.billed and tried == 1
                raise ModelError("it failed", kind=answer.kind, usage=None if unknown else spent)
        raise AssertionError("tries is at least 1")

    async def _ask(self, request: ModelRequest) -> Answer:
        self._bill.enter()
        self.running += 1
        owner = request.session.rpartition("-")[2]
        pid = int(owner) if owner.isdecimal() else 0
        try:
            await anyio.lowlevel.checkpoint()
            answer = self._answers(request)
            if isinstance(answer, Awaitable):
                self._bill.book(pid, self._worst(request))  # it may never come to an end
                return await answer
            true = self._true(request, answer)
            self._bill.book(pid, true, self._worst(request))
        finally:
            self.running -= 1
        if isinstance(answer, Fault):
            return answer
        calls = tuple(FunctionCall(f"i{n}", c.name, c.arguments) for n, c in enumerate(answer.calls))
        return msgspec.structs.replace(answer, calls=calls, usage=self._report(request, true))

    def _worst(self, request: ModelRequest) -> Usage:
        return self._usage(self.estimate(request), request.max_tokens)

    def _true(self, request: ModelRequest, answer: Answer) -> Usage:
        if isinstance(answer, Fault):
            return self._worst(request) if answer.billed else Usage(model_calls=1)
        written = 1 + (len(answer.content) + sum(len(c.arguments) for c in answer.calls)) // 4
        prompt = int(self.estimate(request) * self._prompt_factor)
        return self._usage(prompt, int(request.max_tokens * self._reply_factor) or min(written, request.max_tokens))

    def _usage(self, prompt: int, completion: int) -> Usage:
        return Usage((prompt + completion) * USD_PER_TOKEN, prompt, 0, completion, 0.0, 1)

    async def aclose(self) -> None:
        return None


_TEXT: dict[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


class CountedTool:
    """Implements `ports.Tool`: pure, with a price, and says back what it is told."""

    def __init__(
        self, bill: Bill, *, usd: float = 0.0, size: int = 0, hang: Callable[[], bool] = lambda: False
    ) -> None:
        """
        Args:
            size: Characters of its output.
            hang: Whether the call that now begins never ends.
        """
        self._bill = bill
        self._usd = usd
        self._size = size
        self._hang = hang
        self.hanging = anyio.Event()

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec("echo", "Echo.", "Echo.", _TEXT, (Action("run", "pure"),), resident=True, usd=self._usd)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self._bill.enter()
        self._bill.book(call.pid, Usage(usd=self._usd, tool_calls=1))
        if self._hang():
            self.hanging.set()
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        return ToolResult(text=str(call.arguments.get("text", "")).ljust(self._size, "羊"))

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        return ProbeResult("did_not_happen")

    async def release(self, pid: Pid) -> None:
        return None


class CountedTables(CountedTool):
    """The tool that checks call: every query gives one row with a 1."""

    @property
    def spec(self) -> ToolSpec:
        action = Action("query", "pure", reads=("workspace",))
        return ToolSpec("tables", "Tables.", "Tables.", {"type": "object"}, (action,), usd=self._usd)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        await super().run(call, context)
        return ToolResult(text="1", data={"rows": [[1]], "ordered": False})
