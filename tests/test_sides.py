from dataclasses import replace
from pathlib import Path

import numpy as np

from models.judge_model import load_judge
from models.sides import told_as
from models.training.corpus import read_corpus
from models.training.sides import fit_sides, splits
from pipeline.types import Turn

TUNE = Path(__file__).resolve().parent.parent / "models/corpus/tune"


def turns(*speakers: str) -> tuple[Turn, ...]:
    return tuple(Turn(float(i), i + 0.9, speaker, f"word {i}") for i, speaker in enumerate(speakers))


def test_splits_begin_with_the_right_one_and_leave_nobody_alone_at_the_table() -> None:
    assert splits(turns("rep", "buyer:Ann")) == [
        {"rep": "rep", "buyer:Ann": "buyer"},
        {"rep": "buyer", "buyer:Ann": "rep"},
    ]
    three = splits((*turns("rep", "buyer:Ann", "buyer:Bo"), Turn(9, 10, "buyer:Ann", "more")))
    assert three == [
        {"rep": "rep", "buyer:Ann": "buyer", "buyer:Bo": "buyer"},
        {"rep": "buyer", "buyer:Ann": "rep", "buyer:Bo": "rep"},
        {"rep": "rep", "buyer:Ann": "buyer", "buyer:Bo": "rep"},
    ]
    quiet_rep = splits((*turns("buyer:Ann", "rep", "buyer:Bo"), *turns("buyer:Ann", "buyer:Bo")))
    assert len(quiet_rep) == 2


def test_turns_are_told_with_sides_and_the_names_that_are_known() -> None:
    told = told_as(turns("A", "Bo Lund", "A"), {"A": "rep", "Bo Lund": "buyer"}, {"Bo Lund": "Bo Lund"})
    assert [turn.speaker for turn in told] == ["rep", "buyer:Bo Lund", "rep"]
    assert [turn.text for turn in told] == ["word 0", "word 1", "word 2"]


def test_what_was_learned_prefers_the_right_split() -> None:
    rng = np.random.default_rng(0)
    calls = [rng.normal(size=(2 + call % 3, 5)) for call in range(200)]
    for signs in calls:
        signs[0, 2] += 2.0  # heard more of it where the sides were right
    weights = np.array(fit_sides(calls))
    assert int(np.argmax(weights)) == 2
    assert np.mean([int(np.argmax(signs @ weights)) == 0 for signs in calls]) > 0.8


def test_calls_make_more_sense_to_the_judge_with_the_right_sides() -> None:
    judge = load_judge()
    for call in read_corpus(TUNE)[:6]:
        said = call.transcript.turns
        right, swapped, *_ = (told_as(said, sides, {}) for sides in splits(said))
        assert judge.makes_sense(right) > judge.makes_sense(swapped), call.call_id
        assert judge.makes_sense(right) == judge.makes_sense(tuple(replace(turn) for turn in right))
