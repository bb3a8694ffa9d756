"""Whatever programs do to a workspace, it can be taken back, and nothing outside is touched."""

# Names here are bytes, as programs may choose them.
# ruff: noqa: PTH101, PTH103, PTH118, PTH123, PTH211

import os
import shutil
import socket
import stat
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmos.abi.errors import NotFoundError, UsageError, WorkspaceError
from glmos.sandbox import DiskWorkspaces, snapshots, tree
from glmos.sandbox.objects import LARGE

NAMES = st.sampled_from(
    [b"a", b"b", b"c d", "数据".encode(), b"line\nbreak", b"caf\xe9", b"'\"$(x)", b"-rf", b".hidden"]
)
CONTENTS = st.sampled_from([b"", b"x", "内容".encode(), b"\0\xff" * 50, b"y" * 4096])
FILE_MODES = st.sampled_from([0o644, 0o600, 0o755, 0o400, 0o000])
FOLDER_MODES = st.sampled_from([0o755, 0o700, 0o500, 0o000, 0o1777])


class Shape(NamedTuple):
    """A folder to be made: name to what is in it."""

    entries: dict[bytes, object]
    mode: int = 0o755


class FileShape(NamedTuple):
    content: bytes
    mode: int


class LinkShape(NamedTuple):
    target: bytes


class PipeShape(NamedTuple):
    mode: int


class NameShape(NamedTuple):
    """One more name of the `number`-th of the files made before."""

    number: int


LEAVES = st.one_of(
    st.builds(FileShape, CONTENTS, FILE_MODES),
    st.builds(LinkShape, st.sampled_from([b"a", b"..", b"/etc/passwd", b"nowhere", b"."])),
    st.builds(PipeShape, FILE_MODES),
    st.builds(NameShape, st.integers(0, 3)),
)
FOLDERS = st.recursive(
    st.builds(Shape, st.dictionaries(NAMES, LEAVES, max_size=3), FOLDER_MODES),
    lambda inner: st.builds(Shape, st.dictionaries(NAMES, st.one_of(LEAVES, inner), max_size=4), FOLDER_MODES),
    max_leaves=12,
)


def make(path: bytes, shape: object, files: list[bytes] | None = None) -> None:
    files = [] if files is None else files
    match shape:
        case Shape(entries, mode):
            os.makedirs(path, exist_ok=True)
            for name, inner in entries.items():
                make(os.path.join(path, name), inner, files)
            os.chmod(path, mode)
        case FileShape(content, mode):
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, mode)
            files.append(path)
        case PipeShape(mode):
            os.mkfifo(path)
            os.chmod(path, mode)
        case NameShape(number):
            if files and os.access(files[number % len(files)], os.F_OK):
                os.link(files[number % len(files)], path)
        case LinkShape(target):
            os.symlink(target, path)
        case _:
            raise AssertionError(shape)


def wipe(path: Path) -> None:
    with tree.opened(path) as folder:
        os.fchmod(folder, 0o700)
        tree.empty(folder)


def picture(path: Path) -> list[tuple[object, ...]]:
    """Everything that should come back, times included."""
    with tree.opened(path) as folder:
        return [(n.path, n.kind, n.mode, n.size, n.mtime_ns, n.content, n.same_as) for n in snapshots.scan(folder, {})]


class Home:
    """A store of workspaces, and beside it things that must never change."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "precious").write_text("珍贵")
        self.workspaces = DiskWorkspaces(folder / "home")

    def check(self) -> None:
        assert [path.name for path in self.outside.iterdir()] == ["precious"]
        assert (self.outside / "precious").read_text() == "珍贵"


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(before=FOLDERS, after=FOLDERS, snapshot_twice=st.booleans())
def test_any_folder_comes_back_as_it_was(before: Shape, after: Shape, snapshot_twice: bool) -> None:
    async def story(folder: Path) -> None:
        home = Home(folder)
        workspaces = home.workspaces
        await workspaces.create(1, ())
        place = workspaces.path(1)
        make(os.fsencode(place), before._replace(mode=0o755))
        saved = await workspaces.save(1)
        wanted = picture(place)
        if snapshot_twice:
            assert await workspaces.save(1) == saved
        wipe(place)
        make(os.fsencode(place), after._replace(mode=0o755))
        elsewhere = await workspaces.save(1)
        await workspaces.restore(1, saved)
        assert picture(place) == wanted
        assert await workspaces.changes(1, saved) == []
        assert await workspaces.save(1) == saved
        await workspaces.restore(1, elsewhere)
        assert await workspaces.save(1) == elsewhere
        await workspaces.copy(1, 2, snapshot=saved)
        assert await workspaces.save(2) == saved
        await workspaces.remove(1)
        assert not place.exists()
        home.check()
        await workspaces.aclose()

    with tempfile.TemporaryDirectory() as folder:
        try:
            anyio.run(story, Path(folder))
        finally:
            wipe(Path(folder))


pytestmark = pytest.mark.anyio


@pytest.fixture
async def home(tmp_path: Path) -> AsyncGenerator[Home]:
    home = Home(tmp_path)
    yield home
    home.check()
    await home.workspaces.aclose()


async def grown_old(file: Path) -> None:
    """Return when a look at the file may be remembered: one that has just changed is always read again."""
    with anyio.fail_after(5):
        while time.time_ns() - file.stat().st_ctime_ns < 2 * snapshots._JUST_NOW_NS:
            await anyio.lowlevel.checkpoint()


# -- saving and restoring ---------------------------------------------------------------------------------------------


async def test_a_change_that_keeps_size_and_time_is_seen(home: Home) -> None:
    await home.workspaces.create(1, ())
    file = home.workspaces.path(1) / "f"
    file.write_text("aaaa")
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    before = await home.workspaces.save(1)
    file.write_text("bbbb")
    os.utime(file, ns=times)
    assert await home.workspaces.save(1) != before
    await home.workspaces.restore(1, before)
    assert file.read_text() == "aaaa"


async def test_a_change_right_after_a_save_is_seen(home: Home) -> None:
    """Within one tick of the clock of files nothing but the content tells."""
    await home.workspaces.create(1, ())
    file = home.workspaces.path(1) / "f"
    names: set[str] = set()
    for number in range(60):
        with file.open("r+" if file.exists() else "w") as opened:
            opened.write(f"{number:04}")
        names.add(await home.workspaces.save(1))
    assert len(names) == 60


async def test_a_file_that_was_looked_at_is_still_kept_by_the_next_save(home: Home) -> None:
    await home.workspaces.create(1, ())
    file = home.workspaces.path(1) / "f"
    file.touch()
    before = await home.workspaces.save(1)  # this gives it to whom programs run as, once and for all
    file.write_text("made since")
    await grown_old(file)
    assert [change.path for change in await home.workspaces.changes(1, before)] == ["f"]
    saved = await home.workspaces.save(1)
    file.write_text("lost")
    await home.workspaces.restore(1, saved)
    assert file.read_text() == "made since"


async def test_large_files_and_holes_come_back(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "large").write_bytes(os.urandom(LARGE * 2 + 7))
    (place / "edge").write_bytes(b"z" * LARGE)
    with (place / "holes").open("wb") as file:
        file.truncate(50 << 20)
    wanted = picture(place)
    saved = await home.workspaces.save(1)
    for name in ("large", "edge", "holes"):
        (place / name).write_text("gone")
    await home.workspaces.restore(1, saved)
    assert picture(place) == wanted


async def test_equal_contents_are_kept_once(home: Home) -> None:
    await home.workspaces.create(1, ())
    place, data = home.workspaces.path(1), os.urandom(LARGE + 1)
    for number in range(5):
        (place / f"copy-{number}").write_bytes(data)
    await home.workspaces.save(1)
    kept = [path for path in (home.workspaces.path(1).parent / ".objects/large").rglob("*") if path.is_file()]
    assert len(kept) == 1


async def test_a_restore_can_be_done_again_after_it_was_cut_short(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    for number in range(20):
        (place / f"f{number}").write_text(str(number))
    wanted, saved = picture(place), await home.workspaces.save(1)
    wipe(place)
    (place / "f3").write_text("3")  # as far as it got
    (place / ".glmos-0123456789abcdef").write_text("half")
    await home.workspaces.restore(1, saved)
    assert picture(place) == wanted


async def test_pipes_come_back_and_sockets_are_named(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "kept").write_text("x")
    os.mkfifo(place / "管道")
    (place / "管道").chmod(0o640)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place / "socket"))
        saved = await home.workspaces.save(1)
    assert await home.workspaces.skipped(saved) == ["socket"]
    os.mkfifo(place / "another")
    assert await home.workspaces.restore(1, saved) == ()
    assert sorted(path.name for path in place.iterdir()) == ["kept", "socket", "管道"]
    (place / "管道").unlink()
    (place / "管道").write_text("一个文件")
    (place / "socket").unlink()
    (place / "socket").mkdir()
    (gone,) = await home.workspaces.restore(1, saved)
    assert gone == "the socket 'socket' is gone; the program that made it can make it again"
    assert (place / "管道").is_fifo()
    assert stat.S_IMODE((place / "管道").stat().st_mode) == 0o640
    assert sorted(path.name for path in place.iterdir()) == ["kept", "管道"]


async def test_names_of_one_file_stay_names_of_one_file(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "closed").mkdir()
    (place / "one").write_text("x")
    os.link(place / "one", place / "closed/two")
    (place / "closed").chmod(0o500)
    (place / "other").write_text("x")
    saved, wanted = await home.workspaces.save(1), picture(place)
    inode = (place / "one").stat().st_ino
    await home.workspaces.restore(1, saved)
    assert (place / "one").stat().st_ino == inode, "what is right is left alone"
    (place / "closed").chmod(0o700)
    (place / "closed/two").unlink()
    (place / "closed/two").write_text("y")
    (place / "other").unlink()
    os.link(place / "one", place / "other")
    await home.workspaces.restore(1, saved)
    assert picture(place) == wanted
    (place / "one").write_text("changed")
    assert (place / "closed/two").read_text() == "changed"
    assert (place / "other").read_text() == "x"
    await home.workspaces.copy(1, 2, snapshot=saved)
    assert await home.workspaces.save(2) == saved
    await home.workspaces.create(3, ())
    await home.workspaces.fetch(3, 1, ["closed/two"], "")
    assert (home.workspaces.path(3) / "closed/two").stat().st_nlink == 1


async def test_a_hole_stays_a_hole(home: Home, tmp_path: Path) -> None:
    source = tmp_path / "稀疏.img"
    with source.open("wb") as file:
        file.write(b"head")
        file.seek(300 << 20)
        file.write(b"tail")
        file.truncate(400 << 20)
    await home.workspaces.create(1, [source])
    file, saved = home.workspaces.path(1) / "稀疏.img", await home.workspaces.save(1)
    assert file.stat().st_blocks * 512 < 1 << 20
    file.unlink()
    await home.workspaces.restore(1, saved)
    assert (file.stat().st_size, file.stat().st_blocks * 512 < 1 << 20) == (400 << 20, True)
    with file.open("rb") as opened:
        assert opened.read(5) == b"head\0"
        opened.seek(300 << 20)
        assert opened.read(5) == b"tail\0"


async def test_set_uid_bits_are_not_kept(home: Home) -> None:
    await home.workspaces.create(1, ())
    file = home.workspaces.path(1) / "f"
    file.write_text("x")
    file.chmod(0o6755)
    saved = await home.workspaces.save(1)
    file.unlink()
    await home.workspaces.restore(1, saved)
    assert stat.S_IMODE(file.stat().st_mode) == 0o755


async def test_folders_nested_too_deep_do_not_stop_anything(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "kept").write_text("x")
    empty = await home.workspaces.save(1)
    folder = os.open(place, os.O_RDONLY)
    for _ in range(2500):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    deep = await home.workspaces.save(1)
    assert len(await home.workspaces.skipped(deep)) == 1
    await home.workspaces.restore(1, empty)
    assert [path.name for path in place.iterdir()] == ["kept"]


async def test_what_is_added_changed_and_deleted_is_told(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    for name in ("same", "content", "mode", "gone"):
        (place / name).write_text(name)
    (place / "link").symlink_to("same")
    saved = await home.workspaces.save(1)
    (place / "content").write_text("CONTENT")
    (place / "mode").chmod(0o755)
    (place / "gone").unlink()
    (place / "link").unlink()
    (place / "link").symlink_to("mode")
    (place / "新").mkdir()
    (place / "新/文件").write_text("x")
    (place / os.fsdecode(b"caf\xe9")).write_text("x")
    assert [tuple(change) for change in await home.workspaces.changes(1, saved)] == [
        ("caf\\xe9", "added"), ("content", "changed"), ("gone", "deleted"), ("link", "changed"), ("mode", "changed"),
        ("新/文件", "added"),
    ]  # fmt: skip


async def test_an_unknown_state_and_an_unknown_process_are_named(home: Home) -> None:
    await home.workspaces.create(1, ())
    with pytest.raises(WorkspaceError, match="no saved state 'feed'"):
        await home.workspaces.restore(1, "feed")
    with pytest.raises(NotFoundError, match="Process 7 has no workspace"):
        await home.workspaces.save(7)


async def test_a_damaged_content_is_noticed_not_restored(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "large").write_bytes(bytes(range(256)) * (LARGE // 200))
    saved = await home.workspaces.save(1)
    for path in (place.parent / ".objects/large").rglob("*"):
        if path.is_file():
            path.write_bytes(b"nonsense")
    (place / "large").unlink()
    with pytest.raises(WorkspaceError, match="damaged on disk"):
        await home.workspaces.restore(1, saved)


async def test_old_states_are_forgotten_and_the_others_still_whole(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "shared").write_bytes(b"s" * (LARGE + 1))
    (place / "old").write_bytes(b"o" * (LARGE + 1))
    (place / "small").write_text("old")
    old = await home.workspaces.save(1)
    (place / "old").unlink()
    (place / "small").write_text("new")
    new = await home.workspaces.save(1)
    assert await home.workspaces.collect([new]) == 2
    wipe(place)
    await home.workspaces.restore(1, new)
    assert (place / "small").read_text() == "new"
    with pytest.raises(WorkspaceError):
        await home.workspaces.restore(1, old)


async def test_a_file_whose_content_was_forgotten_is_kept_anew_by_the_next_save(home: Home) -> None:
    await home.workspaces.create(1, ())
    file = home.workspaces.path(1) / "f"
    file.write_text("here all the time")
    await home.workspaces.save(1)
    await grown_old(file)
    await home.workspaces.save(1)
    assert await home.workspaces.collect([]) == 1
    saved = await home.workspaces.save(1)
    file.unlink()
    await home.workspaces.restore(1, saved)
    assert file.read_text() == "here all the time"


async def test_everything_is_still_there_for_the_next_owner(home: Home, tmp_path: Path) -> None:
    await home.workspaces.create(1, ())
    (home.workspaces.path(1) / "f").write_text("x")
    saved = await home.workspaces.save(1)
    await home.workspaces.aclose()
    again = DiskWorkspaces(tmp_path / "home")
    assert await again.save(1) == saved
    (again.path(1) / "f").unlink()
    await again.restore(1, saved)
    assert (again.path(1) / "f").read_text() == "x"
    await again.aclose()


# -- attacks ----------------------------------------------------------------------------------------------------------


async def test_a_folder_swapped_for_a_link_leads_nowhere(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "d").mkdir()
    (place / "d/precious").write_text("mine")
    saved = await home.workspaces.save(1)
    shutil.rmtree(place / "d")
    (place / "d").symlink_to(home.outside)
    changed = await home.workspaces.save(1)
    await home.workspaces.restore(1, saved)
    assert not (place / "d").is_symlink()
    assert (place / "d/precious").read_text() == "mine"
    await home.workspaces.restore(1, changed)
    await home.workspaces.remove(1)


async def test_files_are_not_fetched_through_a_link(home: Home) -> None:
    await home.workspaces.create(1, ())
    await home.workspaces.create(2, ())
    (home.workspaces.path(1) / "children").symlink_to(home.outside)
    (home.workspaces.path(2) / "result").write_text("x")
    with pytest.raises(WorkspaceError, match="'children' is in the way"):
        await home.workspaces.fetch(1, 2, ["result"], "children/2")


@pytest.mark.parametrize("path", ["../1/secret", "/etc/passwd", "a/../../1/secret", "nul\0"])
async def test_paths_that_lead_out_are_refused(home: Home, path: str) -> None:
    await home.workspaces.create(1, ())
    await home.workspaces.create(2, ())
    (home.workspaces.path(1) / "secret").write_text("x")
    with pytest.raises(UsageError, match="inside the workspace"):
        await home.workspaces.fetch(1, 2, [path], "into")
    with pytest.raises(UsageError, match="inside the workspace"):
        await home.workspaces.fetch(1, 2, [], path)
    with pytest.raises(UsageError, match="inside the workspace"):
        await home.workspaces.copy(2, 3, paths=[path])


async def test_a_restore_while_a_program_swaps_folders_stays_inside(home: Home) -> None:
    """A thread plays the program: it keeps replacing a folder by a link to the outside and back."""
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "d").mkdir()
    for number in range(30):
        (place / f"d/f{number}").write_text(str(number))
    saved = await home.workspaces.save(1)
    (place / "evil").symlink_to(home.outside)
    done = anyio.Event()

    def swap() -> None:
        while not done.is_set():
            for source, target in (("d", "away"), ("evil", "d"), ("d", "evil"), ("away", "d")):
                try:
                    (place / source).rename(place / target)
                except OSError:
                    continue

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, swap)
        for _ in range(30):
            try:
                await home.workspaces.restore(1, saved)
            except WorkspaceError:
                continue
        done.set()
    await home.workspaces.restore(1, saved)
    assert await home.workspaces.changes(1, saved) == []


# -- copies between processes -----------------------------------------------------------------------------------------


async def test_chosen_files_are_copied_and_others_left(home: Home) -> None:
    await home.workspaces.create(1, ())
    place = home.workspaces.path(1)
    (place / "数据/深").mkdir(parents=True)
    (place / "数据/深/表.csv").write_text("1")
    (place / "数据/other").write_text("2")
    (place / "top").write_text("3")
    await home.workspaces.create(2, ())
    (home.workspaces.path(2) / "own").write_text("自己")
    await home.workspaces.copy(1, 2, paths=["数据/深", "top"])
    files = {path.relative_to(home.workspaces.path(2)).as_posix() for path in home.workspaces.path(2).rglob("*")}
    assert files == {"own", "top", "数据", "数据/深", "数据/深/表.csv"}


async def test_fetching_again_replaces_and_gives_the_files_that_came(home: Home) -> None:
    for pid in (1, 2):
        await home.workspaces.create(pid, ())
    child = home.workspaces.path(2)
    (child / "out").mkdir()
    (child / "out/图.png").write_bytes(b"1")
    (child / os.fsdecode(b"caf\xe9")).write_bytes(b"2")
    before = await home.workspaces.save(1)
    names = ["out", "caf\\xe9"]
    assert await home.workspaces.fetch(1, 2, names, "children/2") == ("children/2/caf\\xe9", "children/2/out/图.png")
    (child / "out/图.png").write_bytes(b"changed")
    await home.workspaces.fetch(1, 2, names, "children/2")
    assert (home.workspaces.path(1) / "children/2/out/图.png").read_bytes() == b"changed"
    await home.workspaces.restore(1, before)
    assert list(home.workspaces.path(1).iterdir()) == []
    with pytest.raises(NotFoundError, match="no file 'absent' in the workspace of process 2"):
        await home.workspaces.fetch(1, 2, ["absent"], "")


async def test_a_copy_does_not_change_with_its_source(home: Home) -> None:
    await home.workspaces.create(1, ())
    (home.workspaces.path(1) / "f").write_text("before")
    await home.workspaces.copy(1, 2)
    (home.workspaces.path(1) / "f").write_text("after!")
    assert (home.workspaces.path(2) / "f").read_text() == "before"


# -- what a person gives ----------------------------------------------------------------------------------------------


async def test_odd_names_are_kept(home: Home, tmp_path: Path) -> None:
    names = ["with space.csv", 'it\'s "quoted".csv', "line\nbreak.csv", "销售 数据.csv", "-rf", ".hidden", "$(x) `y`"]
    sources = [tmp_path / name for name in names]
    for source in sources:
        source.write_text(source.name)
    files = await home.workspaces.create(1, sources)
    assert [file.name for file in files] == names
    assert {path.name: path.read_text() for path in home.workspaces.path(1).iterdir()} == {name: name for name in names}
    assert [file.source for file in files] == [str(source) for source in sources]


async def test_equal_names_become_different(home: Home, tmp_path: Path) -> None:
    sources: list[Path] = []
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
        for name in ("data.tar.gz", "x" * 250 + ".csv", "noending"):
            (tmp_path / folder / name).write_text(folder)
            sources.append(tmp_path / folder / name)
    files = await home.workspaces.create(1, [*sources, sources[0]])
    names = [file.name for file in files]
    assert names[0::3] == ["data.tar.gz", "data-2.tar.gz", "data-3.tar.gz"]
    assert names[2::3] == ["noending", "noending-2", "noending-3"]
    assert len(set(names)) == 9
    assert (home.workspaces.path(1) / "data-3.tar.gz").read_text() == "three"


async def test_a_name_of_an_old_chinese_system_becomes_readable(home: Home, tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode("销售.csv".encode("gbk"))
    source.write_text("x")
    (file,) = await home.workspaces.create(1, [source])
    assert file.name == "销售.csv"
    file.source.encode()


async def test_a_folder_comes_with_everything_but_what_cannot(home: Home, tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "empty").mkdir(parents=True)
    (given / "run.sh").write_text("#!/bin/sh")
    (given / "run.sh").chmod(0o555)
    (given / "link").symlink_to("/etc/passwd")
    os.mkfifo(given / "pipe")
    os.utime(given / "run.sh", ns=(1, 1_000_000_001))
    (file,) = await home.workspaces.create(1, [given])
    copy = home.workspaces.path(1) / "given"
    assert sorted(path.name for path in copy.iterdir()) == ["empty", "link", "run.sh"]
    assert (copy / "link").readlink() == Path("/etc/passwd")
    assert stat.S_IMODE((copy / "run.sh").stat().st_mode) == 0o755
    assert (copy / "run.sh").stat().st_mtime_ns == 1_000_000_001
    assert (file.name, file.size) == ("given", 9)


async def test_the_home_is_not_copied_into_itself(home: Home, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("x")
    await home.workspaces.create(1, [tmp_path])
    copy = home.workspaces.path(1) / tmp_path.name
    assert sorted(path.name for path in copy.iterdir()) == ["note", "outside"]


async def test_creating_again_changes_nothing(home: Home, tmp_path: Path) -> None:
    source = tmp_path / "f.csv"
    source.write_text("1")
    first = await home.workspaces.create(1, [source])
    (home.workspaces.path(1) / "f.csv").write_text("work")
    source.write_text("2")
    assert await home.workspaces.create(1, [source]) == first
    assert (home.workspaces.path(1) / "f.csv").read_text() == "work"


async def test_a_crash_while_creating_leaves_all_or_nothing(home: Home, tmp_path: Path) -> None:
    source = tmp_path / "f"
    source.write_text("1")
    place, aside = home.workspaces.path(1), home.workspaces.path(1).parent / ".new-1"
    aside.mkdir(parents=True)
    (aside / "half a copy").write_text("x")  # it had not been recorded
    files = await home.workspaces.create(1, [source])
    assert [path.name for path in place.iterdir()] == ["f"]
    place.rename(aside)  # it had been recorded, but not yet moved
    source.write_text("2")
    assert await home.workspaces.create(1, [source]) == files
    assert (place / "f").read_text() == "1"


async def test_what_a_killed_owner_had_half_made_is_gone_with_the_next_one(home: Home, tmp_path: Path) -> None:
    root = home.workspaces.path(1).parent
    (root / ".new-7").mkdir(parents=True)
    (root / ".new-7" / "half a copy").write_text("x")
    (root / ".objects/large").mkdir(parents=True)
    (root / ".objects/large/.0123456789abcdef").write_text("half a content")
    await home.workspaces.create(1, [])
    assert not (root / ".new-7").exists()
    assert not list((root / ".objects/large").iterdir())


async def test_what_a_crash_left_of_a_fetch_is_gone_when_it_is_made_again(tmp_path: Path) -> None:
    async def die(workspaces: DiskWorkspaces) -> None:
        """As a program that is killed just before a file gets its name: its temporary one stays."""
        await workspaces.fetch(1, 2, ["表.csv"], "children/2")
        below = workspaces.path(1) / "children/2"
        (below / "表.csv").rename(below / os.fsdecode(tree.temporary_name("表.csv".encode())))

    workspaces = DiskWorkspaces(tmp_path / "home")
    await workspaces.create(1, [])
    await workspaces.create(2, [])
    (workspaces.path(2) / "表.csv").write_text("地区,额\n")
    await die(workspaces)
    again = DiskWorkspaces(tmp_path / "home")
    assert await again.fetch(1, 2, ["表.csv"], "children/2") == ("children/2/表.csv",)
    assert [path.name for path in (again.path(1) / "children/2").iterdir()] == ["表.csv"]
    await workspaces.aclose()
    await again.aclose()


async def test_a_missing_file_is_named_and_leaves_no_workspace(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"There is no file '.*/缺.csv'"):
        await home.workspaces.create(1, [tmp_path / "缺.csv"])
    with pytest.raises(NotFoundError, match="part of its path is not a folder"):
        await home.workspaces.create(1, [home.outside / "precious" / "f"])
    assert not home.workspaces.path(1).exists()
    assert await home.workspaces.create(1, []) == ()


async def test_what_is_no_file_is_refused(home: Home, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is a pipe"):
        await home.workspaces.create(1, [tmp_path / "pipe"])
    with pytest.raises(UsageError, match="is a device"):
        await home.workspaces.create(1, [Path("/dev/zero")])
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="cannot be read"):
        await home.workspaces.create(1, [tmp_path / "loop"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
async def test_what_may_not_be_read_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0)
    with pytest.raises(UsageError, match=r"closed' may not be read by you"):
        await home.workspaces.create(1, [tmp_path / "closed"])


async def test_a_changed_file_is_copied_again(home: Home, tmp_path: Path) -> None:
    source = tmp_path / "表.csv"
    source.write_text("1")
    (file,) = await home.workspaces.create(1, [source])
    assert await home.workspaces.refresh(1, file) is None
    source.write_text("22")
    fresh = await home.workspaces.refresh(1, file)
    assert fresh is not None
    assert (fresh.name, fresh.size, fresh.digest != file.digest) == ("表.csv", 2, True)
    assert (home.workspaces.path(1) / "表.csv").read_text() == "22"
    assert await home.workspaces.refresh(1, fresh) is None
    source.unlink()
    assert await home.workspaces.refresh(1, fresh) is None


async def test_long_copies_are_told_of(tmp_path: Path) -> None:
    told: list[str] = []
    with (tmp_path / "大.bin").open("wb") as file:
        file.truncate(130 << 20)
    workspaces = DiskWorkspaces(tmp_path / "home", progress=told.append)
    await workspaces.create(1, [tmp_path / "大.bin"])
    await workspaces.aclose()
    assert told in ([], ["copying '大.bin': 64 of 130 MiB", "copying '大.bin': 128 of 130 MiB"])


# -- a disk that does not do its part ---------------------------------------------------------------------------------


FULL_DISK = """
import os, sys, anyio
from pathlib import Path
from glmos.abi.errors import WorkspaceError
from glmos.sandbox import DiskWorkspaces
async def main():
    home = Path(sys.argv[1])
    workspaces = DiskWorkspaces(home)
    await workspaces.create(1, ())
    place = workspaces.path(1)
    (place / "kept").write_text("x")
    saved = await workspaces.save(1)
    (place / "big").write_bytes(os.urandom(700_000))
    for attempt in (workspaces.save(1), workspaces.create(2, [place / "big"])):
        try:
            await attempt
        except WorkspaceError as error:
            print(error)
    assert not workspaces.path(2).exists()
    await workspaces.restore(1, saved)
    assert [path.name for path in place.iterdir()] == ["kept"]
    assert await workspaces.save(1) == saved
anyio.run(main)
"""


async def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    disk = ["bwrap", "--dev-bind", "/", "/", "--size", "1200000", "--tmpfs", str(tmp_path), "--"]
    done = await anyio.run_process([*disk, sys.executable, "-c", FULL_DISK, str(tmp_path / "home")], check=False)
    assert done.stdout.decode().splitlines() == [
        "The files of process 1 could not be saved: the disk is full; free some space and resume.",
        "The workspace of process 2 could not be made: the disk is full; free some space and resume.",
    ], done.stderr.decode()


async def test_a_home_that_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(WorkspaceError, match="The workspace of process 1 could not be made: Not a directory"):
        await DiskWorkspaces(tmp_path / "home" / "x").create(1, ())


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
async def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WorkspaceError, match="Permission denied"):
        await DiskWorkspaces(tmp_path / "home").create(1, ())
    tmp_path.chmod(0o700)
