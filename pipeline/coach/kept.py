"""Whether a later call tells that a promise was kept: by what is said about it, by who is there, by the day.

Rules over the words, in English, in order of how plainly they speak. Somebody says that it was not done. Somebody is on
the call who was to be asked, told or brought. The call is on the day that was agreed. Somebody speaks of the thing as
there (`got your quote`, `the drawings were spot on`). Where none of it is said, nothing is told: silence is no proof
either way. `benchmarks/commitments.py` measures it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.coach.rows import CallRow, TurnRow

SLACK_DAYS = 3
OPENING_TURNS = 14
"""What became of a promise is told at the beginning; further on, only words that match in two places count."""
CONTEXT_TURNS = 8
ENOUGH = 1.0
COMMON = 3
"""A word said in more turns than this on the later call counts for less."""

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
    r"where(?:'s| is| are) (?:the|that|my|those)|not had|"
    r"wasn't able|couldn't|nobody(?:'s| has)? (?:phoned|rang|called|came|sent)|in my drafts|should have (?:rung|sent|"
    r"called|told|phoned|done)|don't think (?:I|we) (?:ever )?(?:got|saw|had)|not a word|no joy|bounced it|"
    r"no \w+ yet|(?:I've|we've|they've|has|have) not|"
    r"lying on|run out of time|no time)\b|^what (?:agreement|quote|email|form|drawing|proposal)\b",
    re.IGNORECASE,
)
_THERE = (
    r"thanks for|thank you for|as promised|like I said|as agreed|here it is|here's|in front of me|in front of you|"
    r"I've (?:got )?(?:your|the)|(?:got|have|had|has) (?:your|the|it|them|that)|got (?:here|through)|came through|"
    r"came back|arrived|received|landed|"
    r"spot on|done|on the (?:table|bench|desk|wall)|ready|worked|is up|were good|was good|very clear|was fine|were fine"
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
        drop get let put""".split(),
    "speak": """tell ask call ring phone speak talk chase warn raise message introduce invite shoot loop chat remind
        heads have discuss shout clarify take""".split(),
    "look": "check find look read run review see dig work".split(),
}
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
_NO = re.compile(r"^(?:(?:oh|well|um|so|and|ah|er)[,. ]+)*(?:no|nope|not yet|not really)\b", re.IGNORECASE)
_ABOUT_YOU = re.compile(
    r"\b(?:from you|off you|you never|you haven't|you didn't|you said|you sent|waiting (?:on|for)|your)\b|"
    r"\bI(?:'ve| have)? (?:never|haven't|didn't|not)(?: \w+)? "
    r"(?:got|get|received?|seen|see|heard|hear|had (?:it|the|any))\b",
    re.IGNORECASE,
)
_ABOUT_ME = re.compile(
    r"\bI(?:'ve| have|'d| had|'m)? (?:(?:just|also|clean|completely|totally) )?(?:never|haven't|didn't|forgot|still|"
    r"not|couldn't|should have|sent|did|asked|told|spoke|rang|put|brought|found|checked|got round)\b|"
    r"\bmy (?:fault|drafts)\b",
    re.IGNORECASE,
)
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
    myself yourself able late early time times promise wasn isn shall lads guys mind fixed done
    together running course hello""".split()
) - {"lads"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What to listen for on later calls: `words` (stems) of the promise and, weighing half, `around` it; `people` who
    were named; how it would be said to be `done`; whether it `comes` to pass by somebody being there on `due`."""

    side: str
    words: frozenset[str]
    around: frozenset[str]
    people: frozenset[str]
    speakers: frozenset[str]
    done: re.Pattern[str]
    comes: bool
    reaches: bool
    due: dt.date | None


@lru_cache(maxsize=20_000)
def content(text: str) -> frozenset[str]:
    """Stems of the words that say what a text is about: five letters of every word that is not plain."""
    words = _WORD.findall(text.lower().replace("\u2019", "'"))
    return frozenset(w[:5] for w in words if w.isdigit() or w in _THINGS or (len(w) > 2 and w not in _PLAIN))


def sentences(text: str) -> Iterable[tuple[str, bool]]:
    """Each sentence of a text, and whether it asks."""
    for match in re.finditer(r"[^.?!]+[.?!]*", text):
        sentence = match.group(0).strip()
        if sentence:
            yield sentence, sentence.endswith("?")


def subject_of(
    quote: str, turn: int, turns: Sequence[TurnRow], call: CallRow, *, side: str, due: dt.date | None, meeting: bool
) -> Subject:
    """What the promise `quote` of turn `turn` is about, from the words around it where its own only point (`it`)."""
    place = next((n for n, t in enumerate(turns) if t.turn == turn), 0)
    near = turns[max(0, place - 2) : place + 1]
    before = turns[max(0, place - CONTEXT_TURNS) : place + 1]
    names = {part for name in {t.name for t in turns} for part in name.split()}
    own_names = content(f"{call.rep or ''} {call.account or ''} {' '.join(names)}")
    words = content(quote) - own_names
    around = {stem for t in near for stem in content(t.text)} - own_names
    if _IT.search(quote) or len(words) < 2:
        words |= content(_said_before(quote, place, turns)) - own_names
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
        around=frozenset(around - words),
        people=frozenset(people),
        speakers=frozenset(set(re.findall(r"\b[A-Z][\w-]+", quote)) | mentioned) - names,
        done=_done(quote),
        comes=meeting or bool(_COMES.search(quote)),
        reaches=bool(_REACHES.search(quote)),
        due=due,
    )


def _said_before(quote: str, place: int, turns: Sequence[TurnRow]) -> str:
    """The last sentence that says something before the quote, in its turn or the one before."""
    text = turns[place].text if turns else ""
    ahead = [s for s, _ in sentences(text[: max(0, text.find(quote))])]
    if place:
        ahead = [*[s for s, _ in sentences(turns[place - 1].text)][-2:], *ahead]
    return next((sentence for sentence in reversed(ahead) if content(sentence)), "")


def _done(quote: str) -> re.Pattern[str]:
    spoken = set(_WORD.findall(quote.lower()))
    families = [name for name, verbs in _FAMILIES.items() if spoken & set(verbs)] or ["do"]
    return re.compile(rf"\b(?:{'|'.join([_THERE, *(_DONE_BY[name] for name in families)])})\b", re.IGNORECASE)


def told(subject: Subject, call: CallRow, turns: Sequence[TurnRow]) -> tuple[str, TurnRow] | None:
    """What a later call tells of a promise: `kept` or `not kept`, and the turn that does; None where nothing does."""
    if not turns:
        return None
    missed = next((t for t in turns[:OPENING_TURNS] if _ABSENT.search(t.text)), None)
    met = bool(subject.comes and subject.due and call.date and abs((call.date - subject.due).days) <= SLACK_DAYS)
    after = bool(subject.due and call.date and call.date >= subject.due)
    if subject.comes and after and missed:
        return "not kept", missed
    said = _said(subject, turns)
    if said and said[0] == "not kept":
        return said
    there = next((t for t in turns if subject.reaches and set(t.name.split()) & subject.speakers), None)
    if there:
        return "kept", there
    return ("kept", turns[0]) if met else said


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


def _said(subject: Subject, turns: Sequence[TurnRow]) -> tuple[str, TurnRow] | None:
    """The first turn that speaks of the same thing as done or as not done."""
    often = _often(tuple(turn.text for turn in turns))
    for place, turn in enumerate(turns):
        spoken = _spoken(turn.text)
        early = place < OPENING_TURNS
        needed = ENOUGH if early else 2 * ENOUGH
        for number, (sentence, asked, undone, near) in enumerate(spoken):
            if asked:
                answer = turns[place + 1] if place + 1 < len(turns) and number == len(spoken) - 1 else None
                if answer and answer.side != turn.side and _match(subject, near, often, around=early) >= needed:
                    verdict = _answered(subject, answer)
                    if verdict:
                        return verdict, answer
                continue
            if _match(subject, sentence, often, around=early) >= needed or undone:
                verdict = (
                    _verdict(subject, sentence, turn) if _match(subject, near, often, around=early) >= needed else None
                )
                if verdict:
                    return verdict, turn
    return None


def _match(subject: Subject, text: str, often: Counter[str], *, around: bool) -> float:
    """How much a text speaks of the subject: its words and names count one each, beside them those `around` it half."""
    stems = content(text)

    def weight(stem: str) -> float:
        return min(1.0, COMMON / max(1, often[stem]))

    own = sum(1.0 for name in subject.people if name in text and re.search(rf"\b{re.escape(name)}\b", text))
    own += sum(weight(stem) for stem in subject.words & stems)
    return own + 0.5 * sum(weight(stem) for stem in subject.around & stems) if own and around else own


def _verdict(subject: Subject, sentence: str, turn: TurnRow) -> str | None:
    """What a sentence about the subject says, if it is about this side's promise."""
    mine = turn.side == subject.side
    if _NOT_DONE.search(sentence):
        about = "you" if _ABOUT_YOU.search(sentence) else "me" if _ABOUT_ME.search(sentence) else None
        fits = about is None or (about == "me") == mine
        return "not kept" if fits else None
    plain = len(subject.words & content(sentence)) > 1 and _ANY_DONE.search(sentence)
    return "kept" if plain or subject.done.search(sentence) else None


def _answered(subject: Subject, answer: TurnRow) -> str | None:
    """What an answer to a question about the subject says of it."""
    said = " ".join([s for s, _ in sentences(answer.text)][:3])
    if _NO.match(said) or _NOT_DONE.search(said):
        return "not kept"
    return "kept" if _YES.match(said) or subject.done.search(said) else None
