"""GLM-OS itself: its real journal, HTTP driver and kernel, with the tool of the benchmark added.

Variants: what the tool declares of itself
    pure             it may be repeated
    irreversible     it cannot be taken back; the person has approved everything
    probed           irreversible, and it can find out from outside whether a call took effect
    reversible       it writes to its workspace alone

Settings that differ from the defaults, because the benchmark is a longer loop and more at once than a person's goals:
`limits.max_turns` (40), `runtime.model_calls_at_once` (64), `runtime.tools_at_once` (8). Everything else, the citation
check and the critic's call at the end included, is as it comes.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from peers.driving import Setting

if TYPE_CHECKING:
    from glmos.abi.tools import ProbeResult, ToolCall
    from glmos.boot.system import LocalSystem
    from glmos.ports import Tool, ToolContext

END = "finish"
SETTINGS = """\
default_model = "mock"
limits.max_turns = 100000
runtime.model_calls_at_once = 5000
runtime.tools_at_once = 1000

[models.mock]
provider = "compatible"
base_url = "{url}"
model = "{model}"
"""


def write_settings(home: Path, url: str, model: str, *, window: int = 0) -> None:
    """The settings of a home whose model is the mock server, with a context of `window` tokens if that is given."""
    home.mkdir(parents=True, exist_ok=True)
    text = SETTINGS.format(url=url, model=model) + (f"context_tokens = {window}\n" if window else "")
    (home / "glmos.toml").write_text(text, encoding="utf-8")


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._home = setting.folder / "home"
        self._open = AsyncExitStack()
        self.notes: dict[str, object] = {}
        """What was seen while a process went on after a crash."""

    def _tools(self) -> "Sequence[Tool]":
        from glmos import tool

        s = self._setting
        match s.variant:
            case "pure":
                return [tool(effect="pure", resident=True)(s.step)]
            case "probed":
                return [tool(effect="irreversible", resident=True, probe=self._probe)(s.step)]
            case "reversible":
                return [tool(effect="reversible", resident=True, name="step")(self._written())]
            case _:
                return [tool(effect="irreversible", resident=True)(s.step)]

    async def _probe(self, call: "ToolCall", context: "ToolContext") -> "ProbeResult":
        """Look into the outside ledger, as a tool would ask the service that it called."""
        from glmos.abi.tools import ProbeResult

        assert self._setting.ledger is not None
        begun = f"start {call.arguments['i']} " in self._setting.ledger.read_text(encoding="ascii")
        return ProbeResult("happened" if begun else "did_not_happen", "the ledger says so")

    def _written(self) -> "Callable[[int, ToolContext], Awaitable[str]]":
        from glmos.ports import ToolContext

        async def step(i: int, context: ToolContext) -> str:
            file = context.workspace / "steps.txt"
            file.write_text((file.read_text(encoding="ascii") if file.exists() else "") + f"{i}\n", encoding="ascii")
            return await self._setting.step(i)

        step.__doc__ = self._setting.step.__doc__
        return step

    async def start(self) -> None:
        import glmos

        write_settings(self._home, self._setting.url, self._setting.model)
        system = glmos.open(self._home, tools=self._tools(), environ={})
        self._system: LocalSystem = await self._open.enter_async_context(system)

    async def run(self, task: str) -> str:
        report = await self._system.run(self._setting.goal(task), approve_all=True)
        return report.answer if report.status == "done" else f"{report.status}: {report.reason}"

    async def resume(self, task: str) -> str:
        """Opening the home has brought the process back; a person answers what only a person can know."""
        report = await self._system.wait(1)
        asked = report.question
        if report.question_kind == "unknown_effect":
            await self._system.answer(1, "yes")
            report = await self._system.wait(1)
        log = await self._system.log(1)
        told = {type(entry.event).__name__ for entry in log}
        files = [Path(name) for name in report.files]
        self.notes = {
            "asked": asked, "probed": "ToolProbed" in told, "taken_back": "WorkspaceRestored" in told,
            "written": files[0].read_text(encoding="ascii").split() if files else None,
        }  # fmt: skip
        return f"{report.status}: {report.answer or report.reason}"

    async def stop(self) -> None:
        await self._open.aclose()
