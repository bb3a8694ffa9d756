"""Reserving the worst case of a call before it is made, request by request.

    reserve    before the first request of a call: a shorter reply if that is what fits, or a refusal in the journal
    Requests   when its turn has come, and before every further one: what the earlier ones used or may have used stays
               reserved, and one more

Above: `work_model`, `work_checks`. Below: `kernel.budget`, which holds the books.
"""

from collections.abc import Callable

from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.budgets import NOTHING, Usage
from glmos.abi.messages import ModelRequest
from glmos.kernel.budget import Shortfall
from glmos.models.metering import worst_case
from glmos.ports import ModelDriver
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts

SMALLEST_REPLY = 256
"""Tokens below which a reply is not worth asking for."""


def reserve(
    log: ProcessLog, parts: Parts, driver: ModelDriver, request: ModelRequest, *, key: str, what: str
) -> tuple[ModelRequest, Usage] | None:
    """Hold the worst case of a call, with a shorter reply if that is what fits; or journal the refusal and give None."""
    pid, ledger = log.pid, parts.ledger
    if ledger.room(pid, "usd") != float("inf") and not driver.traits.priced:
        holder, allowed = ledger.holder(pid, "usd")
        what = f"{what} (the price of {driver.traits.name!r} is not known: set `price` for it in glmos.toml)"
        log.note(e.BudgetRefused("usd", holder, allowed, ledger.total(holder).usd, 0.0, what))
        return None
    request = _affordable(parts, pid, driver, request)
    need = worst_case(driver, request)
    short = ledger.hold(pid, key, need)
    if short is None:
        return request, need
    log.note(refusal(short, what))
    return None


def tool_call(parts: Parts, tool: str) -> Usage:
    """What a call of a tool may cost."""
    usd = parts.tools[tool].spec.usd if tool in parts.tools else 0.0
    return Usage(usd=usd or NOTHING, tool_calls=1)


def refusal(short: Shortfall, what: str) -> e.BudgetRefused:
    return e.BudgetRefused(short.limit, short.holder, short.allowed, short.used, short.needed, what)


def _affordable(parts: Parts, pid: int, driver: ModelDriver, request: ModelRequest) -> ModelRequest:
    """The request with as long a reply as tokens and money allow; as it is when even a short one is too dear."""
    tokens, money = parts.ledger.room(pid, "tokens"), parts.ledger.room(pid, "usd")
    if tokens == money == float("inf"):
        return request
    prompt = driver.estimate(request)
    most = min(request.max_tokens, tokens - prompt)
    if driver.price(prompt, 0, request.max_tokens) > money:
        low, high = 0, request.max_tokens  # the price rises with the length
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if driver.price(prompt, 0, middle) <= money else (low, middle)
        most = min(most, low)
    return replace(request, max_tokens=int(most)) if SMALLEST_REPLY <= most < request.max_tokens else request


class Requests:
    """The requests of one call, each of them reserved."""

    def __init__(
        self, log: ProcessLog, parts: Parts, worst: Usage, record: Callable[[Usage], e.Event], what: str
    ) -> None:
        """`worst`: of one request. `record`: the event that puts its argument in place of what is reserved."""
        self._log = log
        self._parts = parts
        self._worst = worst
        self._reserved = worst
        self._record = record
        self._what = what
        self.refused: e.BudgetRefused | None = None
        """Why `again` or `may_begin` last said no."""

    def may_begin(self) -> bool:
        """To be asked when the turn of the first request has come: a limit may have been lowered since it was reserved."""
        short = self._parts.ledger.overdrawn(self._log.pid, self._reserved)
        self.refused = refusal(short, self._what) if short is not None else None
        return short is None

    async def again(self, spent: Usage) -> bool:
        """Implements `ports.Again`."""
        short = self._parts.ledger.shortfall(self._log.pid, spent + self._worst - self._reserved)
        if short is not None:
            self.refused = refusal(short, f"another request of {self._what}")
            return False
        self._reserved = spent + self._worst
        self._log.note(self._record(self._reserved))
        await self._log.flush()
        short = self._parts.ledger.shortfall(self._log.pid, Usage())  # writing takes time, which may be over now
        self.refused = refusal(short, f"another request of {self._what}") if short is not None else None
        return short is None
