"""Events as turns of a conversation.

A turn is an assistant message, the results of its calls in the order of the calls, and then what the kernel had to say.
Providers insist on that order; events come in the order in which things happened.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from glmos.abi import events as e
from glmos.abi.ids import CallId, Seq, StepId
from glmos.abi.messages import FunctionCall, Message
from glmos.abi.plans import Step
from glmos.context.sizes import message_tokens
from glmos.context.standing import Kept, Made, Said

DataOf = Callable[[e.ToolFinished], Mapping[str, Any]]
"""Gives the structured part of a receipt, wherever it is kept."""

REFUSED = "refused: "
QUESTION = 80
"""Characters of a question that a digest repeats with its answer."""
TOLD_OTHERWISE = ("plan", "finish", "ask", "spawn")
"""Calls of the kernel of which a digest says by itself what came."""


class Turn(NamedTuple):
    """A piece of the conversation that is kept or digested as a whole."""

    messages: tuple[Message, ...]
    kept: tuple[Kept, ...]
    """What of it still matters when a digest stands in its place."""
    tokens: int = 0
    """About how many the messages have."""


class _Open:
    """The turn being put together."""

    def __init__(self, reply: e.ModelReplied | None, kept: Sequence[Kept] = ()) -> None:
        """`kept`: of events before it that no message tells of."""
        self.reply = reply
        self.results: dict[int, Message] = {}
        self.notes: list[str] = []
        self.kept = list(kept)

    @property
    def calls(self) -> tuple[FunctionCall, ...]:
        return self.reply.reply.calls if self.reply is not None else ()

    def close(self) -> Turn | None:
        messages: list[Message] = []
        if self.reply is not None:
            r = self.reply.reply
            messages.append(Message("assistant", r.content, r.calls, reasoning=r.reasoning, extra=r.extra))
            for index, call in enumerate(r.calls):
                messages.append(self.results.get(index) or Message("tool", "(not run)", call_id=call.id))
        if self.notes:
            messages.append(Message("user", "\n\n".join(self.notes)))
        tokens = sum(message_tokens(m) for m in messages)
        return Turn(tuple(messages), tuple(self.kept), tokens) if messages else None


def turns(entries: Iterable[e.Entry]) -> list[Turn]:
    """The conversation so far."""
    conversation = Conversation()
    conversation.read(entries)
    return conversation.turns


class Conversation:
    """Turns that grow with their log, each event read once. With `data_of`, results carry their data for a driver inside
    this process."""

    def __init__(self, data_of: DataOf | None = None) -> None:
        self.data_of = data_of
        self.digest: tuple[int, int, Message] | None = None
        """The last one made: of how many turns, for how much room. Kept by `window`, for it costs to make."""
        self.seen = 0
        """Events read."""
        self.done: list[Turn] = []
        self.open = _Open(None)
        self.places: dict[CallId, int] = {}
        """Where in its reply each call stands."""
        self.announced: dict[CallId, Made] = {}
        """Tool calls, with their names and the beginnings of their arguments."""
        self.seq: Seq = 0
        """Of the event being read."""
        self.plan: tuple[Step, ...] = ()
        self.implied = False
        self.asked: e.PersonAsked | None = None
        self.started: StepId = ""
        """The step begun last."""

    @property
    def turns(self) -> list[Turn]:
        """All of them, the one that may still grow included."""
        last = self.open.close()
        return [*self.done, last] if last is not None else list(self.done)

    def read(self, entries: Iterable[e.Entry]) -> None:
        """Go on with these."""
        for entry in entries:
            self.seen += 1
            self.seq = entry.seq
            self._event(entry.event)

    def _reply(self, event: e.ModelReplied) -> None:
        turn = self.open.close()
        if turn is not None:
            self.done.append(turn)
        self.open = _Open(event, self.open.kept if turn is None else ())
        self.places = {}

    def _keep(self, fact: Made | Said | e.Event) -> None:
        self.open.kept.append(Kept(self.seq, fact))

    def _result(self, call: CallId, text: str, data: Mapping[str, Any] | None = None, name: str = "") -> None:
        """`name`: of a call of the kernel."""
        made = self.announced.get(call) or Made(call, name, "", self.seq)
        if name not in TOLD_OTHERWISE or text.startswith(REFUSED):
            self._keep(made._replace(line=f"{call} {made.line}: {_first_line(text)}"))
        place = self.places.get(call)
        if place is None or not 0 <= place < len(self.open.calls):
            # The reply it belongs to lies in an earlier turn (undone or interrupted there): say it as a note.
            self.open.notes.append(f"[{call}] {text}")
            return
        extra: dict[str, Any] = {"data": dict(data)} if data else {}
        call_id = self.open.calls[place].id
        self.open.results[place] = Message("tool", f"[{call}] {text}", call_id=call_id, extra=extra)

    def _note(self, text: str) -> None:
        self.open.notes.append(text)

    def _event(self, event: e.Event) -> None:
        match event:
            case e.ModelReplied():
                self._reply(event)
            case e.ToolIntended():
                self.places[event.call] = event.index
                arguments = msgspec.json.encode(event.arguments).decode()
                name = f"{event.tool}.{event.action}({arguments[:100]})"
                self.announced[event.call] = Made(event.call, name, event.step or "", self.seq, event.effect)
            case e.ToolFinished():
                data = self.data_of(event) if self.data_of is not None else None
                if event.failure is not None and event.call in self.announced:
                    self.announced[event.call] = self.announced[event.call]._replace(failed=True)
                self._result(event.call, receipt_text(event), data)
            case e.CallRefused():
                self.places[event.call] = event.index
                self._result(event.call, f"{REFUSED}{event.problem}", name=event.name)
            case e.CallAnswered():
                self.places[event.call] = event.index
                if event.name == "ask" and self.asked is not None and self.asked.call == event.call:
                    question = self.asked.question
                    self._keep(Said(question, f"{event.call} {question[:QUESTION]!r}: {event.text}"))
                self._result(event.call, event.text, name=event.name)
            case e.ToolProbed(outcome="happened"):
                self._result(event.call, f"interrupted, but it took effect: {event.detail}")
            case e.PlanMade():
                self.plan, self.implied = event.steps, event.implied
                self._keep(event)
            case e.StepStarted():
                self._keep(event)
                self._step_started(event)
            case e.ChildSpawned():
                self._keep(event)
            case e.PersonAsked():
                self.asked = event
            case e.PersonAnswered():
                if self.asked is not None and self.asked.kind == "approval" and event.verdict == "no":
                    self._keep(Said(self.asked.question, f"{self.asked.question} no{event.text and f', {event.text}'}"))
                if self.asked is not None and self.asked.kind == "unknown_effect" and event.verdict == "yes":
                    self._result(
                        self.asked.call, "interrupted; a person confirmed that it took effect; its output is lost"
                    )
            case (
                e.KernelSpoke() | e.StepReopened() | e.StepPassed() | e.SourceChanged() | e.FactCorrected() | e.ChildExited()
            ):  # fmt: skip
                self._keep(Said(event.what, _words(event)) if isinstance(event, e.FactCorrected) else event)
                self._note(_words(event))
            case e.Undone():
                event = replace(event, left=tuple(map(self._with_call, event.left)))
                self._keep(event)
                self._note(_words(event))
            case e.SignalReceived(signal="resume"):
                self._note(
                    "You were suspended for a while: Python variables and running programs are gone, files are as they were."
                )
            case e.ProcessRecovered() | e.ProcessForked() | e.ProcessReopened():
                if self.done or self.announced:
                    self._note(_words(event))
                    if isinstance(event, e.ProcessReopened) and event.reason:
                        self._keep(Said("go on", _words(event)))
            case _:
                pass

    def _with_call(self, left: str) -> str:
        """What is left of a call, with the call itself: it may have left the window long ago."""
        made = self.announced.get(left.partition(":")[0])
        return f"{left}: {made.line}" if made is not None else left

    def _step_started(self, event: e.StepStarted) -> None:
        step = next((s for s in self.plan if s.id == event.step), None)
        goes_on, self.started = event.attempt > 1 and event.step == self.started, event.step
        if step is None or self.implied or goes_on:
            return
        checks = ", ".join(type(c).__name__.removesuffix("Check").lower() for c in step.checks)
        last = "\nIts result is the answer to the person." if step is self.plan[-1] else ""
        self._note(f"Now step {step.id!r}: {step.goal}{last}\nChecks, as planned: {checks}.")


def receipt_text(event: e.ToolFinished) -> str:
    """An observation as the model reads it."""
    parts: list[str] = []
    if event.failure is not None:
        parts.append(f"failed ({event.failure.kind}): {event.failure.message}")
    if event.output.text:
        parts.append(event.output.text)
    if event.files:
        parts.append(f"files: {', '.join(event.files)}")
    return "\n".join(parts) or "(no output)"


def _words(event: e.Event) -> str:
    match event:
        case e.KernelSpoke():
            return event.text
        case e.StepPassed():
            return f"Step {event.step!r} was checked and {'has passed' if event.verified else 'could not be verified'}."
        case e.StepReopened():
            return f"Step {event.step!r} must be done again: {event.cause}. What was seen for it so far counts no more."
        case e.Undone():
            left = f" Not taken back: {'; '.join(event.left)}." if event.left else ""
            return (
                f"The person undid everything since the beginning of step {event.step!r}: the files are as they were then "
                f"and Python variables are gone.{left} What you did and saw since then no longer counts."
            )
        case e.SourceChanged():
            return f"The person's file {event.name!r} has changed; the workspace has the new content."
        case e.FactCorrected():
            kind, _, name = event.what.partition(":")
            wrong = f"what {name} told is wrong, and reads now" if kind == "call" else f"step {name!r} is wrong"
            return f"The person corrects: {wrong}: {event.text}"
        case e.ChildExited():
            files = f" Files: {', '.join(event.files)}." if event.files else ""
            return f"Child {event.child} ended {event.status}: {event.answer or event.reason}{files}"
        case e.ProcessReopened():
            return f"The person told you to go on.{' ' + event.reason if event.reason else ''}"
        case _:
            return "The system was restarted: Python variables and running programs are gone, files are as they were."


def _first_line(text: str) -> str:
    lines = text.lstrip()[:120].splitlines()
    return lines[0] if lines else ""
