"""The confidence: which signs it reads, and what they do to it."""

from __future__ import annotations

import numpy as np
import pytest

from models.confidence import MAX_EXPECTED_WER, confidence, fit_confidence, signs_of
from models.judge_model import decide, load_judge

EDGES = [0.5, 1.5, 2.5, 3.5]


def signs(given: list[float], *, na: float = 0.0, expected_wer: float = 0.0) -> dict[str, float]:
    shares = np.array(given)
    decision = decide(shares, na, EDGES, na_threshold=0.5)
    return signs_of(decision, shares, EDGES, criterion="proposal", expected_wer=expected_wer)


def test_signs_measure_the_distance_to_an_edge_and_the_spread() -> None:
    sure, torn = signs([0, 0, 0, 1.0, 0]), signs([0, 0, 0.5, 0.5, 0])
    assert (sure["level.margin"], sure["level.spread"], sure["level.3"]) == (0.5, 0.0, 1.0)
    assert (torn["level.margin"], torn["level.spread"]) == (0.0, 0.5)
    gone = signs([0, 0, 0, 1.0, 0], na=0.8)
    assert gone["na_chance"] == 0.8
    assert not any(name.startswith("level.") for name in gone)


def test_fitted_weights_follow_what_was_right() -> None:
    rows = [{"always": 1.0, "level.margin": margin} for margin in np.linspace(0, 0.5, 40)]
    weights = fit_confidence(rows, [float(row["level.margin"] > 0.25) for row in rows])
    assert weights["level.margin"] > 0
    assert confidence(weights, rows[0]) < 0.5 < confidence(weights, rows[-1])


@pytest.mark.parametrize("given", [[0, 0, 0.1, 0.8, 0.1], [0.9, 0.1, 0, 0, 0]])
def test_words_that_are_likely_wrong_cost_confidence_in_the_shipped_judge(given: list[float]) -> None:
    weights = load_judge().config["confidence"]
    clean, misheard, worse = (confidence(weights, signs(given, expected_wer=wer)) for wer in (0.0, 0.2, 5.0))
    assert 0.0 < worse < misheard < clean < 1.0
    assert worse == confidence(weights, signs(given, expected_wer=MAX_EXPECTED_WER))


def test_a_torn_decision_is_less_sure_than_a_clear_one_in_the_shipped_judge() -> None:
    weights = load_judge().config["confidence"]
    assert confidence(weights, signs([0, 0, 0.5, 0.5, 0])) < confidence(weights, signs([0, 0, 0, 1.0, 0]))
