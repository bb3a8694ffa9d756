"""What a model reads of a shell command's output."""

from pathlib import Path

import pytest

from glmos.abi.tools import ToolCall
from glmos.ports import ToolContext
from glmos.testing.bare import BareSandbox
from glmos.tools.shell import Shell

pytestmark = pytest.mark.anyio


async def test_names_in_utf_8_and_a_file_in_gbk_are_both_read(tmp_path: Path) -> None:
    (tmp_path / "周一.txt").write_bytes("买生日礼物\n修打印机\n".encode("gbk"))
    sandbox = BareSandbox(nothing_is_isolated=True)
    call = ToolCall(1, "c1", "shell", "run", {"command": "ls; cat 周一.txt"})
    result = await Shell().run(call, ToolContext(tmp_path, sandbox, print))
    assert "周一.txt" in result.text
    assert "买生日礼物" in result.text
