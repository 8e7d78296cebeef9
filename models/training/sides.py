"""Fitting who stands on which side (`models/sides.py`) on calls heard, rightly and wrongly told, by networks that never
saw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.types import Turn

    Floats = NDArray[np.float64]

STRENGTH = 0.3
"""Inverse of the penalty on the weights (scikit-learn's C)."""
_OTHER = {"rep": "buyer", "buyer": "rep"}


def splits(turns: Sequence[Turn]) -> list[Mapping[str, str]]:
    """Ways to give each speaker label a side: the right one, all swapped, and of three or more people the one who says
    least moved."""
    right: dict[str, str] = {turn.speaker: turn.side for turn in turns}
    found: list[Mapping[str, str]] = [right, {label: _OTHER[side] for label, side in right.items()}]
    if len(right) > 2:
        said = {label: sum(len(turn.text) for turn in turns if turn.speaker == label) for label in right}
        quiet = min(right, key=lambda label: (said[label], label))
        moved = right | {quiet: _OTHER[right[quiet]]}
        found += [moved] if len(set(moved.values())) == 2 else []
    return found


def fit_sides(calls: Sequence[Floats]) -> list[float]:
    """Weights for `makes_sense`; of each call the signs (splits, signs) as `splits` orders them.

    The right split of a call against each wrong one of it, all calls counting alike.
    """
    from sklearn.linear_model import LogisticRegression

    better = np.concatenate([signs[0] - signs[1:] for signs in calls])
    weight = np.concatenate([np.full(len(signs) - 1, 1.0 / (len(signs) - 1)) for signs in calls])
    fitted = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=5000, tol=1e-8).fit(
        np.concatenate([better, -better]),
        np.repeat([1, 0], len(better)),
        sample_weight=np.concatenate([weight, weight]),
    )
    return [round(float(value), 4) for value in fitted.coef_[0]]
