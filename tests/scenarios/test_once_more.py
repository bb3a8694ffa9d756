"""A lasting call is written once more, word for word: the model is told that it was made, and may still mean it."""

from pathlib import Path

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import Report, RunRequest
from glmos.abi.messages import ModelReply
from glmos.testing.models import call, calls
from glmos.testing.world import World, world
from tests.scenarios.notebook import Booking, Echo, Letter

pytestmark = pytest.mark.anyio

SEND = call("letter", text="亲爱的王")
STOP = call("give_up", reason="enough")


async def run(w: World) -> Report:
    with anyio.fail_after(5):
        return await w.system.wait(await w.system.start(RunRequest("write to 王", approve_all=True)))


def told(w: World) -> list[str]:
    """What the model was refused, as it reads it."""
    return [m.content for m in w.model.requests[-1].messages if m.role == "tool" and "refused" in m.content]


async def test_a_letter_that_was_sent_is_not_sent_again_unasked(tmp_path: Path) -> None:
    sent: list[str] = []
    async with world(tmp_path, [SEND, call("echo", text="looks on"), SEND, STOP], tools=[Letter(sent), Echo()]) as w:
        report = await run(w)
        refused = [x.event for x in await w.system.log(report.pid) if isinstance(x.event, e.CallRefused)]
        assert told(w) == [
            "[c3] refused: c1 was this very call, and what it did stands. If it is to be done once more, make the call "
            "again; else go on"
        ]
    assert (sent, [x.repeats for x in refused], report.cost.tool_calls) == (["亲爱的王"], ["c1"], 2)


async def test_it_is_sent_again_when_the_model_means_it(tmp_path: Path) -> None:
    sent: list[str] = []
    async with world(tmp_path, [SEND, SEND, SEND, STOP], tools=[Letter(sent)]) as w:
        await run(w)
    assert sent == ["亲爱的王"] * 2


async def test_two_at_once_are_one_and_a_reminder(tmp_path: Path) -> None:
    sent: list[str] = []
    both = calls(("letter", {"text": "亲爱的王"}), ("letter", {"text": "亲爱的王"}))
    async with world(tmp_path, [both, STOP], tools=[Letter(sent)]) as w:
        await run(w)
        assert len(told(w)) == 1
    assert sent == ["亲爱的王"]


async def test_a_reminder_holds_for_the_next_reply_only(tmp_path: Path) -> None:
    """By then it may have left the window, as the call itself had."""
    sent: list[str] = []
    script: list[ModelReply] = [SEND, SEND, call("echo", text="在想"), SEND, STOP]
    async with world(tmp_path, script, tools=[Letter(sent), Echo()]) as w:
        await run(w)
        assert len(told(w)) == 2
    assert sent == ["亲爱的王"]


async def test_other_words_are_another_letter(tmp_path: Path) -> None:
    sent: list[str] = []
    async with world(tmp_path, [SEND, call("letter", text="亲爱的李"), STOP], tools=[Letter(sent)]) as w:
        await run(w)
        assert told(w) == []
    assert sent == ["亲爱的王", "亲爱的李"]


async def test_what_an_undo_left_is_not_done_again_unasked_and_what_it_compensated_is(tmp_path: Path) -> None:
    sent: list[str] = []
    booked: list[str] = []
    book = call("booking", action="book", text="房间")
    script = [SEND, book, STOP, book, SEND, STOP]
    async with world(tmp_path, script, tools=[Letter(sent), Booking(booked)]) as w:
        report = await run(w)
        await w.system.undo(report.pid)
        assert booked == []
        await w.system.signal(report.pid, "resume")
        with anyio.fail_after(5):
            await w.system.wait(report.pid)
    assert (sent, booked) == (["亲爱的王"], ["房间"])
