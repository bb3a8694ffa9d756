"""A call that its tool did not end itself is not called failed: it is found out about, or a person is asked."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits
from glmos.journal.stores.ram import RamStore
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from tests.scenarios.notebook import Note
from tests.undo.devices import Desk, Hotel
from tests.undo.test_taking_back import SPAWN, book, finish, plan, send, step

pytestmark = pytest.mark.anyio


class Still:
    """A clock that stands, so that a limit of time leaves a call all of it."""

    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


async def _breaks(act: str) -> None:
    raise ConnectionResetError("断了")


@pytest.mark.parametrize("write", [book, send])
async def test_a_call_that_broke_after_it_took_effect_is_known_to_have_happened(tmp_path: Path, write: Any) -> None:
    hotel = Hotel()
    script = [write("海景"), finish("c1", "it took effect")]
    async with world(tmp_path, script, tools=[Desk(hotel, after=_breaks)]) as w:
        report = await w.system.wait(await w.system.start(RunRequest("go", approve_all=True)))
        assert report.status == "done", report.reason
        undone = await w.system.undo(report.pid)
    assert len(hotel.log) == (2 if write is book else 1)
    assert undone.compensated == (("c1",) if write is book else ())
    assert undone.left == (() if write is book else ("c1: desk.send cannot be taken back",))


async def test_a_call_that_broke_before_it_took_effect_failed_and_is_not_repeated_by_itself(tmp_path: Path) -> None:
    hotel = Hotel()
    script = [send("我们来了"), call("give_up", reason="不行")]
    async with world(tmp_path, script, tools=[Desk(hotel, before=_breaks)]) as w:
        pid = await w.system.start(RunRequest("go", approve_all=True))
        assert (await w.system.wait(pid)).reason == "不行"
        told = w.model.requests[-1].messages[-1].content
        assert "failed (failed): desk broke: ConnectionResetError: 断了" in told
        assert (await w.system.undo(pid)).left == ()
    assert hotel.letters == []


async def test_a_person_is_asked_about_a_call_that_broke_where_nobody_can_find_out(tmp_path: Path) -> None:
    hotel = Hotel()
    script = [send("我们来了"), call("give_up", reason="好")]
    async with world(tmp_path, script, tools=[Desk(hotel, probes=False, after=_breaks)]) as w:
        pid = await w.system.start(RunRequest("go", approve_all=True))
        report = await w.system.wait(pid)
        assert (report.status, report.question_kind) == ("waiting", "unknown_effect")
        assert not any(isinstance(x.event, e.ToolFinished) for x in await w.system.log(pid))
        await w.system.approve(pid, True)
        await w.system.wait(pid)
        assert (await w.system.undo(pid)).left == ("c1: desk.send cannot be taken back",)
    assert hotel.letters == ["我们来了"]


async def test_a_call_that_is_stopped_for_time_is_found_out_about(tmp_path: Path) -> None:
    hotel = Hotel()

    async def forever(act: str) -> None:
        await anyio.sleep_forever()

    script = [send("我们来了"), finish("c1", "it took effect")]
    async with world(tmp_path, script, tools=[Desk(hotel, after=forever)], clock=Still()) as w:
        pid = await w.system.start(RunRequest("go", approve_all=True, limits=Limits(seconds=1)))
        report = await w.system.wait(pid)
        assert (report.status, "the limit of 1 seconds is reached" in report.reason) == ("refused", True)
        events = [x.event for x in await w.system.log(pid)]
        assert e.ToolUnknown("c1", "desk was stopped: the time of the process was over") in events
        assert [x.outcome for x in events if isinstance(x, e.ToolProbed)] == ["happened"]
        assert not any(isinstance(x, e.ToolFinished) for x in events)
    assert hotel.letters == ["我们来了"]


async def test_files_that_a_child_brought_during_an_interrupted_call_are_not_lost(tmp_path: Path) -> None:
    """The interrupted call is taken back to the files from before it; the child's came after those were saved."""
    hotel, store, moment, gate, at_work = Hotel(), RamStore(), anyio.Event(), anyio.Event(), anyio.Event()

    async def held(act: str) -> None:
        at_work.set()
        await gate.wait()

    note = Note(moment, anyio.Event())
    parent = iter([plan(step("A")), SPAWN, call("note", text="半"), call("note", text="全"), finish("c4", "noted: 全")])
    child = iter([book("湖景"), finish("c1", "book: 湖景")])
    model = ScriptedModel(lambda request: next(child if "child's goal" in request.messages[1].content else parent))
    async with world(tmp_path, model, tools=[Desk(hotel, before=held), note], store=store) as w:
        pid = await w.system.start(RunRequest("go", approve_all=True))
        with anyio.fail_after(30):
            await moment.wait()
            await at_work.wait()
            (w.system.machine.parts.workspaces.path(2) / "孩子.txt").write_text("孩子的")
            gate.set()
            await w.system.hub.until(pid, lambda p: p.children[2].exited is not None, w.system.machine.state)
        place = w.system.machine.parts.workspaces.path(pid)
        assert (place / "children/2/孩子.txt").exists()
    async with world(tmp_path, model, tools=[Desk(hotel), Note()], store=store.reopen()) as w:
        assert (await w.system.wait(pid)).status == "done"
        assert (place / "notes.txt").read_text() == "全\n"
        assert (place / "children/2/孩子.txt").read_text() == "孩子的"
