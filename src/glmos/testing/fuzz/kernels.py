"""Logs and checks: the codec, the fold, decisions and verifications, whatever they are given."""

import contextlib
import json
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from glmos.abi import events as e
from glmos.abi import plans as a
from glmos.abi.errors import ReplayError
from glmos.context.turns import Conversation
from glmos.context.window import fit
from glmos.journal.codec import decode_event, decode_row, encode_event, encode_row
from glmos.kernel import plans, verify
from glmos.kernel.citation import Grounds, citation
from glmos.kernel.cycle import decide
from glmos.kernel.fold import fold
from glmos.kernel.patterns import is_quick
from glmos.kernel.process import Process
from glmos.kernel.report import report, row
from glmos.testing.fuzz.inputs import (
    CALL_IDS,
    CHECKS,
    EVENTS,
    FINITE,
    JSON,
    PATTERNS,
    SCHEMAS,
    STEPS,
    TEXT,
    broken,
)  # fmt: skip
from glmos.testing.fuzz.worlds import MOST_CALLS, RULES, World

# -- the codec --------------------------------------------------------------------------------------------------------


def check_body(body: bytes) -> None:
    """A body is an event that is written again the same, or a `ReplayError`."""
    with contextlib.suppress(ReplayError):
        event = decode_event(body)
        assert decode_event(encode_event(event)) == event or "NaN" in body.decode("utf-8", "replace")
    with contextlib.suppress(ReplayError):
        encode_row(decode_row(body))


SEEDS: tuple[bytes, ...] = (
    b'{"type":"process.created","goal":"g","root":1,"limits":{"usd":0.5}}',
    b'{"type":"plan.made","revision":1,"steps":[{"id":"a","goal":"g","checks":[{"kind":"number","equals":1.5}]}]}',
    b'{"type":"tool.finished","call":"c1","output":{"text":"\\udcff"},"data":{"a":[1,null]}}',
    b'{"pid":1,"root":1,"parent":null,"status":"running","goal":"g"}',
)
BODIES = st.one_of(
    EVENTS.map(encode_event),
    broken(EVENTS.map(lambda x: encode_event(x).decode("utf-8", "replace"))).map(
        lambda x: x.encode("utf-8", "surrogatepass")
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["plan.made", "tool.finished", "x"]) | TEXT}, optional={"call": JSON}
    )
    .map(json.dumps)
    .map(str.encode),
    st.binary(max_size=30),
)

# -- logs -------------------------------------------------------------------------------------------------------------

_BEGINNING = e.ProcessCreated("g", root=1)
LOGS = st.lists(EVENTS, max_size=12).map(lambda x: [_BEGINNING, *x]) | st.lists(EVENTS, max_size=3)


def check_log(events: list[Any]) -> None:
    """As far as the fold follows, the kernel can decide, and everything that shows a process can show it."""
    check_entries([e.Entry(1, n, float(n), event) for n, event in enumerate(events, 1)])


def check_entries(entries: list[e.Entry]) -> None:
    state: Process | None = None
    stood: list[e.Entry] = []
    for entry in entries:
        try:
            state = fold(state, entry)
        except ReplayError:
            break
        stood.append(entry)
        _look_at(state)
    if state is None:
        return
    with contextlib.suppress(OverflowError, UnicodeEncodeError):  # then it gets no snapshot
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Process) == state
    conversation = Conversation()
    conversation.read(stood)
    fit(conversation, 1_000)


def _look_at(p: Process) -> None:
    for effect in decide(p, RULES):
        assert effect is not None
    encode_row(row(p))
    report(p, answer="", files=(), workspace="")


class Damage(NamedTuple):
    """What happens to a sound log."""

    what: str
    place: float
    other: float
    event: Any


_DAMAGE = st.builds(
    Damage,
    what=st.sampled_from(["lose", "double", "swap", "replace", "insert", "cut"]),
    place=st.floats(0, 0.999),
    other=st.floats(0, 0.999),
    event=EVENTS,
)


@st.composite
def _damaged(draw: st.DrawFn) -> list[Any]:
    world = World(draw)
    for _ in range(draw(st.integers(1, 25))):
        if not world.step():
            break
    events: list[Any] = [x.event for x in world.entries]
    for damage in draw(st.lists(_DAMAGE, min_size=1, max_size=3)):
        events = _apply(events, damage)
    return events


def _apply(events: list[Any], damage: Damage) -> list[Any]:
    if not events:
        return events
    i, j = int(damage.place * len(events)), int(damage.other * len(events))
    match damage.what:
        case "lose":
            return events[:i] + events[i + 1 :]
        case "double":
            return events[: i + 1] + events[i:]
        case "swap":
            events = list(events)
            events[i], events[j] = events[j], events[i]
            return events
        case "replace":
            return [*events[:i], damage.event, *events[i + 1 :]]
        case "insert":
            return [*events[:i], damage.event, *events[i:]]
        case _:
            return events[:i]


DAMAGED = _damaged()
check_damaged = check_log

# -- worlds -----------------------------------------------------------------------------------------------------------

NONSENSE = st.data()


def check_world(data: Any) -> None:
    """Replies without sense come to an end, or to a question, within the kernel's patience."""
    world = World(data.draw)
    for _ in range(400):
        if not world.step():
            break
        assert world.known.numbers <= MOST_CALLS
    if world.known.exit is not None:
        assert world.known.exit.status != "done" or all(s.status == "passed" for s in world.known.steps.values())


# -- checks -----------------------------------------------------------------------------------------------------------

_LONG = st.one_of(TEXT, st.tuples(TEXT, st.sampled_from([1, 300, 5_000])).map(lambda x: x[0][:10] * x[1]))


class Checked(NamedTuple):
    """Everything a model may put into a check, and texts to check."""

    text: str
    pattern: str
    schema: Any
    number: float
    quotes: list[tuple[str, str]]
    observed: dict[str, str]
    steps: Any


CHECKED = st.builds(
    Checked,
    text=_LONG | JSON.map(json.dumps),
    pattern=PATTERNS,
    schema=SCHEMAS,
    number=FINITE,
    quotes=st.lists(st.tuples(CALL_IDS, TEXT), max_size=3),
    observed=st.dictionaries(CALL_IDS, _LONG, max_size=3),
    steps=st.lists(STEPS, max_size=3) | st.lists(CHECKS, max_size=2),
)


def check_verify(case: Checked) -> None:
    claims = [a.Claim("c", call, quote) for call, quote in case.quotes]
    grounds = Grounds(case.observed, [case.text[:20]], claims[:1], [case.pattern], has_calls=bool(claims))
    _is_verdict(citation(case.text, claims, grounds))
    steps = _steps(case)
    if plans.faults(steps, RULES):
        return
    for step in plans.adopt(Process(1, 1, case.text[:200]), steps, RULES):
        for check in step.checks:
            match check:
                case a.PatternCheck() if is_quick(check.pattern, case.text):
                    found = verify.search(check.pattern, case.text)
                    _is_verdict(found if isinstance(found, verify.Verdict) else verify.pattern(check, found, "it"))
                case a.NumberCheck():
                    _is_verdict(verify.number(check, verify.Found(case.text), case.number))
                case _:
                    pass


def _steps(case: Checked) -> list[a.Step]:
    """A plan of everything in the case that can be put into words of the plan at all."""
    own = [a.PatternCheck(case.pattern), a.NumberCheck(pattern=case.pattern, equals=case.number)]
    steps = [a.Step("own", "g", checks=tuple(own))]
    if isinstance(case.schema, dict):
        steps.append(a.Step("schema", "g", checks=(a.SchemaCheck(case.schema),)))
    with contextlib.suppress(msgspec.ValidationError):
        steps += msgspec.convert(case.steps, list[a.Step], strict=False)
    return steps


def _is_verdict(found: verify.Verdict) -> None:
    assert found.outcome in ("passed", "failed", "undecided")
    assert found.detail
