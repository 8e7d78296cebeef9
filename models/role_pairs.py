"""Do two speakers of a call stand on the same side? A linear model over how they talk to each other, not what they say.

Two sellers hardly ever answer each other; a buyer's question is answered by a seller and the other way round; a rep
says who was brought along. The weights stand with those of single speakers in `heads/roles.json`
(`models/training/roles.py`).
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from models.questions import begins_as_question
from models.role_model import head

if TYPE_CHECKING:
    from pipeline.types import Turn

Pair = tuple[str, str]

SIGNS = ("next to each other", "asks and is answered", "brought along", "asked to take over", "named otherwise")
NEAR = 60
"""Characters around a name in which a word about it is looked for."""
_COLLEAGUE = re.compile(
    r"\b(?:colleagues?|with me|joining (?:me|us)|brought|from our|on my (?:side|team|end)"
    r"|our (?:own |technical |applications? |solutions? |sales |field |lead |head of )?(?:engineer|specialist|expert"
    r"|technician|tech|architect|consultant|designer|guy|lady|lead|analyst|chemist|support|service|implementation"
    r"|onboarding)|my (?:engineer|technical|tech|boss|manager|colleague|team))\b",
    re.IGNORECASE,
)
_TAKE_OVER = re.compile(
    r"\b(?:(?:do )?you want to|can you|could you|go ahead|over to you|take (?:it|that|this)|jump in|you'?d know"
    r"|tell (?:him|her|them)|you have the|show)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_]{3,}")
_WORDS_TOO = frozenset(
    """will mark may june april august art bill grant rich jack rob sue pat dean faith hope joy grace chase frank drew
    gene ray guy don dick rose lily ivy dawn eve holly amber ruby pearl penny bob nick skip miles max ace case chance
    christian cliff dale earnest forest glen harry heath jay jean lane lance lee les long major mike price reed
    summer autumn victor wade ward west winter young king small brown green white black cook baker smith""".split()
)


def same_side_logits(turns: Sequence[Turn], names: Mapping[str, str]) -> dict[Pair, float]:
    """Log-odds, for each pair of speaker labels, that both are on the same side; `names` by label, empty if unknown."""
    weights = head()["pairs"]
    return {
        pair: weights["bias"] + sum(w * sign for w, sign in zip(weights["signs"], signs, strict=True))
        for pair, signs in pair_signs(turns, names).items()
    }


def pair_signs(turns: Sequence[Turn], names: Mapping[str, str]) -> dict[Pair, tuple[float, ...]]:
    """`SIGNS` of each pair of speaker labels: how much more often than by chance (log) they speak one after the other
    and one answers the other's question, and how often one names the other in each of three ways."""
    labels = list(dict.fromkeys(turn.speaker for turn in turns))
    share = {label: count / len(turns) for label, count in Counter(turn.speaker for turn in turns).items()}
    nexts = Counter((a.speaker, b.speaker) for a, b in itertools.pairwise(turns))
    answers = Counter((a.speaker, b.speaker) for a, b in itertools.pairwise(turns) if _asks(a.text))
    asked = Counter(turn.speaker for turn in turns[:-1] if _asks(turn.text))
    others = max(1e-6, 1 - sum(part * part for part in share.values()))
    named = _mentions(turns, names)
    found: dict[Pair, tuple[float, ...]] = {}
    for one, other in itertools.combinations(labels, 2):
        both = ((one, other), (other, one))
        by_chance = (len(turns) - 1) * 2 * share[one] * share[other] / others
        answers_by_chance = sum(asked[a] * share[b] / max(1e-6, 1 - share[a]) for a, b in both)
        brought, take_over, otherwise = (sum(named[a, b, how] for a, b in both) for how in range(3))
        found[one, other] = (
            _more_than(sum(nexts[pair] for pair in both), by_chance),
            _more_than(sum(answers[pair] for pair in both), answers_by_chance),
            float(min(brought, 2)),
            float(min(take_over, 2)),
            math.log1p(otherwise),
        )
    return found


def _more_than(seen: int, expected: float) -> float:
    return math.log((seen + 0.5) / (expected + 0.5))


def _asks(text: str) -> bool:
    return "?" in text[-40:] or begins_as_question(text)


def _mentions(turns: Sequence[Turn], names: Mapping[str, str]) -> Counter[tuple[str, str, int]]:
    """How often (who, whom, how) names somebody: as brought along (0), asked to take over (1), otherwise (2)."""
    written = any(letter.isupper() for turn in turns for letter in turn.text)
    called = {label: name for label in names if (name := _name_pattern(names[label], as_written=written))}
    found: Counter[tuple[str, str, int]] = Counter()
    for turn in turns:
        for label, name in called.items():
            for match in name.finditer(turn.text) if label != turn.speaker else ():
                around = turn.text[max(0, match.start() - NEAR) : match.end() + NEAR]
                if _COLLEAGUE.search(around):
                    found[turn.speaker, label, 0] += 1
                take_over = _TAKE_OVER.search(turn.text, match.end(), match.end() + NEAR)
                found[turn.speaker, label, 1 if take_over else 2] += 1
    return found


def _name_pattern(name: str, *, as_written: bool) -> re.Pattern[str] | None:
    """Finds any part of a name; where nothing is written with capitals, not the parts that are words as well."""
    parts = [part for part in _NAME.findall(name) if as_written or part.lower() not in _WORDS_TOO]
    pattern = r"\b(?:" + "|".join(map(re.escape, parts)) + r")\b"
    return re.compile(pattern, 0 if as_written else re.IGNORECASE) if parts else None
