"""Days and times as people write them in tables and notes: ISO, or day and month told apart where they can be."""

from __future__ import annotations

import contextlib
import datetime as dt
import re

from pipeline.days import day_at, day_of

_EPOCH = re.compile(r"1\d{9}(?:\d{3})?")
_CLOCK = re.compile(
    r"(?:[^:]*[\sT,])?(\d{1,2})(?::([0-5]\d)(?::[0-5]\d(?:\.\d+)?)?|(?=\s*[ap]\.?m))\s*(?:([ap])\.?m\.?)?",
    re.IGNORECASE,
)


def read_day(text: str, zone: object = None) -> dt.date:
    """A day or time in ISO (`days.day_of`, in the `zone` that is stated beside it), a time in seconds or milliseconds
    since 1970 as vendors have it, or day and month told apart by dots (the day stands first) or a number over 12.

    `03/04/2026` could be either and is refused. Raises `ValueError` with one clause that says what to write.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        # first: some of these are ISO 8601 too, in the year 1712
        return day_at(dt.datetime.fromtimestamp(int(text[:10]), dt.UTC), zone)
    with contextlib.suppress(ValueError):
        return day_of(text, zone)
    parts = re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", (text.split() or [""])[0])
    if parts:
        first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
        dotted = parts[2] == "."
        if not dotted and max(first, second) <= 12 and first != second:
            raise ValueError(f"'{text}' may be {first}/{second} or {second}/{first}; write dates as YYYY-MM-DD")
        day, month = (first, second) if dotted or first > 12 else (second, first)
        with contextlib.suppress(ValueError):
            return dt.date(year, month, day)
    raise ValueError(f"'{text}' is no date; write dates as YYYY-MM-DD")


def read_time(text: str) -> dt.time | None:
    """The time of day in a text that `read_day` reads, or alone (`14:30`, `2:30 PM`, `2 pm`), as the clock there showed
    it; a moment in UTC is taken to this machine's, like its day. A day alone is midnight, as exports write it; None
    where there is no time to be told."""
    text = text.strip()
    found = _CLOCK.fullmatch(text)
    if found and (not found[3] or 1 <= int(found[1]) <= 12) and int(found[1]) < 24:
        hour = int(found[1]) % 12 + 12 * (found[3].lower() == "p") if found[3] else int(found[1])
        return dt.time(hour, int(found[2] or 0))
    with contextlib.suppress(ValueError, OverflowError):
        moment = (
            dt.datetime.fromtimestamp(int(text[:10]), dt.UTC)
            if _EPOCH.fullmatch(text)
            else dt.datetime.fromisoformat(text)
        )
        if moment.tzinfo is not None and not moment.utcoffset():
            moment = moment.astimezone()
        return dt.time(moment.hour, moment.minute)
    return None
