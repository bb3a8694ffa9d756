"""Where checks are run: the doer's work in view, nothing of the doer's in the machinery.

A check that runs a program in the workspace runs it among files the doer wrote, and some of those take part without being
asked: a `conftest.py`, a module named like one of Python's, compiled code beside its source, a settings file of the test
runner. If such files were added, the check runs over a copy of the workspace without them. What passes only with them
has not passed.
"""

import contextlib
import posixpath
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path, PurePosixPath

from glmos.abi.errors import GlmosError
from glmos.abi.ids import SnapshotId
from glmos.kernel.process import Process
from glmos.kernel.verify import Verdict
from glmos.ports import Finished, SandboxLimits
from glmos.runtime.parts import Parts
from glmos.tools.beneath import INSIDE, Workspace, relative
from glmos.tools.declare import ToolFailed

LONGEST = 600.0
"""Seconds a check may run, whatever it asks for."""
MAX_TEXT = 32 << 20
"""Bytes of a file that a pattern or a schema looks at."""

_ENVIRONMENT = {"HOME": "/tmp", "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
_SETTINGS = frozenset(
    """conftest.py pytest.ini .pytest.ini pytest.toml .pytest.toml tox.ini setup.cfg pyproject.toml sitecustomize.py
    usercustomize.py .coveragerc .pythonrc .pdbrc""".split()
)
_INSTALLED = "pytest _pytest pluggy iniconfig numpy pandas duckdb openpyxl matplotlib PIL hypothesis".split()
_MODULES = (sys.stdlib_module_names | frozenset(_INSTALLED)) - {"test", "this", "antigravity", "__main__"}


class CleanRoom:
    """Runs the programs of one process's checks."""

    def __init__(self, parts: Parts, p: Process, first: SnapshotId) -> None:
        """`first`: the workspace as the process found it; empty when nothing was saved."""
        self._parts = parts
        self._p = p
        self._first = first

    async def run(self, argv: Sequence[str], *, stdin: bytes = b"", seconds: float = 120.0) -> Finished:
        """A program of ours over the workspace, which it cannot write to."""
        return await self._run(argv, self._parts.workspaces.path(self._p.pid), stdin, seconds)

    async def decide(
        self,
        argv: Sequence[str],
        judge: Callable[[Finished], Verdict],
        *,
        stdin: bytes = b"",
        seconds: float = 120.0,
    ) -> Verdict:
        """What a program of the doer's choice finds, with nothing beside the work taking part in it."""
        meddling = await self._meddling()
        if not meddling:
            return judge(await self.run(argv, stdin=stdin, seconds=seconds))
        names = ", ".join(meddling[:5])
        async with self._copy_without(meddling) as folder:
            found = judge(await self._run(argv, folder, stdin, seconds))
        if found.outcome == "passed":
            return Verdict("passed", f"{found.detail} (without {names}, which would take part in the check)")
        if judge(await self.run(argv, stdin=stdin, seconds=seconds)).outcome != "passed":
            return found
        return Verdict(
            "failed", f"it passes only with {names}, which you added and which would take part in the check: have it pass "
            f"without. Without, {found.detail}",
        )  # fmt: skip

    def text(self, path: str) -> str | Verdict:
        """A text file of the workspace, opened without following links."""
        try:
            with (
                Workspace(self._parts.workspaces.path(self._p.pid)) as workspace,
                workspace.open(relative(path)) as file,
            ):
                data = file.read(MAX_TEXT + 1)
        except ToolFailed as failed:
            return Verdict("failed", f"the file {path!r} cannot be read: {failed}")
        except GlmosError as error:
            return Verdict("undecided", str(error))
        if len(data) > MAX_TEXT:
            return Verdict("undecided", f"the file {path!r} is larger than {MAX_TEXT >> 20} MB")
        return data.decode("utf-8", "replace")

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _run(self, argv: Sequence[str], folder: Path, stdin: bytes, seconds: float) -> Finished:
        return await self._parts.sandbox.run(
            argv, pid=self._p.pid, workspace=folder, writable=False, stdin=stdin, env=_ENVIRONMENT,
            limits=SandboxLimits(seconds=min(seconds, LONGEST)),
        )  # fmt: skip

    async def _meddling(self) -> list[str]:
        """Files added since the process began that would take part in a check unasked."""
        if not self._first:
            return []
        changes = await self._parts.workspaces.changes(self._p.pid, self._first)
        folder = self._parts.workspaces.path(self._p.pid)
        return [
            c.path
            for c in changes
            if c.kind == "added"
            and PurePosixPath(c.path).name not in self._p.goal
            and (takes_part(c.path) or _leads_out(folder, c.path))
        ]

    @contextlib.asynccontextmanager
    async def _copy_without(self, names: Sequence[str]) -> AsyncGenerator[Path]:
        """A copy of the workspace without `names`, for as long as it is needed."""
        workspaces, aside = self._parts.workspaces, -self._p.pid
        try:
            await workspaces.remove(aside)
            await workspaces.copy(self._p.pid, aside)
            with Workspace(workspaces.path(aside)) as workspace:
                for name in names:
                    workspace.delete(name)
            yield workspaces.path(aside)
        finally:
            await workspaces.remove(aside)


def takes_part(path: str) -> bool:
    """Whether a file with this name has a say in how programs of Python run, beside what it is named for."""
    pure = PurePosixPath(path)
    if pure.name in _SETTINGS or pure.suffix in (".pth", ".pyc") or pure.parts[0] == ".local":
        return True
    module = pure.parent.name if pure.name == "__init__.py" else pure.stem if pure.suffix in (".py", ".so") else ""
    return module.partition(".")[0] in _MODULES


def _leads_out(folder: Path, path: str) -> bool:
    """Whether `path` is a link to something outside the workspace."""
    try:
        target = (folder / path).readlink()
    except OSError:
        return False
    place = posixpath.normpath(posixpath.join(str(INSIDE), posixpath.dirname(path), str(target)))
    return not PurePosixPath(place).is_relative_to(INSIDE)
