"""Whether a promise slipped: done after its day, put off to another, and to which.

Read from the sentence of a later call that tells of it. A day told in the past is any that fits between the promise and
that call; only where all of them lie after the day that was promised is the thing late: in doubt it was in time.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Sequence

from pipeline.coach.clauses import sentences
from pipeline.coach.rows import TurnRow
from pipeline.coach.when import WEEKDAYS, Named, by_number, named_days
from pipeline.wording import straight

POST_DAYS = 5
LOOK_AHEAD = 2
"""A new day is named in the turn that owns up or within so many turns after it."""

_LATE = re.compile(
    r"\b(?:(?:days?|weeks?|months?|fortnight|bit|little|nearly|too|came|was|were|arrived|got here|that's) late|"
    r"late in the end|in the end|eventually|took (?:you|me|us|them|him|her) (?:a (?:few|couple of)|two|three|four|five|"
    r"six|seven) (?:days|weeks)|not the (?:day|night|week|morning) (?:I|you|we|he|she|they) said|later than)\b",
    re.IGNORECASE,
)
_IN_TIME = re.compile(r"\b(?:on time|in time|on the dot|like you said|as you said|a day early|ahead of time)\b", re.I)
_PUT_OFF = re.compile(
    r"\b(?:(?:moved|pushed|shifted|bumped|knocked) (?:it|that|us|them|him|her|you|things|the \w+|my \w+|our \w+)?\s*"
    r"(?:back|off|out|on|to|again|and then)|put (?:it|that|us|them|him|her|you|things|the \w+|my \w+|our \w+)?\s*"
    r"(?:back|off))|\b(?:moved (?:it|that)|got (?:moved|pushed|bumped|shifted|put back)|"
    r"postponed|rescheduled)\b",
    re.IGNORECASE,
)
_OFF = re.compile(
    r"\b(?:cancel+ed|fell through|called (?:it )?off(?! (?:as|in|monthly|weekly)\b)|"
    r"was off|got pulled|didn't happen|never happened|dropped out|"
    r"stood (?:me|us) up)\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"\b(?:will|gonna|going to|make it|by|until|(?:back|off|out|on|it|that|moved|pushed) to)\b|'ll\b|\u2019ll\b",
    re.IGNORECASE,
)
_MONTH = re.compile("|".join(calendar.month_name[1:]), re.IGNORECASE)
_POINTS = re.compile(r"\b(?:it|that|them|those|one|this)\b|^\W*(?:by|on|until)?\s*\w+ ?\w*\W*$", re.IGNORECASE)


def is_late(
    sentence: str, *, made_on: dt.date | None, due: dt.date | None, told_on: dt.date | None, by_post: bool = False
) -> bool:
    """Whether a sentence that tells of something done says that it was after the day `due`.

    What goes by post was sent some days before it came.
    """
    sentence = straight(sentence)
    if due is None or _IN_TIME.search(sentence):
        return False
    if _LATE.search(sentence):
        return True
    named = named_days(sentence, told_on)
    days = [day for day in named if not re.search(r"\bnot\s+$", sentence[: day.start], re.IGNORECASE)]
    if not days or not made_on or not told_on:
        return False
    could_be = _could_be(days[-1], made_on, told_on)
    # `it came Wednesday, not Monday` is a complaint, whatever the post
    latest = due + dt.timedelta(POST_DAYS if by_post and len(days) == len(named) else 0)
    return bool(could_be) and all(day > latest for day in could_be)


def _could_be(named: Named, made_on: dt.date, told_on: dt.date) -> list[dt.date]:
    """The days between a promise and the call that tells of it which words about the past may mean."""
    between = [made_on + dt.timedelta(n) for n in range(1, (told_on - made_on).days)]
    words = named.words.lower().split()
    if words[-1] in WEEKDAYS:
        return [day for day in between if day.weekday() == WEEKDAYS.index(words[-1])]
    if words[0] in ("today", "this"):
        return [told_on]
    return [day for day in between if named.date and day.day == named.date.day]


def put_off(text: str, answer: str) -> str | None:
    """What words about an agreed day say of it: `moved`, `not kept`, or nothing. `answer` is what is said next."""
    text, answer = straight(text), straight(answer)
    if _PUT_OFF.search(text):
        return "moved"
    if _OFF.search(text):
        return "moved" if _PUT_OFF.search(answer) else "not kept"
    return None


def names_day(text: str, due: dt.date | None, told_on: dt.date | None) -> bool:
    """Whether words speak of the day `due` by its number (`the tenth`, `the tenth of June`)."""
    return any(_is_numbered(day, due) for day in named_days(text, told_on))


def names_another_day(text: str, due: dt.date | None, told_on: dt.date | None) -> bool:
    """Whether words name days by weekday or number, and `due` is none of them."""
    days = [day for day in named_days(text, told_on) if _weekday(day) or by_number(day.words)]
    if not due or not days:
        return False
    return not any(_weekday(day) == f"{due:%A}".lower() or _is_numbered(day, due) for day in days)


def _weekday(day: Named) -> str | None:
    return next((word for word in re.findall(r"[a-z]+", day.words.lower()) if word in WEEKDAYS), None)


def _is_numbered(day: Named, due: dt.date | None) -> bool:
    if not due or not day.date or not by_number(day.words):
        return False
    month = _MONTH.search(day.words)
    return day.date.day == due.day and (not month or day.date.month == due.month)


def new_day(
    turns: Sequence[TurnRow], place: int, side: str, due: dt.date | None, told_on: dt.date | None
) -> dt.date | None:
    """The day to come that something not done is now promised for: `You'll have it by Thursday`, said with it.

    It is named in the turn that tells, or shortly after by who told or by the `side` that had promised.
    """
    for turn in turns[place : place + 1 + LOOK_AHEAD]:
        if turn.name != turns[place].name and turn.side != side:
            continue
        for sentence, _ in sentences(turn.text):
            ahead = _AHEAD.search(sentence)
            if ahead and told_on and _POINTS.search(sentence):
                days = [day for day in named_days(sentence, told_on) if day.start >= ahead.start()]
                found = [day.date for day in days if day.date and day.date > told_on and not _is_numbered(day, due)]
                if found:
                    return found[-1]
    return None
