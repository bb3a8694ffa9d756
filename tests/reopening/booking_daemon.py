"""A daemon with the real kernel, runtime and journal whose model does a fixed plan (`PLAN`). With `shell` first, the command
line to it. What is done is booked in 账本.txt in the home."""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from glmos.ports import System
from glmos.testing.models import ScriptedModel
from glmos.tools.files import Files
from tests.reopening.drawn import Doer, Ledger, Rests
from tests.scenarios.stored import run, stored

PLAN = {"a": Rests(), "b": Rests(needs=("a",)), "c": Rests(reads=("b",)), "d": Rests(cites=("a",)), "e": Rests()}
"""e goes by nothing, and is the end."""
BOOK = "账本.txt"


@asynccontextmanager
async def open_booking(home: Path, environ: Mapping[str, str]) -> AsyncGenerator[System]:
    async with stored(home, ScriptedModel(Doer(PLAN)), [Files(), Ledger(home / BOOK)]) as system:
        yield system


if __name__ == "__main__":
    sys.exit(run(__file__, open_booking))
