"""Shared fixtures. Every asynchronous test runs on asyncio unless it says otherwise."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
