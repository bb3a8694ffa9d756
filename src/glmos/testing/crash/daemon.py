"""glmosd with tools whose effects land outside, and perhaps an order to die: `python -m glmos.testing.crash.daemon`.

Everything else is the real daemon: its store, its sandbox, its standard tools, its socket. The orders come from the
environment, so that whoever starts it, a client or a command line, needs to know nothing of them:

    GLMOS_CRASH_OUTSIDE   address of the counting server      GLMOS_CRASH_LEDGER   the append-only file
    GLMOS_CRASH_AT        POINT or POINT:COUNT                GLMOS_CRASH_NOTE     where the point is noted before
"""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from glmos.boot import open_system
from glmos.boot.system import LocalSystem
from glmos.daemon.__main__ import main
from glmos.testing.crash.devices import devices
from glmos.testing.crash.points import DieAt

COMMAND = (sys.executable, "-m", "glmos.testing.crash.daemon")


@asynccontextmanager
async def open_doomed(home: Path, environ: Mapping[str, str]) -> AsyncGenerator[LocalSystem]:
    order = environ.get("GLMOS_CRASH_AT", "")
    note = Path(environ["GLMOS_CRASH_NOTE"]) if "GLMOS_CRASH_NOTE" in environ else None
    tools = devices(environ["GLMOS_CRASH_OUTSIDE"], Path(environ["GLMOS_CRASH_LEDGER"]))
    die = DieAt.parse(order, note) if order else _live_on
    async with open_system(home, environ, tools=tools, crash_points=die) as system:
        yield system


def _live_on(point: str) -> None:
    return None


if __name__ == "__main__":
    sys.exit(main(open_system=open_doomed))
