"""The calls, newest first."""

from __future__ import annotations

from pipeline.access.people import EVERYONE
from pipeline.web.ask import Ask, Html, get, page_at
from pipeline.web.pages import call, listen

PAGE_CALLS = 50
_CALLS = """
SELECT call_id, call_date, rep, account, call_type, duration_s, status, reason, overall FROM calls c
WHERE ({where}) AND ($team = '' OR team = $team) AND ($rep = '' OR rep = $rep)
  AND ($q = '' OR contains(lower(concat_ws(' ', rep, account, call_type)), lower($q)))
ORDER BY call_date DESC NULLS LAST, call_id LIMIT $limit OFFSET $offset
"""
_TEAMS = "SELECT DISTINCT team FROM calls c WHERE team IS NOT NULL AND ({where}) ORDER BY team"


def listing(ask: Ask, *, team: str = "", rep: str = "", q: str = "", page: int = 1) -> Html:
    """The calls that the user sees, newest first; of one `rep`, by the whole name."""
    where, known = ask.scope.where("c"), ask.scope.params
    at, q = page_at(page), " ".join(q.split())
    rows = ask.store.query(
        _CALLS.format(where=where),
        {**known, "team": team, "rep": rep, "q": q, "limit": PAGE_CALLS + 1, "offset": (at - 1) * PAGE_CALLS},
    )
    teams = [row["team"] for row in ask.store.query(_TEAMS.format(where=where), known)]
    more = len(rows) > PAGE_CALLS
    return ask.show("calls.html", calls=rows[:PAGE_CALLS], teams=teams, team=team, rep=rep, q=q, page=at, more=more)


ROUTES = (get("/calls", listing, who=EVERYONE, logged=True), *call.ROUTES, *listen.ROUTES)
