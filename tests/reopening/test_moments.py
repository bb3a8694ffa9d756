"""Something turns out wrong at the one moment at which it matters: each of these was, or would be, a wrong result."""

import re
from pathlib import Path

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.events import InputFile
from glmos.abi.ids import Pid, SnapshotId
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.abi.tools import ToolCall
from glmos.ports import ToolContext
from glmos.sandbox.workspaces import DiskWorkspaces
from glmos.testing.bare import BareSandbox
from glmos.testing.models import ScriptedModel, call, calls, pause
from glmos.testing.world import world
from glmos.tools.files import Files
from tests.reopening.small import NEW, READ, SALES, again, finish, found, plan, start, step, with_new_sales
from tests.scenarios.notebook import Echo

pytestmark = pytest.mark.anyio


class HeldWorkspaces(DiskWorkspaces):
    """Workspaces that wait: before the save or the refresh of the given number, until the gate opens."""

    def __init__(self, root: Path, *, save: int = 0, refresh: int = 0) -> None:
        super().__init__(root)
        self.left = {"save": save, "refresh": refresh}
        self.reached, self.gate = anyio.Event(), anyio.Event()

    async def _hold(self, what: str) -> None:
        self.left[what] -= 1
        if self.left[what] == 0:
            self.reached.set()
            await self.gate.wait()

    async def save(self, pid: Pid) -> SnapshotId:
        await self._hold("save")
        return await super().save(pid)

    async def refresh(self, pid: Pid, file: InputFile) -> InputFile | None:
        await self._hold("refresh")
        return await super().refresh(pid, file)


async def test_a_step_that_is_being_done_is_begun_anew_when_a_file_it_has_read_changes(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    script = [
        READ, pause(gate, reached), finish("1204", c1="华东,1204"),
        READ, finish("1250000", c2="华东,1250000"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Files()]) as w:
        pid = await start(w, tmp_path)
        await reached.wait()
        (tmp_path / SALES).write_text(NEW, "utf-8")
        await w.system.signal(pid, "resume")
        gate.set()
        report = await w.system.wait(pid)
    assert (report.status, report.answer) == ("done", "1250000")
    assert report.steps[0].again == f"the file {SALES!r}, which it was based on, has changed"


async def test_what_passed_while_a_changed_file_was_being_copied_is_done_again(tmp_path: Path) -> None:
    held = HeldWorkspaces(tmp_path / "工作区", refresh=1)
    gate, reached, later = anyio.Event(), anyio.Event(), anyio.Event()
    script = [
        plan(step("a"), step("b")), pause(gate, reached), READ, finish("1204", c2="华东,1204"),
        pause(held.gate, later), finish("b"),
        READ, finish("1250000", c5="华东,1250000"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Files()], workspaces=held) as w:
        pid = await start(w, tmp_path)
        await reached.wait()
        (tmp_path / SALES).write_text(NEW, "utf-8")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(w.system.signal, pid, "resume")
            await held.reached.wait()
            gate.set()
            await later.wait()
            held.gate.set()
        report = await w.system.wait(pid)
        results = [x.text for x in await found(w, pid, e.StepSubmitted, "result")]
    assert (report.status, again(report)) == ("done", ["a"])
    assert results == ["1204", "b", "1250000"], "b did not rest on it and was left alone"


async def test_what_was_seen_before_a_file_changed_cannot_be_cited_after(tmp_path: Path) -> None:
    script = [
        READ, finish("1204", c1="华东,1204"),
        finish("还是 1204", c1="华东,1204"), READ, finish("1250000", c4="华东,1250000"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Files()]) as w:
        pid = await start(w, tmp_path)
        assert (await w.system.wait(pid)).answer == "1204"
        report = await with_new_sales(w, tmp_path, pid)
        reasons = await found(w, pid, e.StepFailed, "reason")
    assert (report.status, report.answer) == ("done", "1250000")
    assert len(reasons) == 1
    assert f"nothing can be quoted from c1: the file {SALES!r} has changed since: call again" in reasons[0]


async def test_what_did_not_read_the_changed_file_can_still_be_cited(tmp_path: Path) -> None:
    script = [
        plan(step("a"), step("b", checks=[{"kind": "citation"}]), step("c")),
        call("echo", text="晴"), finish("晴", c2="heard: 晴"), READ,
        call("files", action="write", path="记.txt", text="记下"), finish("1204", c4="华东,1204"),
        finish("天晴", c2="heard: 晴"), READ, finish("晴，1250000", c8="华东,1250000", c2="heard: 晴"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Files(), Echo()]) as w:
        pid = await start(w, tmp_path)
        assert (await w.system.wait(pid)).status == "done"
        report = await with_new_sales(w, tmp_path, pid)
        failed = await found(w, pid, e.StepFailed, "reason")
    assert (report.status, again(report), failed) == ("done", ["b"], [])


async def test_a_check_that_ends_after_its_step_was_opened_again_says_nothing_of_the_new_result(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    verdicts = [
        pause(gate, reached), call("verdict", outcome="failed", reason="算错了"),
        call("verdict", outcome="passed", reason="对"),
    ]  # fmt: skip
    script = [finish("旧"), finish("新")]
    async with world(tmp_path / "家", script, critic=ScriptedModel(verdicts)) as w:
        pid = await start(w, tmp_path, given=False)
        await reached.wait()
        await w.system.correct(pid, "goal", "写得太短")
        gate.set()
        report = await w.system.wait(pid)
        failed = await found(w, pid, e.StepFailed, "reason")
    assert (report.status, report.answer, failed) == ("done", "新", [])


async def test_a_reply_to_what_is_void_is_dropped(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    script = [
        plan(step("a"), step("b", "a")), finish("甲"), pause(gate, reached), finish("乙，按旧的甲"),
        finish("新的甲"), finish("乙，按新的甲"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script) as w:
        pid = await start(w, tmp_path, given=False)
        await reached.wait()
        await w.system.correct(pid, "a", "甲不是这样")
        gate.set()
        report = await w.system.wait(pid)
        results = [x.text for x in await found(w, pid, e.StepSubmitted, "result")]
    assert (report.status, results) == ("done", ["甲", "新的甲", "乙，按新的甲"])


async def test_no_step_begins_that_was_next_before_an_earlier_one_was_opened_again(tmp_path: Path) -> None:
    held = HeldWorkspaces(tmp_path / "工作区", save=2)
    script = [plan(step("a"), step("b"), step("c")), *map(finish, ("甲", "新的甲", "乙", "丙"))]
    async with world(tmp_path / "家", script, workspaces=held) as w:
        pid = await start(w, tmp_path, given=False)
        await held.reached.wait()
        await w.system.correct(pid, "a", "甲不是这样")
        held.gate.set()
        report = await w.system.wait(pid)
        begun = await found(w, pid, e.StepStarted, "step")
    assert (report.status, begun) == ("done", ["a", "a", "b", "c"])


async def test_what_a_step_went_by_before_it_was_opened_again_no_longer_binds_it(tmp_path: Path) -> None:
    script = [READ, finish("1204", c1="华东,1204"), call("echo", text="三"), finish("三", c3="heard: 三")]
    async with world(tmp_path / "家", script, tools=[Files(), Echo()]) as w:
        pid = await start(w, tmp_path)
        assert (await w.system.wait(pid)).status == "done"
        await w.system.correct(pid, "goal", "不要看文件")
        assert (await w.system.wait(pid)).answer == "三"
        report = await with_new_sales(w, tmp_path, pid)
    assert (report.status, report.answer, len(w.model.requests)) == ("done", "三", 4), "the script has no more replies"


async def test_a_moved_file_rests_on_what_it_was_before(tmp_path: Path) -> None:
    (tmp_path / "草稿.txt").write_text("初稿", "utf-8")
    sandbox = BareSandbox(nothing_is_isolated=True)
    moved = ToolCall(1, "c1", "files", "move", {"path": "./草稿.txt", "to": "定稿.txt"})
    result = await Files().run(moved, ToolContext(tmp_path, sandbox, print))
    assert result.files == ("定稿.txt",)
    assert "file:草稿.txt" in result.label.sources


async def test_who_read_a_moved_file_is_done_again_with_who_wrote_it(tmp_path: Path) -> None:
    def files(action: str, **arguments: str) -> tuple[str, dict[str, str]]:
        return ("files", {"action": action, **arguments})

    def life(text: str, number: int) -> list[ModelReply]:
        return [
            calls(files("write", path="草稿.txt", text=text)), finish("写了"),
            calls(files("move", path="草稿.txt", to=f"定稿{number}.txt")), finish("移了"),
            calls(files("read", path=f"定稿{number}.txt")), finish("读了"),
        ]  # fmt: skip

    async with world(
        tmp_path / "家", [plan(step("a"), step("b"), step("c"), step("d")), *life("一", 1), finish("完"), *life("二", 2)],
        tools=[Files()],
    ) as w:  # fmt: skip
        pid = await start(w, tmp_path, given=False)
        assert (await w.system.wait(pid)).status == "done"
        await w.system.correct(pid, "a", "草稿不对")
        report = await w.system.wait(pid)
    assert (report.status, again(report)) == ("done", ["a", "b", "c"])


# -- a late failure ---------------------------------------------------------------------------------------------------


async def test_steps_that_spoil_each_other_come_to_an_end(tmp_path: Path) -> None:
    made = {"kind": "file", "path": "甲.txt"}
    steps = plan(step("a", checks=[made]), step("b", "a"))

    def doer(request: ModelRequest) -> ModelReply:
        text, last = "\n".join(m.content for m in request.messages), request.messages[-1].content
        if "Step 'b' failed 2 times in the same way" in text:
            return call("give_up", reason="两步互相破坏")
        now = re.findall(r"Now step '(\w)'", text)
        if not now:
            return steps
        if "Wrote" in last or "Deleted" in last:
            quoted = re.search(r"\[(c\d+)\] (\w+)", last)
            return finish("好了", **{quoted[1]: quoted[2]} if quoted else {})
        if now[-1] == "a":
            return call("files", action="write", path="甲.txt", text="甲")
        return call("files", action="delete", path="甲.txt")

    model = ScriptedModel(doer)
    async with world(tmp_path / "家", model, tools=[Files()]) as w:
        pid = await start(w, tmp_path, given=False)
        with anyio.fail_after(60):
            report = await w.system.wait(pid)
        begun = await found(w, pid, e.StepStarted, "step")
    assert (report.status, report.reason[:6]) == ("failed", "两步互相破坏")
    assert begun == ["a", "b", "a", "b"]
    assert report.steps[1].attempts == 2


# -- what a step being done rests on ----------------------------------------------------------------------------------


async def test_a_step_that_cites_what_has_just_become_void_waits_until_it_is_seen_anew(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    script = [
        plan(step("a"), step("b", checks=[{"kind": "citation"}]), step("c")),
        call("echo", text="旧"), finish("甲", c2="heard: 旧"),
        pause(gate, reached), finish("乙", c2="heard: 旧"),
        call("echo", text="新"), finish("甲", c5="heard: 新"), finish("乙", c5="heard: 新"), finish("丙", c5="heard: 新"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Echo()]) as w:
        pid = await start(w, tmp_path, given=False)
        await reached.wait()
        await w.system.correct(pid, "a", "甲不是这样")
        gate.set()
        report = await w.system.wait(pid)
        failed = await found(w, pid, e.StepFailed, "reason")
    assert (report.status, again(report), failed) == ("done", ["a", "b"], [])
    assert report.steps[1].again == "it went by step 'a', which is done again"
