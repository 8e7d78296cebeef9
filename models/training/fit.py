"""Fitting the judge's network to labelled calls. The same seed, device and torch give the same weights, bit for bit.

The encoder runs in bfloat16. A fit takes two minutes on a GPU and an hour on one core of a CPU that has bfloat16
instructions (hours on one that has not).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.judge_net import JudgeNet, Reading
from models.minilm import load_encoder
from models.training.corpus import CRITERIA, MOVES
from models.training.data import NA, Example, Targets


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters; `rate_encoder` is the learning rate of the pretrained layers, `rate_heads` of the new ones."""

    epochs: int = 10
    calls_per_step: int = 2
    rate_encoder: float = 2e-4
    rate_heads: float = 3e-3
    weight_decay: float = 0.02
    dropout: float = 0.35
    dropout_encoder: float = 0.1
    positive_weight: float = 3.0
    level_weight: float = 4.0
    objection_weight: float = 2.0
    misheard: float = 0.6
    """Share of the readings in which a misheard wording is shown instead of the written one."""
    seed: int = 0


def loss(reading: Reading, targets: Targets, recipe: Recipe) -> Tensor:
    """Sum of the losses per turn (moves, evidence, objections, handling) and per call (levels, n/a)."""
    device = targets.levels.device
    weight = torch.tensor(recipe.positive_weight, device=device)

    def per_turn(logits: Tensor, wanted: Tensor) -> Tensor:
        summed = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum", pos_weight=weight)
        return summed / len(wanted)

    total = per_turn(reading.moves, targets.moves)
    total = total + 0.5 * per_turn(reading.evidence, targets.evidence)
    total = total + recipe.objection_weight * per_turn(reading.objections, targets.objections)
    objected = targets.handled >= 0
    if bool(objected.any()):
        total = total + 0.1 * functional.cross_entropy(reading.handled[objected], targets.handled[objected])
    due = targets.levels != NA
    above = (targets.levels[:, None] - torch.arange(4, device=device)[None]).clamp(0.0, 1.0)
    levels = functional.binary_cross_entropy_with_logits(reading.levels[due], above[due])
    total = total + recipe.level_weight * levels
    return total + 0.3 * functional.binary_cross_entropy_with_logits(reading.na, (~due).float())


def fit(
    examples: Sequence[Example], recipe: Recipe, *, each_epoch: Callable[[int, float], None] = lambda epoch, value: None
) -> JudgeNet:
    """A network fitted to the examples, on their device; `each_epoch` is told the epoch and its mean loss."""
    repeatable()
    load_encoder()  # before the seed is set: building it draws random numbers, the first time only
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    net = JudgeNet(moves=len(MOVES), criteria=len(CRITERIA)).to(examples[0].targets.levels.device)
    heads = [value for name, value in net.named_parameters() if not name.startswith("layers")]
    groups = [
        {"params": heads, "lr": recipe.rate_heads},
        {"params": net.layers.parameters(), "lr": recipe.rate_encoder},
    ]
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    per_epoch = -(-len(examples) // recipe.calls_per_step)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: warm_then_linear(step, recipe.epochs * per_epoch)
    )
    for epoch in range(recipe.epochs):
        net.train()
        order = list(examples)
        rng.shuffle(order)
        seen = 0.0
        for start in range(0, len(order), recipe.calls_per_step):
            batch = order[start : start + recipe.calls_per_step]
            optimiser.zero_grad()
            for item in batch:
                value = _one(net, item, recipe, rng) / len(batch)
                torch.autograd.backward(value)
                seen += float(value.detach()) * len(batch)
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        each_epoch(epoch, seen / len(order))
    return net.eval()


def repeatable() -> None:
    """Hold torch to algorithms that give the same bits in every run."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(1)
    on_gpu = torch.cuda.is_available()
    for kernel, allowed in (("flash", not on_gpu), ("mem_efficient", False), ("cudnn", False)):
        getattr(torch.backends.cuda, f"enable_{kernel}_sdp")(allowed)


def _one(net: JudgeNet, item: Example, recipe: Recipe, rng: random.Random) -> Tensor:
    written, *others = item.views
    view = rng.choice(others) if others and rng.random() < recipe.misheard else written
    with torch.autocast(view.ids.device.type, dtype=torch.bfloat16):
        vectors = net.turn_vectors(view.ids, view.mask, view.owner, len(item.turns), recipe.dropout_encoder)
    return loss(net(vectors.float(), view.features, recipe.dropout), item.targets, recipe)


def warm_then_linear(step: int, steps: int) -> float:
    """Learning-rate factor: up over the first tenth of the steps, then down to a fiftieth."""
    return min(1.0, (step + 1) / max(1.0, 0.1 * steps)) * max(0.02, 1 - step / max(1, steps))
