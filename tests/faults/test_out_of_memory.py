"""A program that eats memory, seen by a whole process up to its report: with the real sandbox, tools and runtime.

The memory of the machine itself is left alone: the kernel's killer is called by a memory control group around a real
daemon. That takes the right to make one; without it that test is skipped, and the system's own limits are tested alone.
"""

import os
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from glmos.abi import events as e
from glmos.testing.crash.home import home
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import Program
from glmos.testing.models import call
from tests.undo.telling import real

pytestmark = pytest.mark.anyio

GROUPS = Path("/sys/fs/cgroup/memory")
"""Of control groups of the first version, which is where a program outside systemd may be given one."""


async def test_python_that_meets_its_limit_hears_it_and_the_process_goes_on(tmp_path: Path) -> None:
    script = [
        call("python", code="x = b'x' * (3 << 30)"),
        call("shell", command="uname -s"),
        call("finish", result="这里是 Linux.", claims=[{"claim": "it goes on", "call": "c2", "quote": "Linux"}]),
    ]
    async with real(tmp_path, script) as w:
        with anyio.fail_after(120):
            report = await w.system.run("eat memory, then say where you are")
        receipts = [x.event for x in await w.system.log(report.pid) if isinstance(x.event, e.ToolFinished)]
    assert receipts[0].failure is not None
    assert receipts[0].failure.message.startswith("MemoryError")
    assert (report.status, report.answer) == ("done", "这里是 Linux.")


@pytest.fixture
def group() -> Generator[Callable[[int], None]]:
    """Puts a program into a control group of 700 MB; what it starts is in it too."""
    place = GROUPS / f"glmos-test-{os.getpid()}"
    try:
        place.mkdir()
        (place / "memory.limit_in_bytes").write_text(str(700 << 20))
    except OSError as error:
        with suppress(OSError):
            place.rmdir()
        pytest.skip(f"no memory control group can be made here: {error}")

    def put(os_pid: int) -> None:
        (place / "cgroup.procs").write_text(f"{os_pid}\n")

    yield put
    place.rmdir()  # refused if anything in it were still alive


async def test_the_kernels_own_killer_takes_the_program_and_the_process_hears_why(
    tmp_path: Path, group: Callable[[int], None]
) -> None:
    program = Program("贪", (("glutton:a", "shell:b"),))
    async with home(tmp_path, os.environ) as house:
        with anyio.fail_after(120):
            daemon = await house.start()
            group(daemon.os_pid)
            person = Person(house)
            report = await person.see_through(await person.start(program))
            receipts = [x.event for x in await house.system.log(report.pid) if isinstance(x.event, e.ToolFinished)]
        assert daemon.status is None, "the daemon lives"
        house.down()
        assert await daemon.stop() == 0
    assert report.status == "done"
    assert receipts[0].failure is not None
    assert receipts[0].failure.message == "The command was stopped: it used more memory than it may."
