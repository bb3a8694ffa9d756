"""A process whose window overflows many times, and a model that remembers nothing: what it needs must be in the prompt."""

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.messages import Message, ModelReply, ModelRequest, ModelTraits
from glmos.context.digest import HEAD
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from tests.scenarios.notebook import Echo, Letter

pytestmark = pytest.mark.anyio

TRAITS = ModelTraits("narrow", "testing", context_tokens=4_096, max_output_tokens=1_024)
STEPS = ("one", "two", "three", "four")
LINES = 12
"""Outputs that each step has to read, each a tenth of the window's room."""
QUESTION = "哪个地区?"
ANSWER = "北方"


class Seen:
    """What a prompt says of how things stand, read from its beginning to its end."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.planned = False
        self.passed: list[str] = []
        self.read: dict[str, int] = {}
        """How many outputs of each step were read."""
        self.sent = False
        self.cited = ""
        """The call whose output names the first line of all."""
        self.answer = ""
        for message in messages:
            if message.role != "system":
                self._message(message.content)

    def _message(self, text: str) -> None:
        for line in text.splitlines():
            self.planned = self.planned or "The plan stands." in line or line == "The plan now:"
            if undone := re.search(r"since the beginning of step '(\w+)'", line):
                self._undone(undone[1])
            if passed := re.match(r'- passed: (?:\{"id":"(\w+)"|([\w, ]+)$)', line) or re.match(
                r"- (\w+)() passed: |Step '(\w+)' was checked and has passed", line
            ):
                self.passed += [x for group in passed.groups() if group for x in group.split(", ")]
            if heard := re.search(r"heard: (\w+) line (\d+) ", line):
                self.read[heard[1]] = max(self.read.get(heard[1], 0), int(heard[2]) + 1)
            if first := re.search(r"(c\d+), character \d+: heard: one line 0 羊", line):
                self.cited = first[1]
            self.sent = self.sent or "letter.run(" in line or "sent: " in line
            if answer := re.search(r"The person answered: (\w+)", line):
                self.answer = answer[1]

    def _undone(self, step: str) -> None:
        self.passed = [x for x in self.passed if STEPS.index(x) < STEPS.index(step)]
        self.read = {k: n for k, n in self.read.items() if STEPS.index(k) < STEPS.index(step)}


def plan() -> ModelReply:
    checks = [{"kind": "pattern", "pattern": "好"}]
    return call("plan", steps=[{"id": s, "goal": f"read the lines of {s} 数", "checks": checks} for s in STEPS])


def reply(request: ModelRequest) -> ModelReply:
    """The next call that is missing, as far as the prompt tells."""
    seen = Seen(request.messages)
    if not seen.planned:
        return plan()
    step = next(x for x in STEPS if x not in seen.passed)
    done = seen.read.get(step, 0)
    if step == "one" and not seen.answer:
        return call("ask", question=QUESTION)
    if step == "two" and not seen.sent:
        return call("letter", text="Dear 王 ...")
    if done < LINES:
        return call("echo", text=f"{step} line {done} 羊 " + "and so on " * 40)
    if step == STEPS[-1] and not seen.cited:
        return call("use", tool="look", arguments={"text": "one line 0 羊"})
    claims = [{"claim": "a line was read", "call": seen.cited, "quote": "heard: one line 0 羊"}]
    return call("finish", result=f"好 {seen.answer}", claims=claims if seen.cited else [])


def breaks(requests: list[ModelRequest]) -> list[ModelRequest]:
    """Those that do not go on from the one before."""
    pairs = pairwise(requests)
    return [later for earlier, later in pairs if later.messages[: len(earlier.messages)] != earlier.messages]


async def test_a_model_without_memory_finds_in_its_small_window_what_passed_and_what_was_undone(tmp_path: Path) -> None:
    model, sent = (
        ScriptedModel(held(reply, gate := anyio.Event(), reached := anyio.Event()), traits=TRAITS),
        list[str](),
    )
    async with world(tmp_path, model, tools=[Echo(), Letter(sent)]) as w:
        with anyio.fail_after(60):
            pid = await w.system.start(RunRequest(goal="read 数", approve_all=True))
            assert (await w.system.wait(pid)).question == QUESTION
            await w.system.answer(pid, ANSWER)
            await reached.wait()
            undone = await w.system.undo(pid, "two")
            gate.set()
            before = len(model.requests)
            await w.system.signal(pid, "resume")
            report = await w.system.wait(pid)
        log = [x.event for x in await w.system.log(pid)]
    assert (report.status, report.answer) == ("done", f"好 {ANSWER}"), "the answer of the first step is still known"
    assert [x.partition(" ")[2] for x in undone.left] == ["letter.run cannot be taken back"]
    assert sent == ["Dear 王 ..."], "what could not be taken back was not sent again"
    passed = [x.step for x in log if isinstance(x, e.StepPassed)]
    assert passed == ["one", "two", "three", "two", "three", "four"]
    heard = [x.output.text.split(" and so on")[0] for x in log if isinstance(x, e.ToolFinished)]
    assert len(heard) == LINES * 6 + LINES // 2 + len(["letter", "look"]), "nothing was read twice but what was undone"
    compacted = breaks(model.requests)
    assert len(compacted) >= 8
    assert all(HEAD in request.messages[2].content for request in compacted)
    later = [
        x for x in breaks(model.requests[before:]) if "undid everything since the beginning" in x.messages[2].content
    ]
    assert later, "an undo is told when it has left the window"
    assert '(not taken back) letter.run({"text":"Dear 王 ..."}): sent: Dear 王' in later[0].messages[2].content


def held(script: Any, gate: anyio.Event, reached: anyio.Event) -> Any:
    """The same replies, but half way through the last step the first one waits."""

    async def answer(request: ModelRequest) -> ModelReply:
        made = script(request)
        if any(f"four line {LINES // 2} " in c.arguments for c in made.calls) and not gate.is_set():
            reached.set()
            await gate.wait()
        return made

    return answer
