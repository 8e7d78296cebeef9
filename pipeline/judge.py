"""Turns x rubric -> scorecard.

The trained judge reads the call once (`models/judge_model.py`); each criterion then becomes a level with its
confidence and its evidence, or `na`, or `abstained` where the judge is not sure enough. A criterion of a customer's
own is judged by its example sentences (`pipeline/custom.py`). Every quote is cut out of the turn it cites.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from models.judge_card import judge_identity
from models.judge_model import JudgeModel, Verdict, load_judge
from pipeline.custom import score_by_examples
from pipeline.errors import SettingsError, UnresolvedRoles
from pipeline.metrics import intervals, measure
from pipeline.moments import missed_moment, reason
from pipeline.rubric import Criterion, Rubric
from pipeline.settings import Settings
from pipeline.types import CriterionScore, Evidence, Move, Scorecard, Transcript, Turn, overall_of
from pipeline.unjudged import too_short, why_unjudged

QUOTE_CHARACTERS = 260
MAX_EVIDENCE = 3
_SENTENCE = re.compile(r"[^.!?]+[.!?]*\s*")


def score_call(
    transcript: Transcript, rubric: Rubric, *, settings: Settings | None = None, model: JudgeModel | None = None
) -> Scorecard:
    """Score a transcript whose roles are resolved.

    `settings.judge` names the judge; a `model` that is given is the embedded one, whatever they say. Same transcript,
    rubric and model: the same scorecard, byte for byte. Raises `UnresolvedRoles` when the rep's side and the buyer's
    are not both known, `SettingsError` when the judge is not set up.
    """
    settings = settings or Settings()
    if not transcript.resolved:
        raise UnresolvedRoles(f"{transcript.call_id}: {_unresolved(transcript)}")
    if model:
        return _read(transcript, rubric, settings, model)
    judge = JUDGES.get(settings.judge)
    if judge is None:
        raise SettingsError(f"judge: unknown judge '{settings.judge}'; known: {', '.join(JUDGES)}")
    return judge(transcript, rubric, settings)


def _unresolved(transcript: Transcript) -> str:
    """Why nobody can score this transcript, and what to do."""
    sides = {turn.side for turn in transcript.turns}
    if sides in ({"rep"}, {"buyer"}):
        (side,) = sides
        return f"nobody but the {side} speaks in it; there is no conversation to score"
    return "it is not known who is the rep and who the buyer; name its speakers `rep` and `buyer:NAME`"


def _read(transcript: Transcript, rubric: Rubric, settings: Settings, model: JudgeModel) -> Scorecard:
    verdict = model.read(transcript.turns, expected_wer=transcript.hearing.expected_wer or 0.0)
    return scorecard(transcript, rubric, verdict, revision=model.revision, floor=settings.min_confidence)


def _embedded(transcript: Transcript, rubric: Rubric, settings: Settings) -> Scorecard:
    return _read(transcript, rubric, settings, load_judge())


def _chat(transcript: Transcript, rubric: Rubric, settings: Settings) -> Scorecard:
    from pipeline.chat import Opinion, ask_about

    if reason := too_short(transcript.turns):
        nothing = dict.fromkeys((criterion.id for criterion in rubric.criteria), _unjudged(reason))
        opinion = Opinion(nothing, (), *judge_identity(settings))
    else:
        opinion = ask_about(transcript.turns, rubric, settings)
    return Scorecard(
        call_id=transcript.call_id,
        rubric_id=rubric.id,
        rubric_version=rubric.version,
        judge_engine=opinion.engine,
        judge_revision=opinion.revision,
        overall=overall(opinion.criteria, rubric.criteria),
        criteria=opinion.criteria,
        objections=opinion.objections,
        metrics=measure(transcript),
        metrics_intervals=intervals(transcript),
    )


JUDGES: dict[str, Callable[[Transcript, Rubric, Settings], Scorecard]] = {
    "embedded": _embedded,
    "endpoint": _chat,
    "transformers": _chat,
}
"""Who can judge a call whose roles are resolved, by the name in the settings."""


def _unjudged(reason: str) -> CriterionScore:
    return CriterionScore(None, "abstained", 0.0, reason=reason)


def scorecard(
    transcript: Transcript, rubric: Rubric, verdict: Verdict, *, revision: str, floor: float = 0.0
) -> Scorecard:
    """The scorecard that follows from a verdict; `floor` is the least confidence (0-1) that is scored."""
    unjudged = why_unjudged(transcript, rubric, verdict)
    criteria: dict[str, CriterionScore] = {}
    for criterion in rubric.criteria:
        if unjudged:
            score = _unjudged(unjudged)
        elif criterion.judge == "examples":
            score = score_by_examples(transcript.turns, criterion, floor=floor)
        else:
            score = _score(transcript.turns, criterion, rubric, verdict, floor=floor)
        criteria[criterion.id] = score
    return Scorecard(
        call_id=transcript.call_id,
        rubric_id=rubric.id,
        rubric_version=rubric.version,
        judge_engine="embedded",
        judge_revision=revision,
        overall=overall(criteria, rubric.criteria),
        criteria=criteria,
        objections=() if unjudged else verdict.objections,
        metrics=measure(transcript),
        metrics_intervals=intervals(transcript),
        moves=() if unjudged else _moves(verdict),
    )


def _moves(verdict: Verdict) -> tuple[Move, ...]:
    return tuple(Move(turn, name, p) for turn, moves in enumerate(verdict.moves) for name, p in moves.items())


def overall(criteria: Mapping[str, CriterionScore], rubric_criteria: Iterable[Criterion]) -> float | None:
    """Weighted mean of the scored criteria as a percentage of 4, or None when none is scored."""
    rows = [(criterion.weight, criteria[criterion.id]) for criterion in rubric_criteria]
    return overall_of(
        (weight, score.level) for weight, score in rows if score.status == "scored" and score.level is not None
    )


def _score(
    turns: Sequence[Turn], criterion: Criterion, rubric: Rubric, verdict: Verdict, *, floor: float
) -> CriterionScore:
    name = criterion.same_as
    view = verdict.criteria[name]
    if view.na and criterion.applies != "always":
        return CriterionScore(None, "na", view.confidence, reason=f"n/a: {_not_due(criterion)}")
    view = view.due()
    cited = [turn for turn in view.evidence if turn < len(turns)][:MAX_EVIDENCE]
    evidence = tuple(
        cite(turns, turn, why=reason(criterion, rubric, verdict.moves[turn], turns[turn])) for turn in cited
    )
    moment = missed_moment(criterion, rubric, verdict, turns, cited) if view.level <= 1 else None
    missed = (moment,) if moment else ()
    if view.confidence < max(floor, view.threshold):
        doubt = f"the judge is not sure enough ({view.confidence:.2f} < {max(floor, view.threshold):.2f})"
        return CriterionScore(None, "abstained", view.confidence, evidence, missed, reason=doubt)
    return CriterionScore(view.level, "scored", view.confidence, evidence, missed)


_NOT_DUE = {
    "recommendation": "the call ended by design before a recommendation was due, as it was heard",
    "proposal": "nobody was heard to bring up price, the scope of an offer or terms",
    "objection_handling": "no objection of the buyer's was heard",
}


def _not_due(criterion: Criterion) -> str:
    """Why a criterion does not apply to the call, not when it would."""
    said = _NOT_DUE.get(criterion.same_as)
    return said or f"nothing on this call calls for it; it is scored {criterion.applies}"


def cite(turns: Sequence[Turn], index: int, *, why: str) -> Evidence:
    """Evidence from one turn: its text, or the run of sentences that fits `QUOTE_CHARACTERS`, always verbatim."""
    turn = turns[index]
    return Evidence(turn=index, t0=turn.t0, t1=turn.t1, speaker=turn.speaker, quote=quote(turn.text), why=why)


def quote(text: str) -> str:
    """A verbatim substring of `text`: all of it when short, else the last whole sentences that fit.

    Reps put the question or the ask at the end of a long turn more often than at its start.
    """
    if len(text) <= QUOTE_CHARACTERS:
        return text.strip()
    start = len(text)
    for match in reversed(list(_SENTENCE.finditer(text))):
        if len(text) - match.start() > QUOTE_CHARACTERS:
            break
        start = match.start()
    if start == len(text):
        edge = len(text) - QUOTE_CHARACTERS
        start = text.find(" ", edge) + 1 or edge
    return text[start:].strip()


def verify(scorecard: Scorecard, turns: Sequence[Turn]) -> list[str]:
    """Every quote that is not a verbatim substring of the turn it cites (empty: all hold)."""
    return [
        f"{name}: turn {item.turn}: {item.quote[:40]!r}"
        for name, score in scorecard.criteria.items()
        for item in score.evidence
        if not (0 <= item.turn < len(turns) and item.quote and item.quote in turns[item.turn].text)
    ]
