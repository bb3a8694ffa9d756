"""Shared fixtures. Every asynchronous test runs on asyncio unless it says otherwise."""

from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from glmos.abi.errors import SandboxError
from glmos.sandbox.bubblewrap import BubblewrapSandbox


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bubblewrap() -> AsyncIterator[BubblewrapSandbox]:
    """The real sandbox; skips where none can be set up, and says why."""
    sandbox = BubblewrapSandbox()
    try:
        await sandbox.require()
    except SandboxError as error:
        pytest.skip(str(error))
    yield sandbox
    await sandbox.aclose()


@pytest.fixture
def sandbox(bubblewrap: BubblewrapSandbox) -> BubblewrapSandbox:
    return bubblewrap


@pytest.fixture(scope="session")
def postgres() -> Generator[Any]:
    """A PostgreSQL server (`tests.postgres.Server`), started for whoever asks first; skips on machines without one."""
    from tests.postgres import programs, serving

    try:
        programs()
    except FileNotFoundError as absent:
        pytest.skip(str(absent))
    with serving() as server:
        yield server
