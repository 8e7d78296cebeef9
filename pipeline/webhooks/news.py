"""What is new since the last look: calls scored for the first time, gaps, assignments. Read from the store, told once.

Where webhooks are turned on, what is there already is old. A call that is scored again is no news; a gap that closed
and came back is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.settings import public_address
from pipeline.webhooks.outbox import Outbox
from pipeline.webhooks.send import addresses

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store import Store

BEHIND = dt.timedelta(days=7)
"""How much later than others a record may arrive (from another machine) and still be noticed."""

_SCORED = "SELECT call_id FROM calls WHERE status = 'scored' AND ($since IS NULL OR kept_at >= $since)"
_CALLS = """
SELECT call_id, rep, team, account, call_date::VARCHAR AS call_date, call_type, duration_s, overall, rubric_id,
       rubric_version FROM calls WHERE call_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY kept_at, call_id
"""
_LEVELS = """
SELECT call_id, criterion, level, status, confidence FROM criterion_scores
WHERE call_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY call_id, criterion
"""
_ASSIGNED = """
SELECT assignment_id, rep, team, criterion, level, module, title, reason, status,
       assigned_on::VARCHAR AS assigned_on, due_on::VARCHAR AS due_on FROM assignments WHERE status = 'open'
"""


def collect(
    store: Store, settings: Settings, *, outbox: Outbox, gaps: Iterable[Mapping[str, Any]] | None = None
) -> int:
    """Note what is new for the addresses of the settings; how many events. Nothing where webhooks are off.

    `gaps` are today's rows of `gap_rows`, where they have been worked out. Raises `SettingsError`, `StoreError`.
    """
    urls = addresses(settings)
    if not urls:
        return 0
    if outbox.mark("since") is None:
        _begin(store, outbox)
    found = _scorecards(store, settings, outbox, urls) + _assignments(store, outbox, urls)
    return found if gaps is None else found + _gaps(gaps, outbox, urls)


def _begin(store: Store, outbox: Outbox) -> None:
    outbox.pass_over(f"scorecard/{row['call_id']}" for row in store.query(_SCORED, {"since": None}))
    # all of it, since what is done now may be opened again
    outbox.pass_over(
        f"assignment/{row['assignment_id']}" for row in store.query("SELECT assignment_id FROM assignments")
    )
    outbox.put_mark("since", _now().isoformat())


def _scorecards(store: Store, settings: Settings, outbox: Outbox, urls: tuple[str, ...]) -> int:
    seen = dt.datetime.fromisoformat(outbox.mark("scored") or outbox.mark("since") or _now().isoformat())
    began = _now()
    rows = store.query(_SCORED, {"since": seen - BEHIND})
    fresh = outbox.unknown(f"scorecard/{row['call_id']}" for row in rows)
    ids = [key.partition("/")[2] for key in fresh]
    levels: dict[str, dict[str, Any]] = {}
    for row in store.query(_LEVELS, {"ids": ids}) if ids else []:
        levels.setdefault(row["call_id"], {})[row["criterion"]] = {
            name: row[name] for name in ("level", "status", "confidence")
        }
    noted = 0
    for row in store.query(_CALLS, {"ids": ids}) if ids else []:
        link = f"{public_address(settings)}/calls/{row['call_id']}"
        data = {**row, "criteria": levels.get(row["call_id"], {}), "url": link}
        noted += outbox.add("scorecard.created", f"scorecard/{row['call_id']}", data, urls)
    outbox.put_mark("scored", began.isoformat())
    return noted


def _assignments(store: Store, outbox: Outbox, urls: tuple[str, ...]) -> int:
    rows = {f"assignment/{row['assignment_id']}": row for row in store.query(_ASSIGNED)}
    fresh = outbox.unknown(rows)
    return sum(outbox.add("assignment.created", key, rows[key], urls) for key in fresh)


def _gaps(gaps: Iterable[Mapping[str, Any]], outbox: Outbox, urls: tuple[str, ...]) -> int:
    rows = {f"gap/{row['rep']}/{row['criterion']}": row for row in gaps}
    outbox.forget(set(outbox.known("gap/")) - set(rows))
    if outbox.mark("gaps") is None:
        outbox.pass_over(rows)
        outbox.put_mark("gaps", _now().isoformat())
        return 0
    simple = (str, int, float, type(None))
    return sum(
        outbox.add("gap.found", key, {k: v for k, v in rows[key].items() if isinstance(v, simple)}, urls)
        for key in outbox.unknown(rows)
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
