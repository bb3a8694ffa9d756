# pyright: reportMissingImports=false, reportUnknownParameterType=false
# torch, transformers and tokenizers are an optional extra; without them their types are unknown.
"""The network in training: `transformers.GlmForCausalLM`, small, with GLM's attention over a blank.

The prompt is read in both directions and the answer is written left to right (autoregressive blank
filling): a column's pointer can then see the question that follows it.
"""

from typing import NamedTuple

import torch
from transformers import GlmConfig, GlmForCausalLM


class Size(NamedTuple):
    """The shape of a network; the default has 3.2 million parameters."""

    hidden: int = 192
    layers: int = 6
    heads: int = 6
    key_value_heads: int = 2
    intermediate: int = 512


def build(size: Size, vocabulary: int) -> GlmForCausalLM:
    """A network with fresh weights."""
    config = GlmConfig(
        vocab_size=vocabulary, hidden_size=size.hidden, intermediate_size=size.intermediate, num_hidden_layers=size.layers,
        num_attention_heads=size.heads, num_key_value_heads=size.key_value_heads, head_dim=size.hidden // size.heads,
        attention_bias=True, tie_word_embeddings=True, rms_norm_eps=1e-5, max_position_embeddings=1024,
        pad_token_id=0, bos_token_id=None, eos_token_id=2, initializer_range=0.02,
    )  # fmt: skip
    config.rope_parameters = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}
    config._attn_implementation = "eager"  # pyright: ignore[reportPrivateUsage]  quicker than SDPA at these lengths
    return GlmForCausalLM(config)


def blank_filling_mask(prompt: torch.Tensor, total: torch.Tensor, width: int) -> torch.Tensor:
    """Additive attention mask [batch, 1, width, width]: everyone sees the prompt, the answer sees back.

    `prompt` and `total` are token counts per row, [batch].
    """
    place = torch.arange(width)
    seen = (place[None, None, :] < prompt[:, None, None]) | (place[None, None, :] <= place[None, :, None])
    seen &= place[None, None, :] < total[:, None, None]
    return torch.zeros(seen.shape).masked_fill(~seen, -1e9)[:, None]
