"""Plans drawn at random, a doer that follows them, a ledger outside of what it did, and an oracle that knows what must be
done again: plain reachability over what was drawn. Nothing here asks the kernel what rests on what.

A step reads files of the person's, files that earlier steps made, and cites what earlier steps saw; it writes a file that
names the version of each thing it went by, as a build would. So one can tell from outside whether everything is up to date.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from glmos.abi.labels import Label
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.abi.tools import Action, ProbeResult, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext
from glmos.testing.models import call, calls

MOST = 30
"""Steps of a plan."""


class Rests(NamedTuple):
    """What one step goes by."""

    needs: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    """Steps whose calls it cites."""
    reads: tuple[str, ...] = ()
    """Steps whose files it reads."""
    given: tuple[str, ...] = ()
    """Files of the person's that it reads."""

    @property
    def steps(self) -> set[str]:
        return {*self.needs, *self.cites, *self.reads}


Drawn = dict[str, Rests]
"""By step, in the order of the plan."""


def draw(dice: Random, size: int, files: Iterable[str]) -> Drawn:
    """A plan of `size` steps; few links each, so that much stands when something falls."""
    files = list(files)
    plan: Drawn = {}
    for place in range(size):
        earlier = list(plan)

        def some(most: int, of: list[str]) -> tuple[str, ...]:
            return tuple(sorted(dice.sample(of, min(len(of), dice.choice(range(most + 1))))))

        plan[named(place)] = Rests(some(2, earlier), some(1, earlier), some(1, earlier), some(1, files))
    return plan


def named(place: int) -> str:
    """Step names without figures, which a citation check would look for: a, b, ... z, za, zb, ..."""
    return "z" * (place // 25) + "abcdefghijklmnopqrstuvwxy"[place % 25]


def resting(plan: Drawn, roots: Iterable[str]) -> set[str]:
    """The oracle: `roots` and every step that goes by one of them, directly or not."""
    found = set(roots)
    for step, rests in plan.items():  # what a step goes by comes before it
        if rests.steps & found:
            found.add(step)
    return found


class Ledger:
    """A tool whose calls are written to a file outside: which step was done, and how often."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def counts(self) -> Counter[str]:
        return Counter(self.path.read_text("utf-8").split())

    @property
    def spec(self) -> ToolSpec:
        text = {"type": "object", "properties": {"step": {"type": "string"}}, "required": ["step"]}
        return ToolSpec("book", "记账。", "Book that a step is done.", text, (Action("run", "pure"),), resident=True)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        step = call.arguments["step"]
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{step}\n")
        return ToolResult(text=f"记下 {step} 第{self.counts()[step]}次", label=Label("untrusted"))

    async def probe(self, call: ToolCall, context: ToolContext) -> ProbeResult:
        return ProbeResult("did_not_happen")

    async def release(self, pid: int) -> None:
        return None


Before = Callable[[str, int], Awaitable[ModelReply | None]]
"""Told the step and how many replies were given for it; gives a reply of its own, or None for the usual one."""


class Doer:
    """A model that does what was drawn. It knows what it is at from what it is told, like any other."""

    def __init__(self, plan: Drawn, before: Before | None = None) -> None:
        self.plan = plan
        self.before = before
        self.step = ""
        self.turn = 0
        self._told = 0

    async def __call__(self, request: ModelRequest) -> ModelReply:
        told = [m for x in request.messages for m in re.findall(r"Now step '(\w+)'", x.content)]
        if not told:
            return call("plan", steps=planned(self.plan))
        if len(told) != self._told:
            self.step, self.turn, self._told = told[-1], 0, len(told)
        self.turn += 1
        own = await self.before(self.step, self.turn - 1) if self.before is not None else None
        if own is not None:
            self.turn -= 1
            return own
        return self._looks() if self.turn == 1 else self._submits(request)

    def _looks(self) -> ModelReply:
        rests = self.plan[self.step]
        files = [*rests.given, *(made_by(s) for s in rests.reads)]
        return calls(("book", {"step": self.step}), *(("files", {"action": "read", "path": x}) for x in files))

    def _submits(self, request: ModelRequest) -> ModelReply:
        heard = [m.content for m in request.messages if m.role == "tool"]
        latest = {m[2]: (m[1], m[0]) for x in heard for m in _booked(x)}
        rests = self.plan[self.step]
        by = (self.step, *rests.cites)
        claims = [{"claim": f"{s} 已做", "call": latest[s][0], "quote": latest[s][1]} for s in by]
        seen = _since_told(request)
        went_by = [line for x in seen for line in x.split("] ", 1)[1].splitlines()[:1]]
        went_by += [latest[s][1] for s in rests.cites]
        text = "\n".join([latest[self.step][1].replace("记下", "成品"), *went_by])
        return calls(
            ("files", {"action": "write", "path": made_by(self.step), "text": text}),
            ("finish", {"result": f"步骤 {self.step} 做好了。", "claims": claims}),
        )


def _booked(text: str) -> Iterator[tuple[str, str, str]]:
    """The words, the call and the step."""
    for m in re.finditer(r"^\[(c\d+)\] (记下 (\w+) 第\d+次)", text):
        yield m[2], m[1], m[3]


def _since_told(request: ModelRequest) -> list[str]:
    """The outputs since it was told what to do now."""
    told = max(i for i, m in enumerate(request.messages) if "Now step '" in m.content)
    return [m.content for m in request.messages[told + 1 :] if m.role == "tool"]


def made_by(step: str) -> str:
    return f"产出-{step}.txt"


def planned(plan: Drawn, changed: Iterable[str] = ()) -> list[dict[str, Any]]:
    """As a model writes it; the goals of `changed` are new."""
    new = set(changed)
    return [
        {
            "id": step, "goal": f"{'重新' if step in new else ''}完成 {step}", "needs": list(rests.needs),
            "checks": [{"kind": "file", "path": made_by(step), "format": "text"}, {"kind": "citation"}],
        }
        for step, rests in plan.items()
    ]  # fmt: skip


def stale(plan: Drawn, counts: Counter[str], made: dict[str, str], given: dict[str, str]) -> list[str]:
    """The steps whose file does not name the present version of everything they went by; `given` is the first line of each
    file of the person's."""
    found: list[str] = []
    for step, rests in plan.items():
        by = {f"成品 {s} 第{counts[s]}次" for s in (step, *rests.reads)} | {given[f] for f in rests.given}
        by |= {f"记下 {s} 第{counts[s]}次" for s in rests.cites}
        if not by <= set(made[step].splitlines()):
            found.append(step)
    return found
