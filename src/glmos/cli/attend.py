"""Staying with a process: showing what it does, answering what it asks, heeding Ctrl-C.

It ends when the process has ended, waits for a person who is not here, or is suspended, or when the
person chooses to leave. The process itself lives in the daemon and does not depend on any of this.
"""

import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import anyio

from glmos.abi.api import Report
from glmos.abi.errors import ConflictError
from glmos.abi.ids import Pid
from glmos.cli.picture import Picture
from glmos.cli.region import Region
from glmos.cli.shell import Shell
from glmos.cli.text import paragraph
from glmos.client import DaemonGone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from glmos.client import RemoteSystem

REDRAW_SECONDS = 0.1
MAX_REVIVALS = 5
"""Times in a row that a daemon may be started again without the process getting one event further."""


class Attended(NamedTuple):
    report: Report
    left: bool
    """The person left while the process was running."""


async def attend(shell: Shell, system: "RemoteSystem", pid: Pid) -> Attended:
    """Stay with process `pid` until it rests or the person leaves."""
    return await _Attendance(shell, system, pid).run()


class _Attendance:
    def __init__(self, shell: Shell, system: "RemoteSystem", pid: Pid) -> None:
        self._shell = shell
        self._terminal = shell.terminal
        self._system = system
        self._pid = pid
        self._picture = Picture()
        self._region = Region(shell.terminal)
        self._begin = time.monotonic()
        self._question: anyio.CancelScope | None = None
        """Held while the process's question is put to the person."""
        self._left = False

    async def run(self) -> Attended:
        try:
            async with anyio.create_task_group() as group:
                if threading.current_thread() is threading.main_thread():
                    group.start_soon(self._heed_interrupts, group)
                if self._region.live:
                    group.start_soon(self._redraw)
                await self._until_rest()
                group.cancel_scope.cancel()
        finally:
            self._region.clear()
        return Attended(await self._system.report(self._pid), self._left)

    # -- following ----------------------------------------------------------------------------------------------------

    async def _until_rest(self) -> None:
        while True:
            await self._follow()
            report = await self._system.report(self._pid)
            if report.status != "waiting" or not report.question or not self._terminal.can_ask:
                return
            if not await self._put_question(report):
                return

    async def _follow(self) -> None:
        """Watch until the process rests. A daemon that dies meanwhile is started again, and the watching goes on."""
        revivals = 0
        while True:
            before = self._picture.seq
            try:
                async with self._system.follow(self._pid, after=before) as items:
                    async for item in items:
                        for note in self._picture.apply(item):
                            if self._region.live or note.essential:
                                self._region.note(note.text)
                return
            except DaemonGone:
                revivals = 0 if self._picture.seq > before else revivals + 1
                if revivals > MAX_REVIVALS:
                    raise
                self._region.note("The daemon ended; starting it again. Nothing that was recorded is lost.")

    async def _redraw(self) -> None:
        while True:
            elapsed = time.monotonic() - self._begin
            self._region.draw(self._picture.draw(elapsed=elapsed, columns=self._region.columns))
            await anyio.sleep(REDRAW_SECONDS)

    # -- questions ----------------------------------------------------------------------------------------------------

    async def _put_question(self, report: Report) -> bool:
        """Ask the person and pass the answer on; False when they would rather answer later."""
        try:
            with self._region.paused(), anyio.CancelScope() as self._question:
                if report.question_kind == "question":
                    return await self._ask_text(report)
                return await self._ask_yes_or_no(report)
            return False
        finally:
            self._question = None

    async def _ask_text(self, report: Report) -> bool:
        say = self._terminal.say
        say(paragraph(report.question, columns=self._terminal.columns, first="? ", rest="  "))
        for number, option in enumerate(report.options, 1):
            say(paragraph(option, columns=self._terminal.columns, first=f"  {number}) ", rest="     "))
        prompt = "  number or text: " if report.options else "  answer: "
        while (text := await self._terminal.read_line(prompt)) is not None:
            if text.isdigit() and 0 < int(text) <= len(report.options):
                text = report.options[int(text) - 1]
            if text:
                await self._system.answer(self._pid, text)
                return True
        say("")
        return False

    async def _ask_yes_or_no(self, report: Report) -> bool:
        self._terminal.say(paragraph(report.question, columns=self._terminal.columns, first="? ", rest="  "))
        while (text := await self._terminal.read_line("  [y]es or [n]o: ")) is not None:
            if text.lower() in {"y", "yes", "n", "no", "是", "否"}:
                await self._system.approve(self._pid, text.lower() in {"y", "yes", "是"})
                return True
        self._terminal.say("")
        return False

    # -- Ctrl-C -------------------------------------------------------------------------------------------------------

    async def _heed_interrupts(self, group: anyio.abc.TaskGroup) -> None:
        with anyio.open_signal_receiver(signal.SIGINT) as signals:
            async for _ in signals:
                if self._question is not None:
                    self._terminal.say("")
                    self._question.cancel()
                    continue
                choice = await self._choose(signals) if self._terminal.can_ask else "kill"
                if choice == "detach":
                    self._left = True
                    group.cancel_scope.cancel()
                    return
                if choice == "kill":
                    self._picture.phase = "ending"
                    group.start_soon(self._kill)
                    await anext(signals)  # once more while it is being killed: do not wait for that
                    raise KeyboardInterrupt

    async def _choose(self, signals: "AsyncIterator[signal.Signals]") -> str:
        """Ask what Ctrl-C meant. Ctrl-C instead of an answer means kill."""
        choice = "go on"
        with self._region.paused():
            async with anyio.create_task_group() as race:

                async def second_interrupt() -> None:
                    nonlocal choice
                    await anext(signals)
                    self._terminal.say("")
                    choice = "kill"
                    race.cancel_scope.cancel()

                race.start_soon(second_interrupt)
                choice = await self._read_choice()
                race.cancel_scope.cancel()
        return choice

    async def _read_choice(self) -> str:
        prompt = f"\nProcess {self._pid} is still running: [d]etach, [k]ill or [g]o on? "
        choices = {"d": "detach", "detach": "detach", "k": "kill", "kill": "kill", "g": "go on", "go on": "go on"}
        while True:
            text = await self._terminal.read_line(prompt)
            if text is None:
                return "detach"
            if text.lower() in choices:
                return choices[text.lower()]
            prompt = "d, k or g: "

    async def _kill(self) -> None:
        with suppress(ConflictError):  # it ended by itself meanwhile
            await self._system.signal(self._pid, "kill")
