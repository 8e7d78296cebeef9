"""What in a sentence is about meeting or speaking on a day, and who is to be there.

Rules over the words, in English, one sentence at a time, beside those of `promises.py`.
"""

from __future__ import annotations

import re

from pipeline.wording import straight

_MEET = re.compile(
    r"\b(?:meet|sit down|speak|talk|call|ring|visit|"
    r"come (?:out|over|down|back|up|to you|by|past|with|sit|set|and (?:see|look)|on (?:mon|tues|wednes|thurs|"
    r"fri)day)|go through|see you|"
    r"demo|session|"
    r"start(?:ing)?|invite|diary|calendar|review|workshop|trial|pencil|make it|shall we say|how about|"
    r"does(?! (?:that|this|it) mean\b)|"
    r"o'clock|half past|"
    r"on site|minutes|half an hour|reserve|site walk|same time|hear each other|catch up|touch base|connect|"
    r"(?:could|can|shall|may) (?:we|I) (?:do|put|start|make))\b",
    re.IGNORECASE,
)
_IN_PERSON = re.compile(
    r"\b(?:I|we)(?:'ll| will| can|'m going to| am going to|'d)?(?: (?:just|then|also|gladly|probably|both|all))? "
    r"(?:come\b(?! (?:back|to (?:that|it|this)|up with|in at|off|through)\b)|visit\b|see you\b|"
    r"(?:pop|drop|swing|stop|drive|fly|head) (?:by|in|into|over|round|out|up|down|across)\b(?! [A-Z]\w+ in\b)|"
    r"meet (?:you|him|her|them|with|at)\b|sit down with\b|be (?:there|over|with you|down|round|on site)\b)",
    re.IGNORECASE,
)
"""Not `come back to you`, which is an answer, nor `come up with a figure`."""
_CALL_ME = re.compile(
    r"\b(?:call|ring|phone|try|ping|text) (?:me|us)\b(?! (?:the|your|an?|it|that|those|what|which)\b)|"
    r"\bgive (?:me|us) an? (?:ring|call|shout|bell)\b",
    re.IGNORECASE,
)
"""Not `text me the number`, which asks for that."""
_OTHERS = re.compile(r"^(?:and |but |so |well,? )?(?:they|he|she|it)\b", re.IGNORECASE)


def to_meet(sentence: str) -> bool:
    """Whether a sentence with a day may be about meeting on it."""
    return bool(_MEET.search(straight(sentence)))


def comes_in_person(sentence: str) -> bool:
    """Whether what is promised is to be there (`I'll come by`), which no recorded call has to show."""
    return bool(_IN_PERSON.search(straight(sentence)))


def asks_to_be_called(words: str) -> bool:
    """`Call me on Monday (and I'll tell you)`: the other is to call, and both speak then."""
    return bool(_CALL_ME.search(straight(words)))


def is_others(sentence: str) -> bool:
    """Whether a sentence is about people who are not on the call (`they come on Monday`)."""
    return bool(_OTHERS.match(sentence))
