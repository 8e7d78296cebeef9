"""What people on a call said they would do: whose it is, by when, and whether later calls show that it was done.

Rules over the words, in English. A commitment is a sentence in which somebody says that they will do one of the things
that move a deal (`send`, `ask`, `book`, ...), or is asked to and agrees, or in which a day to meet is agreed. Whether
it was kept is read from later calls with the same account, by what they say about the same thing; where they say
nothing, that is what is reported. `benchmarks/commitments.py` measures how much of this is right.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.coach.kept import content, sentences, subject_of, told
from pipeline.coach.rows import CallRow, Rows, TurnRow
from pipeline.coach.when import Named, named_days

BARE_DAY_WORDS = 6
_WEEKDAYS = [name.lower() for name in calendar.day_name]
STATUSES = ("kept", "not kept", "not mentioned", "overdue", "open")
"""`not mentioned`: later calls after the day say nothing of it. `overdue`: the day is past and no call came since."""

_ACTIONS = """send email mail forward share write draft redo prepare put confirm check ask find chase ring call text
    phone book arrange schedule set sort bring introduce invite get give raise order sign pay place speak talk show
    run review look read copy cc link pull order quote price word come visit meet have drop hold pencil attach
    upload install follow take tell fix organise dig warn print drop shoot loop circle throw reserve keep hold pull
    try work raise remind discuss pop clarify do connect""".split()
_SECOND_THOUGHTS = re.compile(
    r"\b(?:tell you(?:,| (?:what|why|how|something)\b)|put (?:you|ya|it|us) on (?:speaker|hold|mute)|"
    r"give you that|be (?:honest|straight|candid|quick|lynched|damned)|"
    r"let you know, shall|have a think|think about|work it out|"
    r"keep (?:you (?:going|posted)|it short|going)|drop off|try (?:to|and)\b|"
    r"do (?!you (?:a|the|one)\b|a (?:quote|price|drawing|sheet|page|summary))|"
    r"have (?:it|that|one|another|an?|the cup|to)\b(?! (?:with|to|ready|done|over|in your|word|chat|dig)\b)|"
    r"take (?:you through|it|that|the|your word)|show you|share my screen|ask you|say\b|put no\b|"
    r"put project|give them that|call (?:it|that|him that)|get (?:that|there|it straight)|come (?:to that|on to|"
    r"back to "
    r"that)|look at that later|run you through|talk you through|read (?:you|it out)|see\b|hold (?:on|my hands|"
    r"you to))",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"^(?:if|unless|when|once|even if|suppose)\b", re.IGNORECASE)
_PROMISE = re.compile(
    r"\b(?P<who>I|we)(?:'ll|\u2019ll| will| shall|'m going to|\u2019m going to| am going to|"
    r"'m gonna|\u2019m gonna)(?: just| also| then|"
    r" definitely| certainly|"
    r" personally| go and)*(?: both)? (?P<verb>[a-z]+)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_MAY_I = re.compile(
    r"\b(?:can|could|shall|may|should) (?P<who>I|we)(?: just| also)* (?P<verb>send|book|put|pencil|ring|call|come|"
    r"bring|arrange|"
    r"schedule|set|set up|hold)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\b(?P<who>I|we) (?:can|could)(?: just| also)* (?P<verb>send|book|set up|arrange|organise|ask|bring|get|find|"
    r"check|print|show|talk to|speak to|have a word)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_TAKEN_UP = re.compile(
    r"^(?:(?:oh|well|um|so)[,. ]+)*(?:would you|could you|please|do that|if you would|brilliant)\b", re.IGNORECASE
)
_PRESENT = re.compile(
    r"^(?:(?:and|then|so|okay|ok|good|yes|yeah|right)[,. ]+)*(?P<who>I|we) (?P<verb>send|reserve|book|prepare|bring|"
    r"clarify|call|come|give|keep|write|make|hold|ask)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_HABIT = re.compile(
    r"\b(?:always|usually|normally|every|never|often|sometimes|when|each|mostly|them all)\b", re.IGNORECASE
)
_TO_YOU = re.compile(r"\b(?:you|your|it all|this all|back for)\b", re.IGNORECASE)
_COME_BACK = re.compile(
    r"\b(?P<who>I|we)(?:'ll|\u2019ll| will) (?P<verb>be) "
    r"(?P<rest>(?:back|there|with you|over|down|up|on site)\b[^.?!;]*)",
    re.IGNORECASE,
)
_DO_IT = re.compile(
    r"\b(?P<who>I|we)(?:'ll|\u2019ll| will) (?P<verb>do|have) (?P<rest>(?:it|that|this)\b[^.?!;]*)", re.IGNORECASE
)
_LET_ME = re.compile(
    r"\b(?P<who>let me|leave it with me,? (?:and )?I'll) (?P<verb>send|check|find|ask|book|chase|come|ring|get|"
    r"speak|talk|confirm)\b"
    r"(?! (?:you something|you this|straight|it straight|me|this right))(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?:can|could|will|would) you (?:please |also |just )?(?P<verb>send|email|forward|share|get|ask|bring|"
    r"introduce|invite|"
    r"check|find|confirm|sign|book|put|take|place|give|raise)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_WISH = re.compile(
    r"\b(?:(?:would|will) you have (?:the|that|your)|maybe you (?:could|can)|(?:and )?you'll (?:let me have|send|get|"
    r"ask|bring|give|have)|(?:can|could) (?:I|we)(?:'ve| have) (?:it|that|this|the))\b[^.?!;]*",
    re.IGNORECASE,
)
_NEED = re.compile(
    r"\b(?:what I need from you is|you send me|you get me|you bring|if you (?:could )?(?:send|"
    r"get) me)\b(?P<rest>[^.?!;]*)",
    re.IGNORECASE,
)
_MEET = re.compile(
    r"\b(?:meet|sit down|speak|talk|call|ring|visit|come (?:out|over|down|back|up|to you|by)|go through|see you|"
    r"demo|session|"
    r"start(?:ing)?|invite|diary|calendar|review|workshop|trial|pencil|make it|shall we say|how about|does|"
    r"o'clock|half past|"
    r"on site|minutes|half an hour|reserve|site walk|same time|hear each other|catch up|touch base|connect|"
    r"(?:could|can|shall|may) (?:we|I) (?:do|put|start|make))\b",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^(?:(?:oh|well|um|uh|er|em|right|so|and|ah|go on|ha)[,. ]+)*(?:yes|yeah|yep|yup|aye|sure|okay|ok|of course|"
    r"will do|i will|"
    r"we will|i can|no problem|no bother|deal|done|absolutely|definitely|perfect|fine|grand|happy to|that works|"
    r"works for|"
    r"you're on|go on|it is|agreed|let's|please do|make it|i'll|we'll|i'd be|i would|that's fine|good|lovely|"
    r"great)\b",
    re.IGNORECASE,
)
_SUITS = re.compile(
    r"\b(?:make it|you're on|works|suits|that's fine|perfect|see you then|it's a date|deal|grand|go on|lovely|"
    r"(?:put|stick) it in|in the diary|(?:is|'s) (?:okay|ok|fine|good|possible|alright|all right)|suits me|do me)\b",
    re.IGNORECASE,
)
_DOES_NOT = re.compile(r"\b(?:can't make|no good|not sure|won't be|we'll see|let you know|leave it)\b", re.IGNORECASE)
_OTHERS = re.compile(r"^(?:and |but |so |well,? )?(?:they|he|she|it)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Commitment:
    """One thing somebody will do. `owner` is a name or `rep`; `side` whose side; `due` the day, if one was named.

    `kind` is `action` or `meeting`. `status` is one of `STATUSES`, and `seen_call`, `seen_turn`, `seen_quote` are where
    a later call speaks of it.
    """

    call_id: str
    turn: int
    owner: str
    side: str
    kind: str
    quote: str
    due: dt.date | None = None
    due_words: str | None = None
    made_on: dt.date | None = None
    rep: str | None = None
    account: str | None = None
    status: str = "open"
    seen_call: str | None = None
    seen_turn: int | None = None
    seen_quote: str | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields, dates as YYYY-MM-DD."""
        row = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row}


def commitments(rows: Rows, *, as_of: dt.date | None = None) -> tuple[Commitment, ...]:
    """Every commitment made in `rows.turns`, oldest first, with what later calls of its account say about it."""
    calls = {call.call_id: call for call in rows.calls}
    said: dict[str, list[TurnRow]] = defaultdict(list)
    for turn in rows.turns:
        if turn.call_id in calls and (
            as_of is None or not calls[turn.call_id].date or _day(calls[turn.call_id]) <= as_of
        ):
            said[turn.call_id].append(turn)
    for turns in said.values():
        turns.sort(key=lambda turn: turn.turn)
    order = sorted(said, key=lambda call_id: (_day(calls[call_id]), call_id))
    found = []
    for place, call_id in enumerate(order):
        call = calls[call_id]
        later = [
            (calls[other], said[other])
            for other in order[place + 1 :]
            if calls[other].account == call.account and call.account and _day(calls[other]) > _day(call)
        ]
        found.extend(followed(commitments_of(call, said[call_id]), call, said[call_id], later, as_of=as_of))
    return tuple(found)


def followed(
    made: Iterable[Commitment],
    call: CallRow,
    turns: Sequence[TurnRow],
    later: Sequence[tuple[CallRow, list[TurnRow]]],
    *,
    as_of: dt.date | None = None,
) -> list[Commitment]:
    """What was made on a `call` of these `turns`, with what later calls of the account, oldest first, say about it."""
    return [_followed(one, turns, call, later, as_of) for one in made]


def commitments_of(call: CallRow, turns: Sequence[TurnRow]) -> list[Commitment]:
    """What was committed to on one call, in the order it was said; the same thing said twice counts once."""
    return list(_commitments_of(call, tuple(turns)))


@lru_cache(maxsize=200)
def _commitments_of(call: CallRow, turns: tuple[TurnRow, ...]) -> tuple[Commitment, ...]:
    found: list[Commitment] = []
    for place, turn in enumerate(turns):
        if turn.side not in ("rep", "buyer"):
            continue
        answer = next((t for t in turns[place + 1 : place + 3] if t.side not in (turn.side, "unknown")), None)
        for sentence, asked in sentences(turn.text):
            made = _made(call, turn, sentence, asked, answer)
            if made and not any(_same(made, other) for other in found):
                found.append(made)
    return tuple(_meetings_once(found))


def _day(call: CallRow) -> dt.date:
    return call.date or dt.date.min


def _made(call: CallRow, turn: TurnRow, sentence: str, asked: bool, answer: TurnRow | None) -> Commitment | None:
    """The commitment in a sentence: a promise, a request that the other side agrees to, or a day to meet."""
    agreed = bool(answer and _YES.match(answer.text.strip()))
    day = next(iter(named_days(sentence, call.date)), None)
    conditional = bool(_CONDITION.match(sentence))
    promise = (
        _promise(sentence)
        or (not asked and _planned(sentence, day))
        or (asked and _MAY_I.search(sentence))
        or (bool(answer and _TAKEN_UP.match(answer.text)) and _OFFER.search(sentence))
    )
    if promise and not conditional and (not asked or agreed):
        # a day in the sentence after belongs to the promise: "I'll send it. You'll have it Friday."
        own = _best_day(sentence, promise.start(), call.date)
        return _commitment(call, turn, sentence, own or _day_near(turn.text, sentence, call.date), kind="action")
    wish = (_REQUEST.search(sentence) or _WISH.search(sentence)) if asked else _NEED.search(sentence)
    if wish and answer and (agreed or (asked and _promised(answer))):
        given = day or next(iter(named_days(answer.text, call.date)), None)
        return _commitment(call, turn, sentence, given, kind="action", owner=answer)
    if day and answer and not conditional and not _OTHERS.match(sentence) and _is_ahead(day, call):
        bare = (asked or _asks_before(turn.text, sentence)) and len(sentence.split()) <= BARE_DAY_WORDS
        moved = _moved(day, answer.text, call.date)
        suits = agreed or bool(moved) or bool(_SUITS.search(answer.text))
        if (bare or _MEET.search(sentence)) and suits and not _DOES_NOT.search(answer.text):
            return _commitment(call, turn, sentence, moved[-1] if moved else day, kind="meeting")
    return None


def _promise(sentence: str) -> re.Match[str] | None:
    """Somebody says that they will do something that can be kept or not."""
    for match in (*_PROMISE.finditer(sentence), *_LET_ME.finditer(sentence)):
        words = f"{match.group('verb')}{match.group('rest')}"
        if match.group("verb").lower() in _ACTIONS and len(words.split()) > 1 and not _SECOND_THOUGHTS.match(words):
            return match
    return None


def _planned(sentence: str, day: Named | None) -> re.Match[str] | None:
    """A promise in other words: `I'll be back on the 18th`, `I send it to you`, `I'll do it this Tuesday`."""
    present = _PRESENT.match(sentence)
    if (
        present
        and not _HABIT.search(sentence)
        and (day or present.group("verb") == "clarify" or _TO_YOU.search(present.group("rest")))
    ):
        return present
    return (_COME_BACK.search(sentence) or _DO_IT.search(sentence)) if day else None


def _day_near(text: str, sentence: str, on: dt.date | None) -> Named | None:
    """A day in the sentence after ("I'll send it. You'll have it Friday."), else in the one before."""
    at = text.find(sentence)
    after = re.match(r"[^.?!]+[.?!]*", text[at + len(sentence) :])
    before = re.search(r"[^.?!]+[.?!]*\s*$", text[:at])
    days = [day for part in (after, before) if part for day in named_days(part.group(0), on)]
    return next(iter(days), None)


def _promised(answer: TurnRow) -> bool:
    """Whether an answer takes on what was asked: `I'll print one off`, `Monday's alright`."""
    first = next((sentence for sentence, _ in sentences(answer.text)), "")
    return bool(_promise(first) or re.search(r"\b(?:'s|is) (?:alright|all right|fine|ok|okay)\b", answer.text))


def _asks_before(text: str, sentence: str) -> bool:
    return text[: max(0, text.find(sentence))].rstrip().endswith("?")


def _best_day(sentence: str, start: int, on: dt.date | None) -> Named | None:
    """The day of a promise that begins at `start`: one after it before one ahead of it, a date before a weekday."""
    days = named_days(sentence, on)
    after = [day for day in days if day.start >= start] or days
    dated = [day for day in after if re.search(r"\d|th\b|first|second|third", day.words)]
    return next(iter(dated or after), None)


def _moved(day: Named, answer: str, on: dt.date | None) -> list[Named]:
    """Other days near `day` that an answer names; the same weekday said again moves nothing."""
    found = []
    for other in named_days(answer, on):
        if other.words.lower().split()[-1] in _WEEKDAYS and day.date:
            number = _WEEKDAYS.index(other.words.lower().split()[-1])
            other = Named(other.words, other.start, day.date + dt.timedelta(number - day.date.weekday()))
        if _is_near(other, day):
            found.append(other if other.date != day.date else day)
    return found


def _is_ahead(day: Named, call: CallRow) -> bool:
    return day.date is None or call.date is None or day.date > call.date


def _is_near(one: Named, other: Named) -> bool:
    """Whether a day may be another's replacement: in the same week or so."""
    return one.date is not None and other.date is not None and abs((one.date - other.date).days) <= 7


def _commitment(
    call: CallRow, turn: TurnRow, sentence: str, day: Named | None, *, kind: str, owner: TurnRow | None = None
) -> Commitment:
    who = owner or turn
    return Commitment(
        call_id=call.call_id,
        turn=turn.turn,
        owner=(call.rep or who.name) if who.side == "rep" else who.name,
        side=who.side,
        kind=kind,
        quote=sentence,
        due=day.date if day else None,
        due_words=day.words if day else None,
        made_on=call.date,
        rep=call.rep,
        account=call.account,
    )


def _same(one: Commitment, other: Commitment) -> bool:
    mine, theirs = content(one.quote), content(other.quote)
    if one.kind != other.kind or one.side != other.side or not mine or not theirs:
        return False
    return len(mine & theirs) / min(len(mine), len(theirs)) > 0.6 and (
        one.due == other.due or not one.due or not other.due
    )


def _meetings_once(found: list[Commitment]) -> list[Commitment]:
    """Of several agreed days, the last one said for each date; a promise for that day already says it."""
    dated = {made.due for made in found if made.kind == "action" and made.due}
    last = {made.due: made for made in found if made.kind == "meeting"}
    return [made for made in found if made.kind == "action" or (last[made.due] is made and made.due not in dated)]


def _followed(
    made: Commitment,
    turns: Sequence[TurnRow],
    call: CallRow,
    later: Sequence[tuple[CallRow, list[TurnRow]]],
    as_of: dt.date | None,
) -> Commitment:
    """The commitment with what later calls say about it; the first call that says something decides."""
    subject = subject_of(
        made.quote, made.turn, turns, call, side=made.side, due=made.due, meeting=made.kind == "meeting"
    )
    for other, said in later:
        found = told(subject, other, said)
        if found:
            return _seen(made, found[0], other, found[1])
    today = as_of or max((other.date for other, _ in later if other.date), default=made.made_on)
    if made.due and today and made.due < today:
        after = any(other.date and other.date >= made.due for other, _ in later)
        return dataclasses.replace(made, status="not mentioned" if after else "overdue")
    if not made.due and later:
        return dataclasses.replace(made, status="not mentioned")
    return made


def _seen(made: Commitment, status: str, call: CallRow, turn: TurnRow) -> Commitment:
    return dataclasses.replace(
        made, status=status, seen_call=call.call_id, seen_turn=turn.turn, seen_quote=turn.text[:260]
    )
