"""A model server without a model: OpenAI-compatible, immediate, and able to lead any agent through a loop of tool calls.

    python benchmarks/peers/mock_server.py [--port N]        prints the port it listens on

The name of the model is the script, so one server serves every system and every benchmark at once:

    steps-50                 50 calls of the tool `step`, then a final text
    steps-50_end-finish      ... then GLM-OS's `finish`, with a claim that quotes the last output
    steps-50_end-message     ... then a tool `finish` that takes a `message` (OpenHands)
    tool-send                the tool is called `send` instead
    latency-100              every answer takes 100 ms
    steps-50_end-recall      ... then GLM-OS's `look` for the words `code word`, and `finish` with the line that it shows
    hang-6                   no answer ever comes once 6 steps are done

How far a conversation has come stands in the request: the tool `step` answers `receipt-7`, so the next call is for step
8. The server therefore keeps no state and a resumed conversation goes on where its own history says it is.

    POST /v1/chat/completions    streamed or whole, as the request asks
    GET  /v1/models
    POST /record                 {"file": PATH or null}: append every request body to a file, one a line
    GET  /count                  {"requests": N, "bytes": N}
    POST /reset                  count anew
"""

import argparse
import asyncio
import json
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

MODEL = re.compile(rb'"model":\s*"(?:openai/)?([\w.-]+)"')
STREAM = re.compile(rb'"stream":\s*true')
RECEIPT = re.compile(rb"receipt-(\d+)")
CITED = re.compile(rb"\[(c\d+)\] receipt-")
RECALLED = re.compile(rb"(c\d+), character \d+: ([^\"\\\\]*code word [^\"\\\\]*)")
FINAL = "All steps are done."


class Script(NamedTuple):
    """What a model's name asks for."""

    model: str
    steps: int = 0
    latency: float = 0.0
    """Seconds."""
    hang: int = -1
    end: str = "text"
    tool: str = "step"


def read_script(name: str) -> Script:
    values = dict(part.split("-", 1) for part in name.split("_") if "-" in part)
    return Script(
        name,
        steps=int(values.get("steps", 0)),
        latency=int(values.get("latency", 0)) / 1000,
        hang=int(values.get("hang", -1)),
        end=values.get("end", "text"),
        tool=values.get("tool", "step"),
    )


def done(body: bytes) -> int:
    """How many steps the conversation in `body` has behind it; one that is said to have taken effect counts."""
    found = max(RECEIPT.finditer(body), key=lambda match: int(match.group(1)), default=None)
    if found is None:
        return int(b"took effect" in body)
    return int(found.group(1)) + 1 + (body.find(b"took effect", found.end()) >= 0)


def next_call(script: Script, body: bytes, step: int) -> tuple[str, dict[str, Any]] | None:
    """The function to call next; None when the answer is the final text."""
    if b'"name":"verdict"' in body:
        return "verdict", {"outcome": "passed", "reason": "Every step has its receipt."}
    if step < script.steps:
        return script.tool, {"i": step}
    if script.end == "recall":
        seen = RECALLED.search(body)
        if seen is None:
            return "use", {"tool": "look", "arguments": {"text": "code word"}}
        call, line = seen.group(1).decode(), seen.group(2).decode()
        claim = {"claim": "the code word", "call": call, "quote": line}
        return "finish", {"result": f"The output says: {line}", "claims": [claim]}
    if script.end == "finish":
        calls = CITED.findall(body)
        claims = [{"claim": FINAL, "call": calls[-1].decode(), "quote": f"receipt-{step - 1}"}] if calls else []
        return "finish", {"result": FINAL, "claims": claims}
    if script.end == "message":
        return "finish", {"message": FINAL}
    return None


def answer(script: Script, body: bytes, step: int) -> tuple[bytes, bytes]:
    """Content type and body of the answer."""
    call = next_call(script, body, step)
    finish = "tool_calls" if call else "stop"
    message: dict[str, Any] = {"role": "assistant", "content": None if call else FINAL}
    if call:
        function = {"name": call[0], "arguments": json.dumps(call[1], separators=(",", ":"))}
        message["tool_calls"] = [{"id": f"call_{step}", "type": "function", "function": function}]
    tokens = len(body) // 4
    usage = {"prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20}
    head = {"id": f"chatcmpl-{step}", "created": 1_700_000_000, "model": script.model}
    if not STREAM.search(body):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        return b"application/json", json.dumps(whole).encode()
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if call else FINAL}]
    if call:
        deltas.append({"tool_calls": [{"index": 0, **message["tool_calls"][0]}]})
    choices: list[dict[str, Any]] = [{"index": 0, "delta": d, "finish_reason": None} for d in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    chunks: list[dict[str, Any]] = [{**head, "object": "chat.completion.chunk", "choices": [c]} for c in choices]
    chunks.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    return b"text/event-stream", f"{text}data: [DONE]\n\n".encode()


class MockServer:
    """What the connections share: the scripts read so far, the count of requests, the recording."""

    def __init__(self) -> None:
        self.scripts: dict[bytes, Script] = {}
        self.requests = 0
        self.bytes = 0
        self.recording: IO[bytes] | None = None

    def script(self, body: bytes) -> Script:
        found = MODEL.search(body)
        name = found.group(1) if found else b""
        if name not in self.scripts:
            self.scripts[name] = read_script(name.decode())
        return self.scripts[name]

    def respond(self, path: bytes, body: bytes, later: Callable[[float, bytes, bytes], None]) -> None:
        """Answer one request through `later(seconds, content_type, body)`; not at all where the script hangs."""
        if path.endswith(b"/chat/completions"):
            self.requests += 1
            self.bytes += len(body)
            if self.recording is not None:
                self.recording.write(body.replace(b"\n", b" ") + b"\n")
                self.recording.flush()
            script, step = self.script(body), done(body)
            if not 0 <= script.hang <= step:
                later(script.latency, *answer(script, body, step))
        elif path.endswith(b"/models"):
            listed = [{"id": "steps-5", "object": "model", "created": 0, "owned_by": "mock"}]
            later(0, b"application/json", json.dumps({"object": "list", "data": listed}).encode())
        elif path.endswith(b"/record"):
            self.record(json.loads(body)["file"])
            later(0, b"application/json", b"{}")
        else:
            if path.endswith(b"/reset"):
                self.requests = self.bytes = 0
            later(0, b"application/json", json.dumps({"requests": self.requests, "bytes": self.bytes}).encode())

    def record(self, file: str | None) -> None:
        if self.recording is not None:
            self.recording.close()
        self.recording = Path(file).open("ab") if file else None  # noqa: SIM115  (open until told otherwise)


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, just enough: a head, and a body of the length it names."""

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end]).lower()
            length = 0
            if (place := head.find(b"content-length:")) >= 0:
                length = int(head[place + 15 :].split(b"\r\n", 1)[0])
            if b"expect: 100" in head and len(self.buffer) == end + 4:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(self.buffer) < end + 4 + length:
                return
            body = bytes(self.buffer[end + 4 : end + 4 + length])
            path = bytes(self.buffer[: self.buffer.find(b"\r\n")]).split(b" ")[1]
            del self.buffer[: end + 4 + length]
            self.server.respond(path, body, self.later)

    def later(self, seconds: float, content_type: bytes, body: bytes) -> None:
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self.send, content_type, body)
        else:
            self.send(content_type, body)

    def send(self, content_type: bytes, body: bytes) -> None:
        if not self.transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (content_type, len(body))
            self.transport.write(head + body)


async def serve(port: int) -> None:
    shared = MockServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(shared), "127.0.0.1", port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    port: int = parser.parse_args().port
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection for each of thousands
    asyncio.run(serve(port))


if __name__ == "__main__":
    main()
