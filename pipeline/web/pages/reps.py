"""The reps with their standings, and one rep's scorecard."""

from __future__ import annotations

from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.errors import NotThere
from pipeline.web.ask import Ask, Go, Html, get
from pipeline.web.render import path_part

_CALLS = """
SELECT call_id, call_date, account, call_type, duration_s, status, reason, overall FROM calls c
WHERE rep = $rep AND ({where}) ORDER BY call_date DESC NULLS LAST, call_id LIMIT 30
"""


def listing(ask: Ask, *, team: str = "", q: str = "") -> Html | Go:
    """All reps that the user sees, by team: a table of reps x criteria."""
    cards = [card for card in ask.desk.scorecards() if ask.scope.sees_rep(card["rep"])]
    if ask.user.role == "rep":
        return Go(f"/reps/{path_part(ask.user.rep)}", ask.said)
    teams = sorted({card["team"] or "" for card in cards})
    shown = [card for card in cards if team in ("", card["team"]) and q.casefold() in card["rep"].casefold()]
    shown.sort(key=lambda card: (card["team"] or "", card["rep"]))
    gaps = {(gap["rep"], gap["criterion"]) for gap in ask.desk.gaps()}
    by_team = {name: [card for card in shown if (card["team"] or "") == name] for name in teams}
    return ask.show(
        "reps.html",
        teams=teams,
        by_team={name: cards for name, cards in by_team.items() if cards},
        criteria=[(item.id, item.title) for item in ask.desk.rubric.criteria],
        gaps=gaps,
        team=team,
        q=q,
        any=bool(cards),
    )


def one(ask: Ask, *, rep: str) -> Html:
    """One rep: standing per criterion with its interval and target, gaps, training, and the latest calls."""
    ask.scope.require_rep(rep)
    card = next((card for card in ask.desk.scorecards() if card["rep"] == rep), None)
    if card is None:
        if ask.user.rep == rep:
            return ask.show("rep_empty.html", rep=rep)
        raise NotThere(f"{rep}: no rep of that name has calls")
    return ask.show(
        "rep.html",
        card=card,
        gaps=[gap for gap in ask.desk.gaps() if gap["rep"] == rep],
        training=[row for row in ask.desk.training() if row["rep"] == rep],
        calls=ask.store.query(_CALLS.format(where=ask.scope.where("c")), {"rep": rep, **ask.scope.params}),
    )


ROUTES: tuple[Any, ...] = (
    get("/reps", listing, who=EVERYONE),
    get("/reps/{rep}", one, who=EVERYONE, logged=True),
)
