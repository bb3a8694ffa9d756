"""All commands together, and every way in which one can end as an exit status and one sentence."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import glmos
from glmos.cli import exits
from glmos.cli.front import SECTIONS, front_page
from glmos.cli.shell import Shell
from glmos.cli.text import clean

MODULES = {name: module for section in SECTIONS.values() for name, (module, _) in section.items()}


class Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        command: click.Command = getattr(import_module(f"glmos.cli.{MODULES[cmd_name]}"), cmd_name)
        return command

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(front_page())


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(glmos.__version__, prog_name="glmos")
@click.pass_context
def commands(context: click.Context) -> None:
    """Everything a person types; `front` says what that is."""
    context.obj = context.obj or Shell()


def main(argv: Sequence[str] | None = None, *, shell: Shell | None = None) -> int:
    """Run the command line. No end of it shows a traceback."""
    try:
        result: Any = commands.main(args=argv, prog_name="glmos", standalone_mode=False, obj=shell)
        return result if isinstance(result, int) else exits.OK
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return exits.USAGE
    except click.ClickException as error:
        _complain(_usage(error))
        return exits.USAGE
    except (KeyboardInterrupt, click.Abort):
        return exits.KILLED
    except Exception as error:
        return _failed(error)


def _usage(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "glmos"
    known = message.endswith((".", "?")) and not isinstance(error, click.NoSuchOption | click.MissingParameter)
    return message if known else f"{message.rstrip('.')} (see `{where} --help`)."


def _failed(error: Exception) -> int:
    from glmos.abi.errors import GlmosError

    if isinstance(error, GlmosError):
        _complain(str(error))
        return exits.of_error(error)
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    _complain(f"this command met a bug ({what}); the details are in {str(_write_details(error))!r}.")
    return exits.FAILED


def _complain(sentence: str) -> None:
    sys.stderr.write(f"glmos: {clean(' '.join(sentence.split()))}\n")


def _write_details(error: Exception) -> Path:
    import time
    import traceback

    text = "".join(traceback.format_exception(error))
    name = f"glmos-bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (Shell().home, Path("/tmp")):
        try:
            (folder / name).write_text(text, "utf-8", "replace")
            return folder / name
        except OSError:
            continue
    return Path(os.devnull)
