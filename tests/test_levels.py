import numpy as np

from models.judge_model import Heard
from models.levels import CLASSES, Forest, LevelModel, call_features
from models.training.corpus import CRITERIA, MOVES
from pipeline.types import Turn

TURNS = [Turn(float(i), i + 1.0, "rep" if i % 2 else "buyer:A", "x") for i in range(10)]


def heard(**chances: int) -> Heard:
    moves = np.zeros((10, len(MOVES)))
    for name, turn in chances.items():
        if name != "objection":
            moves[turn, MOVES.index(name)] = 0.9
    objections = np.zeros((10, 4))
    if "objection" in chances:
        objections[chances["objection"], 2] = 0.8
    return Heard(
        moves=moves,
        evidence=np.zeros((10, 8)),
        objections=objections,
        handled=np.tile([1.0, 0.0, 0.0], (10, 1)),
        levels=np.full((8, 5), 0.2),
        na=np.zeros(8),
    )


def row(**chances: int):
    return call_features(heard(**chances), TURNS, move_names=MOVES)


def test_order_of_an_objection_and_its_answer_is_a_feature() -> None:
    answered = row(objection=3, explore=5)
    before = row(objection=5, explore=3)
    too_late = row(objection=1, explore=9)
    assert answered.shape == before.shape
    assert not np.array_equal(answered, before)
    assert not np.array_equal(answered, too_late)


def test_forest_copies_scikit_learn_and_survives_storage() -> None:
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 6)).astype(np.float32)
    levels = np.clip((rows[:, 0] * 2 + 2).round(), 0, 4).astype(int)
    forest = ExtraTreesClassifier(20, min_samples_leaf=2, random_state=0).fit(rows, levels)
    mine = Forest.from_sklearn(forest)
    for index, given in enumerate(forest.predict_proba(rows[:20])):
        wanted = np.zeros(CLASSES)
        wanted[forest.classes_] = given
        assert np.allclose(mine.predict(rows[index]), wanted)
    model = LevelModel((mine, mine))
    again = LevelModel.from_tensors(model.to_tensors())
    assert np.allclose(again.predict(rows[0]), model.predict(rows[0]), atol=0.005)
    assert again.predict(rows[0]).shape == (2, CLASSES)


def test_features_exist_for_a_single_turn() -> None:
    single = Heard(
        moves=np.zeros((1, len(MOVES))),
        evidence=np.zeros((1, 8)),
        objections=np.zeros((1, 4)),
        handled=np.zeros((1, 3)),
        levels=np.full((8, 5), 0.2),
        na=np.zeros(8),
    )
    assert len(call_features(single, TURNS[:1], move_names=MOVES)) == len(row())
    assert len(CRITERIA) == 8
