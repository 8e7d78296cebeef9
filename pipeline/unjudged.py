"""Why a call as a whole cannot be judged: too short, not in English, or no sales conversation. Not sure: not scored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.judge_model import Verdict
    from pipeline.rubric import Rubric
    from pipeline.types import Transcript, Turn

MIN_TURNS = 6

_EVERYDAY = frozenset("the and you that it it's for have with this they your from would about there what".split())
_MIN_EVERYDAY = 0.06
"""Share of English's commonest words: 0.13 and more in each of 1,303 written calls, at most 0.04 in samples of German,
Dutch, French and Spanish."""
_MIN_WORDS = 100
"""Fewer words say nothing of the language."""
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")

_MIN_KINDS = 4
"""Kinds of moves heard: five and more in 377 of 379 written calls (two of 16 turns have two and three), nine and more
in 76 of them with three words in ten misheard; at most three in six of seven other conversations (two of support, a
family, a mission's radio, two work meetings). The seventh, a job interview, has seven: this tells the plain cases."""


def why_unjudged(transcript: Transcript, rubric: Rubric, verdict: Verdict) -> str:
    """Why a call is not scored by a rubric, given the embedded judge's `verdict`; empty where it is.

    A rubric of example sentences alone may be for other conversations than sales calls.
    """
    of_sales = any(criterion.judge == "trained" for criterion in rubric.criteria)
    return too_short(transcript.turns) or not_english(transcript) or (no_sales_call(verdict) if of_sales else "")


def too_short(turns: Sequence[Turn]) -> str:
    """Says so of fewer than six turns; else empty."""
    return "" if len(turns) >= MIN_TURNS else f"only {len(turns)} turns: too short to judge"


def not_english(transcript: Transcript) -> str:
    """Says so of a call whose words are not English, whatever its file says of them; else empty."""
    words = [word for turn in transcript.turns for word in _WORD.findall(turn.text.lower().replace("\u2019", "'"))]
    everyday = sum(word in _EVERYDAY for word in words)
    if len(words) < _MIN_WORDS or everyday >= _MIN_EVERYDAY * len(words):
        return ""
    return "its words are not English, which is all that this judge understands"


def no_sales_call(verdict: Verdict) -> str:
    """Says so where next to nothing was heard of what people do on a sales call; else empty."""
    if verdict.kinds_heard >= _MIN_KINDS:
        return ""
    return "hardly anything in it belongs to a sales call; if it is one, set its levels by hand"


def reason_for_all(card: Mapping[str, Any] | None) -> str:
    """The one reason for which every criterion of a scorecard, as JSON, abstains; empty where there is none."""
    scores = list(card["criteria"].values()) if card else []
    reasons = {score.get("reason", "") if score["status"] == "abstained" else "" for score in scores}
    return str(reasons.pop()) if len(reasons) == 1 else ""
