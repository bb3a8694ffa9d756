"""What lies outside the home and counts: an append-only file, and an HTTP server that notes every effect it is asked for.

Neither is touched by the death of a daemon, so both can say afterwards what really happened, and how often.

    POST /KIND {"pid", "call", "tag"}   noted, then answered        GET /?pid=P&call=C   the kinds noted for that call
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import anyio


class Happened(NamedTuple):
    """An effect on the world."""

    kind: str
    """`post`, `book`, `cancel`, `ping`, or `letter`."""
    pid: int
    call: str
    tag: str


class Outside:
    """Made by `outside`; asked by audits and by whoever is to say truthfully whether something happened."""

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger
        self.url = ""
        self._noted: list[Happened] = []
        self._lock = threading.Lock()  # guards the list: each request has a thread of its own

    def note(self, happened: Happened) -> int:
        with self._lock:
            self._noted.append(happened)
            return len(self._noted)

    def happened(self) -> list[Happened]:
        """Everything, those of one place in their order."""
        with self._lock:
            noted = list(self._noted)
        return noted + self.letters()

    def letters(self) -> list[Happened]:
        """The file's lines. Each was written with one call, so none can be half there."""
        if not self.ledger.exists():
            return []
        lines = self.ledger.read_text("utf-8").splitlines()
        return [Happened("letter", int(pid), call, tag) for pid, call, tag in (x.split(" ", 2) for x in lines)]

    async def wait_noted(self, tag: str) -> None:
        """Return when an effect of that name has happened."""
        while not any(x.tag == tag for x in self.happened()):  # noqa: ASYNC110  (another thread notes it, or a file)
            await anyio.sleep(0.01)

    def kinds(self, pid: int, call: str) -> list[str]:
        with self._lock:
            return [x.kind for x in self._noted if (x.pid, x.call) == (pid, call)]


@contextmanager
def outside(ledger: Path) -> Generator[Outside]:
    """A running server, and the file."""
    there = Outside(ledger)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            return None

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            number = there.note(Happened(self.path.strip("/"), asked["pid"], asked["call"], asked["tag"]))
            self._send({"number": number})

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self._send(there.kinds(int(query["pid"][0]), query["call"][0]))

        def _send(self, value: object) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with served(Handler) as there.url:
        yield there


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked was killed in the middle; that is what this is for."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """The address of a server of this machine that answers with `handler`, in threads, until the end of the block."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
