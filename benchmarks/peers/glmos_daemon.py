"""GLM-OS as a daemon, asked through its socket as the command line does; the tool is an installed package's.

Variants: `pure` and `irreversible`, as in `glmos_system`. CPU counts the daemon and the client.
"""

from peers import plugin
from peers.daemon import Daemon
from peers.driving import Setting
from peers.glmos_system import write_settings

END = "finish"


class Driver:
    """Implements `driving.Driving`."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._home = setting.folder / "home"

    async def start(self) -> None:
        from glmos.client import RemoteSystem

        s = self._setting
        write_settings(self._home, s.url, s.model + ("" if s.variant == "pure" else "_tool-send"))
        self._daemon = Daemon(self._home, environ=plugin.installed(s.folder / "plugin"), core=None)
        self._daemon.__enter__()
        self._system = RemoteSystem(self._home)

    def others(self) -> float:
        """CPU seconds of the daemon."""
        return self._daemon.cpu()

    async def run(self, task: str) -> str:
        from glmos.abi.api import RunRequest

        pid = await self._system.start(RunRequest(self._setting.goal(task), approve_all=True))
        report = await self._system.wait(pid)
        return report.answer if report.status == "done" else f"{report.status}: {report.reason}"

    async def resume(self, task: str) -> str:
        raise NotImplementedError("see recovery.py")

    async def stop(self) -> None:
        self._daemon.__exit__(None, None, None)
