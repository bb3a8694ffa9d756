"""What weights are and can do is read from their files; what is wrong with them is said in a sentence."""

import json
import shutil

import pytest

from glmos.abi.errors import NotFoundError, UsageError
from glmos.models.local.describe import describe, is_path
from glmos.models.local.driver import require_packages
from tests.local.checkpoints import NAME_LINE, TEXT, VISION, make
from tests.local.gguf_export import export


@pytest.fixture(scope="module")
def folders(shelf):
    return {kind: make(shelf / f"described-{kind}", kind, context=8192) for kind in (*TEXT, *VISION)}


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
        (lambda d: (d / "config.json").write_text("{"), "cannot be read"),
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
        (lambda d: (d / "x.incomplete").touch(), "still being downloaded"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(copy, spoil, words):
    spoil(copy)
    with pytest.raises(UsageError, match=words):
        describe(copy)


def test_what_is_wrong_with_a_file_is_said(folders, tmp_path):
    good = export(folders["glm4"], tmp_path / "w.gguf").read_bytes()
    place = tmp_path / "x.gguf"
    for data, words in [
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
