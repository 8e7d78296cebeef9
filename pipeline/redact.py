"""What must not leave: card, bank and social security numbers, e-mails and phones, in text and in seconds of audio.

Numbers are found as people write them and as they say them (`four two four two`, `jane dot doe at acme dot com`), also
when they are dictated over several turns. Where it is unclear what a long string of digits is, it is taken out; where
it is unclear which seconds it was said in, the whole turn is silenced. Numbers are checked by python-stdnum, phones
by phonenumbers. What cannot be found is what was not heard as digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.addresses import email_spans
from pipeline.errors import SettingsError
from pipeline.numerals import UNITS
from pipeline.spoken import Atom, Run, atoms, digit_runs
from pipeline.types import Turn, Word

KINDS = ("card", "bank", "ssn", "email", "phone", "number")
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
_EXPIRY = re.compile(
    r"\b(?:exp(?:ir\w+|\.)?|valid)\b(?: date| until| thru| through| is|[ :,])*\d{1,2} ?/ ?\d{2,4}", re.I
)
_EXPIRES = re.compile(r"\bexp(?:ir\w+)?\b", re.I)
_YEARS = re.compile(r"(?:(?:19|20)\d\d)+")
_BEFORE_CHARS, _AFTER_CHARS, _CARD_CHARS = 80, 40, 200
_NEIGHBOURS = 6
"""Turns of one speaker further apart than this do not continue a number."""

PAD_S = 0.3
COARSE_PAD_S = 1.0
"""Around a turn whose words have no times: vendors round to whole seconds."""
UNHEARD_S = 2.0
"""Longer stretches that no turn covers are silenced: nobody knows what was said there."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters `start` to `end` (exclusive) of a text, and which kind they are."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` with each of `spans` (places in the original, in order, not overlapping) replaced by `[kind]`."""

    text: str
    spans: tuple[Span, ...]
    original: str

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that were found."""
        return frozenset(span.kind for span in self.spans)

    def piece(self, start: int, end: int) -> str:
        """Characters `start` to `end` of the original with what must not leave replaced, also where it is cut."""
        cut = [
            Span(max(s.start, start), min(s.end, end), s.kind) for s in self.spans if s.start < end and s.end > start
        ]
        return _replaced(self.original, cut, start, end)


def chosen_kinds(words: str) -> frozenset[str]:
    """The kinds that the setting `redact` names: `all`, `none`, or some of `KINDS`. Raises `SettingsError`."""
    names = {name.strip().lower() for name in words.split(",") if name.strip()}
    if names in ({"all"}, {"none"}):
        return ALL if names == {"all"} else frozenset()
    if not names or names - ALL:
        raise SettingsError(f"redact: '{words}' is not known; all, none, or some of {', '.join(KINDS)}")
    return frozenset(names)


def redact_text(text: str, *, kinds: Collection[str] = ALL) -> Redacted:
    """A text without the kinds of things asked for (all of `KINDS` unless told)."""
    spans = _merged(span for span in _spans(text) if span.kind in kinds)
    return Redacted(_replaced(text, spans, 0, len(text)), tuple(spans), text)


def redact_turns(turns: Sequence[Turn], *, kinds: Collection[str] = ALL) -> tuple[Redacted, ...]:
    """Each turn's text without the kinds asked for, numbers that run over several turns included."""
    found: list[list[Span]] = [[] for _ in turns]
    for stream in _streams(turns):
        text, places = _joined(turns, stream)
        for span in _spans(text):
            if span.kind in kinds:
                for index, offset in places:
                    start, end = max(span.start - offset, 0), min(span.end - offset, len(turns[index].text))
                    if start < end:
                        found[index].append(Span(start, end, span.kind))
    out = []
    for turn, spans in zip(turns, found, strict=True):
        merged = _merged(spans)
        out.append(Redacted(_replaced(turn.text, merged, 0, len(turn.text)), tuple(merged), turn.text))
    return tuple(out)


def without_private(turns: Sequence[Turn], *, kinds: Collection[str] = ALL) -> tuple[Turn, ...]:
    """Turns as they are kept where `redact_kept` is set: `[kind]` in text and words, at the seconds that it took.

    A turn whose words cannot be matched to its text loses their times, so `silences` silences it whole.
    """
    made = []
    for turn, redacted in zip(turns, redact_turns(turns, kinds=kinds), strict=True):
        places = _word_places(turn) if turn.words else None
        hidden = redact_text(_words_text(turn), kinds=kinds).spans if turn.words else ()
        if not redacted.spans and not hidden:
            made.append(turn)
        elif places is None or (hidden and not redacted.spans):
            made.append(replace(turn, text=redacted.text, words=()))
        else:
            made.append(replace(turn, text=redacted.text, words=tuple(_kept_words(turn, redacted, places))))
    return tuple(made)


def _kept_words(turn: Turn, redacted: Redacted, places: Sequence[tuple[int, int]]) -> Iterable[Word]:
    last: Span | None = None
    for word, (start, end) in zip(turn.words, places, strict=True):
        span = next((span for span in redacted.spans if start < span.end and end > span.start), None)
        if span is None:
            yield word
        elif span != last:
            inside = [w for w, (a, b) in zip(turn.words, places, strict=True) if a < span.end and b > span.start]
            yield Word(word.t0, max(w.t1 for w in inside), redacted.piece(start, max(end, span.end)))
        last = span


def silences(
    turns: Sequence[Turn], *, t0: float, t1: float, kinds: Collection[str] = ALL
) -> tuple[tuple[float, float], ...]:
    """Seconds between `t0` and `t1` that must be silent, in order and apart; of all of a call's turns.

    Fail-closed: a turn whose words have no usable times is silenced whole, a window in which times are missing
    altogether is silenced whole, and so is a stretch of more than `UNHEARD_S` that no turn covers.
    """
    if t1 <= t0:
        return ()
    spoken = [turn for turn in turns if turn.text.strip()]
    if not spoken or any(turn.t1 <= turn.t0 for turn in spoken):
        timeless = [r for r, turn in zip(redact_turns(spoken, kinds=kinds), spoken, strict=True) if turn.t1 <= turn.t0]
        if not spoken or any(r.spans for r in timeless):
            return ((t0, t1),)
    found = list(_unheard(spoken, t0, t1))
    for turn, redacted in zip(spoken, redact_turns(spoken, kinds=kinds), strict=True):
        found.extend(_seconds_of(turn, redacted, kinds))
    clipped = sorted((max(a, t0), min(b, t1)) for a, b in found if a < t1 and b > t0)
    joined: list[tuple[float, float]] = []
    for a, b in clipped:
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return tuple(joined)


def _unheard(turns: Sequence[Turn], t0: float, t1: float) -> Iterable[tuple[float, float]]:
    heard = t0
    for turn in sorted(turns, key=lambda turn: turn.t0):
        if turn.t0 - heard > UNHEARD_S:
            yield heard, turn.t0
        heard = max(heard, turn.t1)
    if t1 - heard > UNHEARD_S:
        yield heard, t1


def _seconds_of(turn: Turn, redacted: Redacted, kinds: Collection[str]) -> Iterable[tuple[float, float]]:
    """Where in the recording a turn's spans were said; the whole turn where its words do not tell."""
    places = _word_places(turn)
    if places is None:
        if redacted.spans or redact_text(_words_text(turn), kinds=kinds).spans:
            yield turn.t0 - COARSE_PAD_S, turn.t1 + COARSE_PAD_S
        return
    spans = [*redacted.spans, *_spans_by_words(turn, places, kinds)]
    for span in spans:
        inside = [i for i, (a, b) in enumerate(places) if a < span.end and b > span.start]
        if not inside:
            yield turn.t0 - COARSE_PAD_S, turn.t1 + COARSE_PAD_S
            continue
        first, last = turn.words[inside[0]], turn.words[inside[-1]]
        before = turn.words[inside[0] - 1].t1 if inside[0] else turn.t0
        after = turn.words[inside[-1] + 1].t0 if inside[-1] + 1 < len(turn.words) else turn.t1
        yield min(before, first.t0 - PAD_S), max(after, last.t1 + PAD_S)


def _words_text(turn: Turn) -> str:
    return " ".join(word.text.strip() for word in turn.words)


def _spans_by_words(turn: Turn, places: Sequence[tuple[int, int]], kinds: Collection[str]) -> Iterable[Span]:
    """What the words themselves say, where the turn's text was written differently (numbers in figures)."""
    text, starts = "", []
    for word in turn.words:
        starts.append(len(text))
        text += word.text.strip() + " "
    for span in redact_text(text, kinds=kinds).spans:
        inside = [i for i, at in enumerate(starts) if at < span.end and at + len(turn.words[i].text) > span.start]
        if inside:
            yield Span(places[inside[0]][0], max(places[inside[-1]][1], places[inside[0]][0] + 1), span.kind)


def _word_places(turn: Turn) -> list[tuple[int, int]] | None:
    """Each word's place in the turn's text; None where words are missing, out of order or outside the turn."""
    if not turn.words:
        return None
    places, cursor, lowered, clock = [], 0, turn.text.lower(), turn.t0 - 1.0
    for word in turn.words:
        text = word.text.strip().lower()
        at = lowered.find(text, cursor)
        # Anything but blanks and punctuation between two words is speech whose seconds are unknown.
        if at < 0 or any(char.isalnum() for char in lowered[cursor:at]):
            return None
        if not clock - 0.05 <= word.t0 <= word.t1 <= turn.t1 + 1.0:
            return None
        places.append((at, at + max(1, len(text))))
        cursor, clock = at + len(text), word.t0
    return None if any(char.isalnum() for char in lowered[cursor:]) else places


def _streams(turns: Sequence[Turn]) -> list[list[int]]:
    """All turns in order, and each speaker's own: a number goes on after `go ahead` from the other side."""
    own: dict[str, list[int]] = {}
    for index, turn in enumerate(turns):
        own.setdefault(turn.speaker, []).append(index)
    return [list(range(len(turns))), *(own.values() if len(own) > 1 else ())]


def _joined(turns: Sequence[Turn], stream: Sequence[int]) -> tuple[str, list[tuple[int, int]]]:
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    size, before = 0, None
    for index in stream:
        if before is not None:
            glue = "\n" if index - before <= _NEIGHBOURS else "\n|\n"
            parts.append(glue)
            size += len(glue)
        places.append((index, size))
        parts.append(turns[index].text)
        size += len(turns[index].text)
        before = index
    return "".join(parts), places


def _spans(text: str) -> Iterable[Span]:
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
        return _named(before, _PHONE_NEAR) or _local_phone(run, text)
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


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; those that overlap become one of the kind that is named first in `KINDS`."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            kind = min(span.kind, merged[-1].kind, key=KINDS.index)
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end), kind)
        else:
            merged.append(span)
    return merged


def _replaced(text: str, spans: Iterable[Span], start: int, end: int) -> str:
    parts, cursor = [], start
    for span in spans:
        parts += [text[cursor : span.start], f"[{span.kind}]"]
        cursor = span.end
    return "".join([*parts, text[cursor:end]])
