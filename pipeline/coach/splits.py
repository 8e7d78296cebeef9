"""Standings by stage of the deal and by type of call: the model of `standings.py` over another cut of the calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pipeline.coach.rows import ScoredCall, StageLook
from pipeline.coach.standings import DEFAULT_TARGET, Standing, standings
from pipeline.rubric import Rubric


def stage_standings(
    scores: Iterable[ScoredCall], rubric: Rubric, *, target: float | None = None
) -> tuple[Standing, ...]:
    """Each rep's standing per stage of the rubric (`criterion` of a standing is the stage).

    A call's level of a stage is the weighted mean level of those of its criteria that were scored; a stage's target is
    the weighted mean of its criteria's targets, or `target`.
    """
    own: dict[str, float] = {}
    for stage in stages_of(rubric):
        mine = [item for item in rubric.criteria if item.stage == stage]
        weight = sum(item.weight for item in mine)
        own[stage] = sum(item.target * item.weight for item in mine) / weight if weight else DEFAULT_TARGET
    targets = own if target is None else dict.fromkeys(own, target)
    return standings(stage_looks(scores, rubric), targets=targets)


def stages_of(rubric: Rubric) -> tuple[str, ...]:
    """The stages that the rubric's criteria belong to, in its order."""
    return tuple(dict.fromkeys(item.stage for item in rubric.criteria))


def stage_looks(scores: Iterable[ScoredCall], rubric: Rubric) -> list[StageLook]:
    """One row per call and stage in which a criterion of the rubric was scored."""
    known = {item.id: item for item in rubric.criteria}
    parts: dict[tuple[str, str], list[ScoredCall]] = defaultdict(list)
    for score in scores:
        if score.criterion in known:
            parts[score.call_id, known[score.criterion].stage].append(score)
    looks = []
    for (call_id, stage), part in parts.items():
        weight = sum(known[score.criterion].weight for score in part)
        if weight:
            level = sum(known[score.criterion].weight * score.level for score in part) / weight
            looks.append(StageLook(call_id, part[0].rep, stage, level, part[0].team, part[0].date))
    return looks


def type_standings(
    scores: Iterable[ScoredCall], *, targets: dict[str, float] | None = None
) -> dict[str, tuple[Standing, ...]]:
    """Standings per type of call, by its name: a rep is drawn to colleagues' calls of the same type only.

    Calls whose type is not known are in none of them.
    """
    parts: dict[str, list[ScoredCall]] = defaultdict(list)
    for score in scores:
        if score.call_type:
            parts[score.call_type].append(score)
    return {name: standings(part, targets=targets) for name, part in sorted(parts.items())}
