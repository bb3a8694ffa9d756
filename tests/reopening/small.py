"""Small plans written by hand, about one file of the person's, and what can be seen of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glmos.abi.api import Report, RunRequest
from glmos.abi.ids import Pid
from glmos.abi.messages import ModelReply
from glmos.testing.models import call
from glmos.testing.world import World

SALES = "销售.csv"
OLD, NEW = "华东,1204\n", "华东,1250000\n"
READ = call("files", action="read", path=SALES)


def finish(result: str, **quotes: str) -> ModelReply:
    """`quotes`: by call."""
    return call("finish", result=result, claims=[{"claim": q, "call": c, "quote": q} for c, q in quotes.items()])


def step(name: str, *needs: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "goal": f"完成 {name}",
        "needs": needs,
        "checks": [{"kind": "pattern", "pattern": "."}],
        **fields,
    }


def plan(*steps: Mapping[str, Any]) -> ModelReply:
    return call("plan", steps=list(steps))


async def start(w: World, folder: Path, *, given: bool = True) -> Pid:
    (folder / SALES).write_text(OLD, "utf-8")
    return await w.system.start(RunRequest("华东卖了多少?", (str(folder / SALES),) if given else ()))


async def found(w: World, pid: Pid, kind: type[Any], field: str) -> list[Any]:
    return [getattr(x.event, field) for x in await w.system.log(pid) if isinstance(x.event, kind)]


def again(report: Report) -> list[str]:
    return [s.id for s in report.steps if s.again]


async def with_new_sales(w: World, folder: Path, pid: Pid) -> Report:
    """The person changes the file and has the process go on; how that ends."""
    (folder / SALES).write_text(NEW, "utf-8")
    await w.system.signal(pid, "resume")
    return await w.system.wait(pid)
