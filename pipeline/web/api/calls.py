"""Calls and their scorecards."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, NotRequired

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


class NamedVersion(TypedDict):
    """The rubric that a call was scored by."""

    id: str
    version: str


class JudgeJson(TypedDict):
    """The judge that scored it."""

    engine: str
    revision: str


class EvidenceJson(TypedDict):
    """Words that earned a level: verbatim of turn `turn` (from 0); seconds from the start of the call."""

    turn: int
    t0: float
    t1: float
    speaker: str
    quote: str
    why: str


class MissedJson(TypedDict):
    """A turn (from 0) where it should have happened and did not."""

    turn: int
    why: str


class MachineJson(TypedDict):
    """What the machine said of a criterion that a person gave another level."""

    level: int | None
    status: Literal["scored", "na", "abstained"]
    confidence: float
    missed: list[MissedJson]


class OverrideJson(TypedDict):
    """Whose word counts instead, why, and since when (UTC)."""

    who: str
    why: str
    at: str


class LevelJson(TypedDict):
    """A criterion's level (0-4, null unless `scored`), how sure the judge is (0-1), and `reason` where it is not;
    `machine` and `override` where a person's word counts."""

    level: int | None
    status: Literal["scored", "na", "abstained"]
    confidence: float
    evidence: list[EvidenceJson]
    missed: list[MissedJson]
    reason: NotRequired[str]
    machine: NotRequired[MachineJson]
    override: NotRequired[OverrideJson]


class ObjectionJson(TypedDict):
    """A buyer's objection at a turn (from 0). `kind_p` (0-1) is how sure the judge was of its kind, null if it did
    not tell."""

    turn: int
    kind: Literal["stall", "competition", "price_terms", "other"]
    handled: Literal["yes", "partly", "no"]
    kind_p: NotRequired[float | None]


class MoveJson(TypedDict):
    """What a turn (from 0) does in the conversation, with the judge's probability."""

    turn: int
    move: str
    p: float


class ScorecardJson(TypedDict):
    """A call's scorecard: `criteria` by id, `overall` 0-100, `metrics` by name (null: no basis for it), `meta` what is
    known of the call. A call that is not scored has no criteria, and `reason` says why."""

    call_id: str
    rubric: NamedVersion
    judge: JudgeJson
    overall: float | None
    criteria: dict[str, LevelJson]
    objections: list[ObjectionJson]
    metrics: dict[str, float | None]
    metrics_intervals: NotRequired[dict[str, list[float]]]
    moves: NotRequired[list[MoveJson]]
    status: Literal["scored", "abstained", "review", "failed"]
    reason: str
    meta: dict[str, Any]


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
    get("/api/v1/calls/{call_id}", call, who=EVERYONE, title="One call's scorecard", logged=True, gives=ScorecardJson),
    get("/api/v1/calls/{call_id}/transcript", transcript, who=EVERYONE, title="One call's transcript", logged=True),
)
