"""The watchdogs measure what they say they measure."""

import os
import subprocess
import sys
import time
from pathlib import Path

from glmos.sandbox import program
from glmos.sandbox.watch import DiskUse, descendants, disk_use, proportional, resident, tmpfs_use

SOON = float("inf")
TREE = "import os, sys; os.fork(); sys.stdout.write('x'); sys.stdout.flush(); sys.stdin.read()"


def test_disk_use_counts_blocks_and_entries_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/file").write_bytes(b"x" * 8192)
    (tmp_path / "sparse").open("wb").truncate(1 << 30)
    (tmp_path / "link").symlink_to("/usr")
    use = disk_use(tmp_path, give_up_at=SOON)
    assert use.files == 4
    assert 8192 <= use.bytes < 100_000


def test_disk_use_gives_up_in_time(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/file").write_text("x")
    assert disk_use(tmp_path, give_up_at=time.monotonic() - 1).files == 1


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert disk_use(tmp_path / "none", give_up_at=SOON) == DiskUse(0, 0)


def test_the_tree_of_a_program_is_found_by_either_way() -> None:
    with subprocess.Popen([sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.read(2) == b"xx"
        tree = descendants(process.pid)
        assert len(tree) == 2
        listed = [child for child, parent in program._parents().items() if parent == process.pid]
        assert listed == tree[1:]
        assert resident(tree) > proportional(tree) > 0
        process.stdin.close()


def test_processes_that_are_gone_have_no_memory() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    assert resident([process.pid]) == 0
    assert proportional([process.pid]) == 0
    assert descendants(process.pid) == [process.pid]


def test_the_hosts_own_files_in_memory_are_not_the_sandboxes() -> None:
    assert tmpfs_use(os.getpid()) == 0
