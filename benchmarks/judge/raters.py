"""How far the labellers agree among themselves: the ceiling for any judge."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from models.training.corpus import CRITERIA, LabelledCall
from models.training.objections import f1
from pipeline.agreement import Agreement, agreement


def rater_agreement(calls: Sequence[LabelledCall]) -> dict[str, Agreement]:
    """Per criterion and under `all`: agreement over every pair of labellings of the same call."""
    groups: dict[str, list[list[tuple[int, int]]]] = {name: [] for name in (*CRITERIA, "all")}
    for call in calls:
        mine: list[tuple[int, int]] = []
        for name in CRITERIA:
            pairs = [
                (a, b)
                for first, second in combinations(call.labels, 2)
                if (a := first.levels[name]) is not None and (b := second.levels[name]) is not None
            ]
            if pairs:
                groups[name].append(pairs)
            mine += pairs
        if mine:
            groups["all"].append(mine)
    return {name: agreement(pairs) for name, pairs in groups.items()}


def reader_agreement(calls: Sequence[LabelledCall]) -> float | None:
    """Mean F1 over every pair of readers for objections; None where no call has two readings."""
    most = max((len(call.readings) for call in calls), default=0)
    scores = []
    for first, second in combinations(range(most), 2):
        both = [call for call in calls if len(call.readings) > second]
        wanted = [{mark.objection.turn: mark.objection.kind for mark in call.readings[first]} for call in both]
        found = [sorted({mark.objection.turn for mark in call.readings[second]}) for call in both]
        scores.append(f1(wanted, found))
    return sum(scores) / len(scores) if scores else None
