"""Goals that say exactly what is to be done and what must be found at the end.

A goal holds a program as JSON: steps of operations, each `KIND:LABEL` or `KIND:LABEL:PAUSE` (seconds).

    shell   appends a line to NAME.txt           ping     asks a server to note it (pure)
    python  appends a line to NAME-py.txt        post     posts it (irreversible, with a probe)
    write   makes the file NAME-LABEL.txt        letter   sends it (irreversible, no probe)
    large   makes a file of 1.5 MB               book     books it (compensable, with a probe)
    long    prints 30,000 characters             ask      asks the person
    vast    prints 600,000 Chinese characters; this and `large` cannot be compressed
    glutton eats all the memory there is     flood    prints a gigabyte; `pyflood` in Python: both are stopped
    wait    waits for PAUSE seconds              spawn    has a child do `children[LABEL]`, and waits for it
    brood   starts programs that cling to life in every way there is, then waits PAUSE seconds, or without it until
            there is a file `go-LABEL`; `hasty` does the same with a time limit of 2 seconds, `pybrood` in Python
"""

import hashlib
import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

OUTSIDE = {"post": "post", "letter": "letter", "book": "book", "ping": "ping"}
"""Operations whose effect lands outside, and the kind under which it is noted there."""
ANSWER = "北方"
"""What the person answers to every question."""
GIVEN = "华东,1250000"
"""The second line of the file that every process is given. Local operations print it, so that there is something to cite."""
_READ = "cat *-表.csv | sed -n 2p"
LARGE = 1_500_000
_PYTHON_READ = "import glob\nprint(*[open(x, encoding='utf-8').readlines()[1] for x in glob.glob('*-表.csv')])\n"
BROOD = 8
"""Programs that a `brood` starts, at least."""
_PYTHON_BROOD = """\
import os, signal, subprocess, time
os.environ["GLMOS_BROOD"] = {tag!r}
subprocess.Popen(["sleep", "1000"])
subprocess.Popen(["sleep", "1000"], start_new_session=True)
subprocess.Popen(["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1; done"])
for _ in range(2):
    if os.fork() == 0:  # twice, so that nobody is its parent
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.execvp("sleep", ["sleep", "1000"])
        os._exit(0)
"""
_SHELL_BROOD = """\
export GLMOS_BROOD='{tag}'
sleep 1000 &
nohup sleep 1000 > /dev/null 2>&1 &
setsid sleep 1000 &
(setsid sh -c 'sleep 1000 & exec sleep 1000' &)
sh -c 'trap "" TERM INT HUP; while :; do sleep 1; done' &
python3 - <<'end'
{code}
end
"""


class Op(NamedTuple):
    program: str
    kind: str
    label: str
    pause: float

    @property
    def tag(self) -> str:
        """Its name, like no other's in any program."""
        return f"{self.program}/{self.kind}:{self.label}"

    @property
    def file(self) -> str:
        """The file that it makes or adds to; empty for none."""
        ends = {"shell": ".txt", "python": "-py.txt", "write": f"-{self.label}.txt", "large": f"-{self.label}.bin"}
        return f"{self.program}{ends[self.kind]}" if self.kind in ends else ""

    @property
    def content(self) -> bytes:
        """What is in the file then, or one line of it."""
        match self.kind:
            case "write":
                return f"{self.label} 写好了\n".encode() * 200
            case "large":
                return random.Random(self.label).randbytes(LARGE)
            case _:
                return f"{self.label} 羊\n".encode()

    def call(self) -> tuple[str, dict[str, Any]]:
        """The call that does it, for all but `spawn`, which takes two."""
        timed: dict[str, Any] = {"tag": self.tag, "pause": self.pause}
        match self.kind:
            case "shell":
                return "shell", {"command": self._slowly(f"echo '{self.label} 羊' >> {self.file}")}
            case "large":
                content = f'random.Random("{self.label}").randbytes({LARGE})'
                make = f'python3 -c \'import random; open("{self.file}", "wb").write({content})\''
                return "shell", {"command": self._slowly(make)}
            case "long":
                return "shell", {"command": self._slowly(f"yes '{self.label} 一二三四五六七八' | head -n 3000")}
            case "vast":
                line = 'print(*map(chr, r.choices(range(0x4e00, 0x9fa5), k=10)), sep="")'
                code = f'import random; r = random.Random("{self.label}"); [{line} for _ in range(55_000)]'
                return "shell", {"command": self._slowly(f"python3 -c '{code}'")}
            case "glutton":
                return "shell", {"command": """python3 -c 'x = [b"x" * (1 << 20) for _ in range(1800)]'"""}
            case "flood":
                return "shell", {"command": f"yes '{self.label} 一二三四五六七八' | head -c 1000000000"}
            case "pyflood":
                return "python", {"code": f"for _ in range(1000):\n    print('{self.label}' * 1_000_000)"}
            case "python":
                code = (
                    f"import time\nwith open('{self.file}', 'a', encoding='utf-8') as f:\n"
                    f"    print('{self.label} 羊', file=f)\ntime.sleep({self.pause})\n{_PYTHON_READ}print('done {self.tag}')"
                )
                return "python", {"code": code}
            case "brood" | "hasty":
                plant = _SHELL_BROOD.format(tag=self.tag, code=_PYTHON_BROOD.format(tag=self.tag))
                wait = f"until [ -e go-{self.label} ]; do sleep 0.05; done; rm go-{self.label}"
                command = f"{plant}{f'sleep {self.pause}' if self.pause else wait}; {_READ}; echo done {self.tag}"
                return "shell", {"command": command} | ({"timeout": 2} if self.kind == "hasty" else {})
            case "pybrood":
                wait = f"while not os.path.exists('go-{self.label}'): time.sleep(0.05)\nos.remove('go-{self.label}')"
                sleep = f"time.sleep({self.pause})" if self.pause else wait
                return "python", {
                    "code": f"{_PYTHON_BROOD.format(tag=self.tag)}{sleep}\n{_PYTHON_READ}print('done {self.tag}')"
                }
            case "write":
                return "files", {"action": "write", "path": self.file, "text": self.content.decode()}
            case "ask":
                return "ask", {"question": f"{self.tag}: 哪个地区?"}
            case "wait":
                return "wait", {"seconds": max(self.pause, 0.1)}
            case "book":
                return "booking", {"action": "book", **timed}
            case kind:
                return kind, timed

    def _slowly(self, command: str) -> str:
        half = f"sleep {self.pause / 2:.3f}; " if self.pause else ""
        return f"{half}{command}; {half}{_READ}; echo done {self.tag}"


class Program(Struct, frozen=True, omit_defaults=True):
    """What a process is to do."""

    name: str
    steps: tuple[tuple[str, ...], ...]
    children: dict[str, "Program"] = {}
    narrow: bool = False
    """It is given a model whose window is too small for it."""

    @property
    def goal(self) -> str:
        return f"按顺序做完, do this in order: {msgspec.json.encode(self).decode()}"

    @classmethod
    def of(cls, goal: str) -> "Program":
        """The program in a goal, or in a prompt that begins with one."""
        value, _ = json.JSONDecoder().raw_decode(goal[goal.index('{"name"') :])
        return msgspec.convert(value, cls)

    def ops(self, step: int) -> list[Op]:
        found: list[Op] = []
        for text in self.steps[step]:
            kind, label, *pause = text.split(":")
            found.append(Op(self.name, kind, label, float(pause[0]) if pause else 0.0))
        return found

    def all_ops(self) -> Iterator[Op]:
        """Its own, in order."""
        for step in range(len(self.steps)):
            yield from self.ops(step)

    def family(self) -> Iterator["Program"]:
        """It and everything below it."""
        yield self
        for child in self.children.values():
            yield from child.family()

    def files(self) -> dict[str, str]:
        """Path and SHA-256 of every file that stands there at the end."""
        contents: dict[str, bytes] = {}
        for op in self.all_ops():
            if op.file:
                line_by_line = op.kind in ("shell", "python")
                contents[op.file] = (contents.get(op.file, b"") if line_by_line else b"") + op.content
        return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}

    def check(self, step: int) -> str:
        """The command that shows that a step is reached, then and later: no line is missing or there twice."""
        found = ["true"]
        for op in self.ops(step):
            if op.kind in ("shell", "python"):
                found.append(f"test $(grep -cx '{op.content.decode().strip()}' {op.file}) = 1")
            elif op.file:
                found.append(f"echo '{hashlib.sha256(op.content).hexdigest()}  {op.file}' | sha256sum --quiet -c -")
        return " && ".join(found)


def random_program(rng: random.Random, name: str, *, depth: int = 0, heavy: bool = False) -> Program:
    """Two or three steps of a few operations each; one in four has a child. `heavy`: large payloads more often.

    One in three of those without a parent has many short steps and a small window.
    """
    children: dict[str, Program] = {}
    steps: list[tuple[str, ...]] = []
    narrow = depth == 0 and rng.random() < 1 / 3
    labels = iter("abcdefghijklmnopqrstuvwxyz")
    kinds = ["shell", "shell", "post", "post", "letter", "letter", "book", "book", "ping", "write"]
    for _ in range(rng.choice([5, 6, 7] if narrow else [2, 2, 3])):
        step: list[str] = []
        for _ in range(rng.choice([1, 2] if narrow else [1, 2, 3])):
            step.append(_timed(rng, rng.choice(kinds), next(labels)))
        if rng.random() < (0.75 if heavy else 0.25) / (3 if narrow else 1):
            more = ["vast", "long", "long", "large", "python"] if heavy else []
            kind = rng.choice(["python", "long", "ask", "wait", "large", "brood", *more])
            step.append(_timed(rng, kind, next(labels)))
        steps.append(tuple(step))
    if depth == 0 and rng.random() < 0.25:
        label = next(labels)
        children[label] = random_program(rng, f"{name}{label}", depth=1)
        place = rng.randrange(len(steps))
        steps[place] = (*steps[place], f"spawn:{label}")
    steps[-1] = (*steps[-1], _timed(rng, "shell", next(labels)))  # something that can be cited
    return Program(name, tuple(steps), children, narrow)


def _timed(rng: random.Random, kind: str, label: str) -> str:
    return f"{kind}:{label}:{rng.choice([0.1, 0.3] if kind == 'brood' else [0, 0.1, 0.3]):g}"
