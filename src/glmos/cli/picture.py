"""What is going on in a process, gathered from its log and its signs of life, and drawn as at most two lines.

Pure: entries in, lines out. `region` puts the lines on the terminal.
"""

from typing import NamedTuple

from glmos.abi import events as e
from glmos.abi.api import Progress
from glmos.abi.budgets import Usage
from glmos.cli.text import count, duration, fit, line, money, plural

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TAIL = 2000
"""Characters kept of what the model is writing."""


class Note(NamedTuple):
    """Something worth a lasting line."""

    text: str
    essential: bool = False
    """Also for a program that reads standard error."""


class Picture:
    def __init__(self) -> None:
        self.phase = "starting"
        self.model = ""
        self.steps: dict[str, str] = {}
        self.step = ""
        self.tool = ""
        self.usage = Usage()
        self.seq = 0
        """Of the last entry seen."""
        self._running_tokens = 0
        self._tail = ""
        self._checks: dict[str, int] = {}

    def apply(self, item: "e.Entry | Progress") -> list[Note]:
        """Take in what happened; give what deserves a lasting line."""
        if isinstance(item, Progress):
            self._live(item)
            return [Note(f"! {line(item.text)}", essential=True)] if item.kind == "end" and item.text else []
        self.seq = item.seq
        return self._happened(item.event)

    def _live(self, progress: Progress) -> None:
        match progress.kind:
            case "delta" | "reasoning":
                self.phase = "writing" if progress.kind == "delta" else "thinking"
                self._tail = (self._tail + progress.text)[-TAIL:]
            case "tool":
                if not self.tool.startswith(progress.text):  # more than the tool's name
                    self._tail = progress.text
            case "phase":
                self.phase = progress.text if progress.text.startswith("check ") else f"calling {progress.text}"
            case "entry" | "end":
                pass
        self.step = progress.step or self.step
        self._running_tokens = progress.tokens or self._running_tokens

    def _happened(self, event: e.Event) -> list[Note]:
        notes: list[Note] = []
        match event:
            case e.ModelCalled(model=model):
                self.phase, self._tail, self._running_tokens = "thinking", "", 0
                if model and model != self.model:
                    notes.append(Note(f"model: {line(model)}", essential=True))
                    self.model = model
            case e.ModelReplied(reply=reply):
                self.usage += reply.usage
                self._tail, self._running_tokens = "", 0
            case e.ModelFailed(message=message, usage=usage):
                self.usage += usage
                notes.append(Note(f"! {line(message)}"))
            case e.PlanMade(steps=steps, implied=implied, revision=revision, reason=reason):
                self.phase = "planning"
                self.steps = {step.id: step.goal for step in steps}
                if not implied and (len(steps) > 1 or revision > 1):
                    why = f" ({line(reason)})" if reason else ""
                    notes.append(Note(f"plan {revision}{why}: {plural(len(steps), 'step')}"))
                    notes += [Note(f"  {line(step.id)}  {line(step.goal)}") for step in steps]
            case e.StepStarted(step=step):
                self.phase, self.step, self.tool = "working", step, ""
                self._checks[step] = 0
            case e.ToolIntended(tool=tool, action=action):
                self.phase, self.tool = "working", f"{tool}.{action}"
            case e.ToolFinished(usage=usage):
                self.usage += usage
                self._tail = ""
            case e.CheckStarted(step=step):
                self.phase, self.step, self.tool = "checking", step, ""
            case e.CheckFinished(step=step, outcome=outcome, usage=usage, kind=kind, detail=detail):
                self.usage += usage
                self._checks[step] = self._checks.get(step, 0) + (outcome == "passed")
                if outcome != "passed":
                    mark = "✗" if outcome == "failed" else "?"
                    notes.append(Note(f"{mark} {line(step)} {kind} {outcome}: {line(detail)}"))
            case e.StepPassed(step=step, verified=verified) if len(self.steps) > 1:
                passed = plural(self._checks.get(step, 0), "check")
                mark = f"✓ {line(step)} {passed} passed" if verified else f"? {line(step)} unverified"
                notes.append(Note(mark))
            case e.StepFailed(step=step, attempt=attempt, reason=reason):
                notes.append(Note(f"✗ {line(step)} attempt {attempt}: {line(reason)}"))
            case e.StepReopened(step=step, cause=cause):
                notes.append(Note(f"↺ {line(step)} again: {line(cause)}"))
            case e.FactCorrected(what=what, text=text):
                notes.append(Note(f"! corrected {line(what.partition(':')[2])}: {line(text)}"))
            case e.ChildSpawned(child=child, goal=goal):
                notes.append(Note(f"+ process {child}: {line(goal)}"))
            case e.WaitStarted():
                self.phase, self.tool = "waiting", ""
            case e.SignalReceived(signal=signal):
                self.phase = {"kill": "ending", "suspend": "suspended", "resume": "working"}[signal]
            case e.ProcessRecovered():
                notes.append(Note("↺ recovered after the daemon ended; going on"))
            case _:
                pass
        return notes

    def draw(self, *, elapsed: float, columns: int) -> list[str]:
        """One line on where it stands; a second with what the model or the tool is saying, or the step's goal."""
        spinner = _SPINNER[int(elapsed * 8) % len(_SPINNER)]
        parts = [self.phase]
        if len(self.steps) > 1 and self.step in self.steps:
            parts.append(f"step {list(self.steps).index(self.step) + 1}/{len(self.steps)}")
        if self.tool:
            parts.append(self.tool)
        tokens = self.usage.tokens + self._running_tokens
        if tokens:
            parts.append(f"{count(tokens)} tokens")
        if self.usage.usd:
            parts.append(money(self.usage.usd))
        parts.append(duration(int(elapsed)) if elapsed >= 10 else f"{elapsed:.0f} s")
        lines = [fit(f"{spinner} {' · '.join(parts)}", columns)]
        second = self._last_words(columns - 2) or self.steps.get(self.step, "")
        return [*lines, "  " + fit(second, columns - 2)] if second.strip() else lines

    def _last_words(self, columns: int) -> str:
        """The end of the streaming text, so that it seems to flow."""
        import wcwidth

        text = line(self._tail)
        taken = wcwidth.width(text)
        return text if taken <= columns else "…" + wcwidth.clip(text, taken - columns + 1, taken)
