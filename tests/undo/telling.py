"""What scripts for undo have in common: a plan whose steps make calls, on the real tools in the real sandbox."""

import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from glmos.abi.api import RunRequest
from glmos.abi.messages import ModelReply
from glmos.ports import Tool
from glmos.sandbox import BubblewrapSandbox
from glmos.testing.models import call, pause
from glmos.testing.world import World, world
from glmos.tools.registry import installed


def shell(command: str) -> ModelReply:
    return call("shell", command=command, timeout=120)


def use(tool: str, **arguments: Any) -> ModelReply:
    """A tool that is disclosed on demand."""
    return call("use", tool=tool, arguments=arguments)


class Stop:
    """The script waits at the beginning of a step until `go` is set."""

    def __init__(self) -> None:
        self.reached = anyio.Event()
        self.go = anyio.Event()


def story(steps: Mapping[str, Sequence[ModelReply]], stops: Mapping[str, Stop] | None = None) -> list[Any]:
    """A plan of `steps`, each needing the one before, and the calls each of them makes."""
    names = list(steps)
    planned = [
        {
            "id": name, "goal": name, "needs": names[:place][-1:],
            "checks": [{"kind": "pattern", "pattern": f"did {name}"}],
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    replies, number = list[Any]([call("plan", steps=planned)]), 1
    for name, calls in steps.items():
        if stops and name in stops:
            replies.append(pause(stops[name].go, stops[name].reached))
        replies += [*calls, shell(f"echo 'did {name}'")]
        number += len(calls) + 1
        claim = {"claim": name, "call": f"c{number}", "quote": f"did {name}"}
        replies.append(call("finish", result=f"did {name}", claims=[claim]))
        number += 1
    return replies


@asynccontextmanager
async def real(folder: Path, script: Any, *, tools: Sequence[Tool] = (), **options: Any) -> AsyncGenerator[World]:
    """A system with the real sandbox and every standard tool."""
    sandbox = BubblewrapSandbox()
    try:
        async with world(folder, script, tools=[*installed(plugins=[]), *tools], sandbox=sandbox, **options) as w:
            yield w
    finally:
        await sandbox.aclose()


async def done(w: World, goal: str = "照剧本做", *, files: Sequence[Path] = (), status: str = "done") -> int:
    """Run the script to its end; the number of its process. Files that are to be changed must be named in the goal."""
    request = RunRequest(goal, tuple(map(str, files)), approve_all=True)
    report = await w.system.wait(await w.system.start(request))
    assert report.status == status, report
    return report.pid


def place(w: World, pid: int) -> Path:
    return w.system.machine.parts.workspaces.path(pid)


def picture(folder: Path) -> dict[bytes, tuple[Any, ...]]:
    """Everything in a folder, looked at by other means than the system's own: name to kind, mode, time, content, and for
    a file with several names the first of them."""
    found: dict[bytes, tuple[Any, ...]] = {}
    firsts: dict[int, bytes] = {}
    for parent, folders, names in os.walk(os.fsencode(folder), followlinks=False):
        for name in (b"", *sorted(folders), *sorted(names)):
            path = os.path.join(parent, name) if name else parent  # noqa: PTH118
            status = os.lstat(path)
            inside = os.path.relpath(path, os.fsencode(folder))
            kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                found[inside] = (kind, os.readlink(path))  # noqa: PTH115
            elif stat.S_ISREG(status.st_mode):
                first = firsts.setdefault(status.st_ino, inside) if status.st_nlink > 1 else inside
                with open(path, "rb") as file:  # noqa: PTH123
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                found[inside] = (kind, mode, status.st_mtime_ns, status.st_size, digest, first)
            elif not (name and stat.S_ISDIR(status.st_mode) and inside in found):
                found[inside] = (kind, mode, status.st_mtime_ns if stat.S_ISDIR(status.st_mode) else 0)
    return found
