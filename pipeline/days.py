"""Which day a call was on: what a stated time means where the call was, and which days can be none."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from pipeline.errors import StoreError

DOUBT = "the date "
"""How every line of `doubts` begins."""
CORRECT = "correct it in the file's name or beside the file, then `debrief process` the file again"

_FIRST = dt.date(2, 1, 1).toordinal()
"""Not the very first day: in some zones its midnight is no moment that a clock can show."""
WRITTEN = dt.date(2026, 11, 27)
"""A clock that shows an earlier day is behind: this was written then."""


def iso_day(text: str) -> dt.date:
    """The day that somebody typed. Raises `StoreError`."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise StoreError(f"{text}: no date; write it as YYYY-MM-DD") from None


def latest(today: dt.date | None = None) -> dt.date:
    """The last day that a call can be of: tomorrow, as it is that already somewhere. `today` is the clock's.

    A call that states a later one counts as a call without a date: nobody's "today" and "newest" is taken from it.
    """
    return max(today or dt.date.today(), WRITTEN) + dt.timedelta(1)


def days_before(day: dt.date, count: int) -> dt.date:
    """The day so many days earlier; one of the first that there are where that is before all of them."""
    return dt.date.fromordinal(max(_FIRST, day.toordinal() - count))


def possible(day: dt.date | None) -> dt.date | None:
    """The day, where a call can be of it; else None."""
    return day if day is not None and day <= latest() else None


def day_of(text: str, zone: object = None) -> dt.date:
    """The day of a date or time in ISO 8601 (`day_at`). Raises `ValueError`."""
    try:
        return day_at(dt.datetime.fromisoformat(text.strip()), zone)
    except ValueError:
        return dt.date.fromisoformat(text.strip()[:10])


def day_at(moment: dt.datetime, zone: object = None) -> dt.date:
    """The day that it was at a moment where the call was: in the `zone` that is stated beside it, by name, else by its
    own distance from UTC. A moment in UTC says nothing of the place, which is then taken to be this machine's."""
    stated = known_zone(zone)
    if moment.tzinfo is None or (stated is None and moment.utcoffset()):
        return moment.date()
    try:
        return moment.astimezone(stated).date()
    except OverflowError:
        # the first or the last day that there is
        return moment.date()


def known_zone(name: object) -> ZoneInfo | None:
    """The time zone of that name, as `Europe/Paris`; None where there is none."""
    try:
        return ZoneInfo(name) if isinstance(name, str) else None
    except (KeyError, ValueError, OSError):
        return None


def doubts(day: dt.date | None, zone: object = None) -> tuple[str, ...]:
    """What is doubtful about a call's stated day and what to do about it, a line each; mostly nothing."""
    found = []
    if possible(day) != day:
        found.append(f"{DOUBT}{day} lies in the future, so the call counts as one without a date; {CORRECT}")
    if day and zone and known_zone(zone) is None:
        found.append(f"{DOUBT}may be a day off, as no time zone is called {str(zone)[:40]!r}; {CORRECT}")
    return tuple(found)
