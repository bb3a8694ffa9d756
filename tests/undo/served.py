"""A model endpoint for real daemons that plays a script: the reply to a request is told by how many it has had.

It keeps nothing, so it does not matter which daemon asks, nor how often.
"""

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from glmos.abi.messages import ModelReply


@contextmanager
def playing(script: Sequence[ModelReply]) -> Generator[str]:
    """The address of a running endpoint. Beyond its end the script gives up; critics are pleased."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            return None

        def do_GET(self) -> None:
            self._send(json.dumps({"data": [{"id": "script"}]}).encode(), "application/json")

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            critic = any(tool["function"]["name"] == "verdict" for tool in request.get("tools", []))
            said = sum(message["role"] == "assistant" for message in request["messages"])
            calls = [("verdict", '{"outcome": "passed", "reason": "as asked"}')] if critic else _calls(script, said)
            made = [
                {"index": i, "id": f"call_{said}_{i}", "function": {"name": name, "arguments": arguments}}
                for i, (name, arguments) in enumerate(calls)
            ]
            chunks: list[dict[str, Any]] = [
                {"choices": [{"index": 0, "delta": {"tool_calls": made}, "finish_reason": None}]},
                {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 9}},
            ]
            lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
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


def _calls(script: Sequence[ModelReply], said: int) -> list[tuple[str, str]]:
    if said >= len(script):
        return [("give_up", '{"reason": "the script has ended"}')]
    return [(call.name, call.arguments) for call in script[said].calls]
