"""Which of the days that are named around a promise is the one it is promised for.

A day of the same sentence first: the last one where somebody corrects themselves, none that says when something begins
(`sign for the first of January`). A sentence beside lends its day only where one of the two points to the other
(`I'll send it. You'll have it Friday.`). An answer moves a day to meet where it is about the meeting.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from pipeline.coach.answers import agrees
from pipeline.coach.clauses import clauses
from pipeline.coach.promises import conditional, delivery, hangs_on_something, promise
from pipeline.coach.when import MONTHS, WEEKDAYS, Named, by_number, named_days

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
_ENTERS_INTO = re.compile(r"\b(?:sign|order|commit|buy|agree|pay|budget|quote|price|invoice|bill)\b", re.IGNORECASE)
_NOW = re.compile(r"\b(?:right now|right away|straight away|while we're on|now)\b(?! that)", re.IGNORECASE)
_POINTS = re.compile(
    r"^(?:(?!\b(?<!in )(?<!by )(?<!with )(?<!ask )(?<!tell )(?:the|an?|my|our|your|his|her|their)\s).)*"
    r"\b(?:it|them|those|these)\b|"
    r"\b(?:that|this|one|both|then|(?<!from )there)\b",
    re.IGNORECASE,
)
"""Behind a thing of its own `it` is that: `I'll get the contract ready and send it`; not `by the way, I'll send it`."""
_GOES_ON = re.compile(r",? (?:and|but|so (?:that )?(?:you|we|I|he|she|they|it|the))\b", re.IGNORECASE)
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
    r"\b(?:they|he|she|the \w+|(?-i:[A-Z]\w+)) (?:always |usually |only )?(?:meets?|sits?|comes?|goes|does|do|signs?|"
    r"decides?|approves?|pays?|reads?)\b",
    re.IGNORECASE,
)
_AS_A_RULE = re.compile(r"^\s*(?:mornings|afternoons|evenings|nights|lunchtimes)\b", re.IGNORECASE)
"""`Friday mornings he does the sheet`: any of them."""
_ELSEWHERE = re.compile(
    r"^\s*(?:he|she|they|I|we)(?:['\u2019](?:s|m|re)| is| am| are) "
    r"(?:at|off|out|away|(?:in|on|with) (?:the|an?))\b"
    r"(?! (?:your|area|region|neighbou?rhood|office|building|same|city|town)\b)",
    re.IGNORECASE,
)
"""`Thursday he's at the fair`: where somebody is then; not `Thursday I'm in the area`, which is said to meet."""
_ENGAGED = re.compile(
    r"\b(?:I|we(?! have a (?:\w+ )?call\b))(?:['\u2019]ve| have)(?: got)? an? "
    r"(?!(?:\w+ ){0,2}(?:slot|gap|space|window|opening|hour|minute|moment)\b)(?:[\w-]+ ){1,4}$",
    re.IGNORECASE,
)
"""`I've a supermarket visit on the tenth`: what somebody has on then, with others."""
_HOW_IS = re.compile(r"\bhow(?:['\u2019]?s| is| was) (?:your|the|my)\s*$", re.IGNORECASE)
_GREETS = re.compile(r"^\s*(?:treating|going|been|so far|\?|$)", re.IGNORECASE)
"""`How's your Tuesday (treating you)?`: asked to be polite."""
_THANKS = re.compile(r"\bthank(?:s| you) (?:\w+ ){0,3}for\b", re.IGNORECASE)
_UP_TO = re.compile(
    r"\b(?:till|until|before|(?<!come )(?<!drop )(?<!stop )by)\s*(?:the\s*)?$|^(?:till|until|before|by)\b",
    re.IGNORECASE,
)
_MEETS_BY = re.compile(
    r"\b(?:I|we|you|let['\u2019]s|let us)\b(?:['\u2019]\w+)?(?: \w+){0,3} "
    r"(?:meet|come|call|ring|speak|talk|see|visit|get|"
    r"(?:set up|have|do) (?:an?|the next) (?:call|demo|meeting|visit))\b",
    re.IGNORECASE,
)
_ASKS_ABOUT = re.compile(
    r"^(?:(?:so|and|but|then|okay|well)[, ]+)*(?:what(?! (?:about|if))|who|which|"
    r"why(?! (?:not|don['\u2019]t)\b)|where)\b",
    re.IGNORECASE,
)
_PROPOSES = re.compile(
    r"\b(?:make it|how about|what about|could|can|better|rather|instead|let's|works?|suits?|free)\b", re.IGNORECASE
)
_NOT_THEN = re.compile(
    r"\b(?:not?|never|busy|away|off|out|full|bad|instead|rather|than|or|unless|if)\b|n['\u2019]t\b", re.IGNORECASE
)
_AWAY_THEN = re.compile(
    r"^,?\s*(?:I|we)(?:['\u2019]?m|['\u2019]re| am| are) (?:(?:away|off|out|busy|abroad|not (?:in|here|there|free))\b|"
    r"(?:in|at) (?!(?:then|too|early|late|work|home|noon|lunchtime|all|there|here)\b)[A-Za-z][\w-]*\s*(?:[.,;!]|$))",
    re.IGNORECASE,
)
"""`Tomorrow I'm in Leeds`, behind the day; not `tomorrow I'm in at nine`, `in the office`."""
_NO_YES = re.compile(r"\bnot saying yes\b", re.IGNORECASE)


def turned_down(answer: str, day: Named, on: dt.date | None) -> bool:
    """Whether an answer will not have the day on which one means to call or to invite: `Thursday I'm away`, `you can
    send it, I'm not saying yes to it`."""
    if agrees(answer):
        return False
    then = (
        said[other.start + len(other.words) :]
        for said, asks in clauses(answer)
        for other in (() if asks else named_days(said, on))
        if other.date == day.date
    )
    return any(_AWAY_THEN.match(rest) for rest in then) or bool(_NO_YES.search(answer))


def ends_then(sentence: str, day: Named) -> bool:
    """Whether a day is when something runs out or until when it is held or done: nobody meets for that."""
    before = sentence[: day.start]
    if sentence.rstrip().endswith("?") or _MEETS_BY.search(before):
        return bool(_RUNS_OUT.search(before))
    return bool(_RUNS_OUT.search(before) or _UP_TO.search(before) or _UP_TO.search(day.words))


def day_meant(sentence: str, day: Named | None, answer: str, on: dt.date | None) -> Named | None:
    """Of several days that a sentence names the one that the answer takes up, else `day`, its first."""
    taken = [
        other
        for said, asks in clauses(answer)
        if not asks
        for other in named_days(said, on)
        if other.date and not ends_then(said, other)
    ]
    meant = [one for one in named_days(sentence, on) if any(_is_same(one, other) for other in taken)]
    return meant[0] if len({one.date for one in meant}) == 1 else day


def _is_same(day: Named, other: Named) -> bool:
    """Whether two namings mean one day; `the seventh` may be the one of any month."""
    if not day.date or not other.date:
        return False
    alone = re.fullmatch(r"(?:on )?the \w+(?:-\w+)?", other.words, re.IGNORECASE)
    return day.date == other.date or (bool(alone) and day.date.day == other.date.day)


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
    ahead = [day for day in days if day.start < start]
    if ahead and _ANOTHER_SAYING.search(sentence, start + 1, after[0].start):
        return ahead[-1]  # `Thursday at one I'll have it ready, so we go in on the 22nd`
    if len(after) > 1 and _CORRECTS.search(sentence, after[0].start, after[-1].start):
        return after[-1]
    # what somebody else is to do by then is another thing: `I'll send it tomorrow, and I'd like it back by the 12th`
    ends = _ANOTHER_SAYING.search(sentence, after[0].start) if after else None
    after = [day for day in after if not ends or day.start < ends.start()]
    dated = [day for day in after if by_number(day.words)]
    return next(iter(dated or after), None)


def told_of(sentence: str, day: Named) -> bool:
    """Whether a day is named for what has happened or what others do anyway: `I had his mail on Friday`."""
    before = _CLAUSE_ENDS.split(sentence[: day.start])[-1]
    after = _CLAUSE_ENDS.split(sentence[day.start + len(day.words) :])[0]
    clause = before + " " + after
    # `every second Tuesday`; `tell Sunday to come in` names somebody; `after`, `see about Thursday` name no day
    if re.search(
        r"\b(?:every(?: other| second| \w+)?|(?:some|any|another)(?: other)?|last|tell|ask|greet|after|"
        r"see about)\s*(?:the\s*)?$",
        before,
        re.IGNORECASE,
    ):
        return True
    if _AS_A_RULE.search(after) or _ELSEWHERE.search(after) or _THANKS.search(sentence[: day.start]):
        return True
    if _ENGAGED.search(before) and not _TO_COME.search(before):
        return True
    if _HOW_IS.search(before) and _GREETS.search(after):
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
    if place is None or _NOW.search(sentence):
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
    found, plainly = None, False
    for sentence, _ in clauses(answer):
        if agrees(sentence) and len(sentence.split()) <= PLAIN_YES_WORDS and not named_days(sentence, on):
            break
        if conditional(sentence) or promise(sentence) or _delivers(sentence, on) or _ASKS_ABOUT.search(sentence):
            continue
        for other in named_days(sentence, on):
            limit = ends_then(sentence, other) and not _PROPOSES.search(sentence)
            if limit or _is_known(sentence, other) or told_of(sentence, other):
                continue
            last = other.words.lower().split()[-1]
            if last in day.words.lower().split() and last not in MONTHS and not last.isdigit():
                other = day  # `Thursday the ninth?` `Thursday, yes`: whatever the calendar says of the ninth
            elif last in WEEKDAYS and day.date:
                number = WEEKDAYS.index(last)
                other = Named(other.words, other.start, day.date + dt.timedelta(number - day.date.weekday()))
            if _is_near(other, day) and not (on and other.date and other.date < on):
                found = other if other.date != day.date else day
                plainly = bool(_PROPOSES.search(sentence))
    # `Wednesday the fifteenth. He's back on the fourteenth. I'll take it.`
    return (None if plainly else _said_again(day, answer, on)) or found if found else None


def _said_again(day: Named, answer: str, on: dt.date | None) -> Named | None:
    """The day that was named where an answer says it again and not to refuse it, with the number that it may add."""
    mine = set(day.words.lower().split()) & set(WEEKDAYS)
    for said, asks in clauses(answer):
        for other in () if asks or _NOT_THEN.search(said) else named_days(said, on):
            words = set(other.words.lower().split())
            if not told_of(said, other) and (other.date == day.date or mine & words):
                return day if other.date == day.date or words <= set(WEEKDAYS) else other
    return None


_OTHERWISE = frozenset("today tonight tomorrow day days week weeks month months year years".split())
"""What names a day otherwise than by its number: `in 15 days`."""


def said_before(due: dt.date | None, words: str | None, texts: Iterable[str], on: dt.date | None) -> dt.date | None:
    """The day `due` that was named by its number alone (`the nineteenth`), in the month with which it was named last
    before (`Monday the nineteenth of January`), or which its weekday told then."""
    if not due or not words or _with_month(words) or not by_number(words):
        return due
    own = re.findall(r"[a-z]+", words.lower())
    if WEEKDAYS[due.weekday()] in own or not _OTHERWISE.isdisjoint(own):
        return due  # `Friday the fourth` is the next fourth where that is a Friday
    dates = (day.date for text in texts for day in named_days(text, on) if _with_month(day.words) or _fits_weekday(day))
    return next((date for date in reversed([*dates]) if date and date.day == due.day and on and date > on), due)


def _with_month(words: str) -> bool:
    return not MONTHS.keys().isdisjoint(re.findall(r"[a-z]+", words.lower()))


def _fits_weekday(day: Named) -> bool:
    return bool(day.date and WEEKDAYS[day.date.weekday()] in day.words.lower())


def hangs(sentence: str, day: str | None) -> bool:
    """Whether what is done by a day, as said in a sentence, is done only in some case: `I'll call on Friday if it's
    late`; not `I'll call on Friday, and if it's late we ship`, where the day stands before."""
    after = _GOES_ON.search(sentence, sentence.find(day) + len(day)) if day and day in sentence else None
    return hangs_on_something(sentence[: after.start()] if after else sentence)


def is_ahead(day: Named, on: dt.date | None) -> bool:
    """Whether a day is after the day `on` of the call, or not known to be none."""
    return day.date is None or on is None or day.date > on


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
