"""Targets that a rep can reach: checked against what peers with the same mix of calls reach.

A renewal is easier to score on some criteria than a cold first call, so a rep who makes mostly one kind is compared
with what each peer would stand at over that kind: the peer's standing plus the difference of the two call mixes times
the effect of each call type. A type's effect is the mean distance of its calls from their reps' standings, drawn to
zero by `TYPE_PRIOR` calls.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.coach.gaps import MIN_CALLS
from pipeline.coach.rows import QuotaRow, ScoredCall
from pipeline.coach.standings import Standing, standings
from pipeline.wording import hundredths

MIN_PEERS = 3
TYPE_PRIOR = 4.0
"""Calls that a type's effect must outweigh."""
SAME_MIX = 0.5
"""Overlap of two reps' call mixes, 0-1, from which their quotas are compared."""
BEHIND = 0.8
"""Share of the pace a quota asks for under which it counts as behind."""
EARLY = 0.15
"""Share of a quota's time before which nobody is ahead or behind: two weeks of a quarter."""
STEP = 0.75
"""The most a next target asks for above the present standing, in levels."""


@dataclass(frozen=True, slots=True)
class FairTarget:
    """A target level checked: how many of `peers` stand at it over this rep's mix of calls (`reached_by`).

    `verdict` is `fair`, `out of reach` (neither a peer nor the rep is there) or `too few peers`; `next` is the level to
    ask for next: the target itself, or what a quarter of the peers reach, and never more than `STEP` above today.
    """

    rep: str
    criterion: str
    target: float
    standing: float
    n: int
    peers: int
    reached_by: int
    peer_best: float | None
    next: float
    verdict: str
    call_ids: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields, levels rounded to two places."""
        row = {name: getattr(self, name) for name in self.__slots__}
        plain = {name: hundredths(v) if isinstance(v, float) else v for name, v in row.items()}
        return {**plain, "call_ids": list(self.call_ids)}


def fair_targets(
    scores: Iterable[ScoredCall],
    targets: Mapping[str, float],
    *,
    rep: str | None = None,
    found: Iterable[Standing] | None = None,
) -> tuple[FairTarget, ...]:
    """Each rep's target on each criterion of `targets` with at least 3 scored calls, checked against peers.

    `found` are the standings of these scores where they were worked out before.
    """
    rows: dict[str, list[ScoredCall]] = defaultdict(list)
    for row in scores:
        if row.criterion in targets:
            rows[row.criterion].append(row)
    known = standings((row for part in rows.values() for row in part), targets=targets) if found is None else found
    by_criterion: dict[str, list[Standing]] = defaultdict(list)
    for standing in known:
        if standing.criterion in targets and standing.n >= MIN_CALLS:
            by_criterion[standing.criterion].append(standing)
    made = []
    for criterion, group in by_criterion.items():
        types: dict[str, list[str | None]] = defaultdict(list)
        for row in rows[criterion]:
            types[row.rep].append(row.call_type)
        mixes = {s.rep: mix_of(types[s.rep]) for s in group}
        effects = type_effects(rows[criterion], {s.rep: s.estimate for s in group})
        made += [_checked(s, group, mixes, effects, targets[criterion]) for s in group if rep in (None, s.rep)]
    return tuple(sorted(made, key=lambda item: (item.rep, item.criterion)))


def mix_of(types: Collection[str | None]) -> dict[str | None, float]:
    """Shares of call types, summing to 1; the unknown type is one of them."""
    return {name: count / len(types) for name, count in Counter(types).items()}


def type_effects(scores: Sequence[ScoredCall], standing: Mapping[str, float]) -> dict[str | None, float]:
    """How much higher (levels) calls of each type come out than their reps' standings, drawn to zero."""
    away: dict[str | None, list[float]] = defaultdict(list)
    for row in scores:
        if row.rep in standing:
            away[row.call_type].append(row.level - standing[row.rep])
    return {name: sum(values) / (len(values) + TYPE_PRIOR) for name, values in away.items()}


def _checked(
    mine: Standing,
    group: Sequence[Standing],
    mixes: Mapping[str, Mapping[str | None, float]],
    effects: Mapping[str | None, float],
    target: float,
) -> FairTarget:
    def over_my_mix(peer: Standing) -> float:
        own, theirs = mixes[mine.rep], mixes[peer.rep]
        return peer.estimate + sum((own.get(t, 0.0) - theirs.get(t, 0.0)) * effect for t, effect in effects.items())

    peers = sorted((over_my_mix(peer) for peer in group if peer.rep != mine.rep), reverse=True)
    # a standing is uncertain by half a level or so: one that rounds to the target counts as there
    there = target - 0.25
    reached = sum(level >= there for level in peers)
    attainable = bool(reached) or mine.estimate >= there
    verdict = "too few peers" if len(peers) < MIN_PEERS else "fair" if attainable else "out of reach"
    reachable = peers[len(peers) // 4] if peers else target
    asked = target if verdict != "out of reach" else min(target, max(reachable, mine.estimate))
    return FairTarget(
        rep=mine.rep,
        criterion=mine.criterion,
        target=target,
        standing=mine.estimate,
        n=mine.n,
        peers=len(peers),
        reached_by=reached,
        peer_best=peers[0] if peers else None,
        next=max(min(asked, mine.estimate + STEP), min(mine.estimate, target)),
        verdict=verdict,
        call_ids=mine.call_ids,
    )


@dataclass(frozen=True, slots=True)
class QuotaCheck:
    """A quota beside those of peers with a like mix of calls: how many of `peers` reached theirs (`reached_by`).

    `pace` is the result as a share of what is due by now (None: no result yet, nothing is due, or it is too `early` to
    say); `fair` is None with too few peers, or so early.
    """

    quota: QuotaRow
    pace: float | None
    peers: int
    reached_by: int
    fair: bool | None
    early: bool = False


def check_quota(
    quota: QuotaRow,
    quotas: Sequence[QuotaRow],
    mixes: Mapping[str, Mapping[str | None, float]],
    *,
    elapsed: float,
) -> QuotaCheck:
    """A quota's pace, `elapsed` (0-1) of its time gone, and whether peers with the same mix of calls keep such a pace.

    Peers count with the same measure over the same days. A target is fair where one of at least 3 peers, or the rep,
    would not be behind with it: a result of at least `BEHIND` of what is due of this target by now. `reached_by` are
    those with all that is due.
    """
    alike = [
        other
        for other in quotas
        if other.rep != quota.rep
        and (other.measure, other.starts_on, other.ends_on) == (quota.measure, quota.starts_on, quota.ends_on)
        and other.result is not None
        and overlap(mixes.get(quota.rep, {}), mixes.get(other.rep, {})) >= SAME_MIX
    ]
    due = quota.target * max(elapsed, 1e-9)
    reached = sum((other.result or 0.0) >= due for other in alike)
    in_reach = any((one.result or 0.0) >= BEHIND * due for one in (quota, *alike))
    early = elapsed < EARLY and not (quota.result is not None and quota.result >= quota.target)
    return QuotaCheck(
        quota=quota,
        early=early,
        pace=quota.result / due if quota.result is not None and due and not early else None,
        peers=len(alike),
        reached_by=reached,
        fair=None if early or len(alike) < MIN_PEERS else in_reach,
    )


def overlap(one: Mapping[str | None, float], other: Mapping[str | None, float]) -> float:
    """How alike two call mixes are: the shared part of their shares, 0-1."""
    return sum(min(share, other.get(name, 0.0)) for name, share in one.items())
