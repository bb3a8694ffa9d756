"""What a process came to: the answer on standard output, the rest for a person on standard error."""

from glmos.abi.api import CheckView, CostView, Report, StepView
from glmos.cli import exits
from glmos.cli.terminal import Terminal
from glmos.cli.text import count, duration, line, money, paragraph, plural

MAX_EVIDENCE = 8


def print_outcome(terminal: Terminal, report: Report, *, as_json: bool) -> int:
    """Print it; give the exit status."""
    if as_json:
        terminal.json(report)
    elif report.answer:
        if terminal.err_is_person and terminal.out_is_person:
            terminal.say("")
        terminal.result(report.answer)
        if terminal.err_is_person and terminal.out_is_person:
            terminal.say("")
    status = exits.BY_STATUS.get(report.status, exits.FAILED)
    if terminal.err_is_person and not as_json:
        for text in summary(report, columns=terminal.columns):
            terminal.say(text)
    elif status != exits.OK:
        terminal.say(verdict(report))
    if report.status == "waiting":
        terminal.say(how_to_answer(report))
    return status


def verdict(report: Report) -> str:
    """In one line: whether to believe it."""
    checks = [check for step in report.steps for check in step.checks]
    passed = [check for check in checks if check.passed]
    reason = line(report.reason)
    match report.status:
        case "done":
            return f"✓ checked: {plural(len(passed), 'check')} passed ({_kinds(passed)})" if passed else "✓ done"
        case "unverified":
            open_checks = [check for check in checks if check.passed is None]
            what = reason or "; ".join(f"{c.kind}: {line(c.detail)}" for c in open_checks) or "nothing could check it"
            return f"? unverified: {what}"
        case "failed":
            return f"✗ failed: {reason}"
        case "refused":
            hint = f"`glmos resume {report.pid}` goes on, with a higher --max-cost, --max-tokens or --max-seconds"
            return f"✗ refused: {reason}" + ("" if "resume" in reason else f" ({hint})")
        case "killed":
            return f"✗ killed: process {report.pid}; `glmos resume {report.pid}` takes it up again"
        case "suspended":
            return f"‖ suspended: process {report.pid}; `glmos resume {report.pid}` goes on"
        case "waiting":
            return f"? process {report.pid} waits for you: {line(report.question or reason)}"
        case _:
            return f"process {report.pid} is {report.status}"


def how_to_answer(report: Report) -> str:
    """The command that answers what the process asks."""
    if report.question_kind == "question" or not report.question_kind:
        options = f" (TEXT: {' / '.join(line(option) for option in report.options)})" if report.options else ""
        return f"  answer it: glmos answer {report.pid} TEXT{options}"
    return f"  answer it: glmos approve {report.pid}  or  glmos deny {report.pid}"


def summary(report: Report, *, columns: int | None) -> list[str]:
    """For a person: verdict, evidence, files, cost, where to look."""
    lines = [paragraph(verdict(report), columns=columns, rest="  ")]
    lines += evidence(report, columns=columns, limit=MAX_EVIDENCE)
    if report.files:
        lines += ["  files", *(f"    {line(path)}" for path in report.files)]
    lines.append(paragraph(costs(report.cost, report.seconds), columns=columns, first="  ", rest="  "))
    return [*lines, f"  pid {report.pid} · why: glmos explain {report.pid}"]


def evidence(report: Report, *, columns: int | None, limit: int | None = None) -> list[str]:
    """Each claim, the words it rests on, and the events where they stand."""
    lines: list[str] = []
    for item in report.evidence[:limit]:
        events = f"events {', '.join(map(str, item.events))}"
        text = f"{line(item.claim)} ← “{line(item.quote)}” [{events}]"
        lines.append(paragraph(text, columns=columns, first="  · ", rest="    "))
    if limit is not None and len(report.evidence) > limit:
        lines.append(f"    and {len(report.evidence) - limit} more: glmos explain {report.pid}")
    return lines


def costs(cost: CostView, seconds: float) -> str:
    tokens = cost.prompt_tokens + cost.completion_tokens
    cached = f" ({count(cost.cached_tokens)} cached)" if cost.cached_tokens else ""
    parts = [
        plural(cost.model_calls, "model call"),
        plural(cost.tool_calls, "tool call"),
        f"{count(tokens)} tokens{cached}" if tokens else "",
        money(cost.usd) if cost.usd else "",
        duration(seconds),
    ]
    return ", ".join(part for part in parts if part)


def step_lines(step: StepView, *, columns: int | None) -> list[str]:
    """A step and its checks."""
    marks = {"passed": "✓", "failed": "✗", "unverified": "?", "running": "▸", "checking": "▸", "waiting": "·"}
    again = f" ({step.attempts} attempts)" if step.attempts > 1 else ""
    head = f"{marks[step.status]} {line(step.id)}  {line(step.goal)}{again}"
    why = (
        [paragraph(f"↺ again: {line(step.again)}", columns=columns, first=" " * 6, rest=" " * 8)] if step.again else []
    )
    return [
        paragraph(head, columns=columns, first="  ", rest="      "),
        *why,
        *(check_line(check, columns=columns) for check in step.checks),
    ]


def check_line(check: CheckView, *, columns: int | None, indent: str = "      ") -> str:
    mark = {True: "✓", False: "✗", None: "?"}[check.passed]
    detail = f"  {line(check.detail)}" if check.detail else ""
    return paragraph(f"{mark} {check.kind}{detail}", columns=columns, first=indent, rest=indent + "  ")


def _kinds(checks: list[CheckView]) -> str:
    return ", ".join(dict.fromkeys(check.kind for check in checks))
