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


def left(folders: list[Path], owner: int, age: float) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"glmos-{owner}-", dir="/tmp"))
    then = folder.stat().st_mtime - age
    os.utime(folder, (then, then))
    folders.append(folder)
    return folder


def test_only_old_folders_of_dead_owners_are_removed(left_behind: list[Path]) -> None:
    dead = 2**22 + 1  # no Linux process has this number
    old, young = left(left_behind, dead, 7_200), left(left_behind, dead, 60)
    living = left(left_behind, os.getpid(), 7_200)
    left_behind.append(mine := make_socket_dir(None))
    remove_stale_socket_dirs(None)
    assert [f.exists() for f in (old, young, living, mine)] == [False, True, True, True]
