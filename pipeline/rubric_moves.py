"""Which scores of kept calls another rubric would move: `rubric_diff` over records, by the judge of now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipeline import keep
from pipeline.errors import DebriefError, EngineError

if TYPE_CHECKING:
    from pipeline.rubric import Rubric
    from pipeline.settings import Settings
    from pipeline.types import Scorecard, Transcript

Row = dict[str, Any]


def moves_of(sha256s: Iterable[str], old: Rubric, new: Rubric, settings: Settings) -> Row:
    """`{"moved": rows of `Moved.to_json`, "calls": scored calls compared, "failed": a line per call that failed}`.

    People's overrides stand, as in every report. Calls whose words are gone are left out: nothing can score them anew,
    and they keep their scores. Nothing stored is changed.
    Raises `DebriefError`s for what is wrong with every call: the judge's settings.
    """
    from models.judge_card import judge_identity
    from pipeline.chat import NO_ANSWER
    from pipeline.judge import score_call
    from pipeline.rubric_diff import moved_scores

    def judge(transcript: Transcript, rubric: Rubric) -> Scorecard:
        card = score_call(transcript, rubric, settings=settings)
        if card.judge_revision.endswith(NO_ANSWER):
            # a server that is down says nothing of the rubric
            raise EngineError(next(iter(card.criteria.values())).reason)
        return card

    identity = judge_identity(settings)
    moved: list[Row] = []
    failed: list[str] = []
    calls = 0
    asked = list(sha256s)
    reviews = keep.reviews_by_call(settings.data, (sha256[:16] for sha256 in asked))
    for sha256 in asked:
        record = keep.latest_record(settings.data, sha256)
        if record is None or record["status"] != "scored" or record["transcript"].get("words_expired"):
            continue
        calls += 1
        try:
            found = moved_scores(
                record,
                old,
                new,
                judge=judge,
                identity=identity,
                floor=settings.min_confidence,
                reviews=reviews.get(sha256[:16], ()),
            )
        except DebriefError as error:
            failed.append(f"{record['call_id']}: {error}")
            continue
        moved += [row.to_json() for row in found]
    return {"moved": moved, "calls": calls, "failed": failed}


def moves(order: tuple[str, str, list[str], Settings]) -> Row:
    """`moves_of` for a worker process: the rubrics as YAML texts."""
    from pipeline.rubric import rubric_of_text

    old, new, sha256s, settings = order
    return moves_of(sha256s, rubric_of_text(old), rubric_of_text(new), settings)
