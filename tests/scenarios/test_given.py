"""What was given stays as given, what was asked for is there, and what was checked is what is there."""

from pathlib import Path
from typing import Any

import pytest

from glmos.abi.api import Report
from glmos.abi.messages import ModelReply
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from glmos.tools.files import Files
from glmos.tools.python import Python
from glmos.tools.shell import Shell

pytestmark = pytest.mark.anyio

SALES = "region,amount\nWest,30\nSouth,12\n"
ADD_UP = call("shell", command="awk -F, 'NR>1{s+=$2} END{print \"total\", s}' sales.csv")


def say(result: str, name: str, quote: str) -> ModelReply:
    return call("finish", result=result, claims=[{"claim": result, "call": name, "quote": quote}])


async def run(folder: Path, goal: str, *script: Any, tools: Any = None) -> Report:
    (folder / "sales.csv").write_text(SALES)
    moves = [*script, *[call("give_up", reason="enough")] * 2]
    async with world(folder / "home", moves, tools=tools or [Files(), Shell()]) as w:
        return await w.system.run(goal, files=[folder / "sales.csv"])


def found(report: Report, kind: str) -> list[bool | None]:
    return [c.passed for s in report.steps for c in s.checks if c.kind == kind]


GOAL = "What is the total in sales.csv?"


async def test_a_figure_read_from_what_was_given_ends_done(tmp_path: Path) -> None:
    report = await run(tmp_path, GOAL, ADD_UP, say("42", "c1", "total 42"))
    assert (report.status, found(report, "goal"), found(report, "still")) == ("done", [True], [True])


async def test_a_figure_from_altered_data_does_not(tmp_path: Path) -> None:
    more = call("shell", command="echo North,58 >> sales.csv")
    report = await run(tmp_path, GOAL, more, ADD_UP, say("100", "c2", "total 100"))
    assert report.status == "failed"
    assert "goal: 'sales.csv': given to you" in report.reason


async def test_nor_does_it_when_the_data_is_put_back_before_anyone_looks(tmp_path: Path) -> None:
    more = call("shell", command="cp sales.csv kept; echo North,58 >> sales.csv")
    back = call("shell", command="mv kept sales.csv")
    report = await run(tmp_path, GOAL, more, ADD_UP, back, say("100", "c2", "total 100"))
    assert report.status == "failed"
    assert "nothing can be quoted from c2: sales.csv was not as given when it ran" in report.reason


async def test_a_call_made_before_the_change_may_be_cited_when_it_is_put_back(tmp_path: Path) -> None:
    more = call("shell", command="cp -p sales.csv kept; echo North,58 >> sales.csv")
    back = call("shell", command="mv kept sales.csv")
    report = await run(tmp_path, GOAL, ADD_UP, more, back, say("42", "c1", "total 42"))
    assert report.status == "done"


async def test_a_change_that_the_goal_asks_for_is_told_and_no_fault(tmp_path: Path) -> None:
    change = call("shell", command="sed -i s/West/Westen/ sales.csv; grep Westen sales.csv")
    goal = "Translate the regions in sales.csv"
    report = await run(tmp_path, goal, change, say("Westen, in its row with 30", "c1", "Westen,30"))
    assert report.status == "done"
    assert [c.detail for c in report.steps[0].checks if c.kind == "goal"] == ["'sales.csv' changed, as the goal asks"]


async def test_a_file_that_the_goal_asks_for_must_be_there(tmp_path: Path) -> None:
    goal = "Write regions.csv with the regions of sales.csv"
    claim = call("finish", result="I wrote regions.csv.")
    report = await run(tmp_path, goal, claim)
    assert (report.status, "goal asks for 'regions.csv'" in report.reason) == ("failed", True)
    (tmp_path / "b").mkdir()
    write = call("shell", command="mkdir out; tail -n +2 sales.csv > out/regions.csv; cat out/regions.csv")
    report = await run(tmp_path / "b", goal, write, say("written", "c1", "West,30"))
    assert report.status == "done"


@pytest.mark.parametrize("way", [": > regions.csv", "ln -s /etc/passwd regions.csv", "mkdir regions.csv"])
async def test_an_empty_file_a_link_or_a_folder_is_not_the_file(tmp_path: Path, way: str) -> None:
    goal = "Write regions.csv with the regions of sales.csv"
    report = await run(tmp_path, goal, call("shell", command=f"{way}; ls"), say("written", "c1", "regions.csv"))
    assert report.status == "failed"


async def test_what_a_later_step_spoils_is_not_done(tmp_path: Path) -> None:
    steps = [
        {"id": "a", "goal": "write", "checks": [{"kind": "pattern", "path": "r.txt", "pattern": "West"}]},
        {"id": "b", "goal": "say so", "needs": ["a"]},
    ]
    write, spoil = call("shell", command="cp sales.csv r.txt; cat r.txt"), call("shell", command="echo no > r.txt; ls")
    cite = say("written", "c2", "West,30")
    report = await run(tmp_path, "Copy it", call("plan", steps=steps), write, cite, spoil, cite)
    assert report.status == "failed"
    assert "still: step 'a' no longer holds: pattern" in report.reason


async def test_a_program_that_goes_on_after_the_step_was_submitted_is_found_out(tmp_path: Path) -> None:
    """It changes the file as soon as the critic, the last to look, has been asked."""
    late = (
        "import threading, os, time\n"
        "def spoil():\n"
        "    while not os.path.exists('ASKED'): time.sleep(0.01)\n"
        "    open('r.txt', 'w').write('spoiled')\n"
        "open('r.txt', 'w').write('West,30')\n"
        "threading.Thread(target=spoil, daemon=True).start()\n"
        "print(open('r.txt').read())"
    )
    asked, spoiled = tmp_path / "asked", tmp_path / "home" / "workspaces" / "1" / "r.txt"

    def critic(request: Any) -> ModelReply:
        asked.touch()
        while spoiled.read_text() != "spoiled":
            pass
        return call("verdict", outcome="passed", reason="fine")

    moves = [
        call("python", code=late.replace("ASKED", str(asked))), say("written", "c1", "West,30"),
        call("give_up", reason="enough"),
    ]  # fmt: skip
    (tmp_path / "sales.csv").write_text(SALES)
    async with world(tmp_path / "home", moves, tools=[Python()], critic=ScriptedModel(critic)) as w:
        report = await w.system.run("Copy a row", files=[tmp_path / "sales.csv"])
    assert report.status == "failed"
    assert "still: 'r.txt' (changed): not as the checks saw it" in report.reason
