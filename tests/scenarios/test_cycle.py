"""Whole stories through the public interface: plan, do, check, act, and what ends as what."""

import itertools
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.budgets import Limits, Usage
from glmos.abi.errors import ConflictError
from glmos.journal.stores.ram import RamStore
from glmos.testing.models import ScriptedModel, call, calls, fail, pause, say
from glmos.testing.world import World, world
from tests.scenarios.notebook import Echo, Letter, Note

pytestmark = pytest.mark.anyio


def claim(text: str, name: str, quote: str) -> dict[str, str]:
    return {"claim": text, "call": name, "quote": quote}


async def kinds(w: World, pid: int) -> list[str]:
    return [type(x.event).__name__ for x in await w.system.log(pid)]


async def test_a_cited_answer_ends_done_with_its_evidence(tmp_path: Path) -> None:
    script = [
        call("echo", text="42 sheep"),
        call("finish", result="There are 42 sheep.", claims=[claim("42 sheep", "c1", "heard: 42 sheep")]),
    ]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("are there 42 sheep?")
    assert (report.status, report.answer) == ("done", "There are 42 sheep.")
    assert [(x.claim, x.quote, len(x.events)) for x in report.evidence] == [("42 sheep", "heard: 42 sheep", 2)]
    assert [(c.kind, c.passed) for c in report.steps[0].checks] == [("citation", True), ("critic", True)]


async def test_a_number_from_nowhere_does_not_end_as_done(tmp_path: Path) -> None:
    invented = call("finish", result="There are 43 sheep.", claims=[claim("43", "c1", "heard: 42 sheep")])
    script = [call("echo", text="42 sheep"), *[invented] * 3, call("give_up", reason="I cannot count")]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("count the sheep")
    assert report.status == "failed"
    assert "43" in report.steps[0].checks[0].detail


async def test_a_quote_that_was_never_seen_fails_the_citation(tmp_path: Path) -> None:
    script = [
        call("echo", text="one"),
        call("finish", result="It says two.", claims=[claim("two", "c1", "heard: two")]),
        call("finish", result="It says one.", claims=[claim("one", "c1", "heard:   one")]),
    ]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("what does it say?")
    assert (report.status, report.answer, report.steps[0].attempts) == ("done", "It says one.", 2)


async def test_a_plan_is_done_in_order_and_its_checks_decide(tmp_path: Path) -> None:
    steps = [
        {"id": "one", "goal": "say A", "checks": [{"kind": "pattern", "pattern": "^A$"}]},
        {"id": "two", "goal": "say B", "needs": ["one"], "checks": [{"kind": "pattern", "pattern": "B"}]},
    ]
    script = [
        call("plan", steps=steps),
        call("finish", result="B first"),
        call("finish", result="A"),
        call("finish", result="B at last"),
    ]
    async with world(tmp_path, script) as w:
        report = await w.system.run("say A, then B")
        events = await kinds(w, report.pid)
    assert (report.status, report.answer) == ("done", "B at last")
    assert [(s.id, s.status, s.attempts) for s in report.steps] == [("one", "passed", 2), ("two", "passed", 1)]
    assert events.count("StepFailed") == 1


async def test_an_exhausted_step_is_replanned_and_passed_steps_stand(tmp_path: Path) -> None:
    first = {"id": "a", "goal": "say A", "checks": [{"kind": "pattern", "pattern": "A"}]}
    hard = {"id": "b", "goal": "say the impossible", "needs": ["a"], "checks": [{"kind": "pattern", "pattern": "X{9}"}]}
    easy = {"id": "c", "goal": "say C", "needs": ["a"], "checks": [{"kind": "pattern", "pattern": "C"}]}
    script = [
        call("plan", steps=[first, hard]),
        call("finish", result="A"),
        *[call("finish", result="no")] * 3,
        call("plan", steps=[first, easy], reason="b cannot be done"),
        call("finish", result="C"),
    ]
    async with world(tmp_path, script) as w:
        report = await w.system.run("say things")
    assert (report.status, report.answer) == ("done", "C")
    assert [(s.id, s.status) for s in report.steps] == [("a", "passed"), ("c", "passed")]


async def test_changing_a_passed_step_reopens_it_and_what_rests_on_it(tmp_path: Path) -> None:
    def plan(pattern: str) -> Any:
        checks = [{"kind": "pattern", "pattern": pattern}]
        steps = [
            {"id": "a", "goal": "say", "checks": checks},
            {"id": "x", "goal": "aside", "checks": [{"kind": "pattern", "pattern": "x"}]},
            {"id": "b", "goal": "end", "needs": ["a"]},
        ]
        return call("plan", steps=steps, reason="it was wrong")

    script = [
        plan("1"), call("finish", result="one"), call("finish", result="1"), call("finish", result="x"),
        plan("2"), call("finish", result="2"), call("finish", result="the end"),
    ]  # fmt: skip
    async with world(tmp_path, script) as w:
        report = await w.system.run("say 1, no, 2")
        plans = [x.event for x in await w.system.log(report.pid) if isinstance(x.event, e.PlanMade)]
    assert report.status == "done"
    assert plans[-1].reopened == ("a", "b"), "b had begun, on what a was"
    assert [s.status for s in report.steps] == ["passed"] * 3


async def test_a_critic_that_says_no_keeps_the_goal_open(tmp_path: Path) -> None:
    verdicts = [
        call("verdict", outcome="failed", reason="it is not a haiku"),
        call("verdict", outcome="passed", reason="now it is"),
    ]
    script = [call("finish", result="roses are red"), call("finish", result="古池や")]
    async with world(tmp_path, script, critic=ScriptedModel(verdicts)) as w:
        report = await w.system.run("write a haiku")
    assert (report.status, report.answer, report.steps[0].attempts) == ("done", "古池や", 2)


async def test_what_no_check_could_decide_ends_unverified(tmp_path: Path) -> None:
    async with world(tmp_path, [call("finish", result="roses")], critic=ScriptedModel([say("I like it")])) as w:
        report = await w.system.run("write a poem")
    assert report.status == "unverified"
    assert "critic" in report.reason


async def test_what_could_not_be_decided_is_checked_again_on_resume(tmp_path: Path) -> None:
    verdicts = [fail("unreachable", "nobody there"), call("verdict", outcome="passed", reason="a poem")]
    async with world(tmp_path, [call("finish", result="roses")], critic=ScriptedModel(verdicts)) as w:
        report = await w.system.run("write a poem")
        assert report.status == "unverified"
        await w.system.signal(report.pid, "resume")
        again = await w.system.wait(report.pid)
    assert (again.status, again.answer, len(w.model.requests)) == ("done", "roses", 1)


async def test_prose_is_pushed_back_and_then_taken_for_the_result(tmp_path: Path) -> None:
    async with world(tmp_path, [say("hello"), say("hello again"), say("roses are red")]) as w:
        report = await w.system.run("write a poem")
        said = [x.event.rule for x in await w.system.log(report.pid) if isinstance(x.event, e.KernelSpoke)]
    assert (report.status, report.answer, said) == ("done", "roses are red", ["prose", "prose"])


async def test_empty_replies_end_the_process_with_a_way_out(tmp_path: Path) -> None:
    async with world(tmp_path, [say("")] * 4) as w:
        report = await w.system.run("anything")
    assert report.status == "failed"
    assert "-m" in report.reason


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (calls(("echo", '{"text": ')), "not valid JSON"),
        (call("teleport", to="moon"), "there is no function 'teleport'"),
        (call("echo", text=5), "text: 5 is not of type 'string'"),
        (call("echo", text="a", loud=True), "'loud' was unexpected"),
        (call("plan", steps=[{"id": "a", "goal": "g", "needs": ["z"]}]), "needs 'z', which is not an earlier step"),
        (call("plan", steps=[{"id": "a", "goal": "g", "checks": [{"kind": "magic"}]}]), "'magic'"),
        (call("finish", result="  "), "the result is empty"),
        (call("finish", result="x" * 20_001), "at most 20000"),
    ],
)
async def test_a_wrong_call_is_answered_with_what_is_wrong(tmp_path: Path, bad: Any, told: str) -> None:
    script = [bad, call("echo", text="a"), call("finish", result="a", claims=[claim("a", "c3", "heard: a")])]
    finish = script[-1]
    script[-1] = call("finish", result="a", claims=[claim("a", "c2", "heard: a")])
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("say a")
        answered = w.model.requests[1].messages[-1]
    assert finish is not None
    assert answered.role == "tool"
    assert told in answered.content
    assert report.status == "done"


async def test_calls_that_are_never_right_are_refused_a_bounded_number_of_times(tmp_path: Path) -> None:
    async with world(tmp_path, ScriptedModel(lambda _: call("teleport", to="moon"))) as w:
        report = await w.system.run("go to the moon")
        refusals = (await kinds(w, report.pid)).count("CallRefused")
    assert report.status == "failed"
    assert refusals <= 10


async def test_a_model_that_repeats_itself_is_stopped(tmp_path: Path) -> None:
    echo = Echo()
    async with world(tmp_path, ScriptedModel(lambda _: call("echo", text="again")), tools=[echo]) as w:
        report = await w.system.run("say something new")
    assert report.status == "failed"
    assert echo.ran <= 20


async def test_pure_calls_of_one_reply_run_together_and_answer_in_order(tmp_path: Path) -> None:
    script = [
        calls(("echo", {"text": "a"}), ("echo", {"text": "b"}), ("echo", {"text": "c"})),
        call("finish", result="b", claims=[claim("b", "c2", "heard: b")]),
    ]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("say abc")
        results = [m.content for m in w.model.requests[1].messages if m.role == "tool"]
    assert report.status == "done"
    assert results == ["[c1] heard: a", "[c2] heard: b", "[c3] heard: c"]


async def test_each_prompt_begins_with_the_one_before(tmp_path: Path) -> None:
    script = [call("echo", text=str(i)) for i in range(5)] + [call("give_up", reason="enough")]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        await w.system.run("count")
        prompts = [r.messages for r in w.model.requests]
    for before, after in itertools.pairwise(prompts):
        assert after[: len(before)] == before


async def test_a_question_parks_the_process_until_it_is_answered(tmp_path: Path) -> None:
    script = [call("ask", question="Which year?", options=["2024", "2025"]), call("finish", result="So it is 2025.")]
    async with world(tmp_path, script) as w:
        report = await w.system.run("find it")
        assert (report.status, report.question, report.options) == ("waiting", "Which year?", ("2024", "2025"))
        await w.system.hub.until_parked(report.pid, lambda: w.system.machine.live == 0)
        await w.system.answer(report.pid, "2025")
        done = await w.system.wait(report.pid)
    assert done.status == "done"
    assert "2025" in w.model.requests[1].messages[-1].content


async def test_what_cannot_be_taken_back_needs_a_yes(tmp_path: Path) -> None:
    sent: list[str] = []
    script = [
        call("letter", text="I quit"),
        call("finish", result="sent", claims=[claim("sent", "c1", "sent: I quit")]),
    ]
    async with world(tmp_path, script, tools=[Letter(sent)]) as w:
        report = await w.system.run("send a letter")
        assert (report.status, report.question_kind, sent) == ("waiting", "approval", [])
        with pytest.raises(ConflictError):
            await w.system.signal(report.pid, "resume")
        await w.system.approve(report.pid, True)
        assert (await w.system.wait(report.pid)).status == "done"
    assert sent == ["I quit"]


async def test_a_no_reaches_the_model_and_nothing_is_sent(tmp_path: Path) -> None:
    sent: list[str] = []
    script = [call("letter", text="I quit"), call("give_up", reason="I was not allowed to")]
    async with world(tmp_path, script, tools=[Letter(sent)]) as w:
        report = await w.system.run("send a letter")
        await w.system.approve(report.pid, False)
        assert (await w.system.wait(report.pid)).status == "failed"
    assert sent == []
    assert "the person said no" in w.model.requests[1].messages[-1].content


async def test_a_failing_model_ends_the_process_and_resume_goes_on(tmp_path: Path) -> None:
    script = [call("echo", text="a"), fail("denied", "the key was refused"), call("give_up", reason="enough")]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("say a")
        assert (report.status, "the key was refused" in report.reason) == ("failed", True)
        await w.system.signal(report.pid, "resume")
        again = await w.system.wait(report.pid)
    assert again.reason == "enough"
    assert [m.content for m in w.model.requests[-1].messages if m.role == "tool"] == ["[c1] heard: a"]


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (Limits(model_calls=2), "2 model calls"),
        (Limits(tool_calls=2), "2 tool calls"),
        (Limits(tokens=12_000), "12000 tokens"),
    ],
)
async def test_a_limit_stops_a_runaway_and_says_which(tmp_path: Path, limits: Limits, named: str) -> None:
    count = iter(range(1_000))
    model = ScriptedModel(lambda _: call("echo", text=str(next(count))))
    async with world(tmp_path, model, tools=[Echo()]) as w:
        report = await w.system.run("count for ever", limits=limits)
    assert report.status == "refused"
    assert named in report.reason
    assert report.cost.model_calls <= (limits.model_calls or 99)
    assert report.cost.tool_calls <= (limits.tool_calls or 99)
    assert report.cost.prompt_tokens + report.cost.completion_tokens <= (limits.tokens or 1e9)


async def test_money_is_reserved_before_it_is_spent(tmp_path: Path) -> None:
    model = ScriptedModel(lambda _: call("echo", text="x" * 400), usd_per_million=1.0)
    async with world(tmp_path, model, tools=[Echo()]) as w:
        report = await w.system.run("spend", limits=Limits(usd=0.01))
        resumed = await w.system.report(report.pid)
    assert report.status == "refused"
    assert "dollars" in report.reason
    assert resumed.cost.usd <= 0.01


async def test_a_call_is_stopped_when_the_time_is_over(tmp_path: Path) -> None:
    script = [call("echo", text="a"), pause(anyio.Event()), call("give_up", reason="never")]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        with anyio.fail_after(10):
            report = await w.system.run("think for ever", limits=Limits(seconds=0.3))
    assert report.status == "refused"
    assert "0.3 seconds" in report.reason
    assert w.model.cancelled == 1


async def test_a_higher_limit_lets_a_refused_process_go_on(tmp_path: Path) -> None:
    script = [call("echo", text="a"), call("give_up", reason="enough")]
    async with world(tmp_path, script, tools=[Echo()]) as w:
        report = await w.system.run("say a", limits=Limits(model_calls=1))
        assert report.status == "refused"
        await w.system.adjust(report.pid, limits=Limits(model_calls=5))
        await w.system.signal(report.pid, "resume")
        assert (await w.system.wait(report.pid)).reason == "enough"


async def test_children_work_beside_and_their_answers_are_waited_for(tmp_path: Path) -> None:
    def answer(request: Any) -> Any:
        goal = request.messages[1].content
        if "half" in goal:
            return call("finish", result="the left half is green" if "left" in goal else "the right half is red")
        mine = len([m for m in request.messages if m.role == "assistant"])
        steps = [
            calls(("spawn", {"goal": "the left half"}), ("spawn", {"goal": "the right half"})),
            call("wait"),
            call("finish", result="green and red", claims=[claim("green", "c3", "the left half is green")]),
        ]
        return steps[mine]

    async with world(tmp_path, ScriptedModel(answer)) as w:
        report = await w.system.run("describe the picture")
        rows = await w.system.processes(live_only=False)
    assert (report.status, report.children) == ("done", (2, 3))
    assert [(r.parent, r.root, r.status) for r in rows] == [(None, 1, "done"), (1, 1, "done"), (1, 1, "done")]
    assert isinstance(rows[0].usage, Usage)


async def test_a_limit_counts_for_the_whole_tree(tmp_path: Path) -> None:
    def answer(request: Any) -> Any:
        if "busy" in request.messages[1].content:
            return call("echo", text=str(len(request.messages)))
        turn = len([m for m in request.messages if m.role == "assistant"])
        return call("spawn", goal=f"be busy {turn}") if turn < 3 else call("wait")

    async with world(tmp_path, ScriptedModel(answer), tools=[Echo()]) as w:
        report = await w.system.run("run away", limits=Limits(model_calls=20))
        rows = await w.system.processes(live_only=False)
    assert report.status == "refused"
    assert sum(r.usage.model_calls for r in rows) <= 20


async def test_chinese_goals_names_and_notes_pass_through_whole(tmp_path: Path) -> None:
    source = tmp_path / "销售 数据.csv"
    source.write_text("地区,销售额\n华南,3\n", encoding="utf-8")
    script = [
        call("note", text="华南最高"),
        call("finish", result="华南最高", claims=[claim("华南", "c1", "noted: 华南最高")]),
    ]
    async with world(tmp_path / "home", script, tools=[Note()]) as w:
        report = await w.system.run("哪个地区最高？", files=[source])
        first = w.model.requests[0].messages[1].content
    assert (report.status, report.answer) == ("done", "华南最高")
    assert "哪个地区最高？" in first
    assert "销售 数据.csv" in first
    assert Path(report.files[0]).read_text("utf-8") == "华南最高\n"


async def test_the_limit_of_a_suspended_parent_holds_for_its_child_after_a_restart(tmp_path: Path) -> None:
    store, reached = RamStore(), anyio.Event()

    async def before(request: Any) -> Any:
        if "busy" in request.messages[1].content:
            reached.set()
            await anyio.Event().wait()
        return call("wait") if len(request.messages) > 2 else call("spawn", goal="be busy")

    async with world(tmp_path, ScriptedModel(before), tools=[Echo()], store=store) as w:
        pid = await w.system.start(RunRequest("have it done", limits=Limits(model_calls=8)))
        with anyio.fail_after(5):
            await reached.wait()
            await w.system.signal(pid, "suspend")
    count = iter(range(1_000))
    after = ScriptedModel(lambda _: call("echo", text=str(next(count))))
    async with world(tmp_path, after, tools=[Echo()], store=store.reopen()) as w:
        with anyio.fail_after(10):
            child = await w.system.wait(2)
        rows = await w.system.processes(live_only=False)
    assert (child.status, "8 model calls" in child.reason) == ("refused", True)
    assert sum(r.usage.model_calls for r in rows) <= 8
