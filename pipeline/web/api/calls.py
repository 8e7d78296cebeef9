"""Calls and their scorecards."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from typing_extensions import TypedDict

from pipeline.access.people import EVERYONE
from pipeline.reviews import card_row
from pipeline.web.ask import Ask, get
from pipeline.web.call_view import seen

_CALLS = """
SELECT call_id, call_date::VARCHAR AS call_date, rep, team, account, call_type, duration_s, status, reason, overall
FROM calls c WHERE ({where}) AND ($rep IS NULL OR rep = $rep) AND ($team IS NULL OR team = $team)
  AND ($account IS NULL OR account = $account) AND ($call_type IS NULL OR call_type = $call_type)
  AND ($status IS NULL OR status = $status)
  AND ($since IS NULL OR call_date >= $since) AND ($until IS NULL OR call_date <= $until)
ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit OFFSET $offset
"""
MOST = 500


class CallJson(TypedDict):
    """A call: when, who with whom, seconds, what became of it and its overall score (0-100)."""

    call_id: str
    call_date: str | None
    rep: str | None
    team: str | None
    account: str | None
    call_type: str | None
    duration_s: float | None
    status: str
    reason: str
    overall: float | None


class TurnJson(TypedDict):
    """A turn: seconds from the start of the call; `speaker` is `rep`, `rep:Name`, `buyer:Name`, or not known yet."""

    t0: float
    t1: float
    speaker: str
    text: str


class TranscriptJson(TypedDict):
    """A call's transcript; a turn's number is its place in `turns`, from 0."""

    call_id: str
    meta: dict[str, Any]
    turns: list[TurnJson]


def calls(
    ask: Ask,
    *,
    rep: str | None = None,
    team: str | None = None,
    account: str | None = None,
    call_type: str | None = None,
    status: Literal["scored", "abstained", "review", "failed"] | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[CallJson]:
    """The calls that the user sees, newest first; at most 500 at a time. `since` and `until` are the first and the last
    day (YYYY-MM-DD) that they were on: either leaves out calls without a date."""
    found: list[Any] = ask.store.query(
        _CALLS.format(where=ask.scope.where("c")),
        {
            "rep": rep,
            "team": team,
            "account": account,
            "call_type": call_type,
            "status": status,
            "since": since,
            "until": until,
            "limit": min(max(limit, 1), MOST),
            "offset": max(offset, 0),
            **ask.scope.params,
        },
    )
    return found


def call(ask: Ask, *, call_id: str) -> dict[str, Any]:
    """One call's scorecard: levels, confidence, evidence, missed moments, objections and metrics."""
    _, record = seen(ask, call_id)
    return card_row(record)


def transcript(ask: Ask, *, call_id: str) -> TranscriptJson:
    """What was said on one call, turn by turn."""
    _, record = seen(ask, call_id)
    found = record["transcript"]
    names = ("t0", "t1", "speaker", "text")
    turns: list[Any] = [{name: turn[name] for name in names} for turn in found["turns"]]
    return {"call_id": call_id, "meta": found["meta"], "turns": turns}


ROUTES = (
    get("/api/v1/calls", calls, who=EVERYONE, title="Calls", logged=True),
    get("/api/v1/calls/{call_id}", call, who=EVERYONE, title="One call's scorecard", logged=True),
    get("/api/v1/calls/{call_id}/transcript", transcript, who=EVERYONE, title="One call's transcript", logged=True),
)
