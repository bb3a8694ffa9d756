"""A gigabyte of output through tools of a running process: it is told, what fits is kept, and the daemon stays small."""

import os
from pathlib import Path

import anyio
import pytest

from glmos.abi import events as e
from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Home, home
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import Program

pytestmark = pytest.mark.anyio

MOST_MORE = 100 << 20
"""Bytes by which the daemon may grow: some copies of what fits, never what was printed."""
SMALL = Program("少", (("shell:a", "python:b", "shell:c"),))
VAST = Program("多", (("flood:a", "pyflood:b", "flood:c", "shell:d"),))


async def done(house: Home, program: Program) -> list[e.ToolFinished]:
    person = Person(house)
    report = await person.see_through(await person.start(program))
    assert report.status == "done"
    log = await house.system.log(report.pid)
    return [x.event for x in log if isinstance(x.event, e.ToolFinished)]


async def test_three_gigabytes_of_output_leave_the_daemon_small_and_the_process_sound(tmp_path: Path) -> None:
    async with home(tmp_path, os.environ) as house:
        with anyio.fail_after(120):
            daemon = await house.start()
            await done(house, SMALL)
            daemon.look()
            before = daemon.memory
            receipts = await done(house, VAST)
            daemon.look()
        house.down()
        assert await daemon.stop() == 0
        assert await audit(house, [SMALL, VAST]) == []
    assert daemon.memory - before < MOST_MORE, f"{before >> 20} MiB, then {daemon.memory >> 20} MiB"
    said = [x.failure.message if x.failure is not None else "" for x in receipts[:3]]
    assert said == [
        "The command was stopped: it used more output than it may.",
        "PrintedTooMuch: more than 16 MB were printed: print less, or write it to a file",
        "The command was stopped: it used more output than it may.",
    ]
    assert "一二三四五六七八" in receipts[0].output.text, "what fits is kept"
    assert "b" * 1_000 in receipts[1].output.text
