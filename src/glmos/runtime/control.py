"""Control runs: the same calls once more with one thing changed, to see whether an output hangs on it.

    emptied    every file that was given is empty, with another beside it: what still comes out was not read from them
    reworded   some of what the doer typed is altered: what comes out altered is the doer's own

Only calls that touch nothing but the workspace are repeated, over a copy of it as the process found it, in a bounded time.
"""

import ast
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio

from glmos.abi.budgets import Usage
from glmos.abi.errors import GlmosError
from glmos.abi.ids import CallId
from glmos.abi.tools import ToolCall
from glmos.kernel.process import Call, Process
from glmos.runtime.log import ProcessLog
from glmos.runtime.parts import Parts

LONGEST = 60.0
"""Seconds for one control run. Over empty files most programs end at once."""

_EMPTY_SCRIPT = r"""
import os
found = 0
for folder, folders, names in list(os.walk(".")):
    for name in names:
        path = os.path.join(folder, name)
        if not os.path.isfile(path) or os.path.islink(path):
            continue
        found += 1
        os.chmod(path, 0o640)
        os.truncate(path, 0)
        beside = os.path.join(folder, f"beside-{found}-{name}")
        open(beside, "x").close()
        for place, each in enumerate((path, beside)):
            os.utime(each, (631152000 + 86400 * found, 631152000 + 86400 * (found + 7 * place)))
    for number in range(3 if found else 0):
        os.makedirs(os.path.join(folder, f"beside-{number}"), exist_ok=True)
print(found)
"""
"""Empties every file and puts another empty one beside each, so that what was counted, measured or dated comes out otherwise
as well. Prints how many there were."""


_STOPPED = ("cancelled", "timeout", "limit", "unavailable")
"""Failures after which nothing is known of what a call would have given."""


def repeatable(parts: Parts, call: Call) -> bool:
    """Whether a call touches nothing but the workspace."""
    tool = parts.tools.get(call.tool)
    action = tool.spec.action(call.action) if tool is not None else None
    if tool is None or action is None or tool.spec.usd:
        return False
    return {*action.reads, *action.writes} == {"workspace"} and call.effect in ("pure", "reversible")


def runs_code(parts: Parts, call: Call) -> bool:
    """Whether a call is a program of the doer's: it reads and writes as its text says."""
    tool = parts.tools.get(call.tool)
    action = tool.spec.action(call.action) if tool is not None else None
    return action is not None and "workspace" in action.reads and "workspace" in action.writes


class Control:
    """Makes the control runs of one check. What they repeat counts as tool calls of the process, and is held until
    `release`."""

    def __init__(self, log: ProcessLog, parts: Parts) -> None:
        self.log = log
        self.parts = parts
        self._holds: list[str] = []
        self.made = 0
        """Calls that were repeated."""
        self.nothing_given = False
        """The process began with no file at all, so there was none to empty."""

    def release(self) -> None:
        for key in self._holds:
            self.parts.ledger.release(self.log.pid, key)

    def _hold(self, calls: int) -> bool:
        key = f"control/{len(self._holds)}"
        self._holds.append(key)
        return self.parts.ledger.hold(self.log.pid, key, Usage(tool_calls=calls)) is None

    async def _empty(self, aside: int) -> bool:
        """Empty what was given; whether there was any."""
        folder = self.parts.workspaces.path(aside)
        done = await self.parts.sandbox.run(["python", "-I", "-c", _EMPTY_SCRIPT], pid=aside, workspace=folder)
        return done.stdout.strip() != b"0"

    async def repeat(
        self, wanted: Sequence[CallId], *, emptied: bool = False, reword: Callable[[str], str] | None = None
    ) -> dict[CallId, str]:
        """What `wanted`, and the calls before them that could have prepared them, give with one thing changed.

        A call that could not be repeated is not in it.
        """
        p, parts, first = self.log.state, self.parts, self.log.first_snapshot
        trail, aside = _trail(p, parts, wanted), -p.pid
        found: dict[CallId, str] = {}
        if not trail or not first or not self._hold(len(trail)):
            return found
        try:
            await parts.workspaces.remove(aside)
            await parts.workspaces.copy(p.pid, aside, snapshot=first)
            with anyio.move_on_after(LONGEST):
                if emptied and not await self._empty(aside):
                    self.nothing_given = True
                    return found
                for call in trail:
                    arguments = _reworded(call.arguments, reword) if reword is not None else call.arguments
                    self.made += 1
                    text = await _once_more(p, parts, call, arguments)
                    if text is None:
                        return found
                    found[call.call] = text
        except GlmosError:
            return found
        finally:
            with anyio.CancelScope(shield=True):
                await _clear(parts, aside)
        return found


async def _clear(parts: Parts, aside: int) -> None:
    with contextlib.suppress(GlmosError):
        for tool in parts.tools.values():
            await tool.release(aside)
        await parts.sandbox.kill(aside)
        await parts.workspaces.remove(aside)


def _trail(p: Process, parts: Parts, wanted: Sequence[CallId]) -> list[Call]:
    """`wanted`, and before them every call that could have prepared them."""
    last = max((p.calls[c].intended_at for c in wanted), default=0)
    calls = sorted(p.calls.values(), key=lambda c: c.intended_at)
    return [
        c for c in calls
        if c.intended_at <= last and not c.undone and repeatable(parts, c) and (c.effect != "pure" or c.call in wanted)
    ]  # fmt: skip


async def _once_more(p: Process, parts: Parts, call: Call, arguments: Mapping[str, Any]) -> str | None:
    """Its output; of a Python cell, what each of its statements gives, whether or not the one before it could be run.

    None when it was stopped before its end, or a limit was lowered meanwhile, so that nobody knows.
    """
    tool, texts = parts.tool(call.tool), list[str]()
    pieces = _pieces(arguments["code"]) if call.tool == "python" and isinstance(arguments.get("code"), str) else [None]
    for piece in pieces:
        given = dict(arguments) | ({"code": piece} if piece is not None else {})
        async with parts.scheduler.place("tools", pid=p.pid, root=p.root, priority=p.priority):
            if parts.ledger.overdrawn(p.pid, Usage(tool_calls=1)) is not None:
                return None
            made = ToolCall(-p.pid, call.call, call.tool, call.action, given)
            result = await tool.run(made, parts.context(-p.pid))
        if result.failure is not None and result.failure.kind in _STOPPED:
            return None
        texts.append(result.text)
    return "\n".join(texts)


def _pieces(code: str) -> list[str | None]:
    """The statements of a cell, one by one; the whole where it is not plain Python."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [None]
    lines = code.splitlines()
    spans: list[tuple[int, int]] = []
    for statement in body:
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], statement.end_lineno or first)
        else:
            spans.append((first, statement.end_lineno or first))
    pieces: list[str | None] = ["\n".join(lines[first - 1 : last]) for first, last in spans]
    # Only the value of a cell's last expression is shown.
    return (
        [f"{x};" if isinstance(s, ast.Expr) and x is not pieces[-1] else x for x, s in zip(pieces, body, strict=False)]
        if len(pieces) == len(body)
        else pieces
    )


def _reworded(value: Any, reword: Callable[[str], str]) -> Any:
    match value:
        case str():
            return reword(value)
        case dict():
            return {k: _reworded(v, reword) for k, v in value.items()}
        case list() | tuple():
            return [_reworded(v, reword) for v in value]
        case _:
            return value
