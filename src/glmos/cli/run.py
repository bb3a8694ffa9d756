"""`glmos run`: state a goal, watch it being reached, get the answer."""

import math
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glmos.cli import exits
from glmos.cli.shell import Shell, json_option, pass_shell
from glmos.cli.text import line

if TYPE_CHECKING:
    from glmos.abi.api import RunRequest
    from glmos.abi.budgets import Limits
    from glmos.cli.attend import Attended
    from glmos.client import RemoteSystem


class Amount(click.ParamType[float]):
    """A number above zero."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            self.fail(f"{value!r} is not a number above zero.", param, ctx)
        return number


def limit_options(command: Any) -> Any:
    """`--max-cost`, `--max-tokens`, `--max-seconds`, `--max-model-calls`, `--max-tool-calls`."""
    for option in (
        click.option("--max-tool-calls", type=Amount(), metavar="N", help="Call tools at most so often."),
        click.option("--max-model-calls", type=Amount(), metavar="N", help="Call models at most so often."),
        click.option("--max-seconds", type=Amount(), metavar="S", help="Stop after this much running time."),
        click.option("--max-tokens", type=Amount(), metavar="N", help="Spend at most this many tokens."),
        click.option("--max-cost", type=Amount(), metavar="USD", help="Spend at most this much money."),
    ):
        command = option(command)
    return command


def given_limits(options: Mapping[str, float | None]) -> dict[str, float]:
    """What was given of the `limit_options`, by the names of `Limits`."""
    names = {"max_cost": "usd"}
    named = {names.get(option, option.removeprefix("max_")): value for option, value in options.items()}
    return {k: v if k in ("usd", "seconds") else int(v) for k, v in named.items() if v is not None}


def limits_of(options: Mapping[str, float | None]) -> "Limits":
    from glmos.abi.budgets import Limits

    return Limits(**given_limits(options))  # type: ignore[arg-type]


@click.command()
@click.argument("goal")
@click.option("-f", "--file", "files", multiple=True, metavar="PATH", help="A file or folder to work with; repeatable.")
@click.option("-a", "--agent", default="", metavar="AGENT", help="The agent that pursues the goal.")
@click.option(
    "-m", "--model", default="", metavar="MODEL", help="nano, a configured name, provider:model, a URL, or weights."
)
@json_option
@click.option("--detach", is_flag=True, help="Print the process's number and return at once.")
@click.option("--yes", is_flag=True, help="Say yes in advance to everything it may ask approval for.")
@limit_options
@pass_shell
def run(
    shell: Shell,
    *,
    goal: str,
    files: tuple[str, ...],
    agent: str,
    model: str,
    as_json: bool,
    detach: bool,
    yes: bool,
    **limits: float | None,
) -> int:
    """Pursue GOAL until it is reached and checked; print the answer.

    GOAL is a sentence in any language, or - to read it from standard input.
    """
    from glmos.abi.api import RunRequest

    request = RunRequest(
        goal=_goal(goal),
        files=tuple(_absolute(path) for path in files),
        agent=agent,
        model=model_name(model),
        limits=limits_of(limits),
        approve_all=yes,
    )
    if detach:
        return _start_only(shell, request, as_json=as_json)

    async def work(system: "RemoteSystem") -> "Attended":
        from glmos.cli.attend import attend

        return await attend(shell, system, await system.start(request))

    return finish(shell, shell.use(work), as_json=as_json)


def finish(shell: Shell, attended: "Attended", *, as_json: bool) -> int:
    """Print what came of staying with a process; give the exit status."""
    from glmos.cli.outcome import print_outcome

    report, left = attended
    if not left:
        return print_outcome(shell.terminal, report, as_json=as_json)
    if as_json:
        shell.terminal.json(report)
    shell.terminal.say(
        f"Process {report.pid} goes on: `glmos log {report.pid} --follow` watches it, `glmos show {report.pid}` has "
        "its answer."
    )
    return exits.OK


def _start_only(shell: Shell, request: "RunRequest", *, as_json: bool) -> int:
    async def work(system: "RemoteSystem") -> Any:
        pid = await system.start(request)
        return await system.report(pid) if as_json else pid

    started = shell.use(work)
    if as_json:
        shell.terminal.json(started)
        return exits.OK
    shell.terminal.result(str(started))
    if shell.terminal.err_is_person:
        shell.terminal.say(f"glmos log {started} --follow  watches it; glmos show {started}  has its answer.")
    return exits.OK


def _goal(text: str) -> str:
    if text == "-":
        if sys.stdin.isatty():
            click.echo("Type the goal; Ctrl-D ends it.", err=True)
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip():
        raise click.UsageError("The goal is empty: say in a sentence what is to be done.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise click.UsageError(
            "The goal is not valid UTF-8: type it again, or pass it through a file with -."
        ) from None
    return text.strip()


def model_name(name: str) -> str:
    """A model as `-m` takes it; a path is made absolute, because the daemon stands elsewhere.

    Raises: click.UsageError.
    """
    from glmos.models.local.describe import is_path

    try:
        name.encode()
        if is_path(name) or (":" not in name and "/" in name and Path(name).exists()):
            return str(Path(name).expanduser().absolute())
    except (OSError, ValueError, RuntimeError) as error:
        shown = repr(os.fsencode(name).decode("utf-8", "backslashreplace"))
        why = (
            "its name is not valid UTF-8: rename it"
            if isinstance(error, UnicodeEncodeError)
            else str(error).rstrip(".")
        )
        raise click.UsageError(f"The model {shown} cannot be used: {why}.") from None
    return name


def _absolute(name: str) -> str:
    """Refuse early, before a daemon is started, what could not be copied anyway."""
    shown = repr(name) if name.isprintable() else repr(os.fsencode(name).decode("utf-8", "backslashreplace"))
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    try:
        name.encode()
        if not name:
            raise FileNotFoundError
        mode = path.stat().st_mode
    except UnicodeEncodeError:
        raise click.UsageError(f"The name of the file {shown} is not valid UTF-8: rename it.") from None
    except (FileNotFoundError, NotADirectoryError):
        raise click.UsageError(f"There is no file {shown}{_meant(path)}.") from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"The file {shown} cannot be used ({getattr(error, 'strerror', error)}).") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise click.UsageError(f"{shown} is neither a file nor a folder: save what it gives to a file first.")
    if not os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0)):
        raise click.UsageError(f"The file {shown} cannot be read by this user: change its permissions or copy it.")
    return str(path.absolute())


def _meant(path: Path) -> str:
    """A hint at what was meant, when a name nearby is almost the same."""
    import difflib

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" (nor a folder {str(path.parent)!r})" if str(path.parent) != "." else ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" (did you mean {line(str(path.parent / near[0]))!r}?)" if near else ""
