"""Private details in one text: where card, bank and social security numbers, e-mails and phones stand.

Numbers are checked by python-stdnum, phones by phonenumbers; what names a number stands before it, seldom behind. A
long string of digits that nothing names is private all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.addresses import email_spans
from pipeline.numerals import UNITS
from pipeline.settings_check import REDACTED
from pipeline.spoken import Atom, Run, atoms, digit_runs

KINDS = REDACTED
"""`number` is a long string of digits that is none of the others for certain."""
ALL = frozenset(KINDS)

_DONE = re.compile(r"\[(" + "|".join(KINDS) + r")\]")
_NUMBER = re.compile(
    r"\d+|\b(?:zero|oh?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh"
    r"|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|nought|naught|nil|double|triple"
    r"|treble|quadruple)\b",
    re.I,
)
_NAMED = re.compile(
    r"@|\[|\b(?:cvv|cvc|cv2|security code|on the back|back of|social|ssn|card|account number|routing number|sort code"
    r"|pin|last four|dot|at (?=[^\n]{0,60}[a-z]\.[a-z]))\b",
    re.I,
)
_FEWEST, _NEAR_CHARS = 7, 30
_HINT_CHARS = 120
"""A number or address lies within so many characters of a hint; only there a text is read closely."""
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{1,4}){3,8}\b")
_IBAN_START = re.compile(r"[A-Z]{1,2}$|[A-Z]{2}\d{1,2}$")
_ABOUT: dict[str, re.Pattern[str]] = {
    "ssn": re.compile(r"\bsocial\b|\bs\.?s\.?n\b|\btax(?:payer)? (?:id|number)", re.I),
    "card": re.compile(r"\b(?:card|visa|master ?card|amex|american express|credit|debit|cvv|cvc)\b", re.I),
    "bank": re.compile(r"\b(?:bank|routing|account|sort code|iban|aba|checking|savings|wire)\b", re.I),
    "phone": re.compile(
        r"\b(?:phone|cell|mobile|telephone|landline|call (?:me|us|him|her|you|back)|reach|text me|dial|extension|fax"
        r"|direct line|best number)\b",
        re.I,
    ),
}
"""What names a long run of digits."""
_STRICT: dict[str, re.Pattern[str]] = {
    "card": re.compile(
        r"\b(?:cvv|cvc|cv2|security code|digits on the back|back of (?:the|your|my) card|card (?:number|ending)"
        r"|last four (?:digits|of|on))\b",
        re.I,
    ),
    "ssn": re.compile(r"\b(?:social(?: security)?|ssn)\b", re.I),
    "bank": re.compile(r"\b(?:account number|routing number|sort code|pin (?:number|code)|(?:my|your) pin)\b", re.I),
}
"""What makes even a few digits private."""
_PHONE_NEAR = {"phone": re.compile(r"\b(?:phone|cell|mobile|call me|my number|your number|text me|dial)\b", re.I)}
_ACCOUNT = re.compile(
    r"\b(?:bank|account|checking|savings)(?:[\s:#.]|\b(?:account|number|no|details|is|are|it's|ending|in|with)\b)*$",
    re.I,
)
"""What stands right before an account's seven or eight digits."""
_SLASHED = re.compile(
    r"(?<![\w/])(?!0[1-9]/(?:0?[1-9]|[12]\d|3[01])(?!\d))"
    r"(?:\+\d{1,3}[ .-]?(?:\(0\))?[ .-]?\d{1,5}|\(?0\d{1,4}\)?) ?/ ?(?!(?:19|20)\d\d\b)"
    r"\d(?:[ .-]?\d){4,9}(?![\d/])|(?<![\w/])\d{3}/\d{3}/\d{4}(?![\d/])"
)
"""A phone as it is written where the area's number is set apart by a stroke: `089/123456`, `+49 89/12 34 56`;
not a day with a year, a time or a count behind it: `06/14 1030`."""
_EXPIRY = re.compile(
    r"\b(?:exp(?:ir\w+|\.)?|valid)\b(?: date| until| thru| through| is|[ :,])*\d{1,2} ?/ ?\d{2,4}", re.I
)
_EXPIRES = re.compile(r"\bexp(?:ir\w+)?\b", re.I)
_YEARS = re.compile(r"(?:(?:19|20)\d\d)+")
_BEFORE_CHARS, _AFTER_CHARS, _CARD_CHARS = 80, 40, 200


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text, and which kind they are."""

    start: int
    end: int
    kind: str


def private_spans(text: str) -> Iterable[Span]:
    """Every private detail; places may overlap."""
    for start, end in _close_readings(text):
        for span in _spans_close(text[start:end]):
            yield Span(span.start + start, span.end + start, span.kind)


def _close_readings(text: str) -> Iterable[tuple[int, int]]:
    """Parts of a text (start, end) that may hold something; cut at blanks."""
    start = end = -1
    for first, last in sorted(_hints(text)):
        if end < 0 or first - _HINT_CHARS > end:
            if end >= 0:
                yield start, end
            start = max(end, text.rfind(" ", 0, max(0, first - _HINT_CHARS)) + 1)
        stop = text.find(" ", last + _HINT_CHARS)
        end = max(end, len(text) if stop < 0 else stop)
    if end >= 0:
        yield start, end


def _hints(text: str) -> Iterable[tuple[int, int]]:
    """Where numbers stand close enough to make seven digits, and words and signs that name what is private."""
    yield from (match.span() for match in _NAMED.finditer(text))
    first = last = -1
    digits = 0
    for match in _NUMBER.finditer(text):
        if last < 0 or match.start() - last > _NEAR_CHARS:
            if digits >= _FEWEST:
                yield first, last
            first, digits = match.start(), 0
        word = match[0]
        digits += len(word) if word[0].isdigit() else 1 if UNITS.get(word.lower(), 99) < 10 else 3
        last = match.end()
    if digits >= _FEWEST:
        yield first, last


def _spans_close(text: str) -> Iterable[Span]:
    yield from (Span(m.start(), m.end(), m[1]) for m in _DONE.finditer(text))
    yield from (Span(a, b, "email") for a, b in email_spans(text))
    yield from (Span(m.start(), m.end(), "phone") for m in _SLASHED.finditer(text))
    found = atoms(text)
    yield from _ibans(text, found)
    cards = []
    for run in digit_runs(found):
        kind = _kind(run, text)
        if kind:
            start = run.start - 1 if text.endswith(("+", "("), 0, run.start) else run.start
            yield Span(start, run.end, kind)
        if kind == "card":
            cards.append(run)
    for match in _EXPIRY.finditer(text) if cards else ():
        if any(match.start() - _CARD_CHARS < run.end and run.start < match.end() + _CARD_CHARS for run in cards):
            yield Span(match.start(), match.end(), "card")


def _ibans(text: str, found: Sequence[Atom]) -> Iterable[Span]:
    from stdnum import iban

    yield from (Span(m.start(), m.end(), "bank") for m in _IBAN.finditer(text) if iban.is_valid(m[0]))
    index = 0
    while index < len(found) - 1:
        first, second = found[index], found[index + 1]
        spelled = first.sort == second.sort == "letter"
        if not (spelled or (first.sort == "word" and second.number and len(first.chars) == 2)):
            index += 1
            continue
        end, chars = _spelled(found, index)
        if len(chars) >= 15:
            named = _ABOUT["bank"].search(text[max(0, found[index].start - _BEFORE_CHARS) : found[index].start])
            if named or any(iban.is_valid(chars[:size]) for size in range(15, len(chars) + 1)):
                yield Span(found[index].start, found[end].end, "bank")
                index = end
        index += 1


def _spelled(found: Sequence[Atom], index: int) -> tuple[int, str]:
    """Letters and digits spelled out from here, up to 34: (index of the last atom, characters)."""
    chars, last, joints = "", index, 0
    for at in range(index, len(found)):
        atom = found[at]
        if (
            atom.number
            or atom.sort == "letter"
            or (atom.sort == "word" and atom.chars.isupper() and len(atom.chars) < 5)
        ):
            chars, last, joints = chars + atom.chars.upper(), at, 0
        else:
            joints += 1
            if atom.sort != "join" or joints > 3:
                break
        if len(chars) >= 34 or not _IBAN_START.match(chars[:4]):
            break
    return last, chars


def _kind(run: Run, text: str) -> str | None:
    """What a run of digits is; None for a count, a year, an order of a few digits."""
    size = len(run.digits)
    if size < 3:
        return None
    before = text[max(0, run.start - _BEFORE_CHARS) : run.start]
    after = text[run.end : run.end + _AFTER_CHARS]
    if size >= 13 and _has_card(run.digits):
        return "card"
    strict = _named(before, _STRICT)
    if strict or size < 7:
        expires = size <= 6 and _EXPIRES.search(before[-40:]) and _ABOUT["card"].search(before + after)
        return strict or ("card" if expires else None)
    if run.listed or _YEARS.fullmatch(run.digits):
        return None
    if size < 9:
        bank = "bank" if _ACCOUNT.search(before) else None
        return bank or _named(before, _PHONE_NEAR) or _local_phone(run, text)
    named = _named(before, _ABOUT) or _named(after, _ABOUT)
    if run.dictated or (named and (size >= 13 or run.singles > 1)):
        return named or _by_shape(run, text)
    return None


def _named(words: str, kinds: dict[str, re.Pattern[str]]) -> str | None:
    """The kind that is named last in `words`."""
    last = {kind: max((match.end() for match in found.finditer(words)), default=-1) for kind, found in kinds.items()}
    kind = max(last, key=lambda kind: last[kind])
    return kind if last[kind] >= 0 else None


def _has_card(digits: str) -> bool:
    from stdnum import luhn

    sizes = range(13, min(19, len(digits)) + 1)
    return any(
        digits[at] in "23456" and luhn.is_valid(digits[at : at + size])
        for size in sizes
        for at in range(min(len(digits), 64) - size + 1)
    )


def _by_shape(run: Run, text: str) -> str:
    """Nine digits or more that nothing around them names."""
    import phonenumbers
    from stdnum.us import rtn, ssn

    written = text[run.start : run.end]
    if re.fullmatch(r"\d{3}[ -]\d{2}[ -]\d{4}", written) and ssn.is_valid(run.digits):
        return "ssn"
    if len(run.digits) == 9 and rtn.is_valid(run.digits):
        return "bank"
    plus = "+" if text.endswith("+", 0, run.start) else ""
    for region in ("US", "GB"):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(plus + run.digits, region)):
                return "phone"
        except phonenumbers.NumberParseException:
            continue
    return "number"


def _local_phone(run: Run, text: str) -> str | None:
    """Seven or eight digits: a phone where they are written as one or said digit by digit."""
    written = text[run.start : run.end]
    if re.fullmatch(r"\d{3}[ .-]\d{4}", written) or text.endswith("+", 0, run.start):
        return "phone"
    return "phone" if run.singles >= len(run.digits) - 1 else None
