"""A model server for real daemons: OpenAI-compatible, and without memory, so that it does not matter who asks again.

It looks at the conversation it is sent and does the next thing that is missing: a plan of steps A, B, C, for each of
them one shell command that appends a line to `ledger.txt`, then the step's result with its quote.
"""

import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STEPS = "ABC"
SLOW = "B"


def plan() -> dict[str, Any]:
    steps = [
        {
            "id": letter,
            "goal": f"write {letter} into ledger.txt once",
            "needs": [STEPS[i - 1]] if i else [],
            "checks": [{"kind": "command", "command": f"test $(grep -c '^{letter}$' ledger.txt) = 1"}],
        }
        for i, letter in enumerate(STEPS)
    ]
    return {"steps": steps}


def next_call(messages: list[dict[str, Any]], slow: float) -> tuple[str, dict[str, Any]]:
    """What a diligent model would do now."""
    text = "\n".join(str(m.get("content") or "") for m in messages)
    results = [str(m["content"]) for m in messages if m["role"] == "tool"]
    if "plan stands" not in text:
        return "plan", plan()
    undone = list(re.finditer(r"everything since the beginning of step '(\w)'", text))
    for letter in STEPS:
        since = max((m.start() for m in undone if m[1] <= letter), default=-1)
        if text.rfind(f"Step '{letter}' was checked") > since:
            continue
        written = [r for r in results if re.match(r"\[c\d+\]", r) and f"wrote {letter}" in r]
        if written and text.rfind(written[-1]) > since:
            call = written[-1][1 : written[-1].index("]")]
            claim = {"claim": f"{letter} was written", "call": call, "quote": f"wrote {letter}"}
            return "finish", {"result": f"wrote {letter}", "claims": [claim]}
        pause = f"sleep {slow}; " if letter == SLOW else ""
        return "shell", {"command": f"echo {letter} >> ledger.txt; {pause}echo wrote {letter}"}
    return "give_up", {"reason": "everything is written already"}


@contextmanager
def serving(slow: float = 0.0) -> Generator[str]:
    """The address of a running server. `slow`: seconds that the command of step B takes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            return None

        def do_GET(self) -> None:
            self._send(json.dumps({"data": [{"id": "diligent"}]}).encode(), "application/json")

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            critic = any(t["function"]["name"] == "verdict" for t in request.get("tools", []))
            name, arguments = (
                ("verdict", {"outcome": "passed", "reason": "the ledger has each line once"})
                if critic
                else next_call(request["messages"], slow)
            )
            call = {"index": 0, "id": "call_0", "function": {"name": name, "arguments": json.dumps(arguments)}}
            chunks = [
                {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]},
                {
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 10},
                },
            ]
            lines = "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"
            self._send(lines.encode(), "text/event-stream")

        def _send(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
