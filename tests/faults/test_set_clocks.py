"""A real daemon under a clock that is set while it runs and between two starts.

Nobody may set the clock of the machine for a test, and a time namespace does not move it either; so the daemon's own is
set, by a library that stands before the C library. That takes a C compiler; without one these tests are skipped, and
`test_clock_jumps` has the same with clocks passed in through the port.
"""

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.events import Entry
from glmos.abi.ids import Pid
from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Home, home
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import Program

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("cc") is None, reason="the daemon's clock is set by a library that `cc` must make"),
]

DAY = 86_400
WAIT = 1.0


class Wall:
    """The daemon's wall clock, as the test sets it."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "off"
        self.library = folder / "set_clock.so"
        self.set(0)
        source = Path(__file__).with_name("set_clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, source], check=True)

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "LD_PRELOAD": str(self.library), "SET_CLOCK": str(self.place)}

    def set(self, off: float) -> None:
        with self.place.open("r+b" if self.place.exists() else "wb") as file:
            file.write(struct.pack("q", int(off)))


def test_the_clock_of_a_program_is_really_set(tmp_path: Path) -> None:
    wall = Wall(tmp_path)
    wall.set(-30 * DAY)
    code = "import time; print(time.time(), time.time_ns() / 1e9, time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME))"
    said = subprocess.run([sys.executable, "-c", code], env=wall.environ, check=True, capture_output=True, text=True)
    seen = [float(x) for x in said.stdout.split()]
    real = [time.time(), time.time(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)]
    assert [round((x - y) / DAY) for x, y in zip(seen, real, strict=True)] == [-30, -30, 0, 0]


async def reached(house: Home, pid: Pid, kind: type[e.Event], times: int) -> None:
    """Return when so many events of that kind are in the log of a process."""
    async with house.system.follow(pid) as items:
        async for item in items:
            times -= isinstance(item, Entry) and isinstance(item.event, kind)
            if times == 0:
                return


@pytest.mark.parametrize("off", [-30 * DAY, 30 * DAY])
async def test_a_daemon_whose_clock_is_set_keeps_waits_and_limits_and_the_order_of_its_log(
    tmp_path: Path, off: int
) -> None:
    """Set in the middle of one wait; in the middle of the next the daemon dies, and the new one reads the new clock."""
    wall = Wall(tmp_path)
    program = Program("钟", ((f"wait:a:{WAIT}", "shell:b"), (f"wait:c:{WAIT + 0.1:g}", "shell:d")))
    async with home(tmp_path, wall.environ) as house:
        with anyio.fail_after(60):
            daemon = await house.start()
            person, begun = Person(house), time.monotonic()
            pid = await person.start(program)
            await reached(house, pid, e.WaitStarted, 1)
            wall.set(off)
            await reached(house, pid, e.WaitEnded, 1)
            assert time.monotonic() - begun >= WAIT, "it was not cut short"
            await reached(house, pid, e.WaitStarted, 2)
            first = await house.system.log(pid)
            house.down()
            await daemon.kill()
            await house.start()
            report = await person.see_through(pid)
            log = await house.system.log(pid)
        house.down()
        assert await house.daemons[-1].stop() == 0
        assert await audit(house, [program]) == []
    assert report.status == "done"
    assert WAIT <= report.seconds < 60, "only what passed was counted"
    assert [x.at for x in log] == sorted(x.at for x in log)
    assert first[-1].at - first[0].at < 60, "while it runs a daemon does not read the wall again"
    assert (log[-1].at - log[0].at > DAY) == (off > 0), (
        "from the next start on the log follows the wall, but never back"
    )
