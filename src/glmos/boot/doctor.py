"""What the system needs of its machine, and what to do about what is missing."""

import platform
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import anyio.to_thread

from glmos.abi.api import Finding
from glmos.abi.errors import GlmosError, SandboxError
from glmos.journal.failures import SALVAGE
from glmos.journal.stores.salvage import check
from glmos.models.nano.reading import WEIGHTS
from glmos.ports import ModelRoutes, Sandbox
from glmos.tools.database.sources import Source

LOW_DISK = 500_000_000


async def examine(
    home: Path, sandbox: Sandbox, models: ModelRoutes, databases: Mapping[str, Source]
) -> AsyncGenerator[Finding]:
    """Look at everything, worst news included; nothing is changed."""
    yield Finding("python", sys.version_info >= (3, 11), f"{platform.python_version()} at {sys.executable}")
    yield await _sandbox(sandbox)
    free = shutil.disk_usage(home).free
    yield Finding("home", True, f"{home} is writable")
    yield await _journal(home)
    yield Finding("disk", free > LOW_DISK, f"{free / 1e9:.1f} GB free under {home}")
    there = (WEIGHTS / "nano.npz").exists()
    yield Finding(
        "nano", there, "the bundled model is there" if there else f"no weights in {WEIGHTS}: the rules work alone"
    )
    yield await _model(models)
    for source in databases.values():
        yield await _database(source)


async def _journal(home: Path) -> Finding:
    events, problems = await anyio.to_thread.run_sync(check, home / "journal.db")
    if not problems:
        return Finding("journal", True, f"{events:,} events, every checksum fits")
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return Finding("journal", False, f"{'; '.join(problems[:3])}{more}: {SALVAGE}")


async def _sandbox(sandbox: Sandbox) -> Finding:
    try:
        await sandbox.require()
    except SandboxError as error:
        text = str(error)
        return Finding("sandbox", False, text, _command(text))
    return Finding("sandbox", True, "bubblewrap works: own namespaces, no network, seccomp")


def _command(text: str) -> str:
    """The command in backticks that the error names."""
    parts = text.split("`")
    return parts[1] if len(parts) > 2 else ""


async def _database(source: Source) -> Finding:
    from glmos.tools.database.tool import reach

    problem = await reach(source)
    return Finding(f"database {source.name}", not problem, problem or f"{source.kind} answers")


async def _model(models: ModelRoutes) -> Finding:
    try:
        await models.refresh()
        name = models.choose("")
    except GlmosError as error:
        return Finding("model", False, str(error))
    detail = next((v.detail for v in models.describe() if v.default), "")
    return Finding("model", True, f"{name} ({detail})" if detail else name)
