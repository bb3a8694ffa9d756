"""The kernel against a random world: whatever models, tools, checks and crashes do, it stays in its own rules.

The world is played without a runtime: effects are answered by dice that Hypothesis throws, and a crash may come between
any two events.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from glmos.abi import effects as f
from glmos.abi import events as e
from glmos.abi.budgets import Usage
from glmos.abi.messages import FunctionCall, ModelReply
from glmos.abi.tools import Action, Output, ToolSpec
from glmos.context.turns import turns
from glmos.kernel.cycle import decide
from glmos.kernel.fold import fold, fold_all
from glmos.kernel.process import Process
from glmos.kernel.rules import Rules

ANY = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = {
    name: ToolSpec(name, name, name, ANY, (Action("run", effect),), resident=True)  # type: ignore[arg-type]
    for name, effect in [("look", "pure"), ("write", "reversible"), ("send", "irreversible")]
}
RULES = Rules(tools=TOOLS, max_turns=8)

STEP = st.fixed_dictionaries(
    {"id": st.sampled_from("abc"), "goal": st.just("g")},
    optional={
        "needs": st.lists(st.sampled_from("abc"), max_size=2),
        "checks": st.lists(st.sampled_from([{"kind": "pattern", "pattern": "x"}, {"kind": "magic"}]), max_size=2),
    },
)
CALL = st.one_of(
    st.tuples(st.sampled_from(["look", "write", "send"]), st.fixed_dictionaries({"x": st.integers(0, 3)})),
    st.tuples(st.just("plan"), st.fixed_dictionaries({"steps": st.lists(STEP, max_size=3)})),
    st.tuples(st.just("finish"), st.fixed_dictionaries({"result": st.sampled_from(["", "x", "y"])})),
    st.tuples(st.just("ask"), st.fixed_dictionaries({"question": st.text(max_size=3)})),
    st.tuples(st.just("wait"), st.fixed_dictionaries({"seconds": st.sampled_from([0, 5])})),
    st.tuples(st.just("give_up"), st.just({"reason": "r"})),
    st.tuples(st.text(max_size=4), st.just({})),
)
REPLY = st.one_of(
    st.builds(
        lambda calls, broken: ModelReply(
            calls=tuple(
                FunctionCall(f"i{n}", name, json.dumps(a)[: -1 if broken else None])
                for n, (name, a) in enumerate(calls)
            ),
            finish="calls",
        ),
        st.lists(CALL, min_size=1, max_size=3),
        st.booleans(),
    ),
    st.builds(ModelReply, content=st.sampled_from(["", "prose"]), finish=st.sampled_from(["stop", "length", "cut"])),
)


@dataclass
class World:
    """Plays the runtime by dice."""

    draw: Any
    entries: list[e.Entry] = field(default_factory=list[e.Entry])
    state: Process | None = None
    begun: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    def append(self, *events: e.Event) -> None:
        for event in events:
            entry = e.Entry(1, len(self.entries) + 1, float(len(self.entries)), event)
            self.state = fold(self.state, entry)
            self.entries.append(entry)

    def maybe_crash(self) -> bool:
        if self.draw(st.integers(0, 11)) == 0:
            self.append(e.ProcessRecovered("crash"))
            return True
        return False

    def carry_out(self, effect: f.Effect) -> None:
        match effect:
            case f.Record(events=events):
                self.append(*events)
            case f.CallModel():
                self.append(e.ModelCalled(effect.number, effect.step, Usage(prompt_tokens=10, model_calls=1)))
                if not self.maybe_crash():
                    failed = self.draw(st.integers(0, 30)) == 0
                    reply = e.ModelReplied(effect.number, self.draw(REPLY))
                    self.append(e.ModelFailed(effect.number, "unreachable", "no") if failed else reply)
            case f.RunTool():
                self.run_tool(effect)
            case f.ProbeTool():
                self.append(
                    e.ToolProbed(effect.call, self.draw(st.sampled_from(["happened", "did_not_happen", "cannot_tell"])))
                )
            case f.TakeBack():
                self.append(
                    e.WorkspaceRestored(effect.snapshot, effect.step, effect.call),
                    e.ToolFinished(effect.call, Output("")),
                )
            case f.RunCheck():
                self.append(e.CheckStarted(effect.step, effect.index))
                if not self.maybe_crash():
                    outcome = self.draw(st.sampled_from(["passed", "passed", "failed", "undecided"]))
                    self.append(e.CheckFinished(effect.step, effect.index, "k", outcome))
            case f.StartStep():
                self.append(e.StepStarted(effect.step, effect.attempt, "s"))
            case f.Sleep():
                w = self.state.waiting if self.state else None
                assert w is not None
                self.append(e.WaitEnded(effect.call), e.CallAnswered(effect.call, w.number, w.index, "wait", "over"))
            case f.KillAll():
                self.append(e.ProcessExited("killed"))
            case f.SpawnChild() | f.CreateChild():
                raise AssertionError("nobody spawns here")

    def run_tool(self, effect: f.RunTool) -> None:
        """The invariant that matters most: what is not pure never starts again without being settled first."""
        assert self.state is not None
        old = self.state.calls.get(effect.call)
        if old is not None and effect.effect != "pure":
            assert old.state == "again", f"{effect.call} was begun twice"
        snapshot = "s" if effect.effect == "reversible" else ""
        self.append(
            e.ToolIntended(
                call=effect.call, tool=effect.tool, action=effect.action, arguments=effect.arguments,
                effect=effect.effect, step=effect.step, number=effect.number, index=effect.index,
                attempt=effect.attempt, snapshot=snapshot,
            )
        )  # fmt: skip
        if not self.maybe_crash():
            self.append(e.ToolFinished(effect.call, Output(f"x{effect.call}")))

    def person(self) -> None:
        assert self.state is not None
        if self.state.question is not None:
            self.append(e.PersonAnswered("x", self.draw(st.sampled_from(["yes", "no"]))))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_world_ends_or_waits_for_something_nameable(data: st.DataObject) -> None:
    world = World(data.draw)
    world.append(e.ProcessCreated("a goal", root=1))
    for _ in range(600):
        assert world.state is not None
        effects = decide(world.state, RULES)
        if not effects:
            if world.state.exit is not None:
                break
            assert world.state.question is not None, "it neither acts nor says what it waits for"
            world.person()
            continue
        world.carry_out(effects[0])
        if data.draw(st.integers(0, 200)) == 0 and world.state.exit is None:
            world.append(e.SignalReceived("kill"))
    state = world.state
    assert state is not None
    if state.exit is not None and state.exit.status == "done":
        assert all(s.status == "passed" for s in state.steps.values())
        assert all(c.outcome == "passed" for s in state.steps.values() for c in s.checks)
        assert not [c for c in state.calls.values() if c.state != "closed"]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_folding_again_gives_the_same_state_and_the_same_prompt(data: st.DataObject) -> None:
    world = World(data.draw)
    world.append(e.ProcessCreated("a goal", root=1))
    for _ in range(60):
        assert world.state is not None
        effects = decide(world.state, RULES)
        if not effects:
            break
        world.carry_out(effects[0])
    assert fold_all(world.entries) == world.state
    snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(world.state), type=Process)
    assert snapshot == world.state
    for turn in turns(world.entries):
        asked = [c.id for m in turn.messages if m.role == "assistant" for c in m.calls]
        answered = [m.call_id for m in turn.messages if m.role == "tool"]
        assert asked == answered, "every call has exactly one result, in order"
