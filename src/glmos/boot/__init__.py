"""The composition root: configuration in, a running system out. The only place where concrete parts meet.

The boot story, in order: settings, the lock on the home, the journal, workspaces and sandbox, tools, models, the
machine; then every unfinished process is brought back. Closing goes the other way.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio

from glmos.boot.clocks import SteadyClock, WallClock
from glmos.boot.identity import identity
from glmos.boot.settings import Settings, load
from glmos.boot.system import Doctor, LocalSystem
from glmos.kernel.budget import Ledger
from glmos.kernel.rules import Rules
from glmos.ports import Clock, ModelDriver, ModelRoutes, Sandbox, Store, Tool, Workspaces
from glmos.runtime.hub import Hub
from glmos.runtime.lookback import Look
from glmos.runtime.machine import Machine
from glmos.runtime.parts import Parts
from glmos.runtime.scheduler import Scheduler
from glmos.runtime.timekeeping import Timekeeper


@asynccontextmanager
async def open_system(
    home: Path,
    environ: Mapping[str, str],
    *,
    tools: Sequence[Tool] = (),
    crash_points: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[LocalSystem]:
    """A running system over `home`, which nobody else may own meanwhile.

    Args:
        environ: Where keys and addresses of models are looked up.
        tools: More tools, beside the standard and the installed ones.
        crash_points: For tests: called with the name of each place of `glmos.testing.crash_points` that is reached.

    Raises:
        ConflictError: Another daemon or program owns the home.
        StoreError: The home cannot be written, or its journal is damaged.
        UsageError: The settings make no sense.
    """
    from glmos.boot.doctor import examine
    from glmos.journal.lock import HomeLock
    from glmos.journal.pulse import Pulse
    from glmos.journal.stores.sqlite import SqliteStore
    from glmos.models.routes import Routes
    from glmos.sandbox.bubblewrap import BubblewrapSandbox
    from glmos.sandbox.workspaces import DiskWorkspaces
    from glmos.tools.database.sources import read_sources
    from glmos.tools.registry import installed

    settings = load(home, environ)
    with HomeLock(home):
        store = await SqliteStore.open(home, crash_points=crash_points)
        try:
            workspaces = DiskWorkspaces(home / "workspaces", crash_points=crash_points)
            sandbox = BubblewrapSandbox()
            await sandbox.sweep()
            table = {"models": settings.models} | {k: settings.values[k] for k in ("default_model", "critic_model")}
            routes = Routes(table, environ, _nano, weights_home=home / "weights")
            databases = read_sources(settings.databases, home)
            known_as = identity(home) if databases else ""
            found = {t.spec.name: t for t in installed(own=tools, databases=databases, home=known_as)}
            clock = SteadyClock(WallClock())
            pulse = Pulse(home, clock.now)
            try:
                async with pulse.beating(), assemble(
                    store=store, workspaces=workspaces, sandbox=sandbox, tools=found, models=routes, settings=settings,
                    doctor=partial(examine, home, sandbox, routes, databases), crash_points=crash_points,
                    clock=clock, stopped_at=pulse.last,
                ) as system:  # fmt: skip
                    yield system
            finally:
                with anyio.CancelScope(shield=True):
                    await sandbox.aclose()
                    await workspaces.aclose()
                    await routes.aclose()
        finally:
            with anyio.CancelScope(shield=True):
                await store.aclose()


def _nano() -> ModelDriver:
    from glmos.models.nano.driver import NanoDriver

    return NanoDriver()


@asynccontextmanager
async def assemble(
    *,
    store: Store,
    workspaces: Workspaces,
    sandbox: Sandbox,
    tools: Mapping[str, Tool],
    models: ModelRoutes,
    settings: Settings,
    doctor: Doctor,
    clock: Clock | None = None,
    crash_points: Callable[[str], None] = lambda _: None,
    stopped_at: float | None = None,
) -> AsyncGenerator[LocalSystem]:
    """A running system of these parts; unfinished processes of the store are brought back.

    Args:
        clock: The time of day must go on as time passes, whatever is done to the clock of the machine: see `SteadyClock`.
        stopped_at: The latest moment at which the last system over this store can have ended, if it is known.
    """
    hub = Hub()
    everything = {**tools, "look": Look(store)}
    values = settings.values
    rules = Rules(
        tools={name: tool.spec for name, tool in everything.items()},
        critic=values["check.critic"],
        max_attempts=values["limits.max_attempts"],
        max_revisions=values["limits.max_revisions"],
        max_turns=values["limits.max_turns"],
    )
    scheduler = Scheduler(values["runtime.model_calls_at_once"], {"tools": values["runtime.tools_at_once"]})
    time_of = clock or SteadyClock(WallClock())
    ledger = Ledger(time_of.now)
    parts = Parts(
        store, workspaces, sandbox, everything, models, time_of, scheduler, ledger, rules, hub.tell, Timekeeper(ledger),
        offers={}, crash_point=crash_points,
    )  # fmt: skip
    async with anyio.create_task_group() as tasks:
        machine = Machine(parts, hub, tasks, stopped_at=stopped_at)
        await machine.recover()
        try:
            yield LocalSystem(machine, hub, settings, doctor)
        finally:
            # Processes are not ended: whatever is under way has no receipt and is settled at the next start.
            tasks.cancel_scope.cancel()
