"""A GLM checkpoint in transformers' form written as GGUF, for llama.cpp's architectures `chatglm` and `glm4`."""

import json
from pathlib import Path
from typing import Any


def export(folder: Path, target: Path) -> Path:
    """Write the checkpoint in `folder` (`glm` or `glm4`, with this package's byte-level tokenizer) to `target`."""
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    kind = config["model_type"]
    architecture = {"glm": gguf.MODEL_ARCH.CHATGLM, "glm4": gguf.MODEL_ARCH.GLM4}[kind]
    layers, heads = config["num_hidden_layers"], config["num_attention_heads"]
    writer = gguf.GGUFWriter(target, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(layers)
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["head_dim"] // 2)
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _vocabulary(writer, folder, config)
    names = gguf.get_tensor_name_map(architecture, layers)
    weights = {name: tensor.astype(np.float32) for name, tensor in load_file(folder / "model.safetensors").items()}
    if kind == "glm":
        weights = _joined(weights, layers)
    for name, tensor in weights.items():
        base, dot, suffix = name.rpartition(".")
        found = names.get_name(base)
        assert found is not None, name
        writer.add_tensor(found + dot + suffix, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def _joined(weights: dict[str, Any], layers: int) -> dict[str, Any]:
    """`chatglm` has queries, keys and values in one matrix."""
    import numpy as np

    kept = {
        name: tensor for name, tensor in weights.items() if not any(p in name for p in ("q_proj", "k_proj", "v_proj"))
    }
    for layer in range(layers):
        start = f"model.layers.{layer}.self_attn"
        for kind in ("weight", "bias"):
            parts = [weights.get(f"{start}.{p}_proj.{kind}") for p in "qkv"]
            if all(part is not None for part in parts):
                kept[f"encoder.layers.{layer}.self_attention.query_key_value.{kind}"] = np.concatenate(parts)
    return kept


def _vocabulary(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    import gguf

    described = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    tokens = dict.fromkeys(range(config["vocab_size"]), "")
    types = dict.fromkeys(tokens, gguf.TokenType.UNUSED)
    for token, i in described["model"]["vocab"].items():
        tokens[i], types[i] = token, gguf.TokenType.NORMAL
    for entry in described["added_tokens"]:
        tokens[entry["id"]] = entry["content"]
        types[entry["id"]] = gguf.TokenType.CONTROL if entry["special"] else gguf.TokenType.USER_DEFINED
    for i, token in tokens.items():
        tokens[i] = token or f"[PAD{i}]"
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("glm4")
    writer.add_token_list(list(tokens.values()))
    writer.add_token_types(list(types.values()))
    writer.add_token_merges(["Ġ Ġ"])  # there must be some; what they would make is not in the vocabulary
    ids = {token: i for i, token in tokens.items()}
    writer.add_eos_token_id(ids["<|endoftext|>"])
    writer.add_eot_token_id(ids["<|user|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template((folder / "chat_template.jinja").read_text("utf-8"))
