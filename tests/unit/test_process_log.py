"""A log in memory when its writes fail: nothing that somebody rests on is forgotten in silence."""

import pytest

from glmos.abi import events as e
from glmos.abi.errors import StoreError
from glmos.journal.stores.ram import RamStore
from glmos.runtime.log import ProcessLog

pytestmark = pytest.mark.anyio


class Clock:
    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


async def test_a_receipt_that_somebody_else_failed_to_write_is_not_forgotten_in_silence() -> None:
    store = RamStore()
    log = ProcessLog(store, Clock(), 1, None, [])
    await log.append(e.ProcessCreated("a goal", root=1))
    log.note(e.ProcessReniced(3))  # as a tool's receipt would be: whoever noted it is gone
    store.fail_next("append")
    with pytest.raises(StoreError):
        await log.flush()
    with pytest.raises(StoreError):
        log.require_sound()
    assert log.state.priority == 0


async def test_who_hears_that_a_write_failed_may_try_again() -> None:
    store = RamStore()
    log = ProcessLog(store, Clock(), 1, None, [])
    await log.append(e.ProcessCreated("a goal", root=1))
    store.fail_next("append")
    with pytest.raises(StoreError):
        await log.append(e.ProcessReniced(3))
    await log.append(e.ProcessReniced(4))
    assert log.durable.priority == 4
