"""What a changed rubric would do to calls that are already scored, and why.

`rubric_changes` says what differs between two rubrics and which of it can move a score. `moved_scores` judges a kept
call by both: a criterion that is scored the same way by both keeps its score, one judged by example sentences is scored
from the kept transcript, and the trained judge reads the call only for a criterion that neither rubric has scored.
A chat model is asked by the rubric's words, all criteria at once: it keeps its scores only where it is asked the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.reviews import reviewed
from pipeline.types import Scorecard, Transcript
from pipeline.unjudged import reason_for_all, too_short

if TYPE_CHECKING:
    from pipeline.rubric import Criterion, Rubric

OVERALL = "overall"
EMBEDDED = "embedded"
"""The engine that is not asked by the rubric's words; every other judge is a chat model."""
MAX_NAMED = 3
_SENTENCES = ("occasion", "shows", "confirms")
_WORDS = ("title", "stage", "question", "missed")
_ASKED = ("title", "question", "levels", "applies", "examples")
_NOT_ASKED = ("stage", "missed", "moves", "confirms", "judge")
_GONE = "only the old rubric has it"
_NEW = "only the new rubric has it"
_WORDING = {
    "trained": "no score moves: the trained judge scores what it was trained to, whatever the anchors say",
    "examples": "no score moves: the example sentences decide the level, the anchors only describe it",
}

_UNREAD = "no score moves: the trained judge reads no sentences; a criterion with 'judge: examples' is scored by them"

Judge = Callable[[Transcript, "Rubric"], Scorecard]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: the `criterion`, `what` differs, its `effect` in words, and `moves`: whether it touches that
    criterion's `level`, the call's `overall` alone, or `nothing` that is stored."""

    criterion: str
    what: str
    effect: str
    moves: str

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "change", "criterion", "what", "effect", "moves"}`."""
        return {"kind": "change", **asdict(self)}


@dataclass(frozen=True, slots=True)
class Moved:
    """One call's score that would differ. `criterion` is `overall` for the call's total (0-100).

    `before` and `after` are a level (0-4), `na`, `abstained`, or None where a rubric has no such criterion.
    """

    call_id: str
    rep: str | None
    criterion: str
    before: float | str | None
    after: float | str | None
    why: str

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "score" or "overall", "call_id", "rep", "criterion", "before", "after", "why"}`."""
        return {"kind": OVERALL if self.criterion == OVERALL else "score", **asdict(self)}


def rubric_changes(old: Rubric, new: Rubric, *, engine: str = EMBEDDED) -> list[Change]:
    """Every difference between two rubrics, criterion by criterion, in the old one's order and then the new one's;
    `engine` is the judge whose scores it may move."""
    differences = _criterion_changes if engine == EMBEDDED else _asked_changes
    before, after = ({item.id: item for item in rubric.criteria} for rubric in (old, new))
    found: list[Change] = []
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            found.append(Change(name, "criterion removed", "its scores go and no longer count in the overall", "level"))
        elif name not in before:
            found.append(Change(name, "criterion added", _added(after[name], old, engine), "level"))
        else:
            found += differences(before[name], after[name])
    return found


def _added(criterion: Criterion, old: Rubric, engine: str) -> str:
    if engine != EMBEDDED:
        return "asked with the others, which are asked anew; counts in the overall"
    if criterion.judge == "examples":
        return "scored from the kept transcript by its example sentences, and counts in the overall"
    twin = next((item.id for item in old.criteria if _scored_alike(item, criterion)), None)
    same = f"; the level is that of '{twin}'" if twin else ""
    return f"scored by the trained judge as {criterion.same_as}{same}; counts in the overall"


def _criterion_changes(before: Criterion, after: Criterion) -> list[Change]:
    name = before.id
    found: list[Change] = []
    if (before.judge, before.same_as) != (after.judge, after.same_as):
        what = f"judged {_judge(before)} -> {_judge(after)}"
        found.append(Change(name, what, "scored anew", "level"))
    elif after.judge == "examples":
        found += _sentence_changes(before, after)
    elif any(getattr(before, key) != getattr(after, key) for key in _SENTENCES):
        found.append(Change(name, "example sentences changed", _UNREAD, "nothing"))
    found += _number_changes(before, after)
    if before.applies != after.applies:
        found.append(_applies_change(before, after))
    if before.levels != after.levels:
        pairs = enumerate(zip(before.levels, after.levels, strict=True))
        which = [str(level) for level, (mine, theirs) in pairs if mine != theirs]
        what = f"wording of level{'s' if len(which) > 1 else ''} {', '.join(which)}"
        found.append(Change(name, what, _WORDING[after.judge], "nothing"))
    words = [key for key in _WORDS if getattr(before, key) != getattr(after, key)]
    if words:
        found.append(Change(name, f"{', '.join(words)} reworded", "no score moves: nothing is judged by it", "nothing"))
    if before.moves != after.moves:
        found.append(Change(name, "moves changed", "no score moves; evidence is explained in other words", "nothing"))
    return found


def _asked_changes(before: Criterion, after: Criterion) -> list[Change]:
    """What differs for a judge that is asked by the rubric's words."""
    from pipeline.chat import question_of

    mine, theirs = question_of(before), question_of(after)
    asked = [key for key in _ASKED if getattr(mine, key) != getattr(theirs, key)]
    asked += ["same_as"] if before.same_as != after.same_as else []
    rest = [key for key in _NOT_ASKED if getattr(before, key) != getattr(after, key)]
    found = [Change(before.id, f"{', '.join(asked)} changed", "all criteria are asked anew", "level")] if asked else []
    found += _number_changes(before, after)
    if rest:
        effect = "no score moves: the judge is not asked by it"
        found.append(Change(before.id, f"{', '.join(rest)} changed", effect, "nothing"))
    return found


def _number_changes(before: Criterion, after: Criterion) -> list[Change]:
    name = before.id
    found: list[Change] = []
    if before.weight != after.weight:
        what = f"weight {before.weight:g} -> {after.weight:g}"
        found.append(Change(name, what, "its level stays; it counts for more or less in the overall", OVERALL))
    if before.target != after.target:
        what = f"target {before.target:g} -> {after.target:g}"
        found.append(Change(name, what, "no score moves; gaps and training follow the new target", "nothing"))
    return found


def _judge(criterion: Criterion) -> str:
    return "by examples" if criterion.judge == "examples" else f"by the trained judge as {criterion.same_as}"


def _sentence_changes(before: Criterion, after: Criterion) -> list[Change]:
    found = []
    for key in _SENTENCES:
        mine, theirs = set(getattr(before, key)), set(getattr(after, key))
        if mine != theirs:
            what = f"examples under '{key}': {len(theirs - mine)} added, {len(mine - theirs)} removed"
            found.append(Change(before.id, what, "scored anew from the kept transcript", "level"))
    return found


def _applies_change(before: Criterion, after: Criterion) -> Change:
    what = f"applies '{before.applies}' -> '{after.applies}'"
    if after.judge == "examples":
        effect = "no score moves: whether it applies follows from the sentences under 'occasion'"
        return Change(before.id, what, effect, "nothing")
    if _always(before) == _always(after):
        return Change(before.id, what, "no score moves: when it applies is as the judge was trained", "nothing")
    effect = "n/a becomes a level" if _always(after) else "a level becomes n/a where the judge hears no occasion"
    return Change(before.id, what, effect, "level")


def moved_scores(
    record: Mapping[str, Any],
    old: Rubric,
    new: Rubric,
    *,
    judge: Judge,
    identity: tuple[str, str],
    floor: float = 0.0,
    reviews: Sequence[Mapping[str, Any]] = (),
) -> list[Moved]:
    """A kept call's scores that differ between the rubrics, then its overall where that differs.

    `record` is a scored call's record, `identity` the engine and revision that would judge now: what is stored is
    taken as it is where that judge scored it by `old`, else `judge` scores the transcript again. `floor` is the least
    confidence (0-1) that is scored. `reviews` are rows of `reviews` about the call: an override stands by either
    rubric.
    """
    transcript = Transcript.from_json(record["transcript"], where=record["source"]["path"])
    before = _stored(record, old, identity) or judge(transcript, old).to_json()
    engine = identity[0]
    known = _derived(before, transcript, old, new, floor) if engine == EMBEDDED else _answered(before, old, new)
    after = known or judge(transcript, new).to_json()
    if reviews:
        before, after = (_as_shown(record, *made, reviews) for made in ((before, old), (after, new)))
    changes = rubric_changes(old, new, engine=engine)
    reasons = _reasons(changes)
    found = []
    for name in dict.fromkeys([*before["criteria"], *after["criteria"]]):
        was, now = (_outcome(card["criteria"].get(name)) for card in (before, after))
        if was != now:
            why = reasons.get(name) or (_NEW if was is None else _GONE if now is None else "judged differently")
            found.append(Moved(record["call_id"], transcript.meta.rep, name, was, now, why))
    if before["overall"] != after["overall"]:
        why = _why_overall(changes, found)
        found.append(Moved(record["call_id"], transcript.meta.rep, OVERALL, before["overall"], after["overall"], why))
    return found


def _as_shown(
    record: Mapping[str, Any], card: Mapping[str, Any], rubric: Rubric, reviews: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A scorecard by `rubric` as every report shows it, with people's overrides."""
    weights = {item.id: item.weight for item in rubric.criteria}
    made = {**record, "scorecard": card, "provenance": {"weights": weights}}
    shown: dict[str, Any] = reviewed(made, reviews)["scorecard"]
    return shown


def _stored(record: Mapping[str, Any], rubric: Rubric, identity: tuple[str, str]) -> dict[str, Any] | None:
    card: dict[str, Any] = record["scorecard"]
    made = (card["rubric"]["id"], card["rubric"]["version"], card["judge"]["engine"], card["judge"]["revision"])
    return card if made == (rubric.id, rubric.version, *identity) else None


def _derived(
    card: Mapping[str, Any], transcript: Transcript, old: Rubric, new: Rubric, floor: float
) -> dict[str, Any] | None:
    """The scorecard by `new`, made of that by `old` without the trained judge; None where only it can tell."""
    if [item.id for item in old.criteria] != list(card["criteria"]):
        return None
    scores: dict[str, dict[str, Any]] = {}
    for criterion in new.criteria:
        twin = next((item.id for item in old.criteria if _scored_alike(item, criterion)), None)
        if twin:
            scores[criterion.id] = card["criteria"][twin]
        elif criterion.judge == "examples":
            if too_short(transcript.turns) or reason_for_all(card):
                return None
            from pipeline.custom import score_by_examples

            scores[criterion.id] = score_by_examples(transcript.turns, criterion, floor=floor).to_json()
        else:
            return None
    return {"criteria": scores, "overall": _overall(scores, new)}


def _answered(card: Mapping[str, Any], old: Rubric, new: Rubric) -> dict[str, Any] | None:
    """The scorecard by `new` where a chat model is asked the same by both; None where only it can tell."""
    from pipeline.chat import question_of

    asked, again = (
        [(replace(question_of(item), missed=""), item.same_as) for item in rubric.criteria] for rubric in (old, new)
    )
    return {"criteria": card["criteria"], "overall": _overall(card["criteria"], new)} if asked == again else None


def _scored_alike(one: Criterion, other: Criterion) -> bool:
    """Whether two criteria give every call the same level."""
    if one.judge != other.judge:
        return False
    if one.judge == "trained":
        return one.same_as == other.same_as and _always(one) == _always(other)
    return all(set(getattr(one, key)) == set(getattr(other, key)) for key in _SENTENCES)


def _always(criterion: Criterion) -> bool:
    return criterion.applies == "always"


def _overall(scores: Mapping[str, Mapping[str, Any]], rubric: Rubric) -> float | None:
    rows = [(item.weight, scores[item.id]["level"]) for item in rubric.criteria]
    counted = [(weight, level) for weight, level in rows if level is not None]
    total = sum(weight for weight, _ in counted)
    return round(25.0 * sum(weight * level for weight, level in counted) / total, 1) if total else None


def _outcome(score: Mapping[str, Any] | None) -> int | str | None:
    if score is None:
        return None
    return score["level"] if score["status"] == "scored" else str(score["status"])


def _reasons(changes: list[Change]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for change in changes:
        if change.moves == "level":
            found.setdefault(change.criterion, []).append(change.what)
    return {name: "; ".join(parts) for name, parts in found.items()}


def _why_overall(changes: list[Change], moved: list[Moved]) -> str:
    """Weights that changed, and the criteria whose scores did."""
    parts = [f"{change.criterion}: {change.what}" for change in changes if change.moves == OVERALL]
    names = [item.criterion for item in moved]
    said = ", ".join(names) if len(names) <= MAX_NAMED else f"{len(names)} criteria"
    return "; ".join([*parts, *([f"scores of {said}"] if names else [])]) or "judged differently"
