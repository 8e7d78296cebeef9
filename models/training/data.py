"""Labelled calls as tensors: what the network is shown and what it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.judge_model import HANDLED
from models.judge_net import batch_windows, turn_features, turn_windows
from models.training.corpus import (
    CRITERIA,
    MOVES,
    OBJECTION_KINDS,
    LabelledCall,
    agreed_level,
    handling_votes,
    objection_votes,
)
from models.training.noise import noisy
from pipeline.types import Turn

NOISE_RATES = (0.06, 0.12, 0.18, 0.10)
"""Word error rates of the misheard wordings of a training call."""
NA = -1.0


@dataclass(frozen=True, slots=True)
class View:
    """One wording of a call: token `ids`, `mask` and `owner` (windows, tokens), turn `features` (turns, 6)."""

    ids: Tensor
    mask: Tensor
    owner: Tensor
    features: Tensor


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked for: `moves` (turns, M) and `evidence` (turns, C) as 0 or 1 (1 where any labeller says so:
    labellers overlook moves far more often than they invent them), `objections` (turns, 4) as the share of the votes,
    `handled` (turns,) index or -1, `levels` (C,) `agreed_level` or `NA`."""

    moves: Tensor
    evidence: Tensor
    objections: Tensor
    handled: Tensor
    levels: Tensor


@dataclass(frozen=True, slots=True)
class Example:
    """A call ready for training: its wordings, the first one as written, and its targets."""

    call_id: str
    turns: tuple[Turn, ...]
    views: tuple[View, ...]
    targets: Targets


def example(call: LabelledCall, *, augment: bool, device: str = "cpu") -> Example:
    """A call as tensors on `device`; with `augment`, misheard wordings beside the written one."""
    turns = call.transcript.turns
    rates = NOISE_RATES if augment else ()
    misheard = [noisy(turns, rate=rate, seed=f"train{k}/{call.call_id}") for k, rate in enumerate(rates)]
    return Example(
        call_id=call.call_id,
        turns=turns,
        views=tuple(view(wording, device) for wording in (turns, *misheard)),
        targets=targets(call, device),
    )


def view(turns: Sequence[Turn], device: str) -> View:
    """One wording, ready for the network."""
    ids, mask, owner = (part.to(device) for part in batch_windows(turn_windows(turns)))
    return View(ids, mask, owner, turn_features(turns).to(device))


def targets(call: LabelledCall, device: str) -> Targets:
    """Targets of a call from all its labellers and readers."""
    count, labels = len(call.transcript.turns), call.labels
    moves = torch.zeros(count, len(MOVES))
    evidence = torch.zeros(count, len(CRITERIA))
    objections = torch.zeros(count, len(OBJECTION_KINDS))
    handled = torch.full((count,), -1, dtype=torch.int64)
    for label in labels:
        for turn, names in label.moves.items():
            for name in names:
                moves[turn, MOVES.index(name)] = 1.0
        for column, criterion in enumerate(CRITERIA):
            for turn in label.evidence[criterion]:
                evidence[turn, column] = 1.0
    for turn, (share, kind) in objection_votes(call).items():
        objections[turn, OBJECTION_KINDS.index(kind)] = share
    for turn, how in handling_votes(call).items():
        handled[turn] = HANDLED.index(how)
    agreed = [agreed_level(call, criterion) for criterion in CRITERIA]
    levels = torch.tensor([NA if level is None else level for level in agreed])
    return Targets(*(part.to(device) for part in (moves, evidence, objections, handled, levels)))


def data_hash(folders: Sequence[Path]) -> str:
    """SHA-256 over names and bytes of every corpus file in the folders, in order."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.txt")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
