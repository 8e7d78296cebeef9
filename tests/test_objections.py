"""The second look at objections: what it looks at, and that its fit follows the votes."""

from __future__ import annotations

import numpy as np
import pytest

from models.judge_model import Heard, load_judge
from models.objections import candidates, distinct, objecting, second_look, signs
from models.training.corpus import CRITERIA, LabelledCall, Labels, Marked
from models.training.objections import best_threshold, f1, fit_second_look, matches
from pipeline.types import CallMeta, Objection, Transcript, Turn


def heard(chances: list[float]) -> Heard:
    objections = np.zeros((len(chances), 4))
    objections[:, 1] = chances
    n = len(chances)
    return Heard(
        np.full((n, 3), 0.01), np.zeros((n, 8)), objections, np.zeros((n, 3)), np.ones((8, 5)) / 5, np.zeros(8)
    )


def turns(count: int) -> tuple[Turn, ...]:
    return tuple(Turn(i, i + 1, "buyer:Ann" if i % 2 else "rep", "that is too dear") for i in range(count))


def test_only_suspicious_turns_of_buyers_are_looked_at() -> None:
    found = candidates(heard([0.9, 0.01, 0.0, 0.0, 0.0, 0.02, 0.0, 0.01]), turns(8))
    assert found.tolist() == [False, True, False, False, False, True, False, False]
    weights = {"signs": [0.0] * signs(heard([0.5, 0.5]), turns(2)).shape[1], "bias": [0.0]}
    assert second_look(heard([0.5, 0.5]), turns(2), weights).tolist() == [0.0, 0.5]
    assert second_look(heard([]), (), weights).tolist() == []


def test_signs_see_the_neighbours_and_nothing_beyond_the_ends() -> None:
    alone, followed = signs(heard([0.0, 0.6, 0.0, 0.0]), turns(4)), signs(heard([0.0, 0.6, 0.0, 0.9]), turns(4))
    assert alone.shape == followed.shape
    assert np.isfinite(followed).all()
    assert (alone[1] != followed[1]).any()


def test_a_repeated_push_back_is_kept_once() -> None:
    assert distinct(np.array([0.0, 0.6, 0.0, 0.9, 0.0, 0.0, 0.0, 0.7]), 0.5) == [3, 7]
    assert distinct(np.array([0.4]), 0.5) == []


def test_a_call_that_seems_to_have_an_objection_shows_the_likeliest() -> None:
    chance = np.array([0.0, 0.3, 0.0, 0.0, 0.0, 0.2])
    assert objecting(chance, 0.5, at_least_one=None) == []
    assert objecting(chance, 0.5, at_least_one=0.25) == [1]
    assert objecting(chance, 0.5, at_least_one=0.4) == []
    assert objecting(chance, 0.15, at_least_one=0.1) == [1, 5]
    assert objecting(np.zeros(0), 0.5, at_least_one=0.1) == []


def test_each_wanted_turn_is_found_at_most_once_and_within_one_turn() -> None:
    assert matches({5: "stall"}, [4, 6]) == [(4, 5)]
    assert matches({5: "stall"}, [7]) == []
    assert f1([{5: "stall", 9: "other"}], [[4, 6]]) == pytest.approx(0.5)


def test_the_fit_follows_the_votes_and_the_threshold_the_fit() -> None:
    nobody = Labels(dict.fromkeys(CRITERIA, 1), {}, dict.fromkeys(CRITERIA, ()), ())
    calls, hearings = [], []
    for at in (1, 3, 5, 7):
        chances = [0.0] * 8
        chances[at] = 0.9
        chances[(at + 4) % 8] = 0.05
        reading = (Marked(Objection(at, "competition", "no")),)
        calls.append(LabelledCall(Transcript(f"c{at}", CallMeta(), turns(8)), (nobody,), (reading, reading)))
        hearings.append(heard(chances))
    weights = fit_second_look(list(zip(calls, hearings, strict=True)))
    chances = [second_look(item, turns(8), weights) for item in hearings]
    assert [int(chance.argmax()) for chance in chances] == [1, 3, 5, 7]
    threshold = best_threshold([{at: "competition"} for at in (1, 3, 5, 7)], chances)
    assert [distinct(chance, threshold) for chance in chances] == [[1], [3], [5], [7]]


def test_the_shipped_judge_looks_with_one_weight_per_sign() -> None:
    judge = load_judge()
    call = judge.hear(turns(6))
    assert signs(call, turns(6)).shape[1] == len(judge.config["second_look"]["signs"])
