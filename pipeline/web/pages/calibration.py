"""Calibration: people score calls without seeing the machine's levels; how far the two agree, and where they do not."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from models.judge_card import QUALITY
from pipeline.access.people import LEADERS
from pipeline.calibration import calibration_rows, reviews_in, to_review_blind
from pipeline.errors import NotThere, ReviewError
from pipeline.reviews import Review, review_of
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.render import path_part

OFFERED = 200
"""Calls that are looked through for one whose page the user has not opened."""
APART = 2
"""Levels between machine and person from which on a review is listed."""
LISTED = 30
_WIDTH, _HEIGHT = 560.0, 150.0

_APART = """
SELECT r.call_id, r.criterion, r.level, r.machine_level, r.who, r.why, r.reviewed_at::VARCHAR AS reviewed_at,
       c.rep, c.account, c.call_date,
       -- or it is offered to nobody any more
       r.call_id IN (SELECT unnest($opened::VARCHAR[])) OR c.status <> 'scored' OR c.n_turns = 0 OR r.call_id IN (
           SELECT call_id FROM reviews WHERE kind = 'blind' AND lower(who) = lower($who)
       ) AS seen
FROM reviews r JOIN calls c USING (call_id)
WHERE r.kind = 'blind' AND ({where}) AND abs(r.level - r.machine_level) >= $apart
ORDER BY seen DESC, abs(r.level - r.machine_level) DESC, r.reviewed_at DESC, r.review_id LIMIT $limit
"""
_MINE = """
SELECT r.call_id, c.rep, c.account, c.call_date, max(r.reviewed_at)::DATE AS day, count(*) AS n,
       count(*) FILTER (r.level = r.machine_level OR (r.na AND r.machine_status = 'na')) AS same
FROM reviews r JOIN calls c USING (call_id)
WHERE r.kind = 'blind' AND lower(r.who) = lower($who) AND ({where})
GROUP BY ALL ORDER BY day DESC, r.call_id LIMIT $limit
"""


def overview(ask: Ask) -> Html:
    """Agreement per criterion and over time, and what to do about it."""
    where = ask.scope.where("c")
    values = {"apart": APART, "who": ask.user.name, "opened": sorted(_opened(ask)), "limit": LISTED}
    apart = ask.store.query(_APART.format(where=where), {**ask.scope.params, **values})
    return ask.show(
        "calibration.html",
        **figures(ask),
        apart=[row for row in apart if row["seen"]],
        # a call that the user may be offered next: its levels are not told before
        unseen={row["call_id"]: row["account"] for row in apart if not row["seen"]},
        titles=ask.desk.rubric.titles,
        mine=ask.store.query(_MINE.format(where=where), {**ask.scope.params, "who": ask.user.name, "limit": LISTED}),
        floor=ask.settings.quality_floor,
        judge=ask.settings.judge,
    )


def figures(ask: Ask) -> dict[str, Any]:
    """What the page and the API show: per criterion what is published and what was measured here; the months."""
    found, overridden = ask.desk.remember("calibration", lambda: _counted(reviews_in(ask.store)))
    rows = [row for row in found if row["n"]]
    whole = {(row["kind"], row["criterion"]): row for row in rows if row["period"] == "all"}
    public = published() if ask.settings.judge == "embedded" else {}
    known = {item.id: item for item in ask.desk.rubric.criteria}
    names = [*known, *sorted(({row["criterion"] for row in rows} | {*overridden}) - {"all", *known})]
    criteria = []
    for name in names:
        item = known.get(name)
        trained = item is not None and item.judge == "trained"
        criteria.append(
            {
                "criterion": name,
                "title": item.title if item else name,
                "published": public.get(item.same_as) if item and trained else None,
                "for_people": bool(item and trained and item.same_as in ask.desk.for_people),
                "blind": whole.get(("blind", name)),
                "people": whole.get(("people", name)),
                "override": whole.get(("override", name)),
                "overridden": overridden[name],
            }
        )
    months = [row for row in rows if row["criterion"] == "all" and row["period"] != "all"]
    return {
        "criteria": criteria,
        "blind": whole.get(("blind", "all")),
        "people": whole.get(("people", "all")),
        "override": whole.get(("override", "all")),
        "months": {kind: [row for row in months if row["kind"] == kind] for kind in ("blind", "override")},
        "chart": chart([row for row in months if row["kind"] == "blind"]),
    }


def _counted(reviews: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The agreement, and how many calls were overridden per criterion: to and from n/a as well, and what the
    machine had not scored, where there are no two levels to compare."""
    changed = {(row["criterion"], row["call_id"]) for row in reviews if row["kind"] == "override"}
    return calibration_rows(reviews), Counter(criterion for criterion, _ in changed)


def published() -> dict[str, dict[str, Any]]:
    """Agreement of the shipped judge with labels of calls it never saw, per criterion: `n`, `qwk`, `low`, `high`."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(QUALITY.read_text(encoding="utf-8"))["criteria"]
    except (OSError, ValueError, KeyError):
        return {}
    return found


def chart(months: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Points of the lines of exact and within-one agreement over the months; None below two months."""
    if len(months) < 2:
        return None
    step = _WIDTH / (len(months) - 1)
    lines = {}
    for name in ("exact", "within_one"):
        spots = [(round(n * step, 1), round(_HEIGHT * (1 - row[name]), 1), row) for n, row in enumerate(months)]
        lines[name] = {"points": " ".join(f"{x},{y}" for x, y, _ in spots), "spots": spots}
    return {"width": _WIDTH, "height": _HEIGHT, "lines": lines, "months": months}


def offer(ask: Ask) -> Go | Html:
    """The next call to score blind: drawn by chance, none that the user has scored or opened."""
    opened = _opened(ask)
    rows = to_review_blind(
        ask.store, count=OFFERED, who=ask.user.name, where=ask.scope.where("c"), params=ask.scope.params
    )
    for row in rows:
        if row["call_id"] not in opened:
            return Go(f"/calibration/blind/{path_part(row['call_id'])}")
    where = ask.scope.where("c")
    scored = ask.store.query(f"SELECT 1 FROM calls c WHERE status = 'scored' AND ({where}) LIMIT 1", ask.scope.params)
    return ask.show("calibration_none.html", seen=len(rows), scored=bool(scored))


def blind(ask: Ask, *, call_id: str) -> Go | Html:
    """A call's words and the rubric, and nothing of what the machine said of it."""
    if _mine(ask, call_id):
        return Go(f"/calibration/blind/{path_part(call_id)}/compare")
    return _form(ask, call_id)


def score(ask: Ask, *, call_id: str) -> Go | Html:
    """Keep a person's blind levels, each with the turns that it rests on."""
    row, record = _call(ask, call_id)
    if _mine(ask, call_id):
        return Go(f"/calibration/blind/{path_part(call_id)}/compare")
    try:
        made = _reviews(ask, record)
    except ReviewError as error:
        return _form(ask, call_id, problem=str(error), status=400)
    for review in made:
        ask.store.put_fact("reviews", review.to_row())
    ask.detail = f"scored {len(made)} criteria blind"
    return Go(f"/calibration/blind/{path_part(row['call_id'])}/compare", "Kept. Here is what the machine said.")


def _reviews(ask: Ask, record: dict[str, Any]) -> list[Review]:
    made = []
    for name in (record["scorecard"] or {"criteria": {}})["criteria"]:
        level = ask.form.get(f"level-{name}", "")
        if level in ("", "skip"):
            continue
        turns = turns_in(ask.form.get(f"turns-{name}", ""), of=name)
        made.append(review_of(record, name, "blind", who=ask.user.name, why="", level=level, evidence=turns))
    if not made:
        raise ReviewError("give at least one criterion a level")
    return made


def turns_in(text: str, *, of: str) -> list[int]:
    """Numbers of turns as people write them (`12, 31`). Raises `ReviewError`."""
    parts = [part for part in re.split(r"[\s,;#]+", text) if part]
    if len(parts) > 20 or any(not (part.isascii() and part.isdigit() and len(part) < 7) for part in parts):
        raise ReviewError(f"{of}: name turns by their numbers, at most 20, as in 12, 31")
    return [int(part) for part in parts]


def compare(ask: Ask, *, call_id: str) -> Go | Html:
    """What the user said of a call beside what the machine said."""
    mine = {row["criterion"]: row for row in _mine(ask, call_id)}
    row, record = _call(ask, call_id)
    if not mine:
        return Go(f"/calibration/blind/{path_part(call_id)}")
    card = record["scorecard"]
    titles = ask.desk.rubric.titles
    lines = []
    for name, found in card["criteria"].items():
        machine = found.get("machine") or found
        review = mine.get(name)
        lines.append(
            {
                "criterion": name,
                "title": titles.get(name, name),
                "machine": {**machine, "evidence": found["evidence"]},
                "review": review,
                "difference": None
                if review is None or review["level"] is None or machine["level"] is None
                else machine["level"] - review["level"],
            }
        )
    both = [line["difference"] for line in lines if line["difference"] is not None]
    return ask.show("calibration_compare.html", call=row, lines=lines, both=both, path=path_part(call_id))


def _opened(ask: Ask) -> set[str]:
    """The calls whose pages the user has opened, as the log tells."""
    seen = ask.book.saw(ask.user.name, "/calls/") | ask.book.saw(ask.user.name, "/api/v1/calls/")
    return {path.split("/calls/", 1)[1].split("/", 1)[0] for path in seen}


def _mine(ask: Ask, call_id: str) -> list[dict[str, Any]]:
    return ask.store.query(
        "SELECT criterion, level, na, evidence FROM reviews WHERE kind = 'blind' AND call_id = $id "
        "AND lower(who) = lower($who)",
        {"id": call_id, "who": ask.user.name},
    )


def _call(ask: Ask, call_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    sql = "SELECT call_id, rep, team, account, call_date, call_type FROM calls WHERE call_id = $id"
    rows = ask.store.query(sql, {"id": call_id})
    ask.scope.require_call(rows[0] if rows else None)
    record = ask.store.record(call_id) if rows else None
    if record is None or not record.get("scorecard"):
        raise NotThere(f"{call_id}: no such scored call")
    return rows[0], record


def _form(ask: Ask, call_id: str, *, problem: str = "", status: int = 200) -> Html:
    row, record = _call(ask, call_id)
    seen = ask.book.saw(ask.user.name, f"/calls/{call_id}") | ask.book.saw(ask.user.name, f"/api/v1/calls/{call_id}")
    names = list(record["scorecard"]["criteria"])
    known = {item.id: item for item in ask.desk.rubric.criteria}
    return ask.show(
        "calibration_blind.html",
        status=status,
        call=row,
        turns=record["transcript"]["turns"],
        criteria=[{"id": name, "item": known.get(name)} for name in names],
        seen=bool(seen),
        problem=problem,
        given=ask.form,
        path=path_part(call_id),
    )


ROUTES: tuple[Any, ...] = (
    get("/calibration", overview, who=LEADERS, logged=True),
    get("/calibration/blind", offer, who=LEADERS),
    get("/calibration/blind/{call_id}", blind, who=LEADERS, logged=True),
    post("/calibration/blind/{call_id}", score, who=LEADERS),
    get("/calibration/blind/{call_id}/compare", compare, who=LEADERS, logged=True),
)
