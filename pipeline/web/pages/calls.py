"""The calls, and one call: its scorecard beside the words that earned it, and people's word on the scores."""

from __future__ import annotations

from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.errors import NotThere, ReviewError
from pipeline.reviews import ReviewKind, open_disputes, review_of
from pipeline.web.ask import Ask, Go, Html, get, post
from pipeline.web.render import path_part

PAGE_CALLS = 50
_CALLS = """
SELECT call_id, call_date, rep, account, call_type, duration_s, status, reason, overall FROM calls c
WHERE ({where}) AND ($team = '' OR team = $team)
  AND ($q = '' OR contains(lower(concat_ws(' ', rep, account, call_type)), lower($q)))
ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit OFFSET $offset
"""
_TEAMS = "SELECT DISTINCT team FROM calls c WHERE team IS NOT NULL AND ({where}) ORDER BY team"


def listing(ask: Ask, *, team: str = "", q: str = "", page: int = 1) -> Html:
    """The calls that the user sees, newest first."""
    where, known = ask.scope.where("c"), ask.scope.params
    at = max(1, page)
    rows = ask.store.query(
        _CALLS.format(where=where),
        {**known, "team": team, "q": q, "limit": PAGE_CALLS + 1, "offset": (at - 1) * PAGE_CALLS},
    )
    teams = [row["team"] for row in ask.store.query(_TEAMS.format(where=where), known)]
    more = len(rows) > PAGE_CALLS
    return ask.show("calls.html", calls=rows[:PAGE_CALLS], teams=teams, team=team, q=q, page=at, more=more)


def one(ask: Ask, *, call_id: str) -> Html:
    """One call in full."""
    return _show(ask, call_id)


def review(ask: Ask, *, call_id: str) -> Html | Go:
    """Keep an override (by those who lead) or a dispute (by the rep) of one criterion."""
    record = _record(ask, call_id)
    kind: ReviewKind = "dispute" if ask.user.role == "rep" else "override"
    criterion, level = ask.form.get("criterion", ""), ask.form.get("level") or None
    try:
        made = review_of(record, criterion, kind, who=ask.user.name, why=ask.form.get("why", ""), level=level)
    except ReviewError as error:
        return _show(ask, call_id, status=400, problem=str(error), at=criterion)
    ask.store.put_fact("reviews", made.to_row())
    ask.detail = f"{kind} {criterion} {'na' if made.na else made.level}"
    said = "Disputed: whoever leads the team will look at it." if kind == "dispute" else "The level is yours now."
    return Go(f"/calls/{path_part(made.call_id)}", said)


def _record(ask: Ask, call_id: str) -> dict[str, Any]:
    rows = ask.store.query("SELECT call_id, rep, team FROM calls WHERE call_id = $id", {"id": call_id})
    ask.scope.require_call(rows[0] if rows else None)
    record = ask.store.record(call_id)
    if record is None:
        raise NotThere(f"{call_id}: no such call")
    return record


def _show(ask: Ask, call_id: str, *, status: int = 200, problem: str = "", at: str = "") -> Html:
    record = _record(ask, call_id)
    card = record["scorecard"] or {"criteria": {}, "objections": [], "metrics": {}, "overall": None}
    said = ask.store.query("SELECT * FROM reviews WHERE call_id = $id ORDER BY reviewed_at", {"id": call_id})
    return ask.show(
        "call.html",
        status=status,
        call=record,
        call_id=call_id,
        card=card,
        meta=record["transcript"]["meta"],
        hearing=record["transcript"].get("hearing", {}),
        titles={item.id: item.title for item in ask.desk.rubric.criteria},
        turns=_turns(record["transcript"]["turns"], card),
        disputes={row["criterion"]: row for row in open_disputes(said)},
        disputing=ask.user.role == "rep",
        problem=problem,
        at=at,
    )


def _turns(turns: list[dict[str, Any]], card: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns with the criteria that cite them and the objection raised in them."""
    cited: dict[int, list[str]] = {}
    missed: dict[int, list[str]] = {}
    for name, score in card["criteria"].items():
        for item in score["evidence"]:
            cited.setdefault(item["turn"], []).append(name)
        for item in score["missed"]:
            missed.setdefault(item["turn"], []).append(name)
    objections = {item["turn"]: item for item in card["objections"]}
    return [
        {
            **turn,
            "n": n,
            "side": "rep" if turn["speaker"].partition(":")[0] == "rep" else "buyer",
            "cited": cited.get(n, []),
            "missed": missed.get(n, []),
            "objection": objections.get(n),
        }
        for n, turn in enumerate(turns)
    ]


ROUTES: tuple[Any, ...] = (
    get("/calls", listing, who=EVERYONE),
    get("/calls/{call_id}", one, who=EVERYONE, logged=True),
    post("/calls/{call_id}/review", review, who=EVERYONE),
)
