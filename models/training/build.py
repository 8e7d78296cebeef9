"""Building the judge: cross-fitted hearings, forests over them, calibration, and the files that ship."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.judge_model import Heard, decide, hear
from models.levels import CLASSES, Forest, LevelModel, call_features
from models.training.corpus import CRITERIA, MOVES, OBJECTION_KINDS, LabelledCall, read_corpus
from models.training.data import Example, data_hash, example
from models.training.fit import Recipe, fit
from models.training.noise import noisy, unpunctuated

TREES = 200
NEVER_NA = frozenset({"discovery", "decision_makers", "business_case", "positioning", "ask_for_sale"})
ABSTAIN_SHARE = 0.07
OBJECTION_THRESHOLD = 0.6
"""Best F1 on the tune calls, in steps of 0.1."""
Rows = NDArray[np.float32]


def train(corpus: Path, out: Path, *, epochs: int, folds: int, say: Callable[[str], None]) -> None:
    """Train on `corpus/train`, calibrate on it (cross-fitted) and on `corpus/tune`, write the files to `out`."""
    from safetensors.torch import save

    calls, held = read_corpus(corpus / "train"), read_corpus(corpus / "tune")
    examples = [example(call, augment=True) for call in calls]
    say(f"{len(calls)} calls to train on, {len(held)} to tune on")
    recipe = Recipe(epochs=epochs)
    rows, noisy_rows = cross_fitted(calls, examples, recipe, folds=folds, say=say)
    net = fit(examples, recipe, each_epoch=_told(say, "all calls"))
    tune = np.stack([_row(hear(net, call.transcript.turns), call) for call in held])
    levels = level_targets(calls)
    forests = [
        grow(np.concatenate([rows, noisy_rows]), np.concatenate([levels[:, c]] * 2), seed=c)
        for c in range(len(CRITERIA))
    ]
    model = LevelModel(tuple(Forest.from_sklearn(forest) for forest in forests))
    out_of_fold = cross_predicted(rows, noisy_rows, levels, folds=8)
    on_tune = np.stack([model.predict(row) for row in tune])
    config = calibrate(np.concatenate([out_of_fold, on_tune]), np.concatenate([levels, level_targets(held)]))
    tensors = {f"net.{name}": value.contiguous() for name, value in net.differences().items()}
    tensors |= {f"levels.{name}": value for name, value in model.to_tensors().items()}
    data = save(tensors)
    config |= {
        "moves": list(MOVES),
        "criteria": list(CRITERIA),
        "objection_kinds": list(OBJECTION_KINDS),
        "sha256": hashlib.sha256(data).hexdigest(),
        "data_sha256": data_hash([corpus / "train", corpus / "tune"]),
        "trained_on": len(calls),
        "recipe": {"epochs": epochs, "folds": folds, "trees": TREES, "seed": recipe.seed},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "judge.safetensors").write_bytes(data)
    (out / "judge.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    say(f"wrote {out.name}/judge.safetensors ({len(data) / 1e6:.1f} MB)")


def cross_fitted(
    calls: Sequence[LabelledCall],
    examples: Sequence[Example],
    recipe: Recipe,
    *,
    folds: int,
    say: Callable[[str], None],
) -> tuple[Rows, Rows]:
    """Features of each call, as written and misheard, by a network that was not fitted to it."""
    clean: dict[int, Rows] = {}
    misheard: dict[int, Rows] = {}
    for fold in range(folds):
        inside = [item for index, item in enumerate(examples) if index % folds != fold]
        net = fit(inside, recipe, each_epoch=_told(say, f"fold {fold + 1}"))
        for index in range(fold, len(calls), folds):
            call = calls[index]
            clean[index] = _row(hear(net, call.transcript.turns), call)
            turns = noisy(call.transcript.turns, rate=0.15, seed=f"forest/{call.call_id}")
            misheard[index] = _row(hear(net, unpunctuated(turns) if index % 2 else turns), call)
    order = range(len(calls))
    return np.stack([clean[i] for i in order]), np.stack([misheard[i] for i in order])


def _told(say: Callable[[str], None], name: str) -> Callable[[int, float], None]:
    return lambda epoch, value: say(f"{name}: epoch {epoch + 1}: loss {value:.3f}")


def _row(heard: Heard, call: LabelledCall) -> Rows:
    return call_features(heard, call.transcript.turns, move_names=MOVES)


def level_targets(calls: Sequence[LabelledCall]) -> NDArray[np.int64]:
    """(calls, criteria) levels of the first labeller, averaged with the second's where there is one; 5 is n/a."""
    return np.array([[_level([label.levels[c] for label in call.labels]) for c in CRITERIA] for call in calls])


def _level(levels: Sequence[int | None]) -> int:
    known = [level for level in levels if level is not None]
    if levels[0] is None or not known:
        return 5
    return int(np.floor(sum(known) / len(known) + 0.5)) if len(known) == len(levels) else known[0]


def grow(rows: Rows, levels: NDArray[np.int64], *, seed: int) -> Any:
    """A forest for one criterion."""
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(
        TREES, min_samples_leaf=3, max_features=0.3, criterion="entropy", random_state=seed, n_jobs=1
    )
    return forest.fit(rows, levels)


def cross_predicted(rows: Rows, noisy_rows: Rows, levels: NDArray[np.int64], *, folds: int) -> NDArray[np.float64]:
    """(calls, criteria, CLASSES) by forests that did not see the call."""
    out = np.zeros((len(rows), len(CRITERIA), CLASSES))
    fold_of = np.arange(len(rows)) % folds
    for fold in range(folds):
        inside = fold_of != fold
        for c in range(len(CRITERIA)):
            forest = grow(
                np.concatenate([rows[inside], noisy_rows[inside]]), np.concatenate([levels[inside, c]] * 2), seed=c
            )
            out[np.ix_(~inside, [c], forest.classes_)] = forest.predict_proba(rows[~inside])[:, None, :]
    return out


def calibrate(distributions: NDArray[np.float64], levels: NDArray[np.int64]) -> dict[str, Any]:
    """Edges between levels, n/a thresholds, the confidence curve and the abstention thresholds."""
    from sklearn.isotonic import IsotonicRegression

    edges, na_threshold = {}, {}
    for c, name in enumerate(CRITERIA):
        na_threshold[name] = 2.0 if name in NEVER_NA else best_na(distributions[:, c, 5], levels[:, c] == 5)
        due = levels[:, c] != 5
        given = distributions[due, c, :5]
        edges[name] = best_edges(given @ np.arange(5) / given.sum(1).clip(1e-9), levels[due, c])
    masses, hits = [], []
    for row, wanted in zip(distributions, levels, strict=True):
        for c, name in enumerate(CRITERIA):
            decision = decide(row[c], edges[name], na_threshold=na_threshold[name])
            masses.append(decision.mass)
            hits.append(float((5 if decision.na else decision.level) == wanted[c]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = IsotonicRegression(out_of_bounds="clip", y_min=0.02, y_max=0.98).fit(masses, hits)
    grid = np.linspace(0, 1, 21)
    calibration = [[round(float(x), 4) for x in grid], [round(float(y), 4) for y in curve.predict(grid)]]
    confidence = np.interp(masses, calibration[0], calibration[1])
    floor = round(float(np.quantile(confidence, ABSTAIN_SHARE)), 3)
    return {
        "edges": edges,
        "na_threshold": na_threshold,
        "calibration": calibration,
        "threshold": dict.fromkeys(CRITERIA, floor),
        "move_threshold": 0.3,
        "evidence_threshold": 0.15,
        "objection_threshold": OBJECTION_THRESHOLD,
    }


def best_na(chance: NDArray[np.float64], na: NDArray[np.bool_]) -> float:
    """The threshold that decides n/a right most often."""
    candidates = np.linspace(0.2, 0.8, 25)
    right = [float(((chance >= t) == na).mean()) for t in candidates]
    best = np.flatnonzero(np.isclose(right, max(right)))
    return round(float(candidates[best[len(best) // 2]]), 4)


def best_edges(expected: NDArray[np.float64], levels: NDArray[np.int64]) -> list[float]:
    """Four cuts of the expected level that match the labelled share of each level, pulled half-way to the midpoints.

    Averages shrink towards the middle; matching the shares undoes that, the pull keeps small samples from
    overfitting.
    """
    cuts = []
    for level in range(4):
        share = float((levels <= level).mean())
        matched = float(np.quantile(expected, min(0.999, max(0.001, share))))
        cuts.append(round((matched + level + 0.5) / 2, 4))
    return sorted(cuts)
