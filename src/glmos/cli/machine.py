"""The machine itself: `models`, `tools`, `doctor`."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glmos.cli import exits
from glmos.cli.shell import Shell, json_option, pass_shell

if TYPE_CHECKING:
    from glmos.abi.api import Finding, Salvage
    from glmos.client import RemoteSystem


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(context: click.Context, as_json: bool) -> int:
    """List the models, and how to connect others.

    `glmos models pull` fetches weights to run on this machine.
    """
    return exits.OK if context.invoked_subcommand else _list_models(context.obj, as_json)


def _list_models(shell: Shell, as_json: bool) -> int:
    from glmos.cli.text import table

    views = shell.use(lambda system: system.models())
    if as_json:
        shell.terminal.json(views)
        return exits.OK
    rows = [
        ("*" if view.default else " ", view.name, view.model, "yes" if view.available else "no", view.detail)
        for view in views
    ]
    head = (" ", "NAME", "MODEL", "READY", "DETAIL")
    shell.terminal.result(table(head, rows, columns=shell.terminal.out_columns))
    return exits.OK


@models.command()
@click.argument("repository")
@click.argument("files", nargs=-1)
@pass_shell
def pull(shell: Shell, repository: str, files: tuple[str, ...]) -> int:
    """Fetch the weights REPOSITORY (ORG/NAME) from a hub; what is there already is not fetched again.

    FILES are patterns such as '*Q4_K_M.gguf', for repositories that hold many versions; by default all that running
    needs. HF_ENDPOINT names another hub, HF_TOKEN a key for it.
    """
    from glmos.models.local.pull import pull as fetch

    home = shell.home / "weights"
    found = fetch(repository, home, patterns=files, endpoint=shell.environ.get("HF_ENDPOINT") or None)
    shell.terminal.result(str(found))
    shell.terminal.say(f"Use it with `glmos run GOAL -m local:{found.relative_to(home)}`.")
    return exits.OK


@click.command()
@json_option
@pass_shell
def tools(shell: Shell, as_json: bool) -> int:
    """List the tools, with the effect of each action."""
    from glmos.cli.text import paragraph

    terminal = shell.terminal
    views = shell.use(lambda system: system.tools())
    if as_json:
        terminal.json(views)
        return exits.OK
    for view in views:
        actions = ", ".join(f"{name} ({effect})" for name, effect in view.actions)
        terminal.result(
            paragraph(view.summary, columns=terminal.out_columns, first=f"{view.name:<10}  ", rest=" " * 12)
        )
        terminal.result(paragraph(actions, columns=terminal.out_columns, first=" " * 12, rest=" " * 12))
    return exits.OK


@click.command()
@click.option("--fix", is_flag=True, help="Run the remedies without asking.")
@click.option("--salvage", "into", metavar="FOLDER", help="Save what a damaged home still holds into a new one.")
@json_option
@pass_shell
def doctor(shell: Shell, fix: bool, into: str | None, as_json: bool) -> int:
    """Find what is missing or damaged, and mend it."""
    if into is not None:
        return _save(shell, into, as_json)
    findings = _examine(shell)
    remedies = list(dict.fromkeys(f.remedy for f in findings if not f.ok and f.remedy))
    if not as_json:
        _print(shell, findings)
    ran = False
    for remedy in remedies:
        if fix or (not as_json and _agreed(shell, remedy)):
            shell.terminal.say(f"running: {remedy}")
            # Its output is for the person; standard output belongs to the findings.
            subprocess.run(["/bin/sh", "-c", remedy], stdout=2, check=False)
            ran = True
    if ran:
        findings = _examine(shell)
        if not as_json:
            _print(shell, findings)
    if as_json:
        shell.terminal.json(findings)
    return exits.OK if all(finding.ok for finding in findings) else exits.FAILED


def _examine(shell: Shell) -> "list[Finding]":
    """The system's own findings; when it does not even start, that is the finding."""
    from glmos.abi.api import Finding
    from glmos.abi.errors import GlmosError

    async def work(system: "RemoteSystem") -> "list[Finding]":
        import glmos
        from glmos.client import hello

        findings = await system.doctor()
        daemon = await hello(system.home)
        same = daemon.version == glmos.__version__
        detail = f"glmosd {daemon.version} serves {str(system.home)!r} as process {daemon.os_pid}"
        remedy = "" if same else f"kill {daemon.os_pid}"
        if not same:
            detail += f", but this is glmos {glmos.__version__}: it must be started again"
        return [Finding(what="daemon", ok=same, detail=detail, remedy=remedy), *findings]

    try:
        return shell.use(work)
    except GlmosError as error:
        findings = [Finding(what="daemon", ok=False, detail=str(error))]
        if "--salvage" in str(error):
            found = _salvage(shell, "")
            detail = f"{found.summary()} could be saved with `glmos doctor --salvage FOLDER`"
            findings.append(Finding(what="journal", ok=False, detail=detail))
        return findings


def _salvage(shell: Shell, into: str) -> "Salvage":
    """By a program of its own: this one is a thin client, and knows no journals."""
    import msgspec

    from glmos.abi.api import Salvage
    from glmos.abi.errors import DeviceError, UsageError

    words = [sys.executable, "-m", "glmos.boot.salvage", str(shell.home), *(["--into", into] if into else [])]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise (UsageError if done.returncode == 2 else DeviceError)(said)
    return msgspec.json.decode(done.stdout, type=Salvage)


def _save(shell: Shell, into: str, as_json: bool) -> int:
    from glmos.cli.text import paragraph, table

    _stop_daemon(shell)
    found = _salvage(shell, str(Path(into).expanduser().absolute()))
    terminal = shell.terminal
    if as_json:
        terminal.json(found)
        return exits.OK if found.whole or not found.processes else exits.FAILED
    hurt = [p for p in found.processes if p.why]
    if hurt:
        rows = [(str(p.pid), p.status, f"{p.events} of {p.of}", p.why, p.goal) for p in hurt]
        terminal.result(
            table(("PID", "STATUS", "EVENTS", "WHY NO FURTHER", "GOAL"), rows, columns=terminal.out_columns)
        )
    for text in (*found.problems, *(f"the payload {ref} is lost" for ref in found.lost_blobs)):
        terminal.result(paragraph(text, columns=terminal.out_columns, first="✗ ", rest="  "))
    terminal.result(f"Saved into {found.into!r}: {found.summary()}.")
    ways = f"`GLMOS_HOME={found.into} glmos ps --all` lists them; what had not ended is suspended until you `resume` it"
    terminal.result(paragraph(f"{ways}.", columns=terminal.out_columns, first=""))
    return exits.OK if found.whole or not found.processes else exits.FAILED


def _stop_daemon(shell: Shell) -> None:
    """Raises: ConflictError when it has something to do."""
    import anyio

    from glmos.abi.errors import ConflictError
    from glmos.client import DaemonAbsent, RemoteSystem

    async def stop() -> bool:
        try:
            return await RemoteSystem(shell.home).shutdown()
        except DaemonAbsent:
            return True

    if not anyio.run(stop):
        raise ConflictError("Processes are running in this home: suspend or kill them first (`glmos ps`).")


def _print(shell: Shell, findings: "list[Finding]") -> None:
    from glmos.cli.text import paragraph

    columns = shell.terminal.out_columns
    for finding in findings:
        mark = "✓" if finding.ok else "✗"
        text = paragraph(finding.detail, columns=columns, first=f"{mark} {finding.what:<12} ", rest=" " * 15)
        shell.terminal.result(text)
        if finding.remedy and not finding.ok:
            shell.terminal.result(paragraph(finding.remedy, columns=None, first=" " * 15 + "mend it: "))


def _agreed(shell: Shell, remedy: str) -> bool:
    return shell.terminal.can_ask and click.confirm(f"Run `{remedy}` now?", default=False, err=True)
