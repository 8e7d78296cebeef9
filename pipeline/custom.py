"""Criteria that a customer adds by example sentences alone.

What counts is who says it and in what order: an occasion (buyer), the showing (rep), a confirmation (buyer).

| level | condition |
|---|---|
| n/a | the criterion names occasions, none clearly came up, and the rep did not show it unasked |
| 0 | it was due and nothing like it was said |
| 1 | something near it |
| 2 | it is said, without an occasion that calls for it (where the criterion names occasions), or not quite clearly |
| 3 | it is said clearly, after the occasion where the criterion names one |
| 4 | as 3, and the buyer takes it up within `REACH` turns, back-channels not counted |

*Likeness.* Every sentence of a turn, and every two neighbouring ones, is compared with the examples by MiniLM. Three
remedies against words that merely sound alike: the mean of `ORDINARY` (what is said on any call) is taken off every
vector first; a piece's closeness is half the mean cosine with its nearest examples (three, fewer where there are under
eight), half the cosine with the examples' mean; and half of how close the examples are to one another, each to the
rest, is taken off: a list of look-alikes asks for more than a varied one. A turn is as like as its likest piece.

*How the thresholds were set.* Sixteen moves of the labelled training calls stood in for criteria (who decides, how it
is decided, timing, price, proof, kinds of objection...), each with 8 to 10 sentences written without a look at the
calls; 96 calls, some 2,760 turns of each side. Areas under the curve (AUC) of ranking turns, best F1 (mean over the
moves), and the AUC of telling calls with a move from calls without, by one threshold for all moves:

| likeness | AUC, turns | F1, turns (chance 0.05) | AUC, calls, one threshold |
|---|---|---|---|
| highest cosine, whole embedding | 0.83 | 0.30 | not measured |
| nearest three, less `ORDINARY` | 0.87 | 0.36 | not measured |
| and the examples' mean | 0.875 | 0.38 | 0.69 |
| and less the examples' own closeness: as now | 0.875 | 0.38 | 0.73 |
| as now, with 5 examples a list | 0.85 | 0.33 | 0.70 |

By a call's highest likeness, half of them having the move: under `NEAR` fewer than four calls in ten have it; from
`SAID` on more have it than not; `CLEAR` is reached by 32 % of those that have it and 8 % of those that do not.
`SURENESS` is the share that have it, and the confidence given. It is a coarse instrument beside the trained judge:
narrow criteria in concrete words do well (AUC of turns: who decides 0.96, a dated step 0.98), broad ones less (a
competitor as an objection 0.76), and what is said in a roundabout way is missed. Eight or more varied sentences per
list are worth writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.judge_model import one_thread
from models.sentences import embed_sentences
from pipeline.rubric import Criterion
from pipeline.types import CriterionScore, Evidence, Missed, Turn

NEAR = 0.15
SAID = 0.19
CLEAR = 0.24
SURENESS = (
    (0.06, 0.14),
    (0.10, 0.20),
    (0.13, 0.34),
    (0.16, 0.40),
    (0.19, 0.53),
    (0.21, 0.60),
    (0.24, 0.73),
    (0.32, 0.85),
)
OWN_CLOSENESS = 0.28
"""Of a list with one example, which has none: the mean of the sixteen lists."""
REACH = 4
LONG, STRIDE, PAIR = 32, 12, 40
"""In words: sentences above `LONG` are cut into overlapping runs of twice `STRIDE`; a pair has at most `PAIR`."""
QUOTE_CHARACTERS = 260
ORDINARY = (
    "Hi, can you hear me all right?",
    "How was your weekend?",
    "Sorry, I was on mute.",
    "It's been raining here all week.",
    "Let me share my screen.",
    "Hang on, there's somebody at the door.",
    "I'll just let the others join.",
    "Did you have a good holiday?",
    "So we've got half an hour today.",
    "I was looking at your website this morning.",
    "Yeah, that makes sense.",
    "No, that's fine, carry on.",
    "Okay, I see what you mean.",
    "I'm not sure, to be honest with you.",
    "That's what I thought as well.",
    "We've been going for about fifteen years.",
    "There are two hundred of us over three sites.",
    "I've been here since the old building.",
    "We make parts for pumps and valves.",
    "The night shift starts at ten.",
    "We run it on an old server in the back office.",
    "It's all in a spreadsheet at the moment.",
    "Somebody types it in by hand every morning.",
    "We switched over to the new version last year.",
    "The machine stopped again on Tuesday.",
    "It takes longer than it should.",
    "People get fed up with it.",
    "It works fine most of the time.",
    "So it connects to your system and pulls the data across.",
    "You click on this and it shows you the list.",
    "The sensor sits on the side of the motor.",
    "It runs in the browser, there's nothing to install.",
    "You can see it on your phone as well.",
    "Our team looks after all of that.",
    "We do the installation and the training.",
    "We work with a lot of companies like yours.",
    "How many people use it every day?",
    "What are you using at the moment?",
    "Can you tell me a bit more about that?",
    "Is that the one you showed us last time?",
    "Does it do the reports as well?",
    "What do you mean by that exactly?",
    "I'll have a look at that.",
    "I'll send you the recording afterwards.",
    "Let me write that down.",
    "My colleague knows more about that than I do.",
    "Thanks for your time today.",
    "All right, speak soon, bye.",
)
"""What is said on any call, whatever is sold: the part of a sentence's vector that tells nothing."""

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_WORD = re.compile(r"\S+")

Vectors = NDArray[np.float64]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Per turn: `value`, how like the examples its likest piece is (-1 for the other side), and that piece's `span`."""

    value: Vectors
    span: tuple[Span, ...]


def score_by_examples(turns: Sequence[Turn], criterion: Criterion, *, floor: float = 0.0) -> CriterionScore:
    """Level of a criterion judged by its example sentences; see the module's table for the conditions. Under `floor`,
    the least confidence (0-1) that is scored, it abstains."""
    score = _scored(turns, criterion)
    if score.status == "scored" and score.confidence < floor:
        doubt = f"the judge is not sure enough ({score.confidence:.2f} < {floor:.2f})"
        return replace(score, level=None, status="abstained", reason=doubt)
    return score


def _scored(turns: Sequence[Turn], criterion: Criterion) -> CriterionScore:
    if not turns:
        return CriterionScore(None, "abstained", 0.0, reason="no turns to judge")
    due = _likeness(turns, criterion.occasion, side="buyer")
    occasion = due.value
    shown = _likeness(turns, criterion.shows, side="rep")
    peak = float(shown.value.max())
    if criterion.occasion and occasion.max() < CLEAR and peak < SAID:
        return CriterionScore(None, "na", round(1 - _sureness(float(occasion.max())), 3), reason=_NOT_DUE)
    if peak < NEAR:
        turn = int(np.argmax(occasion))
        missed = (Missed(turn, criterion.missed or f"the moment for: {criterion.title}"),)
        evidence = (_cite(turns, turn, due.span[turn], "here it was due"),) if criterion.occasion else ()
        return CriterionScore(0, "scored", round(1 - _sureness(peak), 3), evidence, missed)
    called = np.flatnonzero(occasion >= SAID)
    first = int(called[0]) + 1 if len(called) else (len(turns) if criterion.occasion else 0)
    clear = [turn for turn in range(first, len(turns)) if shown.value[turn] >= CLEAR]
    if not clear:
        best = int(np.argmax(shown.value))
        evidence = (_cite(turns, best, shown.span[best], f"the rep: {criterion.title}"),)
        if peak >= SAID:
            return CriterionScore(2, "scored", _sureness(peak), evidence)
        missed = (Missed(best, criterion.missed or f"not quite: {criterion.title}"),)
        return CriterionScore(1, "scored", _sureness(peak), evidence, missed)
    best = max(clear, key=lambda turn: shown.value[turn])
    taken = _likeness(turns, criterion.confirms, side="buyer")
    for turn in sorted(clear, key=lambda turn: -shown.value[turn]):
        replies = [reply for reply in _next_said(turns, turn) if taken.value[reply] >= SAID]
        if replies:
            said = _cite(turns, turn, shown.span[turn], f"the rep: {criterion.title}")
            reply = max(replies, key=lambda reply: taken.value[reply])
            up = _cite(turns, reply, taken.span[reply], "the buyer takes it up")
            return CriterionScore(4, "scored", _sureness(float(shown.value[turn])), (said, up))
    evidence = (_cite(turns, best, shown.span[best], f"the rep: {criterion.title}"),)
    return CriterionScore(3, "scored", _sureness(float(shown.value[best])), evidence)


_NOT_DUE = "n/a: nothing in the call calls for it"


def _next_said(turns: Sequence[Turn], turn: int) -> list[int]:
    """The next `REACH` turns that say something: those of one or two words are back-channels."""
    later = (index for index in range(turn + 1, len(turns)) if len(turns[index].text.split()) > 2)
    return [index for index, _ in zip(later, range(REACH), strict=False)]


def _likeness(turns: Sequence[Turn], examples: Sequence[str], *, side: str) -> Likeness:
    best = np.full(len(turns), -1.0)
    spans: list[Span] = [(0, 0)] * len(turns)
    rows = [(index, span) for index, turn in enumerate(turns) if turn.side == side for span in pieces(turn.text)]
    if rows and examples:
        said = _call_vectors(tuple(turns[index].text[start:end] for index, (start, end) in rows))
        for (index, span), value in zip(rows, _like(said, _example_vectors(tuple(examples))), strict=True):
            if value > best[index]:
                best[index], spans[index] = value, span
    return Likeness(best, tuple(spans))


def _like(said: Vectors, examples: Vectors) -> Vectors:
    """Likeness (said,) of unit vectors to a list of examples; see the module's text."""
    others = [np.delete(examples, own, axis=0) for own in range(len(examples))] if len(examples) > 1 else []
    own = [_close(examples[index : index + 1], rest)[0] for index, rest in enumerate(others)]
    level = float(np.mean(own)) if own else OWN_CLOSENESS
    value: Vectors = np.round(_close(said, examples) - 0.5 * level, 4)
    return value


def _close(said: Vectors, examples: Vectors) -> Vectors:
    nearest = min(3, 1 + len(examples) // 4)
    middle = examples.mean(axis=0)
    highest: Vectors = np.sort(said @ examples.T, axis=1)[:, -nearest:].mean(axis=1)
    both: Vectors = 0.5 * highest + 0.5 * (said @ (middle / np.linalg.norm(middle)))
    return both


def pieces(text: str) -> Iterator[Span]:
    """Spans of a turn to compare: sentences of two words or more, runs of very long ones, neighbours in pairs."""
    found: list[tuple[Span, int]] = []
    for sentence in _SENTENCE.finditer(text):
        words = [(sentence.start() + w.start(), sentence.start() + w.end()) for w in _WORD.finditer(sentence.group())]
        if len(words) < 2:
            continue
        runs = (
            [words]
            if len(words) <= LONG
            else [words[k : k + 2 * STRIDE] for k in range(0, len(words) - STRIDE, STRIDE)]
        )
        found += [((run[0][0], run[-1][1]), len(run)) for run in runs]
    yield from (span for span, _ in found)
    for (one, mine), (other, theirs) in pairwise(found):
        if mine + theirs <= PAIR:
            yield one[0], other[1]


@lru_cache(maxsize=2)
def _call_vectors(texts: tuple[str, ...]) -> Vectors:
    """One side of a call; kept, because the criteria of a rubric ask for the same ones one after another."""
    return _vectors(texts)


@lru_cache(maxsize=64)
def _example_vectors(texts: tuple[str, ...]) -> Vectors:
    return _vectors(texts)


def _vectors(texts: tuple[str, ...]) -> Vectors:
    """Unit vectors (texts, 384) with the ordinary taken off."""
    with one_thread():
        found = embed_sentences(texts) - _ordinary()
    unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


@lru_cache(maxsize=1)
def _ordinary() -> Vectors:
    with one_thread():
        mean: Vectors = embed_sentences(ORDINARY).mean(axis=0)
    return mean


def _sureness(value: float) -> float:
    """The share of calls with such a highest likeness that have what the examples say (0-1)."""
    return round(float(np.interp(value, [x for x, _ in SURENESS], [y for _, y in SURENESS])), 3)


def _cite(turns: Sequence[Turn], index: int, span: Span, why: str) -> Evidence:
    """Evidence from one turn: all of it when short, else from the piece that counted on."""
    turn = turns[index]
    start = 0 if len(turn.text) <= QUOTE_CHARACTERS else span[0]
    quote = turn.text[start : start + QUOTE_CHARACTERS].strip()
    return Evidence(index, turn.t0, turn.t1, turn.speaker, quote, why)
