"""What every test of a tool needs: a way to call it in a workspace."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from glmos.abi.tools import ToolCall, ToolResult
from glmos.ports import Sandbox, Tool, ToolContext

Run = Callable[..., Awaitable[ToolResult]]


class _NoSandbox:
    """For tools that need none: any use of it is an error."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def run(workspace: Path) -> Run:
    """Call a tool outside any sandbox: `await run(tool, "action", argument=...)`."""
    context = ToolContext(workspace, cast("Sandbox", _NoSandbox()), lambda text: None)

    async def call(tool: Tool, action: str = "run", /, **arguments: Any) -> ToolResult:
        with anyio.fail_after(30):
            return await tool.run(ToolCall(1, "c1", tool.spec.name, action, arguments), context)

    return call
