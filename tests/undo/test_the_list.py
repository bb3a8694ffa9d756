"""What an undo could not take back is listed, all of it and nothing else: drawn stories with drawn misfortunes.

A ledger outside counts what stands: rooms and letters of a hotel, rows and tables of a real SQLite file. After the undo
every thing that stands and was begun since is named in the list, and what is named stands, or is said to be unknown. More:

    GLMOS_UNDO_STORIES=2000 pytest tests/undo/test_the_list.py
"""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
from msgspec import Struct

from glmos.abi import events as e
from glmos.abi.api import RunRequest
from glmos.abi.messages import ModelReply
from glmos.abi.tools import Action, ToolCall, ToolResult, ToolSpec
from glmos.ports import ToolContext
from glmos.testing.models import call
from glmos.testing.world import world
from glmos.tools.database.sources import Source
from glmos.tools.database.tool import Database
from tests.scenarios.notebook import TEXT, Note
from tests.undo.devices import Desk, Hotel
from tests.undo.test_taking_back import finish, plan, step

pytestmark = pytest.mark.anyio

STORIES = int(os.environ.get("GLMOS_UNDO_STORIES", "40"))


class Thing(Struct):
    """What one call makes outside."""

    name: str
    kind: str
    step: int


class Story(Struct):
    """Steps that make things, and what goes wrong with each of them."""

    things: list[Thing]
    steps: int
    undone: int
    """The step that the process is taken back to."""
    probes: bool
    breaks_before: set[str]
    breaks_after: set[str]
    stubborn: set[str]
    """Rooms that cannot be cancelled, and rows that somebody else changes."""
    silent: bool
    """The person does not say whether a call that broke took effect: the process is taken back while it asks."""

    def script(self) -> list[ModelReply]:
        names = [f"S{number}" for number in range(self.steps)]
        planned = [step(name, *names[place - 1 : place]) for place, name in enumerate(names)]
        replies, number = [plan(*planned)], 1
        for place, name in enumerate(names):
            made = [_call(thing) for thing in self.things if thing.step == place]
            replies += [*made, call("note", text=name)]
            number += len(made) + 1
            replies.append(finish(f"c{number}", f"noted: {name}"))
            number += 1
        return replies


def draw(seed: int) -> Story:
    dice = Random(seed)
    steps = dice.randint(1, 4)
    kinds = ("room", "letter", "post", "row", "table")
    things = [
        Thing(f"物{place}x{number}x", dice.choice(kinds), place)
        for place in range(steps)
        for number in range(dice.randint(0, 4))
    ]
    at_desk = [x.name for x in things if x.kind in ("room", "letter")]
    unlucky = {x: dice.random() for x in at_desk}
    return Story(
        things, steps, dice.randrange(steps), dice.random() < 0.6,
        {x for x, luck in unlucky.items() if luck < 0.15}, {x for x, luck in unlucky.items() if luck > 0.8},
        {x.name for x in things if x.kind in ("room", "row") and dice.random() < 0.3},
        dice.random() < 0.4,
    )  # fmt: skip


class Post(Note):
    """Reversible, but it tells others too."""

    def __init__(self, hotel: Hotel) -> None:
        super().__init__()
        self.hotel = hotel

    @property
    def spec(self) -> ToolSpec:
        action = Action("run", "reversible", reads=("workspace",), writes=("workspace", "network"))
        return ToolSpec("post", "Post.", "Note a line and post it.", TEXT, (action,), resident=True)

    async def run(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.hotel.letters.append(call.arguments["text"])
        return await super().run(call, context)


def _call(thing: Thing) -> ModelReply:
    if thing.kind == "post":
        return call("post", text=thing.name)
    if thing.kind in ("room", "letter"):
        return call("desk", action="book" if thing.kind == "room" else "send", text=thing.name)
    if thing.kind == "row":
        return _sql("execute", f"INSERT INTO rows VALUES ('{thing.name}', 1)")
    return _sql("execute_ddl", f'CREATE TABLE "{thing.name}" (x)')


def _sql(action: str, statement: str) -> ModelReply:
    return call("use", tool="database", arguments={"action": action, "statements": [statement]})


class Outside:
    """Hotel and database, looked at by other means than the system's."""

    def __init__(self, folder: Path) -> None:
        self.hotel = Hotel()
        self.path = folder / "账.sqlite"
        self.sql("CREATE TABLE rows (name TEXT PRIMARY KEY NOT NULL, n)")

    def sql(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as db:
            found = db.execute(statement).fetchall()
            db.commit()
        return found

    def stands(self) -> set[str]:
        tables = self.sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '物%'")
        rows = self.sql("SELECT name FROM rows")
        return {*self.hotel.rooms, *self.hotel.letters, *(x for (x,) in (*tables, *rows))}


@pytest.mark.parametrize("seed", range(STORIES))
async def test_whatever_still_stands_is_listed_and_whatever_is_listed_still_stands(tmp_path: Path, seed: int) -> None:
    story, outside, broken = draw(seed), Outside(tmp_path), set[str]()
    undoing = False

    async def breaks(act: str, unlucky: set[str]) -> None:
        name = act.partition(" ")[2]
        if name in unlucky and not undoing and name not in broken:
            broken.add(name)
            raise ConnectionResetError("断了")

    async def before(act: str) -> None:
        await breaks(act, story.breaks_before)
        if undoing and act.partition(" ")[2] in story.stubborn:
            raise ConnectionResetError("没人接")

    async def after(act: str) -> None:
        await breaks(act, story.breaks_after)

    desk = Desk(outside.hotel, probes=story.probes, before=before, after=after)
    books = Database({"账": Source("账", "SQLite", str(outside.path))}, home="家")
    async with world(tmp_path, story.script(), tools=[desk, books, Note(), Post(outside.hotel)]) as w:
        with anyio.fail_after(60):
            pid = await w.system.start(RunRequest("照剧本做", approve_all=True))
            report = await w.system.wait(pid)
            while report.status == "waiting" and not story.silent:  # about a call that its tool knows nothing of
                await w.system.approve(pid, _asked_about(report.question) in outside.stands())
                report = await w.system.wait(pid)
            doubtful = {_asked_about(report.question)} if report.status == "waiting" else set[str]()
            assert report.status == "done" or doubtful, report.reason
            for name in story.stubborn:
                outside.sql(f"UPDATE rows SET n = 99 WHERE name = '{name}'")
            calls = {
                _asked_about(str(x.event.arguments)): x.event.call
                for x in await w.system.log(pid)
                if isinstance(x.event, e.ToolIntended) and x.event.tool != "note"
            }
            undoing, stood = True, outside.stands()
            reached = min([story.undone, *(x.step for x in story.things if x.name in doubtful)])
            undone = await w.system.undo(pid, f"S{reached}")
    since = {x.name for x in story.things if x.step >= reached}
    stands = outside.stands()
    assert stands - since == stood - since, "what was done before stays"
    listed = {calls_of[0] for x in undone.left if (calls_of := re.findall(r"^(c\d+): ", x))}
    named = {name for name, number in calls.items() if number in listed}
    assert (stands & since) | doubtful == named
    assert all("nobody knows" in x for x in undone.left for name in doubtful if x.startswith(f"{calls[name]}: "))
    assert len(undone.left) == len(named), "one sentence each"
    assert {name for name, number in calls.items() if number in undone.compensated} == (stood & since) - stands
    notes = w.system.machine.parts.workspaces.path(pid) / "notes.txt"
    left_in = notes.read_text().split() if notes.exists() else []
    assert [x for x in left_in if x.startswith("S")] == [f"S{x}" for x in range(reached)]
    assert set(left_in) & since == set()


def _asked_about(text: str) -> str:
    """The thing that a call or a question is about."""
    return re.findall(r"物\d+x\d+x", text)[0]
