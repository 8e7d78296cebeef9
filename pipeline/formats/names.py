"""Telling a speaker's name before a colon from a sentence that happens to have a colon in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Sequence

MAX_NAME = 60
_MAX_WORDS = 6
_FORBIDDEN = frozenset('?!;"<>{}=*`\\•')
_PARTICLES = frozenset("al and bin da de del della den der di do dos du el ibn la le of ten ter van von y zu".split())
_ROLES = frozenset(
    "agent buyer caller channel client customer guest host interviewer interviewee me moderator participant person "
    "prospect rep sales salesperson seller speaker spk unknown user voice you".split()
)
_NOT_NAMES = frozenset(
    "agenda answer attendees date duration end example file http https keywords kind language location meeting note "
    "notes participants ps question re recording reminder source start subject summary time tip title topic total "
    "transcript warning first second third finally next then now actually honestly basically anyway meaning because "
    "but and or so also plus well okay ok yes no yeah right sure look listen like thing things".split()
)
_WHEN = re.compile(
    r"\d:\d\d|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}\b",
    re.IGNORECASE,
)
"""A day or a time of day: `Tue, Oct 6, 2026 10:01AM` heads Otter's export and never speaks."""
_PHONE = re.compile(r"(?!\d{4}-\d\d-)\+?[\d*(][\d* ().-]{6,}")
"""Who dials in is named by the number, which Zoom masks: `+1 (415) ***-**34`."""
_REMARK = re.compile(r"\s*[(\[][^()\[\]]{1,40}[)\]]$")
"""`Dana Reyes (she/her)`: what people write behind their names."""
_NICKNAME = re.compile(r'(?<=\w )["“][^"“”]{1,20}["”] (?=\w)')
"""`Robert "Bob" Smith`."""
# What a transcript's own header lines say of the call; these are facts, never speakers.
HEADERS = {"title": "title", "subject": "title", "date": "date", "account": "account", "company": "account"}


def is_name(label: str) -> bool:
    """True for what tools write as a speaker: `Ana de la Cruz`, `Speaker 1`, `SPEAKER_00`, `rep`, `buyer:Dana`."""
    # debrief's own labels carry the side before the name.
    side, _, person = label.partition(":")
    ours = bool(person) and side in ("rep", "buyer")
    label = person if ours else label
    if _is_phone(label):
        return True
    label = _NICKNAME.sub("", _REMARK.sub("", label) or label)
    words = label.split()
    if not 0 < len(label) <= MAX_NAME or not 0 < len(words) <= _MAX_WORDS:
        return False
    if _WHEN.search(label):
        return False
    if _FORBIDDEN.intersection(label) or "//" in label or not any(char.isalpha() for char in label):
        return False
    if label.lower() in _NOT_NAMES or not (label[0].isalnum() or label[0] in "([<@"):
        return False
    return ours or len(words) == 1 or all(map(_name_word, words)) or _is_role(words)


def _is_phone(label: str) -> bool:
    digits = sum(char.isdigit() or char == "*" for char in label)
    return len(label) <= MAX_NAME and digits >= (7 if label[:1] == "+" else 10) and bool(_PHONE.fullmatch(label))


def _name_word(word: str) -> bool:
    bare = word.strip("()[].,'’-")
    # `iPhone` is a name's word, `phone` is not
    small = bare[:1].islower() and bare.islower()
    return not small or bare in _PARTICLES or "@" in bare or bare[1:2] in ("'", "’")


def _is_role(words: list[str]) -> bool:
    """`speaker 1`, `channel 0 speaker 2`, `unknown speaker`, `agent b`."""
    plain = [word.lower().strip("()#") for word in words]
    return plain[0] in _ROLES and all(w in _ROLES or len(w) == 1 or any(c.isdigit() for c in w) for w in plain[1:])


def heads(texts: Sequence[str]) -> frozenset[str]:
    """What stands before a colon more than once where nearly every text has such a head: people write their names as
    they like, `dana reyes` and `Meeting room 4 at Acme`."""
    split = [text.partition(": ") for text in texts]
    found = Counter(head for head, colon, _ in split if colon and len(head) <= MAX_NAME and "\n" not in head)
    names = frozenset(head for head, n in found.items() if n > 1 and head.lower() not in _NOT_NAMES)
    return names if found.total() >= 0.9 * len(texts) else frozenset()


def split_name(line: str, *, known: Container[str] = ()) -> tuple[str, str] | None:
    """`("Alice", "Hello.")` of `Alice: Hello.`; None where the line does not begin with a name and a colon.

    What is `known` is a name whatever it looks like.
    """
    head = line[: MAX_NAME + 4]
    at = -1
    for mark in (":", "："):
        found = head.find(mark)
        while found >= 0 and mark == ":" and found + 1 < len(line) and not line[found + 1].isspace():
            found = head.find(mark, found + 1)
        if found >= 0 and (at < 0 or found < at):
            at = found
    if at <= 0:
        return None
    label = line[:at].strip().removeprefix("- ").removeprefix(">> ").strip()
    # `[Ann]: Hi.`, as some write it; `[Ann] (Acme)` stays what it is
    label = label[1:-1].strip() if label[:1] == "[" and label.find("]") == len(label) - 1 else label
    return (label, line[at + 1 :].strip()) if label in known or is_name(label) else None
