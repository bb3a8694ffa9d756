"""Weights are fetched from a hub: only what is needed, going on where it was cut off, and a sentence where there is none."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from glmos.abi.errors import DeviceError, NotFoundError, RefusedError, UsageError
from glmos.models.local.describe import describe
from glmos.models.local.pull import pull
from glmos.models.routes import Routes
from glmos.testing.models import ScriptedModel, say
from tests.local.checkpoints import make
from tests.local.gguf_export import export

SHA = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "zai-org/Tiny"


class Hub:
    """What a hub has and does."""

    def __init__(self, files):
        self.files = files
        self.fetched = []
        """Name and first byte of each request for content."""
        self.cut = 0
        """So many more requests for the weights break off."""
        self.status = 200
        self.code = ""


@contextmanager
def serving(hub):
    """The hub over HTTP, in the form that huggingface_hub asks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            """Quiet."""

        def answer(self, status, data, *, content=True, **headers):
            self.send_response(status)
            for key, value in {"Content-Length": len(data), **headers}.items():
                self.send_header(key.replace("_", "-"), str(value))
            self.end_headers()
            if content:
                self.wfile.write(data)

        def do_HEAD(self):
            self.do_GET(content=False)

        def do_GET(self, *, content=True):
            if hub.status != 200:
                self.answer(hub.status, b"{}", X_Error_Code=hub.code, X_Error_Message="no")
                return
            if "/tree/" in self.path:
                entries = [
                    {"type": "file", "path": name, "size": len(data), "oid": f"{hash(data) & 0xFFFFFFFF:040x}"}
                    for name, data in hub.files.items()
                ]
                self.answer(200, json.dumps(entries).encode())
                return
            if self.path.startswith("/api/models/"):
                listing = {"id": REPOSITORY, "sha": SHA, "siblings": [{"rfilename": name} for name in hub.files]}
                self.answer(200, json.dumps(listing).encode())
                return
            name = self.path.partition("/resolve/")[2].partition("/")[2]
            data = hub.files[name]
            first = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
            begin = int(first[1]) if first else 0
            known = {"ETag": f'"{hash(data) & 0xFFFFFFFF:040x}"', "X_Repo_Commit": SHA}
            if content:
                hub.fetched.append((name, begin))
            if content and name == "model.safetensors" and hub.cut:
                hub.cut -= 1
                self.answer(200, data, content=False, **known)
                self.wfile.write(data[begin : begin + len(data) // 3])
                self.wfile.flush()
                self.connection.close()
                self.close_connection = True
                return
            if begin:
                self.answer(206, data[begin:], Content_Range=f"bytes {begin}-{len(data) - 1}/{len(data)}", **known)
            else:
                self.answer(200, data, content=content, **known)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def hub(shelf):
    folder = make(shelf / "pulled", "glm4")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return Hub({**files, "pytorch_model.bin": b"pickle", "logo.png": b"png"})


def test_what_running_needs_is_fetched_and_nothing_else(hub, tmp_path):
    with serving(hub) as endpoint:
        folder = pull("zai-org/Tiny", tmp_path, endpoint=endpoint)
        assert describe(folder).architecture == "glm4"
        assert folder == tmp_path / "zai-org" / "Tiny"
        assert not (folder / "pytorch_model.bin").exists(), "it could run code"
        assert not (folder / "logo.png").exists()
        hub.fetched.clear()
        pull("zai-org/Tiny", tmp_path, endpoint=endpoint)
        assert hub.fetched == [], "what is there is not fetched again"


def test_of_many_versions_the_one_that_was_asked_for_is_given(hub, shelf, tmp_path):
    data = export(shelf / "pulled", shelf / "pulled.gguf").read_bytes()
    hub.files = {"README.md": b"", "x-Q4_K_M.gguf": data, "x-Q8_0.gguf": data}
    for part in (1, 2):
        hub.files[f"BF16/x-0000{part}-of-00002.gguf"] = data
    with serving(hub) as endpoint:
        with pytest.raises(UsageError, match=r"name one, as in `glmos models pull zai-org/Tiny '\*Q4_K_M\.gguf'`"):
            pull("zai-org/Tiny", tmp_path, endpoint=endpoint)
        for pattern, name in [("*Q4*", "x-Q4_K_M.gguf"), ("*Q8_0.gguf", "x-Q8_0.gguf"),
                              ("BF16/*", "BF16/x-00001-of-00002.gguf")]:  # fmt: skip
            found = pull("zai-org/Tiny", tmp_path, patterns=[pattern], endpoint=endpoint)
            assert found == tmp_path / "zai-org" / "Tiny" / name
    listed = Routes({}, {}, lambda: ScriptedModel([say("x")]), local_addresses={}, weights_home=tmp_path).describe()
    assert [view.name for view in listed if view.provider == "local"] == [
        "local:zai-org/Tiny/BF16/x-00001-of-00002.gguf", "local:zai-org/Tiny/x-Q4_K_M.gguf",
        "local:zai-org/Tiny/x-Q8_0.gguf",
    ]  # fmt: skip


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(hub, tmp_path):
    size = 36_000_000  # more than is written to disk at once
    head = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    hub.files["model.safetensors"] = len(head).to_bytes(8, "little") + head + bytes(size)
    with serving(hub) as endpoint:
        hub.cut = 1
        folder = pull("zai-org/Tiny", tmp_path, endpoint=endpoint)
    begins = [begin for name, begin in hub.fetched if name == "model.safetensors"]
    assert begins[0] == 0
    assert begins[-1] >= 10_000_000, "what had come was not fetched again"
    assert (folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]


def test_where_there_is_no_hub_it_is_said_so(tmp_path):
    with pytest.raises(DeviceError, match=r"No hub can be reached for 'zai-org/Tiny' .*give its path to -m"):
        pull("zai-org/Tiny", tmp_path, endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("refusal", "error", "words"),
    [((404, "RepoNotFound"), NotFoundError, "no repository 'zai-org/Tiny'"),
     ((403, "GatedRepo"), RefusedError, "accepted its terms"),
     ((401, ""), NotFoundError, "HF_TOKEN"), ((400, ""), DeviceError, "No hub can be reached")],
)  # fmt: skip
def test_what_the_hub_refuses_is_said_in_a_sentence(hub, tmp_path, refusal, error, words):
    hub.status, hub.code = refusal
    with serving(hub) as endpoint, pytest.raises(error, match=words):
        pull("zai-org/Tiny", tmp_path, endpoint=endpoint)


@pytest.mark.parametrize("name", ["glm", "a/b/c", "../x", "https://huggingface.co/zai-org/GLM-4"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="is no name of a repository"):
        pull(name, tmp_path)
