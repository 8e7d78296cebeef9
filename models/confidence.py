"""How likely a decision of the judge is right: a logistic regression over a few signs, fitted on calls that the
network never saw, as written and as misheard.

A plain dictionary of weights, so that the card can be read: which sign pulls the confidence which way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.judge_model import Decision

MAX_EXPECTED_WER = 0.35
"""Beyond this word error rate (0-1) the confidence falls no further: such calls are not scored at all by default."""


def signs_of(
    decision: Decision, given: NDArray[np.float64], edges: Sequence[float], *, criterion: str, expected_wer: float
) -> dict[str, float]:
    """What speaks for or against a decision, by name.

    `given` (5,) is the distribution over the levels, `edges` the four cuts of the expected level, `expected_wer` 0-1.
    A level is the surer the further its expected value lies from the nearest edge (`margin`, levels) and the narrower
    the distribution (`spread`, levels); n/a by how likely it is.
    """
    signs = {"always": 1.0, f"criterion.{criterion}": 1.0, "expected_wer": min(MAX_EXPECTED_WER, expected_wer)}
    if decision.na:
        return signs | {"na": 1.0, "na_chance": decision.na_chance}
    share = given / max(1e-9, float(given.sum()))
    levels = np.arange(len(share))
    spread = math.sqrt(max(0.0, float(share @ levels**2) - float(share @ levels) ** 2))
    margin = min(abs(decision.expected - edge) for edge in edges)
    nearly_na = {"level.na_chance": decision.na_chance}
    return signs | nearly_na | {"level.margin": margin, "level.spread": spread, f"level.{decision.level}": 1.0}


def confidence(weights: Mapping[str, float], signs: Mapping[str, float]) -> float:
    """Chance (0-1, three decimals) that the decision is right; a sign without a weight counts nothing."""
    total = sum(weights.get(name, 0.0) * value for name, value in signs.items())
    return round(1.0 / (1.0 + math.exp(-total)), 3)


def fit_confidence(rows: Sequence[Mapping[str, float]], right: Sequence[float]) -> dict[str, float]:
    """Weights for `confidence` from decisions' signs and whether each was `right` (1.0) or not (0.0)."""
    from sklearn.linear_model import LogisticRegression

    names = sorted({name for row in rows for name in row})
    table = np.array([[row.get(name, 0.0) for name in names] for row in rows])
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=5000, tol=1e-8).fit(table, np.array(right))
    return {name: round(float(weight), 4) for name, weight in zip(names, fitted.coef_[0], strict=True)}
