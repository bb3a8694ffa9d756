"""A kernel in a world without a runtime: whatever it wants is answered from a `draw`, and all of it is a log.

It gives sound logs to damage, and shows that no sequence of replies keeps a process busy for ever.
"""

from typing import Any

from hypothesis import strategies as st

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.budgets import Usage
from glmos.abi.messages import ModelReply
from glmos.abi.tools import Action, Output, ToolSpec
from glmos.journal.codec import decode_event, encode_event
from glmos.kernel.cycle import decide
from glmos.kernel.fold import fold
from glmos.kernel.process import Process
from glmos.kernel.rules import Rules
from glmos.testing.fuzz.inputs import REPLIES, TEXT

_ANY = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = {
    name: ToolSpec(name, name, name, _ANY, (Action("run", effect),), resident=name != "look")  # type: ignore[arg-type]
    for name, effect in [("look", "pure"), ("write", "reversible"), ("send", "irreversible"), ("book", "compensable")]
}
RULES = Rules(tools=TOOLS, max_turns=5, max_attempts=2, max_revisions=2)
MOST_CALLS = (RULES.max_turns + 1) * RULES.max_attempts * RULES.max_revisions * RULES.max_steps
"""More model calls than the kernel's patience allows, whatever the model says."""


class World:
    """Plays the runtime. Every event goes through the fold before it stands in `entries`."""

    def __init__(self, draw: Any, goal: str = "a goal") -> None:
        self.draw = draw
        self.entries: list[e.Entry] = []
        self.state: Process | None = None
        self.append(e.ProcessCreated(goal, root=1))

    def append(self, *events: e.Event) -> None:
        for event in events:
            decode_event(encode_event(event))  # what could not be read back would be refused by the journal
            entry = e.Entry(1, len(self.entries) + 1, float(len(self.entries)), event)
            self.state = fold(self.state, entry)
            self.entries.append(entry)

    def step(self) -> bool:
        """Carry out the first thing the kernel wants; False when it wants nothing and no person can help."""
        p = self.known
        effects = decide(p, RULES)
        if effects:
            self._carry_out(effects[0])
            return True
        if p.exit is None and p.question is not None:
            self.append(e.PersonAnswered(self.draw(TEXT), self.draw(st.sampled_from(["yes", "no"]))))
            return True
        return False

    @property
    def known(self) -> Process:
        assert self.state is not None
        return self.state

    def _carry_out(self, effect: f.Effect) -> None:
        match effect:
            case f.Record(events=events):
                self.append(*events)
            case f.CallModel():
                self.append(e.ModelCalled(effect.number, effect.step, Usage(prompt_tokens=10, model_calls=1)))
                reply: ModelReply = self.draw(REPLIES)
                self.append(e.ModelReplied(effect.number, reply))
            case f.RunTool():
                self.append(_intent(effect))
                if self.draw(st.integers(0, 9)) == 0:
                    self.append(e.ProcessRecovered("crash"))
                else:
                    self.append(e.ToolFinished(effect.call, Output(self.draw(TEXT))))
            case f.ProbeTool():
                self.append(e.ToolProbed(effect.call, self.draw(st.sampled_from(["happened", "cannot_tell"]))))
            case f.TakeBack():
                restored = e.WorkspaceRestored(effect.snapshot, effect.step, effect.call)
                self.append(restored, e.ToolFinished(effect.call, Output("")))
            case f.RunCheck():
                outcome = self.draw(st.sampled_from(["passed", "failed", "undecided"]))
                detail = self.draw(TEXT)
                self.append(e.CheckStarted(effect.step, effect.index))
                self.append(e.CheckFinished(effect.step, effect.index, "k", outcome, detail))
            case f.StartStep():
                self.append(e.StepStarted(effect.step, effect.attempt, "s"))
            case f.Sleep():
                self._end_wait(effect.call)
            case f.KillAll():
                self.append(e.ProcessExited("killed"))
            case f.SpawnChild():
                spawned = e.ChildSpawned(len(self.entries) + 1, effect.call, effect.goal, files=effect.files)
                self.append(spawned, e.CallAnswered(effect.call, effect.number, effect.index, "spawn", "started"))
            case f.CreateChild():
                self.append(e.ChildExited(effect.child, self.draw(st.sampled_from(["done", "failed"]))))

    def _end_wait(self, call: str) -> None:
        waiting = self.known.waiting
        assert waiting is not None
        answered = e.CallAnswered(call, waiting.number, waiting.index, "wait", "The time is over.")
        self.append(e.WaitEnded(call), answered)


def _intent(effect: f.RunTool) -> e.ToolIntended:
    return e.ToolIntended(
        call=effect.call, tool=effect.tool, action=effect.action, arguments=effect.arguments, effect=effect.effect,
        step=effect.step, number=effect.number, index=effect.index, attempt=effect.attempt,
        snapshot="s" if effect.effect == "reversible" else "",
    )  # fmt: skip
