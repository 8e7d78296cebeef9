"""Reads the rows of coaching from the store; the only file of this package that knows its tables."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from functools import cache
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
from pipeline.coach.snippets import BEST_LEVEL
from pipeline.days import latest, possible
from pipeline.errors import StoreError
from pipeline.rows import CALL_TABLES, add_call
from pipeline.wording import rounded

if TYPE_CHECKING:
    from pipeline.store import Store

NEWEST = 200
"""Scored calls per rep and criterion that coaching looks at. The mean of 200 calls is sure to about 0.05 levels; what
is older cannot be seen in it, and over years would fill the memory."""
MONTHLY = 10
"""Of older calls so many a month: who makes ten a day has 200 in a month, and training is measured against the calls
before it. Drawn by the end of the id, a content hash, so that none is preferred."""

HEARD = "(c.status = 'scored' OR coalesce(c.expected_wer, 0) <= $max_wer)"
"""Calls whose words are told from: nobody said what stands in one that is not scored because it was heard too badly."""
_WHERE = "(c.call_date >= $since OR c.call_date IS NULL OR $since IS NULL)"

_CALLS = f"""
SELECT c.call_id, c.status, c.reason, c.rep, c.team, c.account, c.call_date AS date, c.call_type, c.overall,
       c.duration_s, c.engine
FROM calls c WHERE {_WHERE} ORDER BY c.call_date NULLS FIRST, c.call_id
"""
_OF_REP = """
SELECT c.call_id, c.status, c.reason, c.rep, c.team, c.account, c.call_date AS date, c.call_type, c.overall,
       c.duration_s, c.engine
FROM calls c WHERE c.rep = $rep AND c.call_date >= $since AND c.call_date <= $latest ORDER BY c.call_date, c.call_id
"""
_SCORES = f"""
SELECT c.call_id, c.rep, c.criterion, c.level, c.team, c.call_date AS date, c.call_type, c.account, c.confidence,
       c.overall
FROM scores c WHERE c.rep IS NOT NULL AND NOT list_contains($without::VARCHAR[], c.criterion) AND {_WHERE}
QUALIFY row_number() OVER (
    PARTITION BY c.rep, c.criterion ORDER BY c.call_date DESC NULLS LAST, c.call_id DESC
) <= {NEWEST} OR row_number() OVER (
    PARTITION BY c.rep, c.criterion, date_trunc('month', c.call_date) ORDER BY reverse(c.call_id)
) <= {MONTHLY}
ORDER BY c.call_date NULLS FIRST, c.call_id, c.criterion
"""
_BESIDE = """
SELECT call_id, list_sort(list(criterion)) AS criteria FROM scores
WHERE rep IS NOT NULL AND list_contains($without::VARCHAR[], criterion) GROUP BY call_id
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
SELECT o.call_id, o.turn, o.kind, o.handled, o.kind_p FROM objections o JOIN calls c USING (call_id)
WHERE c.status = 'scored' AND {_WHERE} ORDER BY o.call_id, o.turn
"""
_TURNS = f"""
SELECT t.call_id, t.turn, t.t0, t.t1, t.side, t.name, t.text FROM turns t JOIN calls c USING (call_id)
WHERE ($every OR c.account = $account OR c.call_id = $call) AND {HEARD} AND {_WHERE} ORDER BY t.call_id, t.turn
"""
_MOVES = f"""
SELECT m.call_id, m.turn, m.move, m.p FROM moves m JOIN calls c USING (call_id)
WHERE ($every OR c.account = $account OR c.call_id = $call) AND {HEARD} AND {_WHERE} ORDER BY m.call_id, m.turn, m.move
"""
_ASSIGNMENTS = """
SELECT assignment_id, rep, criterion, level, module, title, reason, assigned_on, due_on, team, status, completed_on,
       detail
FROM assignments WHERE $rep IS NULL OR rep = $rep ORDER BY assigned_on, assignment_id
"""
_OBJECTED = """
SELECT c.call_id FROM calls c SEMI JOIN objections o ON o.call_id = c.call_id
WHERE c.status = 'scored' AND c.rep IS NOT NULL AND ({where})
ORDER BY c.call_date DESC NULLS LAST, c.call_id LIMIT $limit
"""
_OF_IDS = "call_id IN (SELECT unnest($ids::VARCHAR[]))"
_ANSWERS = {
    "calls": f"SELECT call_id, rep, team, account, call_date AS date FROM calls WHERE {_OF_IDS}",
    "scores": f"""
SELECT c.call_id, c.rep, c.criterion, c.level, c.team, c.call_date AS date, c.call_type, c.account, c.confidence,
       c.overall
FROM scores c WHERE c.criterion = 'objection_handling' AND c.level >= 3 AND c.{_OF_IDS}""",
    "moments": f"""
SELECT call_id, criterion, turn, t0, t1, speaker, quote, why FROM evidence
WHERE criterion = 'objection_handling' AND {_OF_IDS} ORDER BY call_id, turn""",
    "objections": f"SELECT call_id, turn, kind, handled, kind_p FROM objections WHERE {_OF_IDS} ORDER BY call_id, turn",
    "moves": f"SELECT call_id, turn, move, p FROM moves WHERE {_OF_IDS} ORDER BY call_id, turn, move",
}
_TEAMS = """
SELECT rep, arg_max(team, (CASE WHEN call_date <= $latest THEN call_date ELSE DATE '0001-01-01' END, call_id)) AS team
FROM calls WHERE rep IS NOT NULL AND team IS NOT NULL GROUP BY rep
"""
_COUNTS = """
SELECT rep, status, sum(n)::INTEGER AS n, sum(sum_overall) / nullif(sum(n_overall), 0) AS overall
FROM call_weeks WHERE rep IS NOT NULL GROUP BY rep, status ORDER BY rep, status
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
SELECT session_id, rep, held_on, team, coach, minutes, topic, status, starts_at FROM sessions
ORDER BY held_on, starts_at, session_id
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
    max_wer: float = 1.0,
) -> Rows:
    """All rows of the store; turns only of `account`, of `call`, or of calls from `turns_since` on: they are long.

    `since` leaves out older calls altogether; undated ones stay. `without` are criteria whose scores are for people to
    review (`pipeline.human_review`): they enter no standing. `max_wer` is the share of wrong words, 0-1, beyond which a
    call that is not scored has no turns (the setting `max_expected_wer`). Raises `StoreError`.
    """
    both: dict[str, Any] = {"since": since}
    return dataclasses.replace(
        load_support(store),
        calls=tuple(CallRow(**row) for row in _dated(store.query(_CALLS, both))),
        scores=load_scores(store, since=since, without=without),
        moments=tuple(Moment(**row) for row in store.query(_MOMENTS, both)),
        objections=tuple(ObjectionRow(**row) for row in store.query(_OBJECTIONS, both)),
        turns=tuple(TurnRow(**row) for row in _of_calls(store, _TURNS, account, call, turns_since, max_wer)),
        moves=tuple(MoveRow(**row) for row in _of_calls(store, _MOVES, account, call, turns_since, max_wer)),
    )


def load_moments(store: Store, *, rep: str, criterion: str, as_of: dt.date) -> Rows:
    """Calls that an assignment quotes from: the rep's newest, and colleagues' of `BEST_LEVEL` and above, `NEWEST` each.

    Calls, scores and moments of the criterion, and objections. Raises `StoreError`.
    """
    asked = {"rep": rep, "criterion": criterion, "best": BEST_LEVEL, "as_of": as_of}
    chosen = [row["call_id"] for row in store.query(_CHOSEN, asked)]
    of = {"since": None, "ids": chosen}
    return Rows(
        calls=tuple(CallRow(**row) for row in _dated(store.query(_among(_CALLS), of))),
        scores=tuple(
            ScoredCall(**row)
            for row in _dated(store.query(_among(_SCORES), {**of, "without": []}))
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
    beside = (
        {row["call_id"]: tuple(row["criteria"]) for row in store.query(_BESIDE, {"without": sorted(without)})}
        if without
        else {}
    )
    ids: dict[str, str] = {}  # a call's scores share one id: a fit is mostly ids, and is sent between processes
    rows = _dated(store.query(_SCORES, asked))
    return tuple(
        ScoredCall(
            **{**row, "call_id": ids.setdefault(row["call_id"], row["call_id"])}, beside=beside.get(row["call_id"], ())
        )
        for row in rows
    )


def load_heads(store: Store) -> list[dict[str, Any]]:
    """Per rep, by name: `{"rep", "team" (of the newest call), "calls": {status: n}, "overall" (mean, 0-100)}`.

    From the rollups, whatever the number of calls. Raises `StoreError`.
    """
    teams = {row["rep"]: row["team"] for row in store.query(_TEAMS, {"latest": latest()})}
    heads: dict[str, dict[str, Any]] = {}
    for row in store.query(_COUNTS):
        head = heads.setdefault(
            row["rep"], {"rep": row["rep"], "team": teams.get(row["rep"]), "calls": {}, "overall": None}
        )
        head["calls"][row["status"]] = row["n"]
        if row["overall"] is not None and row["status"] == "scored":
            head["overall"] = rounded(row["overall"], 1)
    return list(heads.values())


def load_assignments(store: Store, *, rep: str | None = None) -> tuple[Assignment, ...]:
    """Assignments of all reps or one, the oldest first. Raises `StoreError`."""
    return tuple(Assignment(**_known(row)) for row in store.query(_ASSIGNMENTS, {"rep": rep}))


def load_support(store: Store) -> Rows:
    """What is kept of support and results beside the calls: assignments, sessions, quotas, activity."""
    return Rows(
        assignments=load_assignments(store),
        sessions=tuple(SessionRow(**row) for row in store.query(_SESSIONS)),
        quotas=tuple(QuotaRow(**row) for row in store.query(_QUOTAS)),
        activities=tuple(ActivityRow(**row) for row in store.query(_ACTIVITIES)),
    )


def load_calls(store: Store, *, rep: str, since: dt.date) -> tuple[CallRow, ...]:
    """A rep's calls from a day on, the oldest first, without their words. Raises `StoreError`."""
    asked = {"rep": rep, "since": since, "latest": latest()}
    return tuple(CallRow(**row) for row in store.query(_OF_REP, asked))


def rows_of_calls(
    store: Store, call_ids: Iterable[str], *, without: Collection[str] = (), max_wer: float = 1.0
) -> Rows:
    """All that is known of these calls, words and moves included, oldest first; `max_wer` as in `load_rows`.

    Read from the calls' records, one file each: a few calls are found there at once, however many there are in all.
    Left out are calls that are not there, or whose record cannot be read: `debrief doctor` names those.
    """
    records = []
    for call_id in call_ids:
        with contextlib.suppress(StoreError):
            records.append(store.record(call_id))
    return rows_of_records((record for record in records if record), without=without, max_wer=max_wer)


def rows_of_records(records: Iterable[dict[str, Any]], *, without: Collection[str] = (), max_wer: float = 1.0) -> Rows:
    """`rows_of_calls` of records that are read already. Raises `TranscriptError` for a damaged one."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("calls", *CALL_TABLES)}
    for record in records:
        add_call(tables, record["source"]["sha256"], record["source"]["path"], record)
    calls = {
        row["call_id"]: CallRow(**{**_picked(CallRow, row), "date": possible(row["call_date"])})
        for row in tables["calls"]
    }
    turns = {(row["call_id"], row["turn"]): row for row in tables["turns"]}
    clear = {row["call_id"] for row in tables["calls"] if heard(row["status"], row["expected_wer"], max_wer)}
    return Rows(
        calls=tuple(sorted(calls.values(), key=lambda call: (call.date or dt.date.min, call.call_id))),
        scores=tuple(
            _score(row, calls[row["call_id"]])
            for row in tables["criterion_scores"]
            if row["status"] == "scored" and row["level"] is not None and row["criterion"] not in without
            if calls[row["call_id"]].status == "scored" and calls[row["call_id"]].rep
        ),
        moments=(
            *(Moment(**_picked(Moment, row)) for row in tables["evidence"]),
            *(_missed(row, turns[row["call_id"], row["turn"]]) for row in tables["missed"]),
        ),
        objections=tuple(ObjectionRow(**_picked(ObjectionRow, row)) for row in tables["objections"]),
        turns=tuple(TurnRow(**_picked(TurnRow, row)) for row in tables["turns"] if row["call_id"] in clear),
        moves=tuple(MoveRow(**_picked(MoveRow, row)) for row in tables["moves"] if row["call_id"] in clear),
    )


def heard(status: str, expected_wer: float | None, max_wer: float) -> bool:
    """What `HEARD` says of one call."""
    return status == "scored" or (expected_wer or 0.0) <= max_wer


def answers_to_objections(store: Store, where: str, params: Mapping[str, Any], *, limit: int = 200) -> Rows:
    """Of the newest calls with an objection: the objections, and how they were handled at level 3 or better.

    `where` is a condition over `calls c` with `params`: whose calls may be shown. Raises `StoreError`.
    """
    ids = [row["call_id"] for row in store.query(_OBJECTED.format(where=where), {**params, "limit": limit})]
    found = {name: store.query(sql, {"ids": ids}) for name, sql in _ANSWERS.items()}
    return Rows(
        calls=tuple(CallRow(**row) for row in _dated(found["calls"])),
        scores=tuple(ScoredCall(**row) for row in _dated(found["scores"])),
        moments=tuple(Moment(**row) for row in found["moments"]),
        objections=tuple(ObjectionRow(**row) for row in found["objections"]),
        moves=tuple(MoveRow(**row) for row in found["moves"]),
    )


def _dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of calls with a `date`, those with one that no call can be of as undated ones, which come first."""
    last = latest()
    wrong = [{**row, "date": None} for row in rows if row["date"] is not None and row["date"] > last]
    return [*wrong, *(row for row in rows if row["date"] is None or row["date"] <= last)] if wrong else rows


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(item.name for item in dataclasses.fields(kind))


def _picked(kind: type, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _names(kind) if name in row}


def _score(row: Mapping[str, Any], call: CallRow) -> ScoredCall:
    of_call = {name: getattr(call, name) for name in ("rep", "team", "date", "call_type", "account", "overall")}
    return ScoredCall(
        call.call_id, criterion=row["criterion"], level=row["level"], confidence=row["confidence"], **of_call
    )


def _missed(row: Mapping[str, Any], turn: Mapping[str, Any]) -> Moment:
    return Moment(
        row["call_id"], row["criterion"], row["turn"], turn["t0"], turn["t1"], turn["speaker"], turn["text"],
        row["why"], "missed",
    )  # fmt: skip


def _of_calls(
    store: Store, sql: str, account: str | None, call: str | None, since: dt.date | None, max_wer: float
) -> list[dict[str, Any]]:
    """Rows of an account, of a call, or of all calls from a day on; none where nothing is asked for."""
    if account is None and call is None and since is None:
        return []
    every = account is None and call is None
    return store.query(sql, {"account": account, "call": call, "since": since, "every": every, "max_wer": max_wer})


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
