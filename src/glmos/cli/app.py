"""All commands together, and every way in which one can end as an exit status and one sentence."""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import glmos
from glmos.cli import config, control, exits, machine, processes
from glmos.cli.run import run
from glmos.cli.shell import Shell
from glmos.cli.text import clean

SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Reach a goal": (run, control.answer, control.approve, control.deny),
    "Look": (processes.ps, processes.show, processes.log, processes.explain),
    "Act on a process": (
        control.kill, control.suspend, control.resume, control.renice, control.fork, control.undo,
    ),
    "The machine": (machine.models, machine.tools, machine.doctor, config.config),
}  # fmt: skip


class Commands(click.Group):
    """Lists its commands by what they are for."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(str(c.name), c.get_short_help_str(limit=62)) for c in commands])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(glmos.__version__, prog_name="glmos")
@click.pass_context
def commands(context: click.Context) -> None:
    """GLM-OS: state a goal; it is planned, done with real tools, checked, and answered with evidence.

    \b
      glmos run "Which region had the highest sales in 2025?" -f sales.csv

    Exit status: 0 done and verified, 1 failed, 2 wrong usage, 3 finished but unverified, 4 waiting for a person,
    5 refused (budget, permission), 130 killed.
    """
    context.obj = context.obj or Shell()


for _section in SECTIONS.values():
    for _command in _section:
        commands.add_command(_command)


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
    text = "".join(traceback.format_exception(error))
    name = f"glmos-bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (Shell().home, Path("/tmp")):
        try:
            (folder / name).write_text(text, "utf-8", "replace")
            return folder / name
        except OSError:
            continue
    return Path(os.devnull)
