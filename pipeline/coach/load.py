"""Reads the rows of coaching from the store; the only file of this package that knows its tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from pipeline.coach.rows import (
    ActivityRow,
    Assignment,
    CallRow,
    Moment,
    MoveRow,
    ObjectionRow,
    QuotaRow,
    Rows,
    ScoredCall,
    SessionRow,
    TurnRow,
)

if TYPE_CHECKING:
    from pipeline.store import Store

NEWEST = 200
"""Scored calls per rep and criterion that coaching looks at. The mean of 200 calls is sure to about 0.05 levels; what
is older cannot be seen in it, and over years would fill the memory."""

_WHERE = "(c.call_date >= $since OR c.call_date IS NULL OR $since IS NULL)"

_CALLS = f"""
SELECT c.call_id, c.status, c.reason, c.rep, c.team, c.account, c.call_date AS date, c.call_type, c.overall,
       c.duration_s, c.engine
FROM calls c WHERE {_WHERE} ORDER BY c.call_date NULLS FIRST, c.call_id
"""
_SCORES = f"""
SELECT c.call_id, c.rep, c.criterion, c.level, c.team, c.call_date AS date, c.call_type, c.account, c.confidence,
       c.overall
FROM scores c WHERE c.rep IS NOT NULL AND NOT list_contains($without::VARCHAR[], c.criterion) AND {_WHERE}
QUALIFY row_number() OVER (
    PARTITION BY c.rep, c.criterion ORDER BY c.call_date DESC NULLS LAST, c.call_id DESC
) <= {NEWEST}
ORDER BY c.call_date NULLS FIRST, c.call_id, c.criterion
"""
_MOMENTS = f"""
SELECT e.call_id, e.criterion, e.turn, e.t0, e.t1, e.speaker, e.quote, e.why, 'evidence' AS kind
FROM evidence e JOIN calls c USING (call_id) WHERE c.status = 'scored' AND {_WHERE}
UNION ALL
SELECT m.call_id, m.criterion, m.turn, t.t0, t.t1, t.speaker, t.text AS quote, m.why, 'missed' AS kind
FROM missed m JOIN calls c USING (call_id) JOIN turns t ON t.call_id = m.call_id AND t.turn = m.turn
WHERE c.status = 'scored' AND {_WHERE}
ORDER BY 1, 2, 9, 3
"""
_OBJECTIONS = f"""
SELECT o.call_id, o.turn, o.kind, o.handled FROM objections o JOIN calls c USING (call_id)
WHERE c.status = 'scored' AND {_WHERE} ORDER BY o.call_id, o.turn
"""
_TURNS = f"""
SELECT t.call_id, t.turn, t.t0, t.t1, t.side, t.name, t.text FROM turns t JOIN calls c USING (call_id)
WHERE ($every OR c.account = $account OR c.call_id = $call) AND {_WHERE} ORDER BY t.call_id, t.turn
"""
_MOVES = f"""
SELECT m.call_id, m.turn, m.move, m.p FROM moves m JOIN calls c USING (call_id)
WHERE ($every OR c.account = $account OR c.call_id = $call) AND {_WHERE} ORDER BY m.call_id, m.turn, m.move
"""
_ASSIGNMENTS = """
SELECT assignment_id, rep, criterion, level, module, title, reason, assigned_on, due_on, team, status, completed_on,
       detail
FROM assignments ORDER BY assigned_on, assignment_id
"""
_CHOSEN = f"""
WITH s AS (
    SELECT call_id, rep, team, criterion, level, call_date FROM scores
    WHERE criterion = $criterion AND rep IS NOT NULL AND (call_date IS NULL OR call_date <= $as_of)
), mine AS (
    SELECT call_id, team FROM s WHERE rep = $rep ORDER BY call_date DESC NULLS LAST, call_id DESC LIMIT {NEWEST}
), theirs AS (
    SELECT call_id FROM s WHERE rep <> $rep AND level >= $best
    ORDER BY level DESC, team IN (SELECT team FROM mine) DESC NULLS LAST, call_date DESC NULLS LAST, call_id DESC
    LIMIT {NEWEST}
) SELECT call_id FROM mine UNION SELECT call_id FROM theirs
"""
_SESSIONS = """
SELECT session_id, rep, held_on, team, coach, minutes, topic, status FROM sessions ORDER BY held_on, session_id
"""
_QUOTAS = """
SELECT quota_id, rep, measure, starts_on, ends_on, target, result, team FROM quotas ORDER BY starts_on, rep, measure
"""
_ACTIVITIES = """
SELECT activity_id, rep, measure, starts_on, count, team FROM activities ORDER BY starts_on, rep, measure
"""


def load_rows(
    store: Store,
    *,
    account: str | None = None,
    call: str | None = None,
    turns_since: dt.date | None = None,
    since: dt.date | None = None,
    without: Collection[str] = (),
) -> Rows:
    """All rows of the store; turns only of `account`, of `call`, or of calls from `turns_since` on: they are long.

    `since` leaves out older calls altogether; undated ones stay. `without` are criteria whose scores are for people to
    review (`models.judge_card.human_review`): they enter no standing. Raises `StoreError`.
    """
    both: dict[str, Any] = {"since": since}
    return Rows(
        calls=tuple(CallRow(**row) for row in store.query(_CALLS, both)),
        scores=load_scores(store, since=since, without=without),
        moments=tuple(Moment(**row) for row in store.query(_MOMENTS, both)),
        objections=tuple(ObjectionRow(**row) for row in store.query(_OBJECTIONS, both)),
        turns=tuple(TurnRow(**row) for row in _of_calls(store, _TURNS, account, call, turns_since)),
        moves=tuple(MoveRow(**row) for row in _of_calls(store, _MOVES, account, call, turns_since)),
        assignments=load_assignments(store),
        sessions=tuple(SessionRow(**row) for row in store.query(_SESSIONS)),
        quotas=tuple(QuotaRow(**row) for row in store.query(_QUOTAS)),
        activities=tuple(ActivityRow(**row) for row in store.query(_ACTIVITIES)),
    )


def load_assignments(store: Store) -> tuple[Assignment, ...]:
    """Every assignment, oldest first. Raises `StoreError`."""
    return tuple(Assignment(**_known(row)) for row in store.query(_ASSIGNMENTS))


def load_moments(store: Store, *, rep: str, criterion: str, best: int, as_of: dt.date) -> Rows:
    """Calls that an assignment quotes from: the rep's newest, and colleagues' of level `best` and above, `NEWEST` each.

    Calls, scores and moments of the criterion, and objections. Raises `StoreError`.
    """
    asked = {"rep": rep, "criterion": criterion, "best": best, "as_of": as_of}
    chosen = [row["call_id"] for row in store.query(_CHOSEN, asked)]
    of = {"since": None, "ids": chosen}
    return Rows(
        calls=tuple(CallRow(**row) for row in store.query(_among(_CALLS), of)),
        scores=tuple(
            ScoredCall(**row)
            for row in store.query(_among(_SCORES), {**of, "without": []})
            if row["criterion"] == criterion
        ),
        moments=tuple(Moment(**row) for row in store.query(_among(_MOMENTS), of) if row["criterion"] == criterion),
        objections=tuple(ObjectionRow(**row) for row in store.query(_among(_OBJECTIONS), of)),
    )


def _among(sql: str) -> str:
    """The query for the calls in `ids` alone."""
    return sql.replace(_WHERE, f"{_WHERE} AND list_contains($ids::VARCHAR[], c.call_id)")


def load_scores(store: Store, *, since: dt.date | None = None, without: Collection[str] = ()) -> tuple[ScoredCall, ...]:
    """The scores of `load_rows` alone, for what needs nothing else. Raises `StoreError`."""
    asked = {"since": since, "without": sorted(without)}
    return tuple(ScoredCall(**row) for row in store.query(_SCORES, asked))


def _of_calls(
    store: Store, sql: str, account: str | None, call: str | None, since: dt.date | None
) -> list[dict[str, Any]]:
    """Rows of an account, of a call, or of all calls from a day on; none where nothing is asked for."""
    if account is None and call is None and since is None:
        return []
    asked = {"account": account, "call": call, "since": since, "every": account is None and call is None}
    return store.query(sql, asked)


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """An assignment's row with what older ones may lack filled in."""
    assigned = row["assigned_on"]
    return {
        **row,
        **{name: row[name] or "" for name in ("module", "title", "reason")},
        "level": row["level"] or 0,
        "due_on": row["due_on"] or assigned,
        "detail": row["detail"] or {},
    }
