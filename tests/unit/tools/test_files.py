"""Files of a hostile workspace, read and changed from outside the sandbox."""

import os
from pathlib import Path
from typing import Any

import pytest

from glmos.abi.tools import ToolCall
from glmos.ports import ToolContext
from glmos.tools.beneath import Workspace
from glmos.tools.declare import ToolFailed
from glmos.tools.encoding import decode
from glmos.tools.files import Files

pytestmark = pytest.mark.anyio
files = Files()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_list_shows_names_sizes_and_what_links_are(run: Any, workspace: Path) -> None:
    (workspace / "数据").mkdir()
    (workspace / "数据" / "销售 2025.csv").write_text("a\n")
    (workspace / "l").symlink_to("/etc/passwd")
    (workspace / "odd\nname").write_text("")
    os.mkfifo(workspace / "pipe")
    result = await run(files, "list")
    assert result.text.splitlines() == [
        "l  symbolic link, not followed",
        "'odd\\nname'  0 bytes",
        "pipe  not a regular file",
        "数据/",
        "数据/销售 2025.csv  2 bytes",
    ]
    assert (await run(files, "list", glob="*.csv")).text == "数据/销售 2025.csv  2 bytes"
    assert (await run(files, "list", path="/workspace/数据")).data["count"] == 1


async def test_read_gives_lines_and_says_how_to_go_on(run: Any, workspace: Path) -> None:
    (workspace / "a.txt").write_text("".join(f"line {i}\n" for i in range(1, 11)))
    assert (await run(files, "read", path="a.txt", start=3, lines=2)).text == (
        "line 3\nline 4\n[lines 3 to 4 of 10; go on with start=5]"
    )
    assert (await run(files, "read", path="/workspace/a.txt")).text.startswith("line 1\n")
    assert (await run(files, "read", path="a.txt", start=11)).failure.kind == "bad_arguments"


async def test_a_long_file_is_shown_in_parts(run: Any, workspace: Path) -> None:
    (workspace / "long.txt").write_text("x" * 99 + "\n" + ("字" * 79 + "\n") * 2000)
    result = await run(files, "read", path="long.txt")
    assert len(result.text) < 41_000
    assert f"go on with start={result.data['end'] + 1}" in result.text


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "utf-16", "utf-8-sig", "utf-16-le"])
async def test_chinese_text_is_read_in_any_usual_encoding(run: Any, workspace: Path, encoding: str) -> None:
    (workspace / "a.txt").write_bytes("产品,数量\n手机,3\n".encode(encoding))
    assert (await run(files, "read", path="a.txt")).text.startswith("产品,数量\n手机,3\n")


def test_western_and_other_encodings_are_recognised() -> None:
    for text, encoding in [
        ("name,city\nMüller,Köln\nJosé,Málaga\n", "latin-1"),
        ("a,b\ncafé €5,1\n", "cp1252"),
        ("이름,도시\n김철수,서울\n박영희,부산\n", "euc_kr"),
        ("名前,都市\n田中さん,東京\nすずき,大阪\n", "shift_jis"),
        ("имя,город\nИван,Москва\nПётр,Казань\n", "cp1251"),
    ]:
        assert decode(text.encode(encoding)).text == text


async def test_binary_files_are_described(run: Any, workspace: Path) -> None:
    (workspace / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0")
    assert (await run(files, "read", path="p.png")).text.startswith("p.png is a PNG image of 19 bytes")
    (workspace / "t.xlsx").write_bytes(b"PK\x03\x04\0\0\0\0\0\0\0\0\0")
    assert "tables tool" in (await run(files, "read", path="t.xlsx")).text


async def test_search_names_file_and_line(run: Any, workspace: Path) -> None:
    (workspace / "a.py").write_text("x = 1\ny = 22\n")
    (workspace / "b.txt").write_bytes("价格 = 22\n".encode("gbk"))
    (workspace / "c.bin").write_bytes(b"\0\1\2 = 22")
    assert (await run(files, "search", pattern=r"= 2\d")).text == "a.py:2: y = 22\nb.txt:1: 价格 = 22"
    assert (await run(files, "search", pattern="= 22", glob="*.py")).text == "a.py:2: y = 22"
    assert "No line of 3 files" in (await run(files, "search", pattern="zzz")).text
    assert "No line" in (await run(files, "search", pattern="(unclosed")).text


async def test_an_exploding_pattern_ends_as_a_failure(run: Any, workspace: Path) -> None:
    (workspace / "a.txt").write_text("a" * 5000 + "b\n")
    result = await run(Files(search_seconds=0.2), "search", pattern=r"^(a|a|aa)+$")
    assert result.failure.kind == "timeout"


async def test_write_replaces_in_one_step_and_makes_folders(run: Any, workspace: Path) -> None:
    result = await run(files, "write", path="out/新/a.txt", text="你好")
    assert (workspace / "out/新/a.txt").read_text() == "你好"
    assert result.files == ("out/新/a.txt",)
    (workspace / "out/新/a.txt").chmod(0o755)
    await run(files, "write", path="out/新/a.txt", text="2")
    assert (workspace / "out/新/a.txt").stat().st_mode & 0o777 == 0o755
    assert names(workspace / "out/新") == ["a.txt"]


async def test_edit_needs_exactly_one_place(run: Any, workspace: Path) -> None:
    path = workspace / "a.py"
    path.write_text("def f():\n    return 1\n\ndef g():\n    return 1\n")
    many = (await run(files, "edit", path="a.py", old="return 1", new="return 2")).failure
    assert "occurs 2 times" in many.message and "lines 2, 5" in many.message
    none = (await run(files, "edit", path="a.py", old="def  f():", new="")).failure
    assert "Line 1 differs only in white space" in none.message
    near = (await run(files, "edit", path="a.py", old="def h():", new="")).failure
    assert "Nearest lines: 1: 'def f():'" in near.message or "4: 'def g():'" in near.message
    assert (await run(files, "edit", path="a.py", old="", new="x")).failure.kind == "bad_arguments"
    assert (await run(files, "edit", path="a.py", old="f():\n    return 1", new="f():\n    return 3")).failure is None
    assert path.read_text() == "def f():\n    return 3\n\ndef g():\n    return 1\n"


async def test_edit_keeps_encoding_and_line_endings(run: Any, workspace: Path) -> None:
    path = workspace / "a.txt"
    path.write_bytes("产品\r\n手机\r\n电脑\r\n".encode("gbk"))
    assert (await run(files, "edit", path="a.txt", old="手机\n电脑", new="平板\n电脑")).failure is None
    assert path.read_bytes().decode("gbk") == "产品\r\n平板\r\n电脑\r\n"


async def test_delete_and_move(run: Any, workspace: Path) -> None:
    (workspace / "d/e").mkdir(parents=True)
    (workspace / "d/e/f").write_text("x")
    (workspace / "d/l").symlink_to("/etc")
    assert (await run(files, "move", path="d/e/f", to="g/h")).files == ("g/h",)
    assert (await run(files, "move", path="g/h", to="d/e")).failure is not None
    assert (await run(files, "delete", path="d")).failure is None
    assert names(workspace) == ["g"]
    assert names(Path("/etc"))
    assert (await run(files, "delete", path=".")).failure.kind == "denied"
    assert (await run(files, "delete", path="nothing")).failure.kind == "not_found"


ESCAPES = [
    "../secret", "/etc/passwd", "/workspace/../etc/passwd", "a/../../secret", "link", "folder/secret", "pipe", "sub",
    "nul\0byte", "x" * 5000, "sub/" + "y" * 300, "/workspacex/a",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES, ids=lambda p: p[:20].replace("\0", "0"))
async def test_no_path_leads_out_of_the_workspace(run: Any, workspace: Path, path: str) -> None:
    secret = workspace.parent / "secret"
    secret.write_text("SECRET")
    (workspace / "link").symlink_to(secret)
    (workspace / "folder").symlink_to(workspace.parent)
    (workspace / "sub").mkdir()
    os.mkfifo(workspace / "pipe")
    for action, arguments in [
        ("read", {}),
        ("write", {"text": "owned"}),
        ("edit", {"old": "SECRET", "new": "owned"}),
        ("search", {"pattern": "SECRET"}),
    ]:
        result = await run(files, action, path=path, **arguments)
        assert result.failure is not None or (action == "search" and "SECRET" not in result.text.split("No line")[0])
    assert secret.read_text() == "SECRET"


@pytest.mark.parametrize("openat2", [True, False])
def test_a_folder_swapped_for_a_link_is_not_followed(workspace: Path, openat2: bool) -> None:
    (workspace.parent / "outside").mkdir()
    (workspace.parent / "outside" / "f").write_text("SECRET")
    (workspace / "sub").symlink_to(workspace.parent / "outside")
    with Workspace(workspace, openat2=openat2) as opened:
        for use in (
            lambda: opened.open("sub/f"),
            lambda: opened.write("sub/f", b"owned"),
            lambda: opened.delete("sub/f"),
            lambda: opened.move("sub/f", "g"),
            lambda: opened.write("sub/new/f", b"owned"),
        ):
            with pytest.raises(ToolFailed):
                use()
        assert [item.kind for item in opened.walk(".")] == ["link"]
        opened.delete("sub")
    assert (workspace.parent / "outside" / "f").read_text() == "SECRET"


async def test_after_a_crash_the_files_say_whether_a_change_happened(run: Any, workspace: Path) -> None:
    context = ToolContext(workspace, None, lambda text: None)  # pyright: ignore[reportArgumentType]

    async def outcome(action: str, **arguments: str) -> str:
        return (await files.probe(ToolCall(1, "c1", "files", action, arguments), context)).outcome

    assert await outcome("write", path="a", text="1") == "did_not_happen"
    await run(files, "write", path="a", text="1")
    assert await outcome("write", path="a", text="1") == "happened"
    assert await outcome("edit", path="a", old="1", new="2") == "did_not_happen"
    await run(files, "edit", path="a", old="1", new="2")
    assert await outcome("edit", path="a", old="1", new="2") == "happened"
    assert await outcome("move", path="a", to="b") == "did_not_happen"
    await run(files, "move", path="a", to="b")
    assert await outcome("move", path="a", to="b") == "happened"
    assert await outcome("delete", path="b") == "did_not_happen"
    await run(files, "delete", path="b")
    assert await outcome("delete", path="b") == "happened"
    assert await outcome("write", path="../a", text="1") == "cannot_tell"
