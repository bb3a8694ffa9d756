"""What goes wrong in one process stays there: the others run on, and whoever waits is told."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from glmos.abi.api import RunRequest
from glmos.testing.models import ScriptedModel, call
from glmos.testing.world import world
from tests.scenarios.notebook import Echo, Note

pytestmark = pytest.mark.anyio


def claim(name: str, quote: str) -> list[dict[str, str]]:
    return [{"claim": quote, "call": name, "quote": quote}]


def _with_a_child(request: Any) -> Any:
    """The parent has a child note something and waits; both are done then."""
    goal, *rest = (m.content for m in request.messages[1:])
    told = "\n".join(rest)
    if "note it" in goal:
        done = claim("c1", "noted: 甲")
        return call("finish", result="noted", claims=done) if "noted: 甲" in told else call("note", text="甲")
    if "was started" not in told:
        return call("spawn", goal="note it")
    if "ended done" not in told:
        return call("wait")
    return call("finish", result="the child is done", claims=claim("c2", "ended done"))


async def test_a_parent_that_has_no_place_for_a_childs_files_is_told_so(tmp_path: Path) -> None:
    async with world(tmp_path, ScriptedModel(_with_a_child), tools=[Note()]) as w:
        workspaces = w.system.machine.parts.workspaces

        async def block(parent: int) -> None:
            """Put a file where the folder of the children's files would be."""
            await workspaces.create(parent, ())
            (workspaces.path(parent) / "children").write_text("in the way")

        pid = await w.store.new_pid() + 1
        await block(pid)
        with anyio.fail_after(10):
            assert await w.system.start(RunRequest("have it noted")) == pid
            report = await w.system.wait(pid)
        told = [m.content for m in w.model.requests[-1].messages if m.role == "tool"]
    assert report.status == "done"
    assert "Its files could not be brought here: 'children' is in the way" in told[-1]


async def test_a_tool_that_cannot_let_go_does_not_take_the_system_along(tmp_path: Path) -> None:
    class Clinging(Echo):
        async def release(self, pid: int) -> None:
            raise RuntimeError("it sticks")

    script = [call("echo", text="a"), call("finish", result="a", claims=claim("c1", "heard: a"))]
    async with world(tmp_path, script * 2, tools=[Clinging(), Note()]) as w:
        with anyio.fail_after(10):
            reports = [await w.system.run("say a"), await w.system.run("say a again")]
    assert [r.status for r in reports] == ["done", "done"]
