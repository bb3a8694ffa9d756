"""A later step may change what an earlier one made where the plan says so; what it spoils besides is found out."""

from pathlib import Path
from typing import Any

import pytest

from glmos.abi.api import Report
from glmos.abi.messages import ModelReply
from glmos.testing.models import call
from glmos.testing.world import world
from glmos.tools.shell import Shell

pytestmark = pytest.mark.anyio

FIRST = {"kind": "pattern", "path": "draft.txt", "pattern": "^pear"}
EXISTS = {"kind": "file", "path": "draft.txt"}
WHOLE = {"kind": "python", "code": "assert sorted(open('draft.txt')) == ['apple\\n', 'pear\\n'], 'a line is missing'"}
SHELL = {"kind": "command", "command": "test $(wc -l < draft.txt) = 2"}
WRITE = "printf 'pear\\napple\\n' > draft.txt; cat draft.txt"


def sh(command: str) -> ModelReply:
    return call("shell", command=command)


def say(result: str, name: str, quote: str) -> ModelReply:
    return call("finish", result=result, claims=[{"claim": result, "call": name, "quote": quote}])


def step(name: str, goal: str, *checks: dict[str, Any], needs: str = "") -> dict[str, Any]:
    return {"id": name, "goal": goal, "needs": [needs] if needs else [], "checks": list(checks)}


async def run(folder: Path, first: dict[str, Any], second: dict[str, Any], command: str) -> Report:
    script = [
        call("plan", steps=[first, second]), sh(WRITE), say("written", "c2", "pear"), sh(command),
        say("ready", "c4", "pear"), call("give_up", reason="enough"),
    ]  # fmt: skip
    async with world(folder / "home", script, tools=[Shell()]) as w:
        return await w.system.run("Write the fruit into a file, in order")


SORTED = {"kind": "pattern", "path": "draft.txt", "pattern": "\\Aapple\npear"}
SORT, RENAME = "sort draft.txt -o draft.txt; cat draft.txt", "mv draft.txt fruit.txt; cat fruit.txt"


@pytest.mark.parametrize(
    ("checks", "goal", "check", "command"),
    [
        ([{**FIRST, "pattern": "\\Apear"}], "Sort the lines of draft.txt", SORTED, SORT),
        ([EXISTS], "Rename draft.txt to fruit.txt", {"kind": "file", "path": "fruit.txt"}, RENAME),
        ([EXISTS, WHOLE, SHELL], "把 draft.txt 重命名为 fruit.txt", {"kind": "file", "path": "fruit.txt"}, RENAME),
        ([EXISTS], "Sort it into fruit.txt and remove the file draft.txt",
         {"kind": "command", "command": "sort -c fruit.txt && test ! -e draft.txt"},
         "sort draft.txt > fruit.txt; rm draft.txt; cat fruit.txt"),
        ([WHOLE, SHELL], "Append plum to draft.txt", {"kind": "pattern", "path": "draft.txt", "pattern": "plum"},
         "echo plum >> draft.txt; cat draft.txt"),
        ([{"kind": "command", "command": "test $(ls | wc -l) = 1"}], "Write its size to size.txt",
         {"kind": "file", "path": "size.txt"}, "wc -c < draft.txt > size.txt; cat draft.txt"),
    ],
    ids=["sort", "rename", "rename-chinese", "remove", "append", "add"],
)  # fmt: skip
async def test_what_the_plan_has_changed_may_change(
    tmp_path: Path, checks: list[dict[str, Any]], goal: str, check: dict[str, Any], command: str
) -> None:
    report = await run(tmp_path, step("a", "write", *checks), step("b", goal, check, needs="a"), command)
    assert report.status == "done", report.reason
    still = next(c for c in report.steps[-1].checks if c.kind == "still")
    assert "of 'a' no longer counts, as the plan has it changed" in still.detail


@pytest.mark.parametrize(
    ("second", "command"),
    [
        (step("b", "Say what the fruit are", needs="a"), "echo > draft.txt; echo pear"),
        (step("b", "Sort draft.txt", SORTED), SORT),
        (step("b", "Sort the other.txt", needs="a"), "sort draft.txt -o draft.txt; cat draft.txt"),
        (step("b", "Do not change draft.txt, read it", needs="a"), RENAME),
    ],
    ids=["not-said", "not-needed", "another-file", "forbidden"],
)
async def test_what_the_plan_does_not_have_changed_must_stand(
    tmp_path: Path, second: dict[str, Any], command: str
) -> None:
    report = await run(tmp_path, step("a", "write", {**FIRST, "pattern": "\\Apear"}), second, command)
    assert report.status == "failed"
    assert "still: step 'a' no longer holds: pattern" in report.reason


async def test_a_planned_change_covers_no_other_file(tmp_path: Path) -> None:
    both = {"kind": "python", "code": "assert open('draft.txt').read() and open('notes.txt').read() == 'mine\\n'"}
    script = [
        call("plan", steps=[step("a", "write", both), step("b", "Sort draft.txt", SORTED, needs="a")]),
        sh(f"{WRITE}; echo mine > notes.txt"), say("written", "c2", "pear"), sh(f"{SORT}; echo > notes.txt"),
        say("ready", "c4", "pear"), call("give_up", reason="enough"),
    ]  # fmt: skip
    async with world(tmp_path / "home", script, tools=[Shell()]) as w:
        report = await w.system.run("Write the fruit into a file, in order")
    assert report.status == "failed"
    assert "notes.txt by step 'b'" in report.reason
