"""Python, shell and tables where they really run: in the sandbox."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi.errors import SandboxError
from glmos.abi.tools import ToolCall, ToolResult
from glmos.ports import Tool, ToolContext
from glmos.sandbox import BubblewrapSandbox
from glmos.tools.python import Python
from glmos.tools.shell import Shell
from glmos.tools.tables.tool import Tables

pytestmark = pytest.mark.anyio


@pytest.fixture
async def context(workspace: Path) -> AsyncIterator[ToolContext]:
    sandbox = BubblewrapSandbox()
    try:
        await sandbox.require()
    except SandboxError as error:
        pytest.skip(str(error))
    yield ToolContext(workspace, sandbox, print)
    await sandbox.aclose()


@pytest.fixture
async def python() -> AsyncIterator[Python]:
    python = Python()
    yield python
    for pid in (1, 2):
        await python.release(pid)


@pytest.fixture
async def tables() -> AsyncIterator[Tables]:
    tables = Tables(query_seconds=3)
    yield tables
    await tables.release(1)


async def call(context: ToolContext, tool: Tool, action: str = "run", /, pid: int = 1, **arguments: Any) -> ToolResult:
    with anyio.fail_after(60):
        return await tool.run(ToolCall(pid, "c1", tool.spec.name, action, arguments), context)


def failure(result: ToolResult) -> tuple[str, str]:
    assert result.failure is not None
    return result.failure.kind, result.failure.message


async def test_python_keeps_its_variables_between_calls(context: ToolContext, python: Python) -> None:
    assert (await call(context, python, code="x = 1\nprint('你好')\nx + 1")).text == "你好\n2"
    assert (await call(context, python, code="x + 2")).text == "3"
    assert (await call(context, python, code="import sys, subprocess; _ = subprocess.run(['echo', 'child'])")).text == (
        "child"
    )


async def test_python_processes_do_not_share_a_session(context: ToolContext, python: Python) -> None:
    await call(context, python, pid=1, code="x = 1")
    assert failure(await call(context, python, pid=2, code="x"))[1].startswith("NameError")


async def test_python_figures_become_files(context: ToolContext, python: Python) -> None:
    code = "import matplotlib.pyplot as plt\nfor i in 1, 2:\n    plt.plot([i, 2]); plt.title('销售'); plt.show()"
    result = await call(context, python, code=code)
    assert result.files == ("figures/figure-1.png", "figures/figure-2.png")
    assert (context.workspace / "figures/figure-2.png").read_bytes().startswith(b"\x89PNG")
    assert (await call(context, python, code="plt.bar([1], [2]);")).files == ("figures/figure-3.png",)


async def test_python_frames_are_shown_as_text(context: ToolContext, python: Python) -> None:
    code = "import pandas as pd\npd.DataFrame({'地区': ['北京', '上海'], 'n': [1, 2.5]})"
    assert (await call(context, python, code=code)).text.split() == [
        "地区",
        "n",
        "0",
        "北京",
        "1.0",
        "1",
        "上海",
        "2.5",
    ]


async def test_python_tracebacks_show_the_users_frames(context: ToolContext, python: Python) -> None:
    result = await call(context, python, code="import json\ndef f(x):\n    return json.loads(x)\nf('{')")
    assert failure(result)[1].startswith("JSONDecodeError: ")
    assert "line 3 in f" in result.text and "\x1b" not in result.text
    endless = await call(context, python, code="def g():\n    g()\ng()")
    assert len(endless.text) < 2000
    assert failure(await call(context, python, code="x ="))[1].startswith("SyntaxError")
    assert failure(await call(context, python, code="input()"))[1].startswith("StdinNotImplementedError")


async def test_python_is_interrupted_and_keeps_its_variables(context: ToolContext, python: Python) -> None:
    await call(context, python, code="x = 42")
    kind, message = failure(await call(context, python, code="while True: pass", timeout=0.5))
    assert kind == "timeout" and "variables are kept" in message
    assert (await call(context, python, code="x")).text == "42"


async def test_python_that_dies_says_what_is_lost(context: ToolContext, python: Python) -> None:
    kind, message = failure(await call(context, python, code="import os\nprint('last')\nos._exit(3)"))
    assert kind == "failed" and "exit status 3" in message and "variables are gone" in message
    assert (await call(context, python, code="1")).text == (
        "[a new Python session: variables of earlier calls are gone]\n1"
    )
    await python.release(1)
    assert "variables of earlier calls are gone" in (await call(context, python, code="1")).text


async def test_python_that_prints_too_much_hears_it_and_keeps_its_variables(
    context: ToolContext, python: Python
) -> None:
    with anyio.fail_after(60):
        assert "羊" in (await call(context, python, code="x = 7\nprint('羊' * 12_000_000)")).text
        flood = await call(context, python, code="for i in range(1000):\n    print('羊' * 1_000_000)")
        assert failure(flood)[1].startswith("PrintedTooMuch: more than 16 MB were printed")
        once = await call(context, python, code="print('x' * 70_000_000)")
        assert failure(once)[1].startswith("PrintedTooMuch")
        code = "import subprocess; subprocess.run('yes | head -c 100000000', shell=True).returncode"
        drained = await call(context, python, code=code)
        assert (drained.failure, drained.text[-2:]) == (None, "\n0"), "a program of its own is drained, and ends"
        assert (await call(context, python, code="x")).text == "7"


async def test_python_that_is_killed_from_outside_is_told_and_restarted(context: ToolContext, python: Python) -> None:
    started = anyio.Event()

    def heard(text: str) -> None:
        if "up" in text:
            started.set()

    results: list[ToolResult] = []

    async def run() -> None:
        results.append(await call(context._replace(progress=heard), python, code="print('up')\nwhile True: pass"))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await started.wait()
            await context.sandbox.kill(1)
    assert failure(results[0])[0] == "cancelled"
    assert (await call(context, python, code="2")).failure is None


async def test_python_cannot_answer_for_its_kernel_with_nonsense(context: ToolContext, python: Python) -> None:
    """The code owns the sockets: whatever it sends is text, or nothing."""
    code = (
        "from IPython.display import display, publish_display_data as publish\n"
        "publish({'image/png': 'bm90IGEgcG5n', 'text/plain': 'shown instead'})\n"
        "publish({'image/png': 7, 'text/plain': ['x']})\n"
        "publish({'text/html': '<script>', 'text/plain': 'plain \\x1b]0;title\\x07'})\n"
        "get_ipython().kernel.session.send(get_ipython().kernel.iopub_socket, 'stream', content={'text': 5})"
    )
    result = await call(context, python, code=code)
    assert result.failure is None and result.files == ()
    assert "plain" in result.text and "\x1b" not in result.text


async def test_files_of_the_workspace_do_not_stand_in_for_modules(
    context: ToolContext, python: Python, tables: Tables
) -> None:
    (context.workspace / "json.py").write_text("raise SystemExit('shadowed')")
    (context.workspace / "mine.py").write_text("value = 7")
    assert (await call(context, python, code="import json, mine; mine.value")).text == "7"
    (context.workspace / "a.csv").write_text("x,y\n1,2\n")
    assert (await call(context, tables, "query", sql="SELECT x FROM a")).failure is None


async def test_shell_gives_status_and_both_streams(context: ToolContext) -> None:
    result = await call(context, Shell(), command="echo 出; echo 错 >&2; exit 3")
    assert result.text == "出\n[stderr]\n错\n[exit status 3]"
    assert result.data["status"] == 3 and result.failure is None


async def test_shell_stops_what_takes_too_long_or_says_too_much(context: ToolContext) -> None:
    result = await call(context, Shell(), command="echo before; sleep 1000", timeout=0.5)
    assert failure(result)[0] == "timeout" and result.text.startswith("before")
    result = await call(context, Shell(), command="yes 你好 | head -c 20000000")
    assert failure(result)[0] == "limit" and len(result.text) < 120_000


async def test_tables_answer_from_the_sandbox_and_again_from_memory(context: ToolContext, tables: Tables) -> None:
    (context.workspace / "销售 2025.csv").write_bytes("地区,额\n北京,3\n上海,4\n".encode("gbk"))
    for _ in range(2):
        result = await call(context, tables, "query", sql="SELECT sum(额) AS s FROM 销售_2025")
        assert result.text == "| s |\n| --- |\n| 7 |\n(1 row)"
    assert result.label.sources == ("file:销售 2025.csv", "call:c1")
    assert result.data["rows"] == [[7]] and result.data["engine"] == "duckdb"
    second = await call(context, tables, "query", sql="SELECT sum(额) AS s FROM 销售_2025", engine="sqlite")
    assert second.data["rows"] == [[7]]
    exported = await call(context, tables, "export", sql="FROM 销售_2025", path="out/x.csv")
    assert exported.files == ("out/x.csv",)
    assert (context.workspace / "out/x.csv").read_text() == "地区,额\n北京,3\n上海,4\n"


async def test_tables_end_a_query_that_takes_too_long(context: ToolContext, tables: Tables) -> None:
    (context.workspace / "a.csv").write_text("x,y\n1,2\n")
    endless = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"
    assert failure(await call(context, tables, "query", sql=endless))[0] == "timeout"
    assert (await call(context, tables, "query", sql="SELECT x FROM a")).failure is None


async def test_tables_that_need_too_much_memory_say_so(context: ToolContext, tables: Tables) -> None:
    (context.workspace / "a.csv").write_text("x,y\n1,2\n")
    hungry = "SELECT string_agg(a.range::VARCHAR || repeat('x', 1000), '') FROM range(100000000) a"
    kind, message = failure(await call(context, tables, "query", sql=hungry))
    assert kind == "limit" and "aggregate or filter earlier" in message


async def test_tables_released_during_a_query_end_it_and_come_back_fresh(context: ToolContext) -> None:
    (context.workspace / "a.csv").write_text("x,y\n1,2\n")
    tables = Tables()
    results: list[ToolResult] = []
    endless = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"
    assert (await call(context, tables, "query", sql="SELECT x FROM a")).failure is None

    async def run() -> None:
        results.append(await call(context, tables, "query", sql=endless))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await anyio.wait_all_tasks_blocked()
            await tables.release(1)
    assert failure(results[0])[0] == "cancelled"
    assert await context.sandbox.kill(1) == 0, "nothing was left"
    assert (await call(context, tables, "query", sql="SELECT x FROM a")).failure is None
    await tables.release(1)
