"""Who sells? A linear model over what one speaker says in a call: log-odds of being on the seller's side.

Features: square-root word frequencies of a speaker's turns over a small vocabulary, share of talk, questions per
turn, words per turn. The weights (`heads/roles.json`) are trained by `models/training/roles.py` on the project's own
labelled calls.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

HEAD = Path(__file__).resolve().parent / "heads" / "roles.json"

_MIN_WORDS = 30
_WORD = re.compile(r"[a-z']+")


def words_of(text: str) -> list[str]:
    """Lower-case words without figures or punctuation, so that recognisers with and without them look alike."""
    return _WORD.findall(text.lower().replace("’", "'"))


def features(turns: Sequence[str], *, total_words: int, speakers: int) -> tuple[dict[str, float], tuple[float, ...]]:
    """(word features, shape features) of one speaker's turns in a call of `total_words` words by `speakers` people."""
    counts = Counter(word for text in turns for word in words_of(text))
    size = sum(counts.values())
    words = {word: 10 * math.sqrt(count / max(size, _MIN_WORDS)) for word, count in counts.items()}
    asked = sum(text.count("?") for text in turns)
    shape = (size / max(1, total_words) * speakers, asked / max(1, len(turns)), size / max(1, len(turns)) / 20)
    return words, shape


def seller_logit(turns: Sequence[str], *, total_words: int, speakers: int) -> float:
    """Log-odds that the speaker of `turns` is on the seller's side."""
    weights = head()
    words, shape = features(turns, total_words=total_words, speakers=speakers)
    score = float(weights["bias"])
    for word, weight, mean in weights["words"]:
        score += weight * (words.get(word, 0.0) - mean)
    score += sum(weight * value for weight, value in zip(weights["shape"], shape, strict=True))
    return float(score * weights["temperature"])


def revision() -> str:
    """What the head was trained on, for the record."""
    return str(head()["revision"])


@cache
def head() -> dict[str, Any]:
    """The trained weights, as `models/training/roles.py` writes them."""
    weights: dict[str, Any] = json.loads(HEAD.read_text(encoding="utf-8"))
    return weights
