"""A whole system for a test: the real kernel, runtime and workspaces, a scripted model, a store in memory.

    async with world(tmp_path, [call("note", text="ja"), call("finish", result="ja")]) as w:
        report = await w.system.run("say yes")
        assert report.status == "done"

The store can be kept and given to a second world, which is then a restart after a crash.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from glmos.abi.api import Finding, ModelView
from glmos.boot import assemble
from glmos.boot.settings import DEFAULTS, Settings
from glmos.boot.system import LocalSystem
from glmos.journal.stores.ram import RamStore
from glmos.ports import Clock, ModelDriver, Sandbox, Store, Tool, Workspaces
from glmos.sandbox.workspaces import DiskWorkspaces
from glmos.testing.bare import BareSandbox
from glmos.testing.models import ScriptedModel, call


class OneModel:
    """Routes that lead to one driver, and to another one for critics if there is one."""

    def __init__(self, driver: ModelDriver, critic: ModelDriver | None) -> None:
        self._driver = driver
        self._critic = critic

    def driver(self, name: str, *, purpose: str = "work") -> ModelDriver:
        return self._critic if purpose == "critic" and self._critic is not None else self._driver

    def choose(self, name: str) -> str:
        return name or "scripted"

    def use_environment(self, environment: Mapping[str, str]) -> None:
        return None

    async def refresh(self) -> None:
        return None

    def describe(self) -> list[ModelView]:
        return [ModelView("scripted", "testing", "scripted", True, True)]

    async def aclose(self) -> None:
        return None


def lenient_critic() -> ScriptedModel:
    """A critic that passes everything, for scenarios about something else."""
    return ScriptedModel(lambda request: call("verdict", outcome="passed", reason="it is as the goal says"))


class World(NamedTuple):
    system: LocalSystem
    model: Any
    """What was given as the script, as a driver: usually a `ScriptedModel`, whose `requests` can be looked at."""
    store: Store


@asynccontextmanager
async def world(
    folder: Path,
    script: Iterable[Any] | ModelDriver,
    *,
    tools: Sequence[Tool] = (),
    critic: ModelDriver | None = None,
    store: Store | None = None,
    sandbox: Sandbox | None = None,
    workspaces: Workspaces | None = None,
    clock: Clock | None = None,
    settings: Mapping[str, Any] | None = None,
    stopped_at: float | None = None,
) -> AsyncGenerator[World]:
    """A system in `folder`. Without a critic every plan gets a lenient one. `stopped_at`: see `boot.assemble`."""
    model = ScriptedModel(list(script)) if isinstance(script, Iterable) else script
    kept = store if store is not None else RamStore()
    values = DEFAULTS | dict(settings or {})

    async def healthy() -> AsyncGenerator[Finding]:
        yield Finding("testing", True, "a scripted world")

    async with assemble(
        store=kept,
        workspaces=workspaces or DiskWorkspaces(folder / "workspaces"),
        sandbox=sandbox or BareSandbox(nothing_is_isolated=True),
        tools={t.spec.name: t for t in tools},
        models=OneModel(model, critic or lenient_critic()),
        settings=Settings(values, dict.fromkeys(values, "default"), {}),
        doctor=healthy,
        clock=clock,
        stopped_at=stopped_at,
    ) as system:
        yield World(system, model, kept)
