"""What people on a call said they would do: whose it is, by when, and whether later calls show that it was done.

Rules over the words, in English. A commitment is a sentence in which somebody promises to do something (`promises.py`),
or is asked to and agrees, or in which a day to meet is agreed (`meetings.py`); its words are always those of the one
who is to do it. Which of the days named is meant is told by `promised_day.py`, what became of it by `followed.py`, from
later calls with the same account; where they say nothing, that is what is reported. `benchmarks/commitments.py`
measures how much of this is right.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.coach.agreed import OF_AGREEING, agreed_steps
from pipeline.coach.answers import (
    accepts,
    agrees,
    asks_whether_it_suits,
    binds_nothing,
    declines,
    plain_yes,
    refuses,
    suits,
    takes_on,
    takes_up,
    waits,
)
from pipeline.coach.clauses import clauses
from pipeline.coach.followed import followed
from pipeline.coach.meetings import asks_to_be_called, comes_in_person, is_others, to_meet
from pipeline.coach.promised_day import (
    best_day,
    day_meant,
    day_near,
    ends_then,
    is_ahead,
    moved,
    said_before,
    told_of,
    turned_down,
)
from pipeline.coach.promises import (
    asks_leave,
    asks_to_order,
    bid,
    conditional,
    delivery,
    of_colleague,
    offer,
    only_then,
    passes_on,
    planned,
    points_back,
    promise,
    proposes,
    request,
)
from pipeline.coach.rows import CallRow, MoveRow, Rows, TurnRow
from pipeline.coach.subject import content
from pipeline.coach.when import Named, named_days

BARE_DAY_WORDS = 6
BARE_YES_WORDS = 2
DAY_ALONE_WORDS = 4
GOES_ON_TURNS = 2
ASKED_TURNS = 4
"""How many turns back a day may have been asked for."""
_IS_AWAY = re.compile(r"\b(?:away|busy|out|off|full|holiday|abroad|not?|never)\b|n['\u2019]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Commitment:
    """One thing somebody will do. `owner` is a name or `rep`; `side` whose side; `due` the day, if one was named.

    `kind` is `action` or `meeting`. `status` is one of `followed.STATUSES`, and `seen_call`, `seen_turn`, `seen_quote`
    are where a later call speaks of it. `quote` is what the owner said; `asked` what they were asked, where it is an
    answer. `moved_to` is the day to come that a later call names for what was not done. `colleague` says that another
    of the rep's side said it while the rep was on the call, too: it is not the rep's to answer for.
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
    asked: str | None = None
    moved_to: dt.date | None = None
    colleague: bool = False

    @property
    def words(self) -> str:
        """What the owner said, with what they were asked where it is an answer."""
        return f"{self.quote} (asked: {self.asked})" if self.asked else self.quote

    @property
    def day(self) -> dt.date | None:
        """The day it is promised for now: the new one where it was put off to one."""
        return self.moved_to or self.due

    @property
    def ahead(self) -> bool:
        """Whether it is still to be done by its day: open, or put off to a new one.

        What was not done and is promised anew is a promise of that later call.
        """
        return self.status == "open" or (self.status == "moved" and self.moved_to is not None)

    def to_json(self) -> dict[str, Any]:
        """All fields, dates as YYYY-MM-DD."""
        row = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in row}


@dataclass(frozen=True, slots=True)
class _Heard:
    """A commitment as it is heard: the verb of the promise, whether its words only point back (`it`, `him`), the turn
    that moved a day to meet, and whether its day was only said `again`."""

    made: Commitment
    verb: str = ""
    points: bool = False
    moved_in: int | None = None
    again: bool = False


def commitments(rows: Rows, *, as_of: dt.date | None = None) -> tuple[Commitment, ...]:
    """Every commitment made in `rows.turns`, oldest first, with what later calls of its account say about it."""
    calls = {call.call_id: call for call in rows.calls}
    said: dict[str, list[TurnRow]] = defaultdict(list)
    for turn in rows.turns:
        if turn.call_id in calls and (
            as_of is None or not calls[turn.call_id].date or _day(calls[turn.call_id]) <= as_of
        ):
            said[turn.call_id].append(turn)
    heard: dict[str, list[MoveRow]] = defaultdict(list)
    for move in rows.moves:
        heard[move.call_id].append(move)
    for turns in said.values():
        turns.sort(key=lambda turn: turn.turn)
    order = sorted(said, key=lambda call_id: (_day(calls[call_id]), call_id))
    of_account: dict[str | None, list[str]] = defaultdict(list)
    for call_id in order:
        of_account[calls[call_id].account].append(call_id)
    found = []
    for call_id in order:
        call = calls[call_id]
        mine = of_account[call.account] if call.account else []
        start = bisect_right(mine, _day(call), key=lambda other: _day(calls[other]))
        later = [(calls[other], said[other]) for other in mine[start:]]
        again = any(other != call_id and _day(calls[other]) == _day(call) for other in mine[:start])
        made = commitments_of(call, said[call_id], heard[call_id])
        found.extend(followed(made, call, said[call_id], later, as_of=as_of, again=again))
    return tuple(found)


def commitments_of(call: CallRow, turns: Sequence[TurnRow], moves: Iterable[MoveRow] = ()) -> list[Commitment]:
    """What was committed to on one call, in the order it was said; the same thing said twice counts once.

    `moves` are those that the judge heard on the call: with them a step is found that is agreed on in other words than
    the rules know.
    """
    return list(_commitments_of(call, tuple(turns), tuple(move for move in moves if move.move in OF_AGREEING)))


@lru_cache(maxsize=200)
def _commitments_of(call: CallRow, turns: tuple[TurnRow, ...], moves: tuple[MoveRow, ...]) -> tuple[Commitment, ...]:
    found: list[_Heard] = []
    names = {side: _called(turn.name for turn in turns if turn.side == side) for side in ("rep", "buyer")}
    for place, turn in enumerate(turns):
        if turn.side not in names:
            continue
        answer = next((t for t in turns[place + 1 : place + 3] if t.side not in (turn.side, "unknown")), None)
        before = [t for t in turns[max(0, place - ASKED_TURNS) : place] if t.side not in (turn.side, "unknown")]
        for sentence, asked in clauses(turn.text):
            if before and (passes_on(sentence, before[-1].text) or only_then(sentence, before[-1].text)):
                continue
            heard = (
                _heard(call, turn, sentence, asked, answer)
                or _for_colleague(call, turn, sentence, asked, names[turn.side])
                or _yes_to_a_day(call, turn, sentence, asked, before)
            )
            if heard and not (heard.again and _agreed(heard.made, found)):
                _add(found, heard)
    made = _meetings_once([_as_said_before(heard.made, turns) for heard in found])
    told = {one.turn for one in made if one.due_words}
    steps = [
        _as_said_before(_commitment(call, turn, sentence, day, kind="meeting"), turns)
        for turn, sentence, day in agreed_steps(turns, moves, told, call.date)
    ]
    if steps:
        # of a day that was agreed on twice the words of a rule say more than what was only heard
        made = sorted(_meetings_once([*steps, *made]), key=lambda one: one.turn)
    others = _colleagues(call, turns)
    return tuple(
        dataclasses.replace(one, colleague=one.side == "rep" and one.owner in others) for one in _in_person(made)
    )


def _in_person(made: Sequence[Commitment]) -> list[Commitment]:
    """The commitments, with what is promised by being there on a day as the meeting of that day."""
    there = [one for one in made if one.kind == "action" and one.due and comes_in_person(one.quote)]
    days = {one.due for one in there}
    others = (one for one in made if one.kind == "action" or one.due not in days)
    return [dataclasses.replace(one, kind="meeting") if one in there else one for one in others]


def _colleagues(call: CallRow, turns: Sequence[TurnRow]) -> set[str]:
    """Who speaks on the rep's side beside the rep; nobody where no speaker there can be told to be the rep."""
    rep = set((call.rep or "").casefold().split())
    names = {turn.name for turn in turns if turn.side == "rep"}
    others = {name for name in names if name != "rep" and not rep & set(name.casefold().split())}
    return others if rep and names - others else set()


def _as_said_before(made: Commitment, turns: Sequence[TurnRow]) -> Commitment:
    texts = (turn.text for turn in turns if turn.turn <= made.turn)
    return dataclasses.replace(made, due=said_before(made.due, made.due_words, texts, made.made_on))


def _called(names: Iterable[str]) -> dict[str, str]:
    """Names by what people are called: in full, and by each part of it."""
    return {part: name for name in names if name != "rep" for part in (name, *name.split())}


def _for_colleague(call: CallRow, turn: TurnRow, sentence: str, asked: bool, names: Mapping[str, str]) -> _Heard | None:
    """What one promises for another of the same side who is on the call (`Sam will send it`): it is the other's."""
    match = None if asked or conditional(sentence) else of_colleague(sentence, names)
    if not match or names[match.group("who")] == turn.name:
        return None
    made = _commitment(call, turn, sentence, best_day(sentence, match.start(), call.date), kind="action")
    owned = dataclasses.replace(made, owner=names[match.group("who")])
    return _Heard(owned, match.group("verb").lower(), points_back(match))


def _add(found: list[_Heard], heard: _Heard) -> None:
    """Add what was heard, or what it adds to the same thing heard before."""
    if heard.made.kind == "meeting" and any(_answers(heard.made, other) for other in found):
        return
    for place, other in enumerate(found):
        if _same(heard.made, other.made) or _goes_on(heard, other):
            found[place] = dataclasses.replace(other, made=_joined(other, heard))
            return
    found.append(heard)


def _answers(meeting: Commitment, other: _Heard) -> bool:
    """Whether a day was named in the answer that moved another, or that took on what was asked: it names no new one."""
    return meeting.turn == other.moved_in or (other.made.asked is not None and meeting.turn == other.made.turn)


def _goes_on(heard: _Heard, other: _Heard) -> bool:
    """Whether a promise only points back (`I'll send it today`) to another that its owner made just before."""
    near = 0 <= heard.made.turn - other.made.turn <= GOES_ON_TURNS
    if not (heard.points and near and heard.made.owner == other.made.owner and other.made.kind == "action"):
        return False
    same_deed = (
        heard.verb == other.verb or heard.verb == "have" or (other.made.asked and heard.made.turn == other.made.turn)
    )
    return bool(same_deed) and (other.made.asked is not None or _fits(heard.made.due, other.made.due))


def _joined(first: _Heard, again: _Heard) -> Commitment:
    """A promise with the day that it was given when it was said again; to a request, with the words that give it."""
    made, more = first.made, again.made
    if made.asked and more.turn == made.turn and more.due:
        return dataclasses.replace(made, quote=more.quote, due=more.due, due_words=more.due_words)
    if made.due is None and made.due_words is None:
        return dataclasses.replace(made, due=more.due, due_words=more.due_words)
    return made


def _day(call: CallRow) -> dt.date:
    return call.date or dt.date.min


def _heard(call: CallRow, turn: TurnRow, sentence: str, asked: bool, answer: TurnRow | None) -> _Heard | None:
    """The commitment in a sentence: a promise, a request that the other side agrees to, or a day to meet."""
    said = answer.text if answer else ""
    day = next(iter(named_days(sentence, call.date)), None)
    if not conditional(sentence) or _holds_by_a_day(sentence, call) or (asked and proposes(sentence)):
        match = _promise_in(sentence, asked, said, day)
        if match and (not asked or agrees(said) or takes_up(said)) and not _taken_back(turn.text, sentence, said):
            here = best_day(sentence, match.start(), call.date)
            own = here or day_near(turn.text, sentence, call.date)
            own = None if own and to_meet(sentence) and turned_down(said, own, call.date) else own
            waits = here and here.start < match.start() and asks_to_be_called(sentence[: here.start])
            made = _commitment(call, turn, sentence, own, kind="meeting" if waits else "action")
            return _Heard(made, (match.group("verb") or "have").lower(), points_back(match))
    told_to = bool(bid(sentence) and takes_on(said))
    if answer and not binds_nothing(said) and (told_to or request(sentence, asked=asked)):
        made_so = _agreed_to(call, sentence, asked or told_to, answer)
        if made_so:
            return made_so
    day = day_meant(sentence, day, said, call.date)
    return _day_to_meet(call, turn, sentence, asked, answer, day) if answer and day else None


def _promise_in(sentence: str, asked: bool, answer: str, day: Named | None) -> re.Match[str] | None:
    return (
        promise(sentence, day)
        or (None if asked else planned(sentence, day) or _given(sentence, day))
        or (asks_leave(sentence) if asked else None)
        or (offer(sentence) if takes_up(answer) else None)
    )


def _given(sentence: str, day: Named | None) -> re.Match[str] | None:
    """What somebody will have, by whichever of the days that the sentence names."""
    days = named_days(sentence, None) if day else (None,)
    return next((match for one in days if (match := delivery(sentence, one))), None)


def _taken_back(text: str, sentence: str, answer: str) -> bool:
    """Whether a promise falls with what was asked just before it, which is refused: `Do we have a deal? I'll book it.`
    `No.`; or whether its own speaker says in the same breath that it binds nobody."""
    asked_first = any(asks and said != sentence for said, asks in clauses(text[: max(0, text.find(sentence))]))
    # what has a day of its own is meant, whatever else its speaker cannot promise
    after = "" if named_days(sentence, None) else text[text.find(sentence) + len(sentence) :]
    return (asked_first and refuses(answer)) or binds_nothing(sentence) or binds_nothing(after)


def _holds_by_a_day(sentence: str, call: CallRow) -> bool:
    """Whether what is promised on a condition has a day of its own: `if he says yes you'll have the order on Friday`.

    Without one it is an offer to trade.
    """
    days = named_days(sentence, call.date)
    match = delivery(sentence, days[-1]) or promise(sentence, days[-1]) if days else None
    return bool(match and days[-1].start >= match.start())


def _agreed_to(call: CallRow, sentence: str, asked: bool, answer: TurnRow) -> _Heard | None:
    """What the other side was asked and takes on: the words are those of the answer, `asked` keeps the question."""
    said = [s for s, _ in clauses(answer.text)]
    found = ((s, promise(s, next(iter(named_days(s, call.date)), None)) or offer(s)) for s in said)
    taken = [(s, match.start()) for s, match in found if match]
    # `an hour no, but twenty minutes on Friday I can do`: what has a day is taken on without a yes
    dated = any(named_days(s, call.date) for s, _ in taken)
    yes = agrees(answer.text) or takes_on(answer.text) or _day_and_yes(sentence, said)
    if not said or not (yes or (asked and (dated or promise(said[0]) or accepts(answer.text)))):
        return None
    own, start = taken[0] if taken else (_first_words(answer.text), 0)
    day = (
        best_day(own, start, call.date)
        or best_day(sentence, 0, call.date)
        or next(iter(named_days(answer.text, call.date)), None)
    )
    made = _commitment(call, answer, own, day, kind="action")
    return _Heard(dataclasses.replace(made, asked=sentence))


def _first_words(text: str) -> str:
    """The first sentence of an answer, of a bare yes the next one too."""
    said = [s for s, _ in clauses(text)]
    return " ".join(said[:2] if said and len(said[0].split()) <= BARE_YES_WORDS else said[:1])


def _day_and_yes(asked: str, said: Sequence[str]) -> bool:
    """`Friday noon. Yes.`: the day that was asked for comes before the yes."""
    return (
        len(said) > 1
        and len(said[0].split()) <= BARE_DAY_WORDS
        and bool(named_days(asked, None) and named_days(said[0], None))
        and plain_yes(said[1])
        and not _IS_AWAY.search(said[0])
    )


def _day_to_meet(
    call: CallRow, turn: TurnRow, sentence: str, asked: bool, answer: TurnRow, day: Named
) -> _Heard | None:
    """A day that one side names and the other agrees to or moves."""
    if conditional(sentence) or not is_ahead(day, call.date) or ends_then(sentence, day) or told_of(sentence, day):
        return None
    if declines(answer.text) or refuses(answer.text) or binds_nothing(sentence) or waits(sentence[: day.start]):
        return None
    bare = (asked or _asks_before(turn.text, sentence)) and len(sentence.split()) <= BARE_DAY_WORDS
    other = moved(day, answer.text, call.date)
    agreed = other or agrees(answer.text) or suits(answer.text)
    if not agreed or is_others(sentence) or not (bare or to_meet(sentence)):
        return None
    if asks_to_order(sentence):  # theirs to do, in their words
        own = _first_words(answer.text)
        if not (agrees(answer.text) or suits(answer.text) or len(own.split()) <= DAY_ALONE_WORDS):
            return None  # `Wednesday's the day after the pour` only speaks of the day
        made = _commitment(call, answer, own, other or day, kind="action")
        return _Heard(dataclasses.replace(made, asked=sentence))
    made = _commitment(call, turn, sentence, other or day, kind="meeting")
    return _Heard(made, moved_in=answer.turn if other and other.date != day.date else None)


def _yes_to_a_day(call: CallRow, turn: TurnRow, sentence: str, asked: bool, before: Sequence[TurnRow]) -> _Heard | None:
    """A yes that names the day which the other side asked for some turns ago: `Yes, come on Thursday.`"""
    day = next(iter(named_days(sentence, call.date)), None)
    if asked or not day or not is_ahead(day, call.date) or ends_then(sentence, day) or declines(turn.text):
        return None
    if not agrees(sentence) and not _said_again(turn.text, sentence, day):
        return None
    meant = any(
        one.date == day.date and (to_meet(said) or asks_whether_it_suits(other.text))
        for other in before
        for said, asks in clauses(other.text)
        if asks or asks_whether_it_suits(other.text)
        for one in named_days(said, call.date)
    )
    made = _commitment(call, turn, sentence, day, kind="meeting")
    return _Heard(made, again=not agrees(sentence)) if meant else None


def _agreed(meeting: Commitment, found: Sequence[_Heard]) -> bool:
    """Whether the day of a meeting was agreed on before: the words that proposed it say more."""
    return any(other.made.kind == "meeting" and other.made.due == meeting.due for other in found)


def _said_again(text: str, sentence: str, day: Named) -> bool:
    """Whether a day is said again beside a yes: `Half one, the twelfth. Yeah.`"""
    short = len(sentence.split()) <= BARE_DAY_WORDS or to_meet(sentence)
    yes = any(agrees(said) for said, asks in clauses(text) if not asks)
    return short and yes and not (_IS_AWAY.search(sentence) or conditional(sentence) or told_of(sentence, day))


def _asks_before(text: str, sentence: str) -> bool:
    return text[: max(0, text.find(sentence))].rstrip().endswith("?")


def _commitment(call: CallRow, who: TurnRow, sentence: str, day: Named | None, *, kind: str) -> Commitment:
    # who speaks of a day that is past (`the quote of the 1st`) promises nothing for it
    day = None if day and day.date and call.date and day.date < call.date else day
    return Commitment(
        call_id=call.call_id,
        turn=who.turn,
        owner=_owner(call, who),
        side=who.side,
        kind=kind,
        quote=sentence,
        due=day.date if day else None,
        due_words=day.words if day else None,
        made_on=call.date,
        rep=call.rep,
        account=call.account,
    )


def _owner(call: CallRow, who: TurnRow) -> str:
    """Who spoke, by name; a seller whom the transcript does not name is the rep."""
    return (call.rep or who.name) if who.name == "rep" else who.name


def _same(one: Commitment, other: Commitment) -> bool:
    mine, theirs = content(one.quote), content(other.quote)
    if one.kind != other.kind or one.side != other.side or not mine or not theirs:
        return False
    return len(mine & theirs) / min(len(mine), len(theirs)) > 0.6 and _fits(one.due, other.due)


def _fits(one: dt.date | None, other: dt.date | None) -> bool:
    return one == other or not one or not other


def _meetings_once(found: list[Commitment]) -> list[Commitment]:
    """Of several agreed days, the last one said for each date; a promise for that day already says it."""
    dated = {made.due for made in found if made.kind == "action" and made.due and to_meet(made.quote)}
    last = {made.due: made for made in found if made.kind == "meeting"}
    return [made for made in found if made.kind == "action" or (last[made.due] is made and made.due not in dated)]
