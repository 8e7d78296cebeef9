"""Fitting the judge's network to labelled calls. The same seed, device and torch give the same weights, bit for bit.

The encoder runs in bfloat16. A fit takes two minutes on a GPU and an hour on one core of a CPU that has bfloat16
instructions (hours on one that has not).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models.call_reader import CallReader, Reading
from models.judge_net import JudgeNet
from models.minilm import load_encoder
from models.training.corpus import CRITERIA, MOVES
from models.training.data import NA, Example, Targets, View


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
    readers: int = 4
    """Readers over one encoder, whose logits are averaged."""
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
    """A network of one reader, fitted together with its encoder to the examples, on their device; `each_epoch` is told
    the epoch and its mean loss."""
    repeatable()
    load_encoder()  # before the seed is set: building it draws random numbers, the first time only
    torch.manual_seed(recipe.seed)
    net = JudgeNet(moves=len(MOVES), criteria=len(CRITERIA)).to(examples[0].targets.levels.device)
    groups = [
        {"params": net.layers.parameters(), "lr": recipe.rate_encoder},
        {"params": net.readers.parameters(), "lr": recipe.rate_heads},
    ]
    net.train()
    descend(groups, examples, lambda item, rng: _one(net, item, recipe, rng), recipe, recipe.seed, each_epoch)
    return net.eval()


def add_readers(
    net: JudgeNet,
    examples: Sequence[Example],
    recipe: Recipe,
    *,
    each_epoch: Callable[[int, float], None] = lambda epoch, value: None,
) -> JudgeNet:
    """Further readers for `net`, up to `recipe.readers`, fitted one by one to what its encoder, which stays as it is,
    makes of the examples. Each begins with other weights and meets the calls in another order."""
    repeatable()
    with torch.no_grad():
        vectors = {id(view): _vectors(net.eval(), item, view) for item in examples for view in item.views}
    for seed in range(recipe.seed + len(net.readers), recipe.seed + recipe.readers):
        torch.manual_seed(seed)
        reader = CallReader(moves=len(MOVES), criteria=len(CRITERIA)).to(examples[0].targets.levels.device)

        def one(item: Example, rng: random.Random, reader: CallReader = reader) -> Tensor:
            view = shown(item, recipe, rng)
            return loss(reader(vectors[id(view)], view.features, recipe.dropout), item.targets, recipe)

        descend([{"params": reader.parameters(), "lr": recipe.rate_heads}], examples, one, recipe, seed, each_epoch)
        net.readers.append(reader.eval())
    return net


def descend(
    groups: Sequence[dict[str, Any]],
    examples: Sequence[Example],
    one: Callable[[Example, random.Random], Tensor],
    recipe: Recipe,
    seed: int,
    each_epoch: Callable[[int, float], None],
) -> None:
    """Go down the loss that `one` gives for each example; `groups` are the optimiser's."""
    rng = random.Random(seed)
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    per_epoch = -(-len(examples) // recipe.calls_per_step)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: warm_then_linear(step, recipe.epochs * per_epoch)
    )
    for epoch in range(recipe.epochs):
        order = list(examples)
        rng.shuffle(order)
        seen = 0.0
        for start in range(0, len(order), recipe.calls_per_step):
            batch = order[start : start + recipe.calls_per_step]
            optimiser.zero_grad()
            for item in batch:
                value = one(item, rng) / len(batch)
                torch.autograd.backward(value)
                seen += float(value.detach()) * len(batch)
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            schedule.step()
        each_epoch(epoch, seen / len(order))


def repeatable() -> None:
    """Hold torch to algorithms that give the same bits in every run."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(1)
    on_gpu = torch.cuda.is_available()
    for kernel, allowed in (("flash", not on_gpu), ("mem_efficient", False), ("cudnn", False)):
        getattr(torch.backends.cuda, f"enable_{kernel}_sdp")(allowed)


def shown(item: Example, recipe: Recipe, rng: random.Random) -> View:
    """The wording of the call that is shown this time."""
    written, *misheard = item.views
    return rng.choice(misheard) if misheard and rng.random() < recipe.misheard else written


def _one(net: JudgeNet, item: Example, recipe: Recipe, rng: random.Random) -> Tensor:
    view = shown(item, recipe, rng)
    vectors = _vectors(net, item, view, recipe.dropout_encoder)
    return loss(net(vectors, view.features, recipe.dropout), item.targets, recipe)


def _vectors(net: JudgeNet, item: Example, view: View, dropout: float = 0.0) -> Tensor:
    with torch.autocast(view.ids.device.type, dtype=torch.bfloat16):
        return net.turn_vectors(view.ids, view.mask, view.owner, len(item.turns), dropout).float()


def warm_then_linear(step: int, steps: int) -> float:
    """Learning-rate factor: up over the first tenth of the steps, then down to a fiftieth."""
    return min(1.0, (step + 1) / max(1.0, 0.1 * steps)) * max(0.02, 1 - step / max(1, steps))
