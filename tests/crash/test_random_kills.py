"""Thirty deaths by `kill -9` of real daemons full of running processes; `benchmarks/crashes.py` does many more."""

import os
from pathlib import Path

import pytest

from glmos.testing.crash.home import home
from glmos.testing.crash.orphans import marked
from glmos.testing.crash.storm import Storm, rage

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]


async def test_thirty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    storm = Storm(kills=30, seed=20261123, at_once=6, longest=1.2)
    async with home(tmp_path, os.environ) as stormy:
        await rage(stormy, storm)
        assert stormy.endpoint.digests > 0, "no window overflowed"
    assert storm.faults == [], "\n".join(storm.faults)
    assert storm.killed == 30
    assert storm.ends["done"] >= 10
    assert marked(str(stormy.path)) == []
