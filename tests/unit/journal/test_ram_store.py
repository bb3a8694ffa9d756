"""The ways a test can let the store in memory fail."""

import pytest

from glmos.abi.errors import NotFoundError, StoreError
from glmos.abi.events import KernelSpoke, ToolFinished
from glmos.abi.tools import Output
from glmos.journal.stores.ram import RamStore

pytestmark = pytest.mark.anyio


def said(text: str) -> KernelSpoke:
    return KernelSpoke(rule="prose", text=text)


async def test_an_append_told_to_fail_records_nothing_and_the_next_works() -> None:
    store = RamStore()
    store.fail_next("append", times=2)
    for _ in range(2):
        with pytest.raises(StoreError, match="full"):
            await store.append(1, 0, [said("a")], at=1.0)
    assert await store.append(1, 0, [said("a")], at=1.0) == 1


async def test_an_operation_can_be_told_to_fail_with_a_certain_error() -> None:
    store = RamStore()
    ref = await store.put_blob(b"x")
    store.fail_next("get_blob", NotFoundError("gone"))
    with pytest.raises(NotFoundError, match="gone"):
        await store.get_blob(ref)
    assert await store.get_blob(ref) == b"x"


async def test_a_crash_before_the_commit_leaves_nothing_and_after_it_everything() -> None:
    class Crash(Exception):
        pass

    at = ""

    def point(name: str) -> None:
        if name == at:
            raise Crash

    store = RamStore(crash_points=point)
    at = "append.before_commit"
    with pytest.raises(Crash):
        await store.append(1, 0, [said("a")], at=1.0)
    assert await store.reopen().head(1) == 0
    at = "append.after_commit"
    with pytest.raises(Crash):
        await store.append(1, 0, [said("a"), said("b")], at=1.0)
    assert await store.reopen().head(1) == 2


async def test_a_reopened_store_has_what_was_recorded_and_goes_its_own_way() -> None:
    store = RamStore()
    assert await store.new_pid() == 1
    await store.append(1, 0, [said("a")], at=1.0)
    ref = await store.put_blob(b"x")
    await store.aclose()
    again = store.reopen()
    assert await again.new_pid() == 2
    assert await again.get_blob(ref) == b"x"
    assert await again.append(1, 1, [said("b")], at=2.0) == 2


async def test_what_is_read_is_what_a_disk_would_give_back() -> None:
    store = RamStore()
    await store.append(1, 0, [ToolFinished(call="c1", output=Output(""), data={"row": (1, float("nan"))})], at=1.0)
    event = (await store.read(1))[0].event
    assert isinstance(event, ToolFinished)
    assert event.data == {"row": [1, None]}
