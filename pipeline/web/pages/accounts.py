"""The accounts: which are alive, quiet or at risk; and one account's deal, with the plan for its next call.

The list shows what is known of each account (`deals.py`) and fills in the rest.
"""

from __future__ import annotations

from typing import Any

from pipeline.access.people import EVERYONE
from pipeline.coach.accounts import SILENT_DAYS
from pipeline.web.ask import Ask, Html, get, page_at
from pipeline.web.deals import MOMENT_S, READ, calls_of, deal, lines_of, stages_of

PAGE = 25

Row = dict[str, Any]

_ACCOUNTS = """
SELECT account, count(*) AS calls, max(day) AS last,
       arg_max(rep, (coalesce(day, DATE '0001-01-01'), call_id)) AS rep, date_diff('day', max(day), $today) AS silent
FROM (SELECT *, CASE WHEN call_date <= $today THEN call_date END AS day FROM calls) c
WHERE account IS NOT NULL AND ({where}) AND ($q = '' OR contains(lower(account), lower($q)))
  AND ($rep = '' OR rep = $rep) AND ($team = '' OR team = $team)
GROUP BY account HAVING NOT $quiet OR date_diff('day', max(day), $today) >= $silent
ORDER BY last DESC NULLS LAST, account LIMIT $limit OFFSET $offset
"""
_TEAMS = "SELECT DISTINCT team FROM calls c WHERE team IS NOT NULL AND ({where}) ORDER BY team"


def listing(ask: Ask, *, q: str = "", team: str = "", rep: str = "", show: str = "", page: int = 1) -> Html:
    """The accounts that the user sees calls of, the last spoken to first; `show` = `quiet`: 21 days without a call."""
    where, params = ask.scope.where("c"), ask.scope.params
    today, at = ask.desk.today(), page_at(page)
    asked = {"q": q.strip(), "team": team, "rep": rep, "show": "quiet" if show == "quiet" else ""}
    values = {
        **params,
        "today": today,
        "q": asked["q"],
        "team": team,
        "rep": rep,
        "quiet": asked["show"] == "quiet",
        "silent": SILENT_DAYS,
        "limit": PAGE + 1,
        "offset": (at - 1) * PAGE,
    }
    rows = ask.desk.rows(_ACCOUNTS.format(where=where), values)
    shown = rows[:PAGE]
    lines = lines_of(ask, [row["account"] for row in shown])
    return ask.show(
        "accounts.html",
        rows=[{**row, "line": lines[row["account"]]} for row in shown],
        waiting=any(line is None for line in lines.values()),
        teams=[row["team"] for row in ask.desk.rows(_TEAMS.format(where=where), params)],
        asked=asked,
        any=bool(shown) or any(asked.values()),
        page=at,
        more=len(rows) > PAGE,
        silent_days=SILENT_DAYS,
    )


def one(ask: Ask, *, account: str) -> Html:
    """One account: its calls in order and what they established, risks, plays, and the plan for the next call.

    Where the words of its calls are still being read, the calls are shown and the rest comes a moment later.
    """
    calls = calls_of(ask, account)
    known = deal(ask, account, calls, wait_s=MOMENT_S)
    return ask.show(
        "account.html",
        account=account,
        calls=calls,
        deal=known["deal"] if known else None,
        plan=known["plan"] if known else None,
        stages=stages_of(known["deal"]) if known else [],
        most=READ,
        titles=ask.desk.rubric.titles,
    )


ROUTES: tuple[Any, ...] = (
    get("/accounts", listing, who=EVERYONE, logged=True),
    get("/accounts/{account:path}", one, who=EVERYONE, logged=True),
)
