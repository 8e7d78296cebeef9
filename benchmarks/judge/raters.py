"""How far the labellers agree among themselves: the ceiling for any judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from models.training.corpus import CRITERIA, LabelledCall
from models.training.objections import f1
from pipeline.agreement import Agreement, agreement


def rater_agreement(calls: Sequence[LabelledCall]) -> dict[str, Agreement]:
    """Per criterion and under `all`: agreement over every pair of labellings of the same call."""
    return _pairwise([[label.levels for label in call.labels] for call in calls])


def level_reader_agreement(calls: Sequence[LabelledCall]) -> dict[str, Agreement]:
    """Per criterion and under `all`: agreement over every pair of readings of the same call for levels alone."""
    return _pairwise([call.level_readings for call in calls])


def _pairwise(calls: Sequence[Sequence[Mapping[str, float | None]]]) -> dict[str, Agreement]:
    """Agreement of the levels that different people gave the same calls, halves rounded up."""
    groups: dict[str, list[list[tuple[int, int]]]] = {name: [] for name in (*CRITERIA, "all")}
    for people in calls:
        mine: list[tuple[int, int]] = []
        for name in CRITERIA:
            pairs = [
                (int(a + 0.5), int(b + 0.5))
                for first, second in combinations(people, 2)
                if (a := first[name]) is not None and (b := second[name]) is not None
            ]
            if pairs:
                groups[name].append(pairs)
            mine += pairs
        if mine:
            groups["all"].append(mine)
    return {name: agreement(pairs) for name, pairs in groups.items()}


def reader_agreement(calls: Sequence[LabelledCall]) -> float | None:
    """Mean F1 over every pair of readers for objections; None where no call has two readings."""
    most = max((len(call.objection_readings) for call in calls), default=0)
    scores = []
    for first, second in combinations(range(most), 2):
        both = [call for call in calls if len(call.objection_readings) > second]
        wanted = [
            {mark.objection.turn: mark.objection.kind for mark in call.objection_readings[first]} for call in both
        ]
        found = [sorted({mark.objection.turn for mark in call.objection_readings[second]}) for call in both]
        scores.append(f1(wanted, found))
    return sum(scores) / len(scores) if scores else None
