"""Programs that should be gone: found in /proc by what only they have.

A mark in the environment is inherited by whatever a program starts, however it detaches itself; a PID namespace cannot
be left at all. A zombie is no longer a program.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

import anyio


class Found(NamedTuple):
    os_pid: int
    command: str


def marked(mark: str) -> list[Found]:
    """Programs with `mark` in their environment or their command line."""
    wanted = mark.encode()
    found: list[Found] = []
    for folder in _programs():
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if wanted in command or wanted in (folder / "environ").read_bytes():
                found.append(Found(int(folder.name), command.replace(b"\0", b" ").decode(errors="replace").strip()))
    return found


async def wait_marked(mark: str, at_least: int) -> None:
    """Return when so many programs with `mark` run."""
    while len(marked(mark)) < at_least:  # noqa: ASYNC110  (the kernel tells nobody)
        await anyio.sleep(0.02)


async def wait_gone(mark: str) -> None:
    """Return when no program with `mark` is left."""
    while marked(mark):  # noqa: ASYNC110
        await anyio.sleep(0.005)


def namespaces(os_pid: int) -> set[str]:
    """The PID namespaces of everything below a program, its own left out."""
    own = _namespace(Path("/proc/self"))
    below, queue = set[str](), [os_pid]
    parents = {int(f.name): _parent(f) for f in _programs()}
    while queue:
        current = queue.pop()
        queue += [pid for pid, parent in parents.items() if parent == current]
        below.add(_namespace(Path(f"/proc/{current}")))
    return below - {own, ""}


def living_in(spaces: set[str]) -> list[Found]:
    """Programs in one of these PID namespaces."""
    found: list[Found] = []
    for folder in _programs():
        if _namespace(folder) in spaces:
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(Found(int(folder.name), command.strip()))
    return found


def _programs() -> list[Path]:
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdigit() and _alive(folder)]


def _alive(folder: Path) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return (folder / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _parent(folder: Path) -> int:
    with contextlib.suppress(OSError, IndexError):
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _namespace(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return str((folder / "ns/pid").readlink())
    return ""
