"""What the doer said itself is no observation, however it came into an output; what was read or worked out is one."""

from pathlib import Path
from typing import Any

import pytest

from glmos.abi.api import Report
from glmos.abi.budgets import Limits
from glmos.abi.messages import ModelReply
from glmos.testing.models import call, calls
from glmos.testing.world import world
from glmos.tools.files import Files
from glmos.tools.python import Python
from glmos.tools.shell import Shell
from glmos.tools.tables.tool import Tables

pytestmark = pytest.mark.anyio

SALES = "region,amount\nWest,37\nSouth,12\nNorth,8\n"
TOTAL = "What is the total in sales.csv?"


def sh(command: str) -> ModelReply:
    return call("shell", command=command)


def py(code: str) -> ModelReply:
    return call("python", code=code)


def write(path: str, text: str) -> ModelReply:
    return call("use", tool="files", arguments={"action": "write", "path": path, "text": text})


def look(of: str) -> ModelReply:
    return call("use", tool="look", arguments={"call": of})


def say(result: str, name: str, quote: str) -> ModelReply:
    return call("finish", result=result, claims=[{"claim": result, "call": name, "quote": quote}])


async def run(folder: Path, *script: Any, goal: str = TOTAL, files: bool = True) -> Report:
    given = folder / "sales.csv"
    given.write_text(SALES)
    tools = [Files(), Shell(), Python(), Tables()]
    async with world(folder / "home", [*script, call("give_up", reason="enough")], tools=tools) as w:
        return await w.system.run(goal, files=[given] if files else [])


READ = "awk -F, 'NR>1{s+=$2} END{print \"total\", s}' sales.csv"


@pytest.mark.parametrize(
    "script",
    [
        [sh(READ), say("It is 57.", "c1", "total 57")],
        [py("import csv\ns=sum(int(r['amount']) for r in csv.DictReader(open('sales.csv')))\nprint('total', s)"),
         say("57", "c1", "total 57")],
        [py("t=open('sales.csv').read().split()"), py("n=sum(int(x.split(',')[1]) for x in t[1:])"), py("n"),
         say("57", "c3", "57")],
        [call("tables", action="query", sql="SELECT sum(amount) AS total FROM sales"), say("57", "c1", "57")],
        [call("use", tool="files", arguments={"action": "read", "path": "sales.csv"}), sh("echo $((37+12+8))"),
         say("57", "c2", "57")],
        [sh(READ), write("note.md", "The total is 57."), sh("cat note.md"), say("57", "c3", "The total is 57.")],
        [sh(READ), look("c1"), say("57", "c2", "total 57")],
        [sh("tail -3 sales.csv | head -57; " + READ), say("57", "c1", "total 57")],
    ],
    ids=["shell", "python", "cells", "sql", "worked-out", "written-down-later", "looked-at-again", "typed-by-chance"],
)  # fmt: skip
async def test_what_was_read_may_be_said(tmp_path: Path, script: list[Any]) -> None:
    report = await run(tmp_path, *script)
    assert report.status == "done", report.reason


@pytest.mark.parametrize(
    "script",
    [
        [sh("cat sales.csv; echo total 58"), say("58", "c1", "total 58")],
        [sh("head sales.csv; expr 40 + 18"), say("58", "c1", "58")],
        [py("open('sales.csv').read()\nprint('total', 58)"), say("58", "c1", "total 58")],
        [py("open('sales.csv').read()\nprint('total', 5 * 10 + 8)"), say("58", "c1", "total 58")],
        [py("x = 58"), py("len(open('sales.csv').read())\nprint(f'total {x}')"), say("58", "c2", "total 58")],
        [py("with open('sales.csv') as f:\n    rows = f.read().split()\n    rows[1]\n    print('total', 58)"),
         say("58", "c1", "total 58")],
        [write("answer.txt", "total 58"), sh("cat answer.txt"), say("58", "c2", "total 58")],
        [write("answer.txt", "total 58"), call("use", tool="files", arguments={"action": "read", "path": "answer.txt"}),
         say("58", "c2", "total 58")],
        [call("tables", action="query", sql="SELECT 58 AS total FROM sales LIMIT 1"), say("58", "c1", "58")],
        [sh("echo total 58"), look("c1"), say("58", "c2", "total 58")],
        [sh("python3 -c 'print(29*2)'; cat sales.csv"), say("58", "c1", "58")],
        [sh("expr 40 + 18; head sales.csv"), write("a.txt", "58"), sh("cat a.txt"), say("58", "c3", "58")],
        [sh("expr 20 + 20"), sh("expr 9 + 9"), sh("cat sales.csv; expr 40 + 18"), say("58", "c3", "58")],
        [write("a.txt", "total 58"), sh("cat a.txt >&2"), say("58", "c2", "total 58")],
    ],
    ids=["echo", "expr", "print", "constants", "variable", "with", "file", "file-read", "sql", "look", "python",
         "written-down", "in-pieces", "stderr"],
)  # fmt: skip
async def test_what_was_only_said_may_not(tmp_path: Path, script: list[Any]) -> None:
    report = await run(tmp_path, *script)
    assert report.status == "failed"
    assert "citation: " in report.reason
    assert "58 (c" in report.reason
    assert not list((tmp_path / "home" / "workspaces").glob("-*"))


@pytest.mark.parametrize(
    ("script", "done"),
    [
        ([py("print(17 * 23)"), say("391", "c1", "391")], True),
        ([sh("echo $((17 * 23))"), say("391", "c1", "391")], True),
        ([write("t.py", "assert 391 == 17 * 23\nprint('1 check passed, sum', sum([390, 1]))"), sh("python3 t.py"),
          say("391", "c2", "sum 391")], True),
        ([sh("echo 392"), say("392", "c1", "392")], False),
        ([py("print(392)"), say("392", "c1", "392")], False),
        ([py("n = '3' + '92'\nprint('it is', 392)"), say("392", "c1", "it is 392")], False),
    ],
    ids=["python", "shell", "typed-by-chance", "echo", "print", "print-more"],
)  # fmt: skip
async def test_without_files_a_figure_must_be_worked_out(tmp_path: Path, script: list[Any], done: bool) -> None:
    report = await run(tmp_path, *script, goal="What is the product of seventeen and 23?", files=False)
    assert (report.status == "done") == done, report.reason


CONFIG = "Is the region North in sales.csv? Answer yes or no."


@pytest.mark.parametrize(
    ("script", "done"),
    [
        ([sh("grep North sales.csv"), say("Yes.", "c1", "North,8")], True),
        ([sh("grep -o North sales.csv"), say("Yes.", "c1", "North")], True),
        ([sh("grep -q North sales.csv && echo it is there"), say("Yes.", "c1", "it is there")], True),
        ([sh("echo North is missing"), say("No.", "c1", "North is missing")], False),
        ([py("print('North is missing')"), say("No.", "c1", "North is missing")], False),
        ([write("a.txt", "North is missing"), sh("cat a.txt"), say("No.", "c2", "North is missing")], False),
        ([calls(("shell", {"command": "printf nothing"})), say("No.", "c1", "nothing")], False),
    ],
    ids=["grep", "grep-only", "branch", "echo", "print", "file", "word"],
)
async def test_a_sentence_the_doer_printed_answers_no_question(tmp_path: Path, script: list[Any], done: bool) -> None:
    report = await run(tmp_path, *script, goal=CONFIG)
    assert (report.status == "done") == done, report.reason


async def test_what_was_made_may_be_shown_in_the_doers_own_words(tmp_path: Path) -> None:
    script = [
        write("hello.txt", "good morning"),
        sh("cat hello.txt"),
        say("It says good morning.", "c2", "good morning"),
    ]
    report = await run(tmp_path, *script, goal="Write a greeting to hello.txt")
    assert report.status == "done", report.reason


async def test_what_was_undone_cannot_be_cited_by_looking_at_it_again(tmp_path: Path) -> None:
    script = [sh(READ), call("shell", command="false"), call("ask", question="go on?")]
    (tmp_path / "sales.csv").write_text(SALES)
    after = [look("c1"), say("57", "c4", "total 57"), call("give_up", reason="enough")]
    async with world(tmp_path / "home", [*script, *after], tools=[Shell()]) as w:
        asked = await w.system.run(TOTAL, files=[tmp_path / "sales.csv"])
        await w.system.undo(asked.pid)
        await w.system.signal(asked.pid, "resume")
        report = await w.system.wait(asked.pid)
    assert report.status == "failed"
    assert "c4" in report.reason


async def test_what_cannot_be_tried_out_decides_nothing(tmp_path: Path) -> None:
    """The limit on tool calls leaves no room for a control run, and none is made."""
    script = [sh(READ), sh("cat sales.csv"), say("57", "c1", "total 57")]
    (tmp_path / "sales.csv").write_text(SALES)
    async with world(tmp_path / "home", script, tools=[Shell()]) as w:
        report = await w.system.run(TOTAL, files=[tmp_path / "sales.csv"], limits=Limits(tool_calls=2))
    assert (report.status, report.cost.tool_calls) == ("unverified", 2)
    assert "whether 57 was read by c1 could not be tried out" in report.reason


async def test_what_a_control_run_repeats_counts_as_tool_calls(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    async with world(tmp_path / "home", [sh(READ), say("57", "c1", "total 57")], tools=[Shell()]) as w:
        report = await w.system.run(TOTAL, files=[tmp_path / "sales.csv"], limits=Limits(tool_calls=2))
    assert (report.status, report.cost.tool_calls) == ("done", 2)


async def test_a_control_run_that_was_stopped_decides_nothing(tmp_path: Path) -> None:
    """Beside the emptied file lies another, and then the command takes longer than it was given."""
    command = "sleep 1; wc -l < sales.csv | head -1; test $(ls | wc -l) = 1 || sleep 9"
    script = [
        call("shell", command=command, timeout=3),
        say("There are 4 lines.", "c1", "4"),
        call("give_up", reason="x"),
    ]
    (tmp_path / "sales.csv").write_text(SALES)
    async with world(tmp_path / "home", script, tools=[Shell()]) as w:
        report = await w.system.run("How many lines has sales.csv?", files=[tmp_path / "sales.csv"])
    assert report.status == "unverified"
    assert "whether 4 was read by c1 could not be tried out" in report.reason
