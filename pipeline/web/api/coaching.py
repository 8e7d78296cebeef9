"""Gaps, training, accounts and moments of calls: what the coaching pages show."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from pipeline.access.people import EVERYONE
from pipeline.coach.moments import Search, find_moments
from pipeline.errors import NotYet
from pipeline.web.api.reps import StandingJson
from pipeline.web.ask import Ask, get
from pipeline.web.deals import calls_of, deal
from pipeline.web.training_view import training_as_seen

MOST = 500
Status = Literal["open", "done", "dropped"]

_ACCOUNTS = """
SELECT account, count(*) AS calls, (max(call_date) FILTER (call_date <= $today))::VARCHAR AS last_call,
       coalesce(list_sort(list(DISTINCT rep) FILTER (rep IS NOT NULL)), []) AS reps
FROM calls c WHERE account IS NOT NULL AND ({where})
GROUP BY account ORDER BY last_call DESC NULLS LAST, account LIMIT $limit OFFSET $offset
"""


class GapJson(StandingJson):
    """A rep's gap on a criterion: where they stand, the `level` (0-4) to train from, `expected_lift`, the points of 100
    that reaching the target would add to their overall score, and the calls that it rests on."""

    rep: str
    team: str | None
    call_ids: list[str]
    level: int
    expected_lift: float
    reason: str


class EffectJson(TypedDict):
    """What a training did so far, in levels beside untrained colleagues with the 90 % interval `low`-`high`, or by
    `reason` why that is not known yet."""

    assignment_id: str
    rep: str
    criterion: str
    module: str
    verdict: str
    reason: str
    n_before: int
    n_after: int
    peers: int
    before: float | None
    after: float | None
    change: float | None
    peer_change: float | None
    effect: float | None
    low: float | None
    high: float | None
    calls_before: list[str]
    calls_after: list[str]


class NoteJson(TypedDict):
    """A trainer's note, and the day it was written on."""

    on: str
    text: str


class TrainingJson(TypedDict):
    """A training assignment; `detail` holds what it rests on (the standing then, moments of calls), `content` its
    module as it is taught here, null where that is no longer there."""

    assignment_id: str
    rep: str
    team: str | None
    criterion: str
    criterion_title: str
    level: int
    module: str
    title: str
    reason: str
    status: Status
    assigned_on: str
    due_on: str
    completed_on: str | None
    overdue: bool
    reminder: str | None
    notes: list[NoteJson]
    effect: EffectJson
    detail: dict[str, Any]
    content: dict[str, Any] | None


class AccountJson(TypedDict):
    """An account: how many calls the user sees, the last one's date, and who made them, as far as that is known."""

    account: str
    calls: int
    last_call: str | None
    reps: list[str]


class MomentJson(TypedDict):
    """A quote, verbatim, of the turn (from 0) that it stands in; seconds from the start of the call."""

    call_id: str
    criterion: str
    level: int
    turn: int
    t0: float
    t1: float
    speaker: str
    quote: str
    why: str
    rep: str | None
    team: str | None
    account: str | None
    call_date: str | None


def gaps(ask: Ask, *, rep: str | None = None) -> list[dict[str, Any]]:
    """Where reps are credibly below target, the largest expected lift first, as `debrief gaps --json`."""
    return [row for row in ask.desk.gaps() if ask.scope.sees_rep(row["rep"]) and rep in (None, row["rep"])]


def training(
    ask: Ask, *, rep: str | None = None, status: Status | None = None, limit: int = 200, offset: int = 0
) -> list[dict[str, Any]]:
    """Training assignments with their measured effect, open ones first; at most 500 at a time."""
    given = ask.desk.assignments(rep)
    seen = [a for a in given if ask.scope.sees_rep(a.rep) and status in (None, a.status)]
    ordered = sorted(seen, key=lambda a: (a.status != "open", a.due_on, a.rep, a.criterion))
    first = max(offset, 0)
    return training_as_seen(ask, ask.desk.training_rows(ordered[first : first + min(max(limit, 1), MOST)]))[0]


def accounts(ask: Ask, *, limit: int = 100, offset: int = 0) -> list[AccountJson]:
    """Accounts of the calls that the user sees, the last spoken to first; at most 500 at a time."""
    page = {"limit": min(max(limit, 1), MOST), "offset": max(offset, 0)}
    values = {**ask.scope.params, **page, "today": ask.desk.today()}
    found: list[Any] = ask.store.query(_ACCOUNTS.format(where=ask.scope.where("c")), values)
    return found


def account(ask: Ask, *, account: str) -> dict[str, Any]:
    """One account: `deal` as `debrief account --json` and `plan` as `debrief plan --json`, from the calls that the user
    sees and no others."""
    known = deal(ask, account, calls_of(ask, account))
    if known is None:
        raise NotYet(f"{account}: its calls are being read for the first time; ask again in a moment")
    return {"deal": known["deal"], "plan": known["plan"]}


def moments(
    ask: Ask,
    *,
    criterion: str | None = None,
    level: int | None = None,
    rep: str | None = None,
    words: str | None = None,
    limit: int = 50,
) -> list[MomentJson]:
    """Quoted moments of the newest 3,000 calls that the user sees (of `rep`, where named), the best level first; at
    most 500. All of `words` occur in each, in any order and case, as parts of longer ones too."""
    wanted = Search(words=words or "", criterion=criterion or "", level=level, rep=rep or "")
    found = find_moments(ask.store, ask.scope, wanted, highest_first=True, limit=min(max(limit, 1), MOST))
    rows: list[Any] = [
        {name: row[name] for name in MomentJson.__annotations__}
        | {"call_date": row["call_date"].isoformat() if row["call_date"] else None}
        for row in found
    ]
    return rows


ROUTES = (
    get("/api/v1/gaps", gaps, who=EVERYONE, title="Gaps", logged=True, gives=list[GapJson]),
    get(
        "/api/v1/training",
        training,
        who=EVERYONE,
        title="Training and its effect",
        logged=True,
        gives=list[TrainingJson],
    ),
    get("/api/v1/accounts", accounts, who=EVERYONE, title="Accounts", logged=True),
    get("/api/v1/accounts/{account:path}", account, who=EVERYONE, title="One account, and the next call", logged=True),
    get("/api/v1/moments", moments, who=EVERYONE, title="Quoted moments", logged=True),
)
