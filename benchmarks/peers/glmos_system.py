"""GLM-OS itself: its real journal, HTTP driver and kernel, with the tool of the benchmark added.

Variants
    pure             the tool is declared pure: after a crash it is made again
    irreversible     the tool cannot be taken back, and the person has approved everything: after a crash a person is asked
    probed           irreversible, and the tool can find out from outside whether a call took effect

Settings that differ from the defaults, because the benchmark is a longer loop and more at once than a person's goals:
`limits.max_turns` (40), `runtime.model_calls_at_once` (64), `runtime.tools_at_once` (8). Everything else, the citation
check and the critic's call at the end included, is as it comes.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from peers.driving import Setting

if TYPE_CHECKING:
    from glmos.boot.system import LocalSystem
    from glmos.ports import Tool

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


def write_settings(home: Path, url: str, model: str) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "glmos.toml").write_text(SETTINGS.format(url=url, model=model), encoding="utf-8")


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._home = setting.folder / "home"
        self._open = AsyncExitStack()

    def _tools(self) -> "Sequence[Tool]":
        from glmos import tool

        pure = self._setting.variant == "pure"
        return [tool(effect="pure" if pure else "irreversible", resident=True)(self._setting.step)]

    async def start(self) -> None:
        import glmos

        write_settings(self._home, self._setting.url, self._setting.model)
        system = glmos.open(self._home, tools=self._tools(), environ={})
        self._system: LocalSystem = await self._open.enter_async_context(system)

    async def run(self, task: str) -> str:
        report = await self._system.run(self._setting.goal(task), approve_all=True)
        return report.answer if report.status == "done" else f"{report.status}: {report.reason}"

    async def resume(self, task: str) -> str:
        raise NotImplementedError

    async def stop(self) -> None:
        await self._open.aclose()
