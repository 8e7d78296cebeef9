"""The sentences of a turn, also where a recogniser wrote no full stops: such speech is cut where a new clause begins.

English. What is cut are pieces of the text as it stands, so that a quote of one is what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

PO = r"(?:P\.? ?O(?! box\b)|purchase order)"
"""A purchase order as transcripts write it: `PO`, `P.O.`, `p o`."""
_SENTENCE = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|St)\.|\bP\. ?O\.(?=\s+[a-z])|(?<=\d)\.(?=\d)|[^.?!])+[.?!]*")
UNSTOPPED_WORDS = 14
"""A sentence of more words, without a stop of its own and without a capital letter, was written without stops."""
_STOPPED = re.compile(r"[.?!]|\b[A-Z](?!\b)")
_SUBJECT = (
    r"(?:i|il|ill|im|id|ive|we|weve|wed|you|youll|youve|he|hes|hell|she|shes|they|theyll|theyre|it|its|itll|that|thats|"
    r"thatll|there|theres|this|the|my|our|your)"
)
_ASKING = r"(?:can|could|will|would|shall|may|do|does|did|is|are)\s+(?:i|we|you|he|she|they|it|that)"
_WORDS_BETWEEN = r"(?:and|so|but|then|or|cos|cause|because|if|when|okay|ok|right|perfect|brilliant|yes|yeah|no)"
_NEW_CLAUSE = re.compile(
    rf"(?<=\s)(?:{_WORDS_BETWEEN}\s+)+(?={_SUBJECT}\b|{_ASKING}\b)|"
    rf"(?<=\s)(?={_ASKING}\b|(?:ill?|i will|i shall|im gonna|im going to|let me|youll|itll|thatll|"
    rf"(?<!can )(?<!could )(?<!shall )(?<!may )(?<!will )(?<!would )(?<!should )(?<!if )i (?:send|bring|call|ring|"
    rf"write|prepare|book|come|make))\b)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(rf"(?:{_WORDS_BETWEEN}\s*)+", re.IGNORECASE)
_IF = re.compile(rf"^(?:{_WORDS_BETWEEN}\s+)*if\b", re.IGNORECASE)
HANGS_ON_IT = 2
"""Clauses that stay with an `if`: where it ends is not written either."""
_QUESTION = re.compile(
    rf"^(?:{_WORDS_BETWEEN}\s+)*(?:{_ASKING}|what|whats|when|whens|where|wheres|who|whos|how|hows|why|which|shall)\b",
    re.IGNORECASE,
)
_STATED_WORDS = 5
"""`Fair enough.` and `That makes sense.` state nothing."""


def sentences(text: str) -> Iterable[tuple[str, bool]]:
    """Each sentence of a text, and whether it asks."""
    for match in _SENTENCE.finditer(text):
        sentence = match.group(0).strip()
        if sentence:
            yield sentence, sentence.endswith("?")


def states_something(text: str) -> bool:
    """Whether a text has a sentence of some length that is no question: a recommendation, an answer."""
    return any(len(said.split()) >= _STATED_WORDS for said, asks in sentences(text) if not asks)


@lru_cache(maxsize=20_000)
def clauses(text: str) -> tuple[tuple[str, bool], ...]:
    """Each sentence of a text and whether it asks; of speech written without stops, each clause."""
    return tuple(part for sentence, asks in sentences(text) for part in _cut(sentence, asks))


def _cut(sentence: str, asks: bool) -> Iterable[tuple[str, bool]]:
    if asks or len(sentence.split()) <= UNSTOPPED_WORDS or _STOPPED.search(sentence):
        yield sentence, asks
        return
    starts = [0, *(match.start() for match in _NEW_CLAUSE.finditer(sentence) if match.start())]
    pieces: list[str] = []
    for start, end in zip(starts, [*starts[1:], len(sentence)], strict=True):
        piece = sentence[start:end].strip()
        if pieces and _BETWEEN.fullmatch(pieces[-1]):
            piece = f"{pieces.pop()} {piece}"
        pieces.append(piece)
    place = 0
    while place < len(pieces):
        taken = 1 + HANGS_ON_IT if _IF.match(pieces[place]) else 1
        piece = " ".join(pieces[place : place + taken])
        place += taken
        if piece:
            yield piece, bool(_QUESTION.match(piece))
