"""Trees of processes at random, with random limits on root and children: does any exceed one?"""

import itertools
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits, Usage
from glmos.abi.ids import Pid
from glmos.abi.messages import ModelRequest
from glmos.testing.models import call, calls, say
from glmos.testing.runaways.counting import Answer, Answers, Bill, BillClock, CountedModel, CountedTool, Fault
from glmos.testing.runaways.run import KINDS
from glmos.testing.world import world

MOST = {"usd": 1.2, "tokens": 60_000, "seconds": 60.0, "model_calls": 25, "tool_calls": 30}
RESUMES = 4


class Tree(NamedTuple):
    """What came of one."""

    limits: Limits
    status: str
    processes: int
    exceeded: tuple[str, ...]
    """Limits that were, one sentence each."""
    running: int


async def run_tree(seed: int, folder: Path) -> Tree:
    """Run the tree of this seed until its root is done or refused, or has been resumed a few times."""
    dice = random.Random(seed)
    bill, limits = Bill(), _limits(dice)
    model = CountedModel(bill, _answers(dice), tries=2)
    tools, clock = [CountedTool(bill, usd=0.01)], BillClock(bill)
    async with world(folder, model, tools=tools, clock=clock, settings={"check.critic": False}) as w:
        root = await w.system.start(RunRequest("a tree", limits=limits))
        status = ""
        for _ in range(RESUMES):
            with anyio.fail_after(60):
                status = (await w.system.wait(root)).status
                await w.system.machine.at_rest(root)
            if status in ("done", "refused"):
                break
            ended = [x.at for x in await w.system.log(root) if isinstance(x.event, e.ProcessExited)]
            bill.began += bill.now - ended[-1]  # its own time stood still
            await w.system.signal(root, "resume")
        rows = {r.pid: r for r in await w.system.processes(live_only=False)}
        spawned = [x.event for pid in rows for x in await w.system.log(pid) if isinstance(x.event, e.ChildSpawned)]
    exceeded = [
        f"{bill.used(kind)} of {allowed} {kind}"
        for kind in KINDS
        if (allowed := getattr(limits, kind)) is not None and bill.used(kind) > allowed + 1e-9
    ]
    for child in spawned:
        used = sum((bill.by.get(pid, Usage()) for pid in _family(rows, child.child)), Usage())
        if child.limits.tokens is not None and used.tokens > child.limits.tokens:
            exceeded.append(f"{used.tokens} of {child.limits.tokens} tokens by child {child.child}")
    return Tree(limits, status, len(rows), tuple(exceeded), model.running)


def _limits(dice: random.Random) -> Limits:
    chosen = dice.sample(sorted(MOST), dice.randrange(1, 4))
    drawn = {k: MOST[k] * dice.uniform(0.1, 1.0) for k in chosen}
    return Limits(**{k: v if k in ("usd", "seconds") else int(v) for k, v in drawn.items()})  # type: ignore[arg-type]


def _answers(dice: random.Random) -> Answers:
    numbers = itertools.count()

    def answer(request: ModelRequest) -> Answer:
        n = next(numbers)
        limit = {"max_tokens": dice.randrange(3_000, 20_000)} if n % 2 else {}
        spawn: tuple[str, dict[str, Any]] = ("spawn", {"goal": f"child of {n}"} | limit)
        echoes = [("echo", {"text": f"{n}.{i}"}) for i in range(dice.randrange(1, 5))]
        wait: tuple[str, dict[str, Any]] = ("use", {"tool": "wait", "arguments": {}})
        possible: list[Answer] = [
            calls(*echoes), calls(*[spawn] * dice.randrange(1, 11), *echoes), calls(spawn, wait), call("wait"),
            call("finish", result="ja"), say("words"), Fault("overloaded", bool(n % 2)), call("give_up", reason="no"),
        ]  # fmt: skip
        return dice.choices(possible, weights=[8, 3, 2, 2, 1, 1, 0.3, 0.3])[0]

    return answer


def _family(rows: Mapping[Pid, e.ProcessRow], pid: Pid) -> Iterator[Pid]:
    """The process and everybody it has brought about."""
    yield pid
    for row in rows.values():
        if row.parent == pid:
            yield from _family(rows, row.pid)
