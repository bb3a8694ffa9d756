"""How things stand after some turns: what of them still matters once they are gone from the prompt.

Folded from what turns keep of their events, so it is a function of the turns alone. The kernel has a fuller account of
itself; this is what the model was told, without what later took it back. `digest` puts it into words.
"""

from collections.abc import Iterable
from typing import NamedTuple

from glmos.abi import events as e
from glmos.abi.ids import CallId, Pid, Seq, StepId
from glmos.abi.plans import Step
from glmos.abi.tools import EffectClass


class Made(NamedTuple):
    """A call that has come to its end."""

    call: CallId
    line: str
    """It and the beginning of what it gave."""
    step: StepId = ""
    begun: Seq = 0
    effect: EffectClass = "pure"
    failed: bool = False


class Said(NamedTuple):
    """Something a person said. A later one with the same `about` takes its place."""

    about: str
    text: str


class Kept(NamedTuple):
    """What a turn keeps of an event."""

    seq: Seq
    fact: Made | Said | e.Event


class Born(NamedTuple):
    """A child."""

    goal: str
    at: Seq
    end: e.ChildExited | None = None


class Standing:
    """Mutable while it is put together; read by `digest`."""

    def __init__(self, kept: Iterable[Kept] = ()) -> None:
        self.plan: tuple[Step, ...] = ()
        self.implied = False
        self.step: StepId = ""
        """The one being done."""
        self.passed: dict[StepId, bool] = {}
        """Whether it could be verified."""
        self.again: dict[StepId, str] = {}
        """Why a step is to be done again."""
        self.trouble = ""
        """What the last check of the step being done, or of the plan, had to say."""
        self.said: dict[str, Kept] = {}
        self.undone: list[tuple[Seq, e.Undone]] = []
        self.changed: dict[str, Seq] = {}
        """Files of the person's."""
        self.children: dict[Pid, Born] = {}
        self.calls: dict[CallId, Made] = {}
        self.left: set[CallId] = set()
        """Those that an undo could not take back; the others that it covered are gone."""
        self.reopened: dict[StepId, Seq] = {}
        """Where the present life of a step began; what was seen for it before counts no more."""
        self._first: dict[StepId, Seq] = {}
        self._moved: dict[StepId, Seq] = {}
        self._rests: dict[StepId, set[StepId]] = {}
        for each in kept:
            self._add(each)

    def _add(self, kept: Kept) -> None:
        seq, fact = kept
        match fact:
            case Made():
                self.calls[fact.call] = fact
            case Said(about=about):
                self.said.pop(about, None)
                self.said[about] = kept
            case e.PlanMade():
                self._planned(seq, fact)
            case e.StepStarted(step=step):
                self.step = step
                self._first.setdefault(step, seq)
                self._moved[step] = seq
            case e.StepPassed(step=step):
                self.passed[step] = fact.verified
                self.again.pop(step, None)
                self._moved[step] = seq
                self._rests[step] = {x.removeprefix("step:") for x in fact.used if x.startswith("step:")}
                self.step, self.trouble = "", ""
            case e.StepReopened(step=step):
                self.reopened[step] = seq
                self._open([step], fact.cause)
            case e.KernelSpoke(rule="check_failed" | "replan"):
                self.trouble = fact.text
            case e.Undone():
                self._undo(seq, fact)
            case e.SourceChanged(name=name):
                self.changed.pop(name, None)
                self.changed[name] = seq
            case e.ChildSpawned(child=child):
                self.children[child] = Born(fact.goal, seq)
            case e.ChildExited(child=child):
                self.children[child] = self.children.get(child, Born("", seq))._replace(end=fact)
            case _:
                pass

    def _planned(self, seq: Seq, event: e.PlanMade) -> None:
        old = {s.id: s for s in self.plan}
        self.plan, self.implied = event.steps, event.implied
        stays = {s.id for s in event.steps if old.get(s.id) == s and s.id not in event.reopened}
        self.passed = {k: v for k, v in self.passed.items() if k in stays}
        self.again = {k: v for k, v in self.again.items() if k in stays}
        self.reopened |= {s: seq for s in event.reopened if s in old}
        self._open(event.reopened, "the plan was revised")
        self.step = self.step if self.step in stays else ""
        self.trouble = ""

    def _open(self, steps: Iterable[StepId], why: str) -> None:
        for step in steps:
            self.passed.pop(step, None)
            self.again[step] = why
            if self.step == step:
                self.step, self.trouble = "", ""

    def _undo(self, seq: Seq, event: e.Undone) -> None:
        """As the kernel does: back are the step, all that was begun since, and all that rests on those."""
        since = event.since or self._first.get(event.step, 0)
        back = {event.step} | {s for s, at in self._moved.items() if at >= since}
        links = {s.id: {*s.needs, *self._rests.get(s.id, ())} for s in self.plan}
        while more := {s for s, needs in links.items() if s not in back and needs & back}:
            back |= more
        self.passed = {k: v for k, v in self.passed.items() if k not in back}
        self.again = {k: v for k, v in self.again.items() if k not in back}
        self._first = {k: at for k, at in self._first.items() if k == event.step or at < since}
        self.undone.append((seq, event))
        self.left |= {x.partition(":")[0] for x in event.left} & self.calls.keys()
        self.calls = {k: x for k, x in self.calls.items() if x.begun < since or k in self.left}
        self.children = {k: x for k, x in self.children.items() if x.at < since}
        self.step, self.trouble = "", ""
