"""What a promise is about, so that later calls can be listened to for it: its words, names, deed and day.

English. A promise that only points (`I'll send it`) is about the thing that was named before it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.coach.clauses import sentences
from pipeline.coach.rows import CallRow, TurnRow
from pipeline.wording import straight

CONTEXT_TURNS = 8
BACK_TURNS = 4
_THERE = (
    r"thanks for|thank you for|as promised|like I said|as agreed|here it is|here's|there's (?:your|the)|"
    r"in front of me|in front of you|"
    r"I've (?:got )?(?:your|the)|(?:got|have|had|has) (?:your|my|our|the|it|them|that)|"
    r"got (?:here|through)|came through|"
    r"came (?:back|in\b|on the|this morning|without|\w+day)|turned up|arrived|received|landed|"
    r"spot on|done|on the (?:table|bench|desk|wall)|ready|worked|is up|"
    r"(?:was|were|is|'s) (?:there|here)\b|were good|was good|very clear|was fine|were fine"
)
DONE_BY = {
    "send": r"sent|got|saw|seen|read|looked|went through|gone through|pinned|wrote|written|showed|shown|with you|"
    r"shared",
    "speak": r"told|asked|spoke|spoken|talked|rang|called|phoned|messaged|said|says|met|got talking|gave (?:me|us)|"
    r"heard|on at me|came back|agreed|said yes|warned|raised|knows",
    "look": r"found|checked|looked|turns out|it's|worked out|read|tried|measured|counted|saw",
    "do": r"did|tried|put|signed|ordered|booked|brought|paid|gave|given|pulled|found|made|printed|set (?:it )?up|fixed|"
    r"loved|hated|liked|kept|tested|ran|went",
}
"""How it is said that something was done, by what was promised."""
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
_DELEGATED = re.compile(
    r"\b(?:have|let|make)\s+(?:him|her|them|our|the|my|[A-Z]\w+)\b|"
    r"\b(?:get|ask|tell)\s+(?:him|her|them|our|the|my|[A-Z]\w+)(?:\s+\w+){0,3}?\s+to\s+"
    r"(?!you\b|me\b|us\b|him\b|her\b|them\b|the\b|our\b|my\b|your\b|[A-Z])"
)
"""`I'll have Kyle ring you`: what he did not do was not kept; else only what the owner did not."""
_OBJECT = re.compile(
    r"\b(?:the|that|those|these|this|your|my|our|his|her|their|any|an?|no)\s+(\w+(?:\s+\w+)?)", re.IGNORECASE
)
_NO_THING = frozenset(("chanc", "night", "momen", "clue", "reply", "answe", "sign", "idea"))
"""Stems of what is had rather than done: `I haven't had a chance` speaks of what was spoken of before."""
WORD = re.compile(r"[a-z]+|\d+")
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
    words = WORD.findall(straight(text.lower()))
    return frozenset(_stem(w) for w in words if w.isdigit() or w in _THINGS or (len(w) > 2 and w not in _PLAIN))


def _stem(word: str) -> str:
    return (word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] not in "su" else word)[:5]


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
        deeds=frozenset(WORD.findall(quote.lower())) & _DEEDS,
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
    thing = next((s for s in reversed(far) if things(s) - names), "")
    said = next((s for s in reversed(near) if content(s)), "")
    return thing if thing and (not said or said not in far or not things(said) - names) else said


def things(text: str) -> frozenset[str]:
    """Stems of what a text names as a thing: `that report`, `your drawings`."""
    return frozenset(stem for things in _OBJECT.findall(text) for stem in content(things)) - _NO_THING


def _done(quote: str) -> re.Pattern[str]:
    spoken = set(WORD.findall(quote.lower()))
    families = [name for name, verbs in _FAMILIES.items() if spoken & set(verbs)] or ["do"]
    return re.compile(rf"\b(?:{'|'.join([_THERE, *(DONE_BY[name] for name in families)])})\b", re.IGNORECASE)
