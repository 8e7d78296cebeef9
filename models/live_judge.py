"""The judge during a call: what the turns so far do, and the chance that each is a push-back, before it is answered.

A call that stops in mid-air is not what the judge was trained on. With a neutral word after the last turn it hears
push-backs there as well as it does two turns later, and invents fewer of them (`benchmarks/live.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from models.judge_model import JudgeModel, share_of_most
from pipeline.types import ObjectionKind, Turn, kind_is_sure

CLOSING = "Okay."


@dataclass(frozen=True, slots=True)
class LiveReading:
    """Per turn: moves with their probabilities, the chance (0-1) that it is a push-back, and of which kind; `other`
    where that is not sure: another kind's play is worse than the general one."""

    moves: tuple[Mapping[str, float], ...]
    chances: tuple[float, ...]
    kinds: tuple[ObjectionKind, ...]


class LiveJudge:
    """A judge that reads calls that are not over; `read` may be called with any number of turns."""

    def __init__(self, judge: JudgeModel) -> None:
        """`judge` is the one that scores whole calls."""
        self.judge = judge

    def read(self, turns: Sequence[Turn]) -> LiveReading:
        """The turns as they stand; only a buyer's turn has a chance above 0."""
        end = turns[-1].t1
        heard = self.judge.hear([*turns, Turn(end, end + 1, "rep", CLOSING)])
        names = cast("list[ObjectionKind]", self.judge.config["objection_kinds"])
        kept = len(turns)
        pushed = 1 - np.prod(1 - heard.objections[:kept], axis=1)
        threshold = self.judge.config["move_threshold"]
        return LiveReading(
            moves=tuple(
                {name: float(p) for name, p in zip(self.judge.move_names, row, strict=True) if p >= threshold}
                for row in heard.moves[:kept]
            ),
            chances=tuple(float(p) if turn.side == "buyer" else 0.0 for p, turn in zip(pushed, turns, strict=True)),
            kinds=tuple(_kind(row, names) for row in heard.objections[:kept]),
        )


def _kind(chances: np.ndarray, names: Sequence[ObjectionKind]) -> ObjectionKind:
    return names[int(np.argmax(chances))] if kind_is_sure(share_of_most(chances)) else "other"
