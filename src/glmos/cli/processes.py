"""Looking at processes: `ps`, `show`, `log`, `explain`."""

import time
from typing import TYPE_CHECKING

import click

from glmos.cli import exits
from glmos.cli.shell import PID, Shell, json_option, pass_shell

if TYPE_CHECKING:
    from glmos.abi.api import ClaimView, Explanation, Report
    from glmos.abi.events import Entry, ProcessRow
    from glmos.client import RemoteSystem


SHOWN = 200
"""Processes that `ps` lists unless told otherwise: more are not read by a person, and slow to print."""


@click.command()
@click.option("--all", "-a", "everything", is_flag=True, help="Also those that have ended.")
@click.option(
    "--limit", type=click.IntRange(min=0), metavar="N",
    help=f"The newest N only; 0 for all. Without --json, {SHOWN} by default.",
)  # fmt: skip
@json_option
@pass_shell
def ps(shell: Shell, everything: bool, limit: int | None, as_json: bool) -> int:
    """List the processes."""
    from glmos.cli.text import table

    terminal = shell.terminal
    most = limit if limit is not None or as_json else SHOWN
    rows = shell.processes(live_only=not everything, limit=most or None)
    if most and len(rows) == most:
        terminal.say(f"The newest {most}; `glmos ps --limit 0` lists all.")
    if as_json:
        terminal.json(rows)
    elif rows:
        terminal.result(
            table(("PID", "STATUS", "MODEL", "COST", "AGE", "GOAL"), _cells(rows), columns=terminal.out_columns)
        )
    else:
        terminal.say(
            "No processes." if everything else "No live processes: `glmos ps --all` shows those that have ended."
        )
    return exits.OK


def _cells(rows: "list[ProcessRow]") -> list[tuple[str, ...]]:
    from glmos.cli.text import duration, fit, money

    now = time.time()
    return [
        (
            str(row.pid),
            fit(f"{row.status}: {row.phase}" if row.status == "running" and row.phase else row.status, 18),
            fit(row.model or "-", 16),
            money(row.usage.usd) if row.usage.usd else "-",
            duration(now - row.created),
            ("└ " if row.parent else "") + row.goal,
        )
        for row in rows
    ]


@click.command()
@click.argument("pid", type=PID)
@json_option
@pass_shell
def show(shell: Shell, pid: int, as_json: bool) -> int:
    """Show what a process did and what came of it."""
    report = shell.use(lambda system: system.report(pid))
    if as_json:
        shell.terminal.json(report)
    else:
        shell.terminal.result("\n".join(_shown(report, columns=shell.terminal.out_columns)))
    return exits.OK


def _shown(report: "Report", *, columns: int | None) -> list[str]:
    from glmos.cli.outcome import costs, evidence, how_to_answer, step_lines, verdict
    from glmos.cli.text import line, paragraph

    def field(name: str, text: str) -> list[str]:
        return [paragraph(text, columns=columns, first=f"{name:<10}", rest=" " * 10)] if text.strip() else []

    doing = f" ({report.phase})" if report.phase and report.status in {"ready", "running"} else ""
    lines = [f"process {report.pid}: {report.status}{doing}"]
    lines += field("goal", report.goal)
    lines += field("model", report.model)
    lines += field("parent", str(report.parent or ""))
    lines += field("children", ", ".join(map(str, report.children)))
    lines += field("answer", report.answer)
    lines += field("verdict", verdict(report) if report.status not in {"ready", "running"} else "")
    if report.status == "waiting":
        lines += [how_to_answer(report)]
    for heading, block in (
        ("steps", [text for step in report.steps for text in step_lines(step, columns=columns)]),
        ("evidence", evidence(report, columns=columns)),
        ("files", [f"  {line(path)}" for path in report.files]),
    ):
        lines += [heading, *block] if block else []
    lines += field("workspace", report.workspace)
    return [*lines, *field("cost", costs(report.cost, report.seconds))]


@click.command()
@click.argument("pid", type=PID)
@click.option("--follow", is_flag=True, help="Go on printing until the process rests.")
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="SEQ", help="Only what came after this event.")
@json_option
@pass_shell
def log(shell: Shell, pid: int, follow: bool, after: int, as_json: bool) -> int:
    """Print the events of a process, one on each line."""

    def show_entry(entry: "Entry") -> None:
        if as_json:
            import msgspec

            shell.terminal.result(msgspec.json.encode(entry).decode())
        else:
            shell.terminal.result(_logged(entry, columns=shell.terminal.out_columns))

    async def work(system: "RemoteSystem") -> None:
        from glmos.abi.events import Entry

        if not follow:
            for entry in await system.log(pid, after=after):
                show_entry(entry)
            return
        async with system.follow(pid, after=after) as items:
            async for item in items:
                if isinstance(item, Entry):
                    show_entry(item)

    shell.use(work)
    return exits.OK


def _logged(entry: "Entry", *, columns: int | None) -> str:
    from glmos.cli.narrate import essentials, kind

    at = time.strftime("%H:%M:%S", time.localtime(entry.at))
    text = f"{at} {entry.seq:>4}  {kind(entry.event):<18} {essentials(entry.event)}".rstrip()
    return line_kept(text) if columns is None else fit_kept(text, columns)


def line_kept(text: str) -> str:
    """On one line, its own spacing kept."""
    from glmos.cli.text import clean

    return clean(text).replace("\n", " ")


def fit_kept(text: str, columns: int) -> str:
    import wcwidth

    text = line_kept(text)
    return text if wcwidth.width(text) <= columns else wcwidth.clip(text, 0, columns - 1).rstrip() + "…"


@click.command()
@click.argument("pid", type=PID)
@json_option
@pass_shell
def explain(shell: Shell, pid: int, as_json: bool) -> int:
    """Say why the answer should be believed, claim by claim."""
    explanation = shell.use(lambda system: system.explain(pid))
    if as_json:
        shell.terminal.json(explanation)
    else:
        shell.terminal.result("\n".join(_explained(explanation, columns=shell.terminal.out_columns)))
    return exits.OK


def _explained(explanation: "Explanation", *, columns: int | None) -> list[str]:
    from glmos.cli.outcome import step_lines
    from glmos.cli.text import paragraph

    lines = [
        paragraph(explanation.goal, columns=columns, first="goal    ", rest=" " * 8),
        paragraph(explanation.answer or "(none)", columns=columns, first="answer  ", rest=" " * 8),
        paragraph(
            explanation.status + (f": {explanation.reason}" if explanation.reason else ""),
            columns=columns, first="status  ", rest=" " * 8,
        ),
    ]  # fmt: skip
    for number, claim in enumerate(explanation.claims, 1):
        lines += ["", *_claim(number, claim, columns=columns)]
    if not explanation.claims:
        lines += ["", "The answer makes no claim that is tied to an observation."]
    if explanation.steps:
        lines += ["", "steps and their checks"]
        lines += [text for step in explanation.steps for text in step_lines(step, columns=columns)]
    return lines


def _claim(number: int, claim: "ClaimView", *, columns: int | None) -> list[str]:
    from glmos.cli.narrate import arguments
    from glmos.cli.outcome import check_line
    from glmos.cli.text import line, paragraph

    lines = [paragraph(claim.claim, columns=columns, first=f"{number}. ", rest="   ")]
    for source in claim.sources:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(source.at))
        events = ", ".join(map(str, source.events))
        found = "stands in the observation" if source.found else "does NOT stand in the observation"
        lines += [
            paragraph(f"“{line(source.quote)}” {found}", columns=columns, first="   quote    ", rest=" " * 12),
            paragraph(
                f"{source.call}  {source.tool}.{source.action}  {arguments(source.arguments)}",
                columns=columns, first="   from     ", rest=" " * 12,
            ),
            paragraph(
                f"events {events}, {at}, {source.integrity}{f', step {source.step}' if source.step else ''}",
                columns=columns, first="   where    ", rest=" " * 12,
            ),
        ]  # fmt: skip
        if line(source.excerpt) != line(source.quote):
            lines.append(paragraph(source.excerpt, columns=columns, first="   context  ", rest="          | "))
    lines += [check_line(check, columns=columns, indent="   check    ") for check in claim.checks]
    return lines
