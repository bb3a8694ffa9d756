"""What runs away."""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from glmos.abi.budgets import Usage
from glmos.abi.messages import ModelRequest
from glmos.testing.models import call, calls, say
from glmos.testing.runaways.counting import Answer, Answers, Fault, honest

Person = Literal["goes away", "resumes", "raises", "lowers", "undoes", "forks", "pulls the plug"]
"""What is done from outside, again and again."""


class Script(Struct, frozen=True):
    """One way to run away."""

    name: str
    answers: Callable[[], Answers]
    """Made anew for every run."""
    about: str
    person: Person = "goes away"
    critic: Callable[[], Answers] | None = None
    tries: int = 1
    """Requests that one call of the model may make."""
    report: Callable[[ModelRequest, Usage], Usage] = honest
    prompt_factor: float = 1.0
    reply_factor: float = 0.0
    tool_usd: float = 0.0
    tool_size: int = 0
    settings: dict[str, Any] = {}
    spends_no: tuple[str, ...] = ()
    """Kinds of limits that it does not touch; then something else ends it, or nothing but the person's patience."""
    breaks_its_word: bool = False
    """A call may cost more than its worst case: then the one that does is the last."""


def goal_of(request: ModelRequest) -> str:
    return request.messages[1].content


def is_child(request: ModelRequest) -> bool:
    return "child of" in goal_of(request)


def counted(make: Callable[[int, ModelRequest], Answer]) -> Callable[[], Answers]:
    """Answers that know how many there were."""

    def answers() -> Answers:
        numbers = itertools.count()
        return lambda request: make(next(numbers), request)

    return answers


def _idles(n: int, request: ModelRequest) -> Answer:
    """Never makes a plan, and never does anything either."""
    return calls(("use", {"tool": "spawn"}), ("use", {"tool": "wait", "arguments": {}}))


def _loop(n: int, request: ModelRequest) -> Answer:
    return call("echo", text=f"第 {n}")


def _parallel(n: int, request: ModelRequest) -> Answer:
    return calls(*(("echo", {"text": f"{n}.{i}"}) for i in range(7)))


def _spawns(n: int, request: ModelRequest) -> Answer:
    """Everybody has two children, works a little, waits for them, and has two more."""
    spawn = ("spawn", {"goal": f"child of {n}"})
    return calls(spawn, spawn, ("echo", {"text": str(n)}), ("use", {"tool": "wait", "arguments": {}}))


def _race(n: int, request: ModelRequest) -> Answer:
    if is_child(request) or "Child" in request.messages[-1].content:
        return _parallel(n, request)
    spawn = ("spawn", {"goal": f"child of {n}"})
    return calls(*[spawn] * 10, ("use", {"tool": "wait", "arguments": {}}))


def _fails(billed: bool) -> Callable[[int, ModelRequest], Answer]:
    return lambda n, request: Fault("overloaded", billed)


def _fails_often(n: int, request: ModelRequest) -> Answer:
    return Fault("interrupted", n % 2 == 0) if n % 4 else _loop(n, request)


def _says_nothing(request: ModelRequest, true: Usage) -> Usage:
    return Usage()


def _says_little(request: ModelRequest, true: Usage) -> Usage:
    return Usage(prompt_tokens=true.prompt_tokens, completion_tokens=true.completion_tokens)


def _is_checked(n: int, request: ModelRequest) -> Answer:
    """A plan with checks that call tools, and results that never pass."""
    if not any(c.name == "plan" for m in request.messages for c in m.calls):
        wrong = {"kind": "number", "sql": "SELECT 1"}
        return call("plan", steps=[{"id": "a", "goal": "seven", "checks": [wrong] * 4}])
    return call("finish", result=f"{n + 7}")


def _is_criticised(n: int, request: ModelRequest) -> Answer:
    return call("finish", result=f"a poem, take {'a' * n}")


def _never_content(n: int, request: ModelRequest) -> Answer:
    return call("verdict", outcome="failed", reason=f"not yet {'b' * n}")


def _replans(n: int, request: ModelRequest) -> Answer:
    step = {"id": f"s{n}", "goal": f"try {n}", "checks": [{"kind": "pattern", "pattern": "x"}]}
    return calls(("plan", {"steps": [step], "reason": "better"}), ("echo", {"text": str(n)}))


def _talks(n: int, request: ModelRequest) -> Answer:
    return say("") if n % 3 else _loop(n, request)


def _waits(n: int, request: ModelRequest) -> Answer:
    return calls(("echo", {"text": str(n)}), ("use", {"tool": "wait", "arguments": {"seconds": 2e-5}}))


def _grows(n: int, request: ModelRequest) -> Answer:
    return call("echo", text=f"{n}" + "长" * 2_000)


def _greedy_child(n: int, request: ModelRequest) -> Answer:
    """The child has a limit of its own, and whoever is refused is replaced."""
    if is_child(request):
        return _loop(n, request)
    last = request.messages[-1].content
    if re.search(r"Child \d+ was started", last):
        return call("wait")
    return calls(("echo", {"text": str(n)}), ("spawn", {"goal": f"child of {n}", "max_tokens": 5_000}))


SCRIPTS: Sequence[Script] = (
    Script("loop", counted(_loop), "one call of a tool after the other, for ever"),
    Script("idle", counted(_idles), "kernel calls that do nothing, without a plan", spends_no=("tool_calls",)),
    Script("parallel", counted(_parallel), "seven pure calls in every reply"),
    Script("family", counted(_spawns), "children that have children"),
    Script("race", counted(_race), "ten children at once, each with parallel calls"),
    Script("wards", counted(_greedy_child), "children with limits of their own, one after the other"),
    Script("prompts", counted(_grows), "prompts that grow by thousands of characters", tool_size=20_000),
    Script("prices", counted(_loop), "a tool that costs money", tool_usd=0.03),
    Script(
        "failures",
        counted(_fails(False)),
        "calls that fail, and a person who resumes each time",
        person="resumes",
        spends_no=("usd", "tokens", "tool_calls"),
    ),
    Script(
        "lost bills",
        counted(_fails(True)),
        "failed calls that are billed, and nobody says so",
        person="resumes",
        spends_no=("tool_calls",),
    ),
    Script("retries", counted(_fails_often), "requests made again within a call", tries=6, person="resumes"),
    Script("silence", counted(_loop), "a model that never says what it used", report=_says_nothing),
    Script("no prices", counted(_loop), "a model that says tokens and no money", report=_says_little),
    Script(
        "wrong estimates",
        counted(_loop),
        "prompts three times as long as estimated",
        prompt_factor=3.0,
        breaks_its_word=True,
    ),
    Script(
        "long replies", counted(_loop), "replies three times as long as allowed", reply_factor=3.0, breaks_its_word=True
    ),
    Script("full replies", counted(_loop), "replies as long as allowed", reply_factor=1.0),
    Script(
        "checks",
        counted(_is_checked),
        "checks that call tools, and never pass",
        settings={"limits.max_attempts": 100, "limits.max_revisions": 100},
    ),
    Script(
        "critics",
        counted(_is_criticised),
        "a critic that is never content",
        critic=counted(_never_content),
        spends_no=("tool_calls",),
        settings={"limits.max_attempts": 100, "limits.max_revisions": 100},
    ),
    Script("plans", counted(_replans), "a new plan in every reply", settings={"limits.max_revisions": 1000}),
    Script("empty replies", counted(_talks), "replies without a call"),
    Script("naps", counted(_waits), "waiting again and again"),
    Script(
        "crashes",
        counted(_loop),
        "a machine that dies in the middle of every third call",
        person="pulls the plug",
        tool_usd=0.01,
    ),
    Script("undo", counted(_loop), "a person who undoes everything again and again", person="undoes", tool_usd=0.01),
    Script("forks", counted(_loop), "a fork of whatever was refused", person="forks"),
    Script(
        "raised limits", counted(_parallel), "a person who raises the limit a little, again and again", person="raises"
    ),
    Script("lowered limits", counted(_parallel), "a person who lowers the limit while it runs", person="lowers"),
)


def named(name: str) -> Script:
    """Raises: KeyError."""
    return {s.name: s for s in SCRIPTS}[name]
