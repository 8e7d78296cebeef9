"""Reps and their standings."""

from __future__ import annotations

from typing_extensions import TypedDict

from pipeline.access.people import EVERYONE
from pipeline.errors import NotThere
from pipeline.web.ask import Ask, get


class TrendJson(TypedDict):
    """Change in levels per 30 days, with its 90 % interval."""

    per_30_days: float
    low: float
    high: float
    word: str


class StandingJson(TypedDict):
    """Where a rep stands on a criterion: levels 0-4 with the 90 % interval `low`-`high`."""

    criterion: str
    title: str
    standing: float
    low: float
    high: float
    calls: int
    recent_calls: int
    target: float
    p_below_target: float
    plain_mean: float
    trend: TrendJson | None
    last_call: str | None


class RepJson(TypedDict):
    """A rep: calls by status, mean overall score (0-100) and the standing on each criterion."""

    rep: str
    team: str | None
    calls: dict[str, int]
    overall: float | None
    criteria: list[StandingJson]


def reps(ask: Ask, *, team: str | None = None) -> list[RepJson]:
    """Every rep that the user sees, of one team where `team` is given."""
    cards = ask.desk.scorecards()
    found: list[RepJson] = [
        card  # type: ignore[misc]
        for card in cards
        if ask.scope.sees_rep(card["rep"]) and team in (None, card["team"])
    ]
    return found


def rep(ask: Ask, *, rep: str) -> RepJson:
    """One rep."""
    ask.scope.require_rep(rep)
    card = ask.desk.scorecard(rep)
    if card is None:
        raise NotThere(f"{rep}: no rep of that name has calls")
    return card  # type: ignore[return-value]


ROUTES = (
    get("/api/v1/reps", reps, who=EVERYONE, title="Reps and their standings", logged=True),
    get("/api/v1/reps/{rep:path}", rep, who=EVERYONE, title="One rep", logged=True),
)
