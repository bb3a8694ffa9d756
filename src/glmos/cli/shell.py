"""What every command is given: the home, the environment, the terminal, and the way to the system."""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from glmos.cli.terminal import Terminal

if TYPE_CHECKING:
    from glmos.abi.events import ProcessRow
    from glmos.client import RemoteSystem

T = TypeVar("T")

MODEL_VARIABLES = (
    "GLMOS_MODEL", "ZAI_API_KEY", "ZAI_BASE_URL", "BIGMODEL_API_KEY", "ZHIPUAI_API_KEY", "OPENAI_API_KEY",
    "OPENAI_BASE_URL", "OPENAI_MODEL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "DEEPSEEK_API_KEY",
    "DASHSCOPE_API_KEY", "OPENROUTER_API_KEY",
)  # fmt: skip
"""The daemon outlives the terminal in which they are set, so they go along with the requests that need them. A test
compares them with the providers that the drivers know."""


class Shell:
    def __init__(self, *, daemon: Sequence[str] | None = None) -> None:
        """`daemon` is the command that starts one, if not this installation's."""
        self.environ = os.environ
        self._daemon = daemon
        self.home = Path(self.environ.get("GLMOS_HOME") or "~/.glmos").expanduser().absolute()
        self.terminal = Terminal()

    def model_environment(self) -> dict[str, str]:
        """The variables that concern models, those named by a `key_env` in the configuration included."""
        names = [*MODEL_VARIABLES, *_key_variables(self.home / "glmos.toml")]
        return {name: self.environ[name] for name in names if self.environ.get(name)}

    def processes(self, *, live_only: bool, limit: int | None) -> "list[ProcessRow]":
        """The listing; without an event loop where the daemon is there already, because people wait for it."""
        from glmos.client.direct import processes
        from glmos.client.problems import DaemonAbsent

        try:
            return processes(self.home, live_only=live_only, limit=limit)
        except DaemonAbsent:
            return self.use(lambda system: system.processes(live_only=live_only, limit=limit))

    def use(self, work: Callable[["RemoteSystem"], Awaitable[T]]) -> T:
        """Run `work` against the system of this home, whose daemon is started if it is not there.

        Raises: what the system raises, never a group of exceptions.
        """
        import anyio

        from glmos.client import RemoteSystem, ensure_daemon

        async def run() -> T:
            async def start_daemon() -> None:
                await ensure_daemon(self.home, self.environ, command=self._daemon)

            return await work(RemoteSystem(self.home, self.model_environment(), revive=start_daemon))

        try:
            return anyio.run(run)
        except BaseExceptionGroup as group:
            raise _first(group) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _key_variables(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError:
        return []
    import tomllib

    try:
        tree = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):  # the daemon says what is wrong with it
        return []

    def named(node: Any) -> list[str]:
        if isinstance(node, dict):
            mapping = cast("dict[str, Any]", node)
            here = [value for key, value in mapping.items() if key == "key_env" and isinstance(value, str)]
            return here + [name for child in mapping.values() for name in named(child)]
        return [name for child in cast("list[Any]", node) for name in named(child)] if isinstance(node, list) else []

    return named(tree)


pass_shell = click.make_pass_decorator(Shell)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class PidType(click.ParamType[int]):
    """A process by its number."""

    name = "pid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 2**62:
            self.fail(f"{text!r} is not a process number: `glmos ps --all` lists them.", param, ctx)
        return int(text)


PID = PidType()
