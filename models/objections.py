"""Which of the buyer's turns object: a second look at what the network heard.

The network marks too much: repeats of a point, remarks that nobody has to answer, doubts that the next turn takes back.
A logistic regression looks at each turn that it finds suspicious together with the moves of the turns around it, and
decides. Its weights are fitted on calls that the network never saw (`models/training/objections.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.judge_net import turn_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.judge_model import Heard
    from pipeline.types import Turn

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

AROUND = (-2, -1, 1, 2)
"""The neighbouring turns that are looked at."""
NEAR_TURNS = 6
"""How far the chance of another objection is looked for."""
SUSPICIOUS = 0.015
NEXT_TO_SUSPICIOUS = 0.1
"""The network's chance of an objection from which a buyer's turn is looked at, in it or in the turn next to it."""
SAME_OBJECTION_TURNS = 2
"""A push-back repeated within this many turns is the same objection."""
FEWEST, MOST = 0.002, 0.998
NOTHING = math.log(FEWEST / MOST) / 3.0
"""The log-odds that stand for what is certainly not there."""


def chances(heard: Heard) -> Floats:
    """(turns,) the network's own chance of an objection, of whatever kind."""
    none: Floats = np.prod(1.0 - heard.objections, axis=1)
    return 1.0 - none


def candidates(heard: Heard, turns: Sequence[Turn]) -> Flags:
    """(turns,) the buyer's turns that are worth a second look."""
    chance = chances(heard)
    nearby = np.maximum(_moved(chance[:, None], 1), _moved(chance[:, None], -1))[:, 0]
    buyers = np.array([turn.side == "buyer" for turn in turns], dtype=bool)
    return buyers & ((chance >= SUSPICIOUS) | (nearby >= NEXT_TO_SUSPICIOUS))


def signs(heard: Heard, turns: Sequence[Turn]) -> Floats:
    """(turns, signs): log-odds of objections and moves in the turn and its neighbours, of evidence in the turn, the
    likeliest objection nearby, the chance that the call has none, and the turn's own features."""
    chance = chances(heard)[:, None]
    said = np.concatenate([_log_odds(heard.objections), _log_odds(chance), _log_odds(heard.moves)], axis=1)
    nearby = np.max([_moved(chance, by) for by in range(-NEAR_TURNS, NEAR_TURNS + 1) if by], axis=0)
    none_at_all = np.broadcast_to(_log_odds(heard.na)[None, :], (len(turns), len(heard.na)))
    return np.concatenate(
        [
            said,
            *(_moved(said, by, empty=NOTHING) for by in AROUND),
            _log_odds(heard.evidence),
            _log_odds(nearby),
            none_at_all,
            turn_features(turns).double().numpy(),
        ],
        axis=1,
    )


def second_look(heard: Heard, turns: Sequence[Turn], weights: Mapping[str, Sequence[float]]) -> Floats:
    """(turns,) chance that a turn objects, four decimals; 0 where the turn is no candidate.

    `weights` has `signs`, one weight per column of `signs`, and `bias`, a single number in a list.
    """
    found = np.zeros(len(turns))
    looked_at = candidates(heard, turns)
    if looked_at.any():
        total = signs(heard, turns)[looked_at] @ np.array(weights["signs"]) + weights["bias"][0]
        found[looked_at] = np.round(1.0 / (1.0 + np.exp(-total)), 4)
    return found


def distinct(chance: Floats, threshold: float) -> list[int]:
    """Turns with at least `threshold` chance of an objection, of a push-back repeated close by only the likeliest."""
    kept: list[int] = []
    for turn in sorted(np.flatnonzero(chance >= threshold).tolist(), key=lambda turn: (-chance[turn], turn)):
        if all(abs(turn - other) > SAME_OBJECTION_TURNS for other in kept):
            kept.append(turn)
    return sorted(kept)


def objecting(chance: Floats, threshold: float, *, at_least_one: float | None) -> list[int]:
    """`distinct`; where it finds none and there should be one, the likeliest turn with at least `at_least_one`."""
    kept = distinct(chance, threshold)
    if kept or at_least_one is None or not len(chance) or chance.max() < at_least_one:
        return kept
    return [int(np.argmax(chance))]


def _log_odds(chance: Floats) -> Floats:
    chance = np.clip(chance, FEWEST, MOST)
    return np.log(chance / (1.0 - chance)) / 3.0


def _moved(rows: Floats, by: int, *, empty: float = 0.0) -> Floats:
    """The rows `by` places later (earlier where negative) in the place of each; `empty` beyond the ends."""
    moved = np.full_like(rows, empty)
    if abs(by) < len(rows):
        moved[max(0, -by) : len(rows) - max(0, by)] = rows[max(0, by) : len(rows) + min(0, by)]
    return moved
