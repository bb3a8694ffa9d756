"""The GLM-4 network, forward only, in NumPy.

Layers as in `transformers.GlmForCausalLM`: RMS norm before attention and before the gated MLP, grouped
keys and values, rotary positions on the first half of each head (interleaved), biases on q, k and v,
output tied to the embedding. The prompt is read in both directions, the answer left to right, as in
training. Weights are int8 with one scale per row on disk and float32 in memory.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_EPSILON = 1e-5
_THETA = 10000.0


class Layer(NamedTuple):
    """The weights of one layer, float32, matrices as [out, in]."""

    norm: Floats
    query_key_value: Floats
    bias: Floats
    output: Floats
    mlp_norm: Floats
    gate_up: Floats
    down: Floats


class Cache(NamedTuple):
    """Keys and values read so far: the prompt's once, the answers' per beam."""

    prompt: list[tuple[Floats, Floats]]
    """per layer: keys and values [key_value_heads, prompt, head]"""
    answers: list[tuple[Floats, Floats]]
    """per layer: keys and values [beams, key_value_heads, answer, head]"""

    def take(self, beams: NDArray[np.int64]) -> "Cache":
        """The cache of the chosen beams, in that order."""
        return Cache(self.prompt, [(keys[beams], values[beams]) for keys, values in self.answers])


class Network:
    """One loaded network; `read` once, then `step` for every token of the answers."""

    def __init__(self, weights: dict[str, Floats], heads: int, key_value_heads: int) -> None:
        """`weights` named as by transformers, without "model."."""
        self.embedding = weights["embed_tokens.weight"]
        self._norm = weights["norm.weight"]
        self._heads, self._groups = heads, key_value_heads
        self._head = self.embedding.shape[1] // heads
        count = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("layers."))
        self._layers = [_layer(weights, f"layers.{i}.") for i in range(count)]

    @classmethod
    def load(cls, path: Path) -> "Network":
        """Read an int8 file written by `training.export`."""
        with np.load(path) as file:
            stored = {name: file[name] for name in file.files}
        heads, key_value_heads = (int(n) for n in stored.pop("heads"))
        weights = {
            name: value.astype(np.float32) * stored[name + ".scale"][:, None] if value.dtype == np.int8 else value
            for name, value in stored.items()
            if not name.endswith(".scale")
        }
        return cls(weights, heads, key_value_heads)

    def read(self, tokens: list[int]) -> tuple[Floats, Cache]:
        """Read a prompt: its last hidden state [1, hidden], and the cache for one beam."""
        state = self.embedding[tokens]
        turn = _rotation(np.arange(len(tokens)), self._head // 2)
        prompt: list[tuple[Floats, Floats]] = []
        for layer in self._layers:
            query, key, value = self._project(layer, state)
            query, key = _rotate(query, turn), _rotate(key, turn)
            query, key, value = query.swapaxes(0, 1), key.swapaxes(0, 1), value.swapaxes(0, 1)
            prompt.append((key, value))
            grouped = query.reshape(self._groups, -1, self._head)  # [groups, heads of the group x prompt, head]
            weight = _softmax(grouped @ key.swapaxes(1, 2) * np.float32(self._head**-0.5))
            mixed = (weight @ value).reshape(self._heads, len(tokens), self._head).swapaxes(0, 1)
            state = self._finish(layer, state, mixed.reshape(len(tokens), -1))
        empty = np.zeros((1, self._groups, 0, self._head), np.float32)
        return _normed(state[-1:], self._norm), Cache(prompt, [(empty, empty) for _ in self._layers])

    def step(self, tokens: NDArray[np.int64], cache: Cache) -> tuple[Floats, Cache]:
        """Read one more token per beam: hidden states [beams, hidden] and the longer cache."""
        beams = len(tokens)
        place = cache.prompt[0][0].shape[1] + cache.answers[0][0].shape[2]
        turn = _rotation(np.full(beams, place), self._head // 2)
        state = self.embedding[tokens]
        answers: list[tuple[Floats, Floats]] = []
        for layer, (read_keys, read_values), (old_keys, old_values) in zip(
            self._layers, cache.prompt, cache.answers, strict=True
        ):
            query, key, value = self._project(layer, state)
            query, key = _rotate(query, turn), _rotate(key, turn)
            keys = np.concatenate([old_keys, key[:, :, None]], 2)
            values = np.concatenate([old_values, value[:, :, None]], 2)
            answers.append((keys, values))
            query = query.reshape(beams, self._groups, -1, self._head) * np.float32(self._head**-0.5)
            scores = np.concatenate([query @ read_keys.swapaxes(1, 2), query @ keys.swapaxes(2, 3)], 3)
            weight = _softmax(scores)
            split = read_keys.shape[1]
            mixed: Floats = weight[..., :split] @ read_values
            mixed += weight[..., split:] @ values
            state = self._finish(layer, state, mixed.reshape(beams, -1))
        return _normed(state, self._norm), Cache(cache.prompt, answers)

    def _project(self, layer: Layer, state: Floats) -> tuple[Floats, Floats, Floats]:
        """q, k and v of `state` [n, hidden], each as [n, its heads, head]."""
        made = _normed(state, layer.norm) @ layer.query_key_value.T + layer.bias
        made = made.reshape(len(state), -1, self._head)
        return (
            made[:, : self._heads],
            made[:, self._heads : self._heads + self._groups],
            made[:, self._heads + self._groups :],
        )

    def _finish(self, layer: Layer, state: Floats, mixed: Floats) -> Floats:
        state = state + mixed @ layer.output.T
        gate, up = np.split(_normed(state, layer.mlp_norm) @ layer.gate_up.T, 2, axis=1)
        return state + (up * gate / (1 + np.exp(-gate))) @ layer.down.T


def _layer(weights: dict[str, Floats], at: str) -> Layer:
    return Layer(
        weights[at + "input_layernorm.weight"],
        np.concatenate([weights[f"{at}self_attn.{part}_proj.weight"] for part in "qkv"]),
        np.concatenate([weights[f"{at}self_attn.{part}_proj.bias"] for part in "qkv"]),
        weights[at + "self_attn.o_proj.weight"],
        weights[at + "post_attention_layernorm.weight"],
        weights[at + "mlp.gate_up_proj.weight"],
        weights[at + "mlp.down_proj.weight"],
    )


def _normed(state: Floats, weight: Floats) -> Floats:
    square = np.mean(state * state, -1, keepdims=True, dtype=np.float32) + np.float32(_EPSILON)
    return state / np.sqrt(square) * weight


def _softmax(scores: Floats) -> Floats:
    parts: Floats = np.exp(scores - scores.max(-1, keepdims=True))
    total: Floats = parts.sum(-1, keepdims=True)
    parts /= total
    return parts


def _rotation(places: NDArray[np.int64], width: int) -> tuple[Floats, Floats]:
    """cos and sin [n, 1, width / 2] for the first `width` numbers of each head."""
    rates = _THETA ** (-np.arange(0, width, 2) / width)
    angles = (places[:, None, None] * rates).astype(np.float32)
    return np.cos(angles), np.sin(angles)


def _rotate(heads: Floats, turn: tuple[Floats, Floats]) -> Floats:
    """Turn neighbouring pairs of the first half of `heads` [n, heads, head]."""
    cos, sin = turn
    width = 2 * cos.shape[-1]
    even, odd = heads[..., 0:width:2], heads[..., 1:width:2]
    turned = np.empty_like(heads)
    turned[..., 0:width:2] = even * cos - odd * sin
    turned[..., 1:width:2] = odd * cos + even * sin
    turned[..., width:] = heads[..., width:]
    return turned
