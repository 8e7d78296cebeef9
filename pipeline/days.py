"""Which days a call can be of: what lies in the future is a mistake of whoever wrote it down."""

from __future__ import annotations

import datetime as dt

DOUBT = "the date "
"""How every line of `doubts` begins."""
CORRECT = "correct it in the file's name or beside the file, then `debrief process` the file again"

WRITTEN = dt.date(2026, 11, 27)
"""A clock that shows an earlier day is behind: this was written then."""


def latest(today: dt.date | None = None) -> dt.date:
    """The last day that a call can be of: tomorrow, as it is that already somewhere. `today` is the clock's.

    A call that states a later one counts as a call without a date: nobody's "today" and "newest" is taken from it.
    """
    return max(today or dt.date.today(), WRITTEN) + dt.timedelta(1)


def possible(day: dt.date | None) -> dt.date | None:
    """The day, where a call can be of it; else None."""
    return day if day is not None and day <= latest() else None


def doubts(day: dt.date | None) -> tuple[str, ...]:
    """What is doubtful about a call's stated day and what to do about it, a line each; mostly nothing."""
    if possible(day) == day:
        return ()
    return (f"{DOUBT}{day} lies in the future, so the call counts as one without a date; {CORRECT}",)
