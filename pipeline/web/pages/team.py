"""The team: who needs help most, on what and since when; everybody's standings; what the week changed; what to review.

The first page of those who lead. Its standings come from `Desk.picture`, made in the background; the rest is asked of
the store with a limit.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from pipeline.access.people import LEADERS
from pipeline.coach.gaps import Gap
from pipeline.coach.standings import Standing
from pipeline.coach.team import WEEK, Change, Picture
from pipeline.days import latest
from pipeline.reviews import open_disputes
from pipeline.web.ask import Ask, Html, get, page_at
from pipeline.web.render import day

PERIODS: dict[str, tuple[str, int | None]] = {
    "": ("all calls", None),
    "30": ("last 30 days", 30),
    "90": ("last 90 days", 90),
    "365": ("last year", 365),
}
"""What the calls can be narrowed to, by the query's value: words and days up to the newest call."""

REPS = 30
FIRST = 3
CHANGES = 8
REVIEW = 8
REVIEW_DAYS = 30
DROP = 15.0
"""Points of 100 below the rep's mean from which a call is worth hearing."""
DROP_CALLS = 5
TRAINING = 8

Row = dict[str, Any]

_TYPES = "SELECT DISTINCT call_type FROM calls c WHERE call_type IS NOT NULL AND ({where}) ORDER BY 1"
_NEWEST = """
SELECT max(call_date) AS day FROM calls c WHERE status = 'scored' AND call_date <= $latest AND ({where})
"""
_HEADS = """
SELECT assignment_id, rep, criterion, module, title, status, assigned_on, due_on, completed_on FROM assignments
ORDER BY assigned_on, assignment_id
"""
_CALL = "c.call_id, c.rep, c.account, c.call_date"
_DISPUTES = """
SELECT r.call_id, r.criterion, r.kind, r.who, r.why, r.reviewed_at, c.rep, c.account, c.call_date
FROM reviews r JOIN calls c USING (call_id)
SEMI JOIN criterion_scores s ON s.call_id = r.call_id AND s.criterion = r.criterion
WHERE r.kind IN ('dispute', 'override') AND ({where}) AND c.rep IN (SELECT unnest($reps::VARCHAR[]))
  AND r.call_id IN (SELECT call_id FROM reviews WHERE kind = 'dispute')
"""
_DROPS = f"""
WITH usual AS (
    SELECT rep, sum(sum_overall) / sum(n_overall) AS mean, sum(n_overall) AS n FROM call_weeks GROUP BY rep
    HAVING sum(n_overall) >= {DROP_CALLS}
)
SELECT {_CALL}, c.overall, u.mean, u.n FROM calls c JOIN usual u USING (rep)
WHERE c.call_date > $since AND c.call_date <= $latest AND c.overall <= u.mean - {DROP} AND ({{where}})
  AND c.rep IN (SELECT unnest($reps::VARCHAR[]))
ORDER BY c.overall - u.mean, c.call_id LIMIT $limit
"""
_UNSURE = f"""
SELECT {_CALL}, count(*) FILTER (s.status = 'abstained') AS unsure, count(*) AS n
FROM calls c JOIN criterion_scores s USING (call_id)
WHERE c.call_date > $since AND c.call_date <= $latest AND c.status = 'scored' AND ({{where}})
  AND c.rep IN (SELECT unnest($reps::VARCHAR[]))
GROUP BY ALL HAVING unsure > 0 ORDER BY unsure DESC, c.call_date DESC, c.call_id LIMIT $limit
"""
_UNHEARD = f"""
SELECT {_CALL}, c.reason FROM calls c
WHERE c.call_date > $since AND c.call_date <= $latest AND c.status IN ('abstained', 'review') AND ({{where}})
  AND c.rep IN (SELECT unnest($reps::VARCHAR[]))
ORDER BY c.call_date DESC, c.call_id LIMIT $limit
"""


def team(ask: Ask, *, team: str = "", period: str = "", call_type: str = "", stage: str = "", page: int = 1) -> Html:
    """The team's page; `team`, `period`, `call_type` and `stage` narrow who needs help and the table of standings."""
    words, days = PERIODS.get(period, PERIODS[""])
    whole = ask.desk.picture()
    shown = whole if days is None and not call_type else ask.desk.picture(days=days, call_type=call_type or None)
    heads = {card["rep"]: card for card in ask.desk.scorecards() if ask.scope.sees_rep(card["rep"])}
    reps = {name for name, card in heads.items() if team in ("", card["team"])}
    criteria = [item for item in ask.desk.rubric.criteria if stage in ("", item.stage)]
    known = _training(ask, reps)
    ids = {item.id for item in criteria}
    rows = _heat(shown.value, heads, reps, ids)
    at = page_at(page, most=max(1, -(-len(rows) // REPS)))
    gaps = [gap for gap in shown.value.gaps if gap.rep in reps and gap.criterion in ids]
    newest = _newest(ask)
    lately = f"{words}, {stretch(whole.value.newest, days, newest)}" if days and whole.value.newest else ""
    return ask.show(
        "team.html",
        any=bool(heads),
        teams=sorted({card["team"] for card in heads.values() if card["team"]}),
        types=[
            row["call_type"] for row in ask.store.query(_TYPES.format(where=ask.scope.where("c")), ask.scope.params)
        ],
        stages=list(dict.fromkeys(item.stage for item in ask.desk.rubric.criteria)),
        periods={value: text for value, (text, _) in PERIODS.items()},
        asked={"team": team, "period": period if period in PERIODS else "", "call_type": call_type, "stage": stage},
        narrowed=", ".join(part for part in (lately, call_type, stage) if part),
        criteria=[(item.id, item.title) for item in criteria],
        rows=rows[(at - 1) * REPS : at * REPS],
        total=len(rows),
        page=at,
        pages=max(1, -(-len(rows) // REPS)),
        gaps=sum(gap.rep in heads for gap in whole.value.gaps),
        everybody=len(heads),
        first=_first(ask, shown.value, gaps, known),
        more=len({gap.rep for gap in gaps}) - FIRST,
        changes=[
            _change(ask, item)
            for item in whole.value.changes
            if item.standing.rep in reps and item.standing.criterion in ids
        ][:CHANGES],
        days=whole.value.days,
        week=stretch(whole.value.newest, WEEK, newest) if whole.value.newest else "",
        newest=newest,
        review=_review(ask, reps, newest),
        titles=ask.desk.rubric.titles,
        training=known,
        as_of=shown,
    )


def _newest(ask: Ask) -> dt.date | None:
    """The day of the newest scored call that the user sees: another team's is nobody else's business."""
    asked = {**ask.scope.params, "latest": latest()}
    found: dt.date | None = ask.desk.rows(_NEWEST.format(where=ask.scope.where("c")), asked)[0]["day"]
    return found


def stretch(end: dt.date, days: int, newest: dt.date | None) -> str:
    """So many days up to `end`, the newest call of all, as dates; up to the `newest` that the user sees."""
    start = end - dt.timedelta(days - 1)
    return f"{day(start)} to {day(newest)}" if newest and newest >= start else f"since {day(start)}"


def _heat(picture: Picture, heads: dict[str, Row], reps: set[str], criteria: set[str]) -> list[Row]:
    """A row per rep: the standings by criterion, whoever has most to gain first."""
    cells: dict[str, dict[str, Standing]] = defaultdict(dict)
    for standing in picture.standings:
        if standing.rep in reps and standing.criterion in criteria:
            cells[standing.rep][standing.criterion] = standing
    lift: dict[str, float] = defaultdict(float)
    gaps: dict[str, set[str]] = defaultdict(set)
    for gap in picture.gaps:
        if gap.criterion in criteria:
            lift[gap.rep] += gap.expected_lift
            gaps[gap.rep].add(gap.criterion)
    return [
        {
            "rep": name,
            "team": heads[name]["team"],
            "calls": sum(heads[name]["calls"].values()),
            "cells": cells[name],
            "gaps": gaps[name],
        }
        for name in sorted(reps, key=lambda name: (-lift[name], name))
    ]


def _first(ask: Ask, picture: Picture, gaps: list[Gap], training: Row) -> list[Row]:
    """The largest gap of each of the first few reps, with since when, and what was done about it: the training that is
    open for it, and the last one that was finished, for it where there is one."""
    seen: dict[str, Gap] = {}
    for gap in gaps:
        seen.setdefault(gap.rep, gap)
    found = []
    for gap in list(seen.values())[:FIRST]:
        mine = [row for row in training["all"] if row["rep"] == gap.rep]
        done = [row for row in mine if row["status"] == "done"]
        done.sort(key=lambda row: (row["criterion"] == gap.criterion, row["completed_on"]))
        found.append(
            {
                "gap": gap,
                "title": ask.desk.rubric.criterion(gap.criterion).title,
                "since": picture.since.get((gap.rep, gap.criterion)),
                "open": next((r for r in mine if r["status"] == "open" and r["criterion"] == gap.criterion), None),
                "elsewhere": [r for r in mine if r["status"] == "open" and r["criterion"] != gap.criterion],
                "done": done[-1] if done else None,
                "others": [g for g in gaps if g.rep == gap.rep and g is not gap],
            }
        )
    return found


def _change(ask: Ask, change: Change) -> Row:
    return {"change": change, "title": ask.desk.rubric.criterion(change.standing.criterion).title}


def _training(ask: Ask, reps: set[str]) -> Row:
    """What is open, the most urgent first, and what the last finished ones did."""
    heads = ask.desk.rows(_HEADS, of=("assignments",))
    effects = {effect.assignment_id: effect for effect in ask.desk.effects()}
    mine = [{**row, "effect": effects.get(row["assignment_id"])} for row in heads if row["rep"] in reps]
    today = ask.desk.today()
    late = sorted((row for row in mine if row["status"] == "open"), key=lambda row: row["due_on"] or today)
    done = [row for row in mine if row["status"] == "done"]
    done.sort(key=lambda row: (row["effect"] is not None and row["effect"].effect is not None, row["completed_on"]))
    return {"all": mine, "today": today, "open": late, "done": done[::-1], "shown": TRAINING}


def _review(ask: Ask, reps: set[str], newest: dt.date | None) -> list[Row]:
    key = ("review", frozenset(reps), tuple(sorted(ask.scope.teams)), ask.scope.everything, newest)
    found: list[Row] = ask.desk.remember(key, lambda: review_first(ask, reps, newest), of=("calls", "reviews"))
    return found


def review_first(ask: Ask, reps: set[str], newest: dt.date | None) -> list[Row]:
    """Calls that a person should look at, each with why: open disputes, big drops, what the judge was unsure of."""
    where, params = ask.scope.where("c"), {**ask.scope.params, "reps": sorted(reps)}
    since = (newest or dt.date.today()) - dt.timedelta(REVIEW_DAYS)
    recent = {**params, "since": since, "latest": latest(), "limit": REVIEW}
    titles = ask.desk.rubric.titles
    found: list[Row] = [
        {
            **row,
            "kind": "disputed",
            "why": f"{row['who']} disputes {titles.get(row['criterion'], row['criterion']).lower()}: {row['why']}",
            "at": f"c-{row['criterion']}",
        }
        for row in open_disputes(ask.store.query(_DISPUTES.format(where=where), params))
    ]
    for row in ask.store.query(_DROPS.format(where=where), recent):
        why = f"{row['overall']:.0f} of 100, where the mean of {row['n']} calls is {row['mean']:.0f}"
        found.append({**row, "kind": "drop", "why": why})
    for row in ask.store.query(_UNHEARD.format(where=where), recent):
        found.append({**row, "kind": "not scored", "why": row["reason"]})
    for row in ask.store.query(_UNSURE.format(where=where), recent):
        why = f"the judge was unsure of {row['unsure']} of {row['n']} criteria"
        found.append({**row, "kind": "unsure", "why": why})
    once: dict[str, Row] = {}
    for row in found:
        once.setdefault(row["call_id"], row)
    return list(once.values())[:REVIEW]


ROUTES = (get("/team", team, who=LEADERS, logged=True),)
