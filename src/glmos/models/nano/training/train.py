# pyright: reportMissingImports=false, reportUnknownParameterType=false
# torch, transformers and tokenizers are an optional extra; without them their types are unknown.
"""The training loop: Muon for the matrices, AdamW for the rest, a warm-up, a plateau, a long decay, an average.

Time is the budget: the learning rate follows the share of `minutes` that has passed, counted over all runs
of the same folder, so a run that is stopped goes on where it was.
"""

import json
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import nn
from transformers import GlmForCausalLM

from glmos.models.nano.tokenizer import Tokenizer
from glmos.models.nano.training.batches import Batch, batches
from glmos.models.nano.training.examples import Problem
from glmos.models.nano.training.model import Size, blank_filling_mask, build


class Recipe(NamedTuple):
    """Everything a run is set to."""

    minutes: float = 45.0
    size: Size = Size()
    batch_tokens: int = 4096
    template_share: float = 0.18
    muon_rate: float = 0.012
    adam_rate: float = 2e-3
    plateau_until: float = 0.35
    """Share of the time after which the rate falls, linearly, to 2 % of itself."""
    average: float = 0.997
    seed: int = 1
    save_every: float = 3.0
    """Minutes between checkpoints."""


def train(recipe: Recipe, human: list[Problem], templates: list[Problem], tokenizer: Tokenizer, folder: Path) -> None:
    """Train in `folder`, going on from its checkpoint if it has one; `average.pt` is always the newest average."""
    torch.manual_seed(recipe.seed)
    model = build(recipe.size, len(tokenizer.pieces))
    average = [p.detach().clone() for p in model.parameters()]
    optimizers = _optimizers(model, recipe)
    spent, step, seen = 0.0, 0, 0
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        saved: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        average = saved["average"]
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        spent, step, seen = saved["spent"], saved["step"], saved["seen"]
    random = Random(recipe.seed + step)
    source = batches(human, templates, tokenizer, random, size=recipe.batch_tokens, share=recipe.template_share)
    begun, saved_at, losses = time.monotonic() - spent, spent, list[float]()
    while spent < recipe.minutes * 60:
        rate = _rate(spent / (recipe.minutes * 60), recipe.plateau_until)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_rate"] * rate
        batch = next(source)
        loss = answer_loss(model, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        step, seen = step + 1, seen + int(batch.total.sum())
        keep = min(recipe.average, step / (step + 20))
        for mean, parameter in zip(average, model.parameters(), strict=True):
            mean.lerp_(parameter.detach(), 1 - keep)
        losses.append(loss.item())
        spent = time.monotonic() - begun
        if step % 50 == 0:
            line = {
                "step": step,
                "minutes": round(spent / 60, 2),
                "tokens": seen,
                "loss": round(sum(losses) / len(losses), 4),
                "rate": round(rate, 3),
            }
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            losses.clear()
        if spent - saved_at > recipe.save_every * 60 or spent >= recipe.minutes * 60:
            saved_at = spent
            state = {"model": model.state_dict(), "average": average, "optimizers": [o.state_dict() for o in optimizers],
                     "spent": spent, "step": step, "seen": seen}  # fmt: skip
            _save(state, checkpoint)
            named = {name: tensor for (name, _), tensor in zip(model.named_parameters(), average, strict=True)}
            _save(
                {"weights": named, "size": list(recipe.size), "step": step, "seen": seen, "minutes": spent / 60},
                folder / "average.pt",
            )


def answer_loss(model: GlmForCausalLM, batch: Batch) -> torch.Tensor:
    """Mean cross entropy of the answers' tokens; the prompt is only read."""
    width = batch.tokens.shape[1]
    mask = blank_filling_mask(batch.prompt, batch.total, width)
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(
            input_ids=batch.tokens, attention_mask=mask.to(torch.bfloat16), use_cache=False
        ).last_hidden_state
        place = torch.arange(width)[None]
        asked = (place >= batch.prompt[:, None] - 1) & (place < batch.total[:, None] - 1)
        logits = model.lm_head(hidden[asked])
    wanted = batch.tokens.roll(-1, dims=1)[asked]
    return nn.functional.cross_entropy(logits.float(), wanted)


def _optimizers(model: GlmForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    made: list[torch.optim.Optimizer] = [
        torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=0.05),
        torch.optim.AdamW(others, lr=recipe.adam_rate, betas=(0.9, 0.97), weight_decay=0.01),
    ]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["full_rate"] = group["lr"]
    return made


def _rate(share: float, plateau_until: float) -> float:
    if share < 0.02:
        return max(0.05, share / 0.02)
    return 1.0 if share < plateau_until else max(0.02, 1.0 - 0.98 * (share - plateau_until) / (1 - plateau_until))


def _save(state: dict[str, Any], path: Path) -> None:
    """All or nothing: a stop while writing must not cost the checkpoint before."""
    half = path.with_suffix(".part")
    torch.save(state, half)
    half.replace(path)
