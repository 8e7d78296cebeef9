"""Which criteria are for people to review, because the judge's published agreement on them is too low."""

from __future__ import annotations

from models.judge_card import low_agreement
from pipeline.rubric import load_rubric
from pipeline.settings import Settings


def human_review(settings: Settings) -> frozenset[str]:
    """Criteria whose scores enter no standing and assign no training: those of `low_agreement`, and those of the rubric
    in `settings` that are scored under their name (`same_as`). What that rubric calls by such a name and has scored
    otherwise, by its example sentences or as another one, is none.

    Raises `ModelUnavailable` when nothing is published for the judge that is installed, `RubricError`.
    """
    low = low_agreement(settings)
    if not low:
        return low
    named = load_rubric(settings.rubric).criteria
    scored = {item.id for item in named if item.judge == "trained" and item.same_as in low}
    return (low - {item.id for item in named}) | scored
