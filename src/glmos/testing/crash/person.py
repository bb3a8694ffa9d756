"""A person who wants something and does not give up when a daemon dies: asks again, once there is another one.

What is answered by an error that says that the daemon is gone may or may not have happened; so before anything is asked
again, the journal is asked whether it did. A person always says the truth about what happened outside.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import anyio

from glmos.abi.api import Report, RunRequest
from glmos.abi.errors import ConflictError, DeviceError, NotFoundError
from glmos.abi.ids import Pid, Seq
from glmos.client import DaemonAbsent, DaemonGone, RemoteSystem
from glmos.testing.crash.home import Home
from glmos.testing.crash.programs import ANSWER, Program

T = TypeVar("T")

ENDED = ("done", "unverified", "failed", "refused", "killed")


class Person:
    """Someone at the home. Any number of them at once."""

    def __init__(self, home: Home, system: RemoteSystem | None = None) -> None:
        self.home = home
        self.system = system or home.system
        self.answers = 0
        """Questions answered, those about interrupted calls included."""

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask something that may be asked twice, until a daemon has answered."""
        while True:
            await self.home.up.wait()
            try:
                return await ask()
            except (DaemonAbsent, DaemonGone):
                await anyio.sleep(0.01)  # it may be dead before whoever killed it has said so
            except DeviceError as error:
                if "was stopped" not in str(error):
                    raise
                await anyio.sleep(0.01)

    async def start(self, program: Program) -> Pid:
        """Begin it, once: an attempt whose end nobody heard is looked for before another is made."""
        files = (str(self.home.source),)
        model = self.home.endpoint.narrow if program.narrow else self.home.model
        request = RunRequest(goal=program.goal, files=files, model=model, approve_all=True)
        while True:
            await self.home.up.wait()
            try:
                return await self.system.start(request)
            except DaemonAbsent:
                await anyio.sleep(0.01)
            except DaemonGone:
                if (pid := await self.find(program)) is not None:
                    return pid

    async def find(self, program: Program) -> Pid | None:
        """The process that does it, if there is one; the first, if it was forked."""
        return min(await self._doing(program), default=None)

    async def _doing(self, program: Program) -> list[Pid]:
        rows = await self.insist(lambda: self.system.processes(live_only=False))
        return [row.pid for row in rows if row.parent is None and row.goal == program.goal]

    async def fork(self, pid: Pid, program: Program, at: Seq) -> Pid:
        """Fork it, once."""
        before = await self._doing(program)
        while True:
            await self.home.up.wait()
            try:
                return await self.system.fork(pid, at)
            except DaemonAbsent:
                await anyio.sleep(0.01)
            except DaemonGone:
                if news := [new for new in await self._doing(program) if new not in before]:
                    return news[0]

    async def undo(self, pid: Pid, step: str) -> None:
        """Take it back to the beginning of a step. Asked again after that was done, the system says that nothing is
        left to undo."""
        with suppress(ConflictError, NotFoundError):
            await self.insist(lambda: self.system.undo(pid, step))

    async def kill(self, pid: Pid) -> None:
        with suppress(ConflictError):
            await self.insist(lambda: self.system.signal(pid, "kill"))

    async def see_through(self, pid: Pid) -> Report:
        """Stay with a process until it has ended: answer what it asks, resume it when it is suspended."""
        while True:
            report = await self.insist(lambda: self.system.wait(pid))
            if report.status in ENDED:
                return report
            try:
                if report.status == "suspended":
                    await self.once(lambda: self.system.signal(pid, "resume"))
                elif report.question:
                    await self.once(lambda report=report: self._answer(report))
            except (ConflictError, NotFoundError):
                continue  # it had been heard after all

    async def look_after_children(self, over: anyio.Event) -> None:
        """Answer what children ask and resume those that are suspended, until `over`. Whoever waits for a process hears
        only of that one."""
        while not over.is_set():
            for row in await self.insist(self.system.processes):
                if row.parent is None:
                    continue
                with suppress(ConflictError, NotFoundError):
                    if row.status == "suspended":
                        await self.once(lambda pid=row.pid: self.system.signal(pid, "resume"))
                    elif row.status == "waiting" and row.waits_for not in ("time", "children"):
                        report = await self.insist(lambda pid=row.pid: self.system.report(pid))
                        await self.once(lambda report=report: self._answer(report))
            await anyio.sleep(0.2)

    async def once(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do something that must not be done twice; whoever calls looks afterwards whether it was heard."""
        await self.home.up.wait()
        try:
            await act()
        except (DaemonAbsent, DaemonGone):
            await anyio.sleep(0.01)

    async def _answer(self, report: Report) -> None:
        if not report.question:
            return
        self.answers += 1
        if report.question_kind == "question":
            await self.system.answer(report.pid, ANSWER)
        else:
            await self.system.approve(report.pid, self.truth(report))

    def truth(self, report: Report) -> bool:
        """Whether an interrupted call took effect, as what lies outside says. Approvals are always given."""
        if report.question_kind != "unknown_effect":
            return True
        tag = re.search(r'"tag":"([^"]+)"', report.question)
        assert tag is not None, report.question
        return any(x.pid == report.pid and x.tag == tag[1] for x in self.home.outside.happened())
