"""People whom buyers name as having a say and who are on no call: who signs, approves, looks at it first.

Rules in English over a buyer's turn: a name that signs or decides, one with a post that decides, or one with another
post or kinship where the talk is of deciding. In text without capitals only who has a title is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pipeline.coach.names import NO_NAMES
from pipeline.coach.rows import TurnRow
from pipeline.wording import straight

_TITLE = r"(?:Mr|Mrs|Ms|Dr|Herr|Frau|Missus|Mister|Madam|Miss)"
_NAME = rf"(?P<name>(?:{_TITLE}\.? )*[A-ZÀ-Þ][a-zà-ÿ]+(?:[- ](?:Mc|O')?[A-ZÀ-Þ][a-zà-ÿ]+)?)"
_TOP = r"""(?:CFO|CEO|COO|CIO|CTO|CISO|MD|FD|boss|founder|owner|president|chair(?:man|woman)?|(?:\w+ )?
    (?:director|controller|comptroller)|(?:VP|vice president) (?:of \w+|\w+))""".replace("\n    ", "")
_POST = r"""(?:(?:\w+ )?manager|legal|lawyer|solicitor|head of \w+|(?:plant|works|site|division) head|accountant|
    finance (?:man|lady|person))""".replace("\n    ", "")
_KIN = r"(?:partner|wife|husband|brother|sister|father|mother|son|daughter)"
_SAY = (
    r"(?:(?:counter)?sign|initial|approve|decide|agree to it|okay it|say (?:yes|okay)|have the last word|"
    r"have the final say|look at (?:it|that|this))"
)
_MUST = r"(?:'ll| will| would| must|(?: also)? has to| needs to| would have to|'d have to)"
_SAYS = r"""(?:(?:counter)?signs|initials|approves|decides|clears it|holds the (?:budget|purse)|
    has the (?:last word|final say|budget)|does the (?:books|payback|money)|
    (?:reads|checks|looks (?:at|over)|goes over) (?:the (?:contract|paper\w*|numbers|offer|quote)|it|that|this|
    all|any)|goes through (?:it|everything|anything|owt)|puts the money in)""".replace("\n    ", "")
_LIKES = r"(?: must|(?: also)? has to| needs to|'d have to) (?:like (?:it|this)|be (?:happy|okay|ok) with (?:it|this))"
_HAS_SAY = rf"(?:{_MUST} {_SAY}|{_LIKES}| (?:{_SAYS}))"
_THEY_SAY = (
    rf"(?:(?:and|because|'cause|cause|so) )?(?:[Hh]e|[Ss]he)(?:{_HAS_SAY}|(?:'s| is) the one (?:who|that) (?:{_SAYS}))"
)
"""What is said of somebody who was just named. No other name may stand between: it would be that one's."""
_SAID = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_NAME}(?:{_MUST} {_SAY}|{_LIKES})\b",
        rf"\b{_NAME} (?:{_SAYS}|(?:runs|heads) (?:that|it|the \w+)|(?:as|who|that) (?:signs|decides|approves))\b",
        rf"\b[Ii]f {_NAME} (?:signs|says (?:yes|no)|clears it|agrees|approves|likes it)\b",
        rf"\b(?:run|take|put|get) (?:it|this|that|your \w+|the \w+)(?: \w+)? (?:by|past|in front of) {_NAME}\b",
        rf"\b{_NAME} (?:from|in) [^.?!,]{{2,30}} to (?:sign|approve|agree|say yes|clear)\b",
        rf"\b(?:has|have|had) {_NAME} (?:said|signed|approved|cleared)\b",
        rf"\b(?:signs?|approves?|decides?|reads?|checks?) (?:the|it)\b[^.?!,]{{0,20}}, {_NAME}\b",
        rf"\b{_NAME}(?:, [^,.?!]{{1,30}})?[.,;] (?:[Hh]e|[Ss]he)(?:'s| is) the (?:one|man|lady|person) "
        r"(?:who|that)(?:'s| is| has)? (?:to )?(?:say(?:s)? yes|signs?|decides?|approves?)\b",
        rf"\b{_NAME} (?:also )?(?:wants|needs|likes|has) to (?:look at|see|read|check|go over) (?:it|this|that)\b"
        rf"[^.?!,]{{0,12}}, (?:he's |she's )?(?:our|my|the) (?:{_TOP}|{_POST})\b",
        rf"\b(?:past|through) (?:the )?\w+,? (?:that is|that's|which is|so) {_NAME}\b",
        rf"\b{_NAME}(?: [^,.?!;A-Z]{{1,40}})?(?:[.,] (?:{_TOP}|{_POST})|, [^,.?!;A-Z]{{1,40}})?[,.;] {_THEY_SAY}\b",
        rf"\b{_NAME} (?:upstairs|(?:in|from|at) [^.?!,]{{2,25}}?){_HAS_SAY}\b",
        rf"\b{_NAME}(?:, [^,.?!]{{2,40}})?[.,] (?:[Ii]t's|[Tt]hat's) (?:all )?(?:his|her) "
        r"(?:budget|money|decision|call)\b",
        rf"\b(?:(?:to|before|past) (?:the|our) board|committee)\b[^?!]{{0,60}}?(?={_TITLE}\b){_NAME}",
    )
)
"""A name that has a say by these words alone."""
_HOLDS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_NAME},? (?:who's |that's |he's |she's |is )(?:our|my|the) {_TOP}\b",
        # of `Amazon, my boss complains` the boss is the one who does something
        rf"\b{_NAME},? (?:our|my|the) {_TOP}\b(?!'s\b| (?!is\b|has\b|signs\b|decides\b|approves\b)[a-z]+s\b)",
        rf"\b{_NAME},? (?:over )?(?:in|at|from) [A-Z]\w+(?: [A-Z]\w+)?, (?:who's|he's|she's) (?:our|my|the) {_TOP}\b",
        rf"\b{_NAME}'s (?:our|my|the) {_TOP}\b",
        rf"\b(?:[Mm]y|[Oo]ur|[Tt]he) {_TOP},?(?: is|'s called| called)? {_NAME}\b",
        rf"^(?:[Tt]he |[Oo]ur |[Mm]y )?{_TOP}[.,] {_NAME}\b",
        rf"^{_NAME}, (?:aye|yes|yeah)[.,] (?:[Tt]he |[Oo]ur )?{_TOP}\b",
    )
)
"""A name with a post that decides."""
_NEAR = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_NAME},? (?:who's |that's |he's |she's |is )?(?:our|my|the) {_POST}\b",
        rf"\b(?:[Mm]y|[Oo]ur|[Tt]he|[Hh]is|[Hh]er) (?:{_POST}|{_KIN}),?(?: is|'s called| called)? {_NAME}\b",
        rf"\b(?:[Oo]ver|[Aa]bove|[Pp]ast) [^.?!,]{{2,30}}(?:,| it's| that's| is)+ {_NAME}\b",
        rf"\b(?:[Tt]hen|and then) (?:it's )?{_NAME} (?:signs|looks|reads|checks|approves|decides|has|gets|makes)\b",
        rf"\b(?:[Tt]hen it|it then|[Tt]hat|[Ii]t) goes (?:up |on |over |past )?(?:to )?{_NAME}\b(?!'s)"
        r"(?=[^?]{0,120}\b(?:he|she|his|her|who)\b)",
        rf"\b(?:[Tt]hen it|it then|[Tt]hat|[Ii]t) goes (?:up |on |over |past )?(?:to )?(?={_TITLE}\b){_NAME}\b(?!'s)",
        # of a jam `Carly has to clear it` says nothing of an order
        rf"\b{_NAME}{_MUST} clear it\b",
        rf"\b(?:me|us) and {_NAME}\b",
        rf"\b(?:stops|ends|sits|is) with {_NAME}\b",
    )
)
"""A name that has a say where the talk is of deciding."""
_WHO_DECIDES = re.compile(
    r"\bwho(?:'s| is|'d| would|'ll|ever)?\b[^.?!]*\b(?:signs?|says? (?:yes|no|aye|so)|decid\w+|approv\w+|ink|okays?|"
    r"upstairs|(?:last|final) (?:word|say)|agrees?(?: it)?|releases?)\b",
    re.IGNORECASE,
)
_IT_IS = re.compile(
    rf"(?:^|[.,;] )(?:(?:[Ii]t|[Tt]hat)(?:'s|'d be|'ll be| is| would be)|[Uu]pstairs is) (?:still )?{_NAME}"
    r"(?=[.,;](?! they\b)|\s*$| who\b)"
)
"""The answer to who decides: `It's Mr. Landry.`"""
_NO_CAPITALS = re.compile(r"^[^A-Z]*$")
_TITLED = re.compile(r"\b(?:mr|mrs|ms|mister|missus|miss|dr)(?: (?:van|von|de|la|le))? [a-z]\w+")
_DECIDING = re.compile(
    r"\b(?:sign(?:s|ed)?|signature|approv\w+|decid\w+|decision|okays?|budget|books|the bank|money|owns?|majority|"
    r"half of|other half|boss|board|purchase order|PO|capital|contract|quotations?|three quotes|says? (?:yes|no)|"
    r"have a say|yes on|who else|it goes? (?:through|past)|who\b[^.?!]*\bgo(?:es)? through|release)\b",
    re.IGNORECASE,
)
_NOBODY = NO_NAMES | frozenset(
    """Legal Finance Procurement Purchasing Corporate Compliance Quality Engineering Operations Management
    Accounts Head Office Group Board Council Production Maintenance Sales Marketing Oh In On At By To For From
    With Them Him Cause Vendor Wi-Fi As Of Both Either Neither Anything Whoever Anyway Actually Sure Stores
    Safety Security The Before After Mondays Tuesdays Wednesdays Thursdays Fridays Plant Works Site Director Manager
    Owner Chairman President Vice Managing Chemist Accountant Controller Still
    Does Do Did Is Are Was Were Has Have Had Can Could Would Should Shall May Let""".split()
)
_BOARDS = re.compile(r"\b(?:the|these|those|some|any|new|our|your|road|warning) signs\b", re.IGNORECASE)
"""What hangs on a wall: `She did the signs. Beautiful signs.`"""
_TITLES = frozenset("Mr Mrs Ms Dr Miss Madam Monsieur Herr Frau Missus Mister".split())
_DECIDES = re.compile(
    r"\b(?:signs?|approves?|decides?|clears it|okay it|say yes|last word|final say|budget|purse|money|decision)\b"
)
"""What settles it, beside all that is only a say: to read it, to like it, to countersign."""
_PLACE = re.compile(r"(?:\b(?:in|at|near|around|outside|(?:came|moved|new|over|back) from|an?|the)|, from) $")
"""What stands before a place or a thing: of `Ada, in Leeds, she's the director` Leeds has no post. A yes may come `from
Ada`."""
_ON_THE_CALL = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:[Tt]his is|I'm|I am|[Mm]y name(?:'s| is)|[Ww]ith (?:me|us) (?:is|are)) {_NAME}\b(?!'s)"
        r"(?=[.,!?]|$| (?:and|here|with|from|on|speaking|of)\b)",
        rf"\b{_NAME}(?:'s| is)? (?:here |also )?(?:with (?:me|us)(?: here)?|speaking|joining us)\b",
    )
)
"""Somebody says who is on the call."""


def named_people(turns: Sequence[TurnRow], known: Iterable[str], *, firm: str = "") -> list[tuple[str, TurnRow]]:
    """Each person by the fullest name given and the buyer's turn that best shows their say; none of `known`.

    In the order named, but who signs or decides comes last, before them who has a post that does. `turns` are in order
    and may be of both sides: what a buyer answers is understood by what was asked. A name of the `firm` is somebody
    only with a title: `Mr. Holbeck` of Holbeck Lifts.
    """
    here = [*known, *_introduced(turns, known)]
    of_firm = {_bare(part) for part in firm.split()}
    none = {_bare(part) for part in (*_NOBODY, *(part for name in here for part in name.split()))} - _TITLES
    found: dict[str, tuple[str, TurnRow, bool]] = {}
    weights: dict[str, int] = defaultdict(int)
    asked = ""
    for turn in turns:
        if turn.side != "buyer":
            asked = turn.text
            continue
        for name, says, weight in _has_say(_with_titles(straight(turn.text)), asked):
            parts = name.split()
            while parts and parts[0] in _NOBODY:
                parts = parts[1:]
            if not parts or {_bare(part) for part in parts} & none or parts[-1] in _TITLES:
                continue
            if parts[0].rstrip(".") not in _TITLES and {_bare(part) for part in parts} & of_firm:
                continue
            name, first = " ".join(parts), parts[0]
            first = name if first.rstrip(".") in _TITLES else first
            known_as, where, said = found.get(first, (name, turn, says))
            better = says and not said
            found[first] = (max(known_as, name, key=len), turn if better else where, said or says)
            weights[first] = max(weights[first], weight)
    names = [name for name, _, _ in found.values()]
    ordered = sorted(found, key=lambda first: weights[first])
    return [(name, turn) for name, turn, _ in map(found.__getitem__, ordered) if not _said_fuller(name, names)]


def _said_fuller(name: str, names: Sequence[str]) -> bool:
    """Whether somebody is among the names with more of theirs: `Sprecher` of `Herr Sprecher`, he of `Max Sprecher`."""

    def fullness(one: str) -> tuple[int, int]:
        own = [part for part in one.split() if part.rstrip(".") not in _TITLES]
        return len(own), len(one.split())

    alike = [other for other in names if other.split()[-1] == name.split()[-1] and other != name]
    titled, short = name.split()[0].rstrip(".") in _TITLES, fullness(name)[0] == 1
    fuller = [other for other in alike if fullness(other) > fullness(name)]
    return short and len(fuller) == 1 and (not titled or fullness(fuller[0])[0] > 1)


def _introduced(turns: Sequence[TurnRow], known: Iterable[str]) -> list[str]:
    """Other names of people on the calls: `Nasreen with me, Miss Chaudhry`, `Nasreen Chaudhry`, `this is Rita Holm`.

    Who is listed by first name only, or as `Buyer`, has been met all the same.
    """
    first = "|".join(sorted({re.escape(name.split()[0]) for name in known if name.strip()}))
    called = rf"\b(?:{first})(?: (?:is )?(?:here )?with (?:me|us), (?={_TITLE}\b)| ){_NAME}\b(?!'s)"
    patterns = (*_ON_THE_CALL, *([re.compile(called)] if first else []))
    texts = [straight(turn.text) for turn in turns]
    return [hit.group("name") for text in texts for pattern in patterns for hit in pattern.finditer(text)]


def _with_titles(text: str) -> str:
    """A text that was written without capitals, with those of titles and the names behind them."""
    if not _NO_CAPITALS.match(text):
        return text
    return _TITLED.sub(lambda hit: hit.group().title(), text)


def _bare(word: str) -> str:
    """A word without accents: one person is `Pádraig` in the words and `Padraig` in the list of speakers."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _has_say(text: str, asked: str) -> list[tuple[str, bool, int]]:
    """Names with a say in the order said, whether it is a deed that shows it, not a post, and how much of a say."""
    deciding = bool(_DECIDING.search(text) or _DECIDING.search(asked))
    near = (*_HOLDS, *(_NEAR if deciding else ()), *((_IT_IS,) if _WHO_DECIDES.search(asked) else ()))
    hits = [
        (m.start("name"), m.group("name"), pattern in _SAID, _weight(pattern, m.group()))
        for pattern in (*_SAID, *near)
        for m in pattern.finditer(text)
    ]
    if _BOARDS.search(text):
        hits = [hit for hit in hits if not re.match(r" signs\s*[.,!]", text[hit[0] + len(hit[1]) :])]
    return [(name, says, weight) for start, name, says, weight in sorted(hits) if not _PLACE.search(text[:start])]


def _weight(pattern: re.Pattern[str], said: str) -> int:
    """2 for who settles it, 1 for a post that does and for the answer to who decides, 0 for any other say."""
    if pattern in _SAID:
        return 2 if _DECIDES.search(said) else 0
    # `quality countersigns, that's Adele` is a step on the way
    return int(not said.startswith((",", ";")) if pattern is _IT_IS else pattern in _HOLDS)
