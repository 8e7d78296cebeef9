"""From what was heard to levels: features over the moves, their order and links, and one forest per criterion.

The features are soft counts: how often a move was made, how surely at best, where in the call, and how surely one
move answered another within a few turns (`LINKS`: an objection explored, a summary confirmed, a dated step agreed).
The forest (extremely randomised trees, Geurts et al. 2006) gives a distribution over the levels and n/a; it is stored
as plain arrays, so that scoring needs no scikit-learn and no pickle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.judge_model import Heard
    from pipeline.types import Turn

CLASSES = 6
"""Levels 0-4, then n/a."""
REACH = 5
"""Turns within which a second move still answers the first."""

OBJECT = "object"
LINKS: tuple[tuple[str, str], ...] = (
    (OBJECT, "acknowledge"),
    (OBJECT, "explore"),
    (OBJECT, "answer"),
    (OBJECT, "stock_answer"),
    (OBJECT, "argue"),
    (OBJECT, "concede"),
    (OBJECT, "trade"),
    ("explore", "answer"),
    ("answer", "accept_answer"),
    ("answer", "confirm_resolved"),
    ("confirm_resolved", "accept_answer"),
    ("summarise", "confirm"),
    ("tell_problem", "follow_up"),
    ("tell_problem", "ask_impact"),
    ("ask_impact", "tell_impact"),
    ("ask_impact", "give_number"),
    ("give_number", "quantify"),
    ("tell_impact", "quantify"),
    ("quantify", "link_value"),
    ("quantify", "confirm"),
    ("payback", "confirm"),
    ("name_decider", "ask_process"),
    ("ask_decider", "name_decider"),
    ("ask_process", "tell_process"),
    ("involve", "commit"),
    ("tie_need", "acknowledge_value"),
    ("proof", "acknowledge_value"),
    ("contrast", "acknowledge_value"),
    ("recommend", "confirm"),
    ("recommend_reason", "confirm"),
    ("check", "confirm"),
    ("ask_offer", "price"),
    ("ask_offer", "scope"),
    ("ask_offer", "dodge"),
    ("price", "check"),
    ("dated_step", "commit"),
    ("ask_commitment", "commit"),
    ("ask_commitment", "soft_yes"),
    ("dated_step", "resist"),
    ("ask_step", "soft_yes"),
)


def call_features(heard: Heard, turns: Sequence[Turn], *, move_names: Sequence[str]) -> NDArray[np.float32]:
    """One row of features for a call, float32, always in the same order."""
    object_any = 1 - np.prod(1 - heard.objections, axis=1, keepdims=True)
    chance = np.concatenate([heard.moves, heard.objections, object_any], axis=1)
    column = {name: index for index, name in enumerate([*move_names, *("?",) * heard.objections.shape[1], OBJECT])}
    count = len(chance)
    place = np.linspace(0.0, 1.0, count) if count > 1 else np.zeros(count)
    ordered = np.sort(chance, axis=0)
    peak = chance.argmax(axis=0)
    parts = [
        chance.sum(0),
        ordered[-1],
        ordered[-2] if count > 1 else np.zeros(chance.shape[1]),
        place[peak],
        chance[place <= 1 / 3].sum(0),
        chance[place >= 2 / 3].sum(0),
        np.array([_link(chance[:, column[a]], chance[:, column[b]]) for a, b in LINKS]),
        heard.levels @ np.arange(5),
        heard.na,
        heard.evidence.max(axis=0),
        _handling(object_any[:, 0], heard.handled),
        np.array([count, sum(turn.side == "rep" for turn in turns) / max(1, count)]),
    ]
    row: NDArray[np.float32] = np.concatenate(parts).astype(np.float32)
    return row


def _link(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """How surely `second` follows `first` within `REACH` turns: the largest product of their chances."""
    best = 0.0
    for gap in range(1, min(REACH, len(first) - 1) + 1):
        best = max(best, float((first[:-gap] * second[gap:]).max()))
    return best


def _handling(objection: NDArray[np.float64], handled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected handling (0 no, 0.5 partly, 1 yes) over the objections, its worst, and their expected number."""
    value = handled @ np.array([0.0, 0.5, 1.0])
    total = float(objection.sum())
    mean = float((objection * value).sum() / total) if total > 0 else 0.0
    sure = value[objection >= 0.5]
    return np.array([mean, float(sure.min()) if len(sure) else 1.0, total])


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees as arrays over all nodes: split `feature` (-1 at a leaf), `threshold`, children `left` and `right`, leaf
    `value` (nodes, CLASSES); `roots` holds each tree's first node."""

    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float64]

    def predict(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean class distribution (CLASSES,) of one row of features."""
        nodes = self.roots
        while True:
            feature = self.feature[nodes]
            inner = feature >= 0
            if not inner.any():
                break
            goes_left = row[np.where(inner, feature, 0)] <= self.threshold[nodes]
            nodes = np.where(inner, np.where(goes_left, self.left[nodes], self.right[nodes]), nodes)
        mean: NDArray[np.float64] = self.value[nodes].mean(axis=0)
        return mean

    @classmethod
    def from_sklearn(cls, forest: Any) -> Forest:
        """Copy a fitted scikit-learn forest classifier whose classes are a subset of 0..5."""
        columns = [int(label) for label in forest.classes_]
        roots, parts, start = [], [], 0
        for estimator in forest.estimators_:
            tree = estimator.tree_
            leaf = tree.children_left < 0
            value = np.zeros((tree.node_count, CLASSES))
            value[:, columns] = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
            parts.append(
                (
                    np.where(leaf, -1, tree.feature),
                    tree.threshold.astype(np.float32).astype(np.float64),
                    np.where(leaf, 0, tree.children_left + start),
                    np.where(leaf, 0, tree.children_right + start),
                    np.where(leaf[:, None], value, 0.0),
                )
            )
            roots.append(start)
            start += tree.node_count
        feature, threshold, left, right, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(np.array(roots), feature, threshold, left, right, value)


@dataclass(frozen=True, slots=True)
class LevelModel:
    """One forest per criterion, in the judge's order."""

    forests: tuple[Forest, ...]

    def predict(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """(criteria, CLASSES) distribution over the levels and n/a."""
        return np.stack([forest.predict(row) for forest in self.forests])

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """The forests as tensors, leaf values at 1/255 resolution."""
        out: dict[str, torch.Tensor] = {}
        for index, forest in enumerate(self.forests):
            out[f"{index}.roots"] = torch.from_numpy(forest.roots.astype(np.int32))
            out[f"{index}.feature"] = torch.from_numpy(forest.feature.astype(np.int16))
            out[f"{index}.threshold"] = torch.from_numpy(forest.threshold.astype(np.float32))
            out[f"{index}.left"] = torch.from_numpy(forest.left.astype(np.int32))
            out[f"{index}.right"] = torch.from_numpy(forest.right.astype(np.int32))
            out[f"{index}.value"] = torch.from_numpy(np.rint(forest.value * 255).astype(np.uint8))
        return out

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, torch.Tensor]) -> LevelModel:
        """Read what `to_tensors` wrote."""
        count = len({name.partition(".")[0] for name in tensors})
        forests = []
        for index in range(count):
            part = {key: tensors[f"{index}.{key}"].numpy() for key in ("roots", "feature", "left", "right")}
            whole = {key: value.astype(np.int64) for key, value in part.items()}
            threshold = tensors[f"{index}.threshold"].numpy().astype(np.float64)
            value = tensors[f"{index}.value"].numpy().astype(np.float64) / 255
            forests.append(Forest(**whole, threshold=threshold, value=value))
        return cls(tuple(forests))
