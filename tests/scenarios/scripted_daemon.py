"""A daemon as a program whose system follows scripts. Started by tests through the client, like the real one."""

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from glmos.abi.errors import UsageError
from glmos.daemon.__main__ import main
from glmos.testing.system import FakeSystem


@asynccontextmanager
async def open_scripted(home: Path, environ: Mapping[str, str]) -> AsyncGenerator[FakeSystem]:
    if "GLMOS_TEST_REFUSE" in environ:
        raise UsageError("The settings make no sense: mend glmos.toml.")
    if "GLMOS_TEST_CRASH" in environ:
        raise SystemExit("segmentation fault, as it were")
    yield FakeSystem()
    (home / "closed-in-order").touch()


if __name__ == "__main__":
    sys.exit(main(open_system=open_scripted))
