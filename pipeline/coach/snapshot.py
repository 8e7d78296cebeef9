"""Gaps as worked out last night: over many calls they take minutes, and a page may not."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.store import Store

Row = dict[str, Any]

LIVE_CALLS = 5000
"""Up to so many scored calls gaps are worked out when they are asked for."""

NEWEST = 20
"""Calls named with each kept gap."""


def keep_gaps(store: Store, rows: list[Row], *, as_of: dt.date) -> None:
    """Keep the rows of the gaps report, of each the newest calls. Raises `StoreError`."""
    kept = []
    for row in rows:
        mine = {name: row[name] for name in ("rep", "team", "criterion", "expected_lift")}
        kept.append({**mine, "as_of": as_of, "detail": {**row, "call_ids": row["call_ids"][-NEWEST:]}})
    store.put_derived("gaps", kept)


def too_many(store: Store) -> bool:
    """Whether there are more scored calls than gaps are worked out over when asked for. Raises `StoreError`."""
    scored = store.query("SELECT coalesce(sum(n), 0) AS n FROM call_weeks WHERE status = 'scored'")[0]["n"]
    return bool(scored > LIVE_CALLS)


def kept_gaps(store: Store) -> list[Row] | None:
    """The kept rows of the gaps report, the largest lift first; None where they are to be worked out anew.

    That is where there are few enough calls, and where none are kept: over so many calls that is mostly a night that
    has not come yet, and `no gaps` would be untrue. Raises `StoreError`.
    """
    if not too_many(store):
        return None
    rows = store.query("SELECT detail FROM gaps ORDER BY expected_lift DESC, rep, criterion")
    return [row["detail"] for row in rows] or None
