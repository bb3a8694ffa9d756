"""The auditor: reads every event as it reaches the disk and says what may not be there.

It keeps its own books and shares no code with the kernel's fold. What it knows of the outside it knows from `outside`,
so a receipt for what never came back, or an end that hides what nobody knows, is seen at the moment it is written.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from glmos.abi import events as e
from glmos.abi.budgets import Limits
from glmos.abi.ids import CallId, Pid, Seq, StepId
from glmos.abi.plans import Step
from glmos.abi.tools import LASTING
from glmos.testing.simulation.outside import Outside
from glmos.testing.simulation.record import Record

_GOAL = re.compile(r"目标 ([\d.]+)")
LENIENT = 100.0
"""Seconds for which a limit that was lowered is still held against what had been granted before."""


class Call:
    """A tool call, by its events."""

    def __init__(self, intended: e.ToolIntended, seq: int) -> None:
        self.intended = intended
        self.seq = seq
        self.state = "open"
        self.undone = False
        self.good = False
        """It came back and had done what it was to do."""
        self.partly = False
        """It failed or was stopped, and may have left something in the workspace."""


class StepBook:
    def __init__(self) -> None:
        self.started = 0
        self.checks: dict[int, str] = {}
        self.passed = False
        self.passed_at = 0
        self.verified = False


class Book:
    """One process."""

    def __init__(self, pid: Pid, created: e.ProcessCreated) -> None:
        self.pid = pid
        self.created = created
        self.limits: list[tuple[float, Limits]] = [(0.0, created.limits)]
        self.exit: e.ProcessExited | None = None
        self.model_call: int | None = None
        self.asked = 0
        """How often its model was really asked."""
        self.calls: dict[CallId, Call] = {}
        self.plan: tuple[Step, ...] = ()
        self.steps: dict[StepId, StepBook] = {}
        self.question: e.PersonAsked | None = None
        self.suspended = False
        self.killed = False
        self.waiting: e.WaitStarted | None = None
        self.children: dict[Pid, e.ChildExited | None] = {}
        self.critic: int | None = None
        self.paused = False
        """It waits for children that all wait for a person."""
        self.at = 0.0
        self.forked = False
        self.ends: list[str] = []
        """How it has ended, every time."""

    @property
    def ticking(self) -> bool:
        """Its running time passes."""
        waits = self.question is not None or (self.waiting is not None and self.paused)
        return self.exit is None and not self.suspended and not waits


class Audit:
    """One per world."""

    def __init__(self, record: Record, outside: Outside) -> None:
        self._record = record
        self._outside = outside
        self.books: dict[Pid, Book] = {}
        self._copying = False
        """What is read happened to another process: a fork begins with a copy of its log."""
        self.on_question: Callable[[Pid, Seq], None] = _nobody
        """Told of every question that is written down."""
        self.on_event: Callable[[e.Entry, Book], None] = _unheard
        """Told of every event when it has been looked at."""
        self.running: Callable[[Pid], int] = _nothing
        """How many programs run for a process at this moment."""

    # -- what others ask ----------------------------------------------------------------------------------------------

    def line(self, pid: Pid) -> Iterable[Pid]:
        """The process and its ancestors."""
        while pid in self.books:
            yield pid
            parent = self.books[pid].created.parent
            if parent is None:
                return
            pid = parent

    def limits(self, pid: Pid) -> list[Limits]:
        """The limits that may be held against it now: one, or also what they were until a moment ago."""
        found = self.books[pid].limits
        now = self._record.loop.time()
        while len(found) > 1 and found[1][0] < now - LENIENT:
            found.pop(0)
        return [limits for _, limits in found]

    def goal(self, pid: Pid) -> str:
        found = _GOAL.search(self.books[pid].created.goal)
        return found.group(1) if found is not None else "0"

    def asked(self, pid: Pid) -> int:
        """The number of the model call that is being made."""
        return self.books[pid].asked + 1

    def model_asked(self, pid: Pid) -> None:
        book = self.books[pid]
        book.asked += 1
        if book.model_call is None:
            self._problem(pid, "its model is asked and no intent stands in the journal")
        if book.exit is not None:
            self._problem(pid, "its model is asked after it has ended")

    def tool_started(self, pid: Pid, call: CallId) -> None:
        known = self.books[pid].calls.get(call)
        if known is None or known.state != "open":
            self._problem(pid, f"{call} starts and no intent stands in the journal")

    def critic_of(self, root: Pid) -> Pid:
        """Who of a tree is having a critic asked; the root if that is not clear."""
        found = [b.pid for b in self.books.values() if b.created.root == root and b.critic is not None]
        return found[0] if len(found) == 1 else root

    # -- what is written ----------------------------------------------------------------------------------------------

    def committed(self, pid: Pid, entries: Sequence[e.Entry]) -> None:
        restored = {x.event.call for x in entries if isinstance(x.event, e.WorkspaceRestored)}
        forks = [x.seq for x in entries if isinstance(x.event, e.ProcessForked)]
        for entry in entries:
            self._copying = bool(forks) and entry.seq < forks[-1]
            book = self.books.get(pid)
            if book is None:
                self._born(entry)
                self.on_event(entry, self.books[pid])
                continue
            if entry.at < book.at:
                self._problem(pid, f"time runs backwards at event {entry.seq}")
            book.at = entry.at
            self._event(book, entry, restored)
            self.on_event(entry, book)

    def _problem(self, pid: Pid, text: str) -> None:
        if not self._copying:
            self._record.problem(f"process {pid}: {text}")

    def _born(self, entry: e.Entry) -> None:
        created = entry.event
        assert isinstance(created, e.ProcessCreated), f"the log of {entry.pid} begins with {type(created).__name__}"
        self.books[entry.pid] = book = Book(entry.pid, created)
        book.at = entry.at
        if created.parent is not None and entry.pid not in self.books[created.parent].children:
            self._problem(entry.pid, f"process {created.parent} never decided on it")

    def _event(self, book: Book, entry: e.Entry, restored: set[CallId]) -> None:
        event = entry.event
        if book.exit is not None and not isinstance(event, _AFTER_EXIT):
            self._problem(book.pid, f"{type(event).__name__} after its end")
        match event:
            case e.ModelCalled():
                book.model_call = event.number
            case e.ModelReplied() | e.ModelFailed():
                if book.model_call != event.number:
                    self._problem(book.pid, f"a receipt for model call {event.number}, which is not under way")
                book.model_call = None
            case e.ProcessRecovered():
                self._interrupted(book)
            case e.ProcessForked():
                self._interrupted(book)
                if not self._copying:
                    self._forked(book, event)
            case e.ProcessExited():
                self._exited(book, event)
            case e.ProcessReopened():
                book.exit, book.killed, book.suspended = None, False, False
            case e.SignalReceived(signal="kill"):
                book.killed = True
            case e.SignalReceived():
                book.suspended = event.signal == "suspend"
            case e.LimitsChanged():
                book.limits.append((self._record.loop.time(), event.limits))
            case e.ChildSpawned():
                book.children[event.child] = None
            case e.ChildExited():
                self._child_exited(book, event)
            case e.WaitStarted():
                book.waiting, book.paused = event, False
            case e.WaitPaused():
                book.paused = True
            case e.WaitContinued():
                book.paused = False
            case e.WaitEnded():
                book.waiting = None
            case e.PersonAsked():
                self._asked(book, entry, event)
            case e.PersonAnswered():
                self._answered(book, event)
            case e.UndoStarted():
                book.exit, book.suspended = None, True
            case e.Undone():
                self._undone(book, event)
            case _:
                self._calls(book, event, entry.seq, restored)
                self._steps(book, entry)

    # -- calls --------------------------------------------------------------------------------------------------------

    def _calls(self, book: Book, event: e.Event, seq: int, restored: set[CallId]) -> None:
        match event:
            case e.ToolIntended():
                known = book.calls.get(event.call)
                if known is not None and known.state != "again":
                    self._problem(book.pid, f"{event.call} is intended again while it is {known.state}")
                book.calls[event.call] = Call(event, seq)
            case e.ToolFinished():
                self._finished(book, event, event.call in restored)
            case e.ToolUnknown():
                book.calls[event.call].state = "unknown"
            case e.ToolProbed():
                call = book.calls[event.call]
                states = {"happened": "closed", "did_not_happen": "again"}
                if call.state != "unknown":
                    self._problem(book.pid, f"{event.call} is probed while it is {call.state}")
                call.state = states.get(event.outcome, "unknown")
                call.good = event.outcome == "happened"
            case _:
                pass

    def _finished(self, book: Book, event: e.ToolFinished, restored: bool) -> None:
        call = book.calls[event.call]
        if restored:
            if call.state != "unknown":
                self._problem(book.pid, f"{event.call} is taken back while it is {call.state}")
        elif call.state != "open":
            self._problem(book.pid, f"a receipt for {event.call}, which is {call.state}")
        elif call.intended.effect in LASTING:
            effect = self._outside.effects.get((book.pid, event.call))
            came = effect.returned if effect is not None else "failed"  # it never got as far as the outside
            if effect is not None and effect.denied:
                came = "failed"  # it was cut off, and the probe says that it did not happen
            if came != ("failed" if event.failure is not None else "ok"):
                said = f"failed ({event.failure.message})" if event.failure is not None else "done"
                self._problem(book.pid, f"{event.call} was cut off and is reported {said}: nobody knows")
        call.state = "closed"
        call.good = event.failure is None
        call.partly = event.failure is not None and not restored

    def _interrupted(self, book: Book) -> None:
        book.model_call = None
        book.critic = None
        for call in book.calls.values():
            if call.state == "open":
                call.state = "again" if call.intended.effect == "pure" else "unknown"
        for step in book.steps.values():
            step.checks = {i: x for i, x in step.checks.items() if x != "running"}

    def _forked(self, book: Book, event: e.ProcessForked) -> None:
        book.question, book.exit, book.killed, book.suspended = None, None, False, False
        book.forked = True
        for call in book.calls.values():
            if call.state != "closed" and call.intended.effect != "pure":
                name, number = call.intended.call, int(call.intended.arguments["n"])
                known = call.state == "again"  # a probe or a person had said so before the fork
                self._outside.inherit(
                    (event.source, name), (book.pid, name), call.intended.effect, number, denied=known
                )

    def _asked(self, book: Book, entry: e.Entry, event: e.PersonAsked) -> None:
        if book.question is not None:
            self._problem(book.pid, "it asks while it is asking")
        book.question = event
        if not self._copying:
            self.on_question(book.pid, entry.seq)

    def _answered(self, book: Book, event: e.PersonAnswered) -> None:
        asked, book.question = book.question, None
        if asked is None:
            self._problem(book.pid, "an answer without a question")
        elif asked.kind == "unknown_effect":
            call = book.calls[asked.call]
            call.state = "again" if event.verdict == "no" else "closed"
            effect = self._outside.effects.get((book.pid, asked.call))
            if effect is not None and event.verdict == "no":
                effect.denied = True

    # -- steps --------------------------------------------------------------------------------------------------------

    def _steps(self, book: Book, entry: e.Entry) -> None:
        event = entry.event
        match event:
            case e.PlanMade():
                self._planned(book, event)
            case e.StepStarted():
                book.steps[event.step] = StepBook()
                book.steps[event.step].started = entry.seq
            case e.StepSubmitted():
                book.steps[event.step].checks = {}
            case e.CheckStarted():
                checks = book.steps[event.step].checks
                if checks.get(event.index) == "running":
                    self._problem(book.pid, f"check {event.index} of step {event.step!r} starts twice")
                checks[event.index] = "running"
                step = next(s for s in book.plan if s.id == event.step)
                if type(step.checks[event.index]).__name__ == "CriticCheck":
                    book.critic = event.index
            case e.CheckFinished():
                checks = book.steps[event.step].checks
                if checks.get(event.index) not in ("running", "void"):
                    self._problem(book.pid, f"check {event.index} of step {event.step!r} ends and had not started")
                if checks.pop(event.index, "") != "void":  # what is void says nothing of the new result
                    checks[event.index] = event.outcome
                book.critic = None
            case e.StepPassed():
                self._passed(book, event, entry.seq)
            case e.StepReopened():
                self._reopened(book, event.step)
            case _:
                pass

    def _reopened(self, book: Book, step: StepId) -> None:
        """What was under way for it is void: a check says nothing when it ends, nobody answers what was asked."""
        old, book.steps[step] = book.steps[step], StepBook()
        book.steps[step].checks = {i: "void" for i, outcome in old.checks.items() if outcome in ("running", "void")}
        if old.started and not old.passed:
            book.waiting = None
            if book.question is not None and book.question.kind != "unknown_effect":
                book.question = None

    def _planned(self, book: Book, event: e.PlanMade) -> None:
        old = {s.id: s for s in book.plan}
        kept = {s.id for s in event.steps if old.get(s.id) == s and s.id not in event.reopened}
        book.steps = {s.id: book.steps.get(s.id, StepBook()) if s.id in kept else StepBook() for s in event.steps}
        book.plan = event.steps

    def _passed(self, book: Book, event: e.StepPassed, seq: int) -> None:
        step, found = book.steps[event.step], next(s for s in book.plan if s.id == event.step)
        outcomes = [step.checks.get(i, "not run") for i in range(len(found.checks))]
        if event.verified and (not outcomes or any(x != "passed" for x in outcomes)):
            self._problem(book.pid, f"step {event.step!r} passes with its checks {outcomes}")
        if any(x in ("failed", "not run", "running") for x in outcomes):
            self._problem(book.pid, f"step {event.step!r} is closed with its checks {outcomes}")
        step.passed, step.verified, step.passed_at = True, event.verified, seq

    def _undone(self, book: Book, event: e.Undone) -> None:
        begun = {k: s for k, s in book.steps.items() if max(s.started, s.passed_at) >= event.since}
        again = {event.step, *begun}
        while more := {s.id for s in book.plan if s.id not in again and again.intersection(s.needs)}:
            again |= more
        for step in again:
            book.steps[step] = StepBook()
        for call in book.calls.values():
            if call.seq >= event.since:
                call.state, call.undone = "closed", True
        book.exit, book.question, book.waiting, book.model_call = None, None, None, None
        book.suspended, book.killed = True, False

    # -- the end ------------------------------------------------------------------------------------------------------

    def _exited(self, book: Book, event: e.ProcessExited) -> None:
        if book.exit is not None:
            self._problem(book.pid, f"a second end ({event.status} after {book.exit.status})")
        book.exit = event
        book.ends.append(event.status)
        book.question, book.waiting, book.model_call = None, None, None
        loose = [c for c in book.calls.values() if c.intended.effect != "pure" and c.state in ("open", "unknown")]
        if event.status in ("killed", "refused"):  # which say neither that it was done nor that it failed
            loose = [c for c in loose if c.state == "open" or c.intended.call not in event.reason]
        for call in loose:
            name = call.intended.call
            self._problem(book.pid, f"it ends {event.status} while nobody knows whether {name} took effect")
        self._interrupted(book)
        if event.status in ("done", "unverified"):
            wrong = [s.id for s in book.plan if not book.steps[s.id].passed]
            if event.status == "done":
                wrong = [s.id for s in book.plan if not (book.steps[s.id].passed and book.steps[s.id].verified)]
            if wrong or not book.plan:
                self._problem(book.pid, f"it ends {event.status} and step {wrong} has not passed")
        if event.status == "killed" and not self._copying and self.running(book.pid):
            self._problem(book.pid, "it ends killed and something of it is still running")

    def _child_exited(self, book: Book, event: e.ChildExited) -> None:
        child = self.books.get(event.child)
        if not book.forked and (child is None or event.status not in child.ends):
            self._problem(book.pid, f"it is told that child {event.child} ended {event.status}, which is not so")
        book.children[event.child] = event


_AFTER_EXIT = (
    e.ProcessReopened, e.SignalReceived, e.LimitsChanged, e.ModelChanged, e.ProcessReniced, e.Undone, e.ProcessForked,
    e.SourceChanged, e.FactCorrected, e.StepReopened, e.BudgetRefused, e.ProcessRecovered, e.UndoStarted,
    e.CompensationIntended, e.CompensationFinished, e.ChildExited,
)  # fmt: skip
"""What may stand in a log after the end of its process."""


def _nobody(pid: Pid, seq: Seq) -> None:
    """Nobody is there to be asked."""


def _nothing(pid: Pid) -> int:
    return 0


def _unheard(entry: e.Entry, book: Book) -> None:
    """Nobody listens."""
