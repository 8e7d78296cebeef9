"""On which side does each speaker stand? Read with the right sides, a call makes more sense than with others.

The network is told the side of each turn. Told wrongly, it hears fewer and other moves: answers that nobody asked for,
asks by the one who buys. A linear model over what it hears weighs ways of splitting the speakers against each other;
its weights stand in `heads/judge.json` (`models/training/sides.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.judge_model import Heard
    from pipeline.types import Turn


def side_signs(heard: Heard) -> NDArray[np.float64]:
    """(signs,) of a call: how much of each move, objection and evidence is heard, the expected levels, n/a."""
    return np.concatenate(
        [
            np.log1p(heard.moves.sum(axis=0)),
            heard.moves.max(axis=0),
            np.log1p(heard.objections.sum(axis=0)),
            np.log1p(heard.evidence.sum(axis=0)),
            heard.levels @ np.arange(5) / 4,
            heard.na,
        ]
    )


def makes_sense(heard: Heard, weights: Sequence[float]) -> float:
    """Log-odds of the sides that a call was heard with, up to a term that all ways of splitting its speakers share."""
    return round(float(side_signs(heard) @ np.array(weights)), 4)


def told_as(turns: Sequence[Turn], sides: Mapping[str, str], names: Mapping[str, str]) -> tuple[Turn, ...]:
    """The turns with the side (`rep`, `buyer`) that `sides` gives each speaker label, and the names that are known."""
    labels = {label: f"{side}:{names[label]}" if names.get(label) else side for label, side in sides.items()}
    return tuple(replace(turn, speaker=labels[turn.speaker]) for turn in turns)
