"""Conversation metrics of one call: how it was talked, whatever was said.

Formulas, over the turns in time order:
- `talk_share`: the rep side's speaking seconds over everybody's (0-1).
- `longest_monologue_s`: longest stretch in which only the rep's side speaks; a buyer's back-channel (one or two
  words) does not end it.
- `questions`: the rep side's utterances that ask something (a question mark, or an opening question word).
- `switches_per_min`: changes between the sides per minute of call.
- `patience_s`: median silence between a buyer's end and the rep's start, overlaps counted as 0.
- `wpm`: the rep side's words per minute of the rep side's speech.
- `fillers_per_min`: the rep side's hesitations (um, uh, er, you know, ...) per minute of the rep side's speech.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from pipeline.types import Metrics, Transcript, Turn

BACKCHANNEL_WORDS = 2
_FILLER = re.compile(r"\b(?:um+|uh+|er|erm|hmm+|you know|sort of|kind of|i mean)\b", re.IGNORECASE)
_QUESTION_WORD = re.compile(
    r"(?:^|[.!,] )(?:so |and |but |okay |right )?"
    r"(?:who|what|when|where|why|how|which|do you|does|did you|is it|are you|can you|could you|would you|have you)\b",
    re.IGNORECASE,
)


def measure(transcript: Transcript) -> Metrics:
    """Metrics of a transcript whose roles are resolved; fields without a basis are None."""
    turns = [turn for turn in transcript.turns if turn.text.strip()]
    rep = [turn for turn in turns if turn.side == "rep"]
    rep_s = sum(turn.duration_s for turn in rep)
    all_s = sum(turn.duration_s for turn in turns)
    minutes = transcript.duration_s / 60
    words = sum(len(turn.text.split()) for turn in rep)
    fillers = sum(len(_FILLER.findall(turn.text)) for turn in rep)
    switches = sum(a.side != b.side for a, b in pairwise(turns))
    return Metrics(
        talk_share=rep_s / all_s if all_s else None,
        longest_monologue_s=_longest_monologue(turns) if rep_s else None,
        questions=sum(count_questions(turn.text) for turn in rep),
        switches_per_min=switches / minutes if minutes else None,
        patience_s=_patience(turns),
        wpm=60 * words / rep_s if rep_s else None,
        fillers_per_min=60 * fillers / rep_s if rep_s else None,
    )


def count_questions(text: str) -> int:
    """Questions in one turn: its question marks, or one where a question word opens it and none is written."""
    return text.count("?") or int(bool(_QUESTION_WORD.search(text)))


def _longest_monologue(turns: Sequence[Turn]) -> float:
    longest = 0.0
    start: float | None = None
    for turn in turns:
        if turn.side == "rep":
            start = turn.t0 if start is None else start
            longest = max(longest, turn.t1 - start)
        elif len(turn.text.split()) > BACKCHANNEL_WORDS:
            start = None
    return longest


def _patience(turns: Sequence[Turn]) -> float | None:
    gaps = [
        max(0.0, after.t0 - before.t1)
        for before, after in pairwise(turns)
        if before.side == "buyer" and after.side == "rep"
    ]
    return median(gaps) if gaps else None
