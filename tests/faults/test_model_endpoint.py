"""A model endpoint that fails in every way there is: a clear sentence, nothing lost, and `resume` finishes the work.

Real parts throughout: journal on disk, sandbox, drivers, an HTTP server; in the last tests the daemon and the command
line too. The fault begins when the first tool call has been made, so there is something to lose.
"""

import json
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

import glmos
from glmos.abi import events as e
from glmos.boot.system import LocalSystem
from glmos.client import RemoteSystem
from tests.faults import endpoint as faults
from tests.faults.endpoint import Handler, serving

pytestmark = pytest.mark.anyio

SETTINGS = """
[models.work]
provider = "compatible"
base_url = "{url}"
model = "diligent"
retry = {{ tries = 2, first = 0.01, longest = 0.02 }}
deadlines = {{ connect = 2, first_byte = 1.0, idle = 1.0 }}
"""
GARBAGE = bytes(range(128, 256)) * 8

FAULTS: dict[str, tuple[Handler, str, str]] = {
    "429": (faults.status(429, {"error": {"message": "slow down"}}), "rate_limited", "takes no more requests"),
    "429 for a day": (faults.status(429, "", retry_after="86400"), "rate_limited", "try again in 86400 s"),
    "500": (faults.status(500, "oops"), "overloaded", r"cannot answer for 'diligent' now \(500\) after 2 tries"),
    "503 with a page": (
        faults.status(503, "<html><title>Be right back</title>"), "overloaded", "an HTML page titled 'Be right back'",
    ),
    "401": (faults.status(401, {"error": {"message": "who are you?"}}), "denied", "wants a key and none was given"),
    "garbage events": (faults.stream(b"data: {not json\n\n"), "protocol", "an event that is not JSON"),
    "garbage bytes": (faults.stream(GARBAGE), "interrupted", "ended its answer for 'diligent' before it had begun"),
    "half a stream": (faults.half_a_stream, "", "the model stopped answering: 4 replies in a row were cut"),
    "nothing": (faults.nothing, "interrupted", "no answer began within 1 s"),
    "silence in the middle": (faults.silence_in_the_middle, "interrupted", "nothing came for 1 s"),
    "signs of life for ever": (faults.signs_of_life, "interrupted", "nothing but signs of life came for 1 s"),
    "reset": (faults.reset, "interrupted", "broke off before it answered"),
    "a page instead": (faults.page(b"<html>Welcome</html>", "text/html"), "protocol", "an HTML page instead of a stream"),
    "a picture instead": (faults.page(b"\x89PNG" + GARBAGE, "image/png"), "interrupted", "before it had begun"),
    "200 with an error": (
        faults.page(b'{"error": {"message": "no GPU left", "code": 503}}', "application/json"), "overloaded", "no GPU left",
    ),
    "200 with null": (faults.page(b"null", "application/json"), "protocol", "an answer that is no object"),
    "words without end": (faults.endless, "", "the model stopped answering: 4 replies in a row were cut"),
    "redirect": (faults.status(302, "", location="http://127.0.0.1:9/v1"), "protocol", "no chat completions endpoint"),
    "gone": (faults.status(404, "nothing here"), "protocol", "no chat completions endpoint"),
}  # fmt: skip
"""Name to the fault, the kind of failure in the log (empty: the kernel ended it), and words of the reason."""


@asynccontextmanager
async def working(home: Path, url: str) -> AsyncGenerator[LocalSystem]:
    home.mkdir(exist_ok=True)
    (home / "glmos.toml").write_text(SETTINGS.format(url=url))
    async with glmos.open(home, environ={}) as system:
        yield system


def ledger(report: Any) -> str:
    return (Path(report.workspace) / "ledger.txt").read_text()


async def settled(system: LocalSystem, pid: int) -> Any:
    with anyio.fail_after(60):
        return await system.wait(pid)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_process_survives_an_endpoint_that_answers_with(tmp_path: Path, name: str) -> None:
    fault, kind, words = FAULTS[name]
    async with serving() as endpoint, working(tmp_path / "home 家", endpoint.base_url) as system:
        endpoint.fault = fault
        with anyio.fail_after(60):
            report = await system.run("write A", model="work")
        assert report.status == "failed"
        assert re.search(words, report.reason), report.reason
        assert "\n" not in report.reason
        log = await system.log(report.pid)
        failures = [x.event.kind for x in log if isinstance(x.event, e.ModelFailed)]
        assert failures == ([kind] if kind else [])
        assert 1 <= endpoint.faulty <= 8, "retries are bounded"
        assert ledger(report) == "A\n"

        endpoint.fault = None
        await system.signal(report.pid, "resume")
        after = await settled(system, report.pid)
        assert (after.status, after.answer, ledger(after)) == ("done", "wrote A: 好", "A\n")
        assert (await system.log(report.pid))[: len(log)] == log, "nothing of the log was lost"


PASSING: dict[str, Handler] = {
    "429 with a short Retry-After": faults.once(faults.status(429, "", retry_after="0")),
    "500 once": faults.once(faults.status(500, "oops")),
    "a reset once": faults.once(faults.reset),
    "half a stream once": faults.once(faults.half_a_stream),
    "slow but whole": faults.slow_but_whole,
}


@pytest.mark.parametrize("name", PASSING)
async def test_a_process_does_not_notice(tmp_path: Path, name: str) -> None:
    async with serving() as endpoint, working(tmp_path, endpoint.base_url) as system:
        endpoint.fault = PASSING[name]
        with anyio.fail_after(60):
            report = await system.run("write A", model="work")
        assert (report.status, ledger(report)) == ("done", "A\n")
        assert endpoint.faulty >= 1


async def test_bytes_that_are_no_utf_8_are_replaced_and_the_reply_is_read(tmp_path: Path) -> None:
    broken = faults.sound(done=["[c1] wrote A"]).replace("好".encode(), b"\xff\xfe")
    async with serving() as endpoint, working(tmp_path, endpoint.base_url) as system:
        endpoint.fault = faults.once(faults.stream(broken))
        with anyio.fail_after(60):
            report = await system.run("write A", model="work")
        assert (report.status, report.answer) == ("done", "wrote A: \ufffd\ufffd")


async def test_a_certificate_that_nobody_signed_is_not_believed(tmp_path: Path) -> None:
    async with serving(tls=True) as endpoint, working(tmp_path, endpoint.base_url) as system:
        with anyio.fail_after(60):
            report = await system.run("write A", model="work")
        assert report.status == "failed"
        assert "its certificate could not be verified" in report.reason
        assert endpoint.faulty == 0


async def test_a_reply_with_thousands_of_calls_is_cut_to_what_can_be_dealt_with(tmp_path: Path) -> None:
    call = {"index": 0, "id": "", "function": {"name": "look", "arguments": "{}"}}
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [{**call, "index": n} for n in range(5_000)]}}]}
    ending = b'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\n'
    async with serving() as endpoint, working(tmp_path, endpoint.base_url) as system:
        endpoint.fault = faults.once(faults.stream(f"data: {json.dumps(chunk)}\n\n".encode(), ending))
        with anyio.fail_after(60):
            report = await system.run("write A", model="work")
        replies = [x.event.reply for x in await system.log(report.pid) if isinstance(x.event, e.ModelReplied)]
        assert max(len(reply.calls) for reply in replies) == 128
        assert (report.status, ledger(report)) == ("done", "A\n")


# -- the whole program ------------------------------------------------------------------------------------------------


async def glmos_says(home: Path, *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and error of a command in a terminal of its own."""
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"GLMOS_HOME": str(home)}
    with anyio.fail_after(90):
        done = await anyio.run_process([sys.executable, "-m", "glmos", *words], env=env, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("name", ["429", "half a stream", "nothing"])
async def test_the_command_line_says_what_is_wrong_and_resume_finishes(tmp_path: Path, name: str) -> None:
    fault, _, words = FAULTS[name]
    home = tmp_path / "home"
    home.mkdir()
    async with serving() as endpoint:
        (home / "glmos.toml").write_text(SETTINGS.format(url=endpoint.base_url))
        try:
            endpoint.fault = fault
            status, out, err = await glmos_says(home, "run", "write A", "-m", "work")
            assert status == 1, err
            assert out == ""
            assert re.search(words, " ".join(err.split())), err
            assert "Traceback" not in err
            endpoint.fault = None
            status, out, err = await glmos_says(home, "resume", "1")
            assert (status, err) == (0, "Process 1 goes on.\n"), out
            with anyio.fail_after(60):
                report = await RemoteSystem(home, {}).wait(1)
            assert (report.status, report.answer, ledger(report)) == ("done", "wrote A: 好", "A\n")
        finally:
            os.kill(int((home / "owner.lock").read_text()), signal.SIGTERM)
