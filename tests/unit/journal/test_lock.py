"""One owner per home."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glmos.abi.errors import ConflictError, StoreError
from glmos.journal.lock import HomeLock

OWN = """
import sys, time
from pathlib import Path
from glmos.journal.lock import HomeLock
HomeLock(Path(sys.argv[1])).acquire()
print("mine", flush=True)
sys.stdin.read()
"""


def test_a_home_has_one_owner_and_the_other_is_told_which(tmp_path: Path) -> None:
    home = tmp_path / "家"
    with HomeLock(home), pytest.raises(ConflictError, match=f"in use by process {os.getpid()} "):
        HomeLock(home).acquire()
    with HomeLock(home):
        pass


def test_the_lock_ends_with_its_owner_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"mine\n"
        with pytest.raises(ConflictError, match=f"in use by process {owner.pid} "):
            HomeLock(tmp_path).acquire()
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    HomeLock(tmp_path).acquire()


def test_a_program_started_by_the_owner_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path)
    lock.acquire()
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, close_fds=False
    ) as child:
        lock.release()
        HomeLock(tmp_path).acquire()
        assert child.stdin is not None
        child.stdin.close()


def test_acquire_and_release_may_be_repeated(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path)
    lock.acquire()
    lock.acquire()
    lock.release()
    lock.release()
    assert lock.path.read_text() == f"{os.getpid()}\n"


def test_a_home_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match=r"is not a folder .* GLMOS_HOME"):
            HomeLock(home).acquire()


def test_a_home_that_cannot_be_written_is_refused_in_words(tmp_path: Path, unprivileged: None) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"cannot be written \(Permission denied\); check its permissions"):
        HomeLock(tmp_path / "closed").acquire()
