"""Did training work: a rep's change after it, against untrained colleagues over the same days.

Difference in differences (Angrist & Pischke, Mostly Harmless Econometrics, ch. 5.2):

    change  = mean level of the calls after  -  standing before
    effect  = change of the trained rep  -  mean change of the untrained peers

Whoever is sent to training was chosen for low scores, so part of any rise is regression to the mean. The guard:
"before" is not the mean of the calls that led to the choice but the shrunken standing at that date (`standings.py`),
whose expectation given those calls is the rep's true level however the rep was chosen. Its variance is carried along:

    Var(change) = sd_before^2 + call_sd^2 / n_after
    Var(effect) = Var(change) + d^2 + Var(peers' mean change)

where d^2 is how much untrained peers' changes differ among themselves (DerSimonian & Laird, Controlled Clinical Trials
7, 1986). Under the stated numbers of calls and peers the verdict is "too early to tell", with what is missing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.coach.rows import Assignment, ScoredCall
from pipeline.coach.standings import Standing, standings
from pipeline.wording import counted, rounded

MIN_BEFORE = 3
MIN_AFTER = 3
MIN_PEERS = 2
MIN_PEER_CALLS = 2
MIN_EFFECTS = 3
_Z90 = 1.6448536269514722
TOO_EARLY = "too early to tell"


@dataclass(frozen=True, slots=True)
class Against:
    """The peers whose mean change, of this variance, an effect was held against, and the days of their calls after."""

    variance: float
    peers: frozenset[str]
    start: dt.date
    end: dt.date


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one assignment in levels with its 90 % interval, or why there is none yet (`reason`).

    `change` is the rep's own, `peer_change` that of `peers` untrained colleagues. `verdict` is `improved`, `worse`,
    `no clear effect` or `too early to tell`.
    """

    assignment_id: str
    rep: str
    criterion: str
    module: str
    verdict: str
    reason: str
    n_before: int
    n_after: int
    peers: int
    before: float | None = None
    after: float | None = None
    change: float | None = None
    peer_change: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    variance: float | None = None
    against: Against | None = None
    calls_before: tuple[str, ...] = ()
    calls_after: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All fields but the variances, rounded to three places; ids of calls as lists."""
        names = [name for name in self.__slots__ if name not in ("variance", "against")]
        values = {name: getattr(self, name) for name in names}
        plain = {name: rounded(v, 3) if isinstance(v, float) else v for name, v in values.items()}
        return {**plain, "calls_before": list(self.calls_before), "calls_after": list(self.calls_after)}


@dataclass(frozen=True, slots=True)
class ModuleEffect:
    """A module's effect over all reps who finished it: mean with 90 % interval over `n` measured `assignments`, or what
    is missing (`reason`)."""

    module: str
    criterion: str
    n: int
    verdict: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    assignments: tuple[str, ...] = ()
    reason: str = ""


def effect_of(
    assignment: Assignment,
    scores: Iterable[ScoredCall],
    assignments: Sequence[Assignment],
    *,
    as_of: dt.date,
) -> Effect:
    """What an assignment did by `as_of`.

    Calls up to the day of assignment are before, calls after its completion after, up to the next assignment of the
    same criterion. Peers are reps never assigned this criterion up to `as_of`, with at least 2 calls on either side.
    """
    return effects_of([assignment], scores, assignments, as_of=as_of)[0]


def effects_of(
    wanted: Iterable[Assignment], scores: Iterable[ScoredCall], assignments: Sequence[Assignment], *, as_of: dt.date
) -> tuple[Effect, ...]:
    """`effect_of` of each, in their order; standings before are worked out once per criterion and day."""
    dated: dict[str, list[ScoredCall]] = defaultdict(list)
    for row in scores:
        if row.date and row.date <= as_of:
            dated[row.criterion].append(row)
    known: dict[tuple[str, dt.date], dict[str, Standing]] = {}
    found = []
    for one in wanted:
        rows, key = dated[one.criterion], (one.criterion, one.assigned_on)
        if one.completed_on and key not in known:
            known[key] = {s.rep: s for s in standings(r for r in rows if r.date and r.date <= one.assigned_on)}
        found.append(_effect(one, rows, assignments, known.get(key, {}), as_of))
    return tuple(found)


def _effect(
    assignment: Assignment,
    rows: Sequence[ScoredCall],
    assignments: Sequence[Assignment],
    before: Mapping[str, Standing],
    as_of: dt.date,
) -> Effect:
    """`rows` are the criterion's dated calls up to `as_of`; `before` the standings on the day of assignment."""
    rivals = [
        a
        for a in assignments
        if a.criterion == assignment.criterion
        and a.assigned_on <= as_of
        and a.assignment_id != assignment.assignment_id
    ]
    following = [a.assigned_on for a in rivals if a.rep == assignment.rep and a.assigned_on > assignment.assigned_on]
    until = min(following, default=as_of)
    done = assignment.completed_on
    after: dict[str, list[int]] = defaultdict(list)
    calls_before, calls_after = [], []
    for row in rows:
        if row.rep == assignment.rep and row.date and row.date <= assignment.assigned_on:
            calls_before.append(row.call_id)
        if done and row.date and done < row.date <= until:
            after[row.rep].append(row.level)
            if row.rep == assignment.rep:
                calls_after.append(row.call_id)
    trained = {assignment.rep, *(a.rep for a in rivals)}
    peers = [
        rep
        for rep, standing in sorted(before.items())
        if rep not in trained and standing.n >= MIN_PEER_CALLS and len(after[rep]) >= MIN_PEER_CALLS
    ]
    mine, levels = before.get(assignment.rep), after[assignment.rep]
    missing = _missing(assignment, len(calls_before), len(levels), len(peers))
    if missing or mine is None or done is None:
        effect = _too_early(assignment, missing, len(calls_before), mine, levels, len(peers))
    else:
        changes = [_change(before[rep], after[rep]) for rep in peers]
        effect = _measured(assignment, mine, levels, changes, (frozenset(peers), done, until))
    return dataclasses.replace(effect, calls_before=tuple(calls_before), calls_after=tuple(calls_after))


def module_effects(effects: Iterable[Effect]) -> tuple[ModuleEffect, ...]:
    """Effects pooled by module (random effects, DerSimonian & Laird), so that a bad module is seen; by module id."""
    grouped: dict[tuple[str, str], list[Effect]] = defaultdict(list)
    for effect in effects:
        measured = grouped[effect.module, effect.criterion]
        if effect.effect is not None:
            measured.append(effect)
    found = []
    for (module, criterion), mine in sorted(grouped.items()):
        ids = tuple(effect.assignment_id for effect in mine)
        if len(mine) < MIN_EFFECTS:
            missing = f"{len(mine)} measured, {MIN_EFFECTS} needed"
            found.append(ModuleEffect(module, criterion, len(mine), TOO_EARLY, assignments=ids, reason=missing))
            continue
        mean, variance = _pooled(mine)
        reach = _Z90 * variance**0.5
        low, high = mean - reach, mean + reach
        found.append(ModuleEffect(module, criterion, len(mine), _verdict(low, high), mean, low, high, ids))
    return tuple(found)


def _pooled(effects: Sequence[Effect]) -> tuple[float, float]:
    """Mean of measured effects and its variance. What the peers' change is off by is in all effects that were held
    against it and does not average out: only the rest of each variance does."""
    against = [effect.against for effect in effects if effect.against]
    own = [
        (e.effect or 0.0, max((e.variance or 0.0) - (e.against.variance if e.against else 0.0), 1e-6)) for e in effects
    ]
    mean, variance, between = _pool(own)
    weights = [1 / (rest + between) for _, rest in own]
    total = sum(weights)
    return mean, variance + _shared(weights, against) / total**2


def _shared(weights: Sequence[float], against: Sequence[Against]) -> float:
    """Variance of the weighted sum of the peers' mean changes: the same peers over the same days err the same way.

    Summed up by peer and day, since pair by pair some thousand effects take minutes.
    """
    place = {rep: n for n, rep in enumerate(sorted({rep for one in against for rep in one.peers}))}
    first, last = min(one.start for one in against), max(one.end for one in against)
    steps = np.zeros((len(place), (last - first).days + 1))
    for weight, one in zip(weights, against, strict=True):
        share = weight * math.sqrt(one.variance / (len(one.peers) * (one.end - one.start).days))
        reps = [place[rep] for rep in one.peers]
        steps[reps, (one.start - first).days] += share
        steps[reps, (one.end - first).days] -= share
    return float((steps.cumsum(axis=1) ** 2).sum())


def _missing(assignment: Assignment, n_before: int, n_after: int, n_peers: int) -> str:
    """What keeps the effect from being measured, or an empty string."""
    # one that was taken back has a day on which it ended, too
    if assignment.completed_on is None or assignment.status != "done":
        return f"the training is {assignment.status}, not completed"
    if n_before < MIN_BEFORE:
        return f"{counted(n_before, 'scored call')} before, {MIN_BEFORE} needed"
    if n_after < MIN_AFTER:
        return f"{counted(n_after, 'scored call')} since completion, {MIN_AFTER} needed"
    if n_peers < MIN_PEERS:
        return f"{counted(n_peers, 'untrained peer')} with calls before and after, {MIN_PEERS} needed"
    return ""


def _too_early(
    assignment: Assignment, reason: str, n_before: int, mine: Standing | None, levels: Sequence[int], peers: int
) -> Effect:
    return Effect(
        assignment_id=assignment.assignment_id,
        rep=assignment.rep,
        criterion=assignment.criterion,
        module=assignment.module,
        verdict=TOO_EARLY,
        reason=reason,
        n_before=n_before,
        n_after=len(levels),
        peers=peers,
        before=mine.estimate if mine else None,
        after=sum(levels) / len(levels) if levels else None,
    )


def _change(before: Standing, after: Sequence[int]) -> tuple[float, float]:
    """A rep's change and its variance."""
    return sum(after) / len(after) - before.estimate, before.sd**2 + before.call_sd**2 / len(after)


def _measured(
    assignment: Assignment,
    mine: Standing,
    levels: Sequence[int],
    peer_changes: Sequence[tuple[float, float]],
    beside: tuple[frozenset[str], dt.date, dt.date],
) -> Effect:
    """`beside` names the peers, and the days after which and up to which their calls count."""
    change, variance = _change(mine, levels)
    peer_change, peer_variance, differing = _pool(peer_changes)
    total = variance + differing + peer_variance
    effect, reach = change - peer_change, _Z90 * total**0.5
    low, high = effect - reach, effect + reach
    return Effect(
        assignment_id=assignment.assignment_id,
        rep=assignment.rep,
        criterion=assignment.criterion,
        module=assignment.module,
        verdict=_verdict(low, high),
        reason=f"{mine.n} calls before, {len(levels)} after, against {counted(len(peer_changes), 'untrained peer')}",
        n_before=mine.n,
        n_after=len(levels),
        peers=len(peer_changes),
        before=mine.estimate,
        after=sum(levels) / len(levels),
        change=change,
        peer_change=peer_change,
        effect=effect,
        low=low,
        high=high,
        variance=total,
        against=Against(peer_variance, *beside),
    )


def _verdict(low: float, high: float) -> str:
    return "improved" if low > 0 else "worse" if high < 0 else "no clear effect"


def _pool(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Random-effects mean of (value, variance) pairs: the mean, its variance, and the variance between the values."""
    weights = [1 / variance for _, variance in pairs]
    total = sum(weights)
    mean = sum(w * value for w, (value, _) in zip(weights, pairs, strict=True)) / total
    q = sum(w * (value - mean) ** 2 for w, (value, _) in zip(weights, pairs, strict=True))
    spare = total - sum(w * w for w in weights) / total
    between = max(0.0, (q - (len(pairs) - 1)) / spare) if spare > 0 else 0.0
    weights = [1 / (variance + between) for _, variance in pairs]
    total = sum(weights)
    return sum(w * value for w, (value, _) in zip(weights, pairs, strict=True)) / total, 1 / total, between
