"""Folders of Unix sockets that an owner left behind."""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from glmos.sandbox.session import make_socket_dir, remove_stale_socket_dirs


@pytest.fixture
def left_behind() -> Generator[list[Path]]:
    folders: list[Path] = []
    yield folders
    for folder in folders:
        if folder.exists():
            folder.rmdir()


def left(folders: list[Path], owner: int, age: float, *, numbers: int = 7) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"glmos-{owner}-{numbers}-", dir="/tmp"))
    then = folder.stat().st_mtime - age
    os.utime(folder, (then, then))
    folders.append(folder)
    return folder


DEAD = 2**22 + 1
"""No Linux process has this number."""


def test_the_folder_of_an_owner_that_is_surely_dead_is_removed_at_once(left_behind: list[Path]) -> None:
    ours = Path("/proc/self/ns/pid").stat().st_ino
    young = left(left_behind, DEAD, 0, numbers=ours)
    left_behind.append(mine := make_socket_dir(None))
    remove_stale_socket_dirs(None)
    assert (young.exists(), mine.exists()) == (False, True)


def test_of_other_containers_only_old_folders_of_dead_owners_are_removed(left_behind: list[Path]) -> None:
    old, young = left(left_behind, DEAD, 7_200), left(left_behind, DEAD, 60)
    living = left(left_behind, os.getpid(), 7_200)
    left_behind.append(mine := make_socket_dir(None))
    remove_stale_socket_dirs(None)
    assert [f.exists() for f in (old, young, living, mine)] == [False, True, True, True]
