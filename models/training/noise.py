"""Recogniser-like noise for transcripts: words dropped, doubled, replaced by ones that sound or look alike.

Used to train the judge on what recognisers really produce and, with other seeds, to measure how far it holds up
(`benchmarks/judge`). `rate` is the expected word error rate: substitutions 60 %, deletions 25 %, insertions 15 %,
close to the mix that recognisers show on telephone speech.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence

from pipeline.types import Turn

SUBSTITUTE, DELETE = 0.60, 0.85
_SOUND_ALIKE = {
    "price": "prize", "cost": "cast", "week": "weak", "two": "to", "four": "for", "eight": "ate", "our": "are", 
    "your": "year",
    "their": "there", "would": "wood", "right": "write", "know": "no", "buy": "by", "sell": "cell", "quote": "coat",
    "order": "odor", "contract": "contact", "month": "mouth", "budget": "but it", "board": "bored", "sign": "sine",
    "decide": "the side", "team": "theme", "system": "sister", "pilot": "pile it", "sure": "shore", "need": "neat",
    "problem": "program", "machine": "mission", "line": "lion", "plant": "plan", "hours": "ours", "send": "sand",
    "meeting": "meat in", "call": "coal", "thousand": "thousands", "hundred": "hundreds", "percent": "present",
}  # fmt: skip
_SMALL = ("the", "a", "to", "and", "of", "it", "in", "that", "so", "uh")
_PUNCTUATION = re.compile(r"[.,!?;:\"()]")


def noisy(turns: Sequence[Turn], *, rate: float, seed: str) -> tuple[Turn, ...]:
    """The turns with about `rate` word errors (0-1), the same for the same seed; every turn keeps at least a word."""
    rng = random.Random(seed)
    vocabulary = sorted({word.lower() for turn in turns for word in turn.text.split() if word.isalpha()}) or ["um"]
    out = []
    for turn in turns:
        words: list[str] = []
        for word in turn.text.split():
            words += _mishear(word, rng=rng, rate=rate, vocabulary=vocabulary)
        out.append(dataclasses.replace(turn, text=" ".join(words) or "uh", words=()))
    return tuple(out)


def _mishear(word: str, *, rng: random.Random, rate: float, vocabulary: Sequence[str]) -> list[str]:
    if rng.random() >= rate:
        return [word]
    kind = rng.random()
    if kind < SUBSTITUTE:
        return [_substitute(word, rng=rng, vocabulary=vocabulary)]
    if kind < DELETE:
        return []
    return [word, rng.choice(_SMALL)]


def _substitute(word: str, *, rng: random.Random, vocabulary: Sequence[str]) -> str:
    bare = word.lower().strip(".,!?;:\"'()-")
    if bare in _SOUND_ALIKE:
        return _SOUND_ALIKE[bare]
    alike = [
        other for other in vocabulary if other != bare and other[:2] == bare[:2] and abs(len(other) - len(bare)) <= 2
    ]
    return rng.choice(alike) if alike else rng.choice(_SMALL)


def unpunctuated(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The turns in lower case without punctuation, as many recognisers write them."""
    return tuple(
        dataclasses.replace(
            turn, text=_PUNCTUATION.sub("", turn.text).replace("--", "").lower().strip() or "uh", words=()
        )
        for turn in turns
    )
