"""Goals over weights on disk by the command line, with a real daemon: an end that is said clearly, and no traceback."""

import json
import os
import subprocess
import sys
from contextlib import suppress

import anyio
import pytest

from glmos.client import RemoteSystem
from glmos.client.problems import DaemonAbsent
from tests.local.checkpoints import make
from tests.local.gguf_export import export

pytestmark = pytest.mark.timeout(600)
GIVE_UP = (
    "\n<think>hard</think>\n<tool_call>give_up\n<arg_key>reason</arg_key>\n"
    "<arg_value>我不会算，sorry.</arg_value>\n</tool_call>"
)


@pytest.fixture
def glmos(tmp_path):
    """Run a command against a home of its own; its daemon is ended afterwards."""
    home = tmp_path / "家"
    home.mkdir()
    environ = {**{k: v for k, v in os.environ.items() if not k.endswith(("_KEY", "_TOKEN"))}, "GLMOS_HOME": str(home)}
    environ["GLMOS_MODEL"] = ""

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "glmos", *words], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
        )  # fmt: skip

    run.home = home
    yield run

    async def stop():
        system = RemoteSystem(home)
        for process in await system.processes():
            await system.signal(process.pid, "kill")
        await system.shutdown()

    with suppress(DaemonAbsent):
        anyio.run(stop)


def configure(glmos, path, **settings):
    lines = [f"path = {json.dumps(str(path))}", "threads = 1", *(f"{k} = {v}" for k, v in settings.items())]
    (glmos.home / "glmos.toml").write_text("\n".join(["[models.tiny]", *lines]))


@pytest.mark.parametrize("form", ["folder", "file"])
def test_random_weights_fail_with_a_clear_statement(glmos, tmp_path, form):
    folder = make(tmp_path / "随机", "glm4", context=32768, letters=True)
    path = folder if form == "folder" else export(folder, tmp_path / "随机.gguf")
    configure(glmos, path, max_output_tokens=32)
    ended = glmos("run", "What is 2 + 2? 二加二", "-m", "tiny", "--json", "--max-model-calls", "12")
    report = json.loads(ended.stdout)
    assert "Traceback" not in ended.stderr
    assert (report["status"], ended.returncode) in [("failed", 1), ("refused", 5), ("unverified", 3)]
    assert report["cost"]["completion_tokens"] > 0, "the weights did write"
    assert report["cost"]["usd"] == 0


def test_what_weights_say_reaches_the_person_by_a_path_as_it_is_typed(glmos, tmp_path):
    make(tmp_path / "tiny", "glm4_moe", says=GIVE_UP, ends="<|observation|>", context=32768)
    ended = glmos("run", "二加二?", "-m", "./tiny")
    assert ended.returncode == 1
    assert "我不会算，sorry." in ended.stdout + ended.stderr


def test_what_is_wrong_with_the_weights_is_one_sentence(glmos, tmp_path):
    (tmp_path / "empty").mkdir()
    for given, words in [("./nowhere", "There are no weights at"), ("./empty", "has no config.json")]:
        ended = glmos("run", "hi", "-m", given)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert words in ended.stderr
        assert len(ended.stderr.strip().splitlines()) == 1


def test_the_listing_shows_weights_with_what_they_can(glmos, tmp_path):
    configure(glmos, make(tmp_path / "w", "glm4v"))
    views = {view["name"]: view for view in json.loads(glmos("models", "--json").stdout)}
    assert views["tiny"]["detail"].endswith("tools, thinking, images")
    assert glmos("models", "pull", "nonsense").returncode == 2
