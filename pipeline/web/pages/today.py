"""A rep's own first page: the last calls in two minutes, and what is open: training and promises.

One thing done well and one to work on, out of the calls of the newest day or of the one asked for (where no call has a
date, of those that came last), six of them at most; the words to try and a drill are those of the module that is
assigned for it, else of the one that would be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.coach.after import call_debrief
from pipeline.coach.standings import Standing
from pipeline.coach.team import Picture
from pipeline.coach.training import Library
from pipeline.days import iso_day
from pipeline.errors import NotThere
from pipeline.web.ask import Ask, Html, get
from pipeline.web.desk import Desk
from pipeline.web.pages.reps import goals_of, support_of

CALLS = 6
"""Calls of a day that are debriefed: the scored ones first, since the others say nothing to learn from."""
AROUND = 12
"""Earlier calls with the same account that a call's next step is seen from."""
PROMISES = 8

Row = dict[str, Any]

_DAYS = """
WITH mine AS (SELECT call_date AS day FROM calls WHERE rep = $rep AND call_date <= $today),
chosen AS (SELECT coalesce($day::DATE, max(day)) AS day, max(day) AS newest FROM mine)
SELECT c.day, c.newest, max(m.day) FILTER (m.day < c.day) AS before, min(m.day) FILTER (m.day > c.day) AS after
FROM chosen c LEFT JOIN mine m ON true GROUP BY ALL
"""
_CALLS = """
SELECT call_id, account, call_date, call_type, duration_s, status, reason, overall, count(*) OVER () AS of_day
FROM calls WHERE rep = $rep AND call_date IS NOT DISTINCT FROM $day::DATE
ORDER BY status <> 'scored', if($day::DATE IS NULL, -epoch(kept_at), epoch(kept_at)), call_id LIMIT $limit
"""
_AROUND = """
SELECT call_id FROM calls WHERE rep = $rep AND account = $account AND call_id <> $call
  AND (call_date <= $day OR call_date IS NULL)
ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit
"""


def today(ask: Ask, *, rep: str = "", day: str = "") -> Html:
    """The rep's last day with calls, or that `day`; those who lead choose whose they want to see."""
    name = ask.user.rep if ask.user.role == "rep" else rep
    if not name:
        heads = [card for card in ask.desk.scorecards() if ask.scope.sees_rep(card["rep"])]
        return ask.show("today_whose.html", reps=heads)
    ask.scope.require_rep(name)
    desk = ask.desk
    asked = {"rep": name, "today": desk.today(), "day": iso_day(day) if day else None}
    (days,) = ask.store.query(_DAYS, asked)
    shown = days["day"]
    calls = ask.store.query(_CALLS, {"rep": name, "day": shown, "limit": CALLS})
    if not calls and day:
        raise NotThere(f"{name} has no calls of {day}")
    if not calls:
        return ask.show("rep_empty.html", rep=name)
    whole: Picture = desk.picture().value
    # what is usual is told by earlier calls alone, as `debrief coach` has it
    usual = [s for s in whole.before if s.rep == name and shown and s.last_call and s.last_call < shown]
    library = desk.library()
    around = [_around(desk, name, call) for call in calls]
    # kept by the very calls that are read: none that was given to somebody else or erased since is shown as it was
    read = tuple((call["call_id"], *near) for call, near in zip(calls, around, strict=True))
    known = desk.glimpse(
        ("day", name, shown, read), lambda: _debriefs(desk, read, usual, library), of=("calls",), wait_s=0.1
    )
    support = support_of(ask, name)
    training = [row for row in desk.training(name) if row["status"] == "open"]
    return ask.show(
        "today.html",
        rep=name,
        own=ask.user.rep == name,
        day=shown,
        yesterday=shown is not None and desk.today() - shown == dt.timedelta(1),
        newest=shown == days["newest"],
        before=days["before"],
        after=days["after"],
        calls=calls,
        pick=None if known is None else pick(known.value, training, library.modules),
        waiting=known is None,
        training=training,
        promises=None if support is None else due(support["made"], desk.today()),
        goals=goals_of(desk.rubric),
    )


def _around(desk: Desk, rep: str, call: Row) -> list[str]:
    asked = {"rep": rep, "account": call["account"], "call": call["call_id"], "day": call["call_date"]}
    return [row["call_id"] for row in desk.rows(_AROUND, {**asked, "limit": AROUND})]


def _debriefs(desk: Desk, read: Iterable[tuple[str, ...]], usual: list[Standing], library: Library) -> list[Row]:
    """Of each call, the first of the ids in a part of `read`, seen from those that follow."""
    found, customers = [], desk.firms["customers"]
    for ids in read:
        rows = desk.rows_of(ids)
        made = call_debrief(rows, ids[0], desk.rubric, library, usual=usual, customers=customers)
        if made and made["status"] == "scored":
            found.append(made)
    return found


def pick(debriefs: list[Row], training: list[Row], modules: Any) -> Row:
    """Of a day's debriefs the best thing and the one most worth working on, with the module that teaches it."""
    worked = [(call, item) for call in debriefs for item in call["worked"]]
    change = [(call, item) for call in debriefs for item in call["next_time"]]
    # what training is open for comes first: two things at once are none
    given = {row["criterion"]: row for row in training}
    change.sort(key=lambda pair: (pair[1]["criterion"] not in given, pair[1]["level"]))
    worked.sort(key=lambda pair: (-pair[1]["level"], pair[1]["moment"] is None))
    module = None
    if change:
        wanted = change[0][1]
        row = given.get(wanted["criterion"])
        module = modules.get(row["module"]) if row else None
        module = module or modules.get(wanted["module"])
    return {
        "worked": worked[0] if worked else None,
        "change": change[0] if change else None,
        "module": module.to_json() if module else None,
        "scored": len(debriefs),
        "next": [call for call in debriefs if call["next_call"]],
    }


def due(made: list[Row], now: dt.date) -> list[Row]:
    """The rep's own promises that no call has shown to be kept: those with a day first, the most urgent first.

    A day to meet that is over is none of them: it may have been kept in person.
    """
    own = [row for row in made if row["side"] == "rep" and not row["colleague"]]
    own = [row for row in own if (row["kind"], row["status"]) != ("meeting", "overdue")]
    mine = [row for row in own if row["status"] in ("open", "overdue", "moved", "not kept")]
    day = {id(row): row["moved_to"] or row["due"] for row in mine}
    return sorted(mine, key=lambda row: (not day[id(row)], day[id(row)] or "", row["made_on"] or ""))[:PROMISES]


ROUTES: tuple[Any, ...] = (get("/today", today, who=EVERYONE, logged=True),)
