"""Undo: a process goes back to the beginning of a step, and says what could not be taken back.

Everything is journaled as it goes: that the undo began, each compensation before and after, and the end. After a crash
in the middle the same command goes on with it; a compensation without a receipt is asked about, never made twice.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import anyio

from glmos.abi import events as e
from glmos.abi.api import UndoReport
from glmos.abi.errors import ConflictError, GlmosError
from glmos.abi.ids import Pid
from glmos.abi.tools import ProbeResult, ToolCall
from glmos.kernel.effects import UndoPlan, doubtful, outside, plan_undo
from glmos.kernel.process import Call, Process
from glmos.ports import Tool
from glmos.runtime.incoming import bring_again
from glmos.runtime.machine import Machine
from glmos.runtime.parts import Parts
from glmos.runtime.work_tools import GRACE, ask


async def undo(machine: Machine, pid: Pid, step: str | None) -> UndoReport:
    """Stop the process, end the children it began since, compensate latest first, and put the files back. It stays
    suspended.

    Raises:
        ConflictError, NotFoundError: There is nothing to undo, no such step, or another undo under way in this tree of
            processes. Nothing was changed.
        DeviceError: The files could not be put back. The undo can be given again, and goes on from there.
    """
    with machine.undoing((await machine.state(pid)).root):
        plan_undo(await machine.state(pid), step)  # refuse before anything is stopped
        plan = plan_undo(await machine.quiesce(pid), step)
        machine.parts.crash_point("undo.after_suspend")
        before = await machine.parts.workspaces.save(pid)
        await machine.record(pid, e.UndoStarted(plan.step, plan.snapshot, plan.since, before))
        machine.parts.crash_point("undo.after_begin")
        return await _Undo(machine, pid, plan).carry_out()


class _Effect(NamedTuple):
    """Something that was done outside, by whom and when."""

    at: float
    owner: Process
    call: Call


class _Undo:
    def __init__(self, machine: Machine, pid: Pid, plan: UndoPlan) -> None:
        self._machine = machine
        self._parts: Parts = machine.parts
        self._pid = pid
        self._plan = plan
        self._done: list[str] = []
        self._left: list[str] = []
        self._seen: list[str] = []

    async def carry_out(self) -> UndoReport:
        plan = self._plan
        p = await self._machine.state(self._pid)
        own = [c for c in plan.children if p.children[c].spawned_at > p.forked_at]
        effects: list[_Effect] = []
        family: list[Process] = []
        for child in own:
            for relative in await self._ended(child):
                # What an earlier undo took back of a child that it ended is no news.
                news = [c for c in outside(relative) if c.compensated != "done" or not p.children[child].undone]
                effects += await self._times(relative, news)
                family.append(relative)
        await self._children_of_others([c for c in plan.children if c not in own])
        effects += await self._times(p, plan.effects)
        for effect in sorted(effects, key=lambda x: (-x.at, -x.owner.pid, -x.call.intended_at)):
            await self._take_back(effect)
        self._reached_out([(p, plan.since), *((x, 0) for x in family)])
        self._parts.crash_point("undo.before_restore")
        await self._files()
        self._parts.crash_point("undo.before_receipt")
        await self._told_parent(p)
        done, left, seen = (tuple(x) for x in (self._done, self._left, self._seen))
        undone = e.Undone(plan.step, plan.snapshot, done, left, plan.since)
        await self._machine.record(self._pid, undone)
        return UndoReport(self._pid, plan.step, bool(plan.snapshot), done, left, seen)

    # -- children -----------------------------------------------------------------------------------------------------

    async def _ended(self, pid: Pid) -> list[Process]:
        """End a child and its own; give all of them as they are then."""
        if await self._parts.store.head(pid) == 0:
            return []  # decided on, but never created, and never will be
        if (await self._machine.state(pid)).exit is None:
            with suppress(ConflictError):  # it ended by itself
                await self._machine.kill(pid)
        await self._machine.at_rest(pid)
        p = await self._machine.state(pid)
        return [p, *[x for child in p.children for x in await self._ended(child)]]

    async def _children_of_others(self, children: Sequence[Pid]) -> None:
        """Children from before a fork belong to the process that was forked, and so does what they did."""
        for pid in children:
            state = await self._machine.state(pid)
            self._left += [
                f"{pid}/{c.call}: {c.tool}.{c.action} was done by child {pid} of process {state.parent}; undo it there"
                for c in outside(state)
            ]

    async def _times(self, p: Process, calls: Sequence[Call]) -> list[_Effect]:
        if not calls:
            return []
        entries = (await self._machine.log_of(p.pid)).entries
        return [_Effect(entries[c.intended_at - 1].at, p, c) for c in calls]

    # -- effects outside ----------------------------------------------------------------------------------------------

    async def _take_back(self, effect: _Effect) -> None:
        p, call = effect.owner, effect.call
        name = call.call if p.pid == self._pid else f"{p.pid}/{call.call}"
        what = f"{name}: {call.tool}.{call.action}"
        if call.compensated == "done":  # by an undo that was interrupted
            self._done.append(name)
            return
        if call.intended_at <= p.forked_at:
            self._left.append(
                f"{what} was done by process {p.forked_from}, from which {p.pid} was forked; undo it there"
            )
            return
        tool = self._parts.tools.get(call.tool)
        action = tool.spec.action(call.action) if tool is not None else None
        found = ProbeResult("happened", "", call.compensation)
        if doubtful(call):
            found = await ask(self._parts, ToolCall(p.pid, call.call, call.tool, call.action, call.arguments))
        if found.outcome == "did_not_happen":
            return
        if found.outcome == "cannot_tell":
            why = (
                "failed, and may have taken effect all the same"
                if call.failed
                else (f"was interrupted and nobody knows whether it took effect ({found.detail})")
            )
            self._left.append(f"{what} {why}")
        elif call.effect == "irreversible":
            self._left.append(f"{what} cannot be taken back")
        elif found.compensation is None:
            self._left.append(f"{what} named no way to undo it")
        elif tool is None or action is None or tool.spec.action(action.compensated_by) is None:
            self._left.append(f"{what} cannot be undone: the tool that could is not installed any more")
        else:
            undoing = ToolCall(p.pid, call.call, call.tool, action.compensated_by, found.compensation)
            problem = await self._compensate(tool, undoing, begun=call.compensated == "begun")
            if problem:
                self._left.append(f"{what} could not be undone: {problem}")
                return
            self._done.append(name)
            if {"network", "person"} & set(action.writes):
                self._seen.append(f"{what} was taken back, but others may have seen it meanwhile")

    async def _compensate(self, tool: Tool, undoing: ToolCall, *, begun: bool) -> str:
        """Make the call that undoes another; give what was wrong. `begun`: it was begun before, and cut off."""
        pid, call = undoing.pid, undoing.call
        if begun:
            found = await ask(self._parts, undoing)
            if found.outcome == "happened":
                await self._machine.record(pid, e.CompensationFinished(call, "done", found.detail))
                return ""
            if found.outcome == "cannot_tell":
                return "an undo of it was interrupted, and nobody knows whether it took effect"
        await self._machine.record(pid, e.CompensationIntended(call))
        self._parts.crash_point("undo.before_compensation")
        finished = await self._run(tool, undoing)
        self._parts.crash_point("undo.after_compensation")
        await self._machine.record(pid, finished)
        return finished.detail if finished.outcome != "done" else ""

    async def _run(self, tool: Tool, undoing: ToolCall) -> e.CompensationFinished:
        try:
            with anyio.fail_after(tool.spec.timeout + GRACE):
                result = await tool.run(undoing, self._parts.context(undoing.pid))
        except TimeoutError:
            problem = f"{undoing.tool} was stopped after {tool.spec.timeout + GRACE:.0f} s"
        except Exception as error:  # the boundary to a tool's code
            problem = (
                str(error) if isinstance(error, GlmosError) else f"the tool broke: {type(error).__name__}: {error}"
            )
        else:
            failure = result.failure
            return e.CompensationFinished(
                undoing.call, "failed" if failure else "done", failure.message if failure else ""
            )
        finally:
            with anyio.CancelScope(shield=True):
                await tool.release(undoing.pid)
        match (await ask(self._parts, undoing)).outcome:
            case "happened":
                return e.CompensationFinished(undoing.call, "done", problem)
            case "did_not_happen":
                return e.CompensationFinished(undoing.call, "failed", problem)
            case _:
                problem += "; nobody knows whether it took effect"
                return e.CompensationFinished(undoing.call, "unknown", problem)

    def _reached_out(self, processes: Sequence[tuple[Process, int]]) -> None:
        """List calls that the saved files were to take back, and that did something elsewhere too."""
        for p, since in processes:
            for call in p.calls.values():
                tool = self._parts.tools.get(call.tool)
                action = tool.spec.action(call.action) if tool is not None else None
                elsewhere = {"network", "person"} & set(action.writes if action is not None else ())
                if call.effect == "reversible" and call.intended_at >= max(since, p.forked_at) and elsewhere:
                    name = call.call if p.pid == self._pid else f"{p.pid}/{call.call}"
                    self._left.append(
                        f"{name}: {call.tool}.{call.action} was taken back in the workspace, not outside it"
                    )

    # -- files --------------------------------------------------------------------------------------------------------

    async def _files(self) -> None:
        plan, workspaces = self._plan, self._parts.workspaces
        if not plan.snapshot:
            self._left.append(f"the files as they were before step {plan.step!r} were not kept")
            return
        self._left += await workspaces.restore(self._pid, plan.snapshot)
        self._left += await bring_again(workspaces, await self._machine.log_of(self._pid), plan.since)

    async def _told_parent(self, p: Process) -> None:
        """A parent that was told how this process ended goes on with that."""
        if p.parent is None:
            return
        known = (await self._machine.state(p.parent)).children.get(p.pid)
        if known is None or known.exited is None or known.undone:
            return
        files = f" and has its files under children/{p.pid}/" if known.exited.files else ""
        self._left.append(f"process {p.parent} has been told that it ended {known.exited.status}{files}; undo it there")
