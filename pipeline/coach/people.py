"""People whom buyers name as having a say and who are on no call: who signs, approves, looks at it first.

Rules in English over a buyer's turn: a name that signs or decides, or one with its post or kinship. In text without
capitals nobody is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.coach.rows import TurnRow

_NAME = r"(?P<name>(?:(?:Mr|Mrs|Ms|Dr)\.? )?[A-Z][a-z]+(?:[- ](?:Mc|O')?[A-Z][a-z]+)?)"
_POST = r"""(?:CFO|CEO|COO|CIO|CTO|MD|FD|boss|(?:\w+ )?manager|(?:\w+ )?director|owner|controller|legal|lawyer|
    solicitor|(?:head|VP|vice president) of \w+|accountant|chair(?:man|woman)?|president|plant manager|
    finance (?:man|lady|person))""".replace("\n    ", "")
_KIN = r"(?:partner|wife|husband|brother|sister|father|mother|son|daughter)"
_SAY = r"(?:sign|approve|decide|agree to it|okay it|clear it|have the last word|have the final say)"
_SAYS = r"""(?:signs|approves|decides|clears it|holds the (?:budget|purse)|has the (?:last word|final say|budget)|
    does the books)""".replace("\n    ", "")
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_NAME}(?:'ll| will| would| must|(?: also)? has to| needs to| would have to|'d have to) {_SAY}\b",
        rf"\b{_NAME} (?:{_SAYS}|(?:runs|heads) (?:that|it|the \w+))\b",
        rf"\b[Ii]f {_NAME} (?:signs|says (?:yes|no)|clears it|agrees|approves|likes it)\b",
        rf"\b{_NAME},? (?:who's |that's |he's |she's |is )?(?:our|my|the) {_POST}\b",
        rf"\b(?:[Mm]y|[Oo]ur|[Tt]he) (?:{_POST}|{_KIN}),?(?: is|'s called| called)? {_NAME}\b",
        rf"\b(?:run|take|put|get) (?:it|this|that|your \w+|the \w+)(?: \w+)? (?:by|past|in front of) {_NAME}\b",
    )
)
_NOBODY = frozenset(
    """I He She They It We You There That This These Those And But So My Our Your Who What When Where Why How Well Now
    Yes No Yeah Okay Right Because If Not One Two Everybody Somebody Someone Nobody Anyone Everyone Only Then Maybe
    Also Just Legal Finance Procurement Purchasing Corporate Compliance Quality Engineering Operations Management
    Accounts Head Office Group Board Council Production Maintenance Sales Marketing Monday Tuesday Wednesday Thursday
    Friday Saturday Sunday Oh In On At By To For From With Them Him Her Cause Vendor Wi-Fi As Of
    January February March April May June July August September October November December
    Christmas Easter God Both Either Neither Anything Whoever""".split()
)
_TITLES = frozenset(("Mr", "Mrs", "Ms", "Dr", "Miss", "Madam", "Monsieur", "Herr", "Frau"))


def named_people(turns: Sequence[TurnRow], known: Iterable[str]) -> list[tuple[str, TurnRow]]:
    """Each person by the fullest name given and the first buyer's turn that gives them a say; none of `known`."""
    none = _NOBODY | {part for name in known for part in name.split()}
    found: dict[str, tuple[str, TurnRow]] = {}
    for turn in turns:
        if turn.side != "buyer":
            continue
        text = turn.text.replace("\u2019", "'")
        hits = sorted((m.start("name"), m.group("name")) for pattern in _PATTERNS for m in pattern.finditer(text))
        for _, name in hits:
            first = name.split()[0]
            if set(name.split()) & none or name in _TITLES:
                continue
            first = name if first.rstrip(".") in _TITLES else first
            known_as, where = found.get(first, (name, turn))
            found[first] = (max(known_as, name, key=len), where)
    return list(found.values())
