"""Tiny checkpoints of GLM's architectures, made here: random weights, a byte-level tokenizer, templates in each family's
format. A checkpoint can be given one reply, which its weights then write whatever they are asked."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

MARKS = (
    "<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>", "<|system|>", "<|user|>", "<|assistant|>",
    "<|observation|>", "<|begin_of_image|>", "<|end_of_image|>", "<|image|>", "<|begin_of_video|>", "<|end_of_video|>",
    "<|video|>",
)  # fmt: skip
TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")

TEXT = ("glm", "glm4", "glm4_moe")
VISION = ("glm4v", "glm4v_moe")

NAME_LINE = """[gMASK]<sop>
{%- if tools %}<|system|>
# 可用工具
{%- for tool in tools %}

## {{ tool.function.name }}

{{ tool.function | tojson(indent=4, ensure_ascii=False) }}
{%- endfor %}{% endif %}
{%- for m in messages %}
{%- if m.role == 'assistant' %}<|assistant|>{{ m.metadata }}
{{ m.content }}
{%- else %}<|{{ m.role }}|>
{{ m.content }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}"""


def tagged(gap: str, *, thinks: bool = True) -> str:
    """A template in the manner of GLM-4.5 (`gap` a line break) or of 4.7 (none)."""
    opened = "<think>" if thinks and not gap else ""
    line = "{{ '\\n' }}" if gap else ""  # a template loses a line break that follows a block
    return (
        (
            "[gMASK]<sop>{%- if tools %}<|system|>GAP# Tools\n<tools>"
            "{%- for tool in tools %}{{ '\\n' }}{{ tool | tojson(ensure_ascii=False) }}{% endfor %}{{ '\\n' }}</tools>"
            "{%- endif %}"
            "{%- for m in messages %}"
            "{%- if m.role == 'user' %}<|user|>GAP"
            "{%- if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}"
            "{% if part.type == 'image' %}<|begin_of_image|><|image|><|end_of_image|>{% else %}{{ part.text }}{% endif %}"
            "{% endfor %}{% endif %}"
            "{%- elif m.role == 'system' %}<|system|>GAP{{ m.content }}"
            "{%- elif m.role == 'assistant' %}<|assistant|>GAP"
            "{%- if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% else %}<think></think>{% endif %}"
            "{% if m.content %}GAP{{ m.content }}{% endif %}"
            "{%- for call in m.tool_calls or [] %}GAP<tool_call>{{ call.function.name }}GAP"
            "{%- for k, v in call.function.arguments.items() %}<arg_key>{{ k }}</arg_key>GAP<arg_value>"
            "{{ v if v is string else v | tojson(ensure_ascii=False) }}</arg_value>GAP{% endfor %}</tool_call>"
            "{%- endfor %}"
            "{%- elif m.role == 'tool' %}{% if loop.previtem.role != 'tool' %}<|observation|>{% endif %}"
            "GAP<tool_response>GAP{{ m.content }}GAP</tool_response>"
            "{%- endif %}{%- endfor %}"
            "{%- if add_generation_prompt %}<|assistant|>"
            "{% if enable_thinking is defined and not enable_thinking %}NONE{% else %}OPEN{% endif %}{% endif %}"
        )
        .replace("OPEN", opened)
        .replace("NONE", "GAP<think></think>" if gap else "</think>")
        .replace("GAP", line)
    )


TEMPLATES = {
    "glm": NAME_LINE, "glm4": NAME_LINE, "glm4_moe": tagged("\n"), "glm4v": tagged("\n"), "glm4v_moe": tagged(""),
}  # fmt: skip


def tokenizer(more: Sequence[str] = ()) -> Any:
    """Byte-level, so that every text in every language has tokens; GLM's marks and tags are single ones, and `more`."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    raw.decoder = decoders.ByteLevel()
    raw.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS])
    raw.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in (*TAGS, *more)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|endoftext|>", pad_token="<|endoftext|>",
        additional_special_tokens=list(MARKS[1:]), clean_up_tokenization_spaces=False,
    )  # fmt: skip


def make(
    folder: Path, architecture: str, *, says: str = "", template: str = "", context: int = 4096, seed: int = 7,
    ends: str = "<|user|>", letters: bool = False,
) -> Path:  # fmt: skip
    """Write a checkpoint to `folder`.

    Args:
        says: The reply that its weights write. Empty: the weights are random.
        ends: The mark that ends it: `<|observation|>` after calls.
        letters: Random weights that write nothing but ASCII.
    """
    import torch
    import transformers

    torch.set_num_threads(1)  # a tiny matrix is done before a second thread has woken up
    torch.manual_seed(seed)
    transformers.logging.disable_progress_bar()
    parts = pieces(says) if says else []
    words = tokenizer(parts)
    ids = {mark: words.convert_tokens_to_ids(mark) for mark in MARKS}
    text: dict[str, Any] = {
        "vocab_size": (len(words) + 7) // 8 * 8, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": context,
        "pad_token_id": ids["<|endoftext|>"], "initializer_range": 0.5 if letters else 0.1,
        "eos_token_id": [ids[mark] for mark in ("<|endoftext|>", "<|user|>", "<|observation|>")],
    }  # fmt: skip
    if architecture.endswith("moe"):
        text |= {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "n_shared_experts": 1,
                 "first_k_dense_replace": 1}  # fmt: skip
    if architecture == "glm4_moe":
        text |= {"use_qk_norm": True, "attention_bias": True}
    config: Any = getattr(transformers, _CONFIGS[architecture])
    if architecture in VISION:
        text["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1],
                                   "partial_rotary_factor": 0.5}  # fmt: skip
        settings = config(
            text_config=text,
            vision_config={"depth": 1, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48, "out_hidden_size": 64,
                           "patch_size": 4, "image_size": 32, "spatial_merge_size": 2},
            image_token_id=ids["<|image|>"], video_token_id=ids["<|video|>"],
            image_start_token_id=ids["<|begin_of_image|>"], image_end_token_id=ids["<|end_of_image|>"],
            video_start_token_id=ids["<|begin_of_video|>"], video_end_token_id=ids["<|end_of_video|>"],
            eos_token_id=text["eos_token_id"], pad_token_id=text["pad_token_id"],
        )  # fmt: skip
        model = transformers.AutoModelForImageTextToText.from_config(settings)
    else:
        model = transformers.AutoModelForCausalLM.from_config(config(**text))
    if says:
        named = words.get_vocab()
        script(model, [*(named[part] for part in parts), ids[ends]], [ids["<|assistant|>"], named["<think>"]])
    if letters:
        plain = [i for word, i in words.get_vocab().items() if len(word) == 1 and word.isascii()]
        weight = model.get_output_embeddings().weight.data
        kept = weight[plain].clone()
        weight.zero_()
        weight[plain] = kept
    model.generation_config.eos_token_id = text["eos_token_id"]
    model.generation_config.pad_token_id = text["pad_token_id"]
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(template or TEMPLATES[architecture], "utf-8")
    if architecture in VISION:
        pictures = {"image_processor_type": "Glm4vImageProcessor", "patch_size": 4, "merge_size": 2,
                    "temporal_patch_size": 2, "size": {"shortest_edge": 64, "longest_edge": 4096 * 2}}  # fmt: skip
        (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
    return folder


_CONFIGS = {
    "glm": "GlmConfig", "glm4": "Glm4Config", "glm4_moe": "Glm4MoeConfig", "glm4v": "Glm4vConfig",
    "glm4v_moe": "Glm4vMoeConfig",
}  # fmt: skip


def script(model: Any, head: list[int], starts: list[int]) -> None:
    """Set `model` so that greedy decoding writes the tokens `head`, each at most once, after any of `starts`.

    Attention and MLPs add nothing, so what comes next depends on the last token alone: a chain, written into the output
    layer.
    """
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "visual" not in name and ("o_proj" in name or "down_proj" in name):
                weight.zero_()
        vectors = torch.nn.functional.normalize(model.get_input_embeddings().weight, dim=-1)
        model.get_input_embeddings().weight.copy_(vectors)
        out = torch.zeros_like(vectors)
        for before, after in [*((start, head[0]) for start in starts), *pairwise(head)]:
            out[after] += vectors[before]
        model.get_output_embeddings().weight.copy_(10 * out)


def pieces(text: str) -> list[str]:
    """`text` in parts of which no two are equal, and none has a `<` but at its beginning: in a prompt, a part that begins
    before a mark would take the mark's first character."""
    parts: list[str] = []
    held = ""
    for character in text:
        if character == "<" and held:
            if parts and (len(held) < 2 or held in parts):
                parts[-1] += held
            else:
                parts.append(held)
            held = ""
        held += character
        if len(held) >= 2 and held not in parts:
            parts.append(held)
            held = ""
    if held:
        parts[-1] += held
    assert len(set(parts)) == len(parts), "two parts are equal: choose another text"
    return parts
