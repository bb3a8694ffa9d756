"""A file system that is mounted read-only, before a start and under a running daemon.

The mounts are real, in a mount namespace of the test's own. Under a daemon that runs, only what is opened from then on can
be refused in this way: the kernel lets nobody mount read-only what somebody has open for writing. That a commit is refused
with EROFS, as after an error of the disk itself, is done by a system call filter (`crash/test_journal_crash.py`).
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from glmos.abi.errors import DeviceError
from glmos.journal.stores.sqlite import SqliteStore
from glmos.testing.crash.audit import audit
from glmos.testing.crash.home import Home, home
from glmos.testing.crash.person import Person
from glmos.testing.crash.programs import Program

ALONE = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-rm")
"""As an ordinary user, with the rights of one who may mount in a namespace of its own."""
MOUNT = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'


def _reason() -> str:
    """Why nothing can be mounted here; empty when it can."""
    if shutil.which("unshare") is None:
        return "there is no `unshare`"
    tried = subprocess.run(
        [*ALONE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True, text=True
    )
    return tried.stderr.strip()


pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(bool(_reason()), reason=f"no file system can be mounted: {_reason()}"),
]

PROGRAM = Program("只读", (("write:a", "ping:b:0.6", "long:c"), ("write:d", "shell:e")))
"""The output of `long` is kept in a file of its own."""


def under(folder: Path, command: Sequence[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command for which `folder` is on a read-only file system."""
    script = f'{MOUNT} && shift && exec "$@"'
    wrapped = [*ALONE, "sh", "-c", script, "sh", str(folder), *command]
    return subprocess.run(wrapped, env=environ, check=False, capture_output=True, text=True, timeout=60)


def picture(folder: Path) -> dict[str, str]:
    """The content of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def used(folder: Path) -> Path:
    """A home in which a process has ended."""
    async with home(folder, os.environ) as house:
        with anyio.fail_after(60):
            await house.start()
            person = Person(house)
            assert (await person.see_through(await person.start(PROGRAM))).status == "done"
        house.down()
        assert await house.daemons[-1].stop() == 0
        return house.path


async def test_a_home_on_a_read_only_file_system_is_named_left_alone_and_can_be_saved_from(tmp_path: Path) -> None:
    path = await used(tmp_path)
    before, out = picture(path), tmp_path / "gerettet 保存"
    environ = {**os.environ, "GLMOS_HOME": str(path)}
    sentence = f"The home {str(path)!r} cannot be written (Read-only file system): set GLMOS_HOME to a folder"

    ran = under(path, [sys.executable, "-m", "glmos", "run", "count the sheep"], environ)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert sentence in ran.stderr
    served = under(path, [sys.executable, "-m", "glmos.daemon"], environ)
    assert served.returncode == 1
    assert sentence in served.stderr
    assert "Traceback" not in ran.stderr + served.stderr
    saved = under(path, [sys.executable, "-m", "glmos", "doctor", "--salvage", str(out)], environ)
    assert saved.returncode == 0, saved.stderr
    assert "1 processes whole, 0 in part, 0 lost" in saved.stdout
    assert "damaged" not in saved.stdout

    assert picture(path) == before
    old, new = await SqliteStore.open(path), await SqliteStore.open(out)
    assert [x.event for x in await new.read(1)] == [x.event for x in await old.read(1)]
    await old.aclose()
    await new.aclose()
    assert picture(out / "workspaces" / "1") == picture(path / "workspaces" / "1")


async def test_a_home_that_cannot_be_made_on_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    place = tmp_path / "家"
    environ = {**os.environ, "GLMOS_HOME": str(place)}
    ran = under(tmp_path, [sys.executable, "-m", "glmos", "run", "count the sheep"], environ)
    assert ran.returncode == 2
    assert f"The home {str(place)!r} cannot be written (Read-only file system)" in ran.stderr
    assert not place.exists()


async def within(house: Home, script: str) -> None:
    """Run a script among the mounts that the last daemon sees."""
    whose = ("-m",) if os.geteuid() == 0 else ("-U", "-m", "--preserve-credentials")
    daemon = str(house.daemons[-1].os_pid)
    await anyio.run_process(["nsenter", "-t", daemon, *whose, "sh", "-c", script, "sh", str(house.path)])


async def test_a_home_that_becomes_read_only_stops_its_process_in_words_and_resume_goes_on(tmp_path: Path) -> None:
    async with home(tmp_path, os.environ) as house:
        house.within = ALONE
        with anyio.fail_after(90):
            await house.start()
            person = Person(house)
            pid = await person.start(PROGRAM)
            await house.outside.wait_noted("只读/ping:b")
            await within(house, MOUNT)
            with pytest.raises(DeviceError, match="Read-only file system"):
                await person.see_through(pid)
            await within(house, 'umount "$1"')
            await person.once(lambda: house.system.signal(pid, "resume"))
            report = await person.see_through(pid)
        assert report.status == "done"
        house.down()
        assert await house.daemons[-1].stop() == 0
        assert await audit(house, [PROGRAM]) == []
