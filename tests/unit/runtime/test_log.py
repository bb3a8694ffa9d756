"""The log of one process in memory: what is noted, what is durable, and what remains when a write fails."""

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.errors import ConflictError, StoreError
from glmos.journal.stores.ram import RamStore
from glmos.kernel.fold import fold_all
from glmos.runtime.log import SNAPSHOT_EVERY, ProcessLog

pytestmark = pytest.mark.anyio
PID = 1


class SteppingClock:
    """A second later at every look; set back by a test."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        self.time += 1.0
        return self.time

    def monotonic(self) -> float:
        return self.time


class CountingStore(RamStore):
    """Counts the batches."""

    batches = 0

    async def append(self, *args: object, **named: object) -> int:
        self.batches += 1
        return await super().append(*args, **named)  # type: ignore[arg-type]


async def begun(store: RamStore) -> ProcessLog:
    log = ProcessLog(store, SteppingClock(), PID, None, [])
    await log.append(e.ProcessCreated("数到三", root=PID))
    return log


async def test_what_was_noted_is_written_with_the_next_append_in_one_batch() -> None:
    store = CountingStore()
    log = await begun(store)
    log.note(e.ProcessReniced(1))
    log.note(e.ProcessReniced(2))
    assert len(await store.read(PID)) == 1
    assert (log.state.priority, log.durable.priority) == (2, 0)
    await log.append(e.ProcessReniced(3))
    assert store.batches == 2
    assert (log.state.priority, log.durable.priority) == (3, 3)


async def test_every_event_keeps_its_own_time_and_refolding_gives_the_same_state() -> None:
    store = RamStore()
    log = await begun(store)
    log.note(e.ProcessReniced(1))
    log.note(e.ProcessReniced(2))
    await log.flush()
    entries = await store.read(PID)
    assert [x.at for x in entries] == [1_001.0, 1_002.0, 1_003.0]
    assert fold_all(entries) == log.state == log.durable


async def test_nothing_is_written_when_nothing_was_noted() -> None:
    store = CountingStore()
    log = await begun(store)
    await log.flush()
    assert store.batches == 1


async def test_listeners_hear_of_thoughts_at_once_and_of_facts_when_they_are_durable() -> None:
    store = RamStore()
    log = await begun(store)
    heard: list[tuple[str, int]] = []
    log.on_note = lambda p: heard.append(("note", p.priority))
    log.on_durable = lambda p: heard.append(("durable", p.priority))
    log.note(e.ProcessReniced(1))
    await log.append(e.ProcessReniced(2))
    assert heard == [("note", 1), ("note", 2), ("durable", 2)]


async def test_a_failed_append_leaves_memory_as_the_disk_is_and_may_be_tried_again() -> None:
    store = RamStore()
    log = await begun(store)
    store.fail_next("append")
    with pytest.raises(StoreError):
        await log.append(e.ProcessReniced(5))
    assert log.state == log.durable and log.state.priority == 0 and len(log.entries) == 1
    await log.append(e.ProcessReniced(6))
    assert fold_all(await store.read(PID)).priority == 6


async def test_a_failed_write_under_what_others_built_on_breaks_the_log_for_good() -> None:
    store = RamStore()
    log = await begun(store)
    log.note(e.ProcessReniced(1))  # somebody goes on from here
    store.fail_next("append")
    with pytest.raises(StoreError):
        await log.append(e.ProcessReniced(2))
    assert log.state == log.durable and log.state.priority == 0
    with pytest.raises(StoreError):
        log.note(e.ProcessReniced(3))
    with pytest.raises(StoreError):
        await log.append(e.ProcessReniced(3))


async def test_what_is_noted_while_a_batch_is_written_goes_into_the_next_one() -> None:
    class SlowStore(CountingStore):
        writing = anyio.Event()
        go_on = anyio.Event()

        async def append(self, *args: object, **named: object) -> int:
            if self.batches == 1:
                self.writing.set()
                await self.go_on.wait()
            return await super().append(*args, **named)

    store = SlowStore()
    log = await begun(store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.append, e.ProcessReniced(1))
        await store.writing.wait()
        log.note(e.ProcessReniced(2))
        store.go_on.set()
        await log.flush()
    assert store.batches == 3
    assert log.durable.priority == 2


async def test_a_log_that_somebody_else_wrote_to_is_not_written_to_again() -> None:
    store = RamStore()
    log = await begun(store)
    await store.append(PID, 1, [e.ProcessReniced(9)], at=2_000.0)
    with pytest.raises(ConflictError):
        await log.append(e.ProcessReniced(1))
    with pytest.raises(ConflictError):
        log.note(e.ProcessReniced(1))
    assert [x.event for x in await store.read(PID)][1:] == [e.ProcessReniced(9)]


async def test_an_append_that_is_cancelled_is_recorded_whole_or_not_begun() -> None:
    store = RamStore()
    log = await begun(store)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await log.append(e.ProcessReniced(1), e.ProcessReniced(2))
    assert len(await store.read(PID)) == len(log.entries) == log.durable.seq


async def test_a_state_that_cannot_be_saved_as_a_snapshot_goes_on_without_one() -> None:
    """Its format has no place for numbers beyond 64 bits; events have."""
    store = RamStore()
    log = await begun(store)
    await log.append(e.ToolIntended("c1", "echo", "run", {"n": 10**30}, "pure"))
    for priority in range(SNAPSHOT_EVERY + 1):
        log.note(e.ProcessReniced(priority % 20))
    await log.append(e.ProcessReniced(0))
    assert await store.load_snapshot(PID) is None
    assert fold_all(await store.read(PID)) == log.state


async def test_a_disk_that_runs_full_just_before_a_snapshot_fails_nothing() -> None:
    store = RamStore()
    log = await begun(store)
    for priority in range(SNAPSHOT_EVERY):
        log.note(e.ProcessReniced(priority % 20))
    store.fail_next("save_snapshot")
    await log.append(e.ProcessReniced(0))
    assert await store.head(PID) == log.durable_seq == SNAPSHOT_EVERY + 2
