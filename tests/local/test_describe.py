"""What weights are and can do is read from their files; what is wrong with them is said in a sentence."""

import json
import os
import shutil
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmos.abi.errors import NotFoundError, UsageError
from glmos.models.local.describe import describe, is_path
from glmos.models.local.driver import require_packages
from tests.local.checkpoints import NAME_LINE, TEXT, VISION, make
from tests.local.gguf_export import export


@pytest.fixture(scope="module")
def folders(shelf):
    return {kind: make(shelf / f"described-{kind}", kind, context=8192) for kind in (*TEXT, *VISION)}


@pytest.fixture(scope="module")
def glm4_file(folders, shelf):
    return export(folders["glm4"], shelf / "described.gguf").read_bytes()


@pytest.fixture
def copy(folders, tmp_path):
    return shutil.copytree(folders["glm4"], tmp_path / "副本")


@pytest.mark.parametrize(
    ("kind", "form", "thinking", "vision"),
    [("glm", "name_line", False, False), ("glm4", "name_line", False, False), ("glm4_moe", "tags", True, False),
     ("glm4v", "tags", True, True), ("glm4v_moe", "tags", True, True)],
)  # fmt: skip
def test_every_architecture_is_read_from_its_folder(folders, kind, form, thinking, vision):
    found = describe(folders[kind])
    assert (found.architecture, found.form, found.thinking, found.vision) == (kind, form, thinking, vision)
    assert found.trained_tokens == 8192
    assert found.cache_bytes == 2 * 2 * 2 * 2 * 16, "two numbers of two bytes in two layers of two heads of 16"
    assert found.bytes == (folders[kind] / "model.safetensors").stat().st_size


@pytest.mark.parametrize("kind", ["glm", "glm4"])
def test_a_gguf_file_says_the_same_of_itself(folders, tmp_path, kind):
    found, same = describe(export(folders[kind], tmp_path / "w.gguf")), describe(folders[kind])
    assert (found.form, found.thinking, found.trained_tokens, found.cache_bytes, found.template) == (
        same.form, same.thinking, same.trained_tokens, same.cache_bytes, NAME_LINE,
    )  # fmt: skip
    assert found.architecture == {"glm": "chatglm", "glm4": "glm4"}[kind]


def test_the_context_is_what_memory_can_hold(folders):
    found = describe(folders["glm4"])
    assert found.context(64 << 30) == 8192
    assert found.context(6 * 1024 * 4 * found.cache_bytes) == 6 * 1024
    assert found.context(1) == 4096, "less would not hold a prompt"
    assert "context 6,144 of 8,192; tools" in found.sentence(6144)
    assert found.needs(8192) > found.needs(4096) > found.bytes


def test_parts_named_by_an_index_are_all_wanted(copy):
    (copy / "model.safetensors").rename(copy / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError, match=r"1 of 2 files of weights are missing \(model-00002-of-00002"):
        describe(copy)
    shutil.copy(copy / "model-00001-of-00002.safetensors", copy / "model-00002-of-00002.safetensors")
    assert describe(copy).bytes == 2 * (copy / "model-00001-of-00002.safetensors").stat().st_size


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: (d / "config.json").unlink(), "has no config.json"),
        (lambda d: (d / "config.json").write_text("{"), "is no JSON"),
        (
            lambda d: (d / "config.json").write_text('{"model_type": "llama"}'),
            "architecture 'llama'.*give -m the address",
        ),
        (lambda d: (d / "model.safetensors").unlink(), "1 of 1 files of weights are missing"),
        (lambda d: (d / "model.safetensors").rename(d / "pytorch_model.bin"), "can run code when they are read"),
        (lambda d: cut(d / "model.safetensors"), "the download is not complete"),
        (lambda d: (d / "model.safetensors").write_bytes(b"<html>" * 99), "no safetensors file"),
        (lambda d: (d / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda d: (d / "chat_template.jinja").unlink(), "for completing text, not for talking to"),
        (lambda d: (d / "model.safetensors").rename(d / "x.incomplete"), "still being downloaded, or was cut off"),
        (lambda d: (d / "model.safetensors").write_bytes(b""), "no safetensors file"),
        (lambda d: (d / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b'{"x": 1}'), "no safetensors file"),
        (lambda d: (d / "model.safetensors.index.json").write_text("{}"), "names no files of weights"),
        (lambda d: (d / "config.json").write_text("[" * 100_000), "is no JSON"),
        (lambda d: (d / "config.json").write_bytes(b"\xff\xfe{"), "is no JSON"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(copy, spoil, words):
    spoil(copy)
    with pytest.raises(UsageError, match=words):
        describe(copy)


def test_what_an_interrupted_download_of_something_else_left_does_not_matter(copy):
    (copy / "logo.png.incomplete").touch()
    assert describe(copy).architecture == "glm4"


def test_a_place_that_cannot_be_looked_at_is_said_to_be_so(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read \(File name too long\)"):
        describe(tmp_path / ("长" * 200))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "."])
def test_weights_that_may_not_be_read_are_said_to_be_so(copy, name):
    (copy / name).chmod(0)
    with pytest.raises(UsageError, match=r"副本' cannot be read \(Permission denied\)"):
        describe(copy)
    (copy / name).chmod(0o700)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 3000), byte=st.integers(0, 255), count=st.integers(1, 8))
def test_a_damaged_head_is_read_as_something_or_refused(glm4_file, tmp_path_factory, at, byte, count):
    """Never another failure, and never a wait for a length that no file has."""
    data = bytearray(glm4_file)
    data[at : at + count] = bytes([byte]) * count
    place = tmp_path_factory.getbasetemp() / "damaged.gguf"
    place.write_bytes(data)
    with suppress(UsageError):
        describe(place)


def test_what_is_wrong_with_a_file_is_said(folders, tmp_path):
    good = export(folders["glm4"], tmp_path / "w.gguf").read_bytes()
    place = tmp_path / "x.gguf"
    for data, words in [
        (b"", "does not begin as a GGUF file"),
        (b"<html>", "does not begin as a GGUF file"),
        (good[:200], "ends in the middle of its head"),
        (good[: len(good) // 2], "download is not complete"),
        (good.replace(b"glm4", b"gemm"), "architecture 'gemm'"),
        (good.replace(b"tokenizer.chat_template", b"tokenizer.chat_templatX"), "no chat template"),
        (good[:4] + b"\x09" + good[5:], "version 9"),
    ]:
        place.write_bytes(data)
        with pytest.raises(UsageError, match=words):
            describe(place)
    (tmp_path / "w.bin").write_bytes(good)
    with pytest.raises(UsageError, match=r"is no \.gguf file"):
        describe(tmp_path / "w.bin")
    with pytest.raises(NotFoundError, match="There are no weights at '/nowhere'"):
        describe(type(tmp_path)("/nowhere"))
    (tmp_path / "m-00001-of-00002.gguf").write_bytes(good)
    with pytest.raises(UsageError, match="1 of 2 parts"):
        describe(tmp_path / "m-00001-of-00002.gguf")
    (tmp_path / "m-00002-of-00002.gguf").write_bytes(good[: len(good) // 2])
    with pytest.raises(UsageError, match=r"00002-of-00002\.gguf' ends before its tensors do"):
        describe(tmp_path / "m-00001-of-00002.gguf")
    (tmp_path / "m-00002-of-00002.gguf").write_bytes(good)
    whole = describe(tmp_path / "m-00002-of-00002.gguf")
    assert (whole.path, whole.bytes) == (str(tmp_path / "m-00001-of-00002.gguf"), 2 * len(good))


def test_a_missing_package_is_named_with_the_command_that_installs_it(folders):
    with pytest.raises(
        UsageError, match=r"need torch and transformers, not installed here: `pip install 'glmos\[local\]'`"
    ):
        require_packages(describe(folders["glm4"]), lambda name: None if name in ("torch", "transformers") else name)


@pytest.mark.parametrize(
    ("name", "yes"),
    [("/w/glm", True), ("~/glm", True), ("./glm", True), ("glm.gguf", True), ("glm-5.3", False), ("zai:glm-5.3", False),
     ("http://box/v1#x.gguf", False), ("ollama:x.gguf", False)],
)  # fmt: skip
def test_a_name_that_means_a_place_is_known(name, yes):
    assert is_path(name) is yes
