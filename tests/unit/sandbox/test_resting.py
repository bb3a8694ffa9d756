"""What rests takes no memory: a home may have had a hundred thousand processes."""

import gc
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from glmos.abi.errors import NotFoundError
from glmos.abi.tools import ToolCall
from glmos.ports import ToolContext
from glmos.sandbox import DiskWorkspaces
from glmos.sandbox.workspaces import REMEMBERED
from glmos.testing.bare import BareSandbox
from glmos.tools.python import Python
from glmos.tools.tables.tool import Tables

pytestmark = pytest.mark.anyio


async def left_by(work: Callable[[int], Awaitable[object]], *, warm: int, times: int) -> float:
    """Bytes that each piece of `work` leaves in memory."""
    tracemalloc.start()
    try:
        for number in range(1, warm + 1):
            await work(number)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for number in range(warm + 1, warm + times + 1):
            await work(number)
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / times
    finally:
        tracemalloc.stop()


async def test_a_workspace_that_nobody_uses_leaves_nothing_in_memory(tmp_path: Path) -> None:
    workspaces = DiskWorkspaces(tmp_path / "workspaces")
    source = tmp_path / "销售.csv"
    source.write_text("地区,金额\n")

    async def use(pid: int) -> None:
        await workspaces.create(pid, [source])
        await workspaces.save(pid)

    assert await left_by(use, warm=2 * REMEMBERED, times=100) < 50
    await workspaces.aclose()


async def test_a_workspace_that_was_forgotten_is_as_it_was(tmp_path: Path) -> None:
    workspaces = DiskWorkspaces(tmp_path / "workspaces")
    saved: dict[int, str] = {}
    for pid in range(1, REMEMBERED + 10):
        await workspaces.create(pid, ())
        (workspaces.path(pid) / "file").write_text(f"{pid}")
        saved[pid] = await workspaces.save(pid)
    (workspaces.path(1) / "file").write_text("changed")
    assert [c.path for c in await workspaces.changes(1, saved[1])] == ["file"]
    await workspaces.restore(1, saved[1])
    assert (workspaces.path(1) / "file").read_text() == "1"
    assert await workspaces.save(1) == saved[1]
    await workspaces.aclose()


async def test_uses_of_one_workspace_wait_for_each_other_also_after_one_failed(tmp_path: Path) -> None:
    workspaces = DiskWorkspaces(tmp_path / "workspaces")
    with pytest.raises(NotFoundError):
        await workspaces.save(1)
    await workspaces.create(1, ())
    saved: list[str] = []

    async def save() -> None:
        saved.append(await workspaces.save(1))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(save)
    assert len(saved) == 20
    assert len(set(saved)) == 1
    await workspaces.aclose()


async def test_a_process_that_used_no_program_leaves_nothing_in_the_tools(tmp_path: Path) -> None:
    tools = [Python(), Tables()]
    context = ToolContext(tmp_path, BareSandbox(nothing_is_isolated=True), print)
    refused = await tools[0].run(ToolCall(1, "c1", "python", "run", {"code": ""}), context)
    assert refused.failure is not None

    async def release(pid: int) -> None:
        for tool in tools:
            await tool.release(pid)

    assert await left_by(release, warm=50, times=500) < 10
