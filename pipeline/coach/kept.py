"""Whether a later call tells that a promise was kept: by what is said about it, by who is there, by the day.

Rules over the words, in English, in order of how plainly they speak. The day agreed was put off. Somebody says that it
was not done. Somebody is on the call who was to be asked, told or brought. The call is on the day that was agreed.
Somebody speaks of the thing as there (`got your quote`, `the drawings were spot on`). Where none of it is said, nothing
is told: silence is no proof either way, and an accusation that is wrong costs more than one that is missing.

What counts is the clause that speaks of the thing: `I got your page, but I never sent you the form` says that one was
done and the other not. A bare yes or no counts only where the question was whether it was done.
`benchmarks/commitments.py` measures it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.coach.rows import CallRow, TurnRow
from pipeline.coach.slipped import is_late, names_another_day, names_day, new_day, put_off
from pipeline.coach.when import named_days

SLACK_DAYS = 3
OPENING_TURNS = 14
"""What became of a promise is told at the beginning; further on, only words that match in two places count."""
CONTEXT_TURNS = 8
BACK_TURNS = 4
ENOUGH = 1.0
COMMON = 3
"""A word said in more turns than this on the later call counts for less."""
SHORT_ANSWER = 2

_ABSENT = re.compile(
    r"\b(?:missed you|forgot to (?:cancel|come|call|ring|join|dial)|(?:you|he|she|they) weren't there|"
    r"nobody (?:came|there|turned up|joined|showed)|(?:didn't|never) (?:come|show|turn up|join|ring on|call on)|"
    r"no[- ]show|stood me up|had to cancel|what happened to you|where were you|sat there waiting)\b",
    re.IGNORECASE,
)
_NOT_DONE = re.compile(
    r"\b(?:haven't|hasn't|hadn't|didn't|did not|have not|not yet|never (?:got|came|sent|arrived|did|heard|saw|had|rang|"
    r"called|phoned)|still (?:waiting|owe|to |have to|need to|haven't|lying|sitting|on my)|forgot|slipped|"
    r"get round to|got round to|nothing (?:came|from|yet)|(?:had|got|seen|heard) nothing|no sign of|no mention of|"
    r"where(?:'s| is| are) (?:the|that|my|those)|not (?:had|been|seen|done|sent)|"
    r"wasn't able|couldn't|nobody(?:'s| has)? (?:phoned|rang|called|came|sent)|in my drafts|should have (?:rung|sent|"
    r"called|told|phoned|done)|don't think (?:I|we) (?:ever )?(?:got|saw|had)|not a word|no joy|bounced it|"
    r"had no idea|knew nothing|"
    r"no \w+ yet|(?:I've|we've|they've|has|have) not|"
    r"lying on|run out of time|no time)\b|^what (?:agreement|quote|email|form|drawing|proposal)\b",
    re.IGNORECASE,
)
_THERE = (
    r"thanks for|thank you for|as promised|like I said|as agreed|here it is|here's|there's (?:your|the)|"
    r"in front of me|in front of you|"
    r"I've (?:got )?(?:your|the)|(?:got|have|had|has) (?:your|my|our|the|it|them|that)|"
    r"got (?:here|through)|came through|"
    r"came (?:back|in\b|on the|this morning|without|\w+day)|turned up|arrived|received|landed|"
    r"spot on|done|on the (?:table|bench|desk|wall)|ready|worked|is up|"
    r"(?:was|were|is|'s) (?:there|here)\b|were good|was good|very clear|was fine|were fine"
)
_DONE_BY = {
    "send": r"sent|got|saw|seen|read|looked|went through|gone through|pinned|wrote|written|showed|shown|with you|"
    r"shared",
    "speak": r"told|asked|spoke|spoken|talked|rang|called|phoned|messaged|said|says|met|got talking|gave (?:me|us)|"
    r"heard|on at me|came back|agreed|said yes|warned|raised|knows",
    "look": r"found|checked|looked|turns out|it's|worked out|read|tried|measured|counted|saw",
    "do": r"did|tried|put|signed|ordered|booked|brought|paid|gave|given|pulled|found|made|printed|set (?:it )?up|fixed|"
    r"loved|hated|liked|kept|tested|ran|went",
}
"""How it is said that something was done, by what was promised."""
_ANY_DONE = re.compile(rf"\b(?:{'|'.join(_DONE_BY.values())})\b", re.IGNORECASE)
_FAMILIES = {
    "send": """send email mail forward share link attach upload copy cc give write draft redo prepare quote price text
        drop get put ship courier post pop stick ping copy""".split(),
    "speak": """tell ask call ring phone speak talk chase warn raise message introduce invite shoot loop chat remind
        heads have discuss shout clarify take know""".split(),
    "look": "check find look read run review see dig work".split(),
}
_DEEDS = frozenset(verb for verbs in _FAMILIES.values() for verb in verbs)
_BY_POST = re.compile(r"\b(?:post|mail|ship|courier)(?! (?:you )?(?:the|an?) (?:link|email))\b", re.IGNORECASE)
_COMES = re.compile(
    r"\b(?:meet|come|visit|ring|call|phone|speak|talk|see you|sit down|bring|pencil|book|reserve|hold|diary|calendar|"
    r"be (?:back|there|with you|over|down|up)|demo|session|walk|train)\b",
    re.IGNORECASE,
)
_REACHES = re.compile(
    r"\b(?:tell|ask|bring|get|invite|introduce|show|warn|raise|speak|talk|have a (?:word|chat)|set up|loop|note|call|"
    r"ring|message|calendar|diary|put it in|chase|remind|discuss|give \w+ a shout)\b",
    re.IGNORECASE,
)
_THEM = re.compile(r"\b(?:him|her|hers|his|them|theirs|he|she|they)\b", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|that|this|those|these|them|one|do)\b", re.IGNORECASE)
_YES = re.compile(
    r"^(?:(?:oh|well|um|so|and|ah|er)[,. ]+)*(?:yes|yeah|yep|aye|sure|of course|i did|i have|we did|we have|they did|"
    r"he did|she did|got it|it did|certainly)\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^(?:(?:oh|well|um|so|and|ah|er)[,. ]+)*"
    r"(?:no(?! (?:problem|bother|worries|trouble|rush|doubt))|nope|not yet|not really)\b",
    re.IGNORECASE,
)
_ABOUT_YOU = re.compile(
    r"\b(?:from you|off you|you never|you haven't|you didn't|you said|you sent|waiting (?:on|for))\b|"
    r"\bI(?:'ve| have)? (?:never|haven't|didn't|not)(?: \w+)? "
    r"(?:got|get|received?|seen|see|saw|heard|hear|had (?:it|the|any))\b(?! (?:you|ya|him|them)\b)",
    re.IGNORECASE,
)
_YOURS = re.compile(r"\byour\b", re.IGNORECASE)
_ABOUT_ME = re.compile(
    r"\bI(?:'ve| have|'d| had|'m)? (?:(?:just|also|clean|completely|totally) )?(?:never|haven't|didn't|forgot|still|"
    r"not|couldn't|should have|sent|did|asked|told|spoke|rang|put|brought|found|checked|got round)\b|"
    r"\bmy (?:fault|drafts)\b",
    re.IGNORECASE,
)
_I_DID = re.compile(
    r"^(?:(?:oh|well|um|so|and|ah|er|yes|yeah|yep|sure)[,. ]+)*(?:i did|i have|we did|we have|they did|he did|she did|"
    r"you did|you have|it did|got it)\b(?! not\b|n't)",
    re.IGNORECASE,
)
_ASKS_DONE = re.compile(
    r"\b(?:did|didn't|have|haven't|has|hasn't|had|got|heard|were|was|any (?:word|news|joy|luck|sign|update)|"
    r"is (?:it|that|he|she|the \w+) (?:done|there|in|back|ready|signed|sorted))\b",
    re.IGNORECASE,
)
_ASKS_HOW = re.compile(
    r"\b(?:where are (?:we|you) (?:with|on)|how did|did you|have you (?:had|got|heard|spoken|talked|asked|sent|seen)|"
    r"any (?:word|news|joy|luck|update)|what did|what happened (?:with|to))\b",
    re.IGNORECASE,
)
_ASKS_OTHER = re.compile(
    r"\b(?:(?:any|some|every|no)(?:thing|body|one)|else|other than|besides|want|would|could|can|will|shall|if)\b",
    re.IGNORECASE,
)
"""What else a question asks for: something more, somebody else, leave, or the future."""
_CLAUSES = re.compile(
    r"[;:]|\s[-\u2013\u2014]\s|,?\s+(?:but|though|although)\s+|"
    r",?\s+(?:and|so|because)\s+(?=(?:I|we|you|he|she|they|it|that|nobody)\b)",
    re.IGNORECASE,
)
_THIRD = re.compile(
    r"\b(?:he|she)(?:'s|\u2019s)?\s+(?:just )?(?:not|has|had|did|does|never|still|forgot)", re.IGNORECASE
)
_DELEGATED = re.compile(r"\b(?:have|get|ask|let|tell|make)\s+(?:him|her|them|our|the|my|[A-Z]\w+)\b")
"""`I'll have Kyle ring you`: what he did not do was not kept; else only what the owner did not."""
_OBJECT = re.compile(
    r"\b(?:the|that|those|these|this|your|my|our|his|her|their|any|an?|no)\s+(\w+(?:\s+\w+)?)", re.IGNORECASE
)
_UNREAL = re.compile(
    r"\bif\b[^,]*|(?<!like )\bI said\b|"
    r"(?:\b(?:will|would|could|can|should|might)|'d|\u2019d|'ll|\u2019ll) (?:be|have|get)\b(?: \w+)?",
    re.IGNORECASE,
)
"""What would be or is still to be: `if it was up to me it'd be done` tells of nothing that was done."""
_NO_ANSWER_YET = re.compile(
    r"\b(?:he|she|they)(?:'s|\u2019s|'re|\u2019re| is| are| has| have|'ve)?(?: not|n't|n\u2019t) "
    r"(?:(?:come|got|been) )?(?:back to (?:me|us)|replied|answered)\b",
    re.IGNORECASE,
)
"""Who waits for an answer has asked."""
_GOES_ON = re.compile(r"^(?:it|that|they|which)\b", re.IGNORECASE)
_NO_THING = frozenset(("chanc", "night", "momen", "clue", "reply", "answe", "sign", "idea"))
"""Stems of what is had rather than done: `I haven't had a chance` speaks of what was spoken of before."""
_SENTENCE = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St)\.|(?<=\d)\.(?=\d)|[^.?!])+[.?!]*")
_WORD = re.compile(r"[a-z]+|\d+")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}\b")
_THINGS = frozenset("page form line lines text note cost".split())
_PLAIN = frozenset(
    """that this with from what when they them then than your yours have will would could should just about over some
    something thing things today tomorrow tonight week weeks month months monday tuesday wednesday thursday friday
    saturday sunday january february march april june july august september october november december morning
    afternoon evening before after there here where which like really right okay well sure going back into onto been
    being were does doing other much many more most very also only still even first second third send sent email call
    ring give take bring need want know think look make made come came tell told said says quick minutes minute hour
    half both same clock around through between every because while until till next last might maybe please thanks
    thank great good lovely perfect fine yeah year years people across weekend meantime down away let see get got put
    has had was are the and for you her his him she who how why not but our out off all any can did may now one two
    ten too use way yes yet ask say set try lot bit day days few its it's don won didn doesn isn them themselves
    myself yourself able late early time times promise wasn isn shall lads guys mind fixed done talk speak meet
    together running course hello""".split()
) - {"lads"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What to listen for on later calls: `words` (stems) of the promise and, weighing half, `around` it; `people` who
    were named; how it would be said to be `done`; whether it `comes` to pass by somebody being there on `due`."""

    side: str
    words: frozenset[str]
    own: frozenset[str]
    deeds: frozenset[str]
    around: frozenset[str]
    people: frozenset[str]
    speakers: frozenset[str]
    done: re.Pattern[str]
    comes: bool
    meeting: bool
    reaches: bool
    by_post: bool
    delegated: bool
    made_on: dt.date | None
    due: dt.date | None


@lru_cache(maxsize=20_000)
def content(text: str) -> frozenset[str]:
    """Stems of the words that say what a text is about: five letters of every word that is not plain."""
    words = _WORD.findall(text.lower().replace("\u2019", "'"))
    return frozenset(_stem(w) for w in words if w.isdigit() or w in _THINGS or (len(w) > 2 and w not in _PLAIN))


def _stem(word: str) -> str:
    return (word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "su" else word)[:5]


def sentences(text: str) -> Iterable[tuple[str, bool]]:
    """Each sentence of a text, and whether it asks."""
    for match in _SENTENCE.finditer(text):
        sentence = match.group(0).strip()
        if sentence:
            yield sentence, sentence.endswith("?")


def subject_of(
    quote: str,
    turn: int,
    turns: Sequence[TurnRow],
    call: CallRow,
    *,
    side: str,
    due: dt.date | None,
    meeting: bool,
    answer: str = "",
) -> Subject:
    """What the promise `quote` of turn `turn` is about, from the words around it where its own only point (`it`).

    `answer` are the words that took it on, where it was asked.
    """
    place = next((n for n, t in enumerate(turns) if t.turn == turn), 0)
    near = turns[max(0, place - 2) : place + 1]
    before = turns[max(0, place - CONTEXT_TURNS) : place + 1]
    names = {part for name in {t.name for t in turns} for part in name.split()}
    own_names = content(f"{call.rep or ''} {call.account or ''} {' '.join(names)}")
    words = own = content(f"{quote} {answer}") - own_names
    around = {stem for t in near for stem in content(t.text)} - own_names
    if _IT.search(quote) or len(words) < 2:
        words = words | content(_said_before(quote, place, turns, own_names)) - own_names
    people = set(_NAME.findall(quote))
    if _THEM.search(quote) or _IT.search(quote):
        people |= {name for t in near for name in _NAME.findall(t.text)}
    people = {
        n
        for n in people
        if quote.find(n) != 0 and n not in names and n.lower() not in _PLAIN and n[:5].lower() not in own_names
    }
    mentioned = (
        {name for t in before for name in re.findall(r"\b[A-Z][\w-]+", t.text)} if _THEM.search(quote) else set()
    )
    return Subject(
        side=side,
        words=frozenset(words - content(" ".join(people))),
        own=own,
        deeds=frozenset(_WORD.findall(quote.lower())) & _DEEDS,
        around=frozenset(around - words),
        people=frozenset(people),
        speakers=frozenset(set(re.findall(r"\b[A-Z][\w-]+", quote)) | mentioned) - names,
        done=_done(quote),
        comes=meeting or bool(_COMES.search(quote)),
        meeting=meeting,
        reaches=bool(_REACHES.search(quote)),
        by_post=bool(_BY_POST.search(quote)),
        delegated=bool(_DELEGATED.search(quote)),
        made_on=call.date,
        due=due,
    )


def _said_before(quote: str, place: int, turns: Sequence[TurnRow], names: frozenset[str]) -> str:
    """The sentence before the quote that its `it` most likely means: the last that names a thing, else that says
    something."""
    text = turns[place].text if turns else ""
    ahead = [s for s, _ in sentences(text[: max(0, text.find(quote))])]
    near = [*([s for s, _ in sentences(turns[place - 1].text)][-2:] if place else []), *ahead]
    far = [s for turn in turns[max(0, place - BACK_TURNS) : place] for s, _ in sentences(turn.text)] + ahead
    thing = next((s for s in reversed(far) if _things(s) - names), "")
    said = next((s for s in reversed(near) if content(s)), "")
    return thing if thing and (not said or said not in far or not _things(said) - names) else said


def _things(text: str) -> frozenset[str]:
    """Stems of what a text names as a thing: `that report`, `your drawings`."""
    return frozenset(stem for things in _OBJECT.findall(text) for stem in content(things)) - _NO_THING


def _done(quote: str) -> re.Pattern[str]:
    spoken = set(_WORD.findall(quote.lower()))
    families = [name for name, verbs in _FAMILIES.items() if spoken & set(verbs)] or ["do"]
    return re.compile(rf"\b(?:{'|'.join([_THERE, *(_DONE_BY[name] for name in families)])})\b", re.IGNORECASE)


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
    missed = next((t for t in turns[:OPENING_TURNS] if _tells_of_absence(t.text, subject, call)), None)
    met = bool(subject.comes and subject.due and call.date and abs((call.date - subject.due).days) <= SLACK_DAYS)
    after = bool(subject.due and call.date and call.date >= subject.due)
    slipped = _day_put_off(subject, call, turns) if after else None
    if slipped:
        return slipped
    if subject.comes and after and missed:
        return _not_kept("not kept", missed, missed.text, turns, subject, call)
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
    said = next((s for s, _ in sentences(text) if _ABSENT.search(s)), None)
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
    for place, turn in enumerate(turns):
        if not names_day(turn.text, subject.due, call.date):
            continue
        following = turns[place + 1].text if place + 1 < len(turns) else ""
        status = put_off(turn.text, following) or put_off(following, "")
        if status:
            spoken = turn if put_off(turn.text, following) else turns[place + 1]
            return _not_kept(status, spoken, spoken.text, turns, subject, call)
    return None


@lru_cache(maxsize=10_000)
def _spoken(text: str) -> tuple[tuple[str, bool, bool, str], ...]:
    """Each sentence of a text, whether it asks, whether it says that something was not done, and the sentence with its
    neighbours."""
    spoken = list(sentences(text))
    near = (" ".join(s for s, _ in spoken[max(0, n - 1) : n + 2]) for n in range(len(spoken)))
    return tuple((s, asked, bool(_NOT_DONE.search(s)), around) for (s, asked), around in zip(spoken, near, strict=True))


@lru_cache(maxsize=100)
def _often(texts: tuple[str, ...]) -> Counter[str]:
    """In how many of the texts each stem is."""
    return Counter(stem for text in texts for stem in content(text))


def _said(subject: Subject, turns: Sequence[TurnRow]) -> tuple[str, TurnRow, str] | None:
    """The turn and sentence that speak of the same thing as done or as not done: where several do, the first of those
    that say most of the promise's own words."""
    found: list[tuple[int, str, TurnRow, str]] = []
    often = _often(tuple(turn.text for turn in turns))
    for place, turn in enumerate(turns):
        spoken = _spoken(turn.text)
        early = place < OPENING_TURNS
        for number, (sentence, asked, undone, near) in enumerate(spoken):
            # a question how something stands is about it wherever it is asked
            needed = ENOUGH if early or (asked and _ASKS_HOW.search(sentence)) else 2 * ENOUGH
            named = undone and _names_deed(subject, sentence)
            if _match(subject, near, often, around=early) < needed and not named:
                continue
            if asked:
                answer = turns[place + 1] if place + 1 < len(turns) and number == len(spoken) - 1 else None
                told_so = _answered(subject, sentence, answer) if answer and answer.side != turn.side else None
                if answer and told_so:
                    own = _own(subject, sentence, f"{near} {answer.text}")
                    found.append((own, told_so[0], answer, told_so[1]))
            elif undone or _match(subject, sentence, often, around=early) >= needed:
                verdict = _verdict(subject, sentence, turn)
                if verdict:
                    following = spoken[number + 1][0] if number + 1 < len(spoken) else ""
                    said = f"{sentence} {following}" if _GOES_ON.match(following) else sentence
                    found.append((_own(subject, sentence, near), verdict, turn, said))
    return max(found, key=lambda one: one[0])[1:] if found else None


def _names_deed(subject: Subject, sentence: str) -> bool:
    """Whether a sentence says the promise's own verb and weekday: `I didn't ring on Friday`."""
    words = set(_WORD.findall(sentence.lower()))
    return bool(subject.due and subject.deeds & words and f"{subject.due:%A}".lower() in words)


def _own(subject: Subject, *texts: str) -> int:
    """How often a sentence, and that with what is around it, say the promise's own words and names."""
    return sum(len(subject.own & content(text)) + sum(name in text for name in subject.people) for text in texts)


def _match(subject: Subject, text: str, often: Counter[str], *, around: bool) -> float:
    """How much a text speaks of the subject: its words and names count one each, beside them those `around` it half."""
    stems = content(text)

    def weight(stem: str) -> float:
        return min(1.0, COMMON / max(1, often[stem]))

    own = sum(1.0 for name in subject.people if name in text and re.search(rf"\b{re.escape(name)}\b", text))
    own += sum(weight(stem) for stem in subject.words & stems)
    return own + 0.5 * sum(weight(stem) for stem in subject.around & stems) if own and around else own


def _verdict(subject: Subject, sentence: str, turn: TurnRow) -> str | None:
    """What a sentence about the subject says, if it is about this side's promise.

    Clause by clause: `I got your page, but I never sent you the form` says one thing of the page and another of the
    form.
    """
    if subject.people and turn.side == subject.side and _NO_ANSWER_YET.search(sentence):
        return "kept"
    clauses = [clause for clause in _CLAUSES.split(sentence) if clause and clause.strip()]
    undone = [clause for clause in clauses if _NOT_DONE.search(clause)]
    if any(not _of_another(subject, clause) and _fits(subject, clause, turn) for clause in undone):
        return "not kept"
    rest = _UNREAL.sub(" ", ", ".join(clause for clause in clauses if clause not in undone))
    if undone and _of_another(subject, rest):
        return None
    plain = len(subject.words & content(rest)) > 1 and _ANY_DONE.search(rest)
    return "kept" if plain or subject.done.search(rest) else None


def _fits(subject: Subject, clause: str, turn: TurnRow) -> bool:
    """Whether what was not done, as `turn` says it, is what the owner of the promise had to do."""
    if _THIRD.search(clause) and not subject.delegated and not _ABOUT_YOU.search(clause):
        return False
    about = "you" if _ABOUT_YOU.search(clause) else "me" if _ABOUT_ME.search(clause) else None
    if about is None and _YOURS.search(clause):
        about = "you"
    return about is None or (about == "me") == (turn.side == subject.side)


def _of_another(subject: Subject, clause: str) -> bool:
    """Whether a clause names a thing of its own (`I never sent you that report`) that is not the subject's."""
    for day in named_days(clause, None):
        clause = clause.replace(day.words, " ")
    named = _things(clause)
    return bool(named) and not _speaks_of(subject, clause)


def _speaks_of(subject: Subject, text: str) -> bool:
    named = any(re.search(rf"\b{re.escape(name)}\b", text) for name in subject.people)
    return named or bool(subject.words & content(text))


def _answered(subject: Subject, question: str, answer: TurnRow) -> tuple[str, str] | None:
    """What an answer to a question about the subject says of it, and the sentence that does: the first that says
    something.

    A bare yes or no answers what was asked: where that was not whether the thing was done (`anything else in the way
    but Joan?`), it tells nothing.
    """
    said = [s for s, _ in sentences(answer.text)][:3]
    for number, sentence in enumerate(said):
        if number == 0 and _asks_whether_done(question):
            verdict = _yes_or_no(subject, said)
        else:
            verdict = _verdict(subject, sentence, answer)
        if verdict:
            return verdict, sentence
    return None


def _asks_whether_done(question: str) -> bool:
    return bool(_ASKS_DONE.search(question)) and not _ASKS_OTHER.search(question)


def _yes_or_no(subject: Subject, said: Sequence[str]) -> str | None:
    """What the beginning of an answer says to `did you?`: `I did` stands, a mere yes is taken back by `I haven't`."""
    first, following = said[0], said[1] if len(said) > 1 else ""
    if _I_DID.match(first):
        return "kept"
    taken_back = f"{first} {following}" if len(first.split()) <= SHORT_ANSWER else first
    if _NO.match(first) or (_NOT_DONE.search(taken_back) and not _of_another(subject, taken_back)):
        return "not kept"
    return "kept" if _YES.match(first) or subject.done.search(first) else None
