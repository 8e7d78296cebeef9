"""When a file that failed is tried again by itself, and when it no longer is.

`refused`      the file itself is wrong (kind `input`): tried again when it changes
`retry`        something around it failed: tried again at `next_at`
`quarantined`  it failed `max_attempts` times (it may be what makes the engine fail): tried again when it changes, when
               it is named itself (`debrief process FILE`), or by another version of debrief
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

Verdict = Literal["refused", "retry", "quarantined"]

FIRST_WAIT = dt.timedelta(minutes=15)
LONGEST_WAIT = dt.timedelta(hours=20)
"""Less than a day, so that every night tries again."""


def verdict(kind: str, attempts: int, *, max_attempts: int) -> Verdict:
    """What follows from the `attempts`-th failure in a row of an unchanged file.

    A data folder that cannot be written (kind `store`) is never the file's fault.
    """
    if kind == "input":
        return "refused"
    return "quarantined" if kind != "store" and attempts >= max_attempts else "retry"


def next_try(attempts: int, now: dt.datetime) -> dt.datetime:
    """15 minutes after the first failure, four times as long after each further one, 20 hours at most."""
    times: int = 4 ** min(attempts - 1, 8)
    return now + min(FIRST_WAIT * times, LONGEST_WAIT)


def due(failure: Mapping[str, Any], now: dt.datetime) -> bool:
    """True when a kept failure with status `retry` may be tried again.

    A time further away than any wait was noted by a clock that has been set back since: it counts as come.
    """
    text = failure.get("next_at")
    if not text:
        return True
    left = dt.datetime.fromisoformat(str(text)) - now
    return left <= dt.timedelta(0) or left > LONGEST_WAIT
