"""Measures of the judge against labelled calls: agreement, n/a, objections, evidence, calibration, abstention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.judge.data import cited, consensus
from models.training.corpus import CRITERIA, LabelledCall, agreed_handling, agreed_objections
from models.training.objections import matches
from pipeline.agreement import Agreement, agreement, bootstrap
from pipeline.judge import verify
from pipeline.types import Scorecard


@dataclass(frozen=True, slots=True)
class ObjectionReport:
    """F1 of finding the objections that most votes hear (within one turn) with its 90 % bootstrap interval, and the
    shares of those found whose kind and whose handling are right."""

    f1: float
    low: float | None
    high: float | None
    kind_accuracy: float
    handling_accuracy: float


@dataclass(frozen=True, slots=True)
class Report:
    """What `measure` found; shares are 0-1."""

    criteria: Mapping[str, Agreement]
    overall: Agreement
    na_agreement: float
    objections: ObjectionReport
    evidence_hit: float
    evidence_verbatim: float
    calibration_error: float
    abstained: float


def measure(
    calls: Sequence[LabelledCall], scorecards: Sequence[Scorecard], raw: Sequence[Mapping[str, int | None]]
) -> Report:
    """Compare scorecards with the labels; `raw` holds each call's levels before abstention."""
    groups: dict[str, list[list[tuple[int, int]]]] = {name: [] for name in CRITERIA}
    everything: list[list[tuple[int, int]]] = []
    na_right = na_all = hits = scored = abstained = applicable = 0
    confidences: list[tuple[float, float]] = []
    for call, card, levels in zip(calls, scorecards, raw, strict=True):
        mine: list[tuple[int, int]] = []
        for name in CRITERIA:
            wanted, found, score = consensus(call, name), levels[name], card.criteria[name]
            na_all += 1
            na_right += (wanted is None) == (found is None)
            applicable += score.status != "na"
            abstained += score.status == "abstained"
            if score.status == "scored":
                scored += 1
                hits += bool(cited(call.labels, name) & {item.turn for item in score.evidence})
            confidences.append((score.confidence, float(wanted == found)))
            if wanted is not None and found is not None:
                groups[name].append([(wanted, found)])
                mine.append((wanted, found))
        everything.append(mine)
    broken = sum(len(verify(card, call.transcript.turns)) for call, card in zip(calls, scorecards, strict=True))
    quotes = sum(len(score.evidence) for card in scorecards for score in card.criteria.values())
    return Report(
        criteria={name: agreement(pairs) for name, pairs in groups.items()},
        overall=agreement(everything),
        na_agreement=na_right / max(1, na_all),
        objections=objection_measures(calls, scorecards),
        evidence_hit=hits / max(1, scored),
        evidence_verbatim=1 - broken / max(1, quotes),
        calibration_error=calibration_error(confidences),
        abstained=abstained / max(1, applicable),
    )


def objection_measures(calls: Sequence[LabelledCall], scorecards: Sequence[Scorecard]) -> ObjectionReport:
    """How well the scorecards find the objections of `agreed_objections`."""
    found = kind_right = handling_right = 0
    counts: list[list[tuple[int, int]]] = []
    for call, card in zip(calls, scorecards, strict=True):
        wanted, handled = agreed_objections(call), agreed_handling(call)
        said = {item.turn: item for item in card.objections}
        pairs = matches(wanted, sorted(said))
        found += len(pairs)
        kind_right += sum(said[turn].kind == wanted[other] for turn, other in pairs)
        handling_right += sum(said[turn].handled == handled[other] for turn, other in pairs)
        counts.append([(2 * len(pairs), len(wanted) + len(said))])
    low, high = bootstrap(counts, _share, draws=500, seed=0)
    return ObjectionReport(
        f1=_share([pair for group in counts for pair in group]),
        low=low,
        high=high,
        kind_accuracy=kind_right / max(1, found),
        handling_accuracy=handling_right / max(1, found),
    )


def _share(pairs: Sequence[tuple[int, int]]) -> float:
    return sum(part for part, _ in pairs) / max(1, sum(whole for _, whole in pairs))


def calibration_error(pairs: Sequence[tuple[float, float]], *, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015) of (confidence, right) pairs over equal-width bins."""
    if not pairs:
        return 0.0
    confidence, right = np.array(pairs).T
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        inside = place == index
        if inside.any():
            error += float(inside.mean() * abs(confidence[inside].mean() - right[inside].mean()))
    return error
