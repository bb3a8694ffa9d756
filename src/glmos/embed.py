"""GLM-OS inside a program of your own, under the same lock as the daemon."""

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from glmos.boot import open_system
from glmos.boot.system import LocalSystem
from glmos.ports import Tool
from glmos.tools.declare import tool as declared


@asynccontextmanager
async def open(
    home: str | Path | None = None,
    *,
    tools: Sequence[Tool | Callable[..., Any]] = (),
    environ: Mapping[str, str] | None = None,
) -> AsyncGenerator[LocalSystem]:
    """A running system over `home` (by default GLMOS_HOME, then ~/.glmos), in this process.

    Args:
        tools: Tools of your own: functions marked with `@glmos.tool`, or objects that implement `ports.Tool`. A plain
            typed function counts as irreversible, since nothing is known about what it does.
        environ: Instead of the environment of this program.

    Raises:
        ConflictError: A daemon or another program owns the home.
    """
    environ = os.environ if environ is None else environ
    folder = _home(home or environ.get("GLMOS_HOME") or "~/.glmos")
    more = [_as_tool(t) for t in tools]
    async with open_system(folder, environ, tools=more) as system:
        yield system


def _home(given: str | Path) -> Path:
    folder = Path(given).expanduser().absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _as_tool(given: Any) -> Tool:
    return given if hasattr(given, "spec") else declared(effect="irreversible", resident=True)(given)
