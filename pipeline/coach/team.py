"""A team at a glance: everybody's standings and gaps, how they were a week ago, and since when a gap is there.

One fit serves all that is shown of it. `picture_of` is a pure function of scores; what takes long is the fit, so pages
have it worked out in the background (`pipeline/web/backroom.py`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.coach.gaps import Gap, criterion_shares, gaps_among, rubric_targets
from pipeline.coach.rows import ScoredCall
from pipeline.coach.standings import Standing, standings
from pipeline.coach.targets import FairTarget, fair_targets
from pipeline.rubric import Rubric

WEEK = 7
MOVED = 0.2
"""A standing that moved by less within a week is not worth a line."""
AT_TARGET = 2
"""So many calls in a row at the target end the time that a gap is counted from."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Since:
    """Since when a rep's calls have been below the target: the day of the first of `calls`, `low` of them below.

    `always` where that is the first scored call with a date there is. Without a day: no call has a date (`always`), or
    the newest ones reached the target.
    """

    day: dt.date | None
    calls: int
    low: int
    always: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a week did to one standing: `before` and `after` in levels, over `calls` new calls; `gap` is `new`,
    `closed` or empty."""

    standing: Standing
    before: float | None
    calls: tuple[str, ...]
    gap: str

    @property
    def by(self) -> float:
        """Levels up or down."""
        return 0.0 if self.before is None else self.standing.estimate - self.before


@dataclass(frozen=True, slots=True)
class Picture:
    """Everybody's standings over one selection of calls; `newest` is the day of its newest call.

    `gaps`, the largest expected lift first; `since` per gap; `before` the standings of a week earlier and `fair` the
    targets checked against peers, both only where they were asked for.
    """

    standings: tuple[Standing, ...] = ()
    gaps: tuple[Gap, ...] = ()
    since: Mapping[Key, Since] = field(default_factory=dict)
    before: tuple[Standing, ...] = ()
    fair: tuple[FairTarget, ...] = ()
    newest: dt.date | None = None
    days: Mapping[str, dt.date] = field(default_factory=dict)
    """The day of each call of the last week."""
    changes: tuple[Change, ...] = ()
    """What moved in the last week, where `before` was asked for: new gaps first, then closed ones, then by how far."""


def picture_of(
    scores: Sequence[ScoredCall],
    rubric: Rubric,
    *,
    target: float | None = None,
    days: int | None = None,
    call_type: str | None = None,
    whole: bool = False,
) -> Picture:
    """The picture over these scores: of the last `days` up to the newest call, of one `call_type`, or of all.

    `whole` also looks a week back and checks targets against peers. `target` is that of `find_gaps`.
    """
    newest = max((row.date for row in scores if row.date), default=None)
    since = newest - dt.timedelta(days) if days is not None and newest else None
    rows = [
        row
        for row in scores
        if (since is None or (row.date and row.date > since)) and call_type in (None, row.call_type)
    ]
    targets = rubric_targets(rubric, target=target)
    found = tuple(s for s in standings(rows, targets=targets) if s.criterion in targets)
    gaps = gaps_among(found, criterion_shares(rows, rubric), rubric)
    week_ago = newest - dt.timedelta(WEEK) if newest else None
    days_of = {row.call_id: row.date for row in rows if row.date and week_ago and row.date > week_ago}
    before: tuple[Standing, ...] = ()
    changes: tuple[Change, ...] = ()
    if whole and week_ago:
        older = [row for row in rows if row.date is None or row.date <= week_ago]
        before = tuple(s for s in standings(older, targets=targets) if s.criterion in targets)
        gaps_before = gaps_among(before, criterion_shares(older, rubric), rubric)
        changes = tuple(_changes(found, gaps, before, gaps_before, days_of))
    return Picture(
        standings=found,
        gaps=gaps,
        since=_since(rows, gaps, scores),
        before=before,
        fair=fair_targets(rows, targets, found=found) if whole else (),
        newest=newest,
        days=days_of,
        changes=changes,
    )


def _changes(
    found: Iterable[Standing],
    gaps: Iterable[Gap],
    before: Iterable[Standing],
    gaps_before: Iterable[Gap],
    new_calls: Mapping[str, dt.date],
) -> list[Change]:
    old = {(s.rep, s.criterion): s.estimate for s in before}
    now, then = ({(gap.rep, gap.criterion) for gap in part} for part in (gaps, gaps_before))
    opened, closed = now - then, then - now
    changes = []
    for s in found:
        key = (s.rep, s.criterion)
        calls = tuple(call_id for call_id in s.call_ids if call_id in new_calls)
        gap = "new" if key in opened else "closed" if key in closed else ""
        change = Change(s, old.get(key), calls, gap)
        if calls and (gap or abs(change.by) >= MOVED):
            changes.append(change)
    order = {"new": 0, "closed": 1, "": 2}
    return sorted(changes, key=lambda c: (order[c.gap], -abs(c.by), c.standing.rep, c.standing.criterion))


def _since(rows: Iterable[ScoredCall], gaps: Sequence[Gap], scores: Iterable[ScoredCall]) -> dict[Key, Since]:
    """Since when each gap is there among `rows`, a selection of all `scores`."""
    wanted = {(gap.rep, gap.criterion): gap.standing.target for gap in gaps}
    every = Counter((row.rep, row.criterion) for row in scores)
    calls: dict[Key, list[ScoredCall]] = defaultdict(list)
    for row in rows:
        if (row.rep, row.criterion) in wanted:
            calls[row.rep, row.criterion].append(row)
    found = {key: low_since(calls[key], target) for key, target in wanted.items()}
    # the first call of a period is not the first that there is; that none has a date is so all the same
    return {
        key: dataclasses.replace(since, always=since.always and (not since.day or len(calls[key]) == every[key]))
        for key, since in found.items()
    }


def low_since(calls: Sequence[ScoredCall], target: float) -> Since:
    """Back from the newest call, as long as no `AT_TARGET` calls in a row reached the target.

    Calls without a date cannot say when, and are left out.
    """
    ordered = sorted((row for row in calls if row.date), key=lambda row: (row.date or dt.date.min, row.call_id))
    start, reached = len(ordered), 0
    for place in range(len(ordered) - 1, -1, -1):
        reached = reached + 1 if ordered[place].level >= target else 0
        if reached == AT_TARGET:
            break
        if not reached:
            start = place
    run = ordered[start:]
    return Since(run[0].date if run else None, len(run), sum(row.level < target for row in run), start == 0)
