"""Whether a later call tells that a promise was kept: by what is said about it, by who is there, by the day.

Rules over the words, in English, in order of how plainly they speak. The day agreed was put off. Somebody says that it
was not done. Somebody is on the call who was to be asked, told or brought. The call is on the day that was agreed.
Somebody speaks of the thing as there (`got your quote`, `the drawings were spot on`). Where none of it is said, nothing
is told: silence is no proof either way, and an accusation that is wrong costs more than one that is missing.

`verdict.py` reads the sentence, `slipped.py` what was late or put off. `benchmarks/commitments.py` measures it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.coach.clauses import sentences
from pipeline.coach.rows import CallRow, TurnRow
from pipeline.coach.slipped import is_late, names_another_day, names_day, new_day, put_off
from pipeline.coach.subject import WORD, Subject, content
from pipeline.coach.verdict import NOT_DONE, answered, verdict_of
from pipeline.coach.when import by_number
from pipeline.wording import straight

SLACK_DAYS = 3
OPENING_TURNS = 14
"""What became of a promise is told at the beginning; further on, only words that match in two places count."""
ENOUGH = 1.0
COMMON = 3
"""A word said in more turns than this on the later call counts for less."""
_ABSENT = re.compile(
    r"\b(?:missed you|forgot to (?:cancel|come|call|ring|join|dial)|(?:you|he|she|they) weren't there|"
    r"nobody (?:came|there|turned up|joined|showed)(?![^.!?]*\?)|"
    r"(?:didn't (?:come|show|turn up|join|ring on|call on)|never (?:came|showed|turned up|joined|rang on|called on))"
    r"(?! (?:on|out|up|back|off|in|with|through|from|as)\b(?! (?:the \w+|\w+day)\b))|"
    r"no[- ]show|stood me up|had to cancel|what happened to you|where were you|sat there waiting)\b",
    re.IGNORECASE,
)
_ASKS_HOW = re.compile(
    r"\b(?:where are (?:we|you) (?:with|on)|how did|did you|have you (?:had|got|heard|spoken|talked|asked|sent|seen)|"
    r"any (?:word|news|joy|luck|update)|what did|what happened (?:with|to))\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"^(?:it|that|they|which)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """What a later call tells of a promise: `kept`, `kept late`, `moved` or `not kept`, and the turn that does.

    `words` are those of the turn from where it speaks of the promise; `moved_to` is the day to come that is named for
    it instead.
    """

    status: str
    turn: TurnRow
    words: str
    moved_to: dt.date | None = None


def told(subject: Subject, call: CallRow, turns: Sequence[TurnRow]) -> Told | None:
    """What a later call tells of a promise; None where nothing does."""
    if not turns:
        return None
    if subject.meeting and subject.due and call.date and call.date < subject.due:
        return None  # a call of the days before is not the meeting, and what is not held yet is not missed
    met = bool(subject.comes and subject.due and call.date and abs((call.date - subject.due).days) <= SLACK_DAYS)
    after = bool(subject.due and call.date and call.date >= subject.due)
    slipped = _day_put_off(subject, call, turns) if after else None
    if slipped:
        return slipped
    missed = (t for t in turns[:OPENING_TURNS] if _tells_of_absence(t.text, subject, call))
    if subject.comes and after and (absent := next(missed, None)):
        return _not_kept("not kept", absent, absent.text, turns, subject, call)
    if met and subject.meeting:
        return Told("kept", turns[0], turns[0].text)
    said = _said(subject, turns)
    if said and said[0] == "not kept":
        return _not_kept(*said, turns, subject, call)
    there = next((t for t in turns if subject.reaches and set(t.name.split()) & subject.speakers), None)
    if there or met:
        return Told("kept", there or turns[0], (there or turns[0]).text)
    if said:
        _, turn, words = said
        late = is_late(words, made_on=subject.made_on, due=subject.due, told_on=call.date, by_post=subject.by_post)
        return Told("kept late" if late else "kept", turn, _from(turn, words))
    return None


def _tells_of_absence(text: str, subject: Subject, call: CallRow) -> bool:
    """Whether a turn says that somebody was not there, on no other day than the one agreed."""
    said = next((s for s, _ in sentences(text) if _ABSENT.search(straight(s))), None)
    return said is not None and not names_another_day(said, subject.due, call.date)


def _from(turn: TurnRow, words: str) -> str:
    """The text of a turn from the sentence with these words on."""
    first = next((s for s, _ in sentences(words)), words)
    return turn.text[max(0, turn.text.find(first)) :]


def _not_kept(
    status: str, turn: TurnRow, words: str, turns: Sequence[TurnRow], subject: Subject, call: CallRow
) -> Told:
    return Told(
        status, turn, _from(turn, words), new_day(turns, turns.index(turn), subject.side, subject.due, call.date)
    )


def _day_put_off(subject: Subject, call: CallRow, turns: Sequence[TurnRow]) -> Told | None:
    """What is said of an agreed day by its number: `the tenth got cancelled`, `he pushed it to the week after`."""
    for place, teller, status in _put_offs(tuple(turn.text for turn in turns)):
        if names_day(turns[place].text, subject.due, call.date):
            spoken = turns[teller]
            return _not_kept(status, spoken, spoken.text, turns, subject, call)
    return None


@lru_cache(maxsize=100)
def _put_offs(texts: tuple[str, ...]) -> tuple[tuple[int, int, str], ...]:
    """Each turn that puts a day off, by its number, or is answered so: its place, the place of the one that says it,
    what is said."""
    found = []
    for place, (text, following) in enumerate(zip(texts, (*texts[1:], ""), strict=True)):
        if not by_number(text):
            continue
        own = put_off(text, following)
        status = own or put_off(following, "")
        if status:
            found.append((place, place if own else place + 1, status))
    return tuple(found)


@lru_cache(maxsize=10_000)
def _spoken(text: str) -> tuple[tuple[str, bool, bool, str], ...]:
    """Each sentence of a text, whether it asks, whether it says that something was not done, and the sentence with its
    neighbours."""
    spoken = list(sentences(text))
    near = (" ".join(s for s, _ in spoken[max(0, n - 1) : n + 2]) for n in range(len(spoken)))
    return tuple(
        (s, asked, bool(NOT_DONE.search(straight(s))), around) for (s, asked), around in zip(spoken, near, strict=True)
    )


@lru_cache(maxsize=100)
def _places(texts: tuple[str, ...]) -> Mapping[str, Sequence[int]]:
    """In which of the texts each stem is."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        for stem in content(text):
            found[stem].append(place)
    return dict(found)


def _said(subject: Subject, turns: Sequence[TurnRow]) -> tuple[str, TurnRow, str] | None:
    """The verdict, turn and words that speak of the same thing as done or as not done: where several do, the first of
    those that say most of the promise's own words."""
    texts = tuple(turn.text for turn in turns)
    places = _places(texts)
    often = {stem: len(places.get(stem, ())) for stem in subject.words | subject.around}
    found = [one for place in _may_tell(subject, texts, places) for one in _tellings(subject, turns, place, often)]
    return max(found, key=lambda one: one[0])[1:] if found else None


def _may_tell(subject: Subject, texts: Sequence[str], places: Mapping[str, Sequence[int]]) -> list[int]:
    """Which texts have a word, a name or the weekday of the subject, in order: the others tell nothing of it."""
    found = {place for stem in subject.words for place in places.get(stem, ())}
    found.update(place for name in subject.people for place, text in enumerate(texts) if name in text)
    if subject.due and subject.deeds:
        day = f"{subject.due:%A}".lower()
        found.update(place for place, text in enumerate(texts) if day in text.lower())
    return sorted(found)


def _tellings(
    subject: Subject, turns: Sequence[TurnRow], place: int, often: Mapping[str, int]
) -> Iterator[tuple[int, str, TurnRow, str]]:
    """What a turn tells of the subject, or the answer to its last question: how much of it, verdict, turn and words."""
    turn, early = turns[place], place < OPENING_TURNS
    spoken = _spoken(turn.text)
    for number, (sentence, asked, undone, near) in enumerate(spoken):
        following = spoken[number + 1][0] if number + 1 < len(spoken) else ""
        if asked:
            answer = turns[place + 1] if not following and place + 1 < len(turns) else None
            # a question how something stands is about it wherever it is asked
            needed = ENOUGH if early or _ASKS_HOW.search(sentence) else 2 * ENOUGH
            if answer and answer.side != turn.side and _match(subject, near, often, around=early) >= needed:
                told_so = answered(subject, sentence, answer)
                if told_so:
                    yield _own(subject, sentence, f"{near} {answer.text}"), told_so[0], answer, told_so[1]
            continue
        # what was not done is often said of `it`: the sentences beside say of what
        enough = _match(subject, near if undone else sentence, often, around=early) >= (1 if early else 2) * ENOUGH
        verdict = verdict_of(subject, sentence, turn) if enough or (undone and _names_deed(subject, sentence)) else None
        if verdict:
            said = f"{sentence} {following}" if _GOES_ON.match(following) else sentence
            yield _own(subject, sentence, near), verdict, turn, said


def _names_deed(subject: Subject, sentence: str) -> bool:
    """Whether a sentence says the promise's own verb and weekday: `I didn't ring on Friday`."""
    words = set(WORD.findall(sentence.lower()))
    return bool(subject.due and subject.deeds & words and f"{subject.due:%A}".lower() in words)


def _own(subject: Subject, *texts: str) -> int:
    """How often a sentence, and that with what is around it, say the promise's own words and names."""
    return sum(len(subject.own & content(text)) + sum(name in text for name in subject.people) for text in texts)


def _match(subject: Subject, text: str, often: Mapping[str, int], *, around: bool) -> float:
    """How much a text speaks of the subject: its words and names count one each, beside them those `around` it half."""
    stems = content(text)

    def weight(stem: str) -> float:
        return min(1.0, COMMON / max(1, often[stem]))

    own = sum(1.0 for name in subject.people if name in text and re.search(rf"\b{re.escape(name)}\b", text))
    own += sum(weight(stem) for stem in subject.words & stems)
    return own + 0.5 * sum(weight(stem) for stem in subject.around & stems) if own and around else own
