"""The picture of a running process: right, and never wider than the window."""

from glmos.abi import events as e
from glmos.abi.api import Progress
from glmos.abi.budgets import Usage
from glmos.abi.messages import ModelReply
from glmos.abi.plans import Step
from glmos.abi.tools import Output
from glmos.cli.picture import Picture
from glmos.cli.text import width


def told(picture: Picture, *events: e.Event) -> list[str]:
    notes: list[str] = []
    for seq, event in enumerate(events, picture.seq + 1):
        notes += [note.text for note in picture.apply(e.Entry(1, seq, 0.0, event))]
    return notes


PLAN = e.PlanMade(1, (Step("s1", "读取表格" * 30), Step("s2", "sum")))


def test_phase_step_tool_tokens_and_cost_are_shown() -> None:
    picture = Picture()
    usage = Usage(prompt_tokens=12_000, completion_tokens=345, usd=0.0021, model_calls=1)
    told(picture, PLAN, e.ModelReplied(1, ModelReply(usage=usage)), e.StepStarted("s2", 1))
    told(picture, e.ToolIntended("c1", "tables", "query", {}, "pure", "s2"))
    first, second = picture.draw(elapsed=14.2, columns=80)
    assert first[2:] == "working · step 2/2 · tables.query · 12.3k tokens · $0.0021 · 14 s"
    assert second == "  sum"


def test_it_fits_eighty_columns_and_thirty_with_wide_text() -> None:
    picture = Picture()
    told(picture, PLAN, e.StepStarted("s1", 1))
    for text in ("", "思考" * 200, "\x1b[2J\n" * 50):
        picture.apply(Progress(1, "delta", text=text))
        for columns in (30, 77, 80):
            assert all(width(part) <= columns for part in picture.draw(elapsed=3, columns=columns))
            assert not any("\x1b" in part or "\n" in part for part in picture.draw(elapsed=3, columns=columns))


def test_the_end_of_what_the_model_writes_is_in_sight() -> None:
    picture = Picture()
    picture.apply(Progress(1, "delta", text="word " * 100 + "the end"))
    assert picture.draw(elapsed=1, columns=40)[1].endswith("the end")


def test_lasting_lines_tell_the_model_the_plan_and_what_failed() -> None:
    picture = Picture()
    notes = told(
        picture, e.ModelCalled(1, model="nano"), e.ModelCalled(2, model="nano"), PLAN,
        e.CheckFinished("s1", 0, "query", "failed", "rows differ"), e.StepFailed("s1", 1, "no"),
        e.CheckFinished("s1", 0, "query", "passed"), e.StepPassed("s1"),
        e.ProcessExited("done", answer=Output("42")),
    )  # fmt: skip
    assert notes[0] == "model: nano"
    assert notes[1] == "plan 1: 2 steps"
    assert notes[4:] == ["✗ s1 query failed: rows differ", "✗ s1 attempt 1: no", "✓ s1 1 check passed"]


def test_only_the_model_is_essential_when_nobody_looks() -> None:
    picture = Picture()
    notes = picture.apply(e.Entry(1, 1, 0.0, e.ModelCalled(1, model="glm-5")))
    assert [note.essential for note in notes] == [True]
    assert not any(note.essential for note in picture.apply(e.Entry(1, 2, 0.0, PLAN)))
