"""A diligent model without memory: it looks at the conversation it is sent and makes the next call that is missing.

So it does not matter how often it is asked, or who asks again after which crash. It does what is written in the goal's
program and nothing twice that it has seen done; whatever is doubled all the same was doubled by the system.
Served as an OpenAI-compatible endpoint. It criticises too, and is always satisfied: what is right is for audits to say.
"""

import json
import re
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import takewhile
from typing import Any, NamedTuple

import msgspec

from glmos.context.digest import HEAD
from glmos.testing.crash.outside import served
from glmos.testing.crash.programs import ANSWER, GIVEN, Op, Program

Message = dict[str, Any]
Call = tuple[str, dict[str, Any]]
SIGNS = (ANSWER, "The time is over", "a person confirmed that it took effect")
"""What shows that something was done, but is not the output of a tool."""
SAID = ("pinged", "posted", "sent", "booked")
"""How the tools that reach outside say that they did."""
WINDOW = 1_000_000
"""Tokens that it says it reads: all that was done, always."""
NARROW = 8_000
"""Tokens that it says it reads at its other address. There most of what was done is in the digest of older turns."""
STOPPED = re.compile("/(glutton|flood|pyflood):")
"""Operations that are to be stopped at a limit."""
SHOWN = 100
"""Characters of a call's arguments that a digest has."""


class Evidence(NamedTuple):
    """Where something can be seen to be done, in words that are not the model's; without a call it cannot be cited."""

    call: str = ""
    quote: str = ""


class _Seen:
    """What a conversation says about a program."""

    def __init__(self, program: Program, messages: list[Message]) -> None:
        self.program = program
        self.planned = False
        self.done: dict[str, Evidence] = {}
        self.passed: set[int] = set()
        self.children: dict[str, str] = {}
        """Operation to the child that does it."""
        self._names: dict[str, str] = {}
        """Call to operation."""
        self._ops = {op.tag: op for op in program.all_ops()}
        self._steps = {op.tag: step for step in range(len(program.steps)) for op in program.ops(step)}
        self._asked: dict[str, Call] = {}
        for message in messages[2:]:
            self._read(message)

    def _read(self, message: Message) -> None:
        text = str(message.get("content") or "")
        if message["role"] == "assistant":
            calls = message.get("tool_calls") or []
            self._asked = {c["id"]: (c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls}
        elif message["role"] == "tool":
            self._result(self._asked[message["tool_call_id"]], text)
        elif text.startswith(HEAD):
            for line in text.splitlines():
                self._digested(line)
        else:
            self._notes(text)

    def _digested(self, line: str) -> None:
        """A line of what stands for older turns."""
        self.planned = self.planned or line == "The plan now:"
        if line.startswith("- undid everything") or re.match(r"c\d+ \(not taken back\)", line):
            self._left(line)
        elif answered := re.match(r"- c\d+ '(\S+): ", line):
            self.done[answered[1]] = Evidence()
        elif passed := re.match(r'- passed: (?:\{"id":"(S\d+)"|(S.*))', line) or re.match(r"- (S\d+)() passed: ", line):
            self.passed |= {int(x.removeprefix("S")) for x in (passed[1] or passed[2]).split(", ")}
        elif count := re.match(r"- (\d+) of \d+ steps have passed", line):
            self.passed |= set(range(int(count[1])))  # each needs the one before
        elif child := re.match(r'- (\d+) \(.*\{"name":"(\w+)".*?\): (started|ended (?:done|unverified))', line):
            self._child(child[1], child[2], over=child[3] != "started")
        elif made := re.match(r"(c\d+) \w+\.\w+\(", line):
            self._made(made[1], line)

    def _child(self, child: str, name: str, *, over: bool) -> None:
        for op in self._ops.values():
            if op.kind == "spawn" and self.program.children[op.label].name == name:
                self.children[op.tag] = child
                if over:
                    self.done[op.tag] = Evidence()

    def _made(self, call: str, line: str) -> None:
        """A call and the first line of what it gave, the arguments cut off somewhere."""
        for op in self._ops.values():
            if op.kind in ("spawn", "ask", "wait"):
                continue
            name, arguments = op.call()
            action = arguments.get("action", "run")
            begins = f"{call} {name}.{action}({msgspec.json.encode(arguments).decode()[:SHOWN]}): "
            if line.startswith(begins):
                gave = line.removeprefix(begins)
                self._names[call] = op.tag
                self._observed(call, op.tag, f"[{call}] {gave}")
                if op.tag not in self.done and not re.match(r"failed|refused", gave):
                    self.done[op.tag] = Evidence()  # it is there, and has no sign in its first line

    def _result(self, asked: Call, text: str) -> None:
        if found := re.match(r"\[(c\d+)\] ", text):
            tag = self._tag(asked)
            self._names[found[1]] = tag
            self._observed(found[1], tag, text)

    def _tag(self, asked: Call) -> str:
        """The operation that a call belongs to."""
        name, arguments = asked
        if name == "wait" and "children" in arguments:
            return next((tag for tag, child in self.children.items() if int(child) in arguments["children"]), "")
        if name == "spawn":
            goals = {label: child.goal for label, child in self.program.children.items()}
            spawns = (op for op in self._ops.values() if op.kind == "spawn")
            return next((op.tag for op in spawns if goals[op.label] == arguments["goal"]), "")
        same = [tag for tag, op in self._ops.items() if op.kind != "spawn" and op.call() == asked]
        due = [tag for tag in same if tag not in self.done and self._steps[tag] not in self.passed]
        return next(iter(due or same), "")  # two waits may be as long as each other

    def _observed(self, call: str, tag: str, text: str) -> None:
        if "The plan stands" in text:
            self.planned = True
        elif (
            ("/hasty:" in tag and "failed (timeout)" in text)
            or (STOPPED.search(tag) and re.search(r"failed .(limit|failed).:", text))
            or (tag and "was this very call, and what it did stands" in text)
        ):
            self.done[tag] = Evidence()
        elif not tag or re.match(r"\[c\d+\] (failed|refused)", text):
            return
        elif started := re.search(r"Child (\d+) was started", text):
            self.children[tag] = started[1]
        elif any(sign in text for sign in SIGNS) or re.search(r"Child \d+ ended done", text):
            self.done[tag] = Evidence()
        elif re.search(r"Child \d+ ended killed", text):
            self.children.pop(tag, None)  # so another one is needed
        else:
            said = ("interrupted, but it took effect", GIVEN, "Wrote", *(f"{verb} {tag}" for verb in SAID), tag)
            if sign := next((s for s in said if s in text), ""):
                self.done[tag] = Evidence(call, sign)

    def _notes(self, text: str) -> None:
        for paragraph in text.split("\n\n"):
            if found := re.match(r"\[(c\d+)\] ", paragraph):
                self._observed(found[1], self._names.get(found[1], ""), paragraph)
            if passed := re.search(r"Step 'S(\d+)' was checked and has passed", paragraph):
                self.passed.add(int(passed[1]))
            if undone := re.search(r"everything since the beginning of step 'S(\d+)'(.*)", paragraph, re.DOTALL):
                self._undone(int(undone[1]), undone[2])

    def _undone(self, step: int, rest: str) -> None:
        self.passed = {s for s in self.passed if s < step}
        again = {op.tag for s in range(step, len(self.program.steps)) for op in self.program.ops(s)}
        self.done = {tag: seen for tag, seen in self.done.items() if tag not in again}
        self._left(rest)
        self.children = {tag: child for tag, child in self.children.items() if tag not in again}

    def _left(self, text: str) -> None:
        """What an undo could not take back is done, and can be cited no more."""
        self.done |= {tag: Evidence() for tag in re.findall(r'"tag":"([^"]+)"', text) if tag in self._ops}


def next_calls(messages: list[Message]) -> list[Call]:
    """What a diligent model would do now. Pings that follow each other are sent together."""
    program = Program.of(str(messages[1]["content"]))
    seen = _Seen(program, messages)
    last = str(messages[-1].get("content") or "")
    if "ended failed" in last:
        return [("give_up", {"reason": "a child failed"})]
    if not seen.planned or "Revise the plan" in last:
        return [("plan", {"steps": [_step(program, i) for i in range(len(program.steps))]})]
    for step in range(len(program.steps)):
        if step in seen.passed:
            continue
        ops = program.ops(step)
        rest = [op for op in ops if op.tag not in seen.done]
        pings = [op.call() for op in takewhile(lambda op: op.kind == "ping", rest)]
        return pings or [_do(rest[0], program, seen) if rest else _finish(ops, seen)]
    return [("give_up", {"reason": "everything is done already"})]


def _step(program: Program, step: int) -> dict[str, Any]:
    goal = ", ".join(op.tag for op in program.ops(step))
    check = {"kind": "command", "command": program.check(step)}
    return {"id": f"S{step}", "goal": goal, "needs": [f"S{step - 1}"] if step else [], "checks": [check]}


def _do(op: Op, program: Program, seen: _Seen) -> Call:
    if op.kind != "spawn":
        return op.call()
    if op.tag in seen.children:
        return "wait", {"children": [int(seen.children[op.tag])]}
    return "spawn", {"goal": program.children[op.label].goal}


def _finish(ops: list[Op], seen: _Seen) -> Call:
    found = [seen.done[op.tag] for op in ops]
    claims = [{"claim": "做完了", "call": x.call, "quote": x.quote} for x in found if x.call]
    return "finish", {"result": "做完了, all of it.", "claims": claims}


class Diligent:
    """A running endpoint."""

    def __init__(self) -> None:
        self.url = ""
        self.digests = 0
        """Requests with a digest in place of older turns."""

    @property
    def narrow(self) -> str:
        """The address at which it has a small window."""
        return self.url.removesuffix("/v1") + "/narrow/v1"


@contextmanager
def model(latency: float = 0.0) -> Generator[Diligent]:
    """A running endpoint. `latency`: seconds before each answer."""
    endpoint, lock = Diligent(), threading.Lock()  # each request has a thread of its own

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            return None

        def do_GET(self) -> None:
            window = NARROW if self.path.startswith("/narrow/") else WINDOW
            self._send(
                json.dumps({"data": [{"id": "diligent", "context_length": window}]}).encode(), "application/json"
            )

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                endpoint.digests += any(str(m.get("content")).startswith(HEAD) for m in request["messages"])
            time.sleep(latency)
            self._send(_stream(_answer(request)), "text/event-stream")

        def _send(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with served(Handler) as url:
        endpoint.url = f"{url}/v1"
        yield endpoint


def _answer(request: dict[str, Any]) -> list[Call]:
    if any(t["function"]["name"] == "verdict" for t in request.get("tools", [])):
        return [("verdict", {"outcome": "passed", "reason": "the other checks have said it"})]
    return next_calls(request["messages"])


def _stream(calls: list[Call]) -> bytes:
    made = [
        {"index": i, "id": f"call_{i}", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for i, (name, arguments) in enumerate(calls)
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"tool_calls": made}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": usage},
    ]
    return ("".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n").encode()
