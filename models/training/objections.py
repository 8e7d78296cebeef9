"""Fitting the second look at objections (`models/objections.py`) on calls heard by networks that never saw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from models.objections import candidates, distinct, second_look, signs
from models.training.corpus import LabelledCall, agreed_objections, objection_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.judge_model import Heard

    Floats = NDArray[np.float64]

NEAR_TURNS = 1
"""An objection is found when it is marked at most this many turns away."""
IF_ANY = 0.25
"""Down to here, naming the likeliest turn of such calls costs no F1 on the calls to tune on (0.735 both ways)."""
STRENGTH = 0.1
"""Inverse of the penalty on the weights (scikit-learn's C)."""


def second_look_of(
    train: Sequence[tuple[LabelledCall, Heard]], tune: Sequence[tuple[LabelledCall, Heard]]
) -> dict[str, Any]:
    """`second_look`: weights fitted to the training calls in all their wordings; `objection_threshold`: the best one
    on the calls to tune on, nearly all by writers of whom nothing was learned: the words of those who are known are
    found more easily; `objection_threshold_if_any`: for the likeliest turn of a call that seems to have an objection
    and shows none."""
    weights = fit_second_look(train)
    chances = [second_look(heard, call.transcript.turns, weights) for call, heard in tune]
    return {
        "second_look": weights,
        "objection_threshold": best_threshold([agreed_objections(call) for call, _ in tune], chances),
        "objection_threshold_if_any": IF_ANY,
    }


def fit_second_look(examples: Sequence[tuple[LabelledCall, Heard]]) -> dict[str, list[float]]:
    """Weights for `second_look`; each candidate counts as an objection by the share of the votes that it got."""
    from sklearn.linear_model import LogisticRegression

    rows, shares = [], []
    for call, heard in examples:
        turns = call.transcript.turns
        votes = objection_votes(call)
        looked_at = np.flatnonzero(candidates(heard, turns))
        rows.append(signs(heard, turns)[looked_at])
        shares += [votes.get(int(turn), (0.0, ""))[0] for turn in looked_at]
    table, share = np.concatenate(rows), np.array(shares)
    wanted = np.concatenate([np.ones(len(share)), np.zeros(len(share))])
    weight = np.concatenate([share, 1.0 - share])
    fitted = LogisticRegression(C=STRENGTH, max_iter=5000, tol=1e-8).fit(
        np.concatenate([table, table]), wanted, sample_weight=weight
    )
    return {
        "signs": [round(float(value), 4) for value in fitted.coef_[0]],
        "bias": [round(float(fitted.intercept_[0]), 4)],
    }


def best_threshold(wanted: Sequence[dict[int, str]], chances: Sequence[Floats]) -> float:
    """The threshold, in steps of 0.05, with the best F1; the middle one of those that are within 0.005 of it."""
    steps = [round(0.2 + 0.05 * step, 2) for step in range(13)]
    scores = [f1(wanted, [distinct(chance, step) for chance in chances]) for step in steps]
    good = [step for step, score in zip(steps, scores, strict=True) if score >= max(scores) - 0.005]
    return good[len(good) // 2]


def f1(wanted: Sequence[dict[int, str]], found: Sequence[Sequence[int]]) -> float:
    """F1 of turns found within `NEAR_TURNS` of a wanted one, each wanted one found at most once."""
    right = sum(len(matches(truth, turns)) for truth, turns in zip(wanted, found, strict=True))
    return 2 * right / max(1, sum(map(len, wanted)) + sum(map(len, found)))


def matches(wanted: dict[int, str], found: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of (found turn, wanted turn), the nearest first come, each wanted turn once."""
    left, pairs = set(wanted), []
    for turn in found:
        near = sorted((abs(turn - other), other) for other in left if abs(turn - other) <= NEAR_TURNS)
        if near:
            left.discard(near[0][1])
            pairs.append((turn, near[0][1]))
    return pairs
