"""Shared fixtures. Every asynchronous test runs on asyncio unless it says otherwise."""

from collections.abc import Generator
from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
