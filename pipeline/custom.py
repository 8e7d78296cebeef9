"""Criteria that a customer adds by example sentences alone.

Each sentence of the call is compared with the criterion's sentences by the cosine of their MiniLM embeddings. What
counts is who says it and in what order: an occasion (buyer), the showing (rep), a confirmation (buyer).

| level | condition |
|---|---|
| n/a | the criterion names occasions and none came up, nor did the rep show it |
| 0 | it was due and nothing like it was said |
| 1 | something near it |
| 2 | it is said, without an occasion that calls for it (where the criterion names occasions), or not quite clearly |
| 3 | it is said clearly, after the occasion where the criterion names one |
| 4 | as 3, and the buyer takes it up within `REACH` turns |
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.sentences import embed_sentences
from pipeline.rubric import Criterion
from pipeline.types import CriterionScore, Evidence, Missed, Turn

NEAR = 0.42
SAID = 0.52
CLEAR = 0.62
REACH = 4
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")


def score_by_examples(turns: Sequence[Turn], criterion: Criterion) -> CriterionScore:
    """Level of a criterion judged by its example sentences; see the module's table for the conditions."""
    occasion = _likeness(turns, criterion.occasion, side="buyer")
    shown = _likeness(turns, criterion.shows, side="rep")
    best = int(np.argmax(shown)) if len(turns) else 0
    peak = float(shown[best]) if len(turns) else 0.0
    called = [i for i, value in enumerate(occasion) if value >= SAID]
    if criterion.occasion and not called and peak < SAID:
        return CriterionScore(None, "na", 0.8, reason="n/a: nothing in the call calls for it")
    if peak < NEAR:
        turn = called[0] if called else 0
        missed = (Missed(turn, criterion.missed or f"the moment for: {criterion.title}"),)
        return CriterionScore(0, "scored", _sureness(peak, NEAR), (_cite(turns, turn, "here it was due"),), missed)
    evidence = (_cite(turns, best, f"the rep: {criterion.title}"),)
    if peak < SAID:
        return CriterionScore(1, "scored", _sureness(peak, SAID), evidence)
    after = not criterion.occasion or any(turn < best for turn in called)
    if peak < CLEAR or not after:
        return CriterionScore(2, "scored", _sureness(peak, CLEAR), evidence)
    taken = _likeness(turns[best + 1 : best + 1 + REACH], criterion.confirms, side="buyer")
    if len(taken) and float(taken.max()) >= SAID:
        reply = best + 1 + int(np.argmax(taken))
        return CriterionScore(4, "scored", 0.8, (*evidence, _cite(turns, reply, "the buyer takes it up")))
    return CriterionScore(3, "scored", _sureness(peak, CLEAR), evidence)


def _likeness(turns: Sequence[Turn], examples: Sequence[str], *, side: str) -> NDArray[np.float64]:
    """Per turn, the highest cosine of any of its sentences with any example; 0 for the other side's turns."""
    best = np.zeros(len(turns))
    rows = [
        (index, sentence.strip())
        for index, turn in enumerate(turns)
        if turn.side == side
        for sentence in _SENTENCE.findall(turn.text)
        if len(sentence.split()) > 1
    ]
    if not rows or not examples:
        return best
    cosines = embed_sentences([text for _, text in rows]) @ embed_sentences(list(examples)).T
    for (index, _), value in zip(rows, cosines.max(axis=1), strict=True):
        best[index] = max(best[index], round(float(value), 4))
    return best


def _sureness(value: float, edge: float) -> float:
    return min(0.95, 0.5 + 4 * abs(value - edge))


def _cite(turns: Sequence[Turn], index: int, why: str) -> Evidence:
    turn = turns[index]
    return Evidence(index, turn.t0, turn.t1, turn.speaker, turn.text.strip()[:260].strip(), why)
