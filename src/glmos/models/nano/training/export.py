# pyright: reportMissingImports=false, reportUnknownParameterType=false
# torch, transformers and tokenizers are an optional extra; without them their types are unknown.
"""Write the averaged weights of a training folder as the int8 file that `network.Network` reads."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def export(source: Path, to: Path) -> None:
    """Write `nano.npz`, `tokenizer.json` and `training.json` into `to`."""
    saved: dict[str, Any] = torch.load(source / "average.pt", weights_only=True)
    to.mkdir(parents=True, exist_ok=True)
    stored: dict[str, NDArray[Any]] = {}
    for name, tensor in saved["weights"].items():
        stored.update(quantize(name.removeprefix("model."), tensor.float().numpy()))
    _, _, heads, key_value_heads, _ = saved["size"]
    np.savez(to / "nano.npz", allow_pickle=False, heads=np.array([heads, key_value_heads]), **stored)
    shutil.copyfile(source / "tokenizer.json", to / "tokenizer.json")
    facts = {name: saved[name] for name in ("size", "step", "seen", "minutes")}
    (to / "training.json").write_text(json.dumps(facts), encoding="utf-8")


def quantize(name: str, weight: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """A matrix as int8 rows and their float32 scales; a vector as it is."""
    if weight.ndim != 2:
        return {name: weight}
    scale = np.maximum(np.abs(weight).max(1), 1e-8) / 127
    return {name: np.round(weight / scale[:, None]).astype(np.int8), name + ".scale": scale.astype(np.float32)}
