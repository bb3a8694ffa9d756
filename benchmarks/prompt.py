"""What is sent to the model: does its beginning stay, how much is overhead, and is what no longer fits found again?

    python benchmarks/prompt.py                      # all three parts
    python benchmarks/prompt.py --part prefix --only glm-os langgraph
    python benchmarks/prompt.py --record             # also writes benchmarks/results/prompt-DATE.md

prefix     A loop of 50 steps; the mock server records every request. For each call and the next one of the same
           conversation: are the bytes of the messages, as sent, the beginning of the next one's? Are tools and parameters
           the same bytes? Goal: every call.
overhead   The first request of a home as it is installed, all standard tools there, without the goal: bytes of messages and
           of tools, and a quarter of them as tokens; beside it the project's own upper estimate. Goal: at most 1,500 tokens.
paging     A process of 2,000 events in a window of 8,192 tokens. Step 12, which is event 50 or so, reported a code word
           that has long left the prompt when the last step is done. The model then calls `look` for it and quotes what it
           finds. Shown: compactions (calls whose prompt does not begin with the one before), whether each of them declares
           itself with a digest, the largest prompt, and how the process ended: only a quote that really stands in the output
           passes its check.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from peers import rig
from peers.glmos_system import write_settings
from provenance import record

import glmos
from glmos.abi.messages import FunctionCall, Message, ToolSchema
from glmos.models.tokens import prompt_tokens

OURS = (rig.System("glmos_system", "pure"),)
PLANTED = 12
WORD = "Zinnober 朱砂 seven four three one"
MESSAGES = '"messages":'
DIGEST = "Earlier turns, in short"


class Sent(NamedTuple):
    """A request as it went out."""

    messages: str
    """The bytes of the list without its closing bracket."""
    tools: str
    parameters: dict[str, Any]
    text: str


def read(recording: Path) -> Iterator[Sent]:
    """The requests of one conversation; a critic's own are left out."""
    for line in recording.read_text(encoding="utf-8").splitlines():
        if '"name":"verdict"' in line:
            continue
        place = line.replace('"messages": ', MESSAGES).index(MESSAGES) + len(MESSAGES)
        plain = line.replace('"messages": ', MESSAGES)
        _, end = json.JSONDecoder().raw_decode(plain, place)
        body = json.loads(plain)
        parameters = {k: v for k, v in body.items() if k not in ("messages", "tools", "max_tokens")}
        yield Sent(plain[place : end - 1], json.dumps(body.get("tools")), parameters, plain)


def prefix(systems: Sequence[rig.System], steps: int) -> str:
    rows: list[list[str]] = []
    with rig.mock_server() as url, rig.folder() as place:
        for number, system in enumerate(systems):
            recording = place / f"{number}.jsonl"
            rig.tell(url, "/record", {"file": str(recording)})
            try:
                rig.work(system, "loop", url, steps=steps, reps=0)
            except rig.Failed as failed:
                print(failed, file=sys.stderr)
                continue
            finally:
                rig.tell(url, "/record", {"file": None})
            sent = list(read(recording))
            pairs = list(pairwise(sent))
            kept = sum(later.messages.startswith(earlier.messages) for earlier, later in pairs)
            same = sum(a.tools == b.tools and a.parameters == b.parameters for a, b in pairs)
            first = len(sent[0].messages.encode()), len(sent[0].tools.encode())
            grown = (len(sent[-1].messages) - len(sent[0].messages)) / max(1, len(pairs))
            rows.append([system.name, str(len(pairs)), str(kept), str(same), f"{grown:.0f}", *map(str, first)])
    head = [
        "prefix", "calls after the first", "messages begin with the last call's", "tools and parameters the same",
        "bytes a step", "bytes of the first messages", "bytes of the tools",
    ]  # fmt: skip
    return rig.table(head, rows)


# -- overhead ---------------------------------------------------------------------------------------------------------


async def first_request(url: str, home: Path, recording: Path) -> Sent:
    """What a home as it is installed sends first."""
    write_settings(home, url, "steps-0_end-finish")
    rig.tell(url, "/record", {"file": str(recording)})
    async with glmos.open(home, environ={}) as system:
        await system.run("x")
    rig.tell(url, "/record", {"file": None})
    return next(read(recording))


def overhead() -> str:
    with rig.mock_server() as url, rig.folder() as place:
        sent = anyio.run(first_request, url, place / "home", place / "first.jsonl")
    tools = json.loads(sent.tools)
    messages = json.loads(sent.messages + "]")
    schemas = tuple(
        ToolSchema(t["function"]["name"], t["function"]["description"], t["function"]["parameters"]) for t in tools
    )
    said = tuple(Message(m["role"], m["content"]) for m in messages)
    size = len(sent.messages.encode()), len(json.dumps(tools, separators=(",", ":")).encode())
    names = ", ".join(t["function"]["name"] for t in tools)
    rows = [
        ["messages", f"{size[0]:,}", f"{size[0] / 4:,.0f}", f"{prompt_tokens(said, ()):,}"],
        ["tools", f"{size[1]:,}", f"{size[1] / 4:,.0f}", f"{prompt_tokens((), schemas):,}"],
        ["both", f"{sum(size):,}", f"{sum(size) / 4:,.0f}", f"{prompt_tokens(said, schemas):,}"],
    ]
    head = ["overhead of the first request", "bytes", "tokens: a quarter of the bytes", "tokens: own upper estimate"]
    return f"{rig.table(head, rows)}\n\nFunctions offered: {names}."


# -- paging -----------------------------------------------------------------------------------------------------------


class Paged(NamedTuple):
    status: str
    answer: str
    events: int
    planted: int
    """The number of the event with the fact."""
    calls: list[FunctionCall]


async def long_process(url: str, home: Path, steps: int, window: int) -> Paged:
    @glmos.tool(effect="pure", resident=True)
    async def step(i: int) -> str:
        """Do step i and report its result.

        Args:
            i: The number of the step.
        """
        return f"receipt-{i}" + (f" and the code word is {WORD}" if i == PLANTED else "")

    write_settings(home, url, f"steps-{steps}_end-recall", window=window)
    async with glmos.open(home, environ={}, tools=[step]) as system:
        report = await system.run("Do all the steps. Then say which code word an early step reported.")
        log = await system.log(report.pid)
    from glmos.abi.events import ModelReplied, ToolFinished

    planted = next(x.seq for x in log if isinstance(x.event, ToolFinished) and "code word" in x.event.output.text)
    calls = [c for x in log if isinstance(x.event, ModelReplied) for c in x.event.reply.calls]
    return Paged(report.status, report.answer or report.reason, len(log), planted, calls)


def paging(steps: int, window: int) -> str:
    with rig.mock_server() as url, rig.folder() as place:
        recording = place / "long.jsonl"
        rig.tell(url, "/record", {"file": str(recording)})
        paged = anyio.run(long_process, url, place / "home", steps, window)
        rig.tell(url, "/record", {"file": None})
        sent = list(read(recording))
    pairs = list(pairwise(sent))
    broken = [later for earlier, later in pairs if not later.messages.startswith(earlier.messages)]
    declared = sum(DIGEST in x.messages for x in broken)
    asking = next(x for x in sent[::-1] if WORD.split(maxsplit=1)[0] not in x.messages)
    looked = [c.arguments for c in paged.calls if c.name == "use"]
    rows = [
        ["events", f"{paged.events:,}"],
        ["event of the fact", str(paged.planted)],
        ["model calls", f"{len(sent):,}"],
        ["compactions", str(len(broken))],
        ["of them declared by a digest", str(declared)],
        ["calls between two compactions, median", f"{len(sent) / (len(broken) + 1):.0f}"],
        ["largest prompt, KB", f"{max(len(x.text) for x in sent) / 1e3:.1f}"],
        ["prompt at the end, KB", f"{statistics.mean(len(x.text) for x in sent[-3:]) / 1e3:.1f}"],
        ["the fact stood in the prompt when it was asked for", "yes" if WORD in asking.messages else "no"],
        ["how it was asked for", ", ".join(looked)],
        ["the process ended", f"{paged.status}: {paged.answer}"],
    ]
    return rig.table([f"paging, a window of {window:,} tokens", ""], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["prefix", "overhead", "paging"], help="only this one")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="systems of the part prefix")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--long", type=int, default=500, help="steps of the long process; four events each")
    parser.add_argument("--window", type=int, default=8_192, help="tokens")
    parser.add_argument("--record", action="store_true", help="keep the result in benchmarks/results/")
    options = parser.parse_args()
    systems = rig.chosen(options.only, [*OURS, *rig.installed()])
    parts: list[str] = []
    if options.part in (None, "prefix"):
        parts += [prefix(systems, options.steps), rig.set_ups(systems)]
    if options.part in (None, "overhead"):
        parts.append(overhead())
    if options.part in (None, "paging"):
        parts.append(paging(options.long, options.window))
    text = "\n\n".join(parts)
    print(text)
    if options.record:
        print(record("prompt", "What is sent to the model", text))


if __name__ == "__main__":
    main()
