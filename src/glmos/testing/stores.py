"""What every `glmos.ports.Store` must do, as a test class to inherit from.

    class TestMyStore(DurableStoreConformance):
        @pytest.fixture
        async def store(self, tmp_path): ...          # an open, empty store
        async def reopened(self, store): ...          # durable stores only
        def damage_blob(self, store, ref): ...

Mark the test module with `pytest.mark.anyio`, and call `pytest.register_assert_rewrite("glmos.testing.stores")` in your
`conftest.py`, so that failures show their values.
"""

from collections.abc import Sequence

import anyio
import anyio.abc
import anyio.lowlevel
import pytest

from glmos.abi.budgets import Usage
from glmos.abi.errors import ConflictError, NotFoundError, StoreError, UsageError
from glmos.abi.events import Entry, Event, KernelSpoke, ModelReplied, ProcessCreated, ProcessRow, ToolFinished
from glmos.abi.ids import BlobRef, Pid, Seq
from glmos.abi.messages import FunctionCall, ModelReply
from glmos.abi.tools import Output
from glmos.ports import Snapshot, Store

ODD_TEXTS = (
    "2025年哪个地区的销售额最高？",
    "𠮷野家 🀄 👩‍👩‍👧‍👦 \u202eعربي\u202c",
    "nul \x00, escape \x1b[31m, delete \x7f, line \u2028 paragraph \u2029, bom \ufeff",
    "\r\n\t \"quotes\" 'and' \\backslashes\\ \\udcff",
    "a file name that is not UTF-8: r\udce9sum\udce9.csv",
    "half an emoji: \ud83d",
    "",
)


def said(text: object) -> KernelSpoke:
    """An event that carries some text."""
    return KernelSpoke(rule="prose", text=str(text))


def listing(pid: Pid, status: str = "ready", **more: object) -> ProcessRow:
    return ProcessRow(**{"pid": pid, "root": pid, "parent": None, "status": status, "goal": f"目标 {pid}", **more})  # type: ignore[arg-type]


def texts(entries: Sequence[Entry]) -> list[str]:
    return [entry.event.text for entry in entries if isinstance(entry.event, KernelSpoke)]


class StoreConformance:
    """Holds for every store, on every event loop."""

    def damage_blob(self, store: Store, ref: BlobRef) -> None:
        """Change the stored content of a blob behind the store's back."""
        raise NotImplementedError

    # -- appending and reading ----------------------------------------------------------------------------------------

    async def test_an_unknown_process_has_an_empty_log(self, store: Store) -> None:
        assert await store.head(7) == 0
        assert await store.read(7) == []
        assert await store.row(7) is None
        assert await store.load_snapshot(7) is None

    async def test_events_come_back_in_order_with_their_place_and_time(self, store: Store) -> None:
        assert await store.append(1, 0, [ProcessCreated(goal="数一数", root=1), said("a")], at=1763856000.25) == 2
        assert await store.append(1, 2, [said("b")], at=1763856001.5) == 3
        assert await store.read(1) == [
            Entry(1, 1, 1763856000.25, ProcessCreated(goal="数一数", root=1)),
            Entry(1, 2, 1763856000.25, said("a")),
            Entry(1, 3, 1763856001.5, said("b")),
        ]
        assert await store.head(1) == 3

    async def test_events_of_one_batch_may_have_a_time_each(self, store: Store) -> None:
        await store.append(1, 0, [said("a"), said("b")], at=[1.5, 2.25])
        assert [entry.at for entry in await store.read(1)] == [1.5, 2.25]
        with pytest.raises(UsageError):
            await store.append(1, 2, [said("c"), said("d")], at=[3.0])
        assert await store.head(1) == 2

    async def test_a_part_of_a_log_can_be_read(self, store: Store) -> None:
        await store.append(1, 0, [said(n) for n in range(1, 11)], at=1.0)
        assert [entry.seq for entry in await store.read(1, after=7)] == [8, 9, 10]
        assert [entry.seq for entry in await store.read(1, after=3, limit=2)] == [4, 5]
        assert await store.read(1, after=10) == []
        assert await store.read(1, limit=0) == []

    async def test_logs_of_different_processes_are_apart(self, store: Store) -> None:
        await store.append(2, 0, [said("two")], at=1.0)
        await store.append(1, 0, [said("one"), said("eins")], at=1.0)
        assert texts(await store.read(1)) == ["one", "eins"]
        assert texts(await store.read(2)) == ["two"]

    async def test_ten_thousand_events_come_back_in_order(self, store: Store) -> None:
        for start in range(0, 10_000, 1_000):
            await store.append(1, start, [said(n) for n in range(start, start + 1_000)], at=float(start))
        entries = await store.read(1)
        assert [entry.seq for entry in entries] == list(range(1, 10_001))
        assert texts(entries) == [str(n) for n in range(10_000)]

    @pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
    async def test_odd_text_comes_back_the_same(self, store: Store, text: str) -> None:
        event = ToolFinished(call="c1", output=Output(text), files=(text,), data={"rows": [[text, 1.5, None, 10**30]]})
        await store.append(1, 0, [event], at=1.0, row=listing(1, goal=text))
        assert (await store.read(1))[0].event == event
        assert await store.row(1) == listing(1, goal=text)

    async def test_nested_data_comes_back_the_same(self, store: Store) -> None:
        call = FunctionCall(id="x", name="tables", arguments='{"sql": "SELECT')
        reply = ModelReply(content="好", calls=(call,), extra={"signature": {"a": [1, {"b": None}]}})
        event = ModelReplied(number=1, reply=reply, seconds=0.1)
        await store.append(1, 0, [event], at=1.0)
        assert (await store.read(1))[0].event == event

    # -- all or nothing -----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("expected", [0, 1, 3, -1])
    async def test_an_append_at_the_wrong_place_is_refused_and_records_nothing(
        self, store: Store, expected: Seq
    ) -> None:
        await store.append(5, 0, [said("a"), said("b")], at=1.0, row=listing(5, "running"))
        with pytest.raises(ConflictError, match=r"process 5 ends at event 2, not at"):
            await store.append(5, expected, [said("c")], at=2.0, row=listing(5, "done"))
        assert texts(await store.read(5)) == ["a", "b"]
        assert await store.row(5) == listing(5, "running")

    async def test_a_new_log_begins_only_at_zero(self, store: Store) -> None:
        with pytest.raises(ConflictError):
            await store.append(1, 1, [said("a")], at=1.0, row=listing(1))
        assert await store.read(1) == []
        assert await store.rows() == []

    async def test_a_batch_with_one_impossible_event_records_nothing(self, store: Store) -> None:
        bad = ToolFinished(call="c1", output=Output("x"), data={"value": object()})
        with pytest.raises(UsageError, match=r"tool\.finished"):
            await store.append(1, 0, [said("a"), bad], at=1.0, row=listing(1))
        assert await store.read(1) == []
        assert await store.rows() == []

    async def test_an_event_that_could_not_be_read_back_is_refused(self, store: Store) -> None:
        wrong: Event = KernelSpoke(rule="prose", text=3)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r"kernel\.spoke.*could not be read back"):
            await store.append(1, 0, [wrong], at=1.0)
        assert await store.head(1) == 0

    async def test_a_time_that_is_no_number_and_an_impossible_pid_are_refused(self, store: Store) -> None:
        with pytest.raises(UsageError, match="nan"):
            await store.append(1, 0, [said("a")], at=float("nan"))
        with pytest.raises(UsageError, match="count up from 1"):
            await store.append(0, 0, [said("a")], at=1.0)
        with pytest.raises(UsageError, match="row of process 2"):
            await store.append(1, 0, [said("a")], at=1.0, row=listing(2))

    async def test_a_row_can_be_written_without_events(self, store: Store) -> None:
        await store.append(1, 0, [said("a")], at=1.0, row=listing(1))
        assert await store.append(1, 1, [], at=2.0, row=listing(1, "suspended")) == 1
        assert await store.row(1) == listing(1, "suspended")
        with pytest.raises(ConflictError):
            await store.append(1, 0, [], at=3.0, row=listing(1, "done"))
        assert await store.row(1) == listing(1, "suspended")

    # -- many at once -------------------------------------------------------------------------------------------------

    async def test_appends_to_many_processes_at_once_all_succeed(self, store: Store) -> None:
        async def live(pid: Pid) -> None:
            for seq in range(20):
                assert await store.append(pid, seq, [said(f"{pid}.{seq}")], at=1.0, row=listing(pid)) == seq + 1

        with anyio.fail_after(30):
            async with anyio.create_task_group() as tasks:
                for pid in range(1, 21):
                    tasks.start_soon(live, pid)
        for pid in range(1, 21):
            assert texts(await store.read(pid)) == [f"{pid}.{seq}" for seq in range(20)]
        assert [row.pid for row in await store.rows()] == list(range(1, 21))

    async def test_of_many_writers_of_one_log_exactly_one_wins_each_place(self, store: Store) -> None:
        won: list[str] = []
        lost = 0

        async def write(name: str, seq: Seq) -> None:
            nonlocal lost
            try:
                await store.append(1, seq, [said(name)], at=1.0, row=listing(1, goal=name))
                won.append(name)
            except ConflictError:
                lost += 1

        for seq in range(10):
            async with anyio.create_task_group() as tasks:
                for writer in range(8):
                    tasks.start_soon(write, f"{seq}.{writer}", seq)
        assert len(won) == 10
        assert lost == 70
        assert texts(await store.read(1)) == won
        row = await store.row(1)
        assert row is not None
        assert row.goal == won[-1]

    async def test_a_conflict_takes_nobody_else_with_it(self, store: Store) -> None:
        outcomes: dict[Pid, str] = {}

        async def write(pid: Pid, expected: Seq) -> None:
            try:
                await store.append(pid, expected, [said(pid)], at=1.0)
                outcomes[pid] = "recorded"
            except ConflictError:
                outcomes[pid] = "conflict"

        async with anyio.create_task_group() as tasks:
            for pid in range(1, 31):
                tasks.start_soon(write, pid, 9 if pid % 3 == 0 else 0)
        assert outcomes == {pid: "conflict" if pid % 3 == 0 else "recorded" for pid in range(1, 31)}
        for pid in range(1, 31):
            assert await store.head(pid) == (0 if pid % 3 == 0 else 1)

    async def test_an_append_cancelled_half_way_is_recorded_whole_or_not_at_all(self, store: Store) -> None:
        for pid in range(1, 11):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_append_two, store, pid)
                    await anyio.lowlevel.checkpoint()
                    scope.cancel()
            assert await store.head(pid) in (0, 2)

    async def test_a_new_pid_is_given_once_however_many_ask(self, store: Store) -> None:
        given: list[Pid] = []

        async def ask() -> None:
            for _ in range(10):
                given.append(await store.new_pid())

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ask)
        assert sorted(given) == list(range(1, 201))

    # -- listing ------------------------------------------------------------------------------------------------------

    async def test_the_listing_is_by_pid_and_shows_the_last_row(self, store: Store) -> None:
        spent = Usage(usd=0.25, prompt_tokens=10, model_calls=1)
        await store.append(3, 0, [said("a")], at=1.0, row=listing(3))
        await store.append(1, 0, [said("a")], at=1.0, row=listing(1, "waiting", waits_for="哪一年？", wake_at=9.5))
        await store.append(3, 1, [said("b")], at=2.0, row=listing(3, "running", usage=spent, root=1, parent=1))
        assert await store.rows() == [
            listing(1, "waiting", waits_for="哪一年？", wake_at=9.5),
            listing(3, "running", usage=spent, root=1, parent=1),
        ]

    async def test_processes_that_have_exited_are_not_live(self, store: Store) -> None:
        live = ["ready", "running", "waiting", "suspended"]
        statuses = [*live, "done", "unverified", "failed", "refused", "killed"]
        for pid, status in enumerate(statuses, start=1):
            await store.append(pid, 0, [said("a")], at=1.0, row=listing(pid, status))
        assert [row.status for row in await store.rows()] == statuses
        assert [row.status for row in await store.rows(live_only=True)] == live
        await store.append(5, 1, [said("reopened")], at=2.0, row=listing(5, "ready"))
        assert 5 in [row.pid for row in await store.rows(live_only=True)]

    async def test_who_goes_on_without_a_person_is_awake_or_has_lost_its_parent(self, store: Store) -> None:
        rows = [
            ProcessRow(1, 1, None, "running", "g"),
            ProcessRow(2, 1, 1, "waiting", "g", waits_for="哪一年？"),
            ProcessRow(3, 3, None, "failed", "g"),
            ProcessRow(4, 3, 3, "waiting", "g", waits_for="哪一年？"),
            ProcessRow(5, 3, 3, "suspended", "g"),
            ProcessRow(6, 3, 3, "done", "g"),
            ProcessRow(7, 3, 4, "suspended", "g"),
            ProcessRow(8, 8, None, "suspended", "g"),
        ]
        for row in rows:
            await store.append(row.pid, 0, [], at=1.0, row=row)
        assert [row.pid for row in await store.unattended()] == [1, 4, 5]

    async def test_processes_at_rest_are_not_awake(self, store: Store) -> None:
        waits = [("哪一年？", 0.0), ("time", 9.5), ("children", 0.0)]
        rows = [listing(n, "waiting", waits_for=w, wake_at=at) for n, (w, at) in enumerate(waits, start=1)]
        rows += [listing(4, "suspended"), listing(5, "running"), listing(6, "done")]
        for row in rows:
            await store.append(row.pid, 0, [said("a")], at=1.0, row=row)
        assert [row.pid for row in await store.rows(awake_only=True)] == [2, 3, 5]
        await store.append(1, 1, [said("answered")], at=2.0, row=listing(1, "running"))
        assert [row.pid for row in await store.rows(awake_only=True)] == [1, 2, 3, 5]

    async def test_a_limited_listing_has_the_newest(self, store: Store) -> None:
        for pid in range(1, 6):
            await store.append(pid, 0, [said("a")], at=1.0, row=listing(pid, "done" if pid == 4 else "running"))
        assert [row.pid for row in await store.rows(limit=2)] == [4, 5]
        assert [row.pid for row in await store.rows(limit=2, live_only=True)] == [3, 5]
        assert await store.rows(limit=0) == []
        assert len(await store.rows(limit=9)) == 5

    async def test_a_tree_is_a_root_and_all_below_it(self, store: Store) -> None:
        for pid, root, parent in [(1, 1, None), (2, 1, 1), (3, 3, None), (4, 1, 2)]:
            row = listing(pid, "done", root=root, parent=parent)
            await store.append(pid, 0, [said("a")], at=1.0, row=row)
        assert [row.pid for row in await store.tree(1)] == [1, 2, 4]
        assert [row.pid for row in await store.tree(3)] == [3]
        assert await store.tree(9) == []

    # -- subscriptions ------------------------------------------------------------------------------------------------

    async def test_a_subscriber_gets_what_is_appended_from_then_on_in_order(self, store: Store) -> None:
        await store.append(1, 0, [said("before")], at=1.0)
        async with store.subscribe(1) as entries:
            await store.append(1, 1, [said("a"), said("b")], at=2.0)
            await store.append(2, 0, [said("of another")], at=2.0)
            await store.append(1, 3, [said("c")], at=3.0)
            with anyio.fail_after(5):
                got = [await anext(entries) for _ in range(3)]
        assert got == (await store.read(1))[1:]

    async def test_a_subscriber_waits_until_there_is_something(self, store: Store) -> None:
        got: list[Entry] = []

        async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            async with store.subscribe(1) as entries:
                task_status.started()
                async for entry in entries:
                    got.append(entry)
                    if entry.seq == 3:
                        return

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                await tasks.start(listen)
                for seq in range(3):
                    await store.append(1, seq, [said(seq)], at=1.0)
        assert texts(got) == ["0", "1", "2"]

    async def test_a_subscriber_of_all_gets_every_log_in_its_order(self, store: Store) -> None:
        await store.append(9, 0, [said("before")], at=1.0)

        async def live(pid: Pid) -> None:
            for seq in range(10):
                await store.append(pid, seq, [said(f"{pid}.{seq}")], at=1.0)

        async with store.subscribe() as entries:
            async with anyio.create_task_group() as tasks:
                for pid in range(1, 6):
                    tasks.start_soon(live, pid)
            with anyio.fail_after(5):
                got = [await anext(entries) for _ in range(50)]
        for pid in range(1, 6):
            assert texts([e for e in got if e.pid == pid]) == [f"{pid}.{seq}" for seq in range(10)]

    async def test_a_slow_subscriber_loses_nothing_and_blocks_nobody(self, store: Store) -> None:
        async with store.subscribe() as slow, store.subscribe(1) as slow_too:
            for seq in range(0, 3_000, 100):
                await store.append(1, seq, [said(n) for n in range(seq, seq + 100)], at=1.0)
            with anyio.fail_after(10):
                got = [await anext(slow) for _ in range(3_000)]
                got_too = [await anext(slow_too) for _ in range(3_000)]
        assert [entry.seq for entry in got] == list(range(1, 3_001))
        assert got_too == got

    async def test_a_subscriber_that_gave_up_waiting_once_still_gets_everything(self, store: Store) -> None:
        async with store.subscribe(1) as entries:
            for seq in range(5):
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await anext(entries)
                await store.append(1, seq, [said(seq)], at=1.0)
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await anext(entries)
            with anyio.fail_after(5):
                assert texts([await anext(entries) for _ in range(5)]) == ["0", "1", "2", "3", "4"]

    async def test_a_subscription_ends_when_the_store_closes(self, store: Store) -> None:
        ended = anyio.Event()

        async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            async with store.subscribe() as entries:
                task_status.started()
                async for _ in entries:
                    pass
            ended.set()

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                await tasks.start(listen)
                await store.aclose()
                await ended.wait()

    # -- snapshots ----------------------------------------------------------------------------------------------------

    async def test_the_newest_snapshot_is_loaded(self, store: Store) -> None:
        await store.save_snapshot(1, Snapshot(10, "v1", b"ten"))
        await store.save_snapshot(1, Snapshot(30, "v2", "三十".encode()))
        await store.save_snapshot(1, Snapshot(20, "v1", b"twenty"))
        await store.save_snapshot(2, Snapshot(99, "v1", b""))
        assert await store.load_snapshot(1) == Snapshot(30, "v2", "三十".encode())
        assert await store.load_snapshot(2) == Snapshot(99, "v1", b"")
        await store.save_snapshot(1, Snapshot(30, "v3", bytes(200_000)))
        assert await store.load_snapshot(1) == Snapshot(30, "v3", bytes(200_000))

    # -- blobs --------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("data", [b"", b"\x00\xff", "中文".encode() * 1000, bytes(range(256)) * 4096], ids=len)
    async def test_a_blob_comes_back_the_same_under_its_sha256(self, store: Store, data: bytes) -> None:
        ref = await store.put_blob(data)
        assert len(ref) == 64
        assert await store.get_blob(ref) == data
        assert await store.put_blob(data) == ref

    async def test_the_same_blob_may_be_put_by_many_at_once(self, store: Store) -> None:
        refs: set[BlobRef] = set()

        async def put() -> None:
            refs.add(await store.put_blob(b"the same" * 1000))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(put)
        assert len(refs) == 1
        assert await store.get_blob(refs.pop()) == b"the same" * 1000

    @pytest.mark.parametrize("ref", ["0" * 64, "", "../../etc/passwd", "0" * 63 + "\n", "文" * 64, "A" * 64])
    async def test_a_blob_that_is_not_there_is_not_found(self, store: Store, ref: BlobRef) -> None:
        with pytest.raises(NotFoundError, match="no blob"):
            await store.get_blob(ref)

    async def test_a_damaged_blob_is_reported_and_mended_by_putting_it_again(self, store: Store) -> None:
        ref = await store.put_blob(b"precious" * 100)
        self.damage_blob(store, ref)
        with pytest.raises(StoreError, match=ref):
            await store.get_blob(ref)
        assert await store.put_blob(b"precious" * 100) == ref
        assert await store.get_blob(ref) == b"precious" * 100

    # -- the end ------------------------------------------------------------------------------------------------------

    async def test_a_closed_store_says_so(self, store: Store) -> None:
        await store.aclose()
        await store.aclose()
        with pytest.raises(StoreError, match="closed"):
            await store.append(1, 0, [said("a")], at=1.0)
        with pytest.raises(StoreError, match="closed"):
            await store.read(1)
        with pytest.raises(StoreError, match="closed"):
            await store.put_blob(b"x")


class DurableStoreConformance(StoreConformance):
    """Holds for every store that outlives its program."""

    async def reopened(self, store: Store) -> Store:
        """A second store over the same data, as the next program would open it. `store` may be closed or not."""
        raise NotImplementedError

    async def test_everything_is_there_after_reopening(self, store: Store) -> None:
        await store.append(1, 0, [said("一"), said("二")], at=1.5, row=listing(1))
        await store.save_snapshot(1, Snapshot(2, "v1", b"state"))
        ref = await store.put_blob(b"payload")
        log = await store.read(1)
        await store.aclose()
        again = await self.reopened(store)
        assert await again.read(1) == log
        assert await again.rows() == [listing(1)]
        assert await again.load_snapshot(1) == Snapshot(2, "v1", b"state")
        assert await again.get_blob(ref) == b"payload"
        assert await again.append(1, 2, [said("三")], at=2.0) == 3
        await again.aclose()

    async def test_numbers_go_on_after_an_orderly_end(self, store: Store) -> None:
        assert [await store.new_pid() for _ in range(3)] == [1, 2, 3]
        await store.aclose()
        again = await self.reopened(store)
        assert await again.new_pid() == 4
        await again.aclose()

    async def test_a_number_is_never_given_again_even_without_an_orderly_end(self, store: Store) -> None:
        given = [await store.new_pid() for _ in range(5)]
        again = await self.reopened(store)
        given += [await again.new_pid() for _ in range(5)]
        given += [await store.new_pid() for _ in range(40)]
        await store.aclose()
        given += [await again.new_pid() for _ in range(40)]
        await again.aclose()
        assert len(set(given)) == len(given)

    async def test_two_programs_cannot_both_write_one_place(self, store: Store) -> None:
        other = await self.reopened(store)
        outcomes: list[str] = []

        async def write(through: Store, name: str, seq: Seq) -> None:
            try:
                await through.append(1, seq, [said(name)], at=1.0)
                outcomes.append(name)
            except ConflictError:
                outcomes.append("")

        for seq in range(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write, store, f"{seq} here", seq)
                tasks.start_soon(write, other, f"{seq} there", seq)
        assert texts(await store.read(1)) == [name for name in outcomes if name]
        assert len(await other.read(1)) == 10
        await other.aclose()


async def _append_two(store: Store, pid: Pid) -> None:
    await store.append(pid, 0, [said("a"), said("b")], at=1.0)
