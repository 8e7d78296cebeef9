"""E-mail addresses in text, written (`jane@acme.com`) and said (`jane dot doe at acme dot com`, `j a n e at ...`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.numerals import TENS, UNITS

_WRITTEN = re.compile(r"[\w.+%'’-]{1,64}@[\w-]+(?:\.[\w-]+)*")
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\s]")
_ENDINGS = frozenset(
    """com net org io co uk de edu gov mil ai us ca eu biz info me app dev in fr nl es it ch at be se no dk fi pl ie au
    nz br mx jp cn kr za ru tv xyz tech cloud online shop store pro group solutions global""".split()
)
_DOTS = frozenset((".", "dot"))
_JOINTS = _DOTS | frozenset(("underscore", "_", "dash", "hyphen", "-", "plus", "+", "minus", "score", "under"))
_ANCHORS = frozenset("email e-mail mail emails gmail address addresses inbox".split())
_AFTER_ANCHOR = frozenset("is it it's its that's that would be address me us to my and at the so".split())
_SITES = frozenset(
    """look looking looked site website page us online available is are find found go check over it everything details
    more up work working works me and or here there sign signed we he she they people someone anyone team
    office""".split()
)
_LOOK_BACK, _LOOK_ON, _LABEL = 14, 16, 4


def email_spans(text: str) -> Iterator[tuple[int, int]]:
    """Places (start, end) of e-mail addresses; they may overlap."""
    yield from (match.span() for match in _WRITTEN.finditer(text))
    # A full stop with a blank behind it ends a sentence; only one inside a word can be part of an address.
    tokens = [
        (match.start(), match.end(), "stop" if match[0] == "." and _ends(text, match.end()) else match[0].lower())
        for match in _TOKEN.finditer(text)
    ]
    words = [token[2] for token in tokens]
    for index, word in enumerate(words):
        if word in ("at", "@") and 0 < index < len(words) - 1:
            last = _domain(words, index + 1, any_word=_told(words, index))
            first = _local(words, index) if last else None
            if last is not None and first is not None:
                yield tokens[first][0], tokens[last][1]


def _ends(text: str, at: int) -> bool:
    return at >= len(text) or not text[at].isalnum()


def _told(words: Sequence[str], at: int) -> bool:
    """Does what stands before the `at` tell that it is an address's: a name with a `dot` in it, or the word for one?"""
    named = words[max(0, at - 2)] in (*_DOTS, "underscore", "_") and not _is_sign(words[at - 1])
    return named or any(word in _ANCHORS for word in words[max(0, at - _LOOK_BACK) : at])


def _domain(words: Sequence[str], index: int, *, any_word: bool) -> int | None:
    """Index of the last token of the domain that starts here; None where none does."""
    found, since_dot, dotted = None, 0, False
    at = index
    while at < min(len(words), index + _LOOK_ON):
        word = words[at]
        if word == "stop":
            return found
        if word in _DOTS:
            if not since_dot:
                return found
            dotted, since_dot = True, 0
        elif word in ("at", "@"):
            return found
        elif word[0].isalnum() or word in ("-", "dash", "hyphen"):
            size = _ending(words, at, any_word=any_word) if dotted and not since_dot else 0
            if size:
                found, at = at + size - 1, at + size - 1
            since_dot += 1
            if since_dot > _LABEL and len(word) > 1:
                return found
            if found is not None and at > found:
                return found
        elif found is not None or word != ",":
            return found
        at += 1
    return found


def _ending(words: Sequence[str], at: int, *, any_word: bool) -> int:
    """Tokens of the top-level domain here, also spelled (`c o m`); 0 where there is none. `any_word`: there are over a
    thousand (`dot health`), so that any word is taken for one."""
    word = words[at]
    if len(word) == 1:
        return next((n for n in (3, 2) if "".join(words[at : at + n]) in _ENDINGS), 0)
    return int(word in _ENDINGS or (any_word and word.isalpha()))


def _local(words: Sequence[str], at: int) -> int | None:
    """Index of the first token of what stands before the `at`; None where that is a web site's mention."""
    first = at - 1
    if not words[first][0].isalnum():
        return None
    while first > 0:
        before = words[first - 1]
        if before in _JOINTS and first > 1 and words[first - 2][0].isalnum():
            first -= 2
        elif _is_sign(before) and (_is_sign(words[first]) or (len(before) == 1 and before not in "ai")):
            first -= 1
        else:
            break
    anchor = next((i for i in range(at - 1, max(-1, at - _LOOK_BACK), -1) if words[i] in _ANCHORS), None)
    if anchor is not None and anchor < first:
        start = anchor + 1
        while start < first and (words[start] in _AFTER_ANCHOR or not words[start].isalnum()):
            start += 1
        return min(first, start)
    return None if first == at - 1 and words[first] in _SITES else first


def _is_sign(word: str) -> bool:
    """One letter, or digits, or a number word."""
    return (len(word) == 1 and word.isalnum()) or word.isdigit() or word in UNITS or word in TENS
