"""A daemon dies in the middle of two hundred processes: every one of them goes on, none is lost, nothing is done twice.

`benchmarks/recovery.py` measures how soon a daemon is back with a thousand.
"""

import os
from pathlib import Path

import anyio
import pytest

from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import home
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import Program

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

PROCESSES = 200
STEPS = (("ping:a:0.3", "post:b:0.3", "letter:c:0.3"),)


async def test_two_hundred_interrupted_processes_all_go_on(tmp_path: Path) -> None:
    programs = [Program(f"第{number}", STEPS) for number in range(PROCESSES)]
    async with home(tmp_path, os.environ) as house:
        daemon = await house.start()

        async def live(program: Program) -> None:
            person = Person(house)
            assert (await person.see_through(await person.start(program))).status == "done"

        with anyio.fail_after(200):
            async with anyio.create_task_group() as people:
                for program in programs:
                    people.start_soon(live, program)
                await house.outside.wait_noted(f"{programs[-1].name}/ping:a")
                house.down()
                await daemon.kill()
                assert len(house.outside.letters()) < PROCESSES, "it came too late to interrupt anything"
                await house.start()
        house.down()
        assert await house.daemons[-1].stop() == 0
        assert await audit(house, programs) == []
