"""The driver and the process of the weights: one question at a time, cancelled, crashed, idle, and found by its name."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import msgspec
import pytest

from glmos.abi.errors import ModelError, NotFoundError, UsageError
from glmos.abi.messages import Message, ModelRequest, ToolSchema
from glmos.models.local.describe import describe
from glmos.models.local.driver import Shelf
from glmos.models.local.process import make_room
from glmos.models.local.protocol import Load, encode
from glmos.models.routes import Routes
from glmos.testing.models import ScriptedModel, say
from tests.local.checkpoints import make, tagged
from tests.local.gguf_export import export

pytestmark = pytest.mark.anyio
WEATHER = ToolSchema("weather", "天气", {"type": "object", "properties": {"city": {"type": "string"}}})
CALL = "\n<think>查</think>\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>成都</arg_value>\n</tool_call>"
HI = ModelRequest((Message("user", "天气 in 成都?"),), (WEATHER,), max_tokens=100, temperature=0)
ENDLESS = ModelRequest((Message("user", "go on"),), max_tokens=3900, temperature=0)


@pytest.fixture
def folder(shelf):
    return make(shelf / "caller", "glm4_moe", says=CALL, ends="<|observation|>")


@pytest.fixture
def caller(shelf):
    """A file: its process starts in a moment."""
    made = make(shelf / "caller-glm4", "glm4", says=CALL, ends="<|observation|>", template=tagged("\n"))
    return export(made, shelf / "caller.gguf")


@pytest.fixture
def endless(shelf):
    """Never comes to an end by itself."""
    return make(shelf / "talker", "glm4", letters=True, context=4096)


@pytest.fixture
def talker(endless, shelf):
    return export(endless, shelf / "talker.gguf")


@pytest.fixture
async def weights():
    found = Shelf(os.environ)
    yield found
    await found.aclose()


async def until_gone(pid: int) -> None:
    """Wait for the end of a process that nobody here has to reap any more."""
    with anyio.fail_after(60):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("form", ["folder", "caller"])
async def test_a_driver_answers_over_its_process_and_leaves_nothing_behind(weights, form, request):
    driver = weights.driver("disk", request.getfixturevalue(form), threads=1)
    assert driver.traits.provider == "local"
    assert driver.process.os_pid is None, "nothing is loaded before it is needed"
    deltas = []
    reply = await driver.complete(HI, deltas.append)
    assert [(c.name, json.loads(c.arguments)) for c in reply.calls] == [("weather", {"city": "成都"})]
    assert reply.reasoning == "查"
    assert [d.call for d in deltas if d.call] == ["weather"]
    assert reply.usage.prompt_tokens <= driver.estimate(HI)
    assert reply.usage.model_calls == 1
    pid = driver.process.os_pid
    await weights.aclose()
    await until_gone(pid)


@pytest.mark.parametrize("form", ["endless", "talker"])
async def test_a_cancelled_call_stops_and_the_weights_stay_loaded(weights, form, request):
    driver = weights.driver("disk", request.getfixturevalue(form), threads=1)
    begun = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def ask():
            await driver.complete(ENDLESS, lambda _: begun.set())

        tasks.start_soon(ask)
        with anyio.fail_after(120):
            await begun.wait()
        tasks.cancel_scope.cancel()
    pid = driver.process.os_pid
    reply = await driver.complete(msgspec.structs.replace(ENDLESS, max_tokens=5))
    assert reply.usage.completion_tokens == 5
    assert (driver.process.os_pid, driver.process.loads) == (pid, 1)


async def test_calls_wait_for_each_other_while_the_loop_goes_on(weights, caller):
    driver = weights.driver("disk", caller, threads=1)
    replies = []
    turns = 0

    async def ask():
        replies.append(await driver.complete(HI))

    with anyio.fail_after(200):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
            while len(replies) < 3:
                turns += 1
                await anyio.sleep(0.005)
    assert driver.process.loads == 1
    assert turns > 10, "the event loop was not held up"
    assert all(reply.calls for reply in replies)


async def test_a_process_that_dies_fails_the_call_and_the_next_starts_another(weights, talker):
    driver = weights.driver("disk", talker, threads=1)
    begun = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def kill():
            await begun.wait()
            os.kill(driver.process.os_pid, signal.SIGKILL)

        tasks.start_soon(kill)
        with pytest.raises(ModelError, match=r"broke off while it was answering .*memory ran out") as caught:
            await driver.complete(ENDLESS, lambda _: begun.set())
    assert caught.value.kind == "interrupted"
    assert (await driver.complete(msgspec.structs.replace(ENDLESS, max_tokens=3))).usage.completion_tokens == 3
    assert driver.process.loads == 2


async def test_weights_that_nobody_asks_give_their_memory_back(weights, caller):
    driver = weights.driver("disk", caller, threads=1, keep_seconds=0.05)
    assert (await driver.complete(HI)).calls
    await until_gone(driver.process.os_pid) if driver.process.os_pid else None
    assert (await driver.complete(HI)).calls, "they are loaded again when they are needed"
    assert driver.process.loads == 2


async def test_a_prompt_beyond_the_context_is_refused_before_it_is_computed(weights, caller):
    driver = weights.driver("disk", caller, context_tokens=256, threads=1)
    assert driver.traits.context_tokens == 256
    with pytest.raises(ModelError, match=r"the prompt has [\d,]+ tokens and the context 256") as caught:
        await driver.complete(ModelRequest((Message("user", "长" * 300),)))
    assert caught.value.kind == "too_long"


async def test_files_that_do_not_fit_together_are_said_to_be_so(weights, endless, tmp_path):
    broken = shutil.copytree(endless, tmp_path / "坏")
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"hidden_size": 128}))
    with pytest.raises(ModelError, match="坏' cannot be loaded") as caught:
        await weights.driver("disk", broken, threads=1).complete(HI)
    assert not caught.value.retryable


async def test_what_weights_cannot_do_is_refused_at_once(weights, endless):
    driver = weights.driver("disk", endless)
    for request, words in [
        (ModelRequest((Message("user", "?", images=(b"x",)),)), "cannot look at images"),
        (ModelRequest((Message("user", "?"),), grammar="root ::= x"), "held to a grammar"),
    ]:
        with pytest.raises(ModelError, match=words):
            await driver.complete(request)
    assert driver.process.os_pid is None


async def test_idle_weights_make_room_for_others(weights, caller, talker):
    idle, other = weights.driver("a", caller, threads=1), weights.driver("b", talker, threads=1)
    await idle.complete(HI)
    pid = idle.process.os_pid
    await make_room(10**9, 10**12, [idle.process, other.process])
    assert idle.process.os_pid == pid, "there was room"
    await make_room(10**15, 10**9, [idle.process, other.process])
    assert idle.process.os_pid == pid, "nothing would have been enough"
    await make_room(10**9, 10**9 - 1, [idle.process, other.process])
    assert idle.process.os_pid is None
    await until_gone(pid)


# -- names ------------------------------------------------------------------------------------------------------------


def routes(table=None, **options) -> Routes:
    return Routes(table or {}, {}, lambda: ScriptedModel([say("nano")]), local_addresses={}, **options)


async def test_every_name_of_the_same_weights_leads_to_one_process(folder, tmp_path):
    home = tmp_path / "weights"
    (home / "zai-org").mkdir(parents=True)
    (home / "zai-org" / "Tiny").symlink_to(folder)
    table = {
        "models": {"mine": {"path": str(folder)}, "short": {"path": str(folder), "context_tokens": 512, "threads": 1}}
    }
    found = routes(table, weights_home=home)
    assert found.choose(str(folder)) == str(folder)
    assert found.driver(str(folder)).process is found.driver("mine").process
    assert found.driver("short").process is not found.driver("mine").process
    assert found.driver("short").traits.context_tokens == 512
    assert found.driver("local:zai-org/Tiny").traits.name == "local:zai-org/Tiny"
    assert found.driver("mine").traits.priced
    views = {v.name: v for v in found.describe()}
    assert views["mine"].available
    assert views["mine"].detail == "glm4_moe through transformers, 0.5 MB, context 4,096; tools, thinking"
    assert "context 512 of 4,096" in views["short"].detail
    assert views["local:zai-org/Tiny"].provider == "local"
    await found.aclose()


async def test_a_default_that_is_a_path_is_described(folder):
    views = routes({"default_model": str(folder)}).describe()
    assert (views[0].default, views[0].available) == (True, True)
    assert "glm4_moe through transformers" in views[0].detail
    views = routes({"default_model": "/nowhere"}).describe()
    assert (views[0].available, "There are no weights at '/nowhere'" in views[0].detail) == (False, True)


async def test_names_that_lead_to_no_weights_are_refused_with_the_way_out(tmp_path):
    for name, error, words in [
        ("/nowhere/glm", NotFoundError, "There are no weights at '/nowhere/glm'"),
        ("./glm", UsageError, "write it from / or ~ on"),
        (str(tmp_path), UsageError, "has no config.json"),
    ]:
        with pytest.raises(error, match=words):
            routes().choose(name)
    for table, words in [
        ({"path": "/w", "provider": "vllm"}, r"\[models\.x\].*`path` and an address"),
        (
            {"provider": "vllm", "threads": 2},
            r"\[models\.x\].*`threads`, which is for weights on disk: give their `path`",
        ),
        ({"path": "/w", "keep_seconds": -1}, r"\[models\.x\].*`keep_seconds`"),
    ]:
        with pytest.raises(UsageError, match=words):
            routes({"models": {"x": table}})


@pytest.mark.parametrize("last", [b"", b'{"type":"ask","n":1,"request":{"mess'], ids=["nothing", "half a line"])
def test_the_process_ends_when_whoever_asked_is_gone(caller, last):
    """A daemon that is killed closes the pipe, and may leave half a line in it."""
    load = Load(describe(caller), 1024, 3600.0, threads=1)
    with subprocess.Popen([sys.executable, "-m", "glmos.models.local.worker"], stdin=-1, stdout=-1, stderr=-3) as child:
        child.stdin.write(encode(load) + b"\n")
        child.stdin.flush()
        assert b'"ready"' in child.stdout.readline()
        child.stdin.write(last)
        child.stdin.close()
        assert child.wait(30) == 0


# -- what the process may know and leave behind -----------------------------------------------------------------------


async def test_no_key_of_the_daemon_is_known_to_the_process(caller):
    weights = Shelf({**os.environ, "ZAI_API_KEY": "zk-secret", "HF_TOKEN": "hf-secret", "OMP_NUM_THREADS": "1"})
    driver = weights.driver("disk", caller, threads=1)
    await driver.complete(HI)
    known = Path(f"/proc/{driver.process.os_pid}/environ").read_bytes()
    assert b"OMP_NUM_THREADS=1" in known
    assert b"HF_HUB_OFFLINE=1" in known
    assert b"secret" not in known
    await weights.aclose()


async def test_nothing_lies_about_while_weights_are_loaded_nor_when_they_are_gone(caller, tmp_path):
    """Not even when the process is ended from outside."""
    weights = Shelf({**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)})
    driver = weights.driver("disk", caller, threads=1)
    await driver.complete(HI)
    assert list(tmp_path.rglob("*")) == []
    os.kill(driver.process.os_pid, signal.SIGKILL)
    await weights.aclose()
    assert list(tmp_path.rglob("*")) == []


async def test_modules_in_the_folder_where_somebody_stands_are_not_run(weights, caller, tmp_path):
    for name in ("xllamacpp", "jinja2", "queue"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('run')")
    with contextlib.chdir(tmp_path):
        assert (await weights.driver("disk", caller, threads=1).complete(HI)).calls


async def test_code_that_comes_with_the_weights_is_not_run(weights, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "代码")
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass")
    for name in ("config.json", "tokenizer_config.json"):
        settings = json.loads((copy / name).read_text())
        theirs = {"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}
        (copy / name).write_text(json.dumps(settings | {"auto_map": theirs}))
    driver = weights.driver("disk", copy, threads=1)
    assert (await driver.complete(HI)).calls, "GLM's own architecture is run instead"
    assert not (tmp_path / "ran").exists()


# -- several at once --------------------------------------------------------------------------------------------------


async def test_weights_that_are_answering_make_room_after_their_answer(weights, caller, talker):
    busy, other = weights.driver("a", talker, threads=1), weights.driver("b", caller, threads=1)
    begun = anyio.Event()
    replies = []
    async with anyio.create_task_group() as tasks:

        async def ask():
            long = msgspec.structs.replace(ENDLESS, max_tokens=300)
            replies.append(await busy.complete(long, lambda _: begun.set()))

        tasks.start_soon(ask)
        await begun.wait()
        await make_room(2, 1, [busy.process, other.process])
        assert busy.process.os_pid is None
    assert replies[0].usage.completion_tokens == 300, "the answer was not cut"


async def test_two_sets_of_weights_that_fit_only_one_by_one_take_turns(caller, talker):
    """Each call finds its weights loaded, however often the others took their place."""
    weights = Shelf(os.environ)
    drivers = [weights.driver("a", caller, threads=1), weights.driver("b", talker, threads=1)]
    short = msgspec.structs.replace(HI, max_tokens=5)
    loaded = []

    async def ask(driver, other):
        for _ in range(3):
            await make_room(2, 1, [other.process])
            await driver.complete(short)
            loaded.append(driver)

    with anyio.fail_after(100):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, *drivers)
            tasks.start_soon(ask, *reversed(drivers))
    assert len(loaded) == 6
    await weights.aclose()
