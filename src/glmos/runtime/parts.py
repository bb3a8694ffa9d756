"""What a runtime is made of, as `boot` puts it together."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from glmos.abi.api import Progress
from glmos.abi.errors import NotFoundError
from glmos.abi.messages import ToolSchema
from glmos.kernel.budget import Ledger
from glmos.kernel.rules import Rules
from glmos.ports import Clock, ModelRoutes, Sandbox, Store, Tool, ToolContext, Workspaces
from glmos.runtime.scheduler import Scheduler
from glmos.runtime.timekeeping import Timekeeper


class Parts(NamedTuple):
    store: Store
    workspaces: Workspaces
    sandbox: Sandbox
    tools: Mapping[str, Tool]
    models: ModelRoutes
    clock: Clock
    scheduler: Scheduler
    ledger: Ledger
    rules: Rules
    progress: Callable[[Progress], None]
    """Passing signs of life, for whoever looks."""
    timekeeper: Timekeeper
    offers: dict[tuple[str, ...], tuple[ToolSchema, ...]]
    """By the tools a process is held to, what every request of it offers: made once for all that are held to the same."""
    crash_point: Callable[[str], None] = lambda _: None
    """Called with a name at the moments in which a crash is hardest to get over, for tests that die there."""

    def tool(self, name: str) -> Tool:
        if name not in self.tools:
            raise NotFoundError(f"the tool {name!r} is not installed any more; there are: {', '.join(self.tools)}")
        return self.tools[name]

    def context(self, pid: int) -> ToolContext:
        def told(text: str) -> None:
            self.progress(Progress(pid, "tool", text))

        return ToolContext(self.workspaces.path(pid), self.sandbox, told)
