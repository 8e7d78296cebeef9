"""Gaps: where a rep stands credibly below the target, ranked by what closing the gap would bring.

A gap needs all of it:

* at least `MIN_CALLS` scored calls on the criterion, one of good enough published quality (`load_rows`);
* a scored call of the rep within `HEARD_DAYS` of the newest of all: nobody is helped, or trained, who left;
* P(standing < target) >= `SURE`, with all calls and again with the lowest one left out: never one bad call;
* the rep's own calls alone say so too. A standing borrows from colleagues, and a rep who is at target in a weak team
  is pulled below it; so the one-sided p-values of the rep's own calls, one per criterion, must stand up together
  (Benjamini & Hochberg, J. R. Stat. Soc. B 57, 1995, at `FALSE_ALARMS`): of reps at target on everything, fewer than
  one in twenty gets any false gap at all.

`tests/test_coach_gaps.py` measures false alarms and hits on simulated reps.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.coach.rows import ScoredCall
from pipeline.coach.standings import Standing, standings
from pipeline.rubric import Rubric

SURE = 0.8
MIN_CALLS = 3
HEARD_DAYS = 180
FALSE_ALARMS = 0.025
"""Nominal; levels are whole numbers with a ceiling, so that the measured rate is a little higher: 2 to 4 %."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A rep's gap on one criterion.

    `level` is the level to train from, 0-4. `expected_lift` is what reaching the target would add to the rep's overall
    score, in points of 100: E[max(target - standing, 0)] x 25 x the mean share of the criterion in the rep's calls.
    `reason` is one sentence with the numbers.
    """

    standing: Standing
    level: int
    expected_lift: float
    reason: str

    @property
    def rep(self) -> str:
        """Whose gap it is."""
        return self.standing.rep

    @property
    def criterion(self) -> str:
        """What it is a gap in."""
        return self.standing.criterion


def rubric_targets(rubric: Rubric, *, target: float | None = None) -> dict[str, float]:
    """Each criterion's target level: the rubric's own, or `target` for all."""
    return {item.id: item.target if target is None else target for item in rubric.criteria}


def find_gaps(
    scores: Iterable[ScoredCall],
    rubric: Rubric,
    *,
    as_of: dt.date | None = None,
    target: float | None = None,
) -> tuple[Gap, ...]:
    """Every rep's gaps, the largest expected lift first.

    Criteria that the rubric does not know are left out. `as_of` leaves out later calls; `target` replaces the rubric's
    targets.
    """
    rows = [row for row in scores if as_of is None or row.date is None or row.date <= as_of]
    found = standings(rows, targets=rubric_targets(rubric, target=target))
    return gaps_among(found, criterion_shares(rows, rubric), rubric)


def gaps_among(found: Iterable[Standing], shares: Mapping[tuple[str, str], float], rubric: Rubric) -> tuple[Gap, ...]:
    """The gaps among standings that were worked out before, against the targets that they carry.

    `shares` are those of `criterion_shares` for the same calls.
    """
    titles = rubric.titles
    by_rep: dict[str, list[Standing]] = defaultdict(list)
    found = tuple(found)
    gone = not_heard(found)
    for standing in found:
        if standing.criterion in titles and standing.n >= MIN_CALLS and standing.rep not in gone:
            by_rep[standing.rep].append(standing)
    gaps = [
        _gap(standing, titles[standing.criterion], share=shares.get((standing.rep, standing.criterion), 0.0))
        for eligible in by_rep.values()
        for standing in credibly_below(eligible)
    ]
    return tuple(sorted(gaps, key=lambda gap: (-gap.expected_lift, gap.rep, gap.criterion)))


def not_heard(found: Iterable[Standing]) -> set[str]:
    """Reps whose last scored call is over `HEARD_DAYS` older than the newest of all; an undated call may be new."""
    last: dict[str, dt.date] = {}
    for standing in found:
        last[standing.rep] = max(last.get(standing.rep, dt.date.min), standing.last_call or dt.date.max)
    dated = [day for day in last.values() if day != dt.date.max]
    limit = max(dated, default=dt.date.min)
    return {rep for rep, day in last.items() if (limit - day).days > HEARD_DAYS}


def credibly_below(eligible: Sequence[Standing]) -> list[Standing]:
    """Which of one rep's eligible standings are gaps.

    Benjamini-Hochberg: of m p-values in rising order, all up to the last with p_(i) <= i / m * `FALSE_ALARMS` stand up.
    """
    ordered = sorted(eligible, key=lambda standing: -standing.p_below_alone)
    limits = [FALSE_ALARMS * rank / len(ordered) for rank in range(1, len(ordered) + 1)]
    passing = [i for i, s in enumerate(ordered) if 1 - s.p_below_alone <= limits[i]]
    standing_up = ordered[: passing[-1] + 1] if passing else []
    return [s for s in standing_up if s.p_below >= SURE and s.p_below_without_worst >= SURE]


def criterion_shares(rows: Iterable[ScoredCall], rubric: Rubric) -> Mapping[tuple[str, str], float]:
    """Per rep and criterion, the mean share (0-1) of the criterion's weight in the overall score of the rep's calls,
    in which what is for people to review counts, too."""
    weight = {item.id: item.weight for item in rubric.criteria}
    calls: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        calls[row.rep, row.call_id] |= {row.criterion, *row.beside}
    count: dict[str, int] = defaultdict(int)
    shares: dict[tuple[str, str], float] = defaultdict(float)
    for (rep, _), criteria in calls.items():
        count[rep] += 1
        total = sum(weight.get(name, 0.0) for name in criteria)
        for name in criteria:
            shares[rep, name] += weight.get(name, 0.0) / total if total else 0.0
    return {key: share / count[key[0]] for key, share in shares.items()}


def _gap(standing: Standing, title: str, *, share: float) -> Gap:
    below_target = math.ceil(standing.target) - 1
    return Gap(
        standing=standing,
        level=max(0, min(math.floor(standing.estimate + 0.5), below_target)),
        expected_lift=standing.shortfall * 25.0 * share,
        reason=(
            f"{title} at {standing.estimate:.1f} "
            f"(90 % interval {standing.low:.1f} to {standing.high:.1f}) over {standing.n} calls; "
            f"target {standing.target:.1f}, {_percent(standing.p_below)} sure to be below it"
        ),
    )


def _percent(p: float) -> str:
    return "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"
