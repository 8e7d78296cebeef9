"""Which of the days that are named around a promise is the one it is promised for.

A day of the same sentence first: the last one where somebody corrects themselves, none that says when something begins
(`sign for the first of January`). A sentence beside lends its day only where one of the two points to the other
(`I'll send it. You'll have it Friday.`). An answer moves a day to meet where it is about the meeting.
"""

from __future__ import annotations

import datetime as dt
import re

from pipeline.coach.answers import agrees
from pipeline.coach.clauses import clauses
from pipeline.coach.promises import conditional, delivery, promise
from pipeline.coach.when import MONTH_NAMES, WEEKDAYS, Named, named_days

PLAIN_YES_WORDS = 4
SHORT = 8
"""A sentence of so few words that names a day says hardly more than the day."""
_CORRECTS = re.compile(
    r"\b(?:no,|no wait|wait,|sorry|I mean|or rather|make (?:that|it)|hang on|hold on|scratch that|actually|"
    r"(?:too (?:quick|soon|early|tight|late)|bad|no good|out)\b[,.;]?|better (?:say|make)|let's say|so)\b",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"\b(?:from|since|starting(?: on)?|as of|effective)\s*(?:the\s*)?$", re.IGNORECASE)
_FOR = re.compile(r"\bfor\s*(?:an?\s|the\s)?\s*$", re.IGNORECASE)
_ENTERS_INTO = re.compile(r"\b(?:sign|order|commit|buy|agree|pay|budget|quote|price|invoice)\b", re.IGNORECASE)
_POINTS = re.compile(r"\b(?:it|that|them|those|these|this|one|both|then|there)\b", re.IGNORECASE)
_COMES = re.compile(r"\b(?:bring|come|meet|visit|call|ring|drop|pick)\b", re.IGNORECASE)

_AT_AN_HOUR = re.compile(
    r"\bat (?:half past |quarter (?:past|to) )?"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|\d)",
    re.IGNORECASE,
)
_RUNS_OUT = re.compile(
    r"(?:\b(?:finish\w*|expir\w*|end(?:s|ing)|runs? out|lapses?|is due|(?:comes?|is|are|was) up)|['\u2019]s up)"
    r"(?: on)?\s*$",
    re.IGNORECASE,
)


_CLAUSE_ENDS = re.compile(
    r"[,;:]\s+(?!(?:the|\d|on|at|by|mon|tues|wednes|thurs|fri|satur|sun)\w*\b)|\s[-\u2013\u2014]\s|"
    r",?\s(?:and|but|so|because)\s+(?=(?:I|we|you|he|she|they|it|that|then)\b)",
    re.IGNORECASE,
)
_ANOTHER_SAYING = re.compile(
    r"[,;]?\s(?:and|but|so|because)\s+(?=(?:I|we|you|he|she|they)(?:\b|['\u2019])\s?\w+)", re.IGNORECASE
)
_THAT_DAY = re.compile(r"\b(?:(?:that|every|last|any)|(?P<the>the))\s*$", re.IGNORECASE)
"""`We have the auditors in that Monday`, `by the Thursday before` speak of a day that is known; they propose none."""
_HAPPENED = re.compile(
    r"\b(?:I|we|you|he|she|they|it|that|there|who|which|(?-i:[A-Z]\w+))(?:['\u2019](?:ve|s|d))? (?:\w+ly |just |"
    r"also |have |had |"
    r"has )?(?:was|were|had|did|got|went|came|told|said|saw|sent|met|called|rang|spoke|started|filled|found|heard|gave|"
    r"made|took|left|put|talked|looked|asked|phoned|emailed|mailed|tried|wanted|thought|bought|ran|broke|closed|"
    r"stood)\b",
    re.IGNORECASE,
)
_TO_COME = re.compile(
    r"\b(?:will|shall|can|could|would|should|may|might|let's|going to|gonna|need|want|like|back|how about|what about|"
    r"ready|if|free|see you)\b|['\u2019](?:ll|d)\b",
    re.IGNORECASE,
)
_THEY_MEET = re.compile(
    r"\b(?:they|he|she|the \w+) (?:always |usually |only )?(?:meets?|sits?|comes?|goes|does|do)\b", re.IGNORECASE
)


def ends_then(sentence: str, day: Named) -> bool:
    """Whether a day is when something runs out: nobody meets for that."""
    return bool(_RUNS_OUT.search(sentence[: day.start]))


def best_day(sentence: str, start: int, on: dt.date | None) -> Named | None:
    """The day of a promise that begins at `start`: one after it before one ahead of it, a date before a weekday.

    Never one that is past on the day `on`: `the quote of the 1st, by Friday`.
    """
    condition = re.compile(r"\b(?:if|unless)\b", re.IGNORECASE).search(sentence, start + 1)
    until = condition.start() if condition else len(sentence)
    days = [
        day
        for day in named_days(sentence, on)
        if day.start < until
        and not (on and day.date and day.date < on)
        and not _begins_then(sentence, day)
        and not told_of(sentence, day)
    ]
    after = [day for day in days if day.start >= start] or days
    if len(after) > 1 and _CORRECTS.search(sentence, after[0].start, after[-1].start):
        return after[-1]
    # what somebody else is to do by then is another thing: `I'll send it tomorrow, and I'd like it back by the 12th`
    ends = _ANOTHER_SAYING.search(sentence, after[0].start) if after else None
    after = [day for day in after if not ends or day.start < ends.start()]
    dated = [day for day in after if re.search(r"\d|th\b|first|second|third", day.words)]
    return next(iter(dated or after), None)


def told_of(sentence: str, day: Named) -> bool:
    """Whether a day is named for what has happened or what others do anyway: `I had his mail on Friday`."""
    before = _CLAUSE_ENDS.split(sentence[: day.start])[-1]
    after = _CLAUSE_ENDS.split(sentence[day.start + len(day.words) :])[0]
    clause = before + " " + after
    # `every second Tuesday`; `tell Sunday to come in` names somebody; `after Thursday` names no day
    if re.search(
        r"\b(?:every(?: other| second| \w+)?|last|tell|ask|greet|after)\s*(?:the\s*)?$", before, re.IGNORECASE
    ):
        return True
    if re.search(r"\bon an?\s*$", before, re.IGNORECASE) and not _TO_COME.search(clause):
        return True  # `on a Sunday`: any of them
    past = _HAPPENED.search(clause) and not _TO_COME.search(clause)
    return bool(past or (_THEY_MEET.search(before) and not _TO_COME.search(clause)))


def _begins_then(sentence: str, day: Named) -> bool:
    """Whether a day is when something begins or is due in turn, not by when the promise is to be kept."""
    own = re.match(r"(?:for|from) (?:the )?", day.words, re.IGNORECASE)
    before = sentence[: day.start] + (own.group(0) if own else "")
    return bool(_BEGINS.search(before) or (_FOR.search(before) and _ENTERS_INTO.search(before)))


def day_near(text: str, sentence: str, on: dt.date | None) -> Named | None:
    """A day in the sentence after ("I'll send it. You'll have it Friday."), else in the one before, that belongs to a
    promise."""
    said = [words for words, _ in clauses(text)]
    place = said.index(sentence) if sentence in said else None
    if place is None:
        return None
    after = said[place + 1] if place + 1 < len(said) else ""
    before = said[place - 1] if place else ""
    if after:
        says_it = len(after.split()) <= SHORT and not promise(after)
        found = best_day(after, 0, on)
        if found and (says_it or delivery(after, found)) and not conditional(after):
            return found
    if before and (_POINTS.search(sentence) or _COMES.search(sentence) or _AT_AN_HOUR.search(sentence)):
        found = best_day(before, 0, on)
        return None if found and found.words.lower() == "this morning" else found
    return None


def moved(day: Named, answer: str, on: dt.date | None) -> Named | None:
    """Another day near `day` that an answer names for the meeting; the same weekday said again moves nothing, nor does
    a day named after a plain yes."""
    found = None
    for sentence, _ in clauses(answer):
        if agrees(sentence) and len(sentence.split()) <= PLAIN_YES_WORDS and not named_days(sentence, on):
            return found
        if conditional(sentence) or promise(sentence) or _delivers(sentence, on):
            continue
        for other in named_days(sentence, on):
            if _is_known(sentence, other):
                continue
            last = other.words.lower().split()[-1]
            if last in day.words.lower().split() and last not in MONTH_NAMES and not last.isdigit():
                other = day  # `Thursday the ninth?` `Thursday, yes`: whatever the calendar says of the ninth
            elif last in WEEKDAYS and day.date:
                number = WEEKDAYS.index(last)
                other = Named(other.words, other.start, day.date + dt.timedelta(number - day.date.weekday()))
            if _is_near(other, day) and not (on and other.date and other.date < on):
                found = other if other.date != day.date else day
    return found


def _is_known(sentence: str, day: Named) -> bool:
    found = _THAT_DAY.search(sentence[: day.start])
    if not found:
        return False
    return not found.group("the") or sentence.startswith(" before", day.start + len(day.words))


def _delivers(sentence: str, on: dt.date | None) -> bool:
    return any(delivery(sentence, day) for day in named_days(sentence, on))


def _is_near(one: Named, other: Named) -> bool:
    """Whether a day may be another's replacement: in the same week or so."""
    return one.date is not None and other.date is not None and abs((one.date - other.date).days) <= 7
