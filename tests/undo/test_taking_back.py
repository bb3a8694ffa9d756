"""Undo as the kernel and the runtime do it: each effect is taken back once, in reverse order, and the rest is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.errors import ConflictError
from glmos.journal.stores.ram import RamStore
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import World, world
from tests.scenarios.notebook import Note
from tests.undo.devices import Desk, Hotel

pytestmark = pytest.mark.anyio


def step(name: str, *needs: str) -> dict[str, Any]:
    return {"id": name, "goal": name, "needs": list(needs), "checks": [{"kind": "command", "command": "true"}]}


def plan(*steps: dict[str, Any], reason: str = "") -> Any:
    return call("plan", steps=list(steps), reason=reason)


def book(text: str) -> Any:
    return call("desk", action="book", text=text)


def send(text: str) -> Any:
    return call("desk", action="send", text=text)


def finish(name: str, quote: str) -> Any:
    return call("finish", result=quote, claims=[{"claim": quote, "call": name, "quote": quote}])


def asked(goal: str = "去旅行") -> RunRequest:
    return RunRequest(goal, approve_all=True)


async def begun(w: World, script_needs: str = "去旅行") -> int:
    pid = await w.system.start(asked(script_needs))
    report = await w.system.wait(pid)
    assert report.status == "done", report.reason
    return pid


def notes(w: World, pid: int) -> str:
    path = w.system.machine.parts.workspaces.path(pid) / "notes.txt"
    return path.read_text("utf-8") if path.exists() else ""


def journey() -> list[Any]:
    """Two rooms in step A, a letter and a room in step B."""
    return [
        plan(step("A"), step("B", "A")),
        book("海景"), book("山景"), finish("c2", "book: 海景"),
        send("我们来了"), book("湖景"), finish("c6", "book: 湖景"),
    ]  # fmt: skip


# -- each once ----------------------------------------------------------------------------------------------------------


async def test_undo_by_undo_everything_is_taken_back_once_and_latest_first(tmp_path: Path) -> None:
    hotel = Hotel()
    async with world(tmp_path, journey(), tools=[Desk(hotel)]) as w:
        pid = await begun(w)
        first = await w.system.undo(pid)
        assert (first.step, first.compensated, first.left) == ("B", ("c6",), ("c5: desk.send cannot be taken back",))
        assert hotel.rooms == ["海景", "山景"]
        second = await w.system.undo(pid)
        assert (second.step, second.compensated) == ("A", ("c3", "c2"))
        assert second.left == first.left, "what an earlier undo left is left still"
        with pytest.raises(ConflictError, match="has not begun any step"):
            await w.system.undo(pid)
        with pytest.raises(ConflictError, match="nothing to undo"):
            await w.system.undo(pid, "A")
    assert [x for x in hotel.log if x.startswith("cancel")] == ["cancel 湖景", "cancel 山景", "cancel 海景"]
    assert second.seen == tuple(
        f"{c}: desk.book was taken back, but others may have seen it meanwhile" for c in ("c3", "c2")
    )


async def test_what_a_dropped_step_did_is_taken_back_once_too(tmp_path: Path) -> None:
    hotel = Hotel()
    script = [
        plan(step("A"), step("B", "A")),
        book("海景"), finish("c2", "book: 海景"),
        book("湖景"), plan(step("A"), step("C", "A"), reason="B was a mistake"), finish("c4", "book: 湖景"),
        book("山景"), finish("c7", "book: 山景"), book("江景"), finish("c9", "book: 江景"),
    ]  # fmt: skip
    async with world(tmp_path, script, tools=[Desk(hotel)]) as w:
        pid = await begun(w)
        assert (await w.system.undo(pid, "A")).compensated == ("c4", "c2")
        await w.system.signal(pid, "resume")
        assert (await w.system.wait(pid)).status == "done"
        assert (await w.system.undo(pid, "A")).compensated == ("c9", "c7")
    assert hotel.rooms == []
    assert len(hotel.log) == len(set(hotel.log)) == 8


async def test_a_step_done_between_two_attempts_at_another_goes_with_it(tmp_path: Path) -> None:
    """The files before A's first attempt are those from before B: B cannot stand as passed without its files."""
    script = [
        plan(step("A")),
        call("note", text="early"), plan(step("B"), step("A", "B"), reason="B comes first"),
        call("note", text="B"), finish("c4", "noted: B"),
        call("note", text="A"), finish("c6", "noted: A"),
    ]  # fmt: skip
    async with world(tmp_path, script, tools=[Note()]) as w:
        pid = await begun(w)
        await w.system.undo(pid, "A")
        assert notes(w, pid) == ""
        assert [s.status for s in (await w.system.report(pid)).steps] == ["waiting", "waiting"]


async def test_two_undos_at_once_are_one(tmp_path: Path) -> None:
    hotel, gate, reached = Hotel(), anyio.Event(), anyio.Event()

    async def held(act: str) -> None:
        if act == "cancel 湖景":
            reached.set()
            await gate.wait()

    async with world(tmp_path, journey(), tools=[Desk(hotel, before=held)]) as w:
        pid = await begun(w)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(w.system.undo, pid, "A")
            with anyio.fail_after(30):
                await reached.wait()
            for act in (w.system.undo(pid), w.system.signal(pid, "resume"), w.system.signal(pid, "kill")):
                with pytest.raises(ConflictError, match="an undo is under way"):
                    await act
            gate.set()
    assert hotel.rooms == []
    assert sum(x.startswith("cancel") for x in hotel.log) == 3


# -- a crash in the middle ------------------------------------------------------------------------------------------------


def _nth(number: int, moment: anyio.Event) -> Callable[[str], Any]:
    """Stops at the cancellation with this number, for ever."""
    seen = 0

    async def stop(act: str) -> None:
        nonlocal seen
        if act.startswith("cancel"):
            seen += 1
            if seen == number:
                moment.set()
                await anyio.sleep_forever()

    return stop


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_undo_that_was_cut_off_goes_on_and_doubles_nothing(tmp_path: Path, number: int, when: str) -> None:
    hotel, store, moment = Hotel(), RamStore(), anyio.Event()
    stop: dict[str, Any] = {when: _nth(number, moment)}
    async with world(tmp_path, journey(), tools=[Desk(hotel, **stop)], store=store) as w:
        pid = await begun(w)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(w.system.undo, pid, "A")
            with anyio.fail_after(30):
                await moment.wait()
            tasks.cancel_scope.cancel()
    async with world(tmp_path, [], tools=[Desk(hotel)], store=store.reopen()) as w:
        report = await w.system.report(pid)
        assert (report.status, report.answer) == ("suspended", "")
        assert f"`glmos undo {pid} --to A` finishes it" in report.reason
        with pytest.raises(ConflictError, match=r"that was interrupted; `glmos undo"):
            await w.system.signal(pid, "resume")
        with pytest.raises(ConflictError, match="not to 'B'"):
            await w.system.undo(pid, "B")
        undone = await w.system.undo(pid)
        assert (undone.step, undone.compensated) == ("A", ("c6", "c3", "c2"))
        assert undone.left == ("c5: desk.send cannot be taken back",)
        assert (await w.system.report(pid)).reason == ""
    assert hotel.rooms == []
    assert [x for x in hotel.log if x.startswith("cancel")] == ["cancel 湖景", "cancel 山景", "cancel 海景"]


async def test_a_compensation_nobody_can_ask_about_is_named_and_not_repeated(tmp_path: Path) -> None:
    hotel, store, moment = Hotel(), RamStore(), anyio.Event()
    tools = [Desk(hotel, probes=False, after=_nth(1, moment))]
    async with world(tmp_path, journey(), tools=tools, store=store) as w:
        pid = await begun(w)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(w.system.undo, pid)
            with anyio.fail_after(30):
                await moment.wait()
            tasks.cancel_scope.cancel()
    async with world(tmp_path, [], tools=[Desk(hotel, probes=False)], store=store.reopen()) as w:
        undone = await w.system.undo(pid)
    assert hotel.log.count("cancel 湖景") == 1
    assert undone.compensated == ()
    assert undone.left == (
        "c6: desk.book could not be undone: an undo of it was interrupted, and nobody knows whether it took effect",
        "c5: desk.send cannot be taken back",
    )


async def test_a_killed_process_can_be_taken_back(tmp_path: Path) -> None:
    hotel, moment = Hotel(), anyio.Event()

    async def held(act: str) -> None:
        if act == "book 湖景":
            moment.set()
            await anyio.sleep_forever()

    async with world(tmp_path, journey(), tools=[Desk(hotel, after=held)]) as w:
        pid = await w.system.start(asked())
        with anyio.fail_after(30):
            await moment.wait()
            await w.system.signal(pid, "kill")
        undone = await w.system.undo(pid, "A")
    assert undone.compensated == ("c6", "c3", "c2"), "the booking that was cut off is found out about"
    assert hotel.rooms == []


# -- what cannot be taken back is named ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("happened", "probes"), [(True, True), (False, True), (True, False)])
async def test_a_letter_that_was_cut_off_is_named_unless_it_was_surely_not_sent(
    tmp_path: Path, happened: bool, probes: bool
) -> None:
    hotel, moment = Hotel(), anyio.Event()

    async def held(act: str) -> None:
        moment.set()
        await anyio.sleep_forever()

    desk = Desk(hotel, probes=probes, **{"after" if happened else "before": held})
    async with world(tmp_path, [send("我们来了")], tools=[desk]) as w:
        pid = await w.system.start(asked())
        with anyio.fail_after(30):
            await moment.wait()
            undone = await w.system.undo(pid)
    expected: tuple[str, ...] = ("c1: desk.send cannot be taken back",) if happened else ()
    if not probes:
        expected = ("c1: desk.send was interrupted and nobody knows whether it took effect (desk cannot find out)",)
    assert undone.left == expected


async def test_a_compensation_that_failed_is_named_and_can_be_tried_again(tmp_path: Path) -> None:
    hotel = Hotel()
    desk = Desk(hotel, closed=True)
    async with world(tmp_path, journey(), tools=[desk]) as w:
        pid = await begun(w)
        undone = await w.system.undo(pid, "A")
        assert undone.compensated == ()
        assert undone.left == (
            "c6: desk.book could not be undone: the hotel does not answer",
            "c5: desk.send cannot be taken back",
            "c3: desk.book could not be undone: the hotel does not answer",
            "c2: desk.book could not be undone: the hotel does not answer",
        )
        desk.closed = False
        undone = await w.system.undo(pid, "A")
        assert undone.compensated == ("c6", "c3", "c2")
        assert undone.left == ("c5: desk.send cannot be taken back",)
        with pytest.raises(ConflictError, match="nothing to undo"):
            await w.system.undo(pid, "A")
    assert hotel.rooms == []


async def test_a_tool_that_breaks_or_is_gone_hinders_nothing_else(tmp_path: Path) -> None:
    hotel, store = Hotel(), RamStore()

    async def broken(act: str) -> None:
        if act.startswith("cancel"):
            raise ValueError("坏了")

    script = [call("note", text="记"), *journey()[1:3], finish("c2", "book: 海景")]
    async with world(tmp_path, script, tools=[Desk(hotel, before=broken), Note()], store=store) as w:
        pid = await begun(w)
        undone = await w.system.undo(pid)
        assert [x.split(": ", 2)[2] for x in undone.left] == ["the tool broke: ValueError: 坏了"] * 2
        assert notes(w, pid) == ""
    async with world(tmp_path, [], tools=[Note()], store=store.reopen()) as w:
        undone = await w.system.undo(pid, undone.step)
    assert undone.left == tuple(
        f"{c}: desk.book cannot be undone: the tool that could is not installed any more" for c in ("c3", "c2")
    )


# -- others ----------------------------------------------------------------------------------------------------------------


async def test_a_fork_does_not_take_back_what_its_source_did(tmp_path: Path) -> None:
    hotel = Hotel()
    more = [book("雪景"), finish("c5", "book: 雪景")]
    async with world(tmp_path, [*journey(), *more], tools=[Desk(hotel)]) as w:
        pid = await begun(w)
        log = await w.system.log(pid)
        before = next(x.seq for x in log if isinstance(x.event, e.StepStarted) and x.event.step == "B")
        fork = await w.system.fork(pid, before)
        assert (await w.system.wait(fork)).status == "done", "it books a room of its own in step B"
        undone = await w.system.undo(fork, "A")
        assert hotel.rooms == ["海景", "山景", "湖景"]
        assert undone.compensated == ("c5",)
        assert undone.left == tuple(
            f"{c}: desk.book was done by process {pid}, from which {fork} was forked; undo it there"
            for c in ("c3", "c2")
        )


def _family(hotel_of_child: list[Any], then: list[Any]) -> ScriptedModel:
    """The parent starts a child in step B and waits for it; the child follows its own script."""
    parent = iter([plan(step("A"), step("B", "A")), book("海景"), finish("c2", "book: 海景"), *then])
    child = iter(hotel_of_child)
    return ScriptedModel(lambda request: next(child if "child's goal" in request.messages[1].content else parent))


SPAWN = call("spawn", goal="the child's goal")


async def test_a_child_is_taken_back_with_the_step_that_began_it(tmp_path: Path) -> None:
    hotel = Hotel()
    child = [book("湖景"), send("孩子也来"), call("note", text="孩子"), finish("c1", "book: 湖景")]
    then = [SPAWN, call("wait"), book("山景"), finish("c6", "book: 山景")]
    async with world(tmp_path, _family(child, then), tools=[Desk(hotel), Note()]) as w:
        pid = await begun(w)
        place = w.system.machine.parts.workspaces.path(pid)
        assert (place / "children/2/notes.txt").read_text() == "孩子\n"
        undone = await w.system.undo(pid)
        assert (undone.step, undone.compensated) == ("B", ("c6", "2/c1"))
        assert undone.left == ("2/c2: desk.send cannot be taken back",)
        assert hotel.rooms == ["海景"]
        assert list(place.iterdir()) == []
        again = await w.system.undo(pid)
        assert (again.step, again.compensated, again.left) == ("A", ("c2",), undone.left)
    assert hotel.rooms == []
    assert [x for x in hotel.log if x.startswith("cancel")] == ["cancel 山景", "cancel 湖景", "cancel 海景"]


async def test_a_child_that_runs_is_ended_before_the_undo_has(tmp_path: Path) -> None:
    hotel, moment = Hotel(), anyio.Event()

    async def held(act: str) -> None:
        if act == "book 湖景":
            moment.set()
            await anyio.sleep_forever()

    child = [book("江景"), book("湖景")]
    again = [call("give_up", reason="够了")]
    async with world(tmp_path, _family(child, [SPAWN, call("wait"), *again]), tools=[Desk(hotel, after=held)]) as w:
        pid = await w.system.start(asked())
        with anyio.fail_after(30):
            await moment.wait()
            undone = await w.system.undo(pid)
            assert undone.compensated == ("2/c2", "2/c1")
            assert (await w.system.report(2)).status == "killed"
            assert hotel.rooms == ["海景"]
            await w.system.signal(pid, "resume")
            report = await w.system.wait(pid)
        kinds = [type(x.event) for x in await w.system.log(pid)]
    assert report.reason == "够了"
    assert kinds.count(e.ChildExited) == 1
    assert kinds.index(e.ChildExited) < kinds.index(e.Undone)


async def test_files_of_a_child_begun_before_are_still_there(tmp_path: Path) -> None:
    """It ended after the step began, so the files saved at its beginning do not have them."""
    gate, hotel = anyio.Event(), Hotel()

    async def held(act: str) -> None:
        if act == "book 湖景":
            await gate.wait()

    child = [book("湖景"), call("note", text="孩子"), finish("c1", "book: 湖景")]
    parent = iter(
        [
            plan(step("A"), step("B", "A")), SPAWN, book("海景"), finish("c3", "book: 海景"),
            call("note", text="own"), call("wait"), finish("c5", "noted: own"),
        ]
    )  # fmt: skip
    kid = iter(child)
    model = ScriptedModel(lambda request: next(kid if "child's goal" in request.messages[1].content else parent))
    async with world(tmp_path, model, tools=[Desk(hotel, before=held), Note()]) as w:
        pid = await w.system.start(asked())
        async with w.system.follow(pid) as entries:
            async for entry in entries:
                event = getattr(entry, "event", None)
                if isinstance(event, e.WaitStarted):
                    gate.set()
        undone = await w.system.undo(pid, "B")
        place = w.system.machine.parts.workspaces.path(pid)
        assert undone.left == ()
        assert not (place / "notes.txt").exists()
        assert (place / "children/2/notes.txt").read_text() == "孩子\n"
        assert hotel.rooms == ["海景", "湖景"]


async def test_undoing_a_child_says_what_its_parent_has_of_it(tmp_path: Path) -> None:
    hotel = Hotel()
    child = [book("湖景"), call("note", text="孩子"), finish("c1", "book: 湖景")]
    then = [SPAWN, call("wait"), finish("c5", "book: 湖景")]
    async with world(tmp_path, _family(child, then), tools=[Desk(hotel), Note()]) as w:
        pid = await w.system.start(asked())
        await w.system.wait(pid)
        undone = await w.system.undo(2)
    assert hotel.rooms == ["海景"]
    assert undone.left == (
        "process 1 has been told that it ended done and has its files under children/2/; undo it there",
    )


async def test_a_file_the_person_changed_since_stays_changed(tmp_path: Path) -> None:
    source = tmp_path / "数据.txt"
    source.write_text("旧")
    script = [
        plan(step("A"), step("B", "A")),
        call("note", text="A"), finish("c2", "noted: A"), call("give_up", reason="later"),
        call("note", text="A2"), finish("c5", "noted: A2"), call("note", text="B"), finish("c7", "noted: B"),
    ]  # fmt: skip
    async with world(tmp_path / "home", script, tools=[Note()]) as w:
        report = await w.system.run("note", files=[source])
        source.write_text("新的内容")
        await w.system.signal(report.pid, "resume")
        assert (await w.system.wait(report.pid)).status == "done"
        undone = await w.system.undo(report.pid, "A")
        place = w.system.machine.parts.workspaces.path(report.pid)
        assert (place / "数据.txt").read_text() == "新的内容"
        assert (notes(w, report.pid), undone.left) == ("", ())
