"""Acting on processes: `kill`, `suspend`, `resume`, `renice`, `fork`, `undo`, `answer`, `approve`, `deny`."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from glmos.cli import exits
from glmos.cli.run import finish, given_limits, limit_options, model_name
from glmos.cli.shell import PID, Shell, json_option, pass_shell

if TYPE_CHECKING:
    from glmos.abi.budgets import Limits
    from glmos.cli.attend import Attended
    from glmos.client import RemoteSystem

wait_option = click.option("--wait", is_flag=True, help="Then stay with it, as `run` does.")


def act(
    shell: Shell,
    pid: int,
    action: "Callable[[RemoteSystem], Awaitable[object]]",
    *,
    did: str,
    as_json: bool,
    wait: bool = False,
) -> int:
    """Carry out `action` on a process, then say so, or stay with it."""

    async def work(system: "RemoteSystem") -> "Attended":
        from glmos.cli.attend import Attended, attend

        await action(system)
        return await attend(shell, system, pid) if wait else Attended(await system.report(pid), left=False)

    attended = shell.use(work)
    if wait:
        return finish(shell, attended, as_json=as_json)
    if as_json:
        shell.terminal.json(attended.report)
    else:
        shell.terminal.say(f"Process {pid} {did}.")
    return exits.OK


@click.command()
@click.argument("pid", type=PID)
@json_option
@pass_shell
def kill(shell: Shell, pid: int, as_json: bool) -> int:
    """End a process and everything it started. It stays in the journal."""
    return act(shell, pid, lambda system: system.signal(pid, "kill"), did="is killed", as_json=as_json)


@click.command()
@click.argument("pid", type=PID)
@json_option
@pass_shell
def suspend(shell: Shell, pid: int, as_json: bool) -> int:
    """Stop a process where it is, until `resume`."""
    return act(shell, pid, lambda system: system.signal(pid, "suspend"), did="is suspended", as_json=as_json)


@click.command()
@click.argument("pid", type=PID)
@click.option("-m", "--model", default=None, metavar="MODEL", help="Go on with another model.")
@limit_options
@wait_option
@json_option
@pass_shell
def resume(
    shell: Shell,
    *,
    pid: int,
    model: str | None,
    wait: bool,
    as_json: bool,
    **limits: float | None,
) -> int:
    """Let a suspended or ended process go on.

    What had stopped it can be changed: a limit that is given replaces the old one, the others stay as they are. One that
    is running gets the new limits and goes on.
    """
    from glmos.abi.errors import ConflictError

    changes = given_limits(limits)

    async def go_on(system: "RemoteSystem") -> None:
        if changes or model is not None:
            changed = await _changed_limits(system, pid, changes) if changes else None
            await system.adjust(pid, limits=changed, model=model if model is None else model_name(model))
        try:
            await system.signal(pid, "resume")
        except ConflictError:
            if not (changes or model) or (await system.report(pid)).status not in ("running", "waiting"):
                raise

    return act(shell, pid, go_on, did="goes on", as_json=as_json, wait=wait)


async def _changed_limits(system: "RemoteSystem", pid: int, changes: dict[str, float]) -> "Limits":
    """The process's limits as its log has them, with `changes`."""
    import msgspec

    from glmos.abi.budgets import Limits
    from glmos.abi.events import LimitsChanged, ProcessCreated

    limits = Limits()
    for entry in await system.log(pid):
        if isinstance(entry.event, ProcessCreated | LimitsChanged):
            limits = entry.event.limits
    return msgspec.structs.replace(limits, **changes)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("pid", type=PID)
@click.argument("priority", metavar="N", type=click.IntRange(-20, 19))
@json_option
@pass_shell
def renice(shell: Shell, pid: int, priority: int, as_json: bool) -> int:
    """Give a process the priority N, from -20 to 19. Higher runs first."""
    did = f"has priority {priority}"
    return act(shell, pid, lambda system: system.renice(pid, priority), did=did, as_json=as_json)


@click.command()
@click.argument("pid", type=PID)
@click.option("--at", type=click.IntRange(min=1), default=None, metavar="SEQ", help="After this event; else the last.")
@json_option
@pass_shell
def fork(shell: Shell, pid: int, at: int | None, as_json: bool) -> int:
    """Start a new process from a moment of another.

    Its number is printed."""

    async def work(system: "RemoteSystem") -> Any:
        child = await system.fork(pid, at)
        return await system.report(child) if as_json else child

    forked = shell.use(work)
    if as_json:
        shell.terminal.json(forked)
    else:
        shell.terminal.result(str(forked))
    return exits.OK


@click.command()
@click.argument("pid", type=PID)
@click.option("--to", "step", default=None, metavar="STEP", help="To the beginning of this step; else of the last.")
@json_option
@pass_shell
def undo(shell: Shell, pid: int, step: str | None, as_json: bool) -> int:
    """Take a process back to the beginning of a step.

    Its files are restored and what can be undone is undone; what cannot is listed. It is suspended then.
    """
    terminal = shell.terminal
    report = shell.use(lambda system: system.undo(pid, step))
    if as_json:
        terminal.json(report)
        return exits.OK
    files = "its files are as they were" if report.restored else "its files were not touched"
    terminal.say(f"Process {pid} is back at the beginning of step {report.step}, suspended; {files}.")
    for call in report.compensated:
        terminal.say(f"  undone: {call}")
    for sentence in report.seen:
        terminal.say(f"  {sentence}")
    for sentence in report.left:
        terminal.say(f"  could not be taken back: {sentence}")
    terminal.say(f"  `glmos resume {pid}` goes on from there.")
    return exits.OK


@click.command()
@click.argument("pid", type=PID)
@click.argument("text")
@wait_option
@json_option
@pass_shell
def answer(shell: Shell, pid: int, text: str, wait: bool, as_json: bool) -> int:
    """Answer what a process asks."""
    if not text.strip():
        raise click.UsageError("The answer is empty.")
    return act(shell, pid, lambda system: system.answer(pid, text), did="has its answer", as_json=as_json, wait=wait)


@click.command()
@click.argument("pid", type=PID)
@wait_option
@json_option
@pass_shell
def approve(shell: Shell, pid: int, wait: bool, as_json: bool) -> int:
    """Say yes to what a process wants to do."""
    return act(shell, pid, lambda system: system.approve(pid, True), did="may do it", as_json=as_json, wait=wait)


@click.command()
@click.argument("pid", type=PID)
@wait_option
@json_option
@pass_shell
def deny(shell: Shell, pid: int, wait: bool, as_json: bool) -> int:
    """Say no to what a process wants to do."""
    return act(shell, pid, lambda system: system.approve(pid, False), did="may not do it", as_json=as_json, wait=wait)


@click.command()
@click.argument("pid", type=PID)
@click.argument("what")
@click.argument("text")
@wait_option
@json_option
@pass_shell
def correct(shell: Shell, *, pid: int, what: str, text: str, wait: bool, as_json: bool) -> int:
    """Say what is wrong; what rests on it is done again.

    WHAT is a call, such as c3, that told something wrong: TEXT is what it should have told. Or it is a step whose result is
    wrong: TEXT says why. Steps that do not rest on it stand; `glmos explain` says which were done again, and why.
    """
    if not text.strip():
        raise click.UsageError("The correction is empty.")
    did = f"knows better than {what}"
    return act(shell, pid, lambda system: system.correct(pid, what, text), did=did, as_json=as_json, wait=wait)
