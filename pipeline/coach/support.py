"""Accountability, fairly: what a rep was given beside what came of it, and where holding to account is not fair yet.

Support is coaching sessions and training; results are standings, commitments, quota and activity. A warning is said
where much is asked and little was given, where a target is out of reach for peers too, and where the data is thin.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Any

from pipeline.coach.assign import as_they_were
from pipeline.coach.commitments import Commitment
from pipeline.coach.gaps import Gap, find_gaps, rubric_targets
from pipeline.coach.rows import CallRow, Rows, SessionRow
from pipeline.coach.targets import BEHIND, FairTarget, QuotaCheck, check_quota, fair_targets, mix_of
from pipeline.rubric import Rubric
from pipeline.wording import counted, rounded

Row = dict[str, Any]

PERIOD_DAYS = 90
QUIET_DAYS = 45
"""Days without a coaching session after which a rep counts as not coached."""
MANY_ASKS = 3
THIN_CALLS = 5


def support_report(
    rows: Rows,
    rubric: Rubric,
    made: Sequence[Commitment],
    *,
    as_of: dt.date,
    rep: str | None = None,
    target: float | None = None,
) -> list[Row]:
    """Per rep (all, or one): `support`, `results`, `targets` and `warnings` of the last 90 days, each with its n.

    `made` are the commitments of the calls in that time; `target` is that of `find_gaps`. What came after `as_of` is
    left out, so that a week that is over reads as it did then.
    """
    rows = dataclasses.replace(
        rows,
        scores=tuple(score for score in rows.scores if score.date is None or score.date <= as_of),
        assignments=as_they_were(rows.assignments, on=as_of),
    )
    gaps: dict[str, list[Gap]] = defaultdict(list)
    for gap in find_gaps(rows.scores, rubric, as_of=as_of, target=target):
        gaps[gap.rep].append(gap)
    fair: dict[str, list[FairTarget]] = defaultdict(list)
    for item in fair_targets(rows.scores, rubric_targets(rubric, target=target)):
        fair[item.rep].append(item)
    types: dict[str, list[str | None]] = defaultdict(list)
    for call in rows.calls:
        if call.rep:
            types[call.rep].append(call.call_type)
    names = sorted({*types, *(s.rep for s in rows.sessions), *(q.rep for q in rows.quotas)})
    mixes = {name: mix_of(types[name]) for name in names}
    calling = {call.rep for call in rows.calls if call.rep and _recent(call.date, as_of)}
    return [
        support_row(
            rows, name, rubric, made, gaps=gaps[name], fair=fair[name], mixes=mixes, calling=calling, as_of=as_of
        )
        for name in names
        if rep in (None, name)
    ]


def support_row(
    rows: Rows,
    rep: str,
    rubric: Rubric,
    made: Sequence[Commitment],
    *,
    gaps: Sequence[Gap],
    fair: Sequence[FairTarget],
    mixes: Mapping[str, Mapping[str | None, float]],
    calling: Collection[str],
    as_of: dt.date,
) -> Row:
    """One rep's row of `support_report`.

    `rows` needs the rep's own calls only, and everybody's sessions, quotas, activity and assignments. `gaps` and
    `fair` are the rep's; `mixes` the call mix of every rep (`mix_of`), `calling` the reps with a call in the period.
    The rep's coaching is compared with that of those and of whoever has a session in it: who left needs none.
    """
    calls = [c for c in rows.calls if c.rep == rep]
    quotas = _quotas(rows, rep, mixes, as_of)
    support = _support(rows, rep, as_of)
    row: Row = {
        "rep": rep,
        "team": next((c.team for c in reversed(calls) if c.team), None),
        "from": _begin(as_of).isoformat(),
        "to": as_of.isoformat(),
        "support": support,
        "results": _results(rows, rep, calls, made, gaps, quotas, as_of),
        "targets": [item.to_json() for item in fair],
    }
    untimed = {s.rep for s in rows.sessions if _untimed(s, as_of)}
    # whose sessions have no minutes on record had more than their sum says
    peers = {*calling, *(s.rep for s in rows.sessions if _recent(s.held_on, as_of))} - untimed - {rep}
    minutes = [_minutes(rows, name, as_of) for name in sorted(peers)]
    row["warnings"] = _warnings(row, quotas, minutes, rubric.titles)
    return row


def _minutes(rows: Rows, rep: str, as_of: dt.date) -> int:
    """Minutes of coaching that a rep was given in the period."""
    held = (s for s in rows.sessions if s.rep == rep and s.status == "held" and _recent(s.held_on, as_of))
    return sum(s.minutes or 0 for s in held)


def _untimed(session: SessionRow, as_of: dt.date) -> bool:
    """Whether a session was held in the period, for nobody knows how long."""
    return session.status == "held" and session.minutes is None and _recent(session.held_on, as_of)


def _begin(as_of: dt.date) -> dt.date:
    """The first of the `PERIOD_DAYS` days, of which `as_of` is the last."""
    return as_of - dt.timedelta(PERIOD_DAYS - 1)


def _recent(day: dt.date | None, as_of: dt.date) -> bool:
    return day is not None and _begin(as_of) <= day <= as_of


def _support(rows: Rows, rep: str, as_of: dt.date) -> Row:
    sessions = [s for s in rows.sessions if s.rep == rep]
    held = [s for s in sessions if s.status == "held" and _recent(s.held_on, as_of)]
    trained = [a for a in rows.assignments if a.rep == rep]
    last = max((s.held_on for s in sessions if s.status == "held" and s.held_on <= as_of), default=None)
    planned = min((s.held_on for s in sessions if s.status == "planned" and s.held_on >= as_of), default=None)
    return {
        "sessions": len(held),
        "minutes": _minutes(rows, rep, as_of),
        "untimed_sessions": sum(_untimed(s, as_of) for s in held),
        "missed_sessions": sum(s.status == "missed" and _recent(s.held_on, as_of) for s in sessions),
        "last_session": last.isoformat() if last else None,
        "days_since_session": (as_of - last).days if last else None,
        "next_session": planned.isoformat() if planned else None,
        "training_open": sum(a.status == "open" for a in trained),
        "training_overdue": sum(a.status == "open" and a.due_on < as_of for a in trained),
        "training_done": sum(a.status == "done" and _recent(a.completed_on, as_of) for a in trained),
    }


def _results(
    rows: Rows,
    rep: str,
    own: Sequence[CallRow],
    made: Sequence[Commitment],
    gaps: Sequence[Gap],
    quotas: Sequence[QuotaCheck],
    as_of: dt.date,
) -> Row:
    calls = [c for c in own if _recent(c.date, as_of)]
    scored = [c for c in calls if c.status == "scored"]
    mine = [c for c in made if c.rep == rep and c.side == "rep" and not c.colleague and _recent(c.made_on, as_of)]
    by_status = {status: [c for c in mine if _status(c) == status] for status in dict.fromkeys(map(_status, mine))}
    overall = [c.overall for c in scored if c.overall is not None]
    return {
        "calls": len(calls),
        "scored": len(scored),
        "call_ids": [c.call_id for c in scored],
        "overall": rounded(sum(overall) / len(overall), 1) if overall else None,
        "gaps": [
            {"criterion": g.criterion, "calls": g.standing.n, "call_ids": list(g.standing.call_ids)} for g in gaps
        ],
        "commitments": {
            status: {"n": len(part), "call_ids": sorted({c.call_id for c in part})}
            for status, part in by_status.items()
        },
        "quotas": [_quota_row(check) for check in quotas],
        "activity": _activity(rows, rep, as_of),
    }


def _status(made: Commitment) -> str:
    """What is held against somebody: a day to meet that no recorded call falls on may have been kept in person."""
    return "not mentioned" if (made.kind, made.status) == ("meeting", "overdue") else made.status


def _quotas(rows: Rows, rep: str, mixes: Mapping[str, Mapping[str | None, float]], as_of: dt.date) -> list[QuotaCheck]:
    """The rep's quotas of periods that have begun and did not end before the period looked at."""
    checks = []
    for quota in rows.quotas:
        if quota.rep == rep and quota.starts_on <= as_of and quota.ends_on >= _begin(as_of):
            days = (quota.ends_on - quota.starts_on).days + 1
            elapsed = min(1.0, ((as_of - quota.starts_on).days + 1) / days)
            checks.append(check_quota(quota, rows.quotas, mixes, elapsed=elapsed))
    return checks


def _quota_row(check: QuotaCheck) -> Row:
    quota = check.quota
    return {
        "measure": quota.measure,
        "from": quota.starts_on.isoformat(),
        "to": quota.ends_on.isoformat(),
        "target": quota.target,
        "result": quota.result,
        "pace": None if check.pace is None else round(check.pace, 2),
        "early": check.early,
        "peers": check.peers,
        "reached_by": check.reached_by,
        "fair": check.fair,
    }


def _activity(rows: Rows, rep: str, as_of: dt.date) -> list[Row]:
    """Per measure the rep's sum, and the median of the peers' sums."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows.activities:
        if _recent(row.starts_on, as_of):
            sums[row.measure][row.rep] += row.count
    found = []
    for measure, by_rep in sorted(sums.items()):
        peers = [count for name, count in by_rep.items() if name != rep]
        if rep in by_rep:
            found.append(
                {
                    "measure": measure,
                    "count": by_rep[rep],
                    "peers": len(peers),
                    "peer_median": median(peers) if peers else None,
                }
            )
    return found


def _asked(row: Row, behind: Sequence[QuotaCheck], late: int) -> str:
    """What a rep has to answer for, in words: `2 gaps, 1 quota behind and 3 late promises`."""
    parts = [(len(row["results"]["gaps"]), "gap", ""), (len(behind), "quota behind", "quotas behind")]
    said = [counted(n, one, many) for n, one, many in (*parts, (late, "late promise", "")) if n]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)


def _warnings(row: Row, quotas: Sequence[QuotaCheck], peers: Sequence[int], titles: Mapping[str, str]) -> list[Row]:
    """What is not fair, or not known well enough, in a rep's row; each `{"kind", "text"}`.

    `peers` are the minutes of coaching that each of the others had of whom they are known.
    """
    support, results = row["support"], row["results"]
    behind = [c for c in quotas if c.pace is not None and c.pace < BEHIND]
    late = sum(results["commitments"].get(s, {"n": 0})["n"] for s in ("not kept", "overdue"))
    asks = len(results["gaps"]) + len(behind) + (late > 0)
    days = support["days_since_session"]
    coached = days is not None and days <= QUIET_DAYS
    trained = support["training_open"] + support["training_done"] > 0
    found = []
    if asks and not coached and not trained:
        since = (
            f"{counted(days, 'day')} without a coaching session"
            if days is not None
            else "no coaching session on record"
        )
        found.append(_warning("no support", f"{_asked(row, behind, late)}, {since}, and no training given"))
    elif asks >= MANY_ASKS and not (coached and trained):
        since = f"a coaching session for {days} days" if days is not None else "a coaching session on record"
        what = "training" if coached else since
        found.append(_warning("piled on", f"{_asked(row, behind, late)} at once, without {what}"))
    if peers and not support["untimed_sessions"] and support["minutes"] < median(peers) / 2:
        theirs = f"the median of {counted(len(peers), 'peer')} is {median(peers):.0f}"
        text = f"{counted(support['minutes'], 'minute')} of coaching, {theirs}"
        found.append(_warning("less support than peers", text))
    if results["scored"] < THIN_CALLS:
        few = f"{counted(results['scored'], 'scored call')} in {PERIOD_DAYS} days"
        text = f"{few}: too few to hold anybody to (under {THIN_CALLS})"
        found.append(_warning("thin data", text))
    for item in row["targets"]:
        if item["verdict"] == "out of reach":
            text = (
                f"{titles[item['criterion']].lower()} at {item['target']:.1f}: none of "
                f"{counted(item['peers'], 'peer')} stands there over the same mix "
                f"of calls; {item['next']:.1f} is a fair next step"
            )
            found.append(_warning("target out of reach", text))
    found += [
        _warning(
            "quota out of reach",
            f"{c.quota.measure}: none of {counted(c.peers, 'peer')} with such calls comes to {BEHIND:.0%} of that pace",
        )
        for c in quotas
        if c.fair is False
    ]
    if support["training_overdue"] and support["missed_sessions"]:
        found.append(_warning("support not given", "training is overdue while coaching sessions were missed"))
    return found


def coached_words(support: Mapping[str, Any]) -> str:
    """Coaching sessions with their minutes, as far as these are on record: `2 coaching sessions, 45 minutes`."""
    said, untimed = counted(support["sessions"], "coaching session"), support["untimed_sessions"]
    if untimed and untimed == support["sessions"]:
        return f"{said}, minutes not on record"
    minutes = f"{said}, {counted(support['minutes'], 'minute')}"
    return f"{minutes} and {untimed} without minutes on record" if untimed else minutes


def _warning(kind: str, text: str) -> Row:
    return {"kind": kind, "text": text}
