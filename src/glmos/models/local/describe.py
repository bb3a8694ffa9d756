"""What weights on disk are and can do, read from their own files and never asked.

    folder    config.json (architecture, context, vision), chat_template.jinja or tokenizer_config.json (tools, thinking),
              *.safetensors and their index (size, completeness)
    file      the metadata of a GGUF: the same from one place

A template that reads `tools` offers tools; one that writes `<arg_key>` has GLM-4.5's calls, else GLM-4's name and JSON;
one that writes `<think>` separates thinking; a `vision_config` means images.
Above: `routes`, `driver`, `worker`. Below: `gguf`, `memory`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from glmos.abi.errors import NotFoundError, UsageError
from glmos.models.local.gguf import Head, NotGguf, read_head
from glmos.models.local.memory import LIBRARIES, amount

TEXT = ("glm", "glm4", "glm4_moe", "glm4_moe_lite", "glm_moe_dsa")
VISION = ("glm4v", "glm4v_moe", "glm46v")
"""The GLM architectures of transformers that are run, text alone and with images."""
GGUF = ("chatglm", "glm4", "glm4moe", "glm-dsa")
"""Those of llama.cpp."""
LEAST_CONTEXT = 4_096
_CACHE_SHARE = 4
"""The key-value cache may take this part of the machine's memory at most."""

Form = Literal["tags", "name_line", "none"]


class Weights(Struct, frozen=True):
    """A model on disk."""

    path: str
    kind: Literal["transformers", "gguf"]
    architecture: str
    bytes: int
    """Of the files that are loaded."""
    trained_tokens: int
    """The context it was made for."""
    cache_bytes: int
    """Of the key-value cache, per token."""
    vocabulary: int
    template: str
    """The chat template's text."""
    form: Form
    """How it writes calls: `<tool_call>` tags (GLM-4.5 and later), a line with the name and then JSON (GLM-4)."""
    thinking: bool
    vision: bool

    def context(self, memory: int) -> int:
        """Tokens that a machine with so many bytes of memory can hold; no more than it was made for."""
        if not memory or not self.cache_bytes:
            return self.trained_tokens
        fits = memory // _CACHE_SHARE // self.cache_bytes // 1024 * 1024
        return min(self.trained_tokens, max(LEAST_CONTEXT, fits))

    def needs(self, context: int) -> int:
        """Bytes of memory to run it with this context; an upper estimate."""
        return (self.bytes + self.cache_bytes * context) * 5 // 4 + LIBRARIES

    def sentence(self, context: int) -> str:
        """What `glmos models` says of it."""
        can = [
            word
            for word, yes in (("tools", self.form != "none"), ("thinking", self.thinking), ("images", self.vision))
            if yes
        ]
        less = f" of {self.trained_tokens:,}" if context < self.trained_tokens else ""
        return (
            f"{self.architecture} through {'llama.cpp' if self.kind == 'gguf' else 'transformers'}, "
            f"{amount(self.bytes)}, context {context:,}{less}; {', '.join(can) or 'neither tools nor thinking'}"
        )  # fmt: skip


def is_path(name: str) -> bool:
    """Whether a model's name can only mean a place on disk."""
    return (
        name.startswith(("/", "./", "../", "~")) or name in (".", "..") or (name.endswith(".gguf") and ":" not in name)
    )


def describe(path: Path) -> Weights:
    """What lies at `path`.

    Raises:
        NotFoundError: Nothing does.
        UsageError: It is no GLM that can be run, or parts of it are missing.
    """
    try:
        if path.is_dir():
            return _folder(path)
        if path.is_file():
            return _file(path)
    except OSError as error:
        raise UsageError(
            f"The weights at {str(path)!r} cannot be read ({error.strerror}): allow it, or fetch them again."
        ) from error
    raise NotFoundError(f"There are no weights at {str(path)!r}: give -m the folder of a model or a .gguf file.")


# -- a folder ---------------------------------------------------------------------------------------------------------


def _folder(path: Path) -> Weights:
    shown = repr(str(path))
    if not (path / "config.json").is_file():
        inside = sorted(p.name for p in path.glob("*.gguf"))
        hint = f" Did you mean {str(path / inside[0])!r}?" if inside else ""
        raise UsageError(
            f"The folder {shown} has no config.json, so it is no model: give the folder that has one.{hint}"
        )
    config = _json(path / "config.json")
    architecture = str(config.get("model_type", ""))
    if architecture not in (*TEXT, *VISION):
        raise UsageError(
            f"The weights in {shown} are of the architecture {architecture or 'unknown'!r}; GLM-OS runs "
            f"{', '.join((*TEXT, *VISION))} itself. Serve others with vLLM, SGLang or llama.cpp and give -m the address."
        )
    vision = architecture in VISION
    text = _table(config, "text_config") if vision else config
    size = _shards(path)
    if not (path / "tokenizer.json").is_file():
        raise UsageError(f"The folder {shown} has no tokenizer.json: the download is not complete; fetch it again.")
    template = _folder_template(path)
    return Weights(
        path=str(path), kind="transformers", architecture=architecture, bytes=size,
        trained_tokens=_int(text, "max_position_embeddings") or LEAST_CONTEXT, cache_bytes=_cache_bytes(text),
        vocabulary=_int(text, "vocab_size"), template=template, form=_form(template), thinking="<think>" in template,
        vision=vision,
    )  # fmt: skip


def _shards(path: Path) -> int:
    """Bytes of the weights. Raises: UsageError when some are missing or not whole."""
    index = path / "model.safetensors.index.json"
    names = ["model.safetensors"]
    if index.is_file():
        names = sorted({str(name) for name in _table(_json(index), "weight_map").values()})
        if not names:
            raise UsageError(f"The file {str(index)!r} names no files of weights: fetch it again.")
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        few = f"{len(missing)} of {len(names)} files of weights are missing ({missing[0]})"
        if any(path.glob("pytorch_model*.bin")):
            few = "it has only pytorch_model.bin files, which can run code when they are read"
            way_out = "convert them to safetensors"
        elif any(path.rglob("*.incomplete")):
            way_out = "it is still being downloaded, or was cut off; let it finish, or run it again"
        else:
            way_out = "the download is not complete; run it again"
        raise UsageError(f"The model in {str(path)!r} cannot be loaded: {few}: {way_out}.")
    for name in names:
        _whole(path / name)
    return sum((path / name).stat().st_size for name in names)


def _whole(path: Path) -> None:
    """A safetensors file has its head's length in its first eight bytes, and the data's in the head."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            head = _tensors.decode(file.read(length)) if 0 < length <= min(size, _LARGEST_HEAD) else None
        except (msgspec.DecodeError, RecursionError):
            head = None
    if head is None:
        raise UsageError(f"The file {str(path)!r} is no safetensors file, or damaged: fetch it again.")
    wanted = 8 + length + max((tensor.data_offsets[1] for tensor in head.values()), default=0)
    if size < wanted:
        raise UsageError(
            f"The file {str(path)!r} is {wanted - size:,} bytes too short: the download is not complete; run it again."
        )


class _Tensor(Struct, frozen=True):
    """What a safetensors head says of a tensor, as far as it is needed; of `__metadata__` it says nothing."""

    data_offsets: tuple[int, int] = (0, 0)


_tensors = msgspec.json.Decoder(dict[str, _Tensor])
_LARGEST_HEAD = 100_000_000
"""Bytes, by the format."""


def _folder_template(path: Path) -> str:
    own = path / "chat_template.jinja"
    if own.is_file():
        return own.read_text("utf-8", "replace")
    settings = _json(path / "tokenizer_config.json") if (path / "tokenizer_config.json").is_file() else {}
    template = settings.get("chat_template")
    if isinstance(template, list):
        named = {str(t.get("name")): t.get("template") for t in cast("list[Any]", template) if isinstance(t, dict)}
        template = named.get("tool_use") or named.get("default")
    if not isinstance(template, str):
        raise UsageError(
            f"The model in {str(path)!r} has no chat template, so it is one for completing text, not for talking to: use "
            "its chat version."
        )
    return template


def _cache_bytes(text: Mapping[str, Any]) -> int:
    """Of one token's keys and values in 16 bits; a latent cache (DSA) is smaller than this says."""
    heads = _int(text, "num_attention_heads") or 1
    size = _int(text, "head_dim") or _int(text, "hidden_size") // heads
    return 2 * 2 * _int(text, "num_hidden_layers") * (_int(text, "num_key_value_heads") or heads) * size


# -- a file -----------------------------------------------------------------------------------------------------------


def _file(path: Path) -> Weights:
    shown = repr(str(path))
    if path.suffix != ".gguf":
        raise UsageError(f"{shown} is no .gguf file: give -m the folder of a model or a .gguf file.")
    parts = _parts(path)
    head, *_ = [_whole_head(part) for part in parts]
    values = head.values
    architecture = str(values.get("general.architecture", ""))
    if architecture not in GGUF:
        raise UsageError(
            f"The weights in {shown} are of the architecture {architecture or 'unknown'!r}; GLM-OS runs {', '.join(GGUF)} "
            "itself. Serve others with llama.cpp or Ollama and give -m the address."
        )
    template = values.get("tokenizer.chat_template")
    if not isinstance(template, str):
        raise UsageError(
            f"The file {shown} has no chat template, so it is one for completing text, not for talking to: use its chat "
            "version."
        )
    return Weights(
        path=str(parts[0]), kind="gguf", architecture=architecture, bytes=sum(part.stat().st_size for part in parts),
        trained_tokens=_int(values, f"{architecture}.context_length") or LEAST_CONTEXT,
        cache_bytes=_gguf_cache_bytes(values, architecture),
        vocabulary=head.lengths.get("tokenizer.ggml.tokens", 0), template=template,
        form=_form(template), thinking="<think>" in template, vision=False,
    )  # fmt: skip


_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


def _whole_head(path: Path) -> Head:
    """Raises: UsageError when the file is no GGUF, or not whole."""
    try:
        head = read_head(path)
    except NotGguf as error:
        raise UsageError(f"The file {str(path)!r} cannot be read as weights ({error}): fetch it again.") from error
    if path.stat().st_size < head.least_size:
        raise UsageError(
            f"The file {str(path)!r} ends before its tensors do: the download is not complete; run it again."
        )
    return head


def is_first_part(path: Path) -> bool:
    """Whether a .gguf file is the one that is named for all parts of its weights."""
    found = _PART.search(path.name)
    return found is None or int(found[1]) == 1


def _parts(path: Path) -> list[Path]:
    """All parts of split weights, by any of them; the first is what is loaded. Raises: UsageError when one is missing."""
    found = _PART.search(path.name)
    if found is None:
        return [path]
    count = int(found[2])
    parts = [path.with_name(_PART.sub(f"-{n:05}-of-{count:05}.gguf", path.name)) for n in range(1, count + 1)]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise UsageError(
            f"{len(missing)} of {count} parts of the weights in {str(path.parent)!r} are missing ({missing[0]}): the "
            "download is not complete; run it again."
        )
    return parts


def _gguf_cache_bytes(values: Mapping[str, Any], architecture: str) -> int:
    heads = _int(values, f"{architecture}.attention.head_count") or 1
    size = (
        _int(values, f"{architecture}.attention.key_length")
        or _int(values, f"{architecture}.embedding_length") // heads
    )
    kv = _int(values, f"{architecture}.attention.head_count_kv") or heads
    return 2 * 2 * _int(values, f"{architecture}.block_count") * kv * size


# -- both -------------------------------------------------------------------------------------------------------------


def _form(template: str) -> Form:
    if "<arg_key>" in template:
        return "tags"
    return "name_line" if re.search(r"\btools\b", template) else "none"


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The file {str(path)!r} is no JSON ({error}): fetch it again.") from error
    if not isinstance(value, dict):
        raise UsageError(f"The file {str(path)!r} holds no object: fetch it again.")
    return cast("dict[str, Any]", value)


def _table(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _int(value: Mapping[str, Any], key: str) -> int:
    found = value.get(key)
    return found if isinstance(found, int) and found > 0 else 0
