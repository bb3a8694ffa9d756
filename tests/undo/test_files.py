"""Undo of whatever programs do to files: real tools in the real sandbox, the whole system above them."""

import os
import stat
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.testing.models import call
from tests.undo.telling import Stop, done, picture, place, real, shell, story, use

pytestmark = pytest.mark.anyio

MAKE = r"""
set -e
mkdir -p 数据/deep/er empty closed sticky 'a b'
echo 一 > 数据/表.csv; echo two > 数据/deep/er/f; : > nothing
printf 'x' > "$(printf 'caf\351')"; printf 'y' > "$(printf 'line\nbreak')"; echo z > "$(printf '%0255d' 0)"
mkdir -p "$(printf '数%.0s' $(seq 85))"; echo q > "'\"\$(x)"; echo h > .hidden; echo r > -rf
echo s > script.sh; chmod 755 script.sh; echo p > private; chmod 600 private; echo n > unreadable; chmod 000 unreadable
echo c > closed/inside; chmod 400 closed/inside; chmod 500 closed; chmod 1777 sticky
ln -s 数据/表.csv link; ln -s /etc/passwd absolute; ln -s nowhere/at/all dangling; ln -s . itself; ln -s ../.. out
echo same > one; ln one two; ln one 数据/three; mkfifo -m 640 pipe
echo old > 'replaced by a folder'; mkdir 'replaced by a file'; echo in > 'replaced by a file/in'
head -c 3000000 /dev/urandom > noise; truncate -s 200M sparse; printf end >> sparse
touch -d '2001-02-03 04:05:06.789' old; touch -d '2030-01-01' 数据/表.csv; touch -d '1999-09-09' 'a b'
"""

SPOIL = r"""
chmod -R u+rwX . ; set -e
rm -r 数据/deep empty "$(printf 'caf\351')" "$(printf 'line\nbreak')" link dangling
mv 数据 data; mkdir 数据; echo 二 > 数据/表.csv
echo more >> "$(printf '%0255d' 0)"; chmod 777 script.sh private; rm unreadable; ln -s script.sh unreadable
rm -r closed; echo file > closed; chmod 755 sticky; rm absolute; echo x > absolute; ln -sfn /tmp itself
echo changed > one; rm two; echo own > two; rm pipe; echo text > pipe; mkfifo another
rm 'replaced by a folder'; mkdir -p 'replaced by a folder/deep'; rm -r 'replaced by a file'; echo f > 'replaced by a file'
printf X | dd of=noise bs=1 seek=1234567 conv=notrunc 2>/dev/null; rm sparse; truncate -s 10M sparse
touch old nothing; mkdir -p new/deep/er; echo n > new/deep/er/n; mv -- -rf gone; rm .hidden; ln gone again
"""


async def test_files_of_all_kinds_come_back_as_they_were(tmp_path: Path) -> None:
    stop = Stop()
    steps = {"A": [shell(MAKE)], "B": [shell("ls -la")], "C": [shell(SPOIL)]}
    async with real(tmp_path, story(steps, {"C": stop})) as w, anyio.create_task_group() as tasks:
        pid = await w.system.start(RunRequest("照剧本做", approve_all=True))
        with anyio.fail_after(90):
            await stop.reached.wait()
        made = picture(place(w, pid))
        assert len(made) > 35
        stop.go.set()
        assert (await w.system.wait(pid)).status == "done"
        log = await w.system.log(pid)
        failed = [x.event for x in log if isinstance(x.event, e.ToolFinished) and x.event.failure is not None]
        assert not failed and picture(place(w, pid)) != made
        for step in ("C", "B"):
            undone = await w.system.undo(pid, step)
            assert (undone.restored, undone.left, undone.seen) == (True, (), ())
            assert picture(place(w, pid)) == made
        undone = await w.system.undo(pid)
        assert (undone.step, undone.left) == ("A", ())
        assert list(place(w, pid).iterdir()) == []
        tasks.cancel_scope.cancel()


async def test_every_tool_that_writes_files_is_taken_back(tmp_path: Path) -> None:
    source = tmp_path / "源.csv"
    source.write_text("城市,数\n北京,1\n上海,2\n")
    steps = {
        "A": [
            use("files", action="write", path="记/录.txt", text="甲\n"),
            use("files", action="write", path="b", text="b"),
        ],
        "B": [
            use("files", action="edit", path="记/录.txt", old="甲", new="乙"),
            use("files", action="move", path="b", to="moved/b"),
            use("files", action="delete", path="源.csv"),
            use("files", action="write", path="记/新.txt", text="新"),
        ],
        "C": [
            call(
                "python",
                code="import os; open('p', 'wb').write(bytes(5000)); os.rename('记', '志'); os.chmod('p', 0o640)",
            ),
            use("files", action="write", path="t.csv", text="a\n1\n2\n"),
            call("tables", action="export", sql="SELECT sum(a) AS s FROM t", path="out/和.parquet"),
        ],
    }
    async with real(tmp_path / "home", story(steps)) as w:
        pid = await done(w, "write files, and delete 源.csv", files=[source])
        log = await w.system.log(pid)
        assert not [x.event for x in log if isinstance(x.event, e.ToolFinished) and x.event.failure is not None]
        folder = place(w, pid)
        assert sorted(p.name for p in (folder / "out").iterdir()) == ["和.parquet"]
        await w.system.undo(pid)
        assert _names(folder) == ["moved", "moved/b", "记", "记/录.txt", "记/新.txt"]
        await w.system.undo(pid)
        assert _names(folder) == ["b", "源.csv", "记", "记/录.txt"]
        assert (folder / "记/录.txt").read_text() == "甲\n"
        await w.system.undo(pid)
        assert _names(folder) == ["源.csv"]


async def test_large_files_come_back_with_their_holes(tmp_path: Path) -> None:
    """Half a gigabyte of which nearly all is a hole, and 24 MB that cannot be compressed."""
    sparse, noise = tmp_path / "空.img", tmp_path / "noise.bin"
    with sparse.open("wb") as file:
        file.seek(1 << 28)
        file.write("中间".encode())
        file.truncate(1 << 29)
    with noise.open("wb") as file:
        for _ in range(3):
            file.write(os.urandom(8 << 20))
    spoil = "rm noise.bin; truncate -s 5 空.img"
    async with real(tmp_path / "home", story({"A": [shell("ls")], "B": [shell(spoil)]})) as w:
        pid = await done(w, "delete noise.bin and change 空.img", files=[sparse, noise])
        sparse.unlink()
        assert (place(w, pid) / "空.img").stat().st_size == 5
        undone = await w.system.undo(pid, "B")
        assert undone.left == ()
        back = place(w, pid)
        assert (back / "noise.bin").read_bytes() == noise.read_bytes()
        status = (back / "空.img").stat()
        assert (status.st_size, status.st_blocks * 512 < 1 << 20) == (1 << 29, True)
        with (back / "空.img").open("rb") as file:
            file.seek(1 << 28)
            assert file.read(8) == "中间".encode() + b"\0\0"


async def test_a_program_can_neither_leave_a_set_uid_file_nor_lose_one_it_never_had(tmp_path: Path) -> None:
    script = story({"A": [shell("echo x > f; chmod 4755 f; stat -c %a f; install -m 2755 f g; stat -c %a f g; true")]})
    async with real(tmp_path, script) as w:
        pid = await done(w)
        modes = [stat.S_IMODE(p.stat().st_mode) & 0o6000 for p in place(w, pid).iterdir()]
    assert modes == [0] * len(modes) and modes


SOCKET = """
import socket, os
s = socket.socket(socket.AF_UNIX); s.bind('run.sock'); s.listen()
os.mkfifo('queue')
"""


async def test_a_socket_that_is_gone_is_named(tmp_path: Path) -> None:
    steps = {"A": [call("python", code=SOCKET)], "B": [shell("rm run.sock queue; mkdir run.sock")]}
    async with real(tmp_path, story(steps)) as w:
        pid = await done(w)
        undone = await w.system.undo(pid, "B")
        assert undone.left == ("the socket 'run.sock' is gone; the program that made it can make it again",)
        assert _names(place(w, pid)) == ["queue"]
        assert (place(w, pid) / "queue").is_fifo()


WRITING = """
import threading
def write():
    n = 0
    while True:
        n += 1
        with open('busy.txt', 'w') as f: f.write(f'{n}\\n' * 5000)
        open(f'more-{n % 50}.txt', 'w').write('x' * n)
threading.Thread(target=write, daemon=True).start()
"""


async def test_files_that_change_while_they_are_saved_hinder_nothing(tmp_path: Path) -> None:
    """A thread of the Python kernel writes on and on, through every save; it ends with the undo."""
    steps: dict[str, list[Any]] = {
        "A": [shell("echo 静 > still.txt")],
        "B": [call("python", code=WRITING), *[shell(f"echo {i} >> calm.txt") for i in range(12)]],
    }
    script = [*story(steps)[:-2], call("give_up", reason="够了")]
    async with real(tmp_path, script) as w:
        pid = await done(w, status="failed")
        folder = place(w, pid)
        assert (folder / "busy.txt").exists()
        assert (folder / "calm.txt").read_text() == "".join(f"{i}\n" for i in range(12))
        undone = await w.system.undo(pid, "B")
        assert undone.left == ()
        assert _names(folder) == ["still.txt"]
        assert picture(folder) == picture(folder), "nobody writes any more"


async def test_an_undo_stops_what_runs_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    mark = f"glmos-undo-{os.getpid()}"
    endless = (
        f"(while :; do echo x >> {mark}; sleep 0.01; done) & setsid sh -c 'sleep 987; : {mark}' & sleep 987 # {mark}"
    )
    async with real(tmp_path, [shell(endless)]) as w:
        pid = await w.system.start(RunRequest("go"))
        with anyio.fail_after(60):
            while not (place(w, pid) / mark).exists():
                await anyio.lowlevel.checkpoint()
        undone = await w.system.undo(pid)
        assert undone.left == ()
        assert list(place(w, pid).iterdir()) == []
        assert _programs(mark) == []


# -- helpers ----------------------------------------------------------------------------------------------------------


def _names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def _programs(mark: str) -> list[bytes]:
    found: list[bytes] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in words:
                found.append(words)
    return found
