"""Payloads on disk."""

import errno
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from glmos.abi.errors import NotFoundError, StoreError
from glmos.journal.blobs import BlobFolder
from glmos.journal.failures import store_error

TEXT = "地区,金额\n华东,1250000\n".encode() * 2_000


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_blob_is_one_compressed_file_named_by_its_content(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    ref = blobs.put(TEXT)
    assert blobs.put(TEXT) == ref
    assert files(tmp_path) == [tmp_path / ref[:2] / ref[2:]]
    assert blobs.path(ref).stat().st_size < len(TEXT) / 20
    assert blobs.path(ref).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("place", [0, 4, 9, 20, -1])
def test_any_flipped_bit_is_noticed(tmp_path: Path, place: int) -> None:
    blobs = BlobFolder(tmp_path)
    ref = blobs.put(os.urandom(500))
    content = bytearray(blobs.path(ref).read_bytes())
    content[place] ^= 0x40
    blobs.path(ref).write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        blobs.get(ref)


@pytest.mark.parametrize("length", [0, 1, 10])
def test_a_file_cut_short_is_noticed_and_mended(tmp_path: Path, length: int) -> None:
    blobs = BlobFolder(tmp_path)
    ref = blobs.put(TEXT)
    os.truncate(blobs.path(ref), length)
    with pytest.raises(StoreError, match="damaged"):
        blobs.get(ref)
    blobs.put(TEXT)
    assert blobs.get(ref) == TEXT


def test_content_under_another_name_is_noticed(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path)
    one, two = blobs.put(b"one"), blobs.put(b"two")
    blobs.path(one).write_bytes(blobs.path(two).read_bytes())
    with pytest.raises(StoreError, match=one):
        blobs.get(one)


def test_a_full_disk_keeps_nothing_and_says_so(
    tmp_path: Path, no_file_above: Callable[[int], AbstractContextManager[None]]
) -> None:
    blobs = BlobFolder(tmp_path)
    data = os.urandom(100_000)
    with no_file_above(50_000), pytest.raises(StoreError, match="full or its limit is reached"):
        blobs.put(data)
    assert files(tmp_path) == []
    assert blobs.get(blobs.put(data)) == data


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, unprivileged: None) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    ref = blobs.put(b"kept")
    (tmp_path / "blobs" / "tmp").chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        blobs.put(b"new")
    assert blobs.get(ref) == b"kept"
    (tmp_path / "blobs" / ref[:2] / ref[2:]).chmod(0)
    with pytest.raises(StoreError, match="Permission denied"):
        blobs.get(ref)


def test_leftovers_of_a_crash_are_swept_but_not_what_is_being_written(tmp_path: Path) -> None:
    BlobFolder(tmp_path)
    old, new = tmp_path / "tmp" / "old", tmp_path / "tmp" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 100_000,) * 2)
    BlobFolder(tmp_path)
    assert files(tmp_path) == [new]


def test_a_folder_gone_under_the_program_is_reported_or_made_again(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path / "blobs")
    ref = blobs.put(TEXT)
    blobs.path(ref).unlink()
    with pytest.raises(NotFoundError):
        blobs.get(ref)
    blobs.path(ref).parent.rmdir()
    assert blobs.get(blobs.put(TEXT)) == TEXT


def test_every_error_of_the_operating_system_becomes_one_sentence() -> None:
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.EMFILE):
        sentence = str(store_error(Path("/家/blobs"), OSError(code, os.strerror(code))))
        assert "'/家/blobs'" in sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence
