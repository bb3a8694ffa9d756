"""Daemons with the real kernel, runtime and journal and a scripted model: what their programs share."""

import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from glmos.cli.app import main as shell_main
from glmos.cli.shell import Shell
from glmos.daemon.__main__ import main
from glmos.journal.stores.sqlite import SqliteStore
from glmos.ports import ModelDriver, System, Tool
from glmos.testing.world import world


@asynccontextmanager
async def stored(home: Path, model: ModelDriver, tools: Sequence[Tool]) -> AsyncGenerator[System]:
    """A system over the journal in `home`."""
    store = await SqliteStore.open(home)
    try:
        async with world(home, model, tools=tools, store=store) as w:
            yield w.system
    finally:
        await store.aclose()


def run(program: str, opened: Callable[[Path, Mapping[str, str]], AbstractAsyncContextManager[System]]) -> int:
    """Be the daemon, or with `shell` as the first argument the command line to it."""
    if sys.argv[1:2] == ["shell"]:
        return shell_main(sys.argv[2:], shell=Shell(daemon=(sys.executable, program)))
    return main(open_system=opened)
