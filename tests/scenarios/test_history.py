"""Kill, suspend, resume, fork, undo, and going on after the runtime has gone away in the middle."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec import structs

from glmos.abi import events as e
from glmos.abi.errors import ConflictError, NotFoundError, RefusedError
from glmos.journal.stores.ram import RamStore
from glmos.kernel.fold import fold_all
from glmos.testing.models import ScriptedModel, call, calls, pause
from glmos.testing.world import World, world
from tests.scenarios.notebook import Booking, Echo, Letter, Note

pytestmark = pytest.mark.anyio


def claim(name: str, quote: str) -> list[dict[str, str]]:
    return [{"claim": quote, "call": name, "quote": quote}]


def notes(w: World, pid: int) -> str:
    path = w.system.machine.parts.workspaces.path(pid) / "notes.txt"
    return path.read_text("utf-8") if path.exists() else ""


TWO_STEPS = call(
    "plan",
    steps=[
        {"id": "one", "goal": "note A", "checks": [{"kind": "command", "command": "grep -q A notes.txt"}]},
        {
            "id": "two",
            "goal": "note B",
            "needs": ["one"],
            "checks": [{"kind": "command", "command": "grep -q B notes.txt"}],
        },
    ],
)


def two_steps() -> list[Any]:
    return [
        TWO_STEPS,
        call("note", text="A"),
        call("finish", result="A is noted", claims=claim("c2", "noted: A")),
        call("note", text="B"),
        call("finish", result="B is noted", claims=claim("c4", "noted: B")),
    ]


# -- signals ----------------------------------------------------------------------------------------------------------


async def test_kill_stops_a_model_call_and_ends_killed(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    async with world(tmp_path, [pause(gate, reached), call("echo", text="never")], tools=[Echo()]) as w:
        async with anyio.create_task_group() as tasks:
            pid = await w.system.start(_request("think for ever"))
            tasks.start_soon(_after, reached, lambda: w.system.signal(pid, "kill"))
            report = await w.system.wait(pid)
        assert (report.status, w.model.cancelled) == ("killed", 1)
        with pytest.raises(ConflictError, match="already ended"):
            await w.system.signal(pid, "kill")


async def test_kill_takes_the_children_along(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()

    async def answer(request: Any) -> Any:
        if "dig" in request.messages[1].content:
            reached.set()
            await gate.wait()
        return call("wait") if len(request.messages) > 2 else call("spawn", goal="dig a hole")

    async with world(tmp_path, ScriptedModel(answer)) as w:
        pid = await w.system.start(_request("have a hole dug"))
        with anyio.fail_after(5):
            await reached.wait()
            await w.system.signal(pid, "kill")
        rows = await w.system.processes(live_only=False)
    assert [r.status for r in rows] == ["killed", "killed"]


async def test_suspend_holds_and_resume_goes_on(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()
    script = [pause(gate, reached), call("echo", text="a"), call("finish", result="a", claims=claim("c1", "heard: a"))]
    echo = Echo()
    async with world(tmp_path, script, tools=[echo]) as w:
        pid = await w.system.start(_request("say a"))
        with anyio.fail_after(5):
            await reached.wait()
            await w.system.signal(pid, "suspend")
            gate.set()
            assert (await w.system.wait(pid)).status == "suspended"
            await w.system.hub.until_parked(pid, lambda: w.system.machine.live == 0)
        assert echo.ran == 0
        await w.system.signal(pid, "resume")
        assert (await w.system.wait(pid)).status == "done"


async def test_signals_to_nobody_say_so(tmp_path: Path) -> None:
    async with world(tmp_path, []) as w:
        with pytest.raises(NotFoundError, match="no process 7"):
            await w.system.signal(7, "kill")


# -- after a crash ----------------------------------------------------------------------------------------------------


async def test_a_reversible_call_that_was_under_way_is_taken_back(tmp_path: Path) -> None:
    store, reached = RamStore(), anyio.Event()
    note = Note(reached, anyio.Event())
    async with world(tmp_path, [call("note", text="half")], tools=[note], store=store) as w:
        pid = await w.system.start(_request("note something"))
        with anyio.fail_after(5):
            await reached.wait()
        assert notes(w, pid) == "half\n"
    script = [call("note", text="whole"), call("finish", result="whole", claims=claim("c2", "noted: whole"))]
    async with world(tmp_path, script, tools=[Note()], store=store.reopen()) as w:
        report = await w.system.wait(pid)
        assert (report.status, notes(w, pid)) == ("done", "whole\n")
        told = [m.content for m in w.model.requests[0].messages if m.role == "tool"]
    assert "taken back" in told[-1]


async def test_a_call_may_be_interrupted_any_number_of_times_and_made_again(tmp_path: Path) -> None:
    """The rule against equal calls is about a model that goes round in circles, not about a machine that restarts."""
    store, reached = RamStore(), anyio.Event()
    async with world(tmp_path, [call("note", text="a")], tools=[Note(reached, anyio.Event())], store=store) as w:
        pid = await w.system.start(_request("note a"))
        with anyio.fail_after(5):
            await reached.wait()
    for _ in range(5):
        store, reached = store.reopen(), anyio.Event()
        async with world(tmp_path, [call("note", text="a")], tools=[Note(reached, anyio.Event())], store=store) as w:
            with anyio.fail_after(5):
                await reached.wait()
    script = [call("note", text="a"), call("finish", result="a", claims=claim("c7", "noted: a"))]
    async with world(tmp_path, script, tools=[Note()], store=store.reopen()) as w:
        with anyio.fail_after(5):
            report = await w.system.wait(pid)
        assert (report.status, notes(w, pid)) == ("done", "a\n")


@pytest.mark.parametrize("happened", [True, False])
async def test_an_irreversible_call_under_way_is_probed_not_repeated(tmp_path: Path, happened: bool) -> None:
    store, sent = RamStore(), list[str]()
    letter = Letter(sent, can_probe=True, gate=anyio.Event())
    async with world(tmp_path, [call("letter", text="hello")], tools=[letter], store=store) as w:
        pid = await w.system.start(_request("send hello", approve_all=True))
        with anyio.fail_after(5):
            await letter.reached.wait()
    if not happened:
        sent.clear()
    quote = "it took effect" if happened else "sent: hello"
    script = [call("finish", result="hello is sent", claims=claim("c1", quote))]
    async with world(tmp_path, script, tools=[Letter(sent, can_probe=True)], store=store.reopen()) as w:
        report = await w.system.wait(pid)
    assert sent == ["hello"]
    assert report.status == "done"


@pytest.mark.parametrize(("answer", "times"), [(True, 1), (False, 2)])
async def test_without_a_probe_a_person_says_whether_it_happened(tmp_path: Path, answer: bool, times: int) -> None:
    store, sent = RamStore(), list[str]()
    letter = Letter(sent, gate=anyio.Event())
    async with world(tmp_path, [call("letter", text="hello")], tools=[letter], store=store) as w:
        pid = await w.system.start(_request("send hello", approve_all=True))
        with anyio.fail_after(5):
            await letter.reached.wait()
    finish = call("finish", result="sent", claims=[] if answer else claim("c1", "sent: hello"))
    async with world(tmp_path, [finish], tools=[Letter(sent)], store=store.reopen()) as w:
        report = await w.system.wait(pid)
        assert (report.status, report.question_kind) == ("waiting", "unknown_effect")
        await w.system.approve(pid, answer)
        assert (await w.system.wait(pid)).status == "done"
    assert sent == ["hello"] * times


@pytest.mark.parametrize("way", ["fork", "kill and resume"])
async def test_a_question_about_an_interrupted_call_that_fell_away_is_asked_again(tmp_path: Path, way: str) -> None:
    store, sent = RamStore(), list[str]()
    letter = Letter(sent, gate=anyio.Event())
    async with world(tmp_path, [call("letter", text="hello")], tools=[letter], store=store) as w:
        pid = await w.system.start(_request("send hello", approve_all=True))
        with anyio.fail_after(5):
            await letter.reached.wait()
    script = [call("finish", result="sent", claims=[])]
    async with world(tmp_path, script, tools=[Letter(sent)], store=store.reopen()) as w:
        with anyio.fail_after(5):
            assert (await w.system.wait(pid)).question_kind == "unknown_effect"
            if way == "fork":
                pid = await w.system.fork(pid)
            else:
                await w.system.signal(pid, "kill")
                await w.system.signal(pid, "resume")
            report = await w.system.wait(pid)
            assert (report.status, report.question_kind) == ("waiting", "unknown_effect")
            await w.system.approve(pid, True)
            assert (await w.system.wait(pid)).status == "done"
    assert sent == ["hello"]


async def test_a_pure_call_under_way_is_simply_made_again(tmp_path: Path) -> None:
    store, gate, reached = RamStore(), anyio.Event(), anyio.Event()

    class Slow(Echo):
        async def run(self, call: Any, context: Any) -> Any:
            reached.set()
            await gate.wait()
            return await super().run(call, context)

    async with world(tmp_path, [call("echo", text="a")], tools=[Slow()], store=store) as w:
        pid = await w.system.start(_request("say a"))
        with anyio.fail_after(5):
            await reached.wait()
    script = [call("finish", result="a", claims=claim("c1", "heard: a"))]
    async with world(tmp_path, script, tools=[Echo()], store=store.reopen()) as w:
        assert (await w.system.wait(pid)).status == "done"


@pytest.mark.parametrize("at", range(1, 44))
async def test_a_crash_after_any_event_changes_nothing_but_time(tmp_path: Path, at: int) -> None:
    """The log is cut after each event in turn, as by a crash; the process goes on to the same end, nothing doubled."""
    async with world(tmp_path / "whole", two_steps(), tools=[Note()]) as w:
        whole = await w.system.run("note A, then B")
        entries = await w.system.log(whole.pid)
    assert whole.status == "done"
    if at >= len(entries) or entries[at - 1].at == entries[at].at:
        return  # the end, or the middle of a batch, which is on disk as a whole or not at all
    store = RamStore()
    model = ScriptedModel(_by_need)
    async with world(tmp_path / "cut", model, tools=[Note()], store=store) as w:
        pid = await store.new_pid()
        await w.system.machine.parts.workspaces.create(pid, ())
        path = w.system.machine.parts.workspaces.path(pid)
        done = {x.event.call for x in entries[:at] if isinstance(x.event, e.ToolFinished)}
        begun = [x.event for x in entries[:at] if isinstance(x.event, e.ToolIntended)]
        snapshots: dict[str, str] = {}
        events: list[e.Event] = []
        for entry in entries[:at]:
            event = entry.event
            if isinstance(event, e.ToolIntended):
                snapshots[event.call] = await w.system.machine.parts.workspaces.save(pid)
                event = structs.replace(event, snapshot=snapshots[event.call])
                with (path / "notes.txt").open("a") as file:  # the effect of the call, whether or not it had a receipt
                    file.write(event.arguments["text"] + "\n")
            if isinstance(event, e.CheckStarted) and event.snapshot:
                event = structs.replace(event, snapshot=await w.system.machine.parts.workspaces.save(pid))
            events.append(event)
        await store.append(pid, 0, events, at=1.0)
        await w.system.machine.submit(pid, lambda _: ())
        with anyio.fail_after(10):
            report = await w.system.wait(pid)
        final = (path / "notes.txt").read_text()
    assert len(begun) - len(done) in (0, 1)
    assert (report.status, final) == ("done", "A\nB\n")


def _by_need(request: Any) -> Any:
    """A model that looks at what it has seen and does the next thing needed."""
    text = "\n".join(m.content for m in request.messages)
    observed = [m.content for m in request.messages if m.role == "tool"]
    if "Now step" not in text and not any("The plan stands" in x for x in observed):
        return TWO_STEPS
    for letter, step in (("A", "one"), ("B", "two")):
        seen = next((x for x in observed if f"noted: {letter}" in x), None)
        if f"Step {step!r} was checked" in text:
            continue
        if seen is None:
            return call("note", text=letter)
        return call("finish", result=f"{letter} is noted", claims=claim(seen[1:].split("]")[0], f"noted: {letter}"))
    return call("give_up", reason="nothing is left to do")


# -- undo -------------------------------------------------------------------------------------------------------------


async def test_undo_puts_the_files_back_to_the_beginning_of_a_step(tmp_path: Path) -> None:
    again = [call("note", text="B2 B"), call("finish", result="B", claims=claim("c6", "noted: B2 B"))]
    async with world(tmp_path, [*two_steps(), *again], tools=[Note()]) as w:
        report = await w.system.run("note A, then B")
        assert notes(w, report.pid) == "A\nB\n"
        undone = await w.system.undo(report.pid)
        assert (undone.step, undone.restored, undone.left) == ("two", True, ())
        assert notes(w, report.pid) == "A\n"
        after = await w.system.report(report.pid)
        assert (after.status, [s.status for s in after.steps]) == ("suspended", ["passed", "waiting"])
        await w.system.signal(report.pid, "resume")
        final = await w.system.wait(report.pid)
        assert (final.status, notes(w, report.pid)) == ("done", "A\nB2 B\n")


async def test_undo_to_the_first_step_takes_everything_back(tmp_path: Path) -> None:
    async with world(tmp_path, two_steps(), tools=[Note()]) as w:
        report = await w.system.run("note A, then B")
        await w.system.undo(report.pid, "one")
        assert notes(w, report.pid) == ""
        after = await w.system.report(report.pid)
    assert [s.status for s in after.steps] == ["waiting", "waiting"]


async def test_undo_compensates_latest_first_and_lists_what_stays(tmp_path: Path) -> None:
    booked, sent = list[str](), list[str]()
    script = [
        call("booking", action="book", text="hotel"),
        call("booking", action="book", text="train"),
        call("letter", text="we come"),
        call("finish", result="booked", claims=claim("c1", "booked: hotel")),
    ]
    async with world(tmp_path, script, tools=[Booking(booked), Letter(sent)]) as w:
        report = await w.system.wait(await w.system.start(_request("book a journey", approve_all=True)))
        assert (report.status, booked) == ("done", ["hotel", "train"])
        undone = await w.system.undo(report.pid)
    assert booked == []
    assert undone.compensated == ("c2", "c1")
    assert undone.left == ("c3: letter.run cannot be taken back",)


async def test_a_compensation_that_fails_is_listed(tmp_path: Path) -> None:
    booked = list[str]()
    script = [
        call("booking", action="book", text="hotel"),
        call("finish", result="b", claims=claim("c1", "booked: hotel")),
    ]
    async with world(tmp_path, script, tools=[Booking(booked, stubborn=True)]) as w:
        report = await w.system.run("book")
        undone = await w.system.undo(report.pid)
    assert "the hotel does not answer" in undone.left[0]


async def test_undo_refuses_what_it_cannot_do_and_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, two_steps(), tools=[Note()]) as w:
        report = await w.system.run("note A, then B")
        with pytest.raises(NotFoundError, match="one, two"):
            await w.system.undo(report.pid, "three")
        assert (await w.system.report(report.pid)).status == "done"


async def test_undo_in_the_middle_of_a_call_stops_it_first(tmp_path: Path) -> None:
    reached = anyio.Event()
    note = Note(reached, anyio.Event())
    async with world(tmp_path, [call("note", text="half")], tools=[note]) as w:
        pid = await w.system.start(_request("note"))
        with anyio.fail_after(5):
            await reached.wait()
            await w.system.undo(pid)
        assert notes(w, pid) == ""
        assert (await w.system.report(pid)).status == "suspended"


# -- fork -------------------------------------------------------------------------------------------------------------


async def test_a_fork_goes_its_own_way_with_the_files_of_its_moment(tmp_path: Path) -> None:
    other = [call("note", text="C B"), call("finish", result="C", claims=claim("c4", "noted: C B"))]
    async with world(tmp_path, [*two_steps(), *other], tools=[Note()]) as w:
        report = await w.system.run("note A, then B")
        entries = await w.system.log(report.pid)
        at = next(x.seq for x in entries if isinstance(x.event, e.StepPassed))
        forked = await w.system.fork(report.pid, at)
        result = await w.system.wait(forked)
        assert (result.status, result.answer) == ("done", "C")
        assert notes(w, report.pid) == "A\nB\n"
        assert notes(w, forked) == "A\nC B\n"
        await w.system.undo(forked, "two")
        assert notes(w, forked) == "A\n"
        assert notes(w, report.pid) == "A\nB\n"
        with pytest.raises(RefusedError, match="events 1 to"):
            await w.system.fork(report.pid, 10_000)


async def test_a_fork_has_nothing_that_was_taken_back_before_it(tmp_path: Path) -> None:
    gate, reached = anyio.Event(), anyio.Event()

    class Slow(Note):
        async def run(self, call: Any, context: Any) -> Any:
            if call.arguments["text"] == "乙":
                reached.set()
                await gate.wait()
            return await super().run(call, context)

    tired = call("give_up", reason="for now")
    async with world(tmp_path, [call("note", text="甲"), call("note", text="乙"), tired, tired], tools=[Slow()]) as w:
        pid = await w.system.start(_request("note 甲, then 乙"))
        await _after(reached, lambda: w.system.undo(pid))  # 乙 is cut off, and taken back with 甲
        gate.set()
        undone = await w.system.log(pid)
        begun = next(x.seq for x in undone if isinstance(x.event, e.UndoStarted))
        left: list[str] = []
        for at in (begun, len(undone)):
            forked = await w.system.fork(pid, at)
            assert (await w.system.wait(forked)).status == "failed"
            left.append(notes(w, forked))
        assert left == ["甲\n", ""], "an undo that has only begun is none, but what it cut off is cut off"


# -- the state is the log ---------------------------------------------------------------------------------------------


async def test_folding_the_log_again_gives_the_same_state(tmp_path: Path) -> None:
    async with world(tmp_path, two_steps(), tools=[Note()]) as w:
        report = await w.system.run("note A, then B")
        live = await w.system.machine.state(report.pid)
        assert fold_all(await w.system.log(report.pid)) == live


async def test_a_changed_source_reopens_what_was_made_from_it(tmp_path: Path) -> None:
    source = tmp_path / "数据.txt"
    source.write_text("one")
    script = [*two_steps()[:3], calls(("give_up", {"reason": "not now"}))]
    again = [
        call("note", text="A again"), call("finish", result="A", claims=claim("c5", "noted: A again")),
        call("note", text="B"), call("finish", result="B", claims=claim("c7", "noted: B")),
    ]  # fmt: skip
    async with world(tmp_path / "home", [*script, *again], tools=[Note()]) as w:
        report = await w.system.run("note", files=[source])
        assert report.steps[0].status == "passed"
        source.write_text("two")
        await w.system.signal(report.pid, "resume")
        final = await w.system.wait(report.pid)
        workspace = w.system.machine.parts.workspaces.path(report.pid)
        assert (workspace / "数据.txt").read_text() == "two"
    assert final.status == "done"


def _request(goal: str, *, approve_all: bool = False) -> Any:
    from glmos.abi.api import RunRequest

    return RunRequest(goal, approve_all=approve_all)


async def _after(event: anyio.Event, act: Callable[[], Awaitable[None]]) -> None:
    with anyio.fail_after(5):
        await event.wait()
    await act()


async def test_following_ends_even_if_the_journal_is_ahead_of_memory(tmp_path: Path) -> None:
    class Late(RamStore):
        """Readers see an entry some time before the writer hears that it was written."""

        async def append(self, *args: Any, **kwargs: Any) -> int:
            seq = await super().append(*args, **kwargs)
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            return seq

    async with world(tmp_path, [call("give_up", reason="no")], store=Late()) as w:
        pid = await w.system.start(_request("hopeless"))
        with anyio.fail_after(5):
            async with w.system.follow(pid) as signs:
                seen = [x async for x in signs]
    assert getattr(seen[-1], "status", "") == "failed"


async def test_a_fork_at_an_answer_has_what_the_answer_says(tmp_path: Path) -> None:
    script = [*two_steps(), *two_steps()[1:], *two_steps()[3:]]
    async with world(tmp_path, script, tools=[Note()]) as w:
        report = await w.system.run("note A, then B")
        entries = await w.system.log(report.pid)
        answers = [x.seq for x in entries if isinstance(x.event, e.CallAnswered)][:2]
        for at, kind in zip(answers, (e.PlanMade, e.StepSubmitted), strict=True):
            forked = await w.system.fork(report.pid, at)
            assert (await w.system.wait(forked)).status == "done"
            log = await w.system.log(forked)
            assert isinstance(log[at].event, kind)
            assert isinstance(log[at + 1].event, e.ProcessForked)
            state = fold_all(log)
            assert [(s.id, state.steps[s.id].status) for s in state.plan] == [("one", "passed"), ("two", "passed")]


async def test_a_fork_has_none_of_the_files_that_came_after_its_moment(tmp_path: Path) -> None:
    """From a child that ended later, from a source that the person changed later, and back by an undo later."""
    source = tmp_path / "表.csv"
    source.write_text("old")

    def by_need(request: Any) -> Any:
        goal, *rest = (m.content for m in request.messages[1:])
        told = "\n".join(rest)
        if "note something" in goal:
            done = claim("c1", "noted: 甲")
            return call("finish", result="noted", claims=done) if "noted: 甲" in told else call("note", text="甲")
        if "was started" not in told:
            return call("spawn", goal="note something")
        if "Child 17 ended" not in told and "Child 2 ended" not in told:
            return call("wait")
        return call("finish", result="the child has ended", claims=[])

    def files(w: World, pid: int) -> set[str]:
        folder = w.system.machine.parts.workspaces.path(pid)
        return {f"{x.relative_to(folder)}: {x.read_text()}" for x in folder.rglob("*") if x.is_file()}

    async with world(tmp_path, ScriptedModel(by_need), tools=[Note()]) as w:
        with anyio.fail_after(20):
            report = await w.system.run("have something noted", files=[source])
            assert report.status == "done", report
            source.write_text("new")
            await w.system.signal(report.pid, "resume")
            await w.system.wait(report.pid)
            await w.system.undo(report.pid)
            entries = await w.system.log(report.pid)
            first = {type(x.event): x.seq for x in reversed(entries)}
            at = [first[kind] - 1 for kind in (e.ChildExited, e.SourceChanged, e.UndoStarted)]
            forks = [await w.system.fork(report.pid, x) for x in at]
            child = report.children[0]
            brought = f"children/{child}/notes.txt: 甲\n"
            assert [files(w, x) for x in forks] == [
                {"表.csv: old"},
                {"表.csv: old", brought},
                {"表.csv: new", brought},
            ]


async def test_a_fork_of_a_running_process_has_the_files_that_its_log_says(tmp_path: Path) -> None:
    def note_on(request: Any) -> Any:
        noted = [m.content for m in request.messages if "noted: " in m.content]
        return call("note", text=f"{len(noted)}") if len(noted) < 30 else call("give_up", reason="enough")

    async with world(tmp_path, ScriptedModel(note_on), tools=[Note()], settings={"limits.max_turns": 100}) as w:
        with anyio.fail_after(30):
            pid = await w.system.start(_request("note on and on"))
            forks: list[int] = []
            while (await w.system.report(pid)).status != "failed":
                at = len(await w.system.log(pid))
                forks.append(await w.system.fork(pid, at))
                await w.system.signal(forks[-1], "suspend")
            for forked in forks:
                entries = await w.system.log(forked)
                there = next(x.seq for x in entries if isinstance(x.event, e.ProcessForked))
                begun = [
                    x.event for x in entries if isinstance(x.event, e.StepStarted | e.ToolIntended) and x.seq > there
                ]
                finished = sum(isinstance(x.event, e.ToolFinished) for x in entries[:there])
                saved = begun[0].snapshot if begun else ""
                await w.system.machine.quiesce(forked)
                if saved:
                    await w.system.machine.parts.workspaces.restore(forked, saved)
                assert len(notes(w, forked).splitlines()) == finished, (entries[there - 1], begun)
    assert forks
