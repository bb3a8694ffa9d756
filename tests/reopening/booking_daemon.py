"""A daemon with the real kernel, runtime and journal whose model does a fixed plan (`PLAN`). With `shell` first, the command
line to it. What is done is booked in 账本.txt in the home."""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from glmos.cli.app import main as shell_main
from glmos.cli.shell import Shell
from glmos.daemon.__main__ import main
from glmos.journal.stores.sqlite import SqliteStore
from glmos.ports import System
from glmos.testing.models import ScriptedModel
from glmos.testing.world import world
from glmos.tools.files import Files
from tests.reopening.drawn import Doer, Ledger, Rests

PLAN = {"a": Rests(), "b": Rests(needs=("a",)), "c": Rests(reads=("b",)), "d": Rests(cites=("a",)), "e": Rests()}
"""e goes by nothing, and is the end."""
BOOK = "账本.txt"


@asynccontextmanager
async def open_booking(home: Path, environ: Mapping[str, str]) -> AsyncGenerator[System]:
    store = await SqliteStore.open(home)
    try:
        async with world(home, ScriptedModel(Doer(PLAN)), tools=[Files(), Ledger(home / BOOK)], store=store) as w:
            yield w.system
    finally:
        await store.aclose()


if __name__ == "__main__":
    if sys.argv[1:2] == ["shell"]:
        sys.exit(shell_main(sys.argv[2:], shell=Shell(daemon=(sys.executable, __file__))))
    sys.exit(main(open_system=open_booking))
