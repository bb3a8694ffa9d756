"""What a step rests on: each way in which it can have come to know something, and no other."""

from pathlib import Path
from typing import Any

import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.errors import ConflictError, NotFoundError
from glmos.abi.messages import ModelReply, ModelRequest
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from glmos.tools.files import Files
from tests.reopening.small import NEW, OLD, READ, SALES, again, finish, found, plan, start, step, with_new_sales
from tests.scenarios.notebook import Echo, Letter

pytestmark = pytest.mark.anyio


async def test_a_file_in_a_folder_that_changed(tmp_path: Path) -> None:
    folder = tmp_path / "数据"
    folder.mkdir()
    (folder / "华东.csv").write_text(OLD, "utf-8")
    read = call("files", action="read", path="数据/华东.csv")
    script = [
        read,
        finish("1204", c1="华东,1204"),
        finish("1204", c1="华东,1204"),
        read,
        finish("1250000", c4="1250000"),
    ]
    async with world(tmp_path / "家", script, tools=[Files()]) as w:
        pid = await w.system.start(RunRequest("华东卖了多少?", (str(folder),)))
        assert (await w.system.wait(pid)).answer == "1204"
        (folder / "华东.csv").write_text(NEW, "utf-8")
        await w.system.signal(pid, "resume")
        report = await w.system.wait(pid)
    assert (report.status, report.answer, again(report)) == ("done", "1250000", ["goal"])


async def test_a_search_rests_on_the_files_in_which_it_found_nothing(tmp_path: Path) -> None:
    (tmp_path / "去年.csv").write_text("华西,5\n", "utf-8")
    search = call("files", action="search", pattern="华西")
    script = [
        search,
        finish("只有去年有", c1="去年.csv:1: 华西,5"),
        search,
        finish("今年也有", c3="销售.csv:1: 华西,7"),
    ]
    async with world(tmp_path / "家", script, tools=[Files()]) as w:
        (tmp_path / SALES).write_text(OLD, "utf-8")
        files = (str(tmp_path / SALES), str(tmp_path / "去年.csv"))
        pid = await w.system.start(RunRequest("华西有没有?", files))
        assert (await w.system.wait(pid)).answer == "只有去年有"
        (tmp_path / SALES).write_text("华西,7\n", "utf-8")
        await w.system.signal(pid, "resume")
        report = await w.system.wait(pid)
    assert (report.status, report.answer) == ("done", "今年也有")


async def test_what_a_child_was_given(tmp_path: Path) -> None:
    def life(first: int, answer: str) -> list[ModelReply]:
        child = 2 if first == 1 else 3
        return [
            call("spawn", goal="读出华东的数", files=[SALES]), call("wait", children=[child]),
            finish(answer, **{f"c{first + 1}": answer}),
        ]  # fmt: skip

    parent = iter([*life(1, "1204"), *life(4, "1250000")])
    child = iter([READ, finish("1204", c1="1204"), READ, finish("1250000", c1="1250000")])

    def doer(request: ModelRequest) -> ModelReply:
        return next(child if "读出华东的数" in request.messages[1].content else parent)

    async with world(tmp_path / "家", ScriptedModel(doer), tools=[Files()]) as w:
        pid = await start(w, tmp_path)
        first = await w.system.wait(pid)
        assert (first.status, first.answer) == ("done", "1204"), first.reason
        report = await with_new_sales(w, tmp_path, pid)
    assert (report.status, report.answer) == ("done", "1250000"), report.reason


async def test_the_last_of_several_corrections(tmp_path: Path) -> None:
    script = [
        plan(step("a"), step("b", "a")), call("echo", text="1204"), finish("甲", c2="1204"), finish("乙"),
        finish("甲，按更正"), finish("乙"), finish("甲，按再次更正"), finish("1250000"), finish("1300000", c2="1300000"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Echo()]) as w:
        pid = await start(w, tmp_path, given=False)
        assert (await w.system.wait(pid)).status == "done"
        for right in ("1250000", "1300000"):
            await w.system.correct(pid, "c2", f"应是 {right}")
            report = await w.system.wait(pid)
        failed = await found(w, pid, e.StepFailed, "reason")
        because = await found(w, pid, e.StepReopened, "cause")
    assert (report.status, report.answer) == ("done", "1300000")
    assert len(failed) == 1 and "1250000" in failed[0], "what was corrected later is no ground any more"
    assert because == [
        x for n in ("1250000", "1300000")
        for x in (f"the person corrected c2: 应是 {n}", "it rests on step 'a', which is done again")
    ]  # fmt: skip


async def test_an_answer_given_between_steps_binds_only_what_began_after_it(tmp_path: Path) -> None:
    never = [{"kind": "pattern", "pattern": "X{9}"}]
    script = [
        plan(step("a"), step("b", checks=never)), finish("甲"), finish("不行"), finish("不行"),
        call("ask", question="怎么办?"), plan(step("a"), step("c")), finish("丙"), finish("丙，按新的话"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script) as w:
        pid = await start(w, tmp_path, given=False)
        assert (await w.system.wait(pid)).status == "waiting"
        await w.system.answer(pid, "用丙")
        assert (await w.system.wait(pid)).status == "done"
        asked = [x.event.call for x in await w.system.log(pid) if isinstance(x.event, e.PersonAsked)]
        await w.system.correct(pid, asked[0], "用新的丙")
        report = await w.system.wait(pid)
    assert (report.status, again(report)) == ("done", ["c"])


async def test_an_old_output_that_is_looked_at_again_stays_void(tmp_path: Path) -> None:
    look = call("look", call="c1")
    script = [READ, finish("1204", c1="1204"), look, finish("1204", c3="1204"), READ, finish("1250000", c5="1250000")]
    async with world(tmp_path / "家", script, tools=[Files()]) as w:
        pid = await start(w, tmp_path)
        assert (await w.system.wait(pid)).answer == "1204"
        report = await with_new_sales(w, tmp_path, pid)
    assert (report.status, report.answer, report.steps[0].attempts) == ("done", "1250000", 2)


async def test_what_was_seen_before_a_step_was_opened_again_stays_void_after_an_undo(tmp_path: Path) -> None:
    script = [
        plan(step("a", checks=[{"kind": "citation"}]), step("b")),
        call("echo", text="旧"), finish("甲", c2="heard: 旧"), finish("乙"),
        call("echo", text="新"), finish("甲", c5="heard: 新"),
        finish("甲", c2="heard: 旧"), call("echo", text="最新"), finish("甲", c8="heard: 最新"), finish("乙"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Echo()]) as w:
        pid = await start(w, tmp_path, given=False)
        assert (await w.system.wait(pid)).status == "done"
        await w.system.correct(pid, "a", "甲不是这样")
        assert (await w.system.wait(pid)).status == "done"
        await w.system.undo(pid, "b")
        await w.system.signal(pid, "resume")
        report = await w.system.wait(pid)
        failed = await found(w, pid, e.StepFailed, "reason")
    assert report.status == "done"
    assert len(failed) == 1 and "nothing can be quoted from c2" in failed[0]


async def test_a_changed_step_cannot_cite_what_it_saw_of_another_that_was_changed_with_it(tmp_path: Path) -> None:
    cited = [{"kind": "citation"}]
    new = {"goal": "换一种做法"}
    script = [
        plan(step("a"), step("b", "a", checks=cited), step("c", "b")),
        finish("甲"), call("echo", text="按甲"), finish("乙", c3="heard: 按甲"),
        plan(step("a", **new), step("b", "a", checks=cited, **new), step("c", "b")),
        finish("新的甲"), finish("乙", c3="heard: 按甲"), call("echo", text="按新的甲"), finish("乙", c8="heard: 按新的甲"),
        finish("丙"),
    ]  # fmt: skip
    async with world(tmp_path / "家", script, tools=[Echo()]) as w:
        pid = await start(w, tmp_path, given=False)
        report = await w.system.wait(pid)
        failed = await found(w, pid, e.StepFailed, "reason")
    assert (report.status, again(report)) == ("done", ["a", "b", "c"]), report.reason
    assert len(failed) == 1 and "nothing can be quoted from c3" in failed[0]


async def test_a_yes_is_for_the_call_that_was_asked_about_and_no_other(tmp_path: Path) -> None:
    sent: list[str] = []
    script = [call("letter", text="旧的信"), call("letter", text="新的信"), finish("寄了", c1="sent: 新的信")]
    async with world(tmp_path / "家", script, tools=[Letter(sent)]) as w:
        pid = await start(w, tmp_path, given=False)
        assert (await w.system.wait(pid)).status == "waiting"
        await w.system.signal(pid, "suspend")
        await w.system.approve(pid, True)
        await w.system.correct(pid, "goal", "写错了")
        await w.system.signal(pid, "resume")
        asked = await w.system.wait(pid)
        assert (asked.status, sent) == ("waiting", [])
        assert "新的信" in (await found(w, pid, e.PersonAsked, "question"))[-1]
        await w.system.approve(pid, True)
        report = await w.system.wait(pid)
    assert (report.status, sent) == ("done", ["新的信"])


# -- what cannot be corrected -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["c9", "call:c9", "step:x", "没有", "call:a", "step:c1", ""])
async def test_what_is_not_there_cannot_be_corrected(tmp_path: Path, what: str) -> None:
    async with world(tmp_path / "家", [plan(step("a"), step("b")), finish("甲"), finish("乙")]) as w:
        pid = await start(w, tmp_path, given=False)
        await w.system.wait(pid)
        before = await w.system.log(pid)
        with pytest.raises(NotFoundError, match=r"has no call and no step .*its steps are: a, b"):
            await w.system.correct(pid, what, "对的是这个")
        assert await w.system.log(pid) == before


async def test_what_nothing_rests_on_cannot_be_corrected_after_the_end(tmp_path: Path) -> None:
    missing = call("files", action="read", path="没有.csv")
    script: list[Any] = [plan(step("a"), step("b")), missing, finish("甲"), finish("乙")]
    async with world(tmp_path / "家", script, tools=[Files()]) as w:
        pid = await start(w, tmp_path, given=False)
        await w.system.wait(pid)
        before = await w.system.log(pid)
        with pytest.raises(
            ConflictError, match="no step of process 1 rests on 'c2', and it has ended; nothing is changed"
        ):
            await w.system.correct(pid, "c2", "有这个文件")
        assert await w.system.log(pid) == before
