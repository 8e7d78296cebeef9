"""Text as atoms: digits, letters and joints, however they are said, each with its place in the text.

`four two four two`, `4242`, `forty-two forty-two`, `double four`, `eight hundred` all become digits. Amounts, dates and
times (`$45,000`, `twenty thousand`, `10:30`, `2026-10-06`) are breaks: no card number contains them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.numerals import TENS, UNITS
from pipeline.wording import straight

Sort = Literal["figure", "spoken", "letter", "join", "word", "break"]

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\s]")
_WHOLE = re.compile(
    r"[$£€¥]\s?\d[\d,.]*|\b\d{1,3}(?:,\d{3}){1,2}(?![,\d])|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b"
    r"|\b\d{1,2}:\d{2}\b"
)
_DIGITS = UNITS | {"oh": 0, "o": 0, "nought": 0, "naught": 0, "nil": 0}
_SOUNDS_LIKE = {"to": 2, "too": 2, "for": 4, "won": 1, "ate": 8, "tree": 3, "fore": 4, "sex": 6, "nein": 9, "niner": 9}
_TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_JOINTS = frozenset(
    """um uh er erm ah and then okay ok so that's its it's it yeah yes yep right mm hmm mhm next is again dash hyphen
    space comma period point dot plus minus area code sorry sure uh-huh got the thats please go ahead followed by
    with""".split()
)
_MOST_JOINTS = 3
_AMOUNT = frozenset(
    """thousand million billion k percent per cent dollars dollar pounds pound euros euro bucks grand years year months
    month weeks week days day hours hour minutes minute seconds am pm o'clock people users seats reps drivers""".split()
)
_LISTS = frozenset((",", "and"))
_BREAKS = frozenset("$£€¥%:/=<>|\\")


@dataclass(frozen=True, slots=True)
class Atom:
    """`chars` (digits, or what was written) at `start`-`end` in the text.

    `figure` and `spoken` are digits; `letter` one letter on its own; `join` may stand inside a number; `break` never.
    """

    chars: str
    start: int
    end: int
    sort: Sort

    @property
    def number(self) -> bool:
        """Is it digits?"""
        return self.sort in ("figure", "spoken")


@dataclass(frozen=True, slots=True)
class Run:
    """Digits that belong together, `start`-`end` in the text.

    `singles` of them were said one by one; `dictated`: in figures, or enough of them one by one; `listed`: a list of
    counts in figures (`12, 15, 20 and 25`).
    """

    digits: str
    start: int
    end: int
    singles: int
    dictated: bool
    listed: bool


def atoms(text: str) -> list[Atom]:
    """The text's atoms in order; no two overlap."""
    whole = [match.span() for match in _WHOLE.finditer(text)]
    tokens = [match.span() for match in _TOKEN.finditer(text)]
    words = [straight(text[a:b].lower()) for a, b in tokens]
    out: list[Atom] = []
    index = 0
    while index < len(tokens):
        a, b = tokens[index]
        while whole and whole[0][1] <= a:
            whole.pop(0)
        if whole and whole[0][0] <= a:
            out.append(Atom(text[a:b], a, b, "break"))
            index += 1
            continue
        size, digits = _said(words, index, out)
        if size:
            out.append(Atom(digits, a, tokens[index + size - 1][1], "spoken"))
        else:
            size = 1
            out.append(_plain(text[a:b], words[index], a, b, after_number=bool(out) and out[-1].number))
        index += size
    return _without_amounts(out)


def _plain(token: str, word: str, a: int, b: int, *, after_number: bool) -> Atom:
    if word[0].isdigit():
        return Atom("".join(str(unicodedata.digit(char, 0)) for char in token), a, b, "figure")
    if word in _BREAKS or (word in _AMOUNT and (after_number or len(word) > 1)):
        return Atom(word, a, b, "break")
    if word in _JOINTS or not (word[0].isalpha() or word == "@"):
        return Atom(word, a, b, "join")
    return Atom(token, a, b, "letter" if len(token) == 1 else "word")


def _said(words: Sequence[str], index: int, before: Sequence[Atom]) -> tuple[int, str]:
    """(words used, digits) of the spoken digits that start here; (0, "") where none do."""
    word = words[index]
    after = words[index + 1] if index + 1 < len(words) else ""
    if word in _TIMES and (after in _DIGITS or (after.isdigit() and len(after) == 1)):
        return 2, str(_DIGITS.get(after, after)) * _TIMES[word]
    if word in TENS:
        gap = 1 if after == "-" else 0
        unit = words[index + 1 + gap] if index + 1 + gap < len(words) else ""
        if 0 < UNITS.get(unit, 99) < 10:
            return 2 + gap, str(TENS[word] + UNITS[unit])
        return 1, str(TENS[word])
    value = _DIGITS.get(word)
    if value is None and before and before[-1].sort == "spoken" and (after in _DIGITS or after in _SOUNDS_LIKE):
        value = _SOUNDS_LIKE.get(word)
    if value is None or (word == "o" and not (before and before[-1].number)):
        return 0, ""
    if after == "hundred" and 0 < value < 100:
        return 2, f"{value}00"
    if after == "thousand" and 0 < value < 10 and _run_before(before) >= 3:
        return 2, f"{value}000"
    return 1, str(value)


def _run_before(before: Sequence[Atom]) -> int:
    count = 0
    for atom in reversed(before):
        if not atom.number:
            break
        count += len(atom.chars)
    return count


def _without_amounts(found: list[Atom]) -> list[Atom]:
    """`twenty five thousand`, `40 seats`: the number before such a word is an amount, so it breaks too."""
    out = list(found)
    for index, atom in enumerate(found):
        if atom.sort == "break" and atom.chars in _AMOUNT and index and found[index - 1].number:
            before = found[index - 1]
            if len(before.chars) <= 3:
                out[index - 1] = Atom(before.chars, before.start, before.end, "break")
    return out


def digit_runs(found: Sequence[Atom]) -> Iterator[Run]:
    """Runs of digits with at most `_MOST_JOINTS` joints in a row between them.

    Between digits said one by one a single other word does not end the run: it may be one that was misheard.
    """
    first = last = -1
    pending = strange = 0
    for index, atom in enumerate(found):
        if atom.number:
            if first >= 0 and strange and not (found[last].sort == atom.sort == "spoken"):
                yield _run(found, first, last)
                first = -1
            first = index if first < 0 else first
            last, pending, strange = index, 0, 0
        elif first >= 0:
            pending += atom.sort != "join" or atom.chars.isalpha()
            strange += atom.sort in ("word", "letter")
            if atom.sort == "break" or pending > _MOST_JOINTS or strange > 1:
                yield _run(found, first, last)
                first, pending, strange = -1, 0, 0
    if first >= 0:
        yield _run(found, first, last)


def _run(found: Sequence[Atom], first: int, last: int) -> Run:
    members = [atom for atom in found[first : last + 1] if atom.number]
    figures = all(atom.sort == "figure" for atom in members)
    singles = sum(atom.sort == "spoken" and len(atom.chars) == 1 for atom in members)
    between = {atom.chars for atom in found[first : last + 1] if not atom.number}
    counts = figures and len(members) > 2 and all(len(atom.chars) < 4 for atom in members)
    return Run(
        digits="".join(atom.chars for atom in members),
        start=found[first].start,
        end=found[last].end,
        singles=singles,
        dictated=figures or singles >= 4,
        listed=counts and max(len(atom.chars) for atom in members) > 1 and bool(between) and between <= _LISTS,
    )
