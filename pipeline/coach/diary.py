"""Coaching as a calendar (iCalendar, RFC 5545): planned sessions, training that is due, and days agreed with buyers.

Every entry has a stable id, so that a calendar that subscribes to the file moves entries instead of doubling them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipeline.coach.commitments import Commitment
from pipeline.coach.rows import Assignment, Rows, SessionRow
from pipeline.wording import counted

PRODUCT = "-//debrief//coaching//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """One day in the calendar: `key` identifies it for good, `reminder_days` ahead it reminds (None: not at all).

    `at` is the time of day, of no zone: the clock's where it is; then it lasts `minutes` (None: nobody knows how long).
    """

    key: str
    day: dt.date
    title: str
    text: str
    reminder_days: int | None = None
    at: dt.time | None = None
    minutes: int | None = None


def diary(
    rows: Rows,
    made: Sequence[Commitment] = (),
    *,
    rep: str | None = None,
    since: dt.date | None = None,
    clean: Callable[[str], str] = str,
) -> tuple[Entry, ...]:
    """Entries of all reps or one, from `since` on, in order: sessions not missed, open training, agreed days ahead.

    `clean` takes private details out of words and names: of calls, and of a session's topic.
    """
    entries = [
        *(_session(s, clean) for s in rows.sessions if s.status != "missed" and rep in (None, s.rep)),
        *(_training(a) for a in rows.assignments if a.status == "open" and rep in (None, a.rep)),
        *(
            _agreed(c, c.day, clean)
            for c in made
            if c.day and (c.ahead or c.status == "overdue") and rep in (None, c.rep)
        ),
    ]
    return tuple(
        sorted(
            (e for e in entries if since is None or e.day >= since), key=lambda e: (e.day, e.at or dt.time.min, e.key)
        )
    )


def _session(session: SessionRow, clean: Callable[[str], str]) -> Entry:
    coach = f" with {session.coach}" if session.coach else ""
    minutes = f"{counted(session.minutes, 'minute')}. " if session.minutes else ""
    title = f"Coaching: {session.rep}{coach}"
    return Entry(
        f"session-{session.session_id}",
        session.held_on,
        title,
        f"{minutes}{clean(session.topic or '')}".strip(),
        reminder_days=1,
        at=dt.time.fromisoformat(session.starts_at) if session.starts_at else None,
        minutes=session.minutes,
    )


def _training(item: Assignment) -> Entry:
    text = (
        f"{item.reason}. Assigned {item.assigned_on.isoformat()}; done with: debrief training done {item.assignment_id}"
    )
    return Entry(f"training-{item.assignment_id}", item.due_on, f"Training due: {item.title} ({item.rep})", text, 2)


def _agreed(item: Commitment, due: dt.date, clean: Callable[[str], str]) -> Entry:
    # by the day it was promised for first: one that is put off moves, and keeps its id
    key = hashlib.sha256(f"{item.call_id} {item.turn} {item.kind} {item.due}".encode()).hexdigest()[:16]
    # not the call's id, of which nine figures in a row would be taken for somebody's number
    text = f'{clean(item.owner)}: "{clean(item.words)}" (call {item.call_id}, turn {item.turn})'
    return Entry(f"agreed-{key}", due, clean(f"{item.account or 'Account'}: {item.owner}"), text)


def to_ics(entries: Iterable[Entry], *, now: dt.datetime | None = None) -> bytes:
    """The entries as an iCalendar file, those without a time of day as whole-day events; `now` is when it was made
    (UTC)."""
    from icalendar import Alarm, Calendar, Event

    stamp = now or dt.datetime.now(dt.UTC)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Coaching")
    for entry in entries:
        event = Event()
        event.add("uid", f"{entry.key}@debrief")
        event.add("dtstamp", stamp)
        event.add("dtstart", dt.datetime.combine(entry.day, entry.at) if entry.at else entry.day)
        if entry.at and entry.minutes:
            event.add("duration", dt.timedelta(minutes=entry.minutes))
        elif not entry.at and entry.day < dt.date.max:
            # without an end it is that day, too: the last one there is stands for "never" in some exports
            event.add("dtend", entry.day + dt.timedelta(1))
        event.add("summary", entry.title)
        if entry.text:
            event.add("description", entry.text)
        event.add("transp", "OPAQUE" if entry.at else "TRANSPARENT")
        if entry.reminder_days:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", entry.title)
            alarm.add("trigger", -dt.timedelta(entry.reminder_days))
            event.add_component(alarm)
        calendar.add_component(event)
    return bytes(calendar.to_ical())
